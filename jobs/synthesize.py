"""Render a synthetic collection in MIMIC's own layout, with known markers in its radiographs.

Tests the whole chain without credentialed data: every rule that `extract` applies has its cases
here, and what was planted is kept beside the collection as truth.
"""

from __future__ import annotations

from contextlib import closing
from typing import Literal

from pydantic import Field

from data_contracts.synthetic import SYNTHETIC_REGIONS, SYNTHETIC_TRUTH
from jobs._config import JobConfig
from jobs._job import Job

READS = ()
WRITES = (SYNTHETIC_TRUTH, SYNTHETIC_REGIONS)
FILES = ("synthetic/source",)


class Config(JobConfig):
    """What to render, and how much of it."""

    preset: Literal["planted", "null", "weak", "confounded", "acquisition"] = "planted"
    """planted: a marker for every task; null: no sign in any image, independent labels; weak:
    markers that often show another class; confounded: mortality and insurance follow age, which
    shows in the heart; acquisition: race shows in the exposure and at the border."""
    subjects: int = Field(default=400, ge=4, le=100_000)
    """Number of patients."""
    size: int = Field(default=256, ge=32, le=4096)
    """Longer side of an image, in pixels."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Random seed of the whole collection."""
    workers: int | None = Field(default=None, ge=0, le=256, exclude=True)
    """Worker processes, by default one per core; 0 or 1: none."""


def run(config: Config, job: Job) -> None:
    from cxrcore.synthetic.mimic_layout import atomic_tree, write_images
    from cxrcore.synthetic.population import plan
    from cxrcore.synthetic.tables import write_tables
    from cxrcore.synthetic.truth import region_maps, truth
    from cxrcore.workers import usable_cores

    subjects = plan(config.preset, config.subjects, config.seed)
    workers = usable_cores() if config.workers is None else config.workers
    source = job.path(SYNTHETIC_TRUTH).with_name("source")
    with (
        atomic_tree(source) as root,
        job.progress("rendering", len(subjects), "subjects") as advance,
    ):
        write_tables(root, subjects, config.size)
        images = write_images(root, subjects, config.preset, config.size, workers)
        with closing(images):
            for count in images:
                advance(images=count)
        # The truth never lies beside a collection that it does not describe.
        for contract in WRITES:
            job.path(contract).unlink(missing_ok=True)

    regions = region_maps(subjects, config.preset)
    job.write(SYNTHETIC_REGIONS, regions, preset=config.preset, seed=config.seed)
    truths = truth(regions, config.preset)
    job.write(SYNTHETIC_TRUTH, truths, preset=config.preset, seed=config.seed)
    job.log(f"wrote {len(subjects)} subjects and {count} images to {source}")
