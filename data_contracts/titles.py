"""Titles of metrics and statistics for people: report, terminal and dashboard show these."""

from __future__ import annotations

METRICS = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "r2": "R²",
    "mae": "mean absolute error", "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
}  # fmt: skip

STATISTICS = {
    "cramers_v": "Cramér's V of the labels",
    "odds_ratio": "odds ratio",
    "score_separation": "separation of the score (partial correlation ratio)",
    "score_difference": "difference of the score (SD)",
    "probe_auroc": "AUROC of a linear probe",
    "probe_auroc_gain": "AUROC of the probe beyond a null network's",
    "debiased_cka": "debiased CKA of the features",
    "erasure_loss": "AUROC lost when the attribute is erased",
    "mirror_erasure_loss": "AUROC of the attribute lost when the reference is erased",
    "pearson_of_class_differences": "r of class-difference maps",
    "disattenuated_r": "r of class-difference maps without attenuation",
    "pearson_per_image": "r of the maps of the same image, mean",
    "largest_t": "largest |t| between classes over map cells",
    "c_index": "concordance (C-index)",
    "c_index_gain": "gain in concordance over age alone",
    "hazard_ratio": "hazard ratio per SD of the score",
}
ADJUSTMENTS = {
    "crude": "crude",
    "adjusted": "adjusted for age, sex, view",
    "within_class": "within the same outcome",
    "matched": "matched by age and view",
}
#: Each level of evidence with the question that it answers.
LEVELS = {
    "label": "Do the labels go together, beyond age, sex and view?",
    "score": "Do patients with the same outcome get different scores by group?",
    "representation": "Do the reference's features tell the groups apart better than a null "
    "network's?",
    "use": "Does the prediction get worse when the group is erased from the features?",
    "attribution": "Do the two networks find their evidence in the same places?",
    "prognosis": "Does the score predict survival?",
}
#: Each choice of a patient's images.
SELECTIONS = {
    "one-per-subject": "one radiograph per patient",
    "one-per-study": "one radiograph per study",
    "all": "all frontal radiographs",
}
_STAY = "death within {horizon} of a radiograph taken during a %s or in the 24 hours before it"
_LATE = "; radiographs that are not followed that long have no label, which depends on the outcome"
#: Each rule of the mortality label; the horizon is to be filled in.
MORTALITY_RULES = {
    "hospital-stay": _STAY % "hospital stay",
    "hospital-or-ed-stay": _STAY % "stay in hospital or the emergency department",
    "hospital-stay-outcome-dependent": _STAY % "hospital stay" + _LATE,
    "hospital-or-ed-stay-outcome-dependent":
        _STAY % "stay in hospital or the emergency department" + _LATE,
    "observed-to-horizon": "death within {horizon} of a radiograph; radiographs after which deaths "
                           "are on record for less time have no label",
    "as-given": "death as the source itself states it",
}  # fmt: skip
#: The statistic by which attributes are ranked.
RANKING = "pearson_of_class_differences"


def metric(name: str) -> str:
    """The title of a metric such as `auroc`, or `auroc:Black` for one class against the rest."""
    kind, _, of_class = name.partition(":")
    title = METRICS.get(kind, kind.replace("_", " "))
    return f"{title}, {of_class}" if of_class else title


def statistic(name: str) -> str:
    """The title of a statistic of association, or of one of its classes (`odds_ratio:Black`)."""
    kind, _, of_class = name.partition(":")
    title = STATISTICS.get(kind, kind.replace("_", " "))
    return f"{title}, {of_class}" if of_class else title
