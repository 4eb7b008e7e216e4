"""Reporting guidelines: which items this analysis answers, and which are left for the authors.

A guideline is a file of `guidelines/`, with its items in their published order: number, topic in
short, and where the software knows it the answer (a template) and the section of the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

FOLDER = Path(__file__).with_name("guidelines")
#: What stands in the place of an answer that the software does not have.
FOR_THE_AUTHORS = "for the authors"


def checklists(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every guideline: `name`, `source` and `items`, with answers filled from what is `known`.

    An item has `item`, `topic`, `answer`, `where` (a section) and `authors` (what is left for
    them); an answer of which nothing is known is empty, and is left to the authors whole.
    """
    environment = Environment(undefined=StrictUndefined)  # noqa: S701  (text, not HTML)
    found = []
    for path in sorted(FOLDER.glob("*.yaml"), reverse=True):
        guideline = yaml.safe_load(path.read_text(encoding="utf-8"))
        items = [_filled(item, environment, known) for item in guideline["items"]]
        found.append({**guideline, "items": items})
    return found


def as_yaml(found: list[dict[str, Any]], sections: Mapping[str, str]) -> str:
    """The guidelines as a file for people: every item with its answer and where it stands."""
    plain = [
        {**guideline, "items": [_plain(item, sections) for item in guideline["items"]]}
        for guideline in found
    ]
    text: str = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=100)
    return text


def _filled(
    item: Mapping[str, str], environment: Environment, known: Mapping[str, Any]
) -> dict[str, str]:
    answer = environment.from_string(item.get("answer", "")).render(known).strip()
    rest = item.get("authors", "") if answer else ""
    where = item.get("where", "") if answer else ""
    return {"item": item["item"], "topic": item["topic"], "answer": answer, "where": where,
            "authors": rest}  # fmt: skip


def _plain(item: Mapping[str, str], sections: Mapping[str, str]) -> dict[str, str]:
    if not item["answer"]:
        return {"item": item["item"], "topic": item["topic"], "answer": FOR_THE_AUTHORS}
    left = {FOR_THE_AUTHORS: item["authors"]} if item["authors"] else {}
    return {k: item[k] for k in ("item", "topic", "answer")} | {
        "where": f"report.html#{item['where']} ({sections[item['where']]})", **left
    }  # fmt: skip
