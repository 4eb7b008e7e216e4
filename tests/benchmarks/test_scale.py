"""The simulation of a cluster: it keeps the rules of a schedule, and its arithmetic is plain."""

from __future__ import annotations

import sys

import pytest

from benchmarks import scale
from benchmarks.scale import Step, schedule

RATES = {name: default for name, (default, _) in scale.RATES.items()}


def test_a_chain_takes_the_sum_and_is_its_own_critical_path() -> None:
    steps = [Step("extract", 1, "node"), Step("train-task", 2, "gpu", ("extract",))]
    ends, chain = schedule(
        [*steps, Step("explain", 4, "gpu", ("train-task",))], {"node": 1, "gpu": 9}
    )
    assert ends == {"extract": 1, "train-task": 3, "explain": 7}
    assert [step.name for step in chain] == ["extract", "train-task", "explain"]


def test_what_leads_furthest_goes_first() -> None:
    steps = [
        Step("a", 2, "gpu"), Step("b", 2, "gpu"), Step("long", 1, "gpu"),
        Step("after", 5, "node", ("long",)),
    ]  # fmt: skip
    ends, chain = schedule(steps, {"node": 1, "gpu": 1})
    assert ends["long"] == 1
    assert max(ends.values()) == 6
    assert [step.name for step in chain] == ["long", "after"]


def test_a_critical_path_goes_through_the_step_that_held_the_slot() -> None:
    ends, chain = schedule([Step("a", 3, "gpu"), Step("b", 2, "gpu")], {"gpu": 1})
    assert [step.name for step in chain] == ["a", "b"]
    assert max(ends.values()) == 5


@pytest.mark.parametrize("nodes", [1, 3, 8])
def test_no_slot_holds_two_steps_and_none_starts_too_early(nodes: int) -> None:
    steps, slots = scale.steps_of(RATES), {"node": nodes, "gpu": nodes}
    ends, chain = schedule(steps, slots)
    starts = {step.name: ends[step.name] - step.hours for step in steps}
    for step in steps:
        assert all(ends[need] <= starts[step.name] + 1e-9 for need in step.needs)
    for step in steps:
        beside = [
            s for s in steps
            if s.slot == step.slot and starts[s.name] <= starts[step.name] + 1e-9
            and ends[s.name] > starts[step.name] + 1e-9
        ]  # fmt: skip
        assert len(beside) <= slots[step.slot]
    assert sum(step.hours for step in chain) == pytest.approx(max(ends.values()))


def test_every_model_is_trained_once_and_explained_once() -> None:
    steps = scale.steps_of(RATES)
    assert [sum(s.stage == stage for s in steps) for stage in scale.STAGES] == [1, 16, 28, 28, 1]
    hours = {s.name: s.hours for s in steps}
    assert hours["train-task gender control1"] < hours["train-task gender seed0"] / 10
    images = 377_110
    expected = 10 * images * (0.6 / 400 + 0.1 / 1200) + images / 1200
    assert hours["train-task race seed1"] == pytest.approx(expected / 3600)


def test_the_slowest_limits() -> None:
    limits = scale.image_rates(RATES | {"network-gbit": 8, "images": 1000, "terabytes": 0.01})
    assert limits["preprocess"]["network"] == pytest.approx(100)
    slow = {"latency-ms": 900.0, "decode-ms": 0.0, "fetch-ms": 1000.0, "cores": 4.0}
    # Four cores give 4 images a second, and each is 1.9 s and its transfer under way.
    assert scale.workers(RATES | slow | {"stream-mb": 1e9}) == 8


def test_what_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["scale.py", "--nodes", "2", "--times", "1", "--train-rate=40"]
    )
    scale.main()
    shown = capsys.readouterr().out
    assert "377,110 images, 4.7 TB; 28 models" in shown
    assert "image store 18.9 GB, features 21.6 GB" in shown
    assert "2 nodes  limited by" in shown
    (train,) = (line for line in shown.splitlines() if line.startswith("  train-task"))
    assert train.endswith("GPU")


@pytest.mark.parametrize("words", [["--gpus", "0.5"], ["--train-rate", "0"], ["--nodes", "0"]])
def test_what_no_cluster_has_is_refused(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scale.py", *words])
    with pytest.raises(SystemExit, match="2"):
        scale.main()


def test_assumptions_are_called_so() -> None:
    origins = {name: origin for name, (_, origin) in scale.RATES.items()}
    for name in ("train-rate", "predict-rate", "network-gbit", "latency-ms"):
        assert "ASSUMED" in origins[name]
        assert "measured" not in origins[name]
