"""Attribution maps of many images, read in blocks as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrcore.aligned import AlignedMaps
from cxrcore.evaluation.strata import is_labelled
from cxrcore.model import Model
from data_contracts.errors import ArtifactError
from data_contracts.store import Arrays

Floats = NDArray[np.float64]

_BLOCK_VALUES = 1 << 22


class Maps(Protocol):
    """Maps (n, k, h, w) of any float type; rows are taken by slice."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice) -> NDArray[np.floating]: ...


@dataclass(frozen=True)
class StoredMaps:
    """The maps in an open ATTRIBUTIONS artifact."""

    arrays: Arrays

    @property
    def shape(self) -> tuple[int, ...]:
        return self.arrays.shape("maps")

    def __getitem__(self, rows: slice) -> NDArray[np.floating]:
        return self.arrays.read("maps", rows)


@dataclass(frozen=True)
class ChosenMaps:
    """Some rows of other maps, in an order of their own."""

    maps: Maps
    rows: NDArray[np.intp]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.maps.shape[1:])

    def __getitem__(self, rows: slice) -> NDArray[np.floating]:
        wanted = self.rows[rows]
        first = int(wanted.min())
        return self.maps[first : int(wanted.max()) + 1][wanted - first]


def blocks(maps: Maps, at_most: int | None = None) -> Iterator[tuple[slice, Floats]]:
    """Maps (n, k, h, w) in blocks of bounded size, as float64 (b, k * h * w).

    `at_most` bounds the images of a block further.
    """
    n, values = maps.shape[0], int(np.prod(maps.shape[1:]))
    step = max(1, min(_BLOCK_VALUES // max(1, values), at_most or n))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        yield rows, maps[rows].astype(np.float64).reshape(-1, values)


@dataclass(frozen=True)
class ModelAttributions:
    """One model's maps on the labelled images of the split that was explained."""

    model: Model
    method: str
    unit: str
    images: pl.DataFrame
    """Predictions with strata, a row per labelled image; `row` is its row in the maps."""
    all_maps: Maps
    """Of every explained image, in the order of the artifact."""
    boxes: NDArray[np.floating] | None = None
    """(all images, 4) their lung boxes; None: an older version did not look for lungs."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        rows, columns = self.all_maps.shape[2:]
        return rows, columns

    @property
    def target(self) -> NDArray[np.intp]:
        """(n,) index of the true class; zeros where the target is no class."""
        return self.images["target"].fill_null(0).to_numpy().astype(np.intp)

    def maps(self, rows: NDArray[np.intp] | None = None) -> Maps:
        """The maps of `rows` of the artifact, by default of all labelled images."""
        return ChosenMaps(self.all_maps, self.images["row"].to_numpy() if rows is None else rows)

    def aligned(self) -> ModelAttributions | None:
        """The same of the images with a lung box, their maps in the common frame.

        None where lungs were not looked for.
        """
        if self.boxes is None:
            return None
        rows = self.images["row"].to_numpy()
        has_box = np.isfinite(self.boxes[rows]).all(axis=1)
        images, rows = self.images.filter(has_box), rows[has_box]
        return replace(
            self,
            images=images.with_columns(row=np.arange(len(rows))),
            all_maps=AlignedMaps(ChosenMaps(self.all_maps, rows), self.boxes[rows]),
        )


def attributions_of(artifacts: Sequence[Arrays], known: Sequence[Model]) -> list[ModelAttributions]:
    """The maps of each model beside its predictions, in the order of `known`.

    Raises `ArtifactError` when maps and predictions do not have the same images or classes.
    """
    by_key = {(a.header.attributes["task"], a.header.attributes["name"]): a for a in artifacts}
    return [_joined(m, by_key[m.key]) for m in known if m.key in by_key]


def _joined(model: Model, arrays: Arrays) -> ModelAttributions:
    facts, maps = arrays.header.attributes, StoredMaps(arrays)
    image_ids = arrays.read("image_id").tolist()
    rows = pl.DataFrame({"image_id": image_ids, "row": np.arange(len(image_ids))})
    found = rows.join(model.predictions, on="image_id", how="inner", maintain_order="left")
    if found.height != len(image_ids) or maps.shape[1] != len(model.classes):
        raise ArtifactError(
            f"the attributions of {model.task} ({model.name}) do not fit its predictions "
            f"({found.height} of {len(image_ids)} images found, {maps.shape[1]} maps for "
            f"{len(model.classes)} classes); "
            f"run `cxr explain --task {model.task} --name {model.name} --force`"
        )
    boxes = arrays.read("lung_box") if "lung_box" in arrays.names() else None
    labelled = found.filter(is_labelled())
    return ModelAttributions(model, facts["method"], facts["unit"], labelled, maps, boxes)
