"""Hours and bytes of the whole analysis on a cluster, from rates: a simulation, not a measurement.

    python benchmarks/scale.py [--nodes 1 8] [--times 1 10] [--train-rate 400] …

Every rate is a flag; `--help` says where its default comes from. The steps of the pipeline are
placed on the nodes in the order of their longest way to the end (list scheduling). Start-up,
queues and failures cost nothing here.
"""

from __future__ import annotations

import argparse
import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

#: Flag: its default, and where that comes from.
RATES: dict[str, tuple[float, str]] = {
    "images": (377_110, "MIMIC-CXR 2.0.0"),
    "terabytes": (4.7, "MIMIC-CXR 2.0.0, DICOM"),
    "decode-ms": (14.8, "core time; measured, docs/benchmarks.md, percentiles"),
    "fetch-ms": (19.0, "core time; measured, benchmarks/object_store.py, without TLS"),
    "loader-us": (60.1, "from the image store; measured, docs/benchmarks.md"),
    "bootstrap-ms": (0.79, "an AUROC of 50,000 images; measured, docs/benchmarks.md"),
    "train-rate": (400, "images/s a GPU, DenseNet121, 224 pixels, float32; ASSUMED"),
    "predict-rate": (1200, "images/s a GPU; ASSUMED: three times the training rate"),
    "latency-ms": (
        150,
        "first byte of an object; ASSUMED, within the 100 to 200 ms that are told of S3",
    ),
    "stream-mb": (85, "MB/s of one request; ASSUMED"),
    "network-gbit": (10, "of a node; ASSUMED"),
    "cores": (16, "of a node; ASSUMED"),
    "gpus": (1, "of a node; ASSUMED"),
    "extract-s": (60, "for the tables of 377,110 images; ASSUMED"),
    "auroc-count": (100, "bootstrapped AUROCs a model, strata and classes; ASSUMED"),
    "images-per-shard": (25_000, "chosen: a store file of 1.25 GB"),
    "epochs": (10, "default of train-task"),
    "seeds": (5, "chosen"),
    "controls": (2, "chosen: permuted labels and random weights, of each task"),
}
STAGES = ("extract", "preprocess", "train-task", "explain", "aggregate")
#: Classes by task.
TASKS = {"mortality": 2, "gender": 2, "race": 3, "insurance": 4}
SIZE, FEATURES, CELLS, REPLICATES = 224, 1024, 49, 2000
TRAIN, VAL, TEST = 0.6, 0.1, 0.3


@dataclass(frozen=True)
class Step:
    """One job: how long it holds a slot (a node's processor, or a GPU), and what it waits for."""

    name: str
    hours: float
    slot: str
    needs: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """The job's name."""
        return self.name.split()[0]


def image_rates(r: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Images/s of a node (preprocess) or a GPU (else), by what limits them."""
    line = r["network-gbit"] * 1e9 / 8
    store = {"processor": 1e6 / r["loader-us"], "network": line / r["gpus"] / SIZE**2}
    return {
        "preprocess": {
            "processor": 1e3 * r["cores"] / (r["decode-ms"] + r["fetch-ms"]),
            "network": line / (r["terabytes"] * 1e12 / r["images"]),
        },
        "train-task": {"GPU": r["train-rate"], **store},
        "explain": {"GPU": r["predict-rate"], **store},
    }


def workers(r: Mapping[str, float]) -> int:
    """Worker processes that keep a node busy while most of them wait for their object."""
    size = r["terabytes"] * 1e6 / r["images"]
    seconds = (r["latency-ms"] + r["decode-ms"] + r["fetch-ms"]) / 1e3 + size / r["stream-mb"]
    return math.ceil(seconds * min(image_rates(r)["preprocess"].values()))


def steps_of(r: Mapping[str, float]) -> list[Step]:
    rate = {stage: min(limits.values()) for stage, limits in image_rates(r).items()}
    n, shards = r["images"], math.ceil(r["images"] / r["images-per-shard"])
    found = [Step("extract", r["extract-s"] * n / RATES["images"][0] / 3600, "node")]
    cut = n / shards / rate["preprocess"] / 3600
    found += [Step(f"preprocess {i}", cut, "node", ("extract",)) for i in range(shards)]
    store = tuple(s.name for s in found[1:])
    fit = r["epochs"] * n * (TRAIN / rate["train-task"] + VAL / rate["explain"]) / 3600
    predict, maps = n / rate["explain"] / 3600, TEST * n / rate["explain"] / 3600
    names = [f"seed{i}" for i in range(int(r["seeds"]))]
    names += [f"control{i}" for i in range(int(r["controls"]))]
    for task in TASKS:
        for name in names:
            # The second control keeps its random weights: it only predicts.
            trained = predict + (0 if name == "control1" else fit)
            found.append(Step(f"train-task {task} {name}", trained, "gpu", store))
            made = (f"train-task {task} {name}",)
            found.append(Step(f"explain {task} {name}", maps, "gpu", made))
    ends = tuple(s.name for s in found if s.stage == "explain")
    aurocs = r["auroc-count"] * len(TASKS) * REPLICATES * TEST * n / 50_000
    return [*found, Step("aggregate", aurocs * r["bootstrap-ms"] / 3.6e6, "node", ends)]


def schedule(
    steps: Sequence[Step], slots: Mapping[str, int]
) -> tuple[dict[str, float], list[Step]]:
    """When each step ends, in hours, and the chain of steps that leads to the last end."""
    by_name, tail = {s.name: s for s in steps}, dict[str, float]()
    for step in reversed(steps):
        after = (tail[s.name] for s in steps if step.name in s.needs)
        tail[step.name] = step.hours + max(after, default=0.0)
    free, waiting = dict(slots), sorted(steps, key=lambda s: -tail[s.name])
    ends, running, before = dict[str, float](), list[tuple[float, str]](), dict[str, str]()
    now, last = 0.0, ""
    while waiting or running:
        for step in [s for s in waiting if all(n in ends for n in s.needs)]:
            if free[step.slot]:
                free[step.slot] -= 1
                waiting.remove(step)
                # It starts when a step ends: one that it needs, or that held its slot.
                before[step.name] = last
                heapq.heappush(running, (now + step.hours, step.name))
        now, last = heapq.heappop(running)
        ends[last] = now
        free[by_name[last].slot] += 1
    chain = [by_name[last]]
    while name := before[chain[-1].name]:
        chain.append(by_name[name])
    return ends, chain[::-1]


def volumes(r: Mapping[str, float]) -> str:
    n, each = r["images"], r["seeds"] + r["controls"]
    models, shards = len(TASKS) * each, math.ceil(n / r["images-per-shard"])
    trained = models - len(TASKS) * (r["controls"] > 1)
    seen = r["epochs"] * (TRAIN + VAL) * trained + (1 + TEST) * models
    maps = sum(each * TEST * n * classes * CELLS * 2 for classes in TASKS.values())
    return f"""{n:,.0f} images, {r["terabytes"]:g} TB; {models:.0f} models
  shards {shards:,}, each of {n / shards:,.0f} images; workers on a node {workers(r)}
  read from the source {r["terabytes"]:g} TB, from the store {seen * n * SIZE**2 / 1e12:.1f} TB
  image store {n * SIZE**2 / 1e9:,.1f} GB, features {n * FEATURES * 2 * models / 1e9:,.1f} GB, \
attributions {maps / 1e9:,.2f} GB
"""


def timetable(r: Mapping[str, float], nodes: Sequence[int]) -> str:
    steps, limits = steps_of(r), image_rates(r)
    plans = [schedule(steps, {"node": k, "gpu": int(k * r["gpus"])}) for k in nodes]
    titles = "".join(f"{f'{k} nodes' if k > 1 else '1 node':>10}" for k in nodes)
    lines = [f"  {'hours':12}{'of work':>10}{titles}  limited by"]
    for stage in STAGES:
        some = [s for s in steps if s.stage == stage]
        spans = [
            max(ends[s.name] for s in some) - min(ends[s.name] - s.hours for s in some)
            for ends, _ in plans
        ]
        cells = "".join(f"{hours:10.2f}" for hours in (sum(s.hours for s in some), *spans))
        limit = limits.get(stage, {"processor": 1.0})
        lines.append(f"  {stage:12}{cells}  {min(limit, key=limit.__getitem__)}")
    whole = "".join(f"{max(ends.values()):10.2f}" for ends, _ in plans)
    lines.append(f"  {'all':12}{sum(s.hours for s in steps):10.2f}{whole}")
    for count, (_, chain) in zip(nodes, plans, strict=True):
        runs = [(stage, list(some)) for stage, some in groupby(chain, lambda s: s.stage)]
        path = ", ".join(f"{len(some)} {stage}" for stage, some in runs)
        lines.append(f"  critical path on {count}: {path}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, (default, origin) in RATES.items():
        parser.add_argument(f"--{name}", type=float, default=default, help=f"{default:g}: {origin}")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--times", type=float, nargs="+", default=[1, 10], help="size of the data")
    options = vars(parser.parse_args())
    rates: dict[str, float] = {name: options[name.replace("-", "_")] for name in RATES}
    least = [v for k, v in rates.items() if k not in ("seeds", "controls", "gpus")]
    if min(*least, *options["times"]) <= 0 or min(rates["gpus"], *options["nodes"]) < 1:
        parser.error("rates and times must be above 0, nodes and GPUs at least 1")
    for times in options["times"]:
        larger = {name: rates[name] * times for name in ("images", "terabytes")}
        print(volumes(rates | larger) + timetable(rates | larger, options["nodes"]) + "\n")


if __name__ == "__main__":
    main()
