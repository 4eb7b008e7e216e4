"""The digest of arrays depends on their content and on nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from data_contracts.store import Provenance, array_writer, open_arrays, write_arrays
from data_contracts.vocabulary import Contract, Field

ORIGIN = Provenance("test", {})
ARRAYS = Contract(
    "a", "1.0", "arrays", "a.h5", "x",
    fields=(
        Field("id", "string", "x", dims=("row",)),
        Field("half", "float16", "x", dims=("row", "column"), chunk_per_row=True),
        Field("flag", "bool", "x", dims=("row",)),
        Field("free*", "any", "x", dims=("...",), nullable=True),
    ),
    attributes=(Field("seed", "int64", "x"),),
)  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    rows, columns = draw(st.integers(0, 6)), draw(st.integers(1, 3))
    return {
        "id": draw(st.lists(TEXTS, min_size=rows, max_size=rows)),
        "half": draw(hnp.arrays(np.float16, (rows, columns), elements=st.floats(width=16))),
        "flag": draw(hnp.arrays(np.bool_, rows)),
        "free": draw(hnp.arrays(draw(hnp.integer_dtypes() | hnp.floating_dtypes()), ())),
    }


def write_content(path: Path, content: Mapping[str, Any], seed: int = 0) -> str:
    return write_arrays(ARRAYS, path, content, ORIGIN, {"seed": seed}).digest


def write_in_blocks(path: Path, content: Mapping[str, Any], rows: int) -> str:
    with array_writer(ARRAYS, path) as writer:
        writer.put("free", content["free"])
        for start in range(0, max(1, len(content["id"])), rows):
            part = slice(start, start + rows)
            writer.append(half=content["half"][part], id=content["id"][part])
            writer.append(flag=content["flag"][part])
        writer.attributes["seed"] = 0
        return writer.finish(ORIGIN).digest


@settings(max_examples=40)
@given(contents(), st.integers(1, 4))
def test_arrays_come_back_with_their_digest(content: dict[str, Any], rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, blocks = Path(folder) / "a.h5", Path(folder) / "b.h5"
        digest = write_content(path, content)
        assert write_in_blocks(blocks, content, rows) == digest
        assert verify_digest(path) == verify_digest(blocks) == digest
        with open_arrays(ARRAYS, blocks) as arrays:
            for name, value in content.items():
                np.testing.assert_array_equal(arrays.read(name), value)


def verify_digest(path: Path) -> str:
    with open_arrays(ARRAYS, path, verify=True) as arrays:
        return arrays.header.digest


CONTENT: Mapping[str, Any] = {
    "id": ["ab", "c"],
    "half": np.array([[0, 1], [2, 3]], np.float16),
    "flag": np.array([False, True]),
    "free": np.arange(4, dtype=np.int32),
}
OTHER_CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "moved character": {"id": ["a", "bc"]},
    "all in one": {"id": ["abc", ""]},
    "value": {"half": np.array([[0, 1], [2, 4]], np.float16)},
    "NaN": {"half": np.array([[0, 1], [2, np.nan]], np.float16)},
    "sign of zero": {"half": np.array([[-0.0, 1], [2, 3]], np.float16)},
    "flag": {"flag": np.array([True, True])},
    "type": {"free": np.arange(4, dtype=np.uint32)},
    "shape": {"free": np.arange(4, dtype=np.int32).reshape(2, 2)},
    "further": {"free2": np.arange(4, dtype=np.int32)},
}


@pytest.mark.parametrize("change", OTHER_CONTENTS.values(), ids=OTHER_CONTENTS)
def test_array_digest_sees_every_change(change: Mapping[str, Any], tmp_path: Path) -> None:
    assert write_content(tmp_path / "b.h5", {**CONTENT, **change}) != write_content(
        tmp_path / "a.h5", CONTENT
    )


def test_array_digest_sees_names_and_attributes(tmp_path: Path) -> None:
    renamed = {"free2" if name == "free" else name: value for name, value in CONTENT.items()}
    digests = {
        write_content(tmp_path / "a.h5", CONTENT),
        write_content(tmp_path / "b.h5", renamed),
        write_content(tmp_path / "c.h5", CONTENT, seed=1),
    }
    assert len(digests) == 3


def test_byte_order_and_memory_layout_do_not_count(tmp_path: Path) -> None:
    block: NDArray[np.int32] = np.arange(12, dtype=np.int32).reshape(3, 4)
    layouts = [block, block.astype(">i4"), np.asfortranarray(block), block.repeat(2, 0)[::2]]
    digests = set()
    for number, layout in enumerate(layouts):
        path = tmp_path / f"{number}.h5"
        digests.add(write_content(path, {**CONTENT, "free": layout}))
        verify_digest(path)
    assert len(digests) == 1
