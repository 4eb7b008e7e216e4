"""What is said of an attribute, and when it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from networks import inputs_of, model

from cxrcore.associations.estimate import Estimate
from cxrcore.associations.evidence import Evidence, primary_evidence, rows_of, with_trainings
from cxrcore.associations.verdict import Headline, decide, order_rows, sentence, verdict_rows
from data_contracts.associations import ORDERS, VERDICTS

HEADLINE = Headline("r", "adjusted", 0.5)
HEADLINES = {"attribution": HEADLINE}
SEEN: dict[str, Any] = {
    "value": 0.9, "low": 0.8, "high": 0.95, "p_holm": 0.01, "interpretable": True, "reason": None,
    "smallest_effect": 0.7,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "control", "verdict", "reason"),
    [
        ({}, 0.2, "shared", ""),
        ({}, None, "undetermined", "no permuted-label network to compare with"),
        ({}, 0.95, "undetermined", "not above the permuted-label network's"),
        ({"p_holm": 0.06}, 0.2, "undetermined", "not beyond chance"),
        ({"value": 0.45, "low": 0.3, "high": 0.6}, 0.2, "undetermined",
         "less than 0.5, the smallest value of interest, so far"),
        ({"value": 0.1, "low": -0.2, "high": 0.3, "p_holm": 0.4}, 0.2, "not shared",
         "below 0.5, the smallest value of interest"),
        ({"value": 0.1, "low": 0.05, "high": 0.15, "p_holm": 0.001}, 0.0, "not shared",
         "below 0.5, the smallest value of interest"),
        ({"value": 0.1, "low": -0.2, "high": 0.6, "p_holm": 0.4}, 0.2, "undetermined",
         "not beyond chance; smallest detectable: 0.7"),
        ({"value": 0.1, "low": -0.2, "high": 0.6, "p_holm": 0.4, "smallest_effect": None}, 0.2,
         "undetermined", "not beyond chance"),
        ({"interpretable": False, "reason": "blind"}, 0.2, "undetermined", "blind"),
        ({"value": None, "interpretable": False, "reason": "no map"}, 0.2, "undetermined",
         "no map"),
        ({"p_holm": None}, 0.2, "undetermined", "no test, or no interval"),
    ],
)  # fmt: skip
def test_a_verdict_needs_all_of_its_conditions(
    changes: dict[str, Any], control: float | None, verdict: str, reason: str
) -> None:
    assert decide(SEEN | changes, HEADLINE, control) == (verdict, reason)


def evidence_of(
    values: dict[str, tuple[float, float, float]], seed: int = 0, name: str = "main",
    control: str = "none",
) -> list[Evidence]:  # fmt: skip
    """By attribute: value, standard error over the patients, p."""
    rng = np.random.default_rng(seed)
    out = []
    for attribute, (value, error, p) in values.items():
        resampled = value + error * rng.normal(size=400)
        low, high = np.percentile(resampled, [2.5, 97.5])
        estimate = Estimate("r", value, 90, "adjusted", low, high, p, "chance", resampled=resampled)
        pair = (
            model("mortality", "main" if control != "none" else name, seed),
            model(attribute, name, seed, control),
        )
        out.append(Evidence("attribution", attribute, *pair, "all", "all", estimate))
    return out


FAR = {"insurance": (0.95, 0.01, 0.001), "race": (0.4, 0.2, 0.3), "gender": (-0.3, 0.05, 0.8)}
NULLS = {"insurance": (0.1, 0.1, 0.4), "race": (0.1, 0.1, 0.4), "gender": (0.1, 0.1, 0.4)}


def said(
    *found: list[Evidence],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    every = [e for part in found for e in part]
    inputs = inputs_of([m for e in every for m in e.models])
    every = with_trainings(every, inputs)
    verdicts = verdict_rows(rows_of(every, inputs), HEADLINES)
    orders = order_rows(primary_evidence(every, inputs), verdicts, HEADLINES)
    example = [pl.DataFrame(c.example()).schema for c in (VERDICTS, ORDERS)]
    return pl.DataFrame(verdicts, schema=example[0]), pl.DataFrame(orders, schema=example[1])


def test_verdicts_ranks_and_orders_of_one_training() -> None:
    controls = evidence_of(NULLS, name="null", control="permuted-labels")
    verdicts, orders = said(evidence_of(FAR), controls)
    assert dict(verdicts.select("attribute", "verdict").iter_rows()) == {
        "insurance": "shared", "race": "undetermined", "gender": "not shared",
    }  # fmt: skip
    assert verdicts["rank"].to_list() == [1, 2, 3]
    assert verdicts["control_value"].to_list() == [0.1] * 3
    claimed = orders.filter("above").select("attribute", "other").rows()
    # Race may lie anywhere: one training does not settle its order.
    assert claimed == [("insurance", "gender")]
    assert orders["share"].is_between(0, 1).all()


def test_without_the_control_nothing_is_shared_or_ordered() -> None:
    verdicts, orders = said(evidence_of(FAR))
    assert "shared" not in verdicts["verdict"].to_list()
    assert not orders["above"].any()


def test_an_order_of_two_shared_attributes_needs_trainings_that_agree() -> None:
    near = {"insurance": (0.95, 0.01, 0.001), "race": (0.8, 0.02, 0.001)}
    controls = evidence_of(dict.fromkeys(near, (0.1, 0.1, 0.4)), name="null",
                           control="permuted-labels")  # fmt: skip
    _, one = said(evidence_of(near), controls)
    assert not one["above"].any()
    agreeing = [evidence_of(near, s, name) for s, name in enumerate(("main", "seed1", "seed2"))]
    _, three = said(*agreeing, controls)
    assert three["above"].to_list() == [True]
    moving = {"insurance": (0.7, 0.01, 0.001), "race": (0.85, 0.02, 0.001)}
    _, reversed_ = said(*agreeing[:2], evidence_of(moving, 2, "seed2"), controls)
    assert not reversed_["above"].any()


def test_unrelated_networks_are_ordered_at_most_one_time_in_twenty() -> None:
    rng = np.random.default_rng(0)
    claims = 0
    for seed in range(300):
        # Two fixed networks that look anywhere: r far apart, intervals narrow, p uniform.
        pair = {a: (rng.uniform(-0.5, 0.6), 0.01, rng.random()) for a in ("race", "gender")}
        controls = evidence_of(dict.fromkeys(pair, (-1.0, 0.1, 0.5)), name="null",
                               control="permuted-labels")  # fmt: skip
        _, orders = said(evidence_of(pair, seed), controls)
        claims += int(orders["above"].any())
    assert claims <= 0.05 * 300 + 3 * np.sqrt(0.05 * 0.95 * 300)


def test_the_sentence_names_every_level_once() -> None:
    rows = [
        {"attribute": a, "evidence_level": level, "verdict": v}
        for a, level, v in (
            ("race", "label", "shared"), ("race", "use", "not shared"),
            ("race", "attribution", "not shared"), ("gender", "label", "undetermined"),
        )
    ]  # fmt: skip
    assert sentence(rows, "mortality") == (
        "Evidence shared with mortality — race: shared at label, not shared at use and "
        "attribution; gender: undetermined at label."
    )
    assert sentence([], "mortality") == "No attribute could be compared with mortality."
