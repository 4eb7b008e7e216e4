"""Proposes the mapping of a table from the names of its columns and their frequent values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._mapping import TAKEN, TO_FILL_IN, ColumnOf, canonical
from cxrcore.sources._profile import Profile, first, read_profiles, with_values

if TYPE_CHECKING:
    import polars as pl

#: Kinds of columns whose values may be shown.
_VALUED = ("text", "number")
_ANY = (*_VALUED, "date")
Classes = Mapping[str, Sequence[str]]

#: Patterns for the words of a column's name, the surest first.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "image_id": (r"\b(image|dicom|sop instance) ?(id|uid|index)$",),
    "subject_id": (r"\b(patient|subject|person) ?(id|key|nr|no|number|code)$",
                   r"^(patient|subject|mrn|pid)$"),
    "study_id": (r"\b(study|exam|examination|accession)( instance)?( (id|uid|nr|no|number))?$",),
    "study_time": (r"\b(study|exam|examination|acquisition|image|cxr)\b.*\b(date|time|datetime)\b",
                   r"\btaken\b", r"^date$"),
    "age": (r"\bage\b", r"^years$"),
    "view": (r"\b(ap pa|pa ap)\b", r"\bview position\b", r"\b(view|projection)\b", r"\bfrontal\b"),
    "no_finding": (r"\bno finding\b",),
    "death": (r"\b(death|died|dod|deceased)\b",),
    "gender": (r"\b(sex|gender)\b",),
    "race": (r"\brace\b", r"\bethnic"),
    "insurance": (r"\b(insurance|payer|payor)\b",),
}  # fmt: skip
#: Words that a value of each class begins with or has.
_CLASSES: Mapping[str, Classes] = {
    "gender": {"F": ("f", "female", "w", "woman"), "M": ("m", "male", "man")},
    "race": {"White": ("white", "caucasian"), "Black": ("black", "african"), "Asian": ("asian",)},
    "insurance": {"Medicaid": ("medicaid",), "Medicare": ("medicare",),
                  "Private": ("private", "commercial")},
    "view": {"PA": ("pa", "postero", "posteroanterior"), "AP": ("ap", "antero", "anteroposterior"),
             "frontal": ("frontal",)},
}  # fmt: skip
_ABSENT, _PRESENT = {"0", "NO", "N", "FALSE"}, {"1", "YES", "Y", "TRUE"}
_UNCERTAIN = "-1"
_PARTS = {"subject_id": "(patient[0-9]+)/", "study_id": "(patient[0-9]+/study[0-9]+)/"}


def propose(path: Path, other: Path | None = None, *, least: int) -> str:
    """A mapping as YAML text, without ids, dates and values of fewer than `least` patients.

    `other` has a row for each patient; of a name that both tables have the first counts. Where no
    column holds the patients, rows count in their place. Raises `SourceError`.
    """
    table, profiles = read_profiles(path)
    ids = _ids(table, profiles)
    taken = {part.column for part in ids.values() if part}
    rest = _rest(table, profiles, ids["subject_id"], taken, least)
    if other:
        people, further = read_profiles(other)
        key = first(further, _NAMES["subject_id"], _ANY)
        ids["patients"] = subject = ColumnOf(column=key.name if key else TO_FILL_IN)
        taken |= {subject.column, *(p.name for p in profiles)}
        rest += _rest(people, further, subject, taken, least)
    labels = list(_labels(rest))
    open_only = all(line.startswith("#") for line in labels)
    lines = [
        f"# Proposed for {path.name}: compare it with what the columns mean.",
        f"# Values of fewer than {least} patients are not shown, and are in no class.",
        '# An empty cell has no label; write "" into a class if it means that.',
        *(f"{name}: {_yaml(part)}" for name, part in ids.items() if part),
        *_study(rest),
        "# labels:" if open_only else "labels:",
        *(f"  {line}" for line in labels),
    ]
    return "\n".join(lines) + "\n"


def _rest(
    table: pl.DataFrame, profiles: Sequence[Profile], subject: ColumnOf | None,
    taken: Collection[str], least: int,
) -> list[Profile]:  # fmt: skip
    """The profiles of the columns that are not `taken`, with their frequent values."""
    patients = _patients(table, subject)
    return [with_values(table, p, patients, least) for p in profiles if p.name not in taken]


def _ids(table: pl.DataFrame, profiles: Sequence[Profile]) -> dict[str, ColumnOf | None]:
    """The columns of path, image, patient and study; patient and study also from the path."""
    image = next((p.name for p in profiles if p.kind == "image"), "")
    found: dict[str, ColumnOf | None] = {"path": ColumnOf(column=image or TO_FILL_IN)}
    if image and (root := _folder(table[image])):
        found["path"] = ColumnOf(column=image, pattern=f"^{re.escape(root)}/(.+)")
    for name in ("image_id", "subject_id", "study_id"):
        profile = first(profiles, _NAMES[name], _ANY)
        found[name] = ColumnOf(column=profile.name) if profile else None
        pattern = _PARTS.get(name, "")
        if not profile and pattern and image and table[image].str.contains(pattern).all():
            found[name] = ColumnOf(column=image, pattern=pattern)
    found["subject_id"] = found["subject_id"] or ColumnOf(column=TO_FILL_IN)
    return found


def _folder(paths: pl.Series) -> str:
    """The folder that all paths from the root of the file system have in common, if they are."""
    absolute = paths.str.starts_with("/").all()
    return os.path.commonpath([os.path.dirname(p) for p in paths.unique()]) if absolute else ""  # noqa: PTH120


def _patients(table: pl.DataFrame, subject: ColumnOf | None) -> pl.Series:
    """The patient of each row; the row itself where it is not known."""
    if subject is None or subject.column == TO_FILL_IN:
        return table.with_row_index()["index"]
    ids = table[subject.column]
    return ids.str.extract(subject.pattern) if subject.pattern else ids


def _study(profiles: Sequence[Profile]) -> Iterator[str]:
    """The lines of time, age, view, no finding and mortality."""
    if taken := first(profiles, _NAMES["study_time"], ("date",)):
        yield f"study_time: {_dates(taken)}"
    age = first(profiles, _NAMES["age"], ("number", "age"))
    yield f"age: {_scalar(age.name) if age else TO_FILL_IN}"
    if view := first(profiles, _NAMES["view"], ("text",)):
        yield from _groups("view", view, _by_words(view, "view"), "excluded")
    else:
        yield "# No column of the view was found: every image counts as frontal."
    if normal := first(profiles, _NAMES["no_finding"], ("text", "number")):
        values = [v for v in normal.values if canonical(v) in _PRESENT] or [TO_FILL_IN]
        yield f"no_finding: {{column: {_scalar(normal.name)}, values: {_list(values)}}}"
    death = first(profiles, _NAMES["death"], ("date",))
    if death and taken:
        yield "# The day until which deaths are on record for everyone; not the last contact."
        yield f"mortality: {{death: {_dates(death)}, observed_until: {TO_FILL_IN}}}"


def _labels(profiles: Sequence[Profile]) -> Iterator[str]:
    """A line for each column that can be a task; those that are no task yet as comments."""
    tasks = {"gender", "race", "insurance", "mortality", *TAKEN}
    used = {
        p.name
        for name in ("view", "age", "no_finding")
        if (p := first(profiles, _NAMES[name], _VALUED))
    }
    for task in ("gender", "race", "insurance"):
        if profile := first(profiles, _NAMES[task], _VALUED):
            used.add(profile.name)
            yield from _groups(task, profile, _by_words(profile, task), "in no class")
    for profile in profiles:
        if profile.name in used or not profile.values:
            continue
        name = _task(profile, tasks)
        tasks.add(name)
        if findings := _finding(profile):
            yield from _groups(name, profile, findings, "in no class")
        elif len(profile.values) > 1:
            each = {value: [value] for value in profile.values}
            yield from (f"# {line}" for line in _groups(name, profile, each, "in no class"))


def _task(profile: Profile, tasks: Collection[str]) -> str:
    """A task's name, made of the column's, that is not among `tasks`."""
    name = re.sub(r"\W+", "_", profile.words, flags=re.ASCII).strip("_")[:60] or "label"
    names = chain([name], (f"{name}_{number}" for number in count(2)))
    return next(n for n in names if n not in tasks)


def _by_words(profile: Profile, task: str) -> dict[str, list[str]]:
    """The values of each class of a known task; each its own class where the words are others."""
    found: dict[str, list[str]] = {name: [] for name in _CLASSES[task]}
    for value in profile.values:
        words = re.findall(r"[^\W\d_]+", value.lower())
        for name, known in _CLASSES[task].items():
            if set(words) & set(known):
                found[name].append(value)
                break
    stated = {name: values for name, values in found.items() if values}
    if len(stated) > 1 or (stated and task == "view"):
        return stated
    if task in ("race", "insurance") and len(profile.values) > 1:
        return {value: [value] for value in profile.values}
    return {name: values or [TO_FILL_IN] for name, values in found.items()}


def _finding(profile: Profile) -> dict[str, list[str]]:
    """The classes absent and present of a column of yes and no; empty for any other."""
    texts = {value: canonical(value) for value in profile.values}
    if not set(texts.values()) <= _ABSENT | _PRESENT | {_UNCERTAIN}:
        return {}
    absent, present = ([v for v, t in texts.items() if t in s] for s in (_ABSENT, _PRESENT))
    # Where only yes is written, an empty cell means no.
    return {"absent": absent or [""], "present": present} if present else {}


def _groups(
    name: str, profile: Profile, classes: Mapping[str, Collection[str]], without: str
) -> Iterator[str]:
    """The line of a label, and what becomes of the values that it does not name."""
    left = [v for v in profile.values if not any(v in values for values in classes.values())]
    more = [f"rarer values ({profile.hidden})"] if profile.hidden else []
    if left or more:
        yield f"# {profile.name}, {without}: {', '.join([*map(_scalar, left), *more])}"
    text = ", ".join(f"{_scalar(c)}: {_list(values)}" for c, values in classes.items())
    yield f"{name}: {{column: {_scalar(profile.name)}, classes: {{{text}}}}}"


def _dates(profile: Profile) -> str:
    form = profile.forms[0] if profile.forms else TO_FILL_IN
    return _yaml(ColumnOf(column=profile.name, format=form))


def _yaml(part: ColumnOf) -> str:
    """A column as the mapping has it."""
    options = {k: v for k, v in part.model_dump().items() if v}
    if list(options) == ["column"]:
        return _scalar(part.column)
    return "{" + ", ".join(f"{k}: {_scalar(v)}" for k, v in options.items()) + "}"


def _list(values: Collection[str]) -> str:
    return f"[{', '.join(map(_scalar, values))}]"


def _scalar(text: str) -> str:
    """Plain where YAML reads it as it stands, else in quotes."""
    plain = re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_ ./-]*[A-Za-z0-9_.])?", text)
    return text if plain else json.dumps(text, ensure_ascii=False)
