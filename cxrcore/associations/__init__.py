"""How much evidence each attribute shares with the reference task, a file per evidence level.

A level is a module with `LEVEL`, its name, and `found`, which yields its `Evidence`; `HEADLINE`
names the statistic that decides its verdict, where it has one.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace
from functools import lru_cache
from types import ModuleType

from cxrcore.associations.evidence import Evidence, Row, primary_evidence, rows_of, with_trainings
from cxrcore.associations.inputs import Inputs
from cxrcore.associations.shuffles import forget_permutations
from cxrcore.associations.verdict import Headline, order_rows, verdict_rows
from cxrcore.evaluation.bootstrap import Advance, part_of
from data_contracts.associations import EVIDENCE_LEVELS


@dataclass(frozen=True)
class Associations:
    """Rows of ASSOCIATIONS, VERDICTS and ORDERS, before anything is suppressed."""

    rows: list[Row]
    verdicts: list[Row]
    orders: list[Row]


def levels() -> dict[str, ModuleType]:
    """The module of each level of evidence, in the order of the contract."""
    names = [m.name for m in pkgutil.iter_modules(__path__)]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = {module.LEVEL: module for module in modules if hasattr(module, "LEVEL")}
    return {name: found[name] for name in EVIDENCE_LEVELS if name in found}


def associations(inputs: Inputs, advance: Advance) -> Associations:
    """Every level of evidence for every attribute; all empty without labels of the reference."""
    modules, found = levels(), list[Evidence]()
    for module in modules.values():
        # A level asks for the features of one network many times in a row, or for those of two in
        # turn. What it keeps goes with it.
        own = replace(inputs, features=lru_cache(maxsize=2)(inputs.features))
        found += module.found(own, part_of(advance, 1 / len(modules)))
        forget_permutations()
    found = with_trainings(found, inputs)
    rows = rows_of(found, inputs)
    headlines: dict[str, Headline] = {
        name: module.HEADLINE for name, module in modules.items() if hasattr(module, "HEADLINE")
    }
    verdicts = verdict_rows(rows, headlines)
    orders = order_rows(primary_evidence(found, inputs), verdicts, headlines)
    return Associations(rows, verdicts, orders)
