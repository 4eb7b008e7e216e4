"""The parts of the page Cohort, each a tab."""

from __future__ import annotations

from dataclasses import dataclass

from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS, IMAGES
from data_contracts.vocabulary import Contract


@dataclass(frozen=True)
class Part:
    """A part of the page, where it comes from, and what stands below it or in its place."""

    key: str
    title: str
    contract: Contract
    job: str
    missing: str = "No preprocessed images yet."
    nothing: str = ""
    """What there is to say of an empty one."""
    caption: str = ""
    sheet: str = ""
    """The name of a contact sheet; empty: it is a table."""


PARTS = {
    "flow": Part("f", "Flow", COHORT_FLOW, "extract", "No cohort yet."),
    "table": Part(
        "t", "Table 1", COHORT_CHARACTERISTICS, "extract", "No cohort yet.",
        caption="patients (% of images)",
    ),
    "rejects": Part(
        "r", "Rejects", IMAGE_REJECTS, "preprocess",
        nothing="All images of the cohort were usable.",
    ),
    "contact": Part(
        "c", "Contact sheet", IMAGES, "preprocess", nothing="No image is stored.",
        sheet="contact-sheet",
    ),
    "polarity": Part(
        "p", "Polarity", IMAGES, "preprocess",
        nothing="No image has a border that is brighter than its centre.",
        sheet="polarity-suspect",
    ),
}  # fmt: skip
