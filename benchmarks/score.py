"""How often the level score calls a trained network's log-odds apart, of patients drawn anew.

    python benchmarks/score.py WORKSPACE [--preset planted] [--patients 2000] [--draws 300]

The mortality network of a finished demonstration reads fresh patients of the same collection. The
correlation over all of them is the truth of this network; the level's test is made of many draws
of as many patients as the demonstration tests on, with their own labels, and with labels shuffled
among patients with the same outcome, where each rejection is false.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

sys.path[:0] = [str(Path(__file__).parent.parent)]

from benchmarks.simulation.resumed import share  # noqa: E402
from benchmarks.simulation.twins import log_odds_of, network_of, prepared  # noqa: E402
from cxrcore.associations.estimate import Estimate  # noqa: E402
from cxrcore.associations.score import HEADLINE, score_estimates  # noqa: E402
from cxrcore.associations.shuffles import GroupShuffles  # noqa: E402
from cxrcore.covariates import design  # noqa: E402
from cxrcore.evaluation.bootstrap import patient_weights  # noqa: E402
from cxrcore.synthetic.population import plan  # noqa: E402
from cxrcore.synthetic.presets import PRESETS, TRAITS, PresetName  # noqa: E402
from cxrcore.synthetic.records import Image  # noqa: E402

#: Another seed than any cohort of the benchmarks has.
FRESH = 1_000_003
PERMUTATIONS = 199


def patients(workspace: Path, preset: PresetName, subjects: int, size: int) -> pl.DataFrame:
    """Log-odds, age, view and labels of the first good frontal image of each fresh patient."""
    network, recipe = network_of(workspace)
    drawn = [
        next((p, s, i) for s in p.studies for i in s.images if _is_good(i))
        for p in plan(preset, subjects, FRESH)
        if any(_is_good(i) for s in p.studies for i in s.images)
    ]
    squares = [prepared(*one, preset, size, recipe.input_size) for one in drawn]
    labels = {
        f"label_{task}": pl.Series(
            [p.labels[task] for p, _, _ in drawn], dtype=pl.Enum(trait.classes)
        )
        for task, trait in TRAITS.items()
    }
    return pl.DataFrame(
        {
            "log_odds": log_odds_of(network, recipe, squares),
            "age": [float(study.age) for _, study, _ in drawn],
            "view": [image.view for _, _, image in drawn],
        }
        | labels
    )


def _is_good(image: Image) -> bool:
    return image.view != "LATERAL" and not image.damaged


def estimate(
    rows: pl.DataFrame, attribute: str, group: NDArray[np.intp], replicates: int = 1
) -> Estimate:
    """The level's headline for the attribute, whose classes are `group` (n,)."""
    target = rows["label_mortality"].to_physical().to_numpy().astype(np.intp)
    (found,) = (
        e
        for e in score_estimates(
            rows["log_odds"].to_numpy()[:, None], group, TRAITS[attribute].classes, target,
            design(rows, leave_out=["label_mortality", f"label_{attribute}"]),
            np.arange(rows.height), patient_weights(rows.height, replicates, 0, "test"),
            PERMUTATIONS,
        )
        if (e.statistic, e.adjustment) == (HEADLINE.statistic, HEADLINE.adjustment)
    )  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--preset", choices=PRESETS, default="planted")
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--tested", type=int, default=105, help="patients of a draw")
    parser.add_argument("--draws", type=int, default=300)
    args = parser.parse_args()
    everyone = patients(args.workspace, args.preset, args.patients, args.size)
    rng = np.random.default_rng(0)
    print(f"{everyone.height:,} fresh patients, {args.draws} draws of {args.tested}; p ≤ .05 in\n")
    print("| attribute | correlation of all | own labels | shuffled labels |")
    print("|---|---|---|---|")
    for attribute in [task for task in TRAITS if task != "mortality"]:
        found: list[list[bool]] = [[], []]
        for draw in range(args.draws):
            rows = everyone[rng.choice(everyone.height, args.tested, replace=False)]
            target = rows["label_mortality"].to_physical().to_numpy().astype(np.intp)
            own = rows[f"label_{attribute}"].to_physical().to_numpy().astype(np.intp)
            (order,) = GroupShuffles(target, (FRESH, draw)).orders(1)
            for kind, group in enumerate((own, own[order])):
                p = estimate(rows, attribute, group).p
                found[kind].append(p is not None and p <= 0.05)
        own = everyone[f"label_{attribute}"].to_physical().to_numpy().astype(np.intp)
        whole = estimate(everyone, attribute, own, 1000)
        told = f"{whole.value:.3f} ({whole.low:.3f} to {whole.high:.3f})"
        print(f"| {attribute} | {told} | {share(found[0])} | {share(found[1])} |")


if __name__ == "__main__":
    main()
