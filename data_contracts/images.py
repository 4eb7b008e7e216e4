"""What `preprocess` writes: the image store and the images it had to leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_contracts.vocabulary import Check, Contract, Field, Upgrade

if TYPE_CHECKING:
    from data_contracts.header import Header

#: How stored values were mapped to grey values; the index is what the image store holds.
WINDOWINGS = ("as_stored", "window", "voi_lut", "percentile")

REJECT_REASONS = (
    "missing_file", "not_decodable", "not_a_radiograph", "multiple_frames", "too_small", "blank",
)  # fmt: skip


def _attributes_from_1(header: Header) -> dict[str, Any]:
    renamed = {"intensity_rules": "windowings"}
    return {renamed.get(name, name): value for name, value in header.attributes.items()}


def _boxes_lie_inside(arrays: Any) -> bool:
    box, (_, height, width) = arrays["content_bbox"][()], arrays["pixels"].shape
    top, left, bottom, right = box.T
    return bool(
        ((top >= 0) & (left >= 0) & (top < bottom) & (left < right)).all()
        and (bottom <= height).all()
        and (right <= width).all()
    )


def _ids_are_unique(arrays: Any) -> bool:
    ids = arrays["image_id"][()].tolist()
    return len(set(ids)) == len(ids)


def _example_images() -> dict[str, Any]:
    import numpy as np

    n, size = 12, 32
    rng = np.random.default_rng(0)
    return {
        "pixels": rng.integers(0, 256, (n, size, size), dtype=np.uint8),
        "image_id": [f"image{i:02d}" for i in range(n)],
        "content_bbox": np.tile(np.array([0, 2, size, size - 2], dtype=np.int16), (n, 1)),
        "windowing": np.full(n, 1, dtype=np.uint8),
        "polarity_suspect": np.zeros(n, dtype=bool),
        "perceptual_hash": rng.integers(0, 256, (n, 8), dtype=np.uint8),
        "source_size": np.full((n, 2), 256, dtype=np.int32),
    }


IMAGES = Contract(
    name="images",
    version="3.1",
    kind="arrays",
    path_template="images/images-{shard}-of-{shards}.h5",
    description="The image store: every usable image as a square, in the cohort's order",
    fields=(
        Field("pixels", "uint8 or uint16",
              "Grey values up to the largest of their type, dark is air, letterboxed into a square",
              unit="grey value", dims=("image", "size", "size"), chunk_per_row=True),
        Field("pixels_crc32", "uint32", "CRC-32 of each image's pixels", unit="1",
              dims=("image",), nullable=True, checksum_of="pixels"),
        Field("image_id", "string", "Key into the cohort", dims=("image",)),
        Field("content_bbox", "int16",
              "Where the picture lies in the square: top, left, bottom, right",
              unit="pixel", dims=("image", "4")),
        Field("windowing", "uint8", "Index into the attribute windowings",
              unit="1", dims=("image",)),
        Field("polarity_suspect", "bool",
              "The border is brighter than the centre: dark and bright may be swapped",
              dims=("image",)),
        Field("perceptual_hash", "uint8",
              "64 bits, of which images that show nearly the same share most",
              unit="1", dims=("image", "8"), nullable=True),
        Field("source_size", "int32", "Rows and columns of the source image",
              unit="pixel", dims=("image", "2")),
    ),
    attributes=(
        Field("windowings", "string", "Names of the windowings", dims=("windowing",)),
        Field("formats", "string", "File formats found: dicom, png, jpeg, webp, tiff",
              dims=("format",)),
        Field("shard", "int32", "Number of this shard, from 1"),
        Field("shards", "int32", "How many shards make up the store"),
    ),
    checks=(
        Check("content boxes lie inside the square", _boxes_lie_inside),
        Check("image ids are unique", _ids_are_unique),
    ),
    example=_example_images,
    example_attributes={
        "windowings": list(WINDOWINGS), "formats": ["dicom"], "shard": 1, "shards": 1,
    },
    upgrades={
        "1": Upgrade(
            _attributes_from_1,
            renamed={
                "content_bbox": "content_box",
                "windowing": "intensity_rule",
                "polarity_suspect": "bright_border",
            },
        ),
        "2": Upgrade(lambda header: dict(header.attributes)),
    },
)  # fmt: skip


def _example_rejects() -> dict[str, Any]:
    import polars as pl

    return {
        "image_id": ["image99"],
        "path": ["files/image99.dcm"],
        "reason": pl.Series(["not_decodable"], dtype=pl.Enum(REJECT_REASONS)),
        "detail": ["the pixel data ends early"],
    }


IMAGE_REJECTS = Contract(
    name="image_rejects",
    version="1.1",
    kind="table",
    path_template="images/rejects-{shard}-of-{shards}.parquet",
    description="Images of the cohort that are not in the image store, and why",
    key=("image_id",),
    fields=(
        Field("image_id", "string", "Key into the cohort"),
        Field("path", "string", "Image file relative to the root of the source"),
        Field("reason", "enum", "Why the image cannot be used", categories=REJECT_REASONS),
        Field("detail", "string", "What was found, without any patient-level value"),
    ),
    attributes=(
        Field("near_duplicate_pairs", "int64",
              "Pairs of images of one study in the store that show nearly the same; null where "
              "the store has several shards",
              unit="pairs", nullable=True),
    ),
    example=_example_rejects,
    example_attributes={"near_duplicate_pairs": 1},
)  # fmt: skip
