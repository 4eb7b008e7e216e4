"""What the page Results reads of a summary: verdicts, their order, and all associations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.errors import CxrError
from tui.workspace.snapshot import Artifact, Snapshot
from tui.workspace.tables import Tables

Row = Mapping[str, Any]
ModelKey = tuple[str, str]


@dataclass(frozen=True)
class Evidence:
    """Rows of the three artifacts; nothing of them is computed here."""

    sentence: str = ""
    """What the verdicts say together."""
    verdicts: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    associations: Sequence[Row] = ()
    least: int = 0
    """Fewer patients are not disclosed."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by contract."""

    def verdict(self, attribute: str, level: str) -> Row | None:
        """The verdict on an attribute at a level of evidence."""
        wanted = attribute, level
        found = (r for r in self.verdicts if (r["attribute"], r["evidence_level"]) == wanted)
        return next(found, None)

    def of(self, attribute: str, level: str) -> list[Row]:
        """The associations of an attribute at a level of evidence."""
        wanted = attribute, level
        return [r for r in self.associations if (r["attribute"], r["evidence_level"]) == wanted]

    def models(self, attribute: str) -> tuple[ModelKey, ...]:
        """The networks that stand for the reference and for the attribute, as far as compared."""
        rows = [r for r in self.associations if r["attribute"] == attribute and is_main(r)]
        keys = [
            next(((r[task], r[name]) for r in rows if r[name]), None)
            for task, name in (("reference", "reference_name"), ("attribute", "attribute_name"))
        ]
        return tuple(dict.fromkeys(key for key in keys if key is not None))


def is_main(row: Row) -> bool:
    """Whether a row stands for its pair of tasks, without a null network in it."""
    return bool(row["primary"]) and row["control"] in (None, "none")


def evidence_artifacts(snapshot: Snapshot) -> list[Artifact]:
    """The artifacts that are there, damaged ones as well."""
    return [a for c in (VERDICTS, ORDERS, ASSOCIATIONS) for a in snapshot.of(c.name)]


def read_evidence(tables: Tables, snapshot: Snapshot) -> Evidence:
    """Read what there is; what cannot be read is named in `problems`. For workers."""
    rows: dict[str, list[dict[str, Any]]] = {}
    problems: dict[str, str] = {}
    for artifact in evidence_artifacts(snapshot):
        try:
            rows[artifact.contract] = tables.read(artifact).to_dicts()
        except CxrError as error:
            problems[artifact.contract] = str(error)
    least = next((a.least or 0 for a in snapshot.of(VERDICTS.name)), 0)
    verdicts, orders, associations = (
        rows.get(c.name, []) for c in (VERDICTS, ORDERS, ASSOCIATIONS)
    )
    return Evidence(snapshot.sentence, verdicts, orders, associations, least, problems)
