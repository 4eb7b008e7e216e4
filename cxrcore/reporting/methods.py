"""The methods of a study in words, filled from the settings that its artifacts carry.

A sentence is left out where an artifact does not know its setting, and nothing is said that a
setting could contradict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxrcore.associations.verdict import ALPHA
from cxrcore.cohort import OLDEST
from cxrcore.reporting.facts import listed, mortality_rule, source_caution, source_title
from data_contracts import titles
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.header import Header
from data_contracts.images import IMAGE_REJECTS
from data_contracts.model import UNTRAINED
from data_contracts.predictions import PREDICTIONS

_PARAGRAPHS = {
    "Data": ("selection", "partition", "mortality", "labels", "images"),
    "Networks": ("initialisation", "training", "controls"),
    "Maps": ("maps",),
    "Statistics": ("statistics",),
}
Headers = Mapping[str, Sequence[Header]]
#: What tells the trainings of one task from each other, and from those of other tasks.
_OWN = ("task", "name", "seed", "control")
_RACES = {"majority": "the most stays", "latest": "the latest stay"}
_WEIGHTS = {"imagenet": "ImageNet weights", "none": "random weights"}


def sentences(headers: Headers, aggregate: Mapping[str, Any], least: int) -> dict[str, str]:
    """What is said of each step; empty where nothing is known of it.

    `headers` are those of the inputs by contract, `aggregate` the settings of the summary, and
    `least` the number of patients below which nothing is disclosed.
    """
    (cohort,), (flow,) = headers[COHORT.name], headers[COHORT_FLOW.name]
    networks = headers.get(PREDICTIONS.name, [])
    trained = [h for h in networks if h.config.get("control") not in UNTRAINED]
    rule = mortality_rule(cohort)
    return {
        "selection": _selection(cohort, flow),
        "partition": f"{_partition(cohort.attributes)} {source_caution(cohort)}".strip(),
        "mortality": f"Mortality is {rule}." if rule else "",
        "labels": _labels(cohort.config),
        "images": _images(headers.get(IMAGE_REJECTS.name, [])),
        "initialisation": _initialisation(trained),
        "training": " ".join(_training(trained)),
        "controls": _controls(networks),
        "maps": _maps(headers.get(ATTRIBUTIONS.name, [])),
        "statistics": " ".join(_statistics(aggregate, str(cohort.attributes["select"]), least)),
    }  # fmt: skip


def paragraphs(said: Mapping[str, str]) -> dict[str, str]:
    """Title and text of each paragraph, from `sentences`."""
    found = {
        title: " ".join(said[step] for step in steps if said[step])
        for title, steps in _PARAGRAPHS.items()
    }
    return {title: text for title, text in found.items() if text}


def differing_settings(trainings: Sequence[Header]) -> list[str]:
    """The settings in which networks differ beside task, name, seed and control.

    Networks that were never trained do not count.
    """
    configs = [h.config for h in trainings if h.config.get("control") not in UNTRAINED]
    names = sorted({name for config in configs for name in config} - set(_OWN))
    return [n for n in names if len({repr(config.get(n)) for config in configs}) > 1]


def _partition(attributes: Mapping[str, Any]) -> str:
    drawn = f"drawn by a hash of the patient's identifier with seed {attributes['split_seed']}"
    digest, period = attributes.get("split_digest"), attributes.get("test_period")
    given = f"given by a file ({digest})" if digest else drawn
    if period:
        given = f"test being all patients of the latest period, {period}, and the others {drawn}"
    return f"Each patient belongs to one split for all tasks, {given}."


def _selection(cohort: Header, flow: Header) -> str:
    config, select = cohort.config, str(cohort.attributes["select"])
    made = "synthetic, in the layout of" if flow.attributes.get("synthetic") else "from"
    age = f" of {config['min_age']} years or older" if "min_age" in config else ""
    oldest = config.get("max_age", OLDEST)
    age += f" and {oldest} or younger" if oldest < OLDEST else ""
    view = config.get("view", "any")
    views = "AP or PA" if view == "any" else view
    normal = " without findings" if config.get("no_finding_only") else ""
    kept = titles.SELECTIONS.get(select, select)
    return (
        f"Frontal radiographs ({views}){normal} of patients{age} at the examination are {made} "
        f"{source_title(cohort)}; {kept} {'are' if select == 'all' else 'is'} kept."
    )


def _labels(config: Mapping[str, Any]) -> str:
    """The labels asked for by a column, those only under 65, and how races were settled."""
    columns = (text.partition("=") for text in config.get("label", ()))
    further = [f"{name} (column {rest.partition(':')[0]})" for name, _, rest in columns]
    young = listed(config.get("under65", ()))
    said = [f"Further labels: {listed(further)}."] if further else []
    said += [f"Only patients under 65 are labelled for {young}."] if young else []
    if settled := _RACES.get(config.get("race_conflict", "")):
        said.append(f"A patient whose stays name several race groups counts to that of {settled}.")
    return " ".join(said)


def _images(rejects: Sequence[Header]) -> str:
    sizes = _values(rejects, "size")
    shape = f"squares of {listed(sizes)} pixels"
    bits = 16 if "uint16" in _values(rejects, "dtype") else 8
    return f"Images were fitted into {shape} without distortion, at {bits} bits." if sizes else ""


def _initialisation(trained: Sequence[Header]) -> str:
    names, weights = _values(trained, "architecture"), _values(trained, "weights")
    if not names or not weights:
        return ""
    origin = listed([_WEIGHTS.get(str(w), f"the weights {w}") for w in weights])
    return f"The networks ({listed(names)}) started from {origin}."


def _training(trained: Sequence[Header]) -> list[str]:
    value = {name: listed(_values(trained, name)) for h in trained for name in h.config}
    if not {"epochs", "batch_size", "learning_rate", "weight_decay"} <= set(value):
        return []
    said = [
        f"They were trained with AdamW for at most {value['epochs']} epochs (batches of "
        f"{value['batch_size']}, highest learning rate {value['learning_rate']}, weight decay "
        f"{value['weight_decay']}).",
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


def _controls(predictions: Sequence[Header]) -> str:
    kinds = [str(h.attributes["control"]) for h in predictions]
    said = {
        "permuted-labels": "trained on labels shuffled over the patients",
        "random-init": "untrained, with random weights",
        "pretrained": "untrained, with the weights that training starts from",
    }
    found = [f"{kinds.count(k)} {text}" for k, text in said.items() if k in kinds]
    return f"Null networks: {listed(found)}." if found else "There are no null networks."


def _maps(attributions: Sequence[Header]) -> str:
    facts = [
        listed(sorted({str(h.attributes[name]) for h in attributions}))
        for name in ("method", "layer", "unit")
    ]
    if not attributions:
        return ""
    method, layer, unit = facts
    return (
        f"Maps are raw attribution maps ({method}) of the layer {layer}, in {unit}, compared at "
        "the network's own resolution without scaling."
    )


def _statistics(aggregate: Mapping[str, Any], select: str, least: int) -> list[str]:
    said = []
    if select != "one-per-subject":
        said.append("Metrics weigh radiographs alike; the levels of evidence weigh patients alike.")
    if replicates := aggregate.get("replicates"):
        said.append(
            f"Intervals are from {replicates:,} bootstrap resamples of patients, the same for "
            "every network, where nothing else is said."
        )
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
