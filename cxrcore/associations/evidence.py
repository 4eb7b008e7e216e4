"""An estimate with the pair of networks it is about; several trainings of a pair as one."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import t as student

from cxrcore.associations.estimate import Estimate, holm
from cxrcore.associations.inputs import Inputs
from cxrcore.associations.parts import Part
from cxrcore.model import Model

Row = dict[str, Any]
#: Fewer trainings say nothing about their own variation.
LEAST_TRAININGS = 3


@dataclass(frozen=True)
class Evidence:
    """What one level says of a reference network and an attribute, or another network."""

    evidence_level: str
    attribute: str
    reference_model: Model | None
    attribute_model: Model | None
    stratum: str
    level: str
    estimate: Estimate
    each: tuple[Evidence, ...] = ()
    """The trainings that it stands for, by seed; of one training empty."""
    fewest: int | None = None
    """Patients of the smallest class; None: there are no classes."""

    @property
    def models(self) -> tuple[Model, ...]:
        """The networks involved."""
        return tuple(m for m in (self.reference_model, self.attribute_model) if m is not None)

    @property
    def control(self) -> str:
        """Which null model is among the networks, or none."""
        return next((m.control for m in self.models if m.is_control), "none")

    @property
    def question(self) -> tuple[str, str, str, str, str]:
        """Level, statistic, adjustment and stratum: what is asked of every attribute alike."""
        one = self.estimate
        return self.evidence_level, one.statistic, one.adjustment, self.stratum, self.level

    @property
    def trainings(self) -> int:
        """Seeds behind the estimate."""
        return max(1, len(self.each))


def evidence(
    evidence_level: str, attribute: str, reference_model: Model | None,
    attribute_model: Model | None, part: Part, estimates: Sequence[Estimate],
) -> Iterator[Evidence]:  # fmt: skip
    """The estimates of one pair in one part of the images."""
    fewest = part.images.fewest(attribute)
    for one in estimates:
        yield Evidence(
            evidence_level, attribute, reference_model, attribute_model, part.stratum, part.level,
            one, fewest=fewest,
        )  # fmt: skip


#: Smallest and largest value of the statistics that have them.
_RANGES = {
    "score_separation": (0, 1), "probe_auroc": (0, 1), "probe_auroc_gain": (-1, 1),
    "debiased_cka": (-1, 1), "erasure_loss": (-1, 1), "mirror_erasure_loss": (-1, 1),
    "pearson_of_class_differences": (-1, 1), "pearson_per_image": (-1, 1),
    "largest_t": (0, np.inf), "c_index": (0, 1), "c_index_gain": (-1, 1),
}  # fmt: skip
#: Ratios are averaged on the log scale, so that no end of an interval is below 0.
_RATIO = "hazard_ratio"


def with_trainings(found: Sequence[Evidence], inputs: Inputs) -> list[Evidence]:
    """`found`, and for every question that three or more trainings answer their joint answer.

    A training is a pair of networks of the same seed. Its estimates join as `joined` says.
    """
    ours = {m.key for m in inputs.trainings(inputs.reference)}
    groups: dict[tuple[Any, ...], dict[int, Evidence]] = {}
    for one in found:
        theirs = {m.key for m in inputs.trainings(one.attribute)}
        seeds = {m.seed for m in one.models}
        if one.attribute == inputs.reference or len(seeds) != 1:
            continue
        if all(m.key in ours | theirs for m in one.models):
            key = *one.question, one.attribute, len(one.models)
            groups.setdefault(key, {})[seeds.pop()] = one
    out = list(found)
    for of_seed in groups.values():
        if len(of_seed) >= LEAST_TRAININGS:
            each = tuple(of_seed[seed] for seed in sorted(of_seed))
            estimate = joined([one.estimate for one in each])
            out.append(replace(next(iter(of_seed.values())), estimate=estimate, each=each))
    return out


def joined(each: Sequence[Estimate]) -> Estimate:
    """One estimate of several trainings: their mean, with an interval over patients and trainings.

    Both sources of variation are put together as independent (MOVER, Zou & Donner 2008,
    doi 10.1002/sim.3095): the mean distance of the trainings' limits from their estimates, and
    Student's t times the standard error over the trainings. p is the largest of the trainings':
    what is claimed holds in each of them (intersection-union test, Berger 1982). An interval ends
    where the statistic does. Of hazard ratios the logarithms are averaged.
    """
    scale, back = (np.log, np.exp) if each[0].statistic == _RATIO else (np.positive, np.positive)
    values = scale([one.value for one in each])
    mean = float(values.mean())
    reason = next((one.reason for one in each if one.reason), "")
    half = student.ppf(0.975, len(each) - 1) * values.std(ddof=1) / np.sqrt(len(each))
    sides = [
        [scale(end) - scale(one.value) for one in each if (end := getattr(one, side)) is not None]
        for side in ("low", "high")
    ]
    bounds = _RANGES.get(each[0].statistic, (-np.inf, np.inf))
    low, high = (
        float(np.clip(back(mean + sign * np.hypot(np.mean(side), half)), *bounds))
        if len(side) == len(each)
        else None
        for side, sign in zip(sides, (-1, 1), strict=True)
    )
    worst = max(each, key=lambda one: -1.0 if one.p is None else one.p)
    resampled = [one.resampled for one in each if one.resampled is not None]
    return replace(
        worst, value=float(back(mean)), low=low, high=high, reason=reason,
        resampled=np.mean(resampled, axis=0) if len(resampled) == len(each) else None,
    )  # fmt: skip


def rows_of(found: Sequence[Evidence], inputs: Inputs) -> list[Row]:
    """Rows of ASSOCIATIONS before anything is suppressed: with Holm's p, ceiling and standing."""
    standing = {id(one) for one in primary_evidence(found, inputs)}
    adjusted, ceilings = _holm(found, standing, (inputs.reference,)), _ceilings(found, inputs)
    return [
        _row(one, inputs, adjusted[i], ceilings.get(one.question), id(one) in standing)
        for i, one in enumerate(found)
    ]


def primary_evidence(found: Sequence[Evidence], inputs: Inputs) -> list[Evidence]:
    """What stands for each pair of tasks: the joint answer, else that of the primary models."""
    stands: dict[tuple[Any, ...], Evidence] = {}
    for one in found:
        names = {inputs.primary[m.task].key for m in one.models if m.task in inputs.primary}
        stands_for = one.control == "none" and all(m.key in names for m in one.models)
        if stands_for and one.attribute != inputs.reference:
            key = *one.question, one.attribute
            if key not in stands or one.trainings > stands[key].trainings:
                stands[key] = one
    return list(stands.values())


def _holm(
    found: Sequence[Evidence], standing: Container[int], itself: Container[str]
) -> list[float | None]:
    """The p of each after Holm's correction over the attributes.

    What stands for its pair of tasks is one family for each question, whatever its networks are
    called; of the rest, networks of like names are. The reference with itself is in none.
    """
    families: dict[tuple[Any, ...], list[int]] = {}
    for i, one in enumerate(found):
        names = tuple(m.name for m in one.models)
        family = "standing" if id(one) in standing else (names, one.trainings)
        families.setdefault((*one.question, family, one.attribute in itself), []).append(i)
    out: list[float | None] = [None] * len(found)
    for members in families.values():
        corrected = holm([found[i].estimate.p for i in members])
        for i, p in zip(members, corrected, strict=True):
            out[i] = p
    return out


def _ceilings(found: Sequence[Evidence], inputs: Inputs) -> Mapping[tuple[Any, ...], float]:
    """By question the mean estimate of the reference task with itself."""
    own: dict[tuple[Any, ...], list[float]] = {}
    trainings = {m.key for m in inputs.trainings(inputs.reference)}
    for one in found:
        alike = one.attribute == inputs.reference and all(m.key in trainings for m in one.models)
        if alike and np.isfinite(one.estimate.value):
            own.setdefault(one.question, []).append(one.estimate.value)
    return {key: float(np.mean(values)) for key, values in own.items()}


def _row(
    one: Evidence, inputs: Inputs, p_holm: float | None, ceiling: float | None, stands: bool
) -> Row:
    known, estimate = one.models, one.estimate
    finite = bool(np.isfinite(estimate.value))
    involved = [m for training in (one.each or (one,)) for m in training.models]
    reasons = [inputs.reasons[m.key] for m in involved if not m.is_control]
    reason = next((r for r in (*reasons, estimate.reason) if r), None)
    numbers = ("low", "high", "p", "smallest_effect", "null_low", "null_high")
    return {
        "reference": inputs.reference,
        "reference_name": one.reference_model.name if one.reference_model else None,
        "attribute": one.attribute,
        "attribute_name": one.attribute_model.name if one.attribute_model else None,
        "seed": known[-1].seed if known else None,
        "control": one.control if known else None,
        "evidence_level": one.evidence_level, "statistic": estimate.statistic,
        "adjustment": estimate.adjustment, "stratum": one.stratum, "level": one.level,
        "value": float(estimate.value) if finite else None,
        **{name: getattr(estimate, name) if finite else None for name in numbers},
        "p_holm": p_holm, "null": estimate.null,
        "ceiling": ceiling if ceiling is not None and np.isfinite(ceiling) else None,
        "subjects": estimate.subjects, "fewest": one.fewest,
        "trainings": one.trainings if known else None,
        "primary": stands, "suppressed": False,
        "interpretable": not reason, "reason": reason,
    }  # fmt: skip
