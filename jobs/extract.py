"""Select the study cohort from a collection's tables, with labels and split.

Writes the cohort, the account of every exclusion, and the cohort's characteristics.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from pydantic import Field

from data_contracts.cohort import COHORT, LABEL_PREFIX, PIXEL_SOURCES, tasks_of
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW, MIN_CELL_COUNT
from data_contracts.errors import UsageError
from data_contracts.synthetic import is_synthetic
from jobs._config import JobConfig
from jobs._job import Job
from jobs._sources import file_digest

if TYPE_CHECKING:
    import polars as pl

READS = ()
WRITES = (COHORT, COHORT_FLOW, COHORT_CHARACTERISTICS)
#: Earlier versions labelled mortality by a rule that depends on the outcome.
SINCE = "0.3.0"

#: The split file among the sources.
_SPLIT = "split"


class Config(JobConfig):
    """What to extract, and from where."""

    source: Literal["mimic", "chexpert", "chexpert-plus", "nih", "padchest", "vindr", "table"] = (
        "mimic"
    )
    """The collection; table: any table of your own."""
    mimic_iv: Path | None = Field(default=None, exclude=True)
    """Folder of MIMIC-IV, with hosp/ (core/ in version 1.0) and optionally ed/."""
    mimic_cxr: Path | None = Field(default=None, exclude=True)
    """Folder of MIMIC-CXR or MIMIC-CXR-JPG, with the metadata, its record list and files/."""
    root: Path | None = Field(default=None, exclude=True)
    """Folder of any other collection, with its tables and images."""
    table: Path | None = Field(default=None, exclude=True)
    """Table with a row for each image: CSV, TSV (also .gz), Excel (.xlsx) or Parquet."""
    patients: Path | None = Field(default=None, exclude=True)
    """A further table with a row for each patient, of CheXpert or one that the mapping names."""
    omr: Path | None = Field(default=None, exclude=True)
    """Table hosp/omr of MIMIC-IV: adds the body mass index nearest before each study."""
    mapping: Path | None = Field(default=None, exclude=True)
    """YAML file that says which column of the table is what; --inspect proposes one."""
    inspect: bool = Field(default=False, exclude=True)
    """Print a mapping proposed for --table, without values of few patients; write nothing."""
    split_by: Literal["hash", "time"] = "hash"
    """How patients are split; time: those of the latest anchor_year_group of MIMIC-IV are test."""
    split_file: Path | None = Field(default=None, exclude=True)
    """CSV with subject_id and split, as of `cxr export-split`; other patients are excluded."""
    select: Literal["one-per-subject", "one-per-study", "all"] = "one-per-subject"
    """Which of the eligible images to keep; one is chosen by a seeded hash."""
    min_age: int = Field(default=18, ge=0, le=120)
    """Minimum age at the study, in years; with 0 images of unknown age are kept."""
    max_age: int = Field(default=120, ge=0, le=120)
    """Maximum age at the study, in years; 64 leaves out those who have Medicare by their age."""
    view: Literal["any", "PA", "AP"] = "any"
    """Which frontal view to keep; one alone takes the difference between views out."""
    no_finding_only: bool = False
    """Keep only images whose report names no finding."""
    horizon: int = Field(default=365, ge=1, le=3650)
    """Follow-up horizon of the mortality label, in days after the study."""
    further_horizon: Annotated[
        tuple[Annotated[int, Field(ge=1, le=3650)], ...], Parameter(negative=())
    ] = ()
    """Another follow-up horizon, in days; 90 gives the task mortality_90d; may be given often."""
    allow_outcome_dependent_label: bool = False
    """Accept horizons over 365 days: who has a mortality label then depends on the outcome."""
    label: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """Further task, NAME=COLUMN[:GROUPS], of any column of the tables; may be given often."""
    under65: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """Tasks that only patients under 65 are labelled for; may be given often."""
    race_conflict: Literal["exclude", "majority", "latest"] = "exclude"
    """Of a patient of several race groups: no label, the group of most stays, or of the latest."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Random seed of the split of subjects, unless a file gives it, and of the choice of images."""
    min_cell_count: int = Field(default=MIN_CELL_COUNT, ge=0, le=1000)
    """Fewer patients are not disclosed; 0: all are. Never applied to synthetic patients."""


def preview(config: Config) -> str | None:
    """The proposed mapping, where it is asked for."""
    if not config.inspect:
        return None
    from cxrcore.sources import table

    if config.source != "table" or config.table is None:
        raise UsageError("--inspect needs --source table and --table FILE")
    return table.inspect(config.table, config.patients, config.min_cell_count)


def sources(config: Config) -> dict[str, Path]:
    """The table files that are read, by a name that does not depend on the host.

    Raises `UsageError` where the mortality label would depend on the outcome unasked, and for a
    setting that the source has no data for.
    """
    from cxrcore.sources import locate, parse_labels

    parse_labels(config.label)
    _require_supported(config)
    if (late := _outcome_dependent(config)) and not config.allow_outcome_dependent_label:
        raise UsageError(
            f"{late}: beyond a year only patients who come back are observed "
            "to the end, so who has a mortality label depends on the outcome; take 365 or less, "
            "or accept it with --allow-outcome-dependent-label"
        )
    names = ("mimic_iv", "mimic_cxr", "root", "table", "patients", "omr", "mapping")
    found = locate(config.source, {name: getattr(config, name) for name in names})
    return found | ({_SPLIT: config.split_file} if config.split_file else {})


def _require_supported(config: Config) -> None:
    """Raise `UsageError` for settings that exclude each other, or that the source cannot follow."""
    from cxrcore.sources import adapter

    needed = {
        "split_by": "when its patients came; take --split-by hash, or a split with --split-file",
        "race_conflict": "the race at several stays of a patient; take --race-conflict exclude",
    }
    for name, what in needed.items():
        value, default = getattr(config, name), config.defaults()[name]
        if value != default and name not in adapter(config.source).settings:
            flag = f"--{name.replace('_', '-')} {value}"
            raise UsageError(f"{flag}: the source {config.source} does not say {what}")
    if config.split_by != "hash" and config.split_file:
        raise UsageError(
            f"--split-by {config.split_by} and --split-file exclude each other; give one"
        )
    if len({config.horizon, *config.further_horizon}) <= len(config.further_horizon):
        raise UsageError(
            "--further-horizon: want each horizon once, and none that is --horizon already"
        )


def _outcome_dependent(config: Config) -> str:
    """The flags whose label depends on the outcome, empty without any."""
    from cxrcore.labels import KNOWN_AFTER_DISCHARGE
    from cxrcore.sources import adapter

    flags = [("--horizon", config.horizon)]
    flags += [("--further-horizon", days) for days in config.further_horizon]
    late = [f"{flag} {days}" for flag, days in flags if days > KNOWN_AFTER_DISCHARGE]
    return ", ".join(late) if "mortality" in adapter(config.source).tasks else ""


def run(config: Config, job: Job) -> None:
    from cxrcore.cohort import Limits, assemble, characteristics
    from cxrcore.labels import only_under_65
    from cxrcore.sources import LabelRules, parse_labels, read
    from data_contracts.disclosure.cohort import disclosed_characteristics, disclosed_flow

    tables = {name: path for name, path in job.sources.items() if name != _SPLIT}
    horizons = config.horizon, *config.further_horizon
    rules = LabelRules(horizons, parse_labels(config.label), config.race_conflict)
    images = read(config.source, tables, rules)
    images = only_under_65(images, config.under65)
    splits, split_facts = _splits(config, images, job)
    limits = Limits(config.max_age, config.view, config.no_finding_only)
    cohort, flow = assemble(
        images, config.source, config.select, config.min_age, config.seed, splits, limits
    )
    job.require_same_sources()
    job.stop_if_asked()
    synthetic = all(map(is_synthetic, tables.values()))
    least = 0 if synthetic else config.min_cell_count
    rule = images["mortality_rule"].first() if "mortality_rule" in images.columns else None
    job.write(
        COHORT, cohort, source=config.source, select=config.select, split_seed=config.seed,
        mortality_rule=rule, pixel_source=_pixel_source(cohort), **split_facts,
    )  # fmt: skip
    shown = disclosed_flow(flow, least)
    job.write(COHORT_FLOW, shown, min_cell_count=least, synthetic=synthetic)
    if "linkage" in images.columns:
        cohort = cohort.join(images.select("image_id", "linkage"), on="image_id", how="left")
    table_one = disclosed_characteristics(characteristics(cohort), least)
    job.write(COHORT_CHARACTERISTICS, table_one, min_cell_count=least)
    if not synthetic:
        _warn_of_counts(config, images, job)
    _warn(config, cohort, job)
    job.log(f"included {cohort.height:,} of {images.height:,} images in the cohort")


def _splits(
    config: Config, images: pl.DataFrame, job: Job
) -> tuple[pl.DataFrame | None, dict[str, str | None]]:
    """The splits that a file or the time gives, none by the hash; what the cohort says of them."""
    from cxrcore.split_files import read_split_file
    from cxrcore.splits import split_by_time

    splits, digest, period = None, None, None
    if path := job.sources.get(_SPLIT):
        splits, digest = read_split_file(path), file_digest(path)
    elif config.split_by == "time":
        splits, period = split_by_time(images, config.seed)
    split_by = "file" if path else config.split_by
    return splits, {"split_by": split_by, "split_digest": digest, "test_period": period}


def _pixel_source(cohort: pl.DataFrame) -> str | None:
    """The one known format that the cohort's paths name, if there is one."""
    suffixes = cohort["path"].str.extract(r"(\.[^./]*)$").str.to_lowercase().unique()
    return PIXEL_SOURCES.get(suffixes[0]) if suffixes.len() == 1 else None


def _warn_of_counts(config: Config, images: pl.DataFrame, job: Job) -> None:
    from cxrcore.cohort import odd_counts
    from cxrcore.sources import adapter

    collection = adapter(config.source)
    if odd := odd_counts(images, collection.known_counts):
        job.warn(f"does this look like {collection.title}? found {', '.join(odd)}; unless it is a "
                 "part of it, look for missing or cut tables")  # fmt: skip


def _warn(config: Config, cohort: pl.DataFrame, job: Job) -> None:
    from cxrcore.sources import adapter

    if late := _outcome_dependent(config):
        job.warn(
            f"{late}: who has a mortality label depends on the outcome; "
            "deaths are labelled only if a later discharge was recorded"
        )
    if caution := adapter(config.source).caution:
        job.warn(f"--source {config.source}: {caution}")
    if config.omr and cohort["bmi"].is_null().all():
        job.warn(
            "no image has a body mass index from the year before it; is --omr the right table?"
        )
    for task in tasks_of(cohort.columns):
        if cohort[f"{LABEL_PREFIX}{task}"].is_null().all():
            job.warn(f"no image has a label for {task}; cohort/flow.parquet says why")
