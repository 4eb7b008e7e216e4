"""False claims, and found ones, of `aggregate` on worlds whose truth is known.

    python benchmarks/claims.py [--worlds unrelated blind] [--draws 2] [--seed 0] [--out FILE]

Two networks that look at unrelated places, or that are blind, must not come out as similar,
different or ordered: at most 1 time in 20 at any level. Each draw of a world (patients, labels,
logits, features, maps) is written as the contracts' artifacts, read, and summarised as the job
does; only images and training are left out. `--out` gets one line of JSON per finished
draw, and draws that it holds are not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from statsmodels.stats.proportion import proportion_confint

sys.path[:0] = [str(Path(__file__).parent.parent)]

from benchmarks.simulation.artifacts import summarised, write  # noqa: E402
from benchmarks.simulation.worlds import WORLDS, World  # noqa: E402
from cxrcore.associations.inputs import Draws  # noqa: E402
from cxrcore.summary import Settings  # noqa: E402

LEVELS = ("label", "score", "representation", "use", "attribution")
Record = dict[str, Any]
#: What makes two draws the same draw.
_KEY = ("world", "draw", "seed", "replicates", "surrogates", "permutations")


def draw_once(wanted: Record) -> Record:
    """The verdicts and claimed orders of one draw of a world."""
    begun = time.perf_counter()
    rng = np.random.default_rng([wanted["seed"], *wanted["world"].encode(), wanted["draw"]])
    settings = Settings(
        wanted["replicates"], Draws(wanted["surrogates"], wanted["permutations"]),
        wanted["draw"], min_cell_count=0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), WORLDS[wanted["world"]], rng)
        found = summarised(Path(folder), settings)
    columns = ("evidence_level", "attribute", "verdict", "value", "p_holm", "reason")
    orders = found.orders.filter("above").select("evidence_level", "attribute", "other")
    return wanted | {
        "verdicts": found.verdicts.select(columns).to_dicts(),
        "orders": [list(row) for row in orders.rows()],
        "seconds": round(time.perf_counter() - begun, 1),
    }


def records(wanted: Sequence[Record], out: Path | None) -> Iterator[Record]:
    """The finished draws: those that `out` holds, then the others, appended as they end."""
    lines = out.read_text(encoding="utf-8").splitlines() if out and out.exists() else []
    done = {tuple(one[k] for k in _KEY): one for one in map(json.loads, lines)}
    for one in wanted:
        record = done.get(tuple(one[k] for k in _KEY))
        if record is None:
            record = draw_once(one)
            if out:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
        yield record


def judged(record: Record, world: World, level: str) -> dict[str, bool]:
    """Which kinds of claims one draw makes at a level; right ones only where some are planted."""
    planted = world.shared.get(level, ())
    verdicts = {
        row["attribute"]: row["verdict"]
        for row in record["verdicts"]
        if row["evidence_level"] == level
    }
    of_level = [order[1:] for order in record["orders"] if order[0] == level]
    is_blind = world.sees == 0 and level != "label"
    false = {
        "false shared": any(v == "shared" for a, v in verdicts.items() if a not in planted),
        # Of a network that sees nothing, no difference may be claimed either.
        "false not shared": any(
            v == "not shared" for a, v in verdicts.items() if a in planted or is_blind
        ),
        "false order": any(a not in planted or b in planted for a, b in of_level),
    }
    if not planted:
        return false
    return false | {
        "found shared": all(verdicts[a] == "shared" for a in planted),
        "found order": any(a in planted and b not in planted for a, b in of_level),
    }


KINDS = ("false shared", "false not shared", "false order", "found shared", "found order")


def table(finished: Sequence[Record]) -> str:
    """Share of draws with each kind of claim, by world and level, with Wilson's 95 % interval."""
    lines = [f"| world | draws | level | {' | '.join(KINDS)} |", "|---" * (3 + len(KINDS)) + "|"]
    for name, world in WORLDS.items():
        of_world = [r for r in finished if r["world"] == name]
        for level in LEVELS if of_world else ():
            found = [judged(record, world, level) for record in of_world]
            cells = [_share([one[kind] for one in found if kind in one]) for kind in KINDS]
            lines.append(f"| {name} | {len(of_world)} | {level} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(claimed: Sequence[bool]) -> str:
    if not claimed:
        return "–"
    low, high = proportion_confint(sum(claimed), len(claimed), method="wilson")
    return f"{np.mean(claimed):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    numbers = {"draws": 2, "seed": 0, "replicates": 200, "surrogates": 499, "permutations": 199}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, help="a line of JSON per finished draw; resumed")
    args = parser.parse_args()
    options = {name: getattr(args, name) for name in _KEY[2:]}
    wanted = [
        {"world": world, "draw": draw, **options}
        for draw in range(args.draws)
        for world in args.worlds
    ]
    finished = []
    for record in records(wanted, args.out):
        finished.append(record)
        print(
            f"{len(finished)} of {len(wanted)}: {record['world']} {record['draw']}",
            file=sys.stderr,
        )
    print(table(finished))
    print(f"\n{np.median([r['seconds'] for r in finished]):.1f} seconds a draw (median)")


if __name__ == "__main__":
    main()
