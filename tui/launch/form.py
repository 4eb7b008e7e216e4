"""The entries of a launch form, made from a job's `Config` and the engines' `Options`.

Nothing here knows a job: a new one has its form by existing.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from jobs import _engines
from jobs._config import JobConfig
from jobs._engines._request import Options
from jobs._registry import Spec
from jobs._variants import template_keys, trains_models
from tui.shared.launchable import chooses_engine

Raw = str | bool | tuple[str, ...]
"""The value of an entry: a text, a switch, or what is ticked. An empty text is the default."""
EntryKind = Literal["text", "path", "list", "switch", "choice", "many"]
Models = Collection[tuple[str, str]]
"""Task and name of each."""

#: Not asked for: the dashboard's own, how an error is shown, what the form itself is, and what
#: only prints.
_NOT_ASKED = frozenset({"workspace", "debug", "dry_run", "inspect"})


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
    fields = {
        n: f for n, f in spec.config.model_fields.items()
        if n not in _NOT_ASKED and get_origin(f.annotation) is not dict
    }  # fmt: skip
    # What every job has comes last.
    order = sorted(fields, key=lambda n: n in JobConfig.model_fields)
    names = tuple(sorted({name for _, name in models}, key=lambda n: (n != "main", n)))
    offers = {"task": None if tasks is None else tuple(tasks), "name": names or None}
    if trains_models(spec):
        del offers["name"]
    return tuple(_offering(_entry(n, fields[n], spec), offers.get(n), spec) for n in order)


def option_entries(spec: Spec) -> tuple[Entry, ...]:
    """The entries for where and with what to run; an engine heeds those of `used_entries`."""
    if chooses_engine(spec):
        return ()
    unfit = {"shards"} - {"shards" for n in spec.config.model_fields if n == "shard"}
    fields = Options.model_fields
    return tuple(_entry(n, fields[n], spec) for n in fields if n not in _NOT_ASKED | unfit)


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


def _entry(name: str, info: FieldInfo, spec: Spec) -> Entry:
    kinds = [k for k in _alternatives(info.annotation) if k is not type(None)]
    literal = [str(v) for k in kinds if get_origin(k) is Literal for v in get_args(k)]
    default = info.get_default(call_default_factory=True)
    required = info.is_required()
    optional = required or default is None or default == ()
    kind: EntryKind = "text"
    if kinds == [bool]:
        kind = "switch"
    elif literal and len(kinds) == 1:
        kind, literal = "choice", ["", *literal] if default is None else literal
    elif Path in kinds:
        kind = "path"
    elif any(get_origin(k) in (tuple, list) for k in kinds):
        kind = "list"
    parts = [" ".join((info.description or "").split()), _bounds(info)]
    if name == "seed" and trains_models(spec):
        parts.append("0-4 or 0,1,2: one run each; every seed but the first is added to the name.")
    if names := () if literal else spec.config.known_names().get(name, ()):
        parts.append("→ completes a name.")
    text = "" if optional else str(default)
    choices = (*literal, *names)
    return Entry(name, kind, " ".join(filter(None, parts)), text, required, choices)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The types that a field takes, without what annotates them."""
    args = get_args(annotation)
    if get_origin(annotation) in (Literal, tuple, list) or not args:
        return (annotation,)
    return tuple(k for a in args if isinstance(a, type) or get_args(a) for k in _alternatives(a))


def _bounds(info: FieldInfo) -> str:
    limits_text = {"ge": "from {:,}", "gt": "above {:,}", "le": "to {:,}", "lt": "below {:,}"}
    limits = [
        (w, getattr(m, k)) for k, w in limits_text.items() for m in info.metadata if hasattr(m, k)
    ]
    text = " ".join(w.format(v) for w, v in limits)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _offering(entry: Entry, choices: tuple[str, ...] | None, spec: Spec) -> Entry:
    """The entry with choices, if the workspace has any."""
    if choices is None:
        return entry
    # Where the place of what is written does not distinguish them, there can be only one.
    if entry.name in template_keys(spec):
        return replace(entry, kind="many", choices=choices)
    return replace(entry, kind="choice", choices=tuple(dict.fromkeys((entry.default, *choices))))
