"""What two runs differ by: their settings, and their inputs by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data_contracts.run import RunRecord
from tui.shared.run_texts import what_of
from tui.shared.sanitize import sanitize
from tui.shared.toned import TonedLine, marked_up
from tui.workspace.records import config_of

_ABSENT = "–"


def diff_text(a: RunRecord, b: RunRecord) -> str:
    """The settings and inputs that differ, as content markup; what is equal is only counted."""
    lines: list[TonedLine] = [("live", f"A  {_name(a)}"), ("warn", f"B  {_name(b)}")]
    facts = {"job": (a.job, b.job), "version": (a.package_version, b.package_version),
             "host": (a.host, b.host), "engine": (a.engine, b.engine)}  # fmt: skip
    settings, inputs = (config_of(a), config_of(b)), (_inputs(a), _inputs(b))
    for title, pairs in (
        ("Run", facts), ("Settings", _pairs(*settings)), ("Inputs by digest", _pairs(*inputs)),
    ):  # fmt: skip
        lines += [("", ""), *_section(title, pairs)]
    return marked_up(lines)


def _section(title: str, pairs: Mapping[str, tuple[Any, Any]]) -> Iterator[TonedLine]:
    differ = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    equal = len(pairs) - len(differ)
    yield "bold", f"{title}: {len(differ)} different, {equal} equal"
    for name, (one, other) in differ.items():
        yield "", name
        yield "live", f"  A  {one}"
        yield "warn", f"  B  {other}"


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The values of each name in both; a dash where there is none."""
    return {name: (a.get(name, _ABSENT), b.get(name, _ABSENT)) for name in sorted({*a, *b})}


def _inputs(record: RunRecord) -> dict[str, str]:
    """The begin of the digest of each input, by contract, or by place where one has several."""
    items = record.inputs if isinstance(record.inputs, list) else []
    entries = [item for item in items if isinstance(item, dict)]
    contracts = [str(item.get("contract")) for item in entries]
    return {
        contract if contracts.count(contract) == 1 else str(item.get("path")):
            str(item.get("digest", ""))[:19]
        for contract, item in zip(contracts, entries, strict=True)
    }  # fmt: skip


def _name(record: RunRecord) -> str:
    return sanitize(f"{record.job} {what_of(record)}  ({record.run_id})")
