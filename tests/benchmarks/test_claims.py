"""Claims of the whole of aggregate on drawn worlds: what is planted is found, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import claims
from benchmarks.simulation.resumed import Record, share
from benchmarks.simulation.worlds import WORLDS

FEW = ["--replicates", "100", "--surrogates", "99", "--permutations", "99"]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["claims.py", *FEW, *words])
    claims.main()


def test_what_is_planted_is_claimed_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "draws.jsonl"
    words = ["--worlds", "unrelated", "used", "--draws", "1", "--seed", "1", "--out", str(out)]
    run(monkeypatch, *words)
    shown = capsys.readouterr().out
    drawn = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one["world"] for one in drawn] == ["unrelated", "used"]
    for one in drawn:
        world = WORLDS[one["world"]]
        for level in claims.LEVELS:
            for kind, claimed in claims.judged(one, world, level).items():
                # Loss by erasure has the least power: it may stay undetermined.
                certain = kind != "found order" and (kind, level) != ("found shared", "use")
                assert claimed == (kind == "found shared") or not certain, (one, level)
    rows = {tuple(line.split(" | ")[:3]): line for line in shown.splitlines()}
    assert "1.00 (0.21 to 1.00)" in rows["| used", "1", "score"]
    assert "1.00" not in rows["| unrelated", "1", "attribution"].split("|")[4]

    # Finished draws are read, not made again.
    monkeypatch.setattr(claims, "draw_once", lambda _: pytest.fail("made again"))
    run(monkeypatch, *words)
    assert capsys.readouterr().out == shown
    assert len(out.read_text().splitlines()) == 2


def record(**verdicts: str) -> Record:
    rows = [
        {"evidence_level": "use", "attribute": attribute, "verdict": verdict}
        for attribute, verdict in verdicts.items()
    ]
    return {"verdicts": rows, "orders": [["use", "insurance", "gender"]]}


def test_a_claim_is_judged_by_what_the_world_holds() -> None:
    found = record(insurance="shared", gender="not shared")
    assert claims.judged(found, WORLDS["used"], "use") == {
        "false shared": False, "false not shared": False, "false order": False,
        "found shared": True, "found order": True,
    }  # fmt: skip
    assert claims.judged(found, WORLDS["unrelated"], "use") == {
        "false shared": True, "false not shared": False, "false order": True,
    }  # fmt: skip
    assert claims.judged(found, WORLDS["blind"], "use")["false not shared"]
    wrong = record(insurance="not shared", gender="shared")
    assert claims.judged(wrong, WORLDS["used"], "use") == {
        "false shared": True, "false not shared": True, "false order": False,
        "found shared": False, "found order": True,
    }  # fmt: skip


def test_p_values_that_are_too_small_are_found() -> None:
    def rows(world: str, values: list[float]) -> list[Record]:
        return [{"world": world, "p": [["use", "loss", "crude", p]]} for p in values]

    even = [(i + 0.5) / 100 for i in range(100)]
    assert "| use | loss | crude | 100 | 0.05 (0.02 to 0.11) | 0.9" in claims.uniformity(
        rows("blind", even)
    )
    assert "| 0.000 |" in claims.uniformity(rows("unrelated", [p / 2 for p in even]))
    # Where something is shared p values are small, and rightly.
    assert "use" not in claims.uniformity(rows("used", even))


def test_shares_stand_beside_wilsons_interval() -> None:
    assert share([True] * 5 + [False] * 95) == "0.05 (0.02 to 0.11)"
    assert share([]) == "–"
