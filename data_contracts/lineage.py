"""Whether artifacts are up to date and belong together, judged by their headers alone.

Everything that asks so asks here: the jobs before they run, the pipeline's plan, `cxr inspect`
and the dashboard. The times of files are never looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from data_contracts._versions import require_contract
from data_contracts.errors import ArtifactError, CxrError, concerns_content
from data_contracts.header import Header, Input, Provenance
from data_contracts.store import contract_of, read_header
from data_contracts.vocabulary import Contract

InputStatus = Literal["ok", "stale", "missing", "damaged", "unreadable", "external"]

Unusable = Literal["damaged", "unreadable"]

#: The header at a path relative to the workspace; None if nothing is there. Raises `CxrError`
#: if what is there is damaged or cannot be read.
Look = Callable[[str], Header | None]


def input_status(item: Input, look: Look) -> tuple[InputStatus, Header | None]:
    """Whether an input is still what went in, and its header if it can be read."""
    if item.contract == "source":
        return "external", None
    try:
        parent = look(item.path)
    except CxrError as error:
        return ("damaged" if concerns_content(error) else "unreadable"), None
    if parent is None:
        return "missing", None
    return ("ok" if parent.digest == item.digest else "stale"), parent


def ancestors(header: Header, look: Look) -> Iterator[tuple[int, Input, InputStatus]]:
    """Depth, input and status of all that `header` was made from, each below its child.

    What an input was made from itself stands where the input first appears.
    """
    return _ancestors(header, look, 0, set())


def _ancestors(
    header: Header, look: Look, depth: int, seen: set[str]
) -> Iterator[tuple[int, Input, InputStatus]]:
    for item in header.inputs:
        status, parent = input_status(item, look)
        yield depth, item, status
        if parent is not None and item.path not in seen:
            seen.add(item.path)
            yield from _ancestors(parent, look, depth + 1, seen)


def stale_reasons(known: Mapping[str, Header | Unusable]) -> dict[str, str]:
    """By path why an artifact no longer follows from what is there; empty if it does.

    `known` has every artifact of a workspace: its header, or why there is none. An input that
    cannot be read for now says nothing: whether it has changed is not known.
    """
    out: dict[str, str] = {}

    def reason(path: str) -> str:
        if path not in out:
            # A circle of inputs, which no job makes, must not go round for ever.
            out[path] = ""
            header = known[path]
            inputs = header.inputs if isinstance(header, Header) else ()
            out[path] = next(filter(None, map(fault_of, inputs)), "")
        return out[path]

    def fault_of(item: Input) -> str:
        if item.contract == "source" or known.get(item.path) == "unreadable":
            return ""
        parent = known.get(item.path)
        if not isinstance(parent, Header):
            return f"{item.path} is {'missing' if parent is None else parent}"
        if parent.digest != item.digest:
            return f"{item.path} has changed"
        return f"{item.path} is stale" if reason(item.path) else ""

    return {path: reason(path) for path in known}


def changed_settings(header: Header, provenance: Provenance) -> list[str]:
    """The settings in which an artifact differs from what would be made now.

    A setting that did not exist when it was made counts as its default.
    """
    made, now = {**provenance.defaults, **header.config}, _plain(provenance.config)
    return sorted(key for key in {*made, *now} if made.get(key) != now.get(key))


def is_too_old(header: Header, provenance: Provenance) -> bool:
    """Whether the rules by which an artifact was made have changed since."""
    return as_numbers(header.package_version) < as_numbers(provenance.since)


def as_numbers(version: str) -> tuple[int, ...]:
    """A version of this package for comparison; one that is not known comes before all."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(p.isdecimal() for p in parts) else ()


def was_made_by(header: Header, provenance: Provenance, ignoring: Sequence[str] = ()) -> bool:
    """Whether an artifact is what `provenance` makes: same job, settings and inputs.

    `ignoring` are paths of what the job wrote itself.
    """
    inputs = {i for i in header.inputs if i.path not in ignoring}
    same_job = header.job == provenance.job and inputs == set(provenance.inputs)
    current = not is_too_old(header, provenance)
    return same_job and current and not changed_settings(header, provenance)


def is_current(workspace: Path, paths: Sequence[str], provenance: Provenance) -> bool:
    """Whether every output exists, is readable, was made by `provenance` and fits the others."""
    try:
        outputs = [(workspace / path, read_header(workspace / path)) for path in paths]
        for path, header in outputs:
            require_contract(contract_of(header, path), header, path)
        check_lineage(workspace, outputs)
    except CxrError as error:
        if not concerns_content(error):
            raise
        return False
    return all(was_made_by(header, provenance, paths) for _, header in outputs)


def require_own_path(contract: Contract, header: Header, path: Path, workspace: Path) -> None:
    """Raise `ArtifactError` for an artifact that its attributes place elsewhere in `workspace`.

    A model of one task that lies where another's belongs would be taken for it.
    """
    own = {n: str(header.attributes[n]) for n in contract.template_keys if n in header.attributes}
    if path not in contract.find(workspace, **own):
        facts = ", ".join(f"{name} {value}" for name, value in own.items())
        raise ArtifactError(
            f"{path} holds the {contract.name} of {facts}; "
            "move it to its place and run the job that writes this one"
        )


def check_lineage(workspace: Path, artifacts: Iterable[tuple[Path, Header]]) -> None:
    """Refuse artifacts that do not descend from the same inputs.

    Every artifact's own digest, and every digest it names as an input, must agree wherever
    the same path is named twice. Raises `ArtifactError` naming all disagreements.
    """
    seen: dict[str, tuple[str, Header, str]] = {}
    errors, jobs = [], dict[str, None]()
    for path, header in artifacts:
        own = path.relative_to(workspace).as_posix()
        parents = [(i.path, i.digest) for i in header.inputs if i.contract != "source"]
        for name, digest in [(own, header.digest), *parents]:
            first, other, want = seen.setdefault(name, (own, header, digest))
            if want == digest:
                continue
            pair = [(own, header), (first, other)]
            # The artifact itself is what it is; of two children the elder is out of date.
            (child, stale), (than, _) = sorted(pair, key=lambda p: (p[0] == name, p[1].created))
            rest = "" if than == name else f" than {than}"
            errors.append(f"{child} was made from another {name}{rest}")
            jobs[stale.job] = None
    if errors:
        raise ArtifactError(
            f"{workspace} mixes artifacts of different inputs: {'; '.join(errors)}; "
            f"run {' and '.join(f'`cxr {job}`' for job in jobs)} again"
        )


def _plain(config: object) -> dict[str, object]:
    """Settings as they are in a header: plain JSON data."""
    plain: dict[str, object] = json.loads(json.dumps(config))
    return plain
