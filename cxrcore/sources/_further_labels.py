"""Labels that are asked for by a column's name: `NAME=COLUMN[:GROUPS]`."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cxrcore.sources._columns import Column
from cxrcore.sources._groups import class_columns, class_of, classes_of
from cxrcore.sources._mapping import Groups, canonical, check_task_name
from data_contracts.errors import SourceError, UsageError

if TYPE_CHECKING:
    import polars as pl

#: A column of more values is none of classes.
MOST_VALUES = 20


@dataclass(frozen=True)
class FurtherLabel:
    """A column that becomes a task."""

    column: str
    groups: Groups | None = None
    """None: each of its values is a class."""

    @property
    def wanted(self) -> Column:
        """How the column is read."""
        bands = self.groups and self.groups.bands
        return Column("number" if bands else "text", (self.column,))


#: By their names.
FurtherLabels = Mapping[str, FurtherLabel]


def remedy(labels: FurtherLabels) -> str:
    """What to do about a fault of a public collection's table."""
    return "repair the table or download it again" + (", or correct --label" if labels else "")


def separated(labels: FurtherLabels, column: str, separator: str) -> FurtherLabels:
    """The labels, with a separator between several values in a cell of `column`."""
    return {
        name: replace(of, groups=of.groups.model_copy(update={"separator": separator}))
        if of.groups and of.column == column
        else of
        for name, of in labels.items()
    }


def named(name: str, label: FurtherLabel, of: pl.Expr) -> pl.Expr:
    """The column `label_<name>` as it would be read from a table, of another of the images."""
    import polars as pl

    text = of.cast(pl.String)
    number = label.wanted.kind == "number"
    return (text.cast(pl.Float64, strict=False) if number else text).alias(f"label_{name}")


def with_labels(
    images: pl.DataFrame, labels: FurtherLabels, ids: Collection[str], tasks: Collection[str]
) -> pl.DataFrame:
    """The images with classes, and reasons where there is none, for the columns `label_<name>`.

    Raises `SourceError`; see `groups_of`.
    """
    groups, faults = groups_of(labels, images, ids, tasks)
    if faults:
        raise SourceError(f"{'; '.join(faults)}; correct --label")
    columns: dict[str, pl.Expr] = {}
    for name, of in groups.items():
        columns |= class_columns(name, of)
    return images.with_columns(**columns)


def columns_of_labels(labels: FurtherLabels) -> dict[str, Column]:
    """What to read for each label, as the column `label_<name>`."""
    return {f"label_{name}": label.wanted for name, label in labels.items()}


def parse_labels(texts: Collection[str]) -> dict[str, FurtherLabel]:
    """The labels by their names; raise `UsageError` for one that is not written as it must be.

    GROUPS are classes with their values, `CLASS=VALUE|VALUE,CLASS=*` (`*`: every other value; no
    value: an empty cell), or the limits between bands of a number, `40,60,80`.
    """
    labels: dict[str, FurtherLabel] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        column, _, groups = rest.partition(":")
        try:
            if not column:
                raise ValueError("want NAME=COLUMN or NAME=COLUMN:GROUPS")
            if name in ("mortality", *labels):
                raise ValueError("is a label already; choose another name")
            check_task_name(name)
            labels[name] = FurtherLabel(column, _groups(column, groups) if groups else None)
        except ValueError as error:
            fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            text = f"--label {name}: {fault.removeprefix('Value error, ')}"
            raise UsageError(" ".join(text.split())) from None
    return labels


def _groups(column: str, text: str) -> Groups:
    parts = text.split(",")
    if not any("=" in part for part in parts):
        try:
            bands = [float(part) for part in parts]
        except ValueError:
            raise ValueError("want CLASS=VALUE|VALUE,CLASS=* or limits as 40,60,80") from None
        return Groups(column=column, bands=bands)
    classes: dict[str, list[str]] = {}
    for part in parts:
        name, equals, values = part.partition("=")
        if not equals or name in classes:
            raise ValueError("want each class once, with its values, as CLASS=VALUE|VALUE,CLASS=*")
        classes[name] = [] if values == "*" else values.split("|")
    return Groups(column=column, classes=classes)


def groups_of(
    labels: FurtherLabels, table: pl.DataFrame, ids: Collection[str], tasks: Collection[str]
) -> tuple[dict[str, Groups], list[str]]:
    """The groups of each label, and a fault for each label that can be no task.

    `table` has the column `label_<name>` of each as it was read; `ids` are the columns that name
    patients, studies and images, `tasks` those of the source.
    """
    groups, faults = {}, []
    for name, label in labels.items():
        try:
            if name in tasks:
                raise ValueError("the source has this task already; choose another name")
            groups[name] = _groups_of(label, table[f"label_{name}"], ids)
        except ValueError as error:
            faults.append(f"--label {name}: {error}")
    return groups, faults


def _groups_of(label: FurtherLabel, values: pl.Series, ids: Collection[str]) -> Groups:
    """Its groups, or a class for each value; raise `ValueError` where they cannot be classes."""
    if label.column in ids:
        raise ValueError(f"column '{label.column}' names patients, studies or images, not classes")
    if (groups := label.groups) is None:
        texts = _texts(values)
        if not 2 <= len(texts) <= MOST_VALUES:
            raise ValueError(
                f"column '{label.column}' has {len(texts):,} values, want 2 to {MOST_VALUES}; "
                "name classes or bands after a colon"
            )
        groups = Groups(column=label.column, classes={text: [text] for text in texts})
    if (most := len(classes_of(groups))) > MOST_VALUES:
        raise ValueError(f"has {most:,} classes, want 2 to {MOST_VALUES}")
    found = values.to_frame().select(class_of(values.name, groups)).to_series()
    if (count := found.drop_nulls().n_unique()) < 2:
        raise ValueError(f"column '{label.column}' has rows in {count} classes, want 2 or more")
    return groups


def _texts(values: pl.Series) -> list[str]:
    """One spelling of each value, numbers in their order."""
    spellings: dict[str, str] = {}
    for text in sorted(values.drop_nulls().unique()):
        spellings.setdefault(canonical(text), text)
    return sorted(spellings.values(), key=lambda text: (_number(text), text))


def _number(text: str) -> float:
    """For sorting: texts that are no numbers come last."""
    try:
        number = float(text)
    except ValueError:
        return math.inf
    return number if math.isfinite(number) else math.inf
