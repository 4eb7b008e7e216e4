"""What the head of the report says of the study: when, who, which cohort, networks, software."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cxrcore import sources
from data_contracts import titles
from data_contracts.cohort_tables import count
from data_contracts.header import Header, package_version
from data_contracts.model import UNTRAINED

NAMES = ("Date", "Author", "Cohort", "Mortality", "Networks", "Models", "Software")


def study_facts(
    cohort: Header, flow: Header, characteristics: pl.DataFrame, models: pl.DataFrame,
    author: str | None, created: str = "",
) -> dict[str, str]:  # fmt: skip
    """Name and text of each fact that is known, in the order of `NAMES`."""
    when = datetime.fromisoformat(created) if created else datetime.now(UTC)
    texts = (
        f"{when.day} {when:%B %Y}", author or "", _cohort(cohort, flow, characteristics),
        mortality_rule(cohort) if (models["task"] == "mortality").any() else "",
        _networks(models), _models(models), software(),
    )  # fmt: skip
    return {name: text for name, text in zip(NAMES, texts, strict=True) if text}


def source_title(cohort: Header) -> str:
    """The collection's name; that of its source where the source is not known here."""
    name = str(cohort.attributes["source"])
    return sources.adapter(name).title if name in sources.names() else name


def source_caution(cohort: Header) -> str:
    """What must be known of the collection, as a sentence; empty where there is nothing."""
    name = str(cohort.attributes["source"])
    caution = sources.adapter(name).caution if name in sources.names() else ""
    return f"{caution[0].upper()}{caution[1:]}." if caution else ""


def mortality_rule(cohort: Header) -> str:
    """Who has a mortality label and what it means; empty where no rule is on record."""
    rule = titles.MORTALITY_RULES.get(cohort.attributes.get("mortality_rule") or "", "")
    config = cohort.config
    days = [config["horizon"], *config.get("further_horizon", ())] if "horizon" in config else []
    return rule.format(horizon=f"{listed(days)} days" if days else "the horizon")


def software() -> str:
    """Name and version of this package, and the commit where it runs from a source tree."""
    commit = _commit()
    return f"cxr {package_version()}" + (f", commit {commit}" if commit else "")


def listed(names: Sequence[object]) -> str:
    """A list in words: a, b and c."""
    words = [str(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _cohort(cohort: Header, flow: Header, characteristics: pl.DataFrame) -> str:
    whole = characteristics.filter(variable="subjects", level="all", split="all")
    size = [f"{count(n)} patients" for n in whole["subjects"]]
    select = titles.SELECTIONS.get(str(cohort.attributes["select"]), "")
    made = "synthetic patients in its layout" if flow.attributes.get("synthetic") else ""
    return "; ".join(part for part in (source_title(cohort), made, *size, select) if part)


def _networks(models: pl.DataFrame) -> str:
    trained = models.filter(~pl.col("control").is_in(UNTRAINED))
    names = listed(trained["architecture"].unique(maintain_order=True).to_list())
    return f"{names}; {_range(trained['epochs'])} epochs of training" if names else ""


def _models(models: pl.DataFrame) -> str:
    kinds: Mapping[str, Any] = dict(models["control"].cast(pl.String).value_counts().iter_rows())
    seeds = models.filter(control="none")["seed"].unique().sort().to_list()
    trained = f"{kinds.get('none', 0)} trained (seed{'s' * (len(seeds) > 1)} {listed(seeds)})"
    controls = [f"{n} {name}" for name, n in sorted(kinds.items()) if name != "none"]
    tasks = models["task"].n_unique()
    return f"{models.height} for {tasks} task{'s' * (tasks > 1)}: " + listed(
        [trained, *controls] if controls else [trained, "no controls"]
    )


def _range(numbers: pl.Series) -> str:
    found = numbers.unique().sort().to_list()
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _commit() -> str:
    """The commit of the source tree that this file lies in; empty where there is none."""
    tree = Path(__file__).parents[2]
    if not (tree / ".git").exists():
        return ""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    commit, _, changed = told.stdout.strip().partition("-")
    return commit + (" with local changes" if changed else "")
