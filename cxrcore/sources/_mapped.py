"""Images from tables with a row for each, by a mapping that says which column is what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cxrcore.sources._further_labels import groups_of
from cxrcore.sources._groups import class_columns, class_of, is_one_of
from cxrcore.sources._joins import spelling_faults
from cxrcore.sources._label_rules import horizon_tasks
from cxrcore.sources._mapped_tables import MappedTables, read_joined
from cxrcore.sources._mapping import Mapping
from cxrcore.sources._outcomes import mortality_columns, outcome_columns, outcome_faults
from data_contracts.cohort import ADMISSION_MATCHES, AGES, VIEWS
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

NOT_FRONTAL = "not a frontal view (AP or PA)"
BAD_AGE = "age below 0 or above 120: a faulty entry"
DIED_BEFORE = "date of death before the study"


def read_images(
    tables: MappedTables,
    mend: Callable[[pl.DataFrame], pl.DataFrame] = lambda table: table,
) -> pl.DataFrame:
    """Every image of the tables; see `Adapter.read`.

    `mend` changes what the mapping cannot say, in a table with the names of `columns_of`. Raises
    one `SourceError` for all faults of a stage.
    """
    return images_of(mend(read_joined(tables)), tables)


def images_of(table: pl.DataFrame, tables: MappedTables) -> pl.DataFrame:
    """The images of a table that was read, with the names of `columns_of`; see `read_images`."""
    mapping = tables.mapping
    horizons = horizon_tasks(tables.rules.horizons)
    tasks = [*mapping.labels, *horizons]
    groups, faults = groups_of(tables.rules.further, table, _ids(mapping), tasks)
    faults += [
        f"labels.{task} has the name of the label within {days} days"
        for task, days in horizons.items()
        if task != "mortality" and task in mapping.labels
    ]
    table = _absent_as_null(table).with_columns(**outcome_columns(mapping.mortality))
    mapping = mapping.model_copy(update={"labels": {**mapping.labels, **groups}})
    images = _images(table, mapping, tables.rules.horizons)
    if faults := faults + _faults(images, table, tables):
        raise SourceError(f"{tables.images[0]}: {'; '.join(faults)}; {tables.remedy}")
    return images


def _ids(mapping: Mapping) -> list[str]:
    """The columns that name patients, studies and images."""
    named = (mapping.path, mapping.image_id, mapping.subject_id, mapping.patients, mapping.study_id)
    return [of.column for of in named if of]


def _images(table: pl.DataFrame, mapping: Mapping, horizons: Sequence[int]) -> pl.DataFrame:
    import polars as pl

    table = table.with_columns(**_views(mapping)).with_columns(excluded=_excluded(mapping))
    return table.select(
        "image_id", "path", "subject_id", "study_time", "view", "excluded", "days_to_death",
        study_id=_study_ids(), age=pl.col("age").cast(pl.Float32),
        follow_up_days=pl.coalesce("days_to_death", pl.col("observed_days").clip(0)),
        no_finding=is_one_of("no_finding", mapping.no_finding) if mapping.no_finding
                   else pl.lit(None, pl.Boolean),
        admission_match=pl.lit(None, pl.Enum(ADMISSION_MATCHES)),
        mortality_rule=pl.lit(_mortality_rule(mapping), pl.String),
        **_labels(mapping, horizons),
    )  # fmt: skip


def _faults(images: pl.DataFrame, table: pl.DataFrame, tables: MappedTables) -> list[str]:
    mapping = tables.mapping
    faults = outcome_faults(table, mapping.mortality) if mapping.mortality else []
    faults += spelling_faults(images["subject_id"], mapping.subject_id.column)
    repeats = table.select("table", "row").filter(~images["path"].is_first_distinct())
    if not repeats.is_empty():
        faults.append(
            f"column '{mapping.path.column}': {repeats.height:,} rows repeat an earlier one, "
            f"first in {tables.row_name(*repeats.row(0))}"
        )
    return faults


def _absent_as_null(table: pl.DataFrame) -> pl.DataFrame:
    """The table with nulls where the mapping names no column."""
    import polars as pl

    types = {"study_time": pl.Datetime("us"), "age": pl.Float64(), "view": pl.String()}
    absent = {n: pl.lit(None, t) for n, t in types.items() if n not in table.columns}
    return table.with_columns(**absent)


def _study_ids() -> pl.Expr:
    """A study's id, with that of the patient where several patients have one of the same id."""
    import polars as pl

    study, subject = pl.col("study_id"), pl.col("subject_id")
    shared = subject.n_unique().over("study_id") > 1
    return pl.when(shared).then(pl.concat_str(subject, study, separator="_")).otherwise(study)


def _views(mapping: Mapping) -> dict[str, pl.Expr]:
    """`view`, null where it is not known which, and `frontal`."""
    import polars as pl

    if not mapping.view:
        return {"view": pl.lit(None, pl.Enum(VIEWS)), "frontal": pl.lit(True)}
    named = class_of("view", mapping.view).cast(pl.String)
    view = pl.when(named.is_in(VIEWS)).then(named).cast(pl.Enum(VIEWS))
    return {"view": view, "frontal": named.is_not_null()}


def _excluded(mapping: Mapping) -> pl.Expr:
    """The first rule that excludes an image, of those on what the mapping names."""
    import polars as pl

    rules = {
        NOT_FRONTAL: (mapping.view, ~pl.col("frontal")),
        BAD_AGE: (mapping.age, ~pl.col("age").is_between(*AGES)),
        DIED_BEFORE: (mapping.mortality, pl.col("days_to_death") < 0),
    }
    told = {rule: holds for rule, (part, holds) in rules.items() if part}
    reasons = [pl.when(holds).then(pl.lit(rule)) for rule, holds in told.items()]
    return pl.coalesce(*reasons, pl.lit(None, pl.String)).cast(pl.Enum(list(told)))


def _labels(mapping: Mapping, horizons: Sequence[int]) -> dict[str, pl.Expr]:
    columns: dict[str, pl.Expr] = {}
    if mapping.mortality:
        for task, days in horizon_tasks(horizons).items():
            columns |= mortality_columns(days, task)
    for name, groups in mapping.labels.items():
        columns |= class_columns(name, groups)
    return columns


def _mortality_rule(mapping: Mapping) -> str | None:
    given = "as-given" if "mortality" in mapping.labels else None
    return "observed-to-horizon" if mapping.mortality else given
