"""Any collection as one table with a row for each image, and a mapping of its columns."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._columns import Column, Kind
from cxrcore.sources._file_formats import SUFFIXES, separator_of
from cxrcore.sources._groups import class_columns, class_of, is_one_of
from cxrcore.sources._joins import join_faults
from cxrcore.sources._mapping import ColumnOf, Mapping, read_mapping
from cxrcore.sources._outcomes import mortality_columns, outcome_columns, outcome_faults
from cxrcore.sources._proposal import propose
from cxrcore.sources._tables import Request, column_names, read_tables
from data_contracts.cohort import ADMISSION_MATCHES, VIEWS
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

NOT_FRONTAL = "not a frontal view by the mapping"
BAD_AGE = "age below 0 or above 120: a faulty entry"
DIED_BEFORE = "date of death before the study"
_AGES = (0, 120)
#: Never of the table of patients.
_OF_IMAGES = ("image_id", "path", "subject_id", "study_id", "study_time", "view")


def inspect(table: Path, patients: Path | None, least: int) -> str:
    """A proposed mapping as YAML text; values of fewer than `least` patients are not in it.

    `patients` is a further table with a row for each patient. Raises `SourceError` where a table
    cannot be read.
    """
    files = {"table": table} | ({"patients": patients} if patients else {})
    return propose(*locate(files).values(), least=least)


def locate(files: MappingOf[str, Path]) -> dict[str, Path]:
    """Tables and mapping; raise `SourceError` if one is missing or of a format that is not read."""
    faults = [f"--{name} {path} does not exist" for name, path in files.items()
              if not path.is_file()]  # fmt: skip
    faults += [
        f"--{name} {path} is none of {', '.join(SUFFIXES)}: save it as CSV, in UTF-8"
        for name, path in files.items()
        if name != "mapping" and not path.name.lower().endswith(SUFFIXES)
    ]
    if faults:
        raise SourceError(f"{'; '.join(faults)}; check the paths")
    return dict(files)


def read(files: MappingOf[str, Path], horizon: int) -> pl.DataFrame:
    """Every image of the table; see `Adapter.read`."""
    import polars as pl

    path, mapping = files["table"], read_mapping(files["mapping"])
    remedy = f"correct the table or {files['mapping']}"
    table = _whole(_read_joined(files, mapping, remedy))
    table = table.with_columns(**outcome_columns(mapping.mortality))
    table = table.with_columns(**_views(mapping)).with_columns(excluded=_excluded(mapping))
    images = table.select(
        "image_id", "path", "subject_id", "study_time", "view", "excluded", "days_to_death",
        study_id=_study_ids(), age=pl.col("age").cast(pl.Float32),
        follow_up_days=pl.coalesce("days_to_death", pl.col("observed_days").clip(0)),
        no_finding=is_one_of("no_finding", mapping.no_finding) if mapping.no_finding
                   else pl.lit(None, pl.Boolean),
        admission_match=pl.lit(None, pl.Enum(ADMISSION_MATCHES)),
        mortality_rule=pl.lit(_mortality_rule(mapping), pl.String),
        **_labels(mapping, horizon),
    )  # fmt: skip
    if faults := _faults(images, table, mapping):
        raise SourceError(f"{path}: {'; '.join(faults)}; {remedy}")
    return images


def _faults(images: pl.DataFrame, table: pl.DataFrame, mapping: Mapping) -> list[str]:
    faults = outcome_faults(table, mapping.mortality) if mapping.mortality else []
    if repeats := images.height - images["path"].n_unique():
        faults.append(f"column '{mapping.path.column}': {repeats:,} rows repeat an earlier one")
    return faults + [
        f"column '{groups.column}': no row is in a class of labels.{name}"
        for name, groups in mapping.labels.items()
        if images[f"label_{name}"].is_null().all()
    ]


def _read_joined(files: MappingOf[str, Path], mapping: Mapping, remedy: str) -> pl.DataFrame:
    """The table, and where there is one, the row of each image's patient beside it.

    A column that both tables have is that of the table of images.
    """
    path, patients = files["table"], files.get("patients")
    columns = _columns(mapping)
    request = Request(path, columns, key=("image_id",), separator=separator_of(path))
    if bool(patients) != bool(mapping.patients):
        raise SourceError(f"--patients FILE and patients in {files['mapping']} belong together; "
                          "give both or none")  # fmt: skip
    if not patients or not mapping.patients:
        return read_tables({"table": request}, remedy)["table"]
    separator = separator_of(patients)
    elsewhere = set(column_names(patients, separator)) - set(column_names(path, request.separator))
    theirs = {
        name: column for name, column in columns.items()
        if isinstance(column, Column) and column.names[0] in elsewhere and name not in _OF_IMAGES
    }  # fmt: skip
    theirs |= {"subject_id": _column("id", mapping.patients)}
    own = {n: c for n, c in columns.items() if n in _OF_IMAGES or n not in theirs}
    requests = {
        "table": replace(request, columns=own),
        "patients": Request(patients, theirs, key=("subject_id",), separator=separator),
    }
    tables = read_tables(requests, remedy)
    if faults := join_faults(tables, requests, [("patients", "table", "subject_id")]):
        raise SourceError(f"{'; '.join(faults)}; {remedy}")
    return tables["table"].join(tables["patients"], on="subject_id", how="left")


def _column(kind: Kind, of: ColumnOf) -> Column:
    return Column(kind, (of.column,), of.pattern, of.format)


def _columns(mapping: Mapping) -> dict[str, Kind | Column]:
    """What to read from the table, by the names that this module uses."""
    found: dict[str, tuple[Kind, ColumnOf | None]] = {
        "image_id": ("id", mapping.image_id or mapping.path),
        "path": ("path", mapping.path),
        "subject_id": ("id", mapping.subject_id),
        "study_id": ("id", mapping.study_id or mapping.image_id or mapping.path),
        "study_time": ("moment", mapping.study_time),
        "age": ("number", mapping.age),
        "view": ("text", mapping.view),
        "no_finding": ("text", mapping.no_finding),
    }
    if mortality := mapping.mortality:
        until = None if mortality.fixed else mortality.observed_until or mortality.observed_days
        kind: Kind = "moment" if mortality.death else "number"
        found |= {"death": (kind, mortality.death or mortality.days_to_death),
                  "until": (kind, until)}  # fmt: skip
    found |= {
        f"label_{name}": ("number" if groups.bands else "text", groups)
        for name, groups in mapping.labels.items()
    }
    return {name: _column(kind, of) for name, (kind, of) in found.items() if of}


def _whole(table: pl.DataFrame) -> pl.DataFrame:
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
        BAD_AGE: (mapping.age, ~pl.col("age").is_between(*_AGES)),
        DIED_BEFORE: (mapping.mortality, pl.col("days_to_death") < 0),
    }
    told = {rule: holds for rule, (part, holds) in rules.items() if part}
    reasons = [pl.when(holds).then(pl.lit(rule)) for rule, holds in told.items()]
    return pl.coalesce(*reasons, pl.lit(None, pl.String)).cast(pl.Enum(list(told)))


def _labels(mapping: Mapping, horizon: int) -> dict[str, pl.Expr]:
    columns = mortality_columns(horizon) if mapping.mortality else {}
    for name, groups in mapping.labels.items():
        columns |= class_columns(name, groups)
    return columns


def _mortality_rule(mapping: Mapping) -> str | None:
    given = "as-given" if "mortality" in mapping.labels else None
    return "observed-to-horizon" if mapping.mortality else given


ADAPTER = Adapter(
    title="a table with a mapping of its columns",
    files={"table": "one row per image", "mapping": "YAML; --inspect proposes one"},
    optional_files={"patients": "one row per patient"},
    tasks=(),
    locate=locate,
    read=read,
)
