"""The entries of a launch form, made from a job's `Config` and the engines' `Options`.

Nothing here knows a job: a new one has its form by existing.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel

from jobs import _engines
from jobs._config import JobConfig
from jobs._engines._request import Options
from jobs._registry import Spec
from jobs._variants import template_keys, trains_models
from tui.shared.launchable import chooses_engine

Raw = str | bool | tuple[str, ...]
"""The value of an entry: a text, a switch, or what is ticked. An empty text is the default."""
EntryKind = Literal["text", "list", "switch", "choice", "many"]
Models = Collection[tuple[str, str]]
"""Task and name of each."""

#: Not asked for: the dashboard's own, how an error is shown, what the form itself is, and what
#: only prints.
_NOT_ASKED = frozenset({"workspace", "debug", "dry_run", "inspect"})
_LIMITS = {"minimum": "from {:,}", "exclusiveMinimum": "above {:,}", "maximum": "to {:,}",
           "exclusiveMaximum": "below {:,}"}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A line of the form."""

    name: str
    kind: EntryKind
    help: str
    default: str
    """As text; what an empty entry stands for."""
    required: bool = False
    choices: tuple[str, ...] = ()
    """Of a text: names that complete what is typed."""
    example: str = ""
    """A value of the form that is wanted."""

    @property
    def label(self) -> str:
        """The name of its flag."""
        return self.name.replace("_", "-")

    @property
    def blank(self) -> Raw:
        """Its value before anything is entered."""
        if self.kind == "switch":
            return self.default == "True"
        if self.kind == "many":
            return (self.default,) if self.default in self.choices else ()
        return self.default if self.kind == "choice" else ""


def entries_of(
    spec: Spec, tasks: Sequence[str] | None = None, models: Models = ()
) -> tuple[Entry, ...]:
    """The entries for a job's own settings. `tasks`: those of the cohort, if there is one."""
    names = tuple(sorted({name for _, name in models}, key=lambda n: (n != "main", n)))
    offers = {"task": None if tasks is None else tuple(tasks), "name": names or None}
    if trains_models(spec):
        del offers["name"]
    # What every job has comes last.
    entries = sorted(_entries(spec.config, spec), key=lambda e: e.name in JobConfig.model_fields)
    return tuple(_offering(entry, offers.get(entry.name), spec) for entry in entries)


def option_entries(spec: Spec) -> tuple[Entry, ...]:
    """The entries for where and with what to run; an engine heeds those of `used_entries`."""
    if chooses_engine(spec):
        return ()
    has_shards = "shard" in spec.config.model_fields
    return tuple(e for e in _entries(Options, spec) if e.name != "shards" or has_shards)


def used_entries(spec: Spec, raw: Mapping[str, Raw]) -> frozenset[str]:
    """The entries that mean something: a job's own, and the options that its engine supports."""
    own = frozenset(spec.config.model_fields)
    return own if chooses_engine(spec) else own | supported_options(str(raw["engine"]))


def supported_options(engine: str) -> frozenset[str]:
    """The options that mean something to an engine."""
    return _engines.engine(engine).SUPPORTED_OPTIONS | {"engine"}


def raw_of(entries: Sequence[Entry], settings: Mapping[str, Any]) -> tuple[dict[str, Raw], str]:
    """The form's values for settings as a run record keeps them, and which of them it lacks."""
    by_name = {e.name: e for e in entries}
    raw = {n: _as_raw(by_name[n], v) for n, v in settings.items() if n in by_name and v is not None}
    return raw, ", ".join(sorted(set(settings) - set(by_name) - _NOT_ASKED))


def _as_raw(entry: Entry, value: Any) -> Raw:
    if entry.kind == "switch":
        return value is True
    many = [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
    if entry.kind == "many":
        return tuple(many)
    text = shlex.join(many) if entry.kind == "list" else " ".join(many)
    return "" if text == entry.default and entry.kind != "choice" else text


def words(text: str) -> list[str]:
    """The elements of a list as a shell reads them; only blanks count where a quote has no end."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _entries(model: type[BaseModel], spec: Spec) -> list[Entry]:
    """The entries for the fields of a model, by its JSON schema."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return [
        _entry(name, field, name in required, spec)
        for name, field in schema["properties"].items()
        if name not in _NOT_ASKED and field.get("type") != "object"
    ]


def _entry(name: str, field: Mapping[str, Any], required: bool, spec: Spec) -> Entry:
    kinds = [k for k in field.get("anyOf", [field]) if k.get("type") != "null"]
    choices = [str(v) for k in kinds for v in k.get("enum", [k["const"]] if "const" in k else ())]
    default = field.get("default")
    kind: EntryKind = "text"
    if field.get("type") == "boolean":
        kind = "switch"
    elif choices and len(kinds) == 1:
        kind, choices = "choice", choices if default or required else ["", *choices]
    elif any(k.get("type") == "array" for k in kinds):
        kind = "list"
    parts = [" ".join(field.get("description", "").split()), _bounds(kinds[0])]
    if name == "seed" and trains_models(spec):
        parts.append("0-4 or 0,1,2: one run each; every seed but the first is added to the name.")
    if names := () if choices else spec.config.known_names().get(name, ()):
        parts.append("→ completes a name.")
    text = "" if default in (None, []) else str(default)
    return Entry(
        name, kind, " ".join(filter(None, parts)), text, required, (*choices, *names),
        str(field.get("examples", [text])[0]),
    )  # fmt: skip


def _bounds(kind: Mapping[str, Any]) -> str:
    """Between what a number, or each of several, must lie."""
    limits = kind.get("items", kind)
    text = " ".join(text.format(limits[n]) for n, text in _LIMITS.items() if n in limits)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _offering(entry: Entry, choices: tuple[str, ...] | None, spec: Spec) -> Entry:
    """The entry with choices, if the workspace has any."""
    if choices is None:
        return entry
    # Where the place of what is written does not distinguish them, there can be only one.
    if entry.name in template_keys(spec):
        return replace(entry, kind="many", choices=choices)
    return replace(entry, kind="choice", choices=tuple(dict.fromkeys((entry.default, *choices))))
