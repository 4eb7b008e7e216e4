from __future__ import annotations

import numpy as np
import pytest

from cxrcore.associations import maps
from cxrcore.associations.maps import TargetedMaps, pearson, similarity
from cxrcore.evaluation import bootstrap
from cxrcore.maps import ChosenMaps

GRID = 7


def blob(row: int, column: int) -> np.ndarray:
    r, c = np.mgrid[:GRID, :GRID]
    return np.asarray(np.exp(-((r - row) ** 2 + (c - column) ** 2) / 2.0))


def task(
    seed: int, place: tuple[int, int], classes: int = 2, n: int = 200, strength: float = 1.0
) -> TargetedMaps:
    """Maps with shared anatomy, noise, and a sign for the true class at `place`."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, n)
    speaks = strength * (np.eye(classes)[target] - 1 / classes)
    cam = 3 * blob(3, 3) + speaks[:, :, None, None] * blob(*place)
    cam = (cam + 0.3 * rng.normal(size=cam.shape)).astype(np.float16)
    return TargetedMaps(cam, target)


ONE = np.ones((1, 200), dtype=np.uint8)
EACH = np.arange(200)


def test_class_differences_rank_by_place_where_plain_means_all_look_alike() -> None:
    mortality = task(0, (5, 1))
    near = {"same": task(1, (5, 1), 3), "beside": task(2, (4, 2), 3), "far": task(3, (1, 5))}
    found = {name: similarity(mortality, other, ONE, EACH) for name, other in near.items()}
    differences = [float(f["pearson_of_class_differences"][0]) for f in found.values()]
    assert differences[0] > 0.95
    assert differences[0] > differences[1] > differences[2]
    assert differences[2] < 0.2
    assert min(float(f["pearson_of_means"][0]) for f in found.values()) > 0.9
    assert "signed_pearson_of_class_differences" not in found["same"]
    assert "signed_pearson_of_class_differences" in found["far"]


def test_magnitude_has_no_sign_and_the_signed_statistic_flips_with_the_classes() -> None:
    a, b = task(0, (5, 1)), task(1, (5, 1))
    flipped = TargetedMaps(b.maps[:][:, ::-1], 1 - b.target)
    plain, turned = similarity(a, b, ONE, EACH), similarity(a, flipped, ONE, EACH)
    np.testing.assert_allclose(
        turned["pearson_of_class_differences"], plain["pearson_of_class_differences"]
    )
    other = TargetedMaps(-b.maps[:], b.target)
    np.testing.assert_allclose(
        similarity(a, other, ONE, EACH)["signed_pearson_of_class_differences"],
        -plain["signed_pearson_of_class_differences"],
    )


def taken(one: TargetedMaps, rows: np.ndarray) -> TargetedMaps:
    return TargetedMaps(ChosenMaps(one.maps, rows), one.target[rows])


def test_weights_mean_drawing_images_again(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = task(0, (5, 1)), task(1, (4, 2), 3)
    weights = bootstrap.patient_weights(200, 5, 0, "test")
    found = similarity(a, b, weights, EACH)
    for i, row in enumerate(weights):
        drawn = np.repeat(EACH, row)
        once = similarity(taken(a, drawn), taken(b, drawn), ONE, np.zeros(len(drawn), dtype=int))
        for name, values in found.items():
            assert values[i] == pytest.approx(once[name][0], abs=1e-9)
    monkeypatch.setattr(maps, "_CHUNK_VALUES", 2000)
    for name, values in similarity(a, b, weights, EACH).items():
        np.testing.assert_allclose(values, found[name], atol=1e-12)


def test_per_image_similarity_ignores_what_moves_all_logits_alike() -> None:
    a = task(0, (5, 1))
    shifted = TargetedMaps(a.maps[:].astype(float) + 7 * blob(0, 0), a.target)
    np.testing.assert_allclose(maps.per_image_similarity(a, shifted), 1, atol=1e-9)
    assert abs(maps.per_image_similarity(a, task(9, (1, 5))).mean()) < 0.2


def test_interval_of_a_correlation_holds_its_estimate_and_is_at_most_one() -> None:
    a, b = task(0, (5, 1)), task(1, (5, 1))
    value = float(similarity(a, b, ONE, EACH)["pearson_of_class_differences"][0])
    weights = bootstrap.patient_weights(200, 300, 0, "test")
    resampled = similarity(a, b, weights, EACH)["pearson_of_class_differences"]
    assert np.median(resampled) < value  # what the corrections are for
    low, high, left_out = bootstrap.correlation_interval(value, resampled)
    assert low is not None
    assert high is not None
    assert low < value < high <= 1
    assert left_out == 0


def varied(rng: np.random.Generator, place: tuple[int, int], classes: int) -> TargetedMaps:
    """Maps of 100 patients whose signs differ in strength, with noise smooth like a real map's."""
    target = rng.integers(0, classes, 100)
    speaks = (np.eye(classes)[target] - 1 / classes) * (1 + 0.3 * rng.normal(size=(100, 1)))
    noise = rng.normal(size=(100, classes, GRID, GRID))
    for axis in (-1, -2):
        noise = 0.5 * noise + 0.25 * np.roll(noise, 1, axis) + 0.25 * np.roll(noise, -1, axis)
    sign = blob(*place)
    cam = 3 * blob(3, 3) + speaks[:, :, None, None] * sign + noise * (1 + 2 * sign)
    return TargetedMaps(cam, target)


@pytest.mark.parametrize("place", [(5, 1), (4, 1)])
def test_about_95_of_100_intervals_hold_the_similarity_of_the_population(
    place: tuple[int, int],
) -> None:
    truth = float(pearson(blob(5, 1).ravel(), blob(*place).ravel()))
    held, subject = 0, np.arange(100)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        a, b = varied(rng, (5, 1), 2), varied(rng, place, 3)
        value = similarity(a, b, ONE[:, :100], subject)["pearson_of_class_differences"][0]
        weights = bootstrap.patient_weights(100, 200, seed, "test")
        resampled = similarity(a, b, weights, subject)["pearson_of_class_differences"]
        low, high, _ = bootstrap.correlation_interval(float(value), resampled)
        held += low is not None and high is not None and low <= truth <= high
    assert held >= 91
