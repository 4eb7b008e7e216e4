"""The JSON header that every artifact carries, and where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from data_contracts.errors import ArtifactError
from data_contracts.shared_text import loads_shared

HEADER_KEY = "cxr"


def package_version() -> str:
    """The installed version of this package, or `0+unknown` in a bare source tree."""
    try:
        return version("cxr")
    except PackageNotFoundError:
        return "0+unknown"


@dataclass(frozen=True, slots=True)
class Input:
    """One artifact or source file that went into another: its contract, place and digest."""

    contract: str
    path: str
    digest: str


@dataclass(frozen=True)
class Provenance:
    """Who writes an artifact: the job, its configuration and its inputs.

    `created` fixes the time of writing (UTC, ISO 8601); empty: now. `defaults` are the job's
    settings as they are when nobody sets them. What a version before `since` made is made again.
    """

    job: str
    config: dict[str, Any]
    inputs: tuple[Input, ...] = ()
    created: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict, compare=False)
    since: str = field(default="", compare=False)


@dataclass(frozen=True)
class Header:
    """What an artifact says about itself. `digest` covers content and attributes only."""

    contract: str
    version: str
    created: str
    job: str
    config: dict[str, Any]
    package_version: str
    inputs: tuple[Input, ...]
    digest: str
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def major(self) -> str:
        return self.version.split(".")[0]

    @classmethod
    def new(
        cls,
        contract: str,
        contract_version: str,
        origin: Provenance,
        attributes: dict[str, Any],
        digest: str,
    ) -> Header:
        """A header for an artifact that is written now."""
        return cls(
            contract=contract,
            version=contract_version,
            created=origin.created or datetime.now(UTC).isoformat(timespec="seconds"),
            job=origin.job,
            config=json.loads(json.dumps(origin.config)),
            package_version=package_version(),
            inputs=tuple(sorted(set(origin.inputs), key=lambda i: (i.contract, i.path))),
            digest=digest,
            attributes=attributes,
        )

    def to_json(self) -> str:
        """The header as the file holds it, with a checksum of its own, the `seal`."""
        facts = asdict(self)
        return json.dumps(facts | {"seal": _seal(facts)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes, path: Path) -> Header:
        """Parse a header; raise `ArtifactError` naming `path` when it is not one, or altered."""
        try:
            facts = loads_shared(text)
            if facts.pop("seal") != _seal(facts):
                raise ValueError("altered")
            known = {f.name: facts[f.name] for f in fields(cls)}
            return cls(**known | {"inputs": tuple(Input(**i) for i in known["inputs"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(
                f"{path} has a damaged header; delete the file and run the job that writes it again"
            ) from error


def _seal(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
