from __future__ import annotations

from typing import Any

from headers import header

from cxrcore.reporting.methods import differing_settings, paragraphs, sentences
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.header import Header
from data_contracts.images import IMAGE_REJECTS
from data_contracts.predictions import PREDICTIONS

TRAINING = {
    "task": "gender", "name": "main", "seed": 0, "control": "none", "architecture": "resnet18",
    "weights": "imagenet", "epochs": 7, "learning_rate": 0.001, "batch_size": 16,
    "weight_decay": 0.01, "patience": 3, "augment": False,
}  # fmt: skip
SUMMARY = {"replicates": 500, "surrogates": 1999, "permutations": 99, "seed": 4}


def training(**changes: Any) -> Header:
    config = TRAINING | changes
    own = {name: config[name] for name in ("task", "name", "seed", "control")}
    return header(PREDICTIONS, config, **own, target_kind=changes.get("target_kind", "classes"))


def said(*trainings: Header, cohort: dict[str, Any] | None = None, **facts: Any) -> str:
    headers = {
        COHORT.name: [header(COHORT, cohort, **facts)],
        COHORT_FLOW.name: [header(COHORT_FLOW, synthetic=False)],
        IMAGE_REJECTS.name: [header(IMAGE_REJECTS, {"size": 192})],
        PREDICTIONS.name: list(trainings), ATTRIBUTIONS.name: [header(ATTRIBUTIONS)],
    }  # fmt: skip
    return " ".join(paragraphs(sentences(headers, SUMMARY, 11)).values())


def test_methods_are_what_the_artifacts_were_made_with() -> None:
    text = said(training(), cohort={"min_age": 21, "horizon": 90}, source="nih")
    for part in (
        "21 years or older", "NIH ChestX-ray14", "within 90 days", "squares of 192 pixels",
        "(resnet18) started from ImageNet weights.", "at most 7 epochs (batches of 16", "0.001",
        "stopped after 3 epochs", "(gradcam) of the layer layer4", "500 bootstrap", "1,999 Moran",
        "99 shuffles", "seed 4", "fewer than 11 patients", "no null networks",
    ):  # fmt: skip
        assert part in text, part
    assert "rotated" not in text


def test_what_a_setting_contradicts_is_not_said() -> None:
    assert "rotated" in said(training(augment=True))
    assert "No training was stopped early" in said(training(patience=0))
    assert "cross-entropy" not in said(training(), training(target_kind="value"))
    assert "one radiograph per study is kept" in said(training(), select="one-per-study")
    unlike = "the levels of evidence weigh patients alike"
    assert unlike in said(training(), select="all")
    assert unlike not in said(training())
    assert "Mortality" not in said(training(), mortality_rule=None)
    narrow = said(training(), cohort={"min_age": 18, "max_age": 64, "view": "PA",
                                      "no_finding_only": True})  # fmt: skip
    assert "(PA) without findings of patients of 18 years or older and 64 or younger" in narrow
    assert "Further labels" not in narrow
    assert "within 365, 90 and 30 days of" in said(
        training(), cohort={"horizon": 365, "further_horizon": [90, 30]}
    )
    wide = said(training(), cohort={"label": ["edema=Edema:a=0,b=1", "ward=ward"],
                                    "under65": ["insurance"], "race_conflict": "latest"},
                source="vindr")  # fmt: skip
    assert "Further labels: edema (column Edema) and ward (column ward)." in wide
    assert "Only patients under 65 are labelled for insurance." in wide
    assert "whose stays name several race groups counts to that of the latest stay." in wide
    assert "several race groups" not in narrow
    assert "The collection names no patients: each image counts as a patient of its own" in wide
    assert "drawn by a hash" in said(training())
    given = said(training(), split_digest="sha256:0f")
    assert "given by a file (sha256:0f)" in given
    assert "drawn by a hash" not in given
    timed = said(training(), test_period="2014 - 2016")
    assert "test being all patients of the latest period, 2014 - 2016, and the others" in timed


def test_settings_that_were_not_kept_are_not_guessed() -> None:
    text = said(header(PREDICTIONS, {}))
    assert "started from" not in text
    assert "years or older" not in text


def test_networks_that_were_trained_otherwise_are_named() -> None:
    other = training(name="wide", architecture="resnet50", seed=2)
    null = training(name="r", control="random-init", epochs=1)
    start = training(name="p", control="pretrained", epochs=1)
    assert differing_settings([training(), other, null, start]) == ["architecture"]
    text = said(training(), other, null, start)
    assert "(resnet18 and resnet50)" in text
    assert "The networks differ in architecture." in text
    assert "1 untrained, with random weights and 1 untrained, with the weights that" in text
