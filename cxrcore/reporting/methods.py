"""The methods of a study in words, filled from the settings that its artifacts carry.

A sentence is left out where an artifact does not know its setting, and nothing is said that a
setting could contradict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxrcore.associations.verdict import ALPHA
from cxrcore.reporting.facts import listed, mortality_rule, source_title
from data_contracts import titles
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.header import Header
from data_contracts.images import IMAGE_REJECTS
from data_contracts.predictions import PREDICTIONS

Headers = Mapping[str, Sequence[Header]]
#: What tells the trainings of one task from each other, and from those of other tasks.
_OWN = ("task", "name", "seed", "control")
_WEIGHTS = {"imagenet": "ImageNet weights", "none": "random weights"}


def methods(headers: Headers, aggregate: Mapping[str, Any], least: int) -> dict[str, list[str]]:
    """Title and sentences of each paragraph.

    `headers` are those of the inputs by contract, `aggregate` the settings of the summary, and
    `least` the number of patients below which nothing is disclosed.
    """
    (cohort,), found = headers[COHORT.name], headers.get(PREDICTIONS.name, [])
    paragraphs = {
        "Data": [
            *_cohort(cohort, headers[COHORT_FLOW.name][0]),
            *_images(headers.get(IMAGE_REJECTS.name, [])),
        ],
        "Networks": [*_training(found), *_controls(found)],
        "Maps": _maps(headers.get(ATTRIBUTIONS.name, [])),
        "Statistics": _statistics(aggregate, least),
    }
    return {title: said for title, said in paragraphs.items() if said}


def differing_settings(trainings: Sequence[Header]) -> list[str]:
    """The settings in which networks differ beside task, name, seed and control.

    Networks that were never trained do not count.
    """
    configs = [h.config for h in trainings if h.config.get("control") != "random-init"]
    names = sorted({name for config in configs for name in config} - set(_OWN))
    return [n for n in names if len({repr(config.get(n)) for config in configs}) > 1]


def _cohort(cohort: Header, flow: Header) -> list[str]:
    config, select = cohort.config, str(cohort.attributes["select"])
    made = "synthetic, in the layout of" if flow.attributes.get("synthetic") else "from"
    age = f" of {config['min_age']} years or older" if "min_age" in config else ""
    kept = titles.SELECTIONS.get(select, select)
    said = [
        f"Frontal radiographs (AP or PA) of patients{age} at the examination are {made} "
        f"{source_title(cohort)}; {kept} {'are' if select == 'all' else 'is'} kept.",
        "Each patient belongs to one split for all tasks, drawn by a hash of the patient's "
        f"identifier with seed {cohort.attributes['split_seed']}.",
    ]
    rule = mortality_rule(cohort)
    return [*said, f"Mortality is {rule}."] if rule else said


def _images(rejects: Sequence[Header]) -> list[str]:
    sizes = _values(rejects, "size")
    shape = f"squares of {listed(sizes)} pixels" if sizes else ""
    return [f"Images were fitted into {shape} without distortion, at 8 bits."] if shape else []


def _training(predictions: Sequence[Header]) -> list[str]:
    trained = [h for h in predictions if h.config.get("control") != "random-init"]
    value = {name: listed(_values(trained, name)) for h in trained for name in h.config}
    if not {"architecture", "weights", "epochs", "learning_rate"} <= set(value):
        return []
    weights = listed(
        [_WEIGHTS.get(str(w), f"the weights {w}") for w in _values(trained, "weights")]
    )
    said = [
        f"The networks ({value['architecture']}) started from {weights} and were trained with "
        f"AdamW for at most {value['epochs']} epochs (batches of {value.get('batch_size', '–')}, "
        f"highest learning rate {value['learning_rate']}, "
        f"weight decay {value.get('weight_decay', '–')}).",
        "The epoch with the best score on the validation split was kept.",
    ]
    if (patience := _values(trained, "patience")) == [0]:
        said.append("No training was stopped early.")
    elif patience:
        said.append(f"Training stopped after {listed(patience)} epochs without a better score.")
    if _values(trained, "augment") == [True]:
        said.append("Training images were rotated, shifted and zoomed a little, never flipped.")
    if all(h.attributes.get("target_kind") == "classes" for h in trained):
        said.append("The loss is the cross-entropy with classes weighted by inverse frequency; "
                    "validation and test keep their natural prevalence.")  # fmt: skip
    if differing := differing_settings(trained):
        said.append(f"The networks differ in {listed(differing)}.")
    return said


def _controls(predictions: Sequence[Header]) -> list[str]:
    kinds = [str(h.attributes["control"]) for h in predictions]
    said = {
        "permuted-labels": "trained on labels shuffled over the patients",
        "random-init": "never trained",
    }
    found = [f"{kinds.count(k)} {text}" for k, text in said.items() if k in kinds]
    return [f"Null networks: {listed(found)}."] if found else ["There are no null networks."]


def _maps(attributions: Sequence[Header]) -> list[str]:
    facts = [
        listed(sorted({str(h.attributes[name]) for h in attributions}))
        for name in ("method", "layer", "unit")
    ]
    if not attributions:
        return []
    method, layer, unit = facts
    return [
        f"Maps are raw attribution maps ({method}) of the layer {layer}, in {unit}, compared at "
        "the network's own resolution without scaling."
    ]


def _statistics(aggregate: Mapping[str, Any], least: int) -> list[str]:
    said = []
    if replicates := aggregate.get("replicates"):
        said.append(f"Intervals are from {replicates:,} bootstrap resamples of patients, the same "
                    "for every network.")  # fmt: skip
    if {"surrogates", "permutations"} <= set(aggregate):
        said.append(
            f"Nulls are drawn with {aggregate['surrogates']:,} Moran surrogates of a map and up to "
            f"{aggregate['permutations']:,} shuffles of the patients (seed {aggregate['seed']}); "
            f"p is corrected by Holm's method over the attributes and compared with {ALPHA:g}."
        )
    said.append(
        f"Numbers that stand for fewer than {least} patients are suppressed." if least
        else "No small numbers of patients are suppressed."
    )  # fmt: skip
    return said


def _values(headers: Sequence[Header], name: str) -> list[Any]:
    """The distinct values of a setting, in their order."""
    return list(dict.fromkeys(h.config[name] for h in headers if name in h.config))
