"""The phantoms: anatomy the right way round, markers in their place and readable."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from cxrcore.synthetic import markers, phantom, truth
from cxrcore.synthetic.phantom import Plane, Pose
from cxrcore.synthetic.presets import PRESETS, TRAITS

STRAIGHT = Pose((0.0, 0.0), (1.0, 1.0), 0.0)
MARKERS = PRESETS["planted"].markers


def _body(seed: int, pose: Pose = STRAIGHT, size: int = 128) -> Plane:
    rng = np.random.default_rng(seed)
    return phantom.expose(rng, phantom.frontal(rng, pose, size))


def _grey(image: Plane, u: float, v: float, half: int = 3) -> float:
    n = image.shape[0]
    row, column = round((v + 1) / 2 * n), round((u + 1) / 2 * n)
    return float(image[row - half : row + half, column - half : column + half].mean())


@pytest.mark.parametrize("seed", range(8))
def test_anatomy_lies_the_right_way_round(seed: int) -> None:
    image = _body(seed)
    air, lung, spine = _grey(image, -0.93, -0.93), _grey(image, -0.45, 0.0), _grey(image, 0, 0.75)
    assert air < 0.1 < lung < spine <= 1
    assert lung < 0.6 * spine
    # The heart lies at the image's right, and the dome of the liver, at its left, higher.
    assert _grey(image, 0.30, 0.25) > _grey(image, -0.30, 0.25) + 0.1
    assert _grey(image, -0.36, 0.45) > _grey(image, -0.45, 0.1) + 0.15


def test_body_frame_follows_shift_scale_and_rotation() -> None:
    pose = Pose((0.1, -0.05), (1.1, 0.9), np.deg2rad(5.0))
    u, v = phantom.body_frame(pose, 200)
    row, column = np.unravel_index(np.hypot(u - 0.4, v - 0.2).argmin(), u.shape)
    x, y = (column + 0.5) / 100 - 1, (row + 0.5) / 100 - 1
    turn = np.array(
        [[np.cos(pose.angle), -np.sin(pose.angle)], [np.sin(pose.angle), np.cos(pose.angle)]]
    )
    expected = np.array(pose.shift) + turn @ (np.array(pose.scale) * (0.4, 0.2))
    assert np.allclose((x, y), expected, atol=0.01)


def test_a_sign_changes_its_region_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    for task, trait in TRAITS.items():
        pose = phantom.random_pose(rng)
        body = _body(1, pose)
        for label in trait.classes:
            marker = MARKERS[task]
            change = np.abs(markers.render_markers(body, pose, {task: label}, MARKERS) - body)
            u, v = phantom.body_frame(pose, 128)
            distance = np.hypot(u - marker.centre[0], v - marker.centre[1])
            assert change[distance > 1.4 * marker.radius].max() < 0.02 * marker.contrast
            assert change[distance < 0.8 * marker.radius].max() > 0.8 * marker.contrast


def test_each_class_has_a_look_of_its_own() -> None:
    body = _body(1)
    for task, trait in TRAITS.items():
        looks = [
            markers.render_markers(body, STRAIGHT, {task: c}, MARKERS) - body for c in trait.classes
        ]
        for i, first in enumerate(looks):
            for second in looks[i + 1 :]:
                assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.2


def test_regions_lie_where_the_signs_are_and_imply_the_ranking() -> None:
    poses = [phantom.random_pose(np.random.default_rng(i)) for i in range(60)]
    maps = dict(zip(TRAITS, truth.regions(poses, PRESETS["planted"], 64), strict=True))
    for task, region in maps.items():
        assert 0 <= region.min() <= region.max() <= 1
        rows, columns = np.mgrid[:64, :64]
        centre = [(region * axis).sum() / region.sum() / 32 - 1 for axis in (columns, rows)]
        assert np.allclose(centre, MARKERS[task].centre, atol=0.05)
    overlaps = {task: truth.overlap(maps["mortality"], region) for task, region in maps.items()}
    assert overlaps["mortality"] == overlaps["insurance"] == 1
    assert 0.15 < overlaps["race"] < 0.5
    assert overlaps["gender"] == 0
    assert truth.overlap(np.zeros((2, 2)), np.zeros((2, 2))) == 0


def _sample(count: int, planted: bool) -> tuple[np.ndarray, list[dict[str, str]]]:
    """Regions of interest as a network sees them: reduced to 112 by area, no pose removed."""
    chance, images, labels = np.random.default_rng(9), [], []
    for i in range(count):
        rng = np.random.default_rng([9, i])
        label = {t: str(chance.choice(trait.classes)) for t, trait in TRAITS.items()}
        pose = phantom.random_pose(rng)
        body = phantom.expose(rng, phantom.frontal(rng, pose, 224))
        image = phantom.add_noise(
            rng, markers.render_markers(body, pose, label, MARKERS if planted else {})
        )
        # The pose is undone, so that a linear rule can read what a network finds anywhere.
        u = (pose.shift[0] + 1) * 112, (pose.shift[1] + 1) * 112
        turn = cv2.getRotationMatrix2D(u, np.rad2deg(pose.angle), 1 / pose.scale[0])
        turn[:, 2] += 112 - np.array(u)
        straight = cv2.warpAffine(np.asarray(image, dtype=np.float32), turn, (224, 224))
        images.append(cv2.resize(straight, (112, 112), interpolation=cv2.INTER_AREA))
        labels.append(label)
    return np.stack(images), labels


def _auroc(images: np.ndarray, labels: list[dict[str, str]], task: str) -> float:
    trait = TRAITS[task]
    column, row = ((np.array(MARKERS[task].centre) + 1) * 56).astype(int)
    crop = images[:, row - 14 : row + 14, column - 14 : column + 14].reshape(len(images), -1)
    target, half = np.array([trait.classes.index(x[task]) for x in labels]), len(images) * 2 // 3
    model = make_pipeline(PCA(30, random_state=0), LogisticRegression(C=10, max_iter=2000))
    score = model.fit(crop[:half], target[:half]).predict_proba(crop[half:])
    score = score[:, 1] if len(trait.classes) == 2 else score
    return float(roc_auc_score(target[half:], score, multi_class="ovr"))


def test_every_sign_can_be_read_and_none_where_none_is() -> None:
    images, labels = _sample(270, planted=True)
    read = {task: _auroc(images, labels, task) for task in TRAITS}
    assert min(read.values()) > 0.95, read
    blank, labels = _sample(270, planted=False)
    guessed = {task: _auroc(blank, labels, task) for task in TRAITS}
    assert max(abs(a - 0.5) for a in guessed.values()) < 0.15, guessed


def test_lateral_is_an_image_of_its_own() -> None:
    rng = np.random.default_rng(0)
    image = phantom.lateral(rng, STRAIGHT, 128)
    assert _grey(image, 0.1, -0.2) < _grey(image, -0.2, 0.2) - 0.1  # lung, heart
    assert _grey(image, -0.95, -0.95) < 0.1
