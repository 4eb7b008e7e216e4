"""Single images of one model: by confidence, one image's rows read at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGES
from data_contracts.predictions import PREDICTIONS
from data_contracts.vocabulary import Contract
from tui.heatmaps.data import MeanMap, SummaryData
from tui.heatmaps.figure import (
    DisplayOptions,
    HeatmapFigure,
    file_name,
    scaling_text,
    warning,
)
from tui.heatmaps.texts import area_text, unit_text
from tui.shared.panel import Panel, Scale
from tui.shared.readout import MapValues
from tui.shared.toned import TonedLine

if TYPE_CHECKING:
    import numpy as np

Ranking = Literal["most confident correct", "most confident wrong", "least confident"]
RANKINGS: tuple[Ranking, ...] = (
    "most confident correct",
    "most confident wrong",
    "least confident",
)


@dataclass(frozen=True, eq=False)
class ExplainedImages:
    """The explained images of a model, and where each one's rows lie."""

    task: str
    model: str
    classes: tuple[str, ...]
    split: str
    unit: str
    """Of the maps, and the method that gave them."""
    path: Path
    stores: tuple[Path, ...]
    digests: tuple[str, ...]
    """Of the attributions and each store, which may be replaced at any time."""
    rankings: Mapping[Ranking, Sequence[int]]
    """Rows of the attributions, the first to be shown first."""
    targets: Sequence[int | None]
    probabilities: Sequence[Sequence[float]]
    places: Sequence[tuple[int, int] | None]
    """Store and row of each image's pixels; None: not in the image store."""


@dataclass(frozen=True)
class OneImage:
    """An image's maps (k, h, w) and its pixels (size, size), 0–255, if they are there."""

    maps: np.ndarray[Any, Any]
    pixels: np.ndarray[Any, Any] | None


def read_explained_images(path: Path, predictions: Path, stores: Sequence[Path]) -> ExplainedImages:
    """Find every explained image in predictions and image stores, and order them.

    Raises `ArtifactError` when the attributions are not of these predictions.
    """
    import polars as pl

    from data_contracts.store import open_arrays, read_table

    with open_arrays(ATTRIBUTIONS, path) as arrays:
        attributes, digests = arrays.header.attributes, [arrays.header.digest]
        ids = pl.DataFrame({"image_id": arrays.read("image_id").tolist()})
    frame = read_table(PREDICTIONS, predictions).frame
    joined = ids.join(frame, on="image_id", how="left", maintain_order="left")
    if joined["probabilities"].null_count():
        raise ArtifactError(f"{path} and {predictions} contain different images; run explain again")
    places: dict[str, tuple[int, int]] = {}
    wanted = set(ids["image_id"])
    for i, store in enumerate(stores):
        with open_arrays(IMAGES, store, verify=False) as images:
            named = images.read("image_id").tolist()
            digests.append(images.header.digest)
        places |= {name: (i, row) for row, name in enumerate(named) if name in wanted}
    targets, shares = joined["target"].to_list(), joined["probabilities"].to_list()
    return ExplainedImages(
        attributes["task"], attributes["name"], tuple(attributes["classes"]), attributes["split"],
        unit_text(attributes["unit"], attributes["method"]), path, tuple(stores),
        tuple(digests), rank_images(targets, shares), targets, shares,
        [places.get(name) for name in ids["image_id"]],
    )  # fmt: skip


def rank_images(
    targets: Sequence[int | None], shares: Sequence[Sequence[float]]
) -> dict[Ranking, Sequence[int]]:
    """The rows by confidence; images without a label are only among the least confident."""
    best = [max(s) for s in shares]
    right = [i for i, s in enumerate(shares) if s.index(best[i]) == targets[i]]
    wrong = [i for i, t in enumerate(targets) if t is not None and shares[i].index(best[i]) != t]
    return {
        "most confident correct": sorted(right, key=lambda i: -best[i]),
        "most confident wrong": sorted(wrong, key=lambda i: -best[i]),
        "least confident": sorted(range(len(best)), key=best.__getitem__),
    }


@lru_cache(maxsize=4)
def read_one(explained: ExplainedImages, row: int) -> OneImage:
    """One image's rows, and no others. Raises `ArtifactError` when a file has been replaced."""
    import numpy as np

    maps = _row(ATTRIBUTIONS, explained.path, "maps", row, explained.digests[0]).astype(float)
    place = explained.places[row]
    if place is None:
        return OneImage(maps, None)
    store, at = place
    pixels = _row(IMAGES, explained.stores[store], "pixels", at, explained.digests[1 + store])
    return OneImage(maps, pixels * (255 / np.iinfo(pixels.dtype).max))


def _row(contract: Contract, path: Path, name: str, row: int, digest: str) -> Any:
    from data_contracts.store import open_arrays

    # Of an image store only this row is wanted, which has a checksum of its own.
    with open_arrays(contract, path, verify=None if contract is ATTRIBUTIONS else False) as arrays:
        if arrays.header.digest != digest:
            raise ArtifactError(f"{path} was just replaced; reading it again")
        return arrays.read(name, row)


def one_image(
    summary: SummaryData, explained: ExplainedImages, ranking: Ranking, rank: int,
    class_name: str, options: DisplayOptions, side: int, image: OneImage | None,
) -> HeatmapFigure:  # fmt: skip
    """The radiograph without and with the map of `class_name` (empty: of the predicted class)."""
    model_key = explained.task, explained.model
    rows = explained.rankings[ranking]
    title = f"{explained.task}/{explained.model}, {ranking}"
    if image is None or not rows:
        return HeatmapFigure("", (), (("bold", title), ("", "no such images")))
    shares = explained.probabilities[rows[rank]]
    predicted = shares.index(max(shares))
    names = explained.classes
    shown = names.index(class_name) if class_name in names else predicted
    total = f"{len(rows):,}"
    target = explained.targets[rows[rank]]
    limit, scaling = _limit(summary, explained, names[shown], options, image.maps[shown])
    area = summary.area(model_key)
    observed = f"observed: {names[target]}" if target is not None else "no label"
    attributes: tuple[TonedLine, ...] = (
        ("bold", f"{title}: {rank + 1} of {total} ({explained.split} split), single image"),
        ("", f"{observed}, predicted: {names[predicted]} (p = {shares[predicted]:.3f}); "
             f"map: class {names[shown]} (p = {shares[shown]:.3f})"),
        ("dim", f"{area_text(area)}; {scaling}"), *warning(model_key, area),
    )  # fmt: skip
    if image.pixels is None:
        attributes = (*attributes, ("warn", "the radiograph is not in the image store"))
    panels = _panels(image, shown, explained, limit, options, side)
    name = file_name("image", *model_key, names[shown], ranking, str(rank + 1))
    return HeatmapFigure("", panels, attributes, Scale(limit, True, explained.unit), name, True)


def _panels(
    image: OneImage, shown: int, explained: ExplainedImages, limit: float, options: DisplayOptions,
    side: int,
) -> tuple[Panel, ...]:  # fmt: skip
    import numpy as np

    from tui.heatmaps.overlay import overlay

    grey = image.pixels if image.pixels is not None else np.full((8, 8), 64.0)
    plain = overlay(None, grey, limit, 0, signed=True, side=side)
    drawn = overlay(image.maps[shown], grey, limit, options.opacity, signed=True, side=side)
    return (Panel((("bold", "radiograph"),), plain),
            Panel((("bold", f"overlay: class {explained.classes[shown]}"),), drawn, None,
                  MapValues(image.maps[shown], limit, explained.unit)))  # fmt: skip


def _limit(
    summary: SummaryData,
    explained: ExplainedImages,
    class_name: str,
    options: DisplayOptions,
    one: Any,
) -> tuple[float, str]:
    """The end of the colours. Common: mean ± 2 SD over images of the averaged maps.

    So an image without evidence is not drawn as strongly as one with much.
    """
    import numpy as np

    from tui.heatmaps.overlay import limits

    heat, model_key = summary.heatmaps, (explained.task, explained.model)
    if options.scaling == "common maximum" and heat is not None and model_key in heat.of_model:
        mean_map: MeanMap = heat.find(model_key, class_name, "all", "all")
        mean, spread = heat.values(mean_map, "mean"), heat.values(mean_map, "sd")
        if mean is not None and spread is not None:
            limit = float(np.max(np.abs(mean) + 2 * spread)) or 1.0
            text = scaling_text(options, "").partition(";")[2]
            return limit, f"scale: common, |mean| + 2 SD;{text}"
    own = (
        options if options.scaling != "common maximum" else DisplayOptions(opacity=options.opacity)
    )
    return limits([one], own.scaling)[0], scaling_text(own, "")
