"""Every contract, found by walking this package: adding a contract to a file adds it here."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import data_contracts
from data_contracts.vocabulary import Contract


@cache
def contracts() -> dict[str, Contract]:
    """Every contract of this package by name, sorted by name."""
    found: dict[str, Contract] = {}
    for module in pkgutil.iter_modules(data_contracts.__path__):
        if module.name.startswith("_") or module.name in ("catalog", "store", "lineage"):
            continue
        members = vars(importlib.import_module(f"data_contracts.{module.name}"))
        found |= {c.name: c for c in members.values() if isinstance(c, Contract)}
    return dict(sorted(found.items()))
