"""From the values of a column to the classes of a task, by a mapping's groups."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from cxrcore.sources._mapping import Groups, Values, canonical

if TYPE_CHECKING:
    import polars as pl

CONFLICT = "two different classes of one patient"
NOT_STATED = "not stated"
IN_NO_CLASS = "a value that is in no class of the task"

#: Tasks that are facts about the person, and not about the examination.
_OF_THE_PERSON = ("gender", "race")


def classes_of(groups: Groups) -> list[str]:
    """The names of the classes, in order."""
    if not groups.bands:
        return list(groups.classes)
    limits = [f"{limit:g}" for limit in groups.bands]
    between = [f"{low} to under {high}" for low, high in pairwise(limits)]
    return [f"under {limits[0]}", *between, f"{limits[-1]} and over"]


def class_of(column: str, groups: Groups) -> pl.Expr:
    """The class of each value of `column`: text, or numbers for bands; null: in none."""
    import polars as pl

    classes = pl.Enum(classes_of(groups))
    if groups.bands:
        band = sum((pl.col(column) >= limit).cast(pl.Int32) for limit in groups.bands)
        names = dict(enumerate(classes_of(groups)))
        return band.replace_strict(names, return_dtype=classes)  # type: ignore[union-attr]
    text = pl.col(column)
    values = text.str.split(groups.separator) if groups.separator else pl.concat_list(text)
    values = values.list.eval(_canonical(pl.element().fill_null("")))
    found = [
        pl.when(values.list.eval(pl.element().is_in([canonical(v) for v in group])).list.any())
        .then(pl.lit(name))
        for name, group in groups.classes.items() if group
    ]  # fmt: skip
    others = [
        pl.when(text.is_not_null()).then(pl.lit(n)) for n, v in groups.classes.items() if not v
    ]
    return pl.coalesce(*found, *others).cast(classes)


def _canonical(text: pl.Expr) -> pl.Expr:
    """`canonical` of each text."""
    return text.str.strip_chars().str.to_uppercase().str.replace(r"^(-?[0-9]+)\.0+$", "$1")


def class_columns(name: str, groups: Groups) -> dict[str, pl.Expr]:
    """`label_<name>`, and why it is missing as `null_<name>`, of the column `label_<name>`.

    The frame has `subject_id`: a patient of two genders or race groups has neither.
    """
    import polars as pl

    column = f"label_{name}"
    found = class_of(column, groups)
    of_patient = found.drop_nulls().n_unique().over("subject_id")
    conflict = (of_patient > 1) if name in _OF_THE_PERSON else pl.lit(False)
    reason = (
        pl.when(conflict).then(pl.lit(CONFLICT))
        .when(found.is_null() & pl.col(column).is_null()).then(pl.lit(NOT_STATED))
        .when(found.is_null()).then(pl.lit(IN_NO_CLASS))
    )  # fmt: skip
    return {
        column: pl.when(reason.is_null()).then(found),
        f"null_{name}": reason.cast(pl.Enum([CONFLICT, NOT_STATED, IN_NO_CLASS])),
    }


def is_one_of(column: str, values: Values) -> pl.Expr:
    """Whether each value of `column` is one of `values`."""
    import polars as pl

    return _canonical(pl.col(column).fill_null("")).is_in([canonical(v) for v in values.values])
