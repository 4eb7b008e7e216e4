"""From what is chosen to what is seen: the work of the page Heatmaps, without widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data_contracts.associations import ASSOCIATIONS
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.images import IMAGES
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.predictions import PREDICTIONS
from data_contracts.summary import METRICS, MODELS
from tui.heatmaps.data import SummaryData
from tui.heatmaps.figure import HeatmapFigure
from tui.heatmaps.figures import all_tasks, one_map, two_maps
from tui.heatmaps.images import ExplainedImages, one_image, read_explained_images, read_one
from tui.heatmaps.state import HeatmapState, ModelKey
from tui.shared.panel import SIDES_TEXT
from tui.shared.placeholder import damaged_text, unreadable_text
from tui.shared.sanitize import escape_markup
from tui.shared.toned import TonedLine, out_of_date
from tui.workspace.snapshot import Artifact, Snapshot

#: Pixels to a side of pictures on the screen: small panels, all others, and over the whole page.
SMALL, LARGE, LARGEST = 48, 96, 256


def summary_artifacts(snapshot: Snapshot) -> list[Artifact]:
    """The artifacts of a summary that are there, damaged ones as well."""
    contracts = (MEAN_HEATMAPS, METRICS, ASSOCIATIONS, MODELS)
    return [a for contract in contracts for a in snapshot.of(contract.name)]


def image_artifacts(snapshot: Snapshot, model_key: ModelKey) -> list[Artifact]:
    """Attributions and predictions of a model, and the image stores.

    Of attributions by several methods or of several splits, those that `aggregate` reads by
    default come first, and what the present version has written.
    """
    task, name = model_key
    maps = sorted(
        snapshot.of(ATTRIBUTIONS.name, task=task, name=name),
        key=lambda a: (a.keys["split"] != "test", a.keys["method"] != "gradcam",
                       a.place != ATTRIBUTIONS.path_template.format(**a.keys)),
    )  # fmt: skip
    predictions = snapshot.of(PREDICTIONS.name, task=task, name=name)
    return maps[:1] + predictions[:1] + snapshot.of(IMAGES.name)


def read_images(folder: Path, artifacts: Sequence[Artifact]) -> ExplainedImages | None:
    """The single images of a model; None where attributions or predictions are missing."""
    paths = {a.contract: folder / a.place for a in artifacts}
    if not {ATTRIBUTIONS.name, PREDICTIONS.name} <= paths.keys():
        return None
    stores = [folder / a.place for a in artifacts if a.contract == IMAGES.name]
    return read_explained_images(paths[ATTRIBUTIONS.name], paths[PREDICTIONS.name], stores)


def explained_models(snapshot: Snapshot) -> list[ModelKey]:
    """Tasks and models of classes that have single images, whole or damaged."""
    found = snapshot.of(ATTRIBUTIONS.name)
    of_classes = [
        a for a in found if not a.header or a.header.attributes["target_kind"] == "classes"
    ]
    return list(dict.fromkeys((a.keys["task"], a.keys["name"]) for a in of_classes))


def stale(snapshot: Snapshot) -> str:
    """Why the maps are no longer those of the models; empty when they are."""
    return next((a.reason for a in snapshot.of(MEAN_HEATMAPS.name) if a.state == "stale"), "")


def figure_of(
    summary: SummaryData,
    state: HeatmapState,
    explained: ExplainedImages | None,
    side: int,
    room: int,
) -> HeatmapFigure:
    """The figure of the chosen tab; for single images it reads the rows of one."""
    options = state.options
    if state.tab == "images":
        assert explained is not None
        rows = explained.rankings[state.ranking]
        rank = state.rank % max(1, len(rows))
        image = read_one(explained, rows[rank]) if rows else None
        return one_image(
            summary, explained, state.ranking, rank, state.image_class, options, side, image
        )
    if state.tab == "compare":
        return two_maps(summary, (state.pair[0], state.pair[1]), state.active, options, side)
    if state.tab == "tasks":
        part = slice(state.first, state.first + room)
        return all_tasks(summary, state.mean_map, options, side, state.query, part)
    return one_map(summary, state.mean_map, options, side)


def with_notes(figure: HeatmapFigure, reason: str) -> HeatmapFigure:
    """The figure, with what its sides are, and a warning if its maps are out of date."""
    sides: list[TonedLine] = [("dim", SIDES_TEXT)] if figure.panels else []
    late = [] if figure.patient_level else out_of_date(reason)
    # A long caption is cut at its end, but begins with the title where there is no other.
    notes = (*late, *sides)
    parts = (notes, figure.caption) if figure.title else (figure.caption, notes)
    return replace(figure, caption=(*parts[0], *parts[1]))


def missing(
    snapshot: Snapshot, summary: SummaryData, state: HeatmapState,
    explained: ExplainedImages | None, problem: str,
) -> str:  # fmt: skip
    """Why the chosen tab has nothing to show, and what to do; empty when it has something."""
    if state.tab == "images":
        return missing_images(snapshot, state, explained, problem)
    return missing_maps(snapshot, summary)


def missing_maps(snapshot: Snapshot, summary: SummaryData) -> str:
    """Why there are no averaged maps to show, and what to do; empty when there are."""
    if summary.heatmaps is None:
        if problem := summary.problems.get(MEAN_HEATMAPS.name):
            return unreadable_text(snapshot, MEAN_HEATMAPS.name, problem)
        more = "\n\nPress [b]i[/b] for single images." if explained_models(snapshot) else ""
        return (
            "No averaged heatmaps yet.\n\n[b]cxr aggregate[/b] computes them from the "
            f"attributions\nof [b]cxr explain[/b] (press [b]2[/b] to launch jobs).{more}"
        )
    if not summary.heatmaps.mean_maps:
        return "The summary has no averaged maps:\n\nno task has attributions of labelled images."
    return ""


def missing_images(
    snapshot: Snapshot, state: HeatmapState, explained: ExplainedImages | None, problem: str
) -> str:
    """Why there are no single images to show, and what to do; empty when there are."""
    if explained is not None:
        return ""
    if state.model_key is None:
        return (
            "No single images yet.\n\n[b]cxr explain --task TASK[/b] computes the maps of every "
            "image\nof the test split (press [b]2[/b] to launch jobs)."
        )
    artifacts, name = image_artifacts(snapshot, state.model_key), "/".join(state.model_key)
    reasons = [problem, *(a.reason for a in artifacts if a.header is None)]
    if reason := next(filter(None, reasons), ""):
        return f"{damaged_text(reason)}\n\nPress [b]t[/b] for another model."
    if PREDICTIONS.name not in {a.contract for a in artifacts}:
        return f"{escape_markup(name)} has no predictions; [b]cxr train-task[/b] creates them"
    return f"reading the images of {escape_markup(name)} …"
