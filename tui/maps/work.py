"""From what is chosen to what is seen: the work of the page Heatmaps, without widgets."""

from __future__ import annotations

from dataclasses import replace

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.images import IMAGES
from data_contracts.predictions import PREDICTIONS
from data_contracts.summary import METRICS
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.associations import ASSOCIATIONS
from tui.maps.choice import Choice, Network
from tui.maps.data import Summary
from tui.maps.images import Explained, one_image, read_one
from tui.maps.painting import Line, Painting
from tui.screens.heatmap_views import all_tasks, one_map, two_maps
from tui.widgets.similarity import Matrix, matrix_of
from tui.workspace.snapshot import Artifact, Snapshot

#: Pixels to a side of pictures on the screen: small tiles, and all others.
SMALL, LARGE = 48, 96


def summary_artifacts(snapshot: Snapshot) -> list[Artifact]:
    """The artifacts of a summary that are there, damaged ones as well."""
    contracts = (MEAN_HEATMAPS, METRICS, ASSOCIATIONS)
    return [a for contract in contracts for a in snapshot.of(contract.name)]


def image_artifacts(snapshot: Snapshot, network: Network) -> list[Artifact]:
    """Attributions and predictions of a model, and the image stores."""
    task, name = network
    own = [
        a for c in (ATTRIBUTIONS, PREDICTIONS) for a in snapshot.of(c.name, task=task, name=name)
    ]
    return own + snapshot.of(IMAGES.name)


def key_of(artifacts: list[Artifact]) -> tuple[str, ...]:
    """Changes with the content of any of `artifacts`."""
    return tuple(f"{a.place} {a.header.digest if a.header else a.reason}" for a in artifacts)


def explained_networks(snapshot: Snapshot) -> list[Network]:
    """Tasks and models that have single images, whole or damaged."""
    return [(a.keys["task"], a.keys["name"]) for a in snapshot.of(ATTRIBUTIONS.name)]


def stale(snapshot: Snapshot) -> str:
    """Why the averaged maps are no longer those of the models; empty when they are."""
    return next((a.reason for a in snapshot.of(MEAN_HEATMAPS.name) if a.state == "stale"), "")


def painting_of(
    summary: Summary, choice: Choice, explained: Explained | None, side: int, room: int
) -> Painting:
    """The chosen view of maps; reads the rows of one image where the view is of images."""
    look = choice.look
    if choice.view == "images":
        assert explained is not None
        rows = explained.orders[choice.order]
        rank = choice.rank % max(1, len(rows))
        image = read_one(explained, rows[rank]) if rows else None
        return one_image(
            summary, explained, choice.order, rank, choice.image_class, look, side, image
        )
    if choice.view == "compare":
        return two_maps(summary, (choice.pair[0], choice.pair[1]), choice.active, look, side)
    if choice.view == "tasks":
        part = slice(choice.first, choice.first + room)
        return all_tasks(summary, choice.cell, look, side, choice.words, part)
    return one_map(summary, choice.cell, look, side)


def matrix(summary: Summary, words: str) -> Matrix:
    """The similarity of every attribute with the reference."""

    def unread(task: str) -> str:
        return summary.area((task, summary.model)).unread

    return matrix_of(summary.associations, unread, words)


def with_warning(painting: Painting, reason: str) -> Painting:
    """The painting, with the fact that its maps are stale."""
    if not reason or painting.patient_level:
        return painting
    line: Line = ("warn", f"⚠ stale: {reason}; aggregate again")
    return replace(painting, facts=(*painting.facts, line))


def missing_maps(snapshot: Snapshot, summary: Summary, choice: Choice) -> str:
    """Why there are no averaged maps to show, and what to do; empty when there are."""
    if summary.heatmaps is None:
        if problem := summary.problems.get(MEAN_HEATMAPS.name):
            return f"{_damaged(problem)}\n\n[b]cxr aggregate[/b] makes it anew"
        more = "\n\n[b]i[/b] shows single images" if explained_networks(snapshot) else ""
        return (
            "No averaged heatmaps yet.\n\n[b]cxr aggregate[/b] makes them from the attributions\n"
            f"that [b]cxr explain[/b] makes ([b]2[/b] launches jobs).{more}"
        )
    if not summary.heatmaps.cells:
        return "The summary holds no averaged maps:\n\nno task has attributions of labelled images."
    if choice.view == "similarity" and not summary.associations:
        if problem := summary.problems.get(ASSOCIATIONS.name):
            return _damaged(problem)
        return (
            "No associations: there is no reference task with other tasks beside it.\n\n"
            "[b]cxr aggregate --reference TASK[/b] compares every other task with that one."
        )
    return ""


def missing_images(
    snapshot: Snapshot, choice: Choice, explained: Explained | None, problem: str
) -> str:
    """Why there are no single images to show, and what to do; empty when there are."""
    if explained is not None:
        return ""
    if choice.network is None:
        return (
            "No single images yet.\n\n[b]cxr explain --task TASK[/b] makes the maps of every "
            "image\nof the test split ([b]2[/b] launches jobs)."
        )
    artifacts, name = image_artifacts(snapshot, choice.network), "/".join(choice.network)
    reasons = [problem, *(a.reason for a in artifacts if a.header is None)]
    if reason := next(filter(None, reasons), ""):
        return f"{_damaged(reason)}\n\n[b]t[/b] goes to another model"
    if PREDICTIONS.name not in {a.contract for a in artifacts}:
        return f"{_plain(name)} has no predictions; [b]cxr train-task[/b] makes them"
    return f"reading the images of {_plain(name)} …"


def _damaged(problem: str) -> str:
    return f"[$text-error]damaged[/]\n\n{_plain(problem)}"


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
