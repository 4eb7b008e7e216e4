from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from headers import header

from cxrcore.reporting.facts import study_facts
from data_contracts.cohort import COHORT, MORTALITY_RULES
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.summary import MODELS
from data_contracts.titles import MORTALITY_RULES as RULES


def facts(*models: dict[str, Any], author: str | None = None, **cohort: Any) -> dict[str, str]:
    example = pl.DataFrame(MODELS.example())
    rows = [example.row(0, named=True) | model for model in models]
    return study_facts(
        header(COHORT, {"horizon": 180}, **cohort), header(COHORT_FLOW),
        pl.DataFrame(COHORT_CHARACTERISTICS.example()), pl.DataFrame(rows, schema=example.schema),
        author, "2026-03-09T23:00:00+00:00",
    )  # fmt: skip


MORTALITY = {"task": "mortality", "seed": 2, "epochs": 5}


def test_the_head_names_cohort_rule_networks_and_models() -> None:
    controls = ({"name": "p", "control": "permuted-labels"},
                {"name": "r", "control": "random-init", "epochs": 0},
                {"name": "s", "control": "pretrained", "epochs": 0})  # fmt: skip
    found = facts({}, MORTALITY, *controls, source="mimic", select="one-per-study",
                  author="A. Reader")  # fmt: skip
    software = found.pop("Software")
    assert software.startswith("cxr ")
    assert found == {
        "Date": "9 March 2026", "Author": "A. Reader",
        "Cohort": "MIMIC-CXR with MIMIC-IV; synthetic patients in its layout; 12 patients; "
                  "one radiograph per study",
        "Mortality": "death within 180 days of a radiograph taken during a hospital stay or in "
                     "the 24 hours before it",
        "Networks": "resnet18; 3 to 5 epochs of training",
        "Models": "5 for 2 tasks: 2 trained (seeds 0 and 2), 1 permuted-labels, 1 pretrained and "
                  "1 random-init",
    }  # fmt: skip


def test_what_is_not_known_is_left_out() -> None:
    found = facts({}, source="elsewhere")
    assert not {"Author", "Mortality"} & set(found)
    assert found["Cohort"].startswith("elsewhere; ")
    assert "Mortality" not in facts(MORTALITY, mortality_rule=None)


@pytest.mark.parametrize("rule", MORTALITY_RULES)
def test_every_rule_of_the_label_has_words(rule: str) -> None:
    words = facts(MORTALITY, mortality_rule=rule)["Mortality"]
    # A label as given has a horizon that only its source knows.
    assert ("within 180 days" in words) == (rule != "as-given")
    assert set(RULES) == set(MORTALITY_RULES)
