"""Coverage of intervals: what is counted, and that a narrow interval and small p values show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks import intervals
from benchmarks.simulation.samples import Drawn, Stated


def means(drawn: Drawn) -> Iterator[Stated]:
    """A mean with its interval, and one that claims half of its error."""
    mean = float(drawn.rng.normal(drawn.effect, 1, drawn.patients).mean())
    for name, error in (("sound", 1 / drawn.patients**0.5), ("narrow", 0.5 / drawn.patients**0.5)):
        p = float(2 * norm.sf(abs(mean) / error))
        yield Stated(f"mean: {name}", mean, mean - 1.96 * error, mean + 1.96 * error, p)
    yield Stated("mean: known", mean, None if mean < drawn.effect else mean, 9.0, truth=5.0)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["intervals.py", "--samples", "means", *words])
    intervals.main()


def test_a_narrow_interval_and_small_p_values_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(intervals.ALL, "means", means)
    out, words = tmp_path / "draws.jsonl", ("--patients", "30", "--draws", "300")
    run(monkeypatch, *words, "--out", str(out), "--figures", str(tmp_path))
    shown = capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in shown.splitlines()]
    sound, narrow, known = rows[2:5]
    assert 0.92 < float(sound[1][:5]) < 0.98
    assert float(narrow[1][:5]) < 0.75
    assert float(narrow[2]) + float(narrow[3]) == pytest.approx(1 - float(narrow[1][:5]), abs=0.002)
    # The sample's own truth counts; what has no interval is counted apart.
    assert known[1].startswith("1.000")
    assert 100 < int(known[4]) < 200
    of_sound, of_narrow = rows[8:10]
    assert float(of_sound[2][:5]) < 0.09
    assert float(of_sound[3]) > 0.01
    assert float(of_narrow[2][:5]) > 0.25
    assert float(of_narrow[3]) < 1e-6
    for name in ("coverage", "p-values"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5000

    # Finished draws are read, not made again.
    monkeypatch.setattr(intervals, "draw_once", lambda _: pytest.fail("made again"))
    run(monkeypatch, *words, "--out", str(out))
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("sample", intervals.ALL)
def test_every_sample_says_the_same_of_the_same_seed(sample: str) -> None:
    def drawn(effect: float) -> list[Stated]:
        rng = np.random.default_rng(0)
        return list(intervals.of(sample, rng, 60, 20, 9, effect=effect))

    found = drawn(1)
    assert found == drawn(1)
    assert {s.statistic for s in drawn(0)} <= {s.statistic for s in found}
    for one in found:
        assert one.low is None or one.high is None or one.low <= one.high
