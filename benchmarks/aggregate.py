"""Time and memory of `aggregate` on a study of the size of MIMIC-CXR's test patients and more.

    python benchmarks/aggregate.py [--images 50000 --seeds 5 --features 1024] [--profile]

Another process writes drawn networks of four tasks and several seeds as the contracts' artifacts.
They are read and summarised as the job does it, with its default numbers of resamples, surrogates
and permutations. Rendering of the report is left out; it does not grow with the images. Of several
threads the profile shows the first.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent.parent)]

from benchmarks.simulation.artifacts import summarised, write  # noqa: E402
from benchmarks.simulation.worlds import TASKS, WORLDS, Study  # noqa: E402
from cxrcore.associations.inputs import Draws  # noqa: E402
from cxrcore.summary import Settings  # noqa: E402

SETTINGS = Settings(2000, Draws(4999, 999), seed=0, min_cell_count=11)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=2000, help="of the test split")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    args = parser.parse_args()
    names = ["main", *(f"seed{seed}" for seed in range(1, args.seeds))]
    study = Study(
        TASKS | {"race": ("White", "Black", "Asian")},
        {"train": args.images, "val": args.images // 10, "test": args.images},
        {name: (seed, "none") for seed, name in enumerate(names)}
        | {"permuted-labels": (0, "permuted-labels")},
        args.features,
    )
    with tempfile.TemporaryDirectory() as folder:
        # Its memory shall not count.
        drawing = get_context("spawn").Process(target=_draw, args=(Path(folder), study))
        drawing.start()
        drawing.join()
        if drawing.exitcode:
            sys.exit(drawing.exitcode)
        profile = cProfile.Profile()
        begun, before = time.perf_counter(), time.process_time()
        found = (profile.runcall if args.profile else _call)(
            summarised, Path(folder), SETTINGS, study
        )
        seconds, busy = time.perf_counter() - begun, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(study.tasks)} tasks, {args.seeds} seeds, {args.images:,} test images: "
        f"{seconds / 60:.1f} minutes, {busy / 60:.1f} of processor time"
    )
    print(f"peak memory {peak:.1f} GiB")
    print("budget, for 50,000 images, 5 seeds and 1,024 features: 5 minutes on 2 cores, 4 GB")
    print(
        f"{found.associations.height:,} rows of associations, {found.metrics.height:,} of metrics"
    )
    if args.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


def _draw(folder: Path, study: Study) -> None:
    write(folder, WORLDS["used"], np.random.default_rng(0), study)


def _call(function, *arguments):  # type: ignore[no-untyped-def]
    return function(*arguments)


if __name__ == "__main__":
    main()
