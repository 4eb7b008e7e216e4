"""Draw a synthetic collection in MIMIC's own layout, with known signs in its radiographs.

No credentialed data is needed to prove the whole chain: every rule that `extract` applies has
its cases here, and what was planted is kept beside the tree as truth.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field

from data_contracts.synthetic import SYNTHETIC_REGIONS, SYNTHETIC_TRUTH
from jobs._config import JobConfig
from jobs._job import Job

READS = ()
WRITES = (SYNTHETIC_TRUTH, SYNTHETIC_REGIONS)


class Config(JobConfig):
    """What to draw, and how much of it."""

    preset: Literal["planted", "null"] = "planted"
    """planted: a sign for every task; null: no sign in any image, labels independent."""
    subjects: int = Field(default=400, ge=4, le=100_000)
    """Number of patients."""
    size: int = Field(default=256, ge=32, le=4096)
    """Longer side of an image, in pixels."""
    seed: int = Field(default=0, ge=0)
    """Everything that is drawn by chance follows from it."""
    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1, exclude=True)
    """Processes that draw; by default one for each core."""


def run(config: Config, job: Job) -> None:
    from cxrcore.synthetic.population import plan
    from cxrcore.synthetic.tables import write_tables
    from cxrcore.synthetic.tree import region_maps, truth, whole_tree, write_images

    subjects = plan(config.preset, config.subjects, config.seed)
    place = job.path(SYNTHETIC_TRUTH).with_name("source")
    with whole_tree(place) as tree:
        write_tables(tree, subjects, config.size)
        with job.progress("drawing", len(subjects), "subjects") as advance:
            images = 0
            for written in write_images(tree, subjects, config.preset, config.size, config.workers):
                images += written
                advance(images=images)
        # The truth never stands beside a tree that it does not describe.
        for contract in WRITES:
            job.path(contract).unlink(missing_ok=True)

    regions = region_maps(subjects, config.preset)
    facts = {"preset": config.preset, "seed": config.seed}
    job.write(SYNTHETIC_REGIONS, regions, **facts)
    job.write(SYNTHETIC_TRUTH, truth(regions, config.preset), **facts)
    job.say(f"{len(subjects)} subjects and {images} images are in {place}")
