"""False claims, and found ones, of `aggregate` on worlds whose truth is known.

    python benchmarks/claims.py [--worlds unrelated blind] [--draws 2] [--seed 0] [--out FILE]

Two networks that look at unrelated places, or that are blind, must not come out as similar,
different or ordered: at most 1 time in 20 at any level. Each draw of a world (patients, labels,
logits, features, maps) is written as the contracts' artifacts, read, and summarised as the job
does; only images and training are left out. `--out` gets one line of JSON per finished
draw, and draws that it holds are not made again. Of the worlds in which nothing is shared it also
says how the p values of each statistic spread: under their null they are uniform.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import kstest

sys.path[:0] = [str(Path(__file__).parent.parent)]

from benchmarks.simulation.artifacts import summarised, write  # noqa: E402
from benchmarks.simulation.resumed import Record, records, share  # noqa: E402
from benchmarks.simulation.worlds import WORLDS, World  # noqa: E402
from cxrcore.associations.inputs import Draws  # noqa: E402
from cxrcore.summary import Settings  # noqa: E402

BY = ("evidence_level", "statistic", "adjustment")
LEVELS = ("label", "score", "representation", "use", "attribution")


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
    tested = found.associations.filter(
        pl.col("primary") & (pl.col("stratum") == "all") & pl.col("p").is_not_null(),
        pl.col("attribute") != pl.col("reference"),
    )
    return wanted | {
        "p": [list(row) for row in tested.select(*BY, "p").rows()],
        "verdicts": found.verdicts.select(columns).to_dicts(),
        "orders": [list(row) for row in orders.rows()],
        "seconds": round(time.perf_counter() - begun, 1),
    }


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
            cells = [share([one[kind] for one in found if kind in one]) for kind in KINDS]
            lines.append(f"| {name} | {len(of_world)} | {level} | {' | '.join(cells)} |")
    return "\n".join(lines)


def uniformity(finished: Sequence[Record]) -> str:
    """By statistic how many p values there are, how many below .05, and Kolmogorov–Smirnov's p.

    Of the worlds without anything shared. Kolmogorov–Smirnov is one-sided: it finds p values that
    are too small. Those of coarse statistics (many shuffles give the same) are too large.
    """
    lines = ["| level | statistic | adjustment | p values | below .05 | KS, p |", "|---" * 6 + "|"]
    found: dict[tuple[str, ...], list[float]] = {}
    for record in finished:
        if not WORLDS[record["world"]].shared and not WORLDS[record["world"]].aged:
            for *by, p in record["p"]:
                found.setdefault(tuple(by), []).append(p)
    for by, values in found.items():
        ks = kstest(values, "uniform", alternative="greater").pvalue
        below = share([p < 0.05 for p in values])
        lines.append(f"| {' | '.join(by)} | {len(values)} | {below} | {ks:.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    numbers = {"draws": 2, "seed": 0, "replicates": 200, "surrogates": 499, "permutations": 199}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, help="a line of JSON per finished draw; resumed")
    args = parser.parse_args()
    options = {name: getattr(args, name) for name in numbers if name != "draws"}
    wanted = [
        {"world": world, "draw": draw, **options}
        for draw in range(args.draws)
        for world in args.worlds
    ]
    finished = list(records(wanted, args.out, draw_once))
    print(f"{table(finished)}\n\n{uniformity(finished)}")
    print(f"\n{np.median([r['seconds'] for r in finished]):.1f} seconds a draw (median)")


if __name__ == "__main__":
    main()
