"""Headers of artifacts that nobody has written."""

from __future__ import annotations

from typing import Any

from data_contracts.header import Header, Provenance
from data_contracts.vocabulary import Contract


def header(contract: Contract, config: dict[str, Any] | None = None, **attributes: Any) -> Header:
    """With the attributes of the contract's example, but for some."""
    own = {**contract.example_attributes, **attributes}
    return Header.new(contract.name, contract.version, Provenance("job", config or {}), own, "")
