"""Select the study cohort from a collection's tables, with labels and split.

Writes the cohort, the account of every exclusion, and the cohort's characteristics.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW, MIN_CELL_COUNT
from data_contracts.synthetic import is_synthetic
from jobs._config import JobConfig
from jobs._job import Job

READS = ()
WRITES = (COHORT, COHORT_FLOW, COHORT_CHARACTERISTICS)


class Config(JobConfig):
    """What to extract, and from where."""

    source: Literal["mimic", "nih"] = "mimic"
    """Layout of the collection: MIMIC-CXR with MIMIC-IV, or NIH ChestX-ray14."""
    mimic_iv: Path | None = Field(default=None, exclude=True)
    """Folder of MIMIC-IV, with hosp/ (core/ in version 1.0) and optionally ed/."""
    mimic_cxr: Path | None = Field(default=None, exclude=True)
    """Folder of MIMIC-CXR, with cxr-record-list.csv.gz, the metadata and files/."""
    root: Path | None = Field(default=None, exclude=True)
    """Folder of NIH ChestX-ray14, with Data_Entry_2017*.csv and images/."""
    select: Literal["one-per-subject", "one-per-study", "all"] = "one-per-subject"
    """Which of the eligible images to keep; one is chosen by a seeded hash."""
    min_age: int = Field(default=18, ge=0, le=120)
    """Minimum age at the study, in years."""
    horizon: int = Field(default=365, ge=1, le=3650)
    """Follow-up horizon of the mortality label, in days after the study."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Random seed of the split of subjects and of the choice of images."""
    min_cell_count: int = Field(default=MIN_CELL_COUNT, ge=0, le=1000)
    """Fewer patients are not disclosed; 0: all are. Never applied to synthetic patients."""


def sources(config: Config) -> dict[str, Path]:
    """The table files that are read, by a name that does not depend on the host."""
    from cxrcore.sources import locate

    folders = {"mimic_iv": config.mimic_iv, "mimic_cxr": config.mimic_cxr, "root": config.root}
    return locate(config.source, folders)


def run(config: Config, job: Job) -> None:
    from cxrcore.cohort import assemble, characteristics
    from cxrcore.sources import adapter
    from data_contracts.disclosure.cohort import disclosed_characteristics, disclosed_flow

    images = adapter(config.source).read(job.sources, config.horizon)
    cohort, flow = assemble(images, config.source, config.select, config.min_age, config.seed)
    job.require_same_sources()
    job.stop_if_asked()
    synthetic = all(map(is_synthetic, job.sources.values()))
    least = 0 if synthetic else config.min_cell_count
    job.write(COHORT, cohort, source=config.source, select=config.select, split_seed=config.seed)
    shown = disclosed_flow(flow, least)
    job.write(COHORT_FLOW, shown, min_cell_count=least, synthetic=synthetic)
    table_one = disclosed_characteristics(characteristics(cohort), least)
    job.write(COHORT_CHARACTERISTICS, table_one, min_cell_count=least)
    job.log(f"included {cohort.height:,} of {images.height:,} images in the cohort")
