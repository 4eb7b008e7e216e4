"""A file that is not what was written is refused in one line that names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest

from data_contracts.__main__ import golden_path, write_example
from data_contracts.catalog import contracts
from data_contracts.errors import ArtifactError
from data_contracts.header import HEADER_KEY, Header
from data_contracts.images import IMAGES
from data_contracts.store import (
    Provenance,
    open_arrays,
    read_header,
    read_table,
    verify,
    write_arrays,
)
from data_contracts.vocabulary import Contract

#: Of the present version of each contract.
GOLDEN_FILES = [golden_path(c, Path(__file__).parents[2]) for c in contracts().values()]
EVERY_GOLDEN_FILE = pytest.mark.parametrize(
    "golden", GOLDEN_FILES, ids=lambda p: f"{p.parent.name}-{p.stem}"
)
KEEP: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda raw: raw[:0],
    "one byte": lambda raw: raw[:1],
    "magic": lambda raw: raw[:8],
    "a tenth": lambda raw: raw[: len(raw) // 10],
    "half": lambda raw: raw[: len(raw) // 2],
    "all but nine": lambda raw: raw[:-9],
    "all but one": lambda raw: raw[:-1],
}


def contract_of(path: Path) -> Contract:
    return contracts()[path.stem]


def content(path: Path, contract: Contract) -> object:
    """Everything in an artifact, verified, in a form that compares bit by bit."""
    if contract.kind == "table":
        table = read_table(contract, path)
        return table.header, repr(table.frame.to_dict(as_series=False))
    with open_arrays(contract, path, verify=True) as arrays:
        values = {name: arrays.read(name) for name in arrays.names()}
        return arrays.header, {n: (v.dtype, v.shape, v.tobytes()) for n, v in values.items()}


def refusal(act: Callable[[], object], path: Path) -> str:
    """The one line with which `act` refuses; fails when it does not, or raises another type."""
    with pytest.raises(ArtifactError) as caught:
        act()
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.exit_code == 3
    return message


def refused_by_all(path: Path, contract: Contract) -> str:
    refusal(lambda: verify(path), path)
    refusal(lambda: read_header(path), path)
    return refusal(lambda: content(path, contract), path)


@pytest.mark.parametrize("keep", KEEP.values(), ids=KEEP)
@EVERY_GOLDEN_FILE
def test_truncated(
    golden: Path, keep: Callable[[bytes], bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / golden.name
    path.write_bytes(keep(golden.read_bytes()))
    message = refused_by_all(path, contract_of(golden))
    assert "is damaged" in message or path.stat().st_size == 1
    assert capfd.readouterr() == ("", ""), "a library prints its own complaint"


@EVERY_GOLDEN_FILE
def test_a_flipped_byte_is_found_or_changes_nothing(
    golden: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw, path, contract = golden.read_bytes(), tmp_path / golden.name, contract_of(golden)
    whole, refused = content(golden, contract), 0
    for number, place in enumerate(range(0, len(raw), max(1, len(raw) // 97))):
        altered = bytearray(raw)
        altered[place] ^= (0xFF, 0x01, 0x80)[number % 3]
        path.write_bytes(altered)
        try:
            found = content(path, contract)
        except ArtifactError as error:
            refused += str(path) in str(error)
        else:
            assert found == whole, f"byte {place} changed the content unseen"
    assert refused
    assert capfd.readouterr() == ("", ""), "a library prints its own complaint"


def test_a_flipped_pixel_is_found_by_a_plain_read(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.h5", tmp_path / "images.h5"
    write_example(IMAGES, whole)
    with h5py.File(whole) as file:
        dataset = file["pixels"]
        chunks = [dataset.id.get_chunk_info(row) for row in range(len(dataset))]
    for row, chunk in enumerate(chunks):
        raw = bytearray(whole.read_bytes())
        raw[chunk.byte_offset + 100] ^= 0x10
        path.write_bytes(raw)
        with open_arrays(IMAGES, path) as images:
            refusal(lambda: images.read("pixels", row), path)  # noqa: B023
            images.read("pixels", (row + 1) % len(chunks))


def test_black_turned_white_is_found(tmp_path: Path) -> None:
    # Fletcher-32, which HDF5 keeps, does not tell the 16-bit words 0000 and ffff apart.
    whole, path = tmp_path / "whole.h5", tmp_path / "images.h5"
    content = {**IMAGES.example(), "content_bbox": np.tile([0, 0, 32, 32], (12, 1))}
    content["pixels"][::2] = 0
    unchecked = replace(IMAGES, fields=tuple(f for f in IMAGES.fields if not f.checksum_of))
    for contract in (IMAGES, unchecked):
        write_arrays(contract, whole, content, Provenance("test", {}), IMAGES.example_attributes)
        path.write_bytes(white := whole.read_bytes().replace(bytes(1024), b"\xff" * 1024))
        assert white != whole.read_bytes()
        refusal(lambda: read_all(path), path)
        path.write_bytes(whole.read_bytes().replace(b"\0\0\0\0 \0 \0", b"\xff\xff\0\0 \0 \0", 1))
        refusal(lambda: read_all(path), path)


def read_all(path: Path) -> None:
    with open_arrays(IMAGES, path) as images:
        refusal(lambda: images.read("pixels"), path)
        assert images.read("pixels", 1).any()
        into = np.empty((32, 32), np.uint8)
        images.read_rows("pixels", [1], [into])
        images.read_rows("pixels", [2], [into])


def test_a_panic_of_the_table_library_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("index out of bounds")

    cohort = contracts()["cohort"]
    path = tmp_path / "cohort.parquet"
    write_example(cohort, path)
    monkeypatch.setattr(pl, "read_parquet", panic)
    assert "is damaged" in refusal(lambda: read_table(cohort, path), path)
    monkeypatch.setattr(pl, "read_parquet_metadata", panic)
    assert "is damaged" in refusal(lambda: read_header(path), path)


def _not_artifacts(folder: Path) -> dict[str, Path]:
    import cv2

    text, empty, inside = folder / "notes.txt", folder / "empty", folder / "a" / "b"
    text.write_text("Not an artifact. " * 100)
    empty.touch()
    cv2.imwrite(str(folder / "x.png"), np.zeros((8, 8), np.uint8))
    plain, arrays = folder / "plain.parquet", folder / "plain.h5"
    pl.DataFrame({"a": [1]}).write_parquet(plain)
    with h5py.File(arrays, "w") as file:
        file["a"] = np.arange(3)
    found = (text, empty, folder / "x.png", plain, arrays, folder, folder / "none", text / "inside")
    return {path.name: path for path in (*found, inside)}


def test_not_an_artifact(tmp_path: Path) -> None:
    for path in _not_artifacts(tmp_path).values():
        refusal(lambda: verify(path), path)  # noqa: B023
        for contract in (contracts()["cohort"], IMAGES):
            refusal(lambda: content(path, contract), path)  # noqa: B023


def test_a_missing_file_is_called_missing(tmp_path: Path) -> None:
    assert "does not exist" in refusal(lambda: verify(tmp_path / "x"), tmp_path / "x")
    path = tmp_path / "y.parquet"
    assert "does not exist" in refusal(lambda: read_table(contracts()["cohort"], path), path)


@EVERY_GOLDEN_FILE
def test_another_contracts_file(golden: Path, tmp_path: Path) -> None:
    path = tmp_path / golden.name
    for other in GOLDEN_FILES:
        if other.stem != golden.stem:
            shutil.copy(other, path)
            message = refusal(lambda: content(path, contract_of(golden)), path)
            assert f"want the artifact {golden.stem}" in message


def rewrite(path: Path, change: Callable[[dict[str, Any]], None], seal: bool = True) -> None:
    """Change the header of an artifact, with everything else as it was."""
    raw_header = read_header(path).to_json()
    facts = json.loads(raw_header)
    change(facts)
    if seal:
        facts.pop("seal")
        text = json.dumps(facts, sort_keys=True)
        facts["seal"] = sha256(text.encode()).hexdigest()[:16]
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs[HEADER_KEY] = np.bytes_(json.dumps(facts))
    else:
        pl.read_parquet(path).write_parquet(path, metadata={HEADER_KEY: json.dumps(facts)})


def remove_header(path: Path) -> None:
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            del file.attrs[HEADER_KEY]
    else:
        pl.read_parquet(path).write_parquet(path)


@EVERY_GOLDEN_FILE
def test_headers(golden: Path, tmp_path: Path) -> None:
    contract = contract_of(golden)
    changes: dict[str, Callable[[dict[str, Any]], None]] = {
        "got 9.0": lambda facts: facts.update(version="9.0"),
        "got 10.0": lambda facts: facts.update(version="10.0"),
        "is damaged": lambda facts: facts.update(digest="sha256:" + "0" * 64),
        "has a damaged header": lambda facts: facts.pop("digest"),
        "attribute 'other': want none": lambda facts: facts["attributes"].update(other=1),
    }
    for expected, change in changes.items():
        path = Path(shutil.copy(golden, tmp_path))
        rewrite(path, change)
        assert expected in refusal(lambda: content(path, contract), path)  # noqa: B023
    path = Path(shutil.copy(golden, tmp_path))
    rewrite(path, lambda facts: facts.update(created="2027"), seal=False)
    assert "damaged header" in refusal(lambda: content(path, contract), path)
    path = Path(shutil.copy(golden, tmp_path))
    remove_header(path)
    assert "has no cxr header" in refused_by_all(path, contract)


@EVERY_GOLDEN_FILE
def test_a_newer_minor_version_is_read(golden: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(golden, tmp_path))
    before = read_header(path)
    newer = f"{contract_of(golden).major}.7"
    rewrite(path, lambda facts: facts.update(version=newer))
    content(path, contract_of(golden))
    after = read_header(path)
    assert (after.version, after.digest) == (newer, before.digest)


def test_an_unknown_contract_is_named(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN_FILES[0], tmp_path))
    rewrite(path, lambda facts: facts.update(contract="spleens"))
    assert "spleens" in refusal(lambda: verify(path), path)


def test_other_software_may_rewrite_a_table(tmp_path: Path) -> None:
    golden = next(p for p in GOLDEN_FILES if p.stem == "cohort")
    path = tmp_path / "cohort.parquet"
    metadata = {HEADER_KEY: read_header(golden).to_json()}
    frame = pl.read_parquet(golden)
    frame.write_parquet(path, compression="snappy", row_group_size=3, metadata=metadata)
    assert verify(path).digest == read_header(golden).digest


def test_the_header_is_one_that_any_reader_can_parse() -> None:
    for golden in GOLDEN_FILES:
        if golden.suffix == ".h5":
            with h5py.File(golden) as file:
                text = file.attrs[HEADER_KEY]
        else:
            text = pl.read_parquet_metadata(golden)[HEADER_KEY]
        assert json.loads(text)["contract"] == golden.stem
        assert Header.from_json(text, golden) == read_header(golden)
