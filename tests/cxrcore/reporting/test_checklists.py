from __future__ import annotations

from collections import defaultdict
from typing import Any

import yaml

from cxrcore.reporting.checklists import FOR_THE_AUTHORS, as_yaml, checklists
from cxrcore.reporting.report import sections

#: The numbers of the items as they are published.
TRIPOD = """1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13
14 15 16 17 18a 18b 18c 18d 18e 18f 19 20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c"""
NUMBERS = {"TRIPOD+AI": TRIPOD.split(), "CLAIM": [str(n) for n in range(1, 45)]}
NAMES = (
    "tasks", "reference", "auroc", "patients", "metrics", "split", "selection", "partition",
    "images", "initialisation", "training", "controls", "maps", "statistics",
)  # fmt: skip
SECTIONS = sections("mortality")


def known(**changes: Any) -> dict[str, Any]:
    """Something for every name that an answer takes."""
    facts: dict[str, str] = defaultdict(lambda: "fact")
    return dict.fromkeys(NAMES, "known") | {"weighted": True, "facts": facts} | changes


def answers(**changes: Any) -> dict[tuple[str, str], dict[str, str]]:
    found = checklists(known(**changes))
    return {(g["name"], item["item"]): item for g in found for item in g["items"]}


def test_every_published_item_is_there_in_order() -> None:
    found = {g["name"]: [i["item"] for i in g["items"]] for g in checklists(known())}
    assert found == NUMBERS


def test_an_answer_stands_in_a_section_of_the_report() -> None:
    for item in answers().values():
        assert bool(item["answer"]) == bool(item["where"])
        assert item["where"] in {"", *SECTIONS}


def test_what_is_not_known_is_for_the_authors() -> None:
    assert answers()["CLAIM", "14"]["answer"] == "Mortality: fact."
    item = answers(facts=defaultdict(str))["CLAIM", "14"]
    assert item == {"item": "14", "topic": "Definition of the reference standard", "answer": "",
                    "where": "", "authors": ""}  # fmt: skip
    assert not answers(weighted=False)["TRIPOD+AI", "13"]["answer"]


def test_the_file_holds_every_item_with_its_place() -> None:
    _, claim = yaml.safe_load(as_yaml(checklists(known()), SECTIONS))
    items = {item["item"]: item for item in claim["items"]}
    assert items["1"] == {"item": "1", "topic": "Title", "answer": FOR_THE_AUTHORS}
    assert items["20"]["where"] == "report.html#checks (Appendix: checks)"
    assert items["40"][FOR_THE_AUTHORS] == "those of the study"
