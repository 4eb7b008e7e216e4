"""What the whole chain says of synthetic patients, beside what is true of them.

    python benchmarks/truth.py [--presets planted weak …] [--cohorts 0 1 …] [--trainings 2]
        [--side 224] [--out FILE]

Each cohort is rendered, trained on, explained and summarised as `make demo` does it, by the same
settings but for the preset, the cohort's seed and the side of the images (112 pixels give maps of
7×7 cells, 224 of 14×14). With several trainings all networks are trained again from other seeds,
to see whether the orders claimed stay. `--out` gets one line of JSON per finished cohort, with the
commit, and cohorts that it holds are not made again. WEIGHTS names the starting weights; by
default those of the demonstration.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks.simulation.resumed import Record, records, share  # noqa: E402
from benchmarks.simulation.twins import responses  # noqa: E402
from cxrcore.associations.score import HEADLINE as SCORE  # noqa: E402
from cxrcore.synthetic.presets import PRESETS  # noqa: E402
from data_contracts.associations import ORDERS, VERDICTS  # noqa: E402
from data_contracts.mean_heatmaps import MEAN_HEATMAPS  # noqa: E402
from data_contracts.store import open_arrays, read_table  # noqa: E402
from data_contracts.summary import METRICS  # noqa: E402
from data_contracts.synthetic import SYNTHETIC_REGIONS, SYNTHETIC_TRUTH  # noqa: E402

LEVELS = ("label", "score", "representation", "use", "attribution")


def cohort_once(wanted: Record) -> Record:
    """Verdicts, AUROCs, places of evidence and responses to signs on one cohort."""
    begun = time.perf_counter()
    settings = yaml.safe_load((ROOT / "demo" / "planted.yaml").read_text(encoding="utf-8"))
    drawn = settings["synthesize"]
    drawn |= {"preset": wanted["preset"], "seed": wanted["cohort"]}
    settings["preprocess"]["size"] = wanted["side"]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        summarise(settings, workspace)
        moved = responses(
            workspace, drawn["preset"], drawn["subjects"], drawn["size"], drawn["seed"]
        )
        found = read(workspace) | {"responses": moved, "orders": [orders(workspace)]}
        for training in range(1, wanted["trainings"]):
            for model in settings["models"].values():
                model["seed"] = training
            summarise(settings, workspace)
            found["orders"].append(orders(workspace))
    seconds = round(time.perf_counter() - begun)
    return wanted | found | {"commit": commit(), "seconds": seconds}


def summarise(settings: Mapping[str, Any], workspace: Path) -> None:
    """Bring the workspace up to date with the settings: the whole chain, or what has changed."""
    file = workspace.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    given = ["--config", str(file), "--workspace", str(workspace)]
    subprocess.run(
        [sys.executable, "-m", "jobs", "run", *given], cwd=ROOT, check=True,
        env={"WEIGHTS": weights()} | os.environ, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def orders(workspace: Path) -> list[list[str]]:
    """The orders claimed: level, the attribute above, the attribute below."""
    claimed = read_table(ORDERS, ORDERS.path(workspace)).frame.filter("above")
    return [list(row) for row in claimed.select("evidence_level", "attribute", "other").rows()]


def commit() -> str:
    """The commit of this source tree, with -dirty where it was changed."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()


def weights() -> str:
    """The file of the demonstration's starting weights."""
    command = [sys.executable, str(ROOT / "demo" / "weights.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def read(workspace: Path) -> Record:
    """What the summary says, and what the truth expects of it."""
    truth = read_table(SYNTHETIC_TRUTH, SYNTHETIC_TRUTH.path(workspace)).frame
    expected = {row["task"]: row for row in truth.iter_rows(named=True)}
    rows = read_table(VERDICTS, VERDICTS.path(workspace)).frame.iter_rows(named=True)
    metrics = read_table(METRICS, METRICS.path(workspace)).frame.filter(
        metric="auroc", split="test", stratum="all", name="main"
    )
    return {
        "verdicts": [
            {name: row[name] for name in ("evidence_level", "attribute", "verdict", "value")}
            | {"expected": expected[row["attribute"]][f"expected_{row['evidence_level']}"]}
            for row in rows
            if row["evidence_level"] in LEVELS
        ],
        "auroc": dict(metrics.select("task", "value").iter_rows()),
        "at_its_sign": at_its_sign(workspace),
    }


def at_its_sign(workspace: Path) -> dict[str, bool]:
    """By task with a sign whether its network's evidence peaks where the sign was planted.

    The peak is the cell of the largest class difference. It may lie beside the sign, since a
    cell's evidence comes from a field larger than the cell; the sign's cells are those of which it
    covers at least half as much as of the cell that it covers most.
    """
    with open_arrays(SYNTHETIC_REGIONS, SYNTHETIC_REGIONS.path(workspace)) as truth:
        regions = dict(zip(truth.read("task").tolist(), truth.read("region"), strict=True))
    with open_arrays(MEAN_HEATMAPS, MEAN_HEATMAPS.path(workspace)) as maps:
        named = {n: maps.read(n) for n in ("task", "name", "stratum", "class_difference", "grid")}
    found = {}
    for task, region in regions.items():
        chosen = (named["task"] == task) & (named["name"] == "main") & (named["stratum"] == "all")
        if not region.any() or not chosen.any():
            continue
        rows, columns = named["grid"][chosen][0]
        differences = np.abs(named["class_difference"][chosen][:, :rows, :columns]).max(axis=0)
        covered = cv2.resize(region, (int(columns), int(rows)), interpolation=cv2.INTER_AREA)
        peak = np.unravel_index(np.nanargmax(differences), differences.shape)
        near = cv2.dilate(
            (covered >= covered.max() / 2).astype(np.uint8), np.ones((3, 3), np.uint8)
        )
        found[task] = bool(near[peak])
    return found


def expected(row: Record, responses: Mapping[str, float]) -> str:
    """What the truth says of a verdict.

    Of the level score it is the network's own: whether it responds to a sign is not planted, but
    twins that differ in the sign alone show it.
    """
    if row["evidence_level"] != "score" or row["attribute"] not in responses:
        return str(row["expected"])
    assert SCORE.relevant_effect is not None
    responds = responses[row["attribute"]] >= SCORE.relevant_effect
    return "shared" if responds else "not shared"


def judged(record: Record) -> dict[str, bool]:
    """Which of the checks of its preset a cohort passes."""
    verdicts = {(row["evidence_level"], row["attribute"]): row for row in record["verdicts"]}
    said = [
        (row["verdict"], expected(row, record.get("responses", {}))) for row in record["verdicts"]
    ]
    checks = {
        "nothing falsely shared": not {("shared", "not shared"), ("shared", "crude only")}
        & {*said},
        "nothing falsely not shared": ("not shared", "shared") not in said,
        "evidence peaks at each sign": all(record["at_its_sign"].values()),
    }
    if record["preset"] in ("planted", "acquisition"):
        insurance = verdicts["attribution", "insurance"]
        checks["insurance shared at attribution"] = insurance["verdict"] == "shared"
    if record["preset"] == "weak":
        values = [verdicts["attribution", a]["value"] for a in ("insurance", "race", "gender")]
        checks["insurance above race above gender"] = None not in values and values == sorted(
            values, reverse=True
        )
        checks["every AUROC between .65 and .85"] = all(
            0.65 <= v <= 0.85 for v in record["auroc"].values()
        )
    if len(record.get("orders", ())) > 1:
        claimed = {tuple(order) for training in record["orders"] for order in training}
        checks["no order that another training reverses"] = not any(
            (level, below, above) in claimed for level, above, below in claimed
        )
    if record["preset"] == "null":
        del checks["evidence peaks at each sign"]
    return checks


def table(finished: Sequence[Record]) -> str:
    """Share of cohorts that pass each check, by preset, with Wilson's 95 % interval."""
    lines = ["| preset | cohorts | AUROC, median by task | check | share |", "|---" * 5 + "|"]
    for preset in PRESETS:
        of_preset = [r for r in finished if r["preset"] == preset]
        passed = [judged(r) for r in of_preset]
        for check in passed[0] if passed else ():
            found = share([one[check] for one in passed])
            lines.append(
                f"| {preset} | {len(passed)} | {_medians(of_preset)} | {check} | {found} |"
            )
    return "\n".join(lines)


def _medians(of_preset: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    tasks = of_preset[0]["auroc"]
    return ", ".join(
        f"{task} {np.median([r['auroc'][task] for r in of_preset]):.2f}" for task in tasks
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--cohorts", nargs="+", type=int, default=[0], help="seeds of the patients")
    parser.add_argument("--trainings", type=int, default=1)
    parser.add_argument("--side", type=int, default=112, help="of the images, in pixels")
    parser.add_argument("--out", type=Path, help="a line of JSON per finished cohort; resumed")
    args = parser.parse_args()
    wanted = [
        {"preset": preset, "cohort": cohort, "side": args.side, "trainings": args.trainings}
        for cohort in args.cohorts
        for preset in args.presets
    ]
    finished = list(records(wanted, args.out, cohort_once))
    print(table(finished))
    print(f"\n{np.median([r['seconds'] for r in finished]):.0f} seconds a cohort (median)")


if __name__ == "__main__":
    main()
