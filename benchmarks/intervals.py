"""How often 95 % intervals hold the truth, and how p values spread where nothing is to be found.

    python benchmarks/intervals.py [--draws 400] [--patients 200] [--out FILE] [--figures FOLDER]

Patients are drawn again and again, and every statistic of the report is computed of them by the
functions that `aggregate` calls. The truth is the statistic itself of 200,000 patients, where
the sample does not know it; the intervals should hold it 95 times in 100, and be no method's to
keep if they do so less than 93 times. p values of draws without an effect are uniform. `--out`
gets one line of JSON per draw, and draws that it holds are not made again; `--figures` gets
coverage.png and p-values.png.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import kstest, kstwo
from statsmodels.stats.proportion import proportion_confint

sys.path[:0] = [str(Path(__file__).parent.parent)]

from benchmarks.simulation.evidence_samples import EVIDENCE_SAMPLES  # noqa: E402
from benchmarks.simulation.resumed import Record, records  # noqa: E402
from benchmarks.simulation.samples import SAMPLES, Drawn, Sample, Stated  # noqa: E402

ALL: dict[str, Sample] = {**SAMPLES, **EVIDENCE_SAMPLES}
POPULATION = 200_000
REPLICATES, PERMUTATIONS = 300, 199
NOMINAL, WANTED = 0.95, (0.93, 0.97)

#: By statistic, of every draw: low, high, truth.
Intervals = Mapping[str, Sequence[tuple[float, float, float]]]
PValues = Mapping[str, Sequence[float]]


def draw_once(wanted: Record) -> Record:
    """The intervals of a sample in which something is planted, and the p values without."""
    key, patients = [*wanted["sample"].encode()], wanted["patients"]
    if patients == POPULATION:
        drawn = Drawn(np.random.default_rng([9, *key]), POPULATION, 1.0, 1.0, 2, 1)
        return wanted | {"truth": {s.statistic: s.value for s in ALL[wanted["sample"]](drawn)}}
    rng = np.random.default_rng([wanted["draw"], patients, *key])
    size = patients, REPLICATES, PERMUTATIONS
    return wanted | {
        "intervals": [
            [s.statistic, s.low, s.high, s.truth]
            for s in of(wanted["sample"], rng, *size, effect=1)
        ],
        "p": [[s.statistic, s.p] for s in without_effect(wanted["sample"], rng, patients)],
    }


def of(
    sample: str, rng: np.random.Generator, patients: int, replicates: int, permutations: int, *,
    effect: float, aged: float = 1.0,
) -> Iterable[Stated]:  # fmt: skip
    """What a sample states of patients drawn by `rng`."""
    return ALL[sample](Drawn(rng, patients, effect, aged, replicates, permutations))


def without_effect(sample: str, rng: np.random.Generator, patients: int) -> Iterable[Stated]:
    """The tested statistics where nothing is planted; adjusted ones where all follows age."""
    for aged in (0.0, 1.0):
        for one in of(sample, rng, patients, REPLICATES, PERMUTATIONS, effect=0, aged=aged):
            if one.p is not None and (one.adjustment == "crude") == (aged == 0):
                yield one


def gathered(finished: Sequence[Record]) -> tuple[Intervals, PValues, Mapping[str, int]]:
    """Intervals and p values by statistic, and of how many draws a statistic has no interval."""
    truth = {k: v for r in finished for k, v in r.get("truth", {}).items()}
    intervals: dict[str, list[tuple[float, float, float]]] = {}
    p: dict[str, list[float]] = {}
    without: dict[str, int] = {}
    for record in finished:
        for name, low, high, known in record.get("intervals", ()):
            if low is None or high is None or not np.isfinite([low, high]).all():
                without[name] = without.get(name, 0) + 1
                continue
            of_one = low, high, truth[name] if known is None else known
            intervals.setdefault(name, []).append(of_one)
        for name, value in record.get("p", ()):
            p.setdefault(name, []).append(value)
    return intervals, p, without


def shares(intervals: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Of the intervals, how many hold the truth, lie above it, and below it."""
    low, high, truth = np.array(intervals).T
    above, below = float((low > truth).mean()), float((high < truth).mean())
    return 1 - above - below, above, below


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n."""
    low, high = proportion_confint(round(share * n), n, method="wilson")
    return float(low), float(high)


def table_of_intervals(intervals: Intervals, without: Mapping[str, int]) -> str:
    """Of every interval the share that holds the truth, and on which side others miss it."""
    heads = ("statistic", "holds the truth", "lies above", "lies below", "without an interval")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, found in intervals.items():
        held, above, below = shares(found)
        low, high = wilson(held, len(found))
        sides = f"{held:.3f} ({low:.3f} to {high:.3f}) | {above:.3f} | {below:.3f}"
        lines.append(f"| {name} | {sides} | {without.get(name, 0)} |")
    return "\n".join(lines)


def table_of_p(p: PValues) -> str:
    """Of every test the share at or below 0.05, and Kolmogorov-Smirnov's p against too small."""
    lines = ["| statistic | draws | p ≤ .05 | KS, too small | KS, two-sided |", "|---" * 5 + "|"]
    for name, values in p.items():
        share = float(np.mean(np.array(values) <= 0.05 + 1e-9))
        low, high = wilson(share, len(values))
        small = kstest(values, "uniform", alternative="greater").pvalue
        both = kstest(values, "uniform").pvalue
        rejected = f"{share:.3f} ({low:.3f} to {high:.3f})"
        lines.append(f"| {name} | {len(values)} | {rejected} | {small:.3f} | {both:.3f} |")
    return "\n".join(lines)


def figure_of_intervals(intervals: Intervals) -> Figure:
    """A dot for every statistic, in the band that is wanted or beside it."""
    levels = list(dict.fromkeys(name.split(":")[0] for name in intervals))
    names = sorted(intervals, key=lambda name: levels.index(name.split(":")[0]))[::-1]
    figure = Figure((9, 0.22 * len(names) + 1), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(*WANTED, color="0.92")
    axes.axvline(NOMINAL, color="0.6", lw=0.8)
    for row, name in enumerate(names):
        held = shares(intervals[name])[0]
        low, high = wilson(held, len(intervals[name]))
        # Black where chance explains the distance from the band.
        is_off = high < WANTED[0] or low > WANTED[1]
        color = "#b2182b" if is_off else "black"
        axes.plot([low, high], [row, row], color=color, lw=1)
        axes.plot(held, row, "s" if is_off else "o", color=color, ms=4)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(-1, len(names))
    axes.set_xlabel("share that holds the truth")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def figure_of_p(p: PValues) -> Figure:
    """How far the p values of each level lie from uniform ones, with Kolmogorov's band."""
    levels = list(dict.fromkeys(name.split(":")[0] for name in p))
    columns = 3
    rows = -(-len(levels) // columns)
    figure = Figure((9, 2.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, level in zip(grid, levels, strict=False):
        of_level = {n: np.sort(v) for n, v in p.items() if n.split(":")[0] == level}
        band = kstwo.ppf(0.95, min(map(len, of_level.values())))
        axes.axhspan(-band, band, color="0.92")
        for name, values in of_level.items():
            x = np.concatenate([[0], values, [1]])
            y = np.concatenate([[0], np.arange(1, len(values) + 1) / len(values), [1]])
            # Named and coloured is what leaves the band.
            is_off = float(np.abs(y - x).max()) > band
            text, color = (name.split(": ", 1)[1], None) if is_off else (None, "0.35")
            axes.step(x, y - x, where="post", lw=1.2 if is_off else 0.6, color=color, label=text)
        axes.set_title(level, fontsize=9, loc="left")
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=6, frameon=False, loc="lower left")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(levels) :]:
        axes.set_visible(False)
    figure.supxlabel("p", fontsize=9)
    figure.supylabel("share of draws at or below p, minus p", fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--out", type=Path, help="a line of JSON per draw; resumed")
    parser.add_argument("--figures", type=Path, help="folder of coverage.png and p-values.png")
    args = parser.parse_args()
    wanted = [{"sample": name, "patients": POPULATION} for name in args.samples]
    wanted += [
        {"sample": name, "patients": args.patients, "draw": draw}
        for draw in range(args.draws)
        for name in args.samples
    ]
    intervals, p, without = gathered(list(records(wanted, args.out, draw_once)))
    print(f"{table_of_intervals(intervals, without)}\n\n{table_of_p(p)}")
    if args.figures:
        args.figures.mkdir(parents=True, exist_ok=True)
        figures = {"coverage": figure_of_intervals(intervals), "p-values": figure_of_p(p)}
        for name, figure in figures.items():
            figure.savefig(args.figures / f"{name}.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
