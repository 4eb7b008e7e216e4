"""The mapping file of the source `table`: which column is what, and which values form a class.

Every scalar is text: `1`, `No` and `2180-03-10` are what the cells hold.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)  # fmt: skip

from data_contracts.errors import SourceError
from data_contracts.yaml_files import TextLoader, load

#: Stands in a proposed mapping where only a person knows the column or the value.
TO_FILL_IN = "FILL_IN"

#: Names that cohort, flow and Table 1 use for something else.
TAKEN = ("age", "cohort", "days_to_death", "follow_up_days", "linkage", "subjects")
_OUTCOME = ("survived", "died")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def canonical(value: str) -> str:
    """A cell's text as values are compared: trimmed, upper case, whole numbers without decimals."""
    return re.sub(r"^(-?[0-9]+)\.0+$", r"\1", value.strip().upper())


def check_task_name(name: str) -> None:
    """Raise `ValueError` where `name` cannot be that of a task."""
    if not re.fullmatch("[A-Za-z0-9_]{1,64}", name) or name in TAKEN:
        raise ValueError(f"cannot have a task '{name}': want letters, digits and _, "
                         f"not one of {', '.join(TAKEN)}")  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnOf(_Part):
    """A column: its name alone, or with a pattern or the form of its dates."""

    column: str = Field(min_length=1)
    pattern: str = ""
    format: str = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        import polars as pl

        try:
            re.compile(pattern)
            pl.Series([""]).str.extract(pattern, 0)
        except (re.error, pl.exceptions.PolarsError):
            raise ValueError("must be a regular expression") from None
        return pattern

    @field_validator("format")
    @classmethod
    def _names_a_day(cls, form: str) -> str:
        import polars as pl

        day = dt.datetime(2001, 2, 3)
        try:
            text = pl.Series([day]).dt.strftime(form or "%Y-%m-%d")
            read = text.str.to_datetime(form or "%Y-%m-%d", strict=False, time_unit="us")
        except pl.exceptions.PolarsError:
            read = pl.Series([None])
        if read.to_list() != [day]:
            raise ValueError("must name year, month and day, as %d.%m.%Y does")
        return form


def _named(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


Named = Annotated[ColumnOf, BeforeValidator(_named)]


class Groups(ColumnOf):
    """A column whose values form classes, in order."""

    classes: dict[Annotated[str, Field(min_length=1)], list[str]] = {}
    """Values of each class; "" is an empty cell, an empty list every other value."""
    bands: list[float] = []
    """Limits between classes of a number, each the lowest value of the next class."""
    separator: str = ""
    """Between several values of one cell; the first class that has one of them counts."""

    @model_validator(mode="after")
    def _once(self) -> Groups:
        values = [canonical(v) for values in self.classes.values() for v in values]
        if twice := sorted({v for v in values if values.count(v) > 1}):
            raise ValueError(f"has {', '.join(twice)} in two classes; keep one")
        if sum(not v for v in self.classes.values()) > 1:
            raise ValueError("has two classes without values; only one can hold all others")
        if bool(self.classes) == bool(self.bands):
            raise ValueError("needs either classes or bands")
        if self.bands != sorted(set(self.bands)) or not all(map(math.isfinite, self.bands)):
            raise ValueError("needs bands in ascending order")
        return self


class Values(ColumnOf):
    """A column and the values that mean yes; all others, also empty ones, mean no."""

    values: list[str] = Field(min_length=1)


class Mortality(_Part):
    """Deaths, and until when they are on record: dates, or days after the study."""

    death: Named | None = None
    observed_until: Named | None = None
    days_to_death: Named | None = None
    observed_days: Named | None = None

    @model_validator(mode="after")
    def _one_pair(self) -> Mortality:
        pairs = ((self.death, self.observed_until), (self.days_to_death, self.observed_days))
        if sorted(sum(map(bool, pair)) for pair in pairs) != [0, 2]:
            raise ValueError("needs death and observed_until, or days_to_death and observed_days")
        if self.fixed and self.observed_until:
            try:
                dt.date.fromisoformat(self.fixed)
            except ValueError:
                raise ValueError(f"has no day {self.fixed}") from None
        return self

    @property
    def fixed(self) -> str:
        """The date, or the days, until which the deaths of everyone are on record, if it is one."""
        until = self.observed_until or self.observed_days
        text = until.column if until else ""
        of_date = _DATE.fullmatch(text) if self.observed_until else re.fullmatch("[0-9]{1,6}", text)
        return text if of_date else ""


class Mapping(_Part):
    """The whole file."""

    path: Named
    image_id: Named | None = None
    subject_id: Named
    patients: Named | None = None
    """The patient in the table of patients, where there is one."""
    study_id: Named | None = None
    study_time: Named | None = None
    age: Named | None = None
    view: Groups | None = None
    no_finding: Values | None = None
    mortality: Mortality | None = None
    labels: dict[str, Groups] = {}

    @field_validator("view")
    @classmethod
    def _views(cls, view: Groups | None) -> Groups | None:
        if view and (view.bands or not set(view.classes) <= {"PA", "AP", "frontal"}):
            raise ValueError("has classes other than PA, AP and frontal (of no known projection)")
        return view

    @field_validator("labels")
    @classmethod
    def _tasks(cls, labels: dict[str, Groups]) -> dict[str, Groups]:
        for name, groups in labels.items():
            check_task_name(name)
            if name == "mortality" and tuple(groups.classes) != _OUTCOME:
                raise ValueError("must have the classes survived and died of mortality, in order")
        return labels

    @model_validator(mode="after")
    def _consistent(self) -> Mapping:
        if self.mortality and "mortality" in self.labels:
            raise ValueError("mortality is given twice, also in labels; keep one")
        if self.mortality and self.mortality.death and not self.study_time:
            raise ValueError("mortality by dates needs study_time")
        return self


def read_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; raise `SourceError` that names all of its faults."""
    content = load(path, f"--mapping {path}", TextLoader, SourceError)
    if not isinstance(content, dict):
        raise SourceError(f"--mapping {path} must hold `field: column` lines")
    faults = [f"{place} is to be filled in" for place in _gaps(content)]
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        faults += [_text(fault) for fault in error.errors()]
    if faults:
        raise SourceError(f"--mapping {path}: {'; '.join(faults)}; correct the mapping")
    return mapping


def _gaps(part: Any, place: str = "") -> list[str]:
    """The places of what a proposal left open."""
    if isinstance(part, dict):
        return [g for key, value in part.items() for g in _gaps(value, f"{place}.{key}".strip("."))]
    if isinstance(part, list):
        return [gap for value in part for gap in _gaps(value, place)]
    return [place] if part == TO_FILL_IN else []


def _text(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"{place} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{place} is no field of a mapping"
    message = fault["msg"].removeprefix("Value error, ").split(", unable to")[0]
    return f"{place} {re.sub('^(Input|String|List|Dictionary) should', 'must', message)}".strip()
