"""Which steps must run, and why, judged by the artifacts' headers and never by file times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from data_contracts.errors import CxrError, concerns_content
from data_contracts.header import Header, Provenance
from jobs._execute import origin_of
from jobs._pipeline.plan import Step
from jobs._sources import file_digest


def reasons_to_run(steps: Sequence[Step], *, force: bool = False) -> dict[str, str]:
    """By name of the step: why it must run. A step that is up to date has no entry.

    What follows on a step that runs must run as well; it may find itself up to date then.
    Raises `UsageError` or `SourceError` where a job's sources cannot be used.
    """
    digest = cache(file_digest)
    makers = {place: step.name for step in steps for place in step.outputs}
    reasons: dict[str, str] = {}
    for step in steps:
        after = {makers[p] for p in step.inputs if makers.get(p) in reasons}
        why = "--force" if force else _outdated(step)
        if not why and not after:
            why = _outdated_inputs(step, digest)
        if why or after:
            reasons[step.name] = why or f"follows {_shown(sorted(after))}"
    return reasons


def _outdated(step: Step) -> str:
    """Why a step must run whatever the steps before it make; empty if it need not."""
    wanted = [*step.outputs, *step.spec.files]
    missing = [place for place in wanted if not (step.config.workspace / place).exists()]
    if missing:
        return "does not exist yet" if len(missing) == len(wanted) else f"{missing[0]} is missing"
    from data_contracts.lineage import changed_settings, is_too_old

    try:
        header = _headers(step)[0]
    except CxrError as error:
        if not concerns_content(error):
            raise
        return "damaged or of another version"
    config = step.config
    wanted_now = Provenance(
        step.spec.name, config.model_dump(mode="json"), defaults=config.defaults(),
        since=step.spec.since,
    )  # fmt: skip
    if is_too_old(header, wanted_now):
        return f"made by cxr {header.package_version}, by rules that have changed"
    changed = changed_settings(header, wanted_now)
    return f"changed: {', '.join(changed)}" if changed else ""


def _outdated_inputs(step: Step, digest: Callable[[Path], str]) -> str:
    """Why a step must run though nothing before it does; empty if it need not."""
    from data_contracts.lineage import is_current

    try:
        origin = origin_of(step.spec, step.config, step.spec.sources(step.config), digest)
    except CxrError as error:
        if not concerns_content(error):
            raise
        return "its inputs are inconsistent"
    if is_current(step.config.workspace, list(step.outputs), origin):
        return ""
    made_from = {i for i in _headers(step)[0].inputs if i.path not in step.outputs}
    changed = sorted({i.path for i in made_from ^ set(origin.inputs)})
    return f"changed: {_shown(changed)}" if changed else "its outputs are inconsistent"


def _headers(step: Step) -> list[Header]:
    from data_contracts.store import read_header

    return [read_header(step.config.workspace / place) for place in step.outputs]


def _shown(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
