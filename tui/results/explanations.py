"""How each statistic of association is read, in a line."""

from __future__ import annotations

_STATISTICS = {
    "cramers_v": "0: the labels are independent; 1: one gives the other",
    "odds_ratio": "odds of the outcome in this class over those in the other; 1: the same",
    "score_separation": "how far the groups' scores lie apart; 0: not at all, 1: fully",
    "score_difference": "difference of mean scores between the groups, in SD; 0: none",
    "probe_auroc": "how well the features tell the groups apart; 0.5: chance, 1: fully",
    "probe_auroc_gain": "what the features tell beyond those of a null network; 0: nothing",
    "debiased_cka": "how alike the features of both networks are; 0: not at all, 1: fully",
    "erasure_loss": "AUROC that the reference loses without the attribute; 0: it needs none of it",
    "mirror_erasure_loss": "AUROC that the attribute loses without the reference; 0: none",
    "pearson_of_class_differences": "1: evidence in the same places; below 0: in different ones",
    "disattenuated_r": "the same r with the noise of both maps taken out; it can exceed 1",
    "pearson_per_image": "both maps of one image, averaged over images; 1: the same places",
    "largest_t": "whether the attribute's maps differ between classes at all, not where",
    "c_index": "share of pairs of patients whose order of death the score has; 0.5: chance",
    "c_index_gain": "what the score adds to age; 0: nothing",
    "hazard_ratio": "hazard for one SD more of the score; 1: the same",
}


def explanation_of(statistic: str) -> str:
    """How a statistic such as `odds_ratio:Black` is read; empty for one that is not known."""
    return _STATISTICS.get(statistic.partition(":")[0], "")


def why_no_verdict(attribute: str, level: str) -> str:
    """Why there is no verdict on an attribute at a level."""
    if attribute == "survival":
        return "survival is looked at under prognosis only"
    if level == "prognosis":
        return "prognosis is about survival, not about an attribute"
    return "aggregate compared nothing here: no model of this task, or an older summary"
