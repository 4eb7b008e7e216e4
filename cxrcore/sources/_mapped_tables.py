"""Reads tables with a row for each image, perhaps one with a row for each patient, by a mapping."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import unknown_categories
from cxrcore.sources._columns import Column, Kind
from cxrcore.sources._file_formats import separator_of
from cxrcore.sources._further_labels import columns_of_labels
from cxrcore.sources._joins import join_faults
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._mapping import ColumnOf, Mapping
from cxrcore.sources._tables import Request, column_names, read_tables
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

#: Never of the table of patients.
_OF_IMAGES = ("image_id", "path", "subject_id", "study_id", "study_time", "view")


@dataclass(frozen=True)
class MappedTables:
    """Tables with a row for each image, and what their columns mean."""

    images: tuple[Path, ...]
    """One or more tables of the same columns, of different images."""
    mapping: Mapping
    remedy: str
    """What to do about a fault."""
    rules: LabelRules
    """Labels beside those of the mapping, and horizons."""
    patients: Path | None = None
    """A table with a row for each patient, where the mapping names its column of the patient."""
    known: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    """By label: the values that are known to give no class, upper case. Any value beyond these
    and the mapping's is then a fault; a label that is not here only counts them."""

    def row_name(self, table: int, row: int) -> str:
        """What a reader calls a row of a table of images, both by their indices."""
        path = self.images[table]
        name = Request(path, {}).row_name(row)
        return name if len(self.images) == 1 else f"{name} of {path.name}"


def read_joined(tables: MappedTables) -> pl.DataFrame:
    """The tables of images, and where there is one, the row of each image's patient beside it.

    A column that both have is that of the table of images. `table` and `row` are the indices of an
    image's table and of its row there.
    """
    import polars as pl

    columns = columns_of(tables.mapping) | columns_of_labels(tables.rules.further)
    theirs = _of_patients(tables, columns)
    own = {n: c for n, c in columns.items() if n in _OF_IMAGES or n not in theirs}
    requests = {
        str(path): Request(path, own, key=("image_id",), separator=separator_of(path))
        for path in tables.images
    }
    if tables.patients and tables.mapping.patients:
        requests["patients"] = Request(
            tables.patients, theirs | {"subject_id": _column("id", tables.mapping.patients)},
            key=("subject_id",), separator=separator_of(tables.patients),
        )  # fmt: skip
    frames = read_tables(requests, tables.remedy)
    images = pl.concat(
        frames[str(path)].with_row_index("row").with_columns(table=index)
        for index, path in enumerate(tables.images)
    )
    faults = _category_faults(tables, frames, requests)
    requests["images"] = requests[str(tables.images[0])]
    joins = [("patients", "images", "subject_id")]
    if faults := faults + join_faults({**frames, "images": images}, requests, joins):
        raise SourceError(f"{'; '.join(faults)}; {tables.remedy}")
    if "patients" not in frames:
        return images
    return images.join(frames["patients"], on="subject_id", how="left")


def _category_faults(
    tables: MappedTables, frames: MappingOf[str, pl.DataFrame], requests: MappingOf[str, Request]
) -> list[str]:
    """A fault for each table and label with values that neither the mapping nor `known` names."""
    faults = []
    for label, known in tables.known.items():
        # A further label of this name, which will be refused, is read in its place.
        if not (groups := tables.mapping.labels.get(label)) or label in tables.rules.further:
            continue
        categories = [v.upper() for values in groups.classes.values() for v in values]
        for name, frame in frames.items():
            if (column := f"label_{label}") in frame.columns:
                found = unknown_categories(
                    frame.select(frame[column].alias(groups.column)), groups.column,
                    [*categories, *known], requests[name].row_name,
                )  # fmt: skip
                faults += [f"{requests[name].path}: {fault}" for fault in found]
    return faults


def _of_patients(tables: MappedTables, columns: MappingOf[str, Column]) -> dict[str, Column]:
    """The columns that only the table of patients has."""
    if not tables.patients:
        return {}
    elsewhere = set(column_names(tables.patients, separator_of(tables.patients)))
    for path in tables.images:
        elsewhere -= set(column_names(path, separator_of(path)))
    return {
        name: column for name, column in columns.items()
        if column.names[0] in elsewhere and name not in _OF_IMAGES
    }  # fmt: skip


def _column(kind: Kind, of: ColumnOf) -> Column:
    return Column(kind, (of.column,), of.pattern, of.format)


def columns_of(mapping: Mapping) -> dict[str, Column]:
    """What to read from the tables, by the names that this module uses."""
    found: dict[str, tuple[Kind, ColumnOf | None]] = {
        "image_id": ("id", mapping.image_id or mapping.path),
        "path": ("path", mapping.path),
        "subject_id": ("id", mapping.subject_id),
        "study_id": ("id", mapping.study_id or mapping.image_id or mapping.path),
        "study_time": ("moment", mapping.study_time),
        "age": ("age", mapping.age),
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
