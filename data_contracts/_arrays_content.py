"""What is in an array artifact: names, types and digests of its datasets, and their faults."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from data_contracts._digest import arrays_digest, feed_array, feed_strings
from data_contracts._validate import axis_lengths
from data_contracts.vocabulary import Contract, Field

if TYPE_CHECKING:
    import h5py

#: The attribute of a dataset with checked rows that holds the SHA-256 of its values.
SHA256 = "sha256"
_BLOCK_BYTES = 1 << 24


def digest_of(
    file: h5py.File, attributes: Mapping[str, Any], known: Mapping[str, str] | None = None
) -> str:
    """Recompute the content digest, block by block.

    `known` are SHA-256 of values that need not be read.
    """
    known = known or {}
    facts = {
        name: dataset_facts(file[name], known.get(name) or sha256_of(file[name]))
        for name in dataset_names(file)
    }
    return arrays_digest(facts, attributes)


def dataset_facts(dataset: h5py.Dataset, sha256: str) -> tuple[str, tuple[int, ...], str]:
    """Type, shape and SHA-256 of values: what an artifact's digest takes of a dataset."""
    return dtype_name(dataset), tuple(dataset.shape), sha256


def hashes_of_checked_rows(contract: Contract, file: h5py.File) -> dict[str, str]:
    """The SHA-256 that was written beside each dataset whose rows have checksums of their own."""
    checked = {f.checksum_of for f in contract.fields if f.checksum_of and f.name in file}
    written = {name: file[name].attrs.get(SHA256) for name in checked}
    return {name: value for name, value in written.items() if isinstance(value, str)}


def dtype_name(dataset: h5py.Dataset) -> str:
    """The element type in the words of the contracts."""
    return "string" if dataset.dtype.kind == "S" else str(dataset.dtype.name)


def array_errors(
    contract: Contract, file: h5py.File, attributes: Mapping[str, Any] | None = None
) -> list[str]:
    """Want/got lines for datasets, types, ranks and lengths of shared axes."""
    faults: list[str] = []
    lengths = axis_lengths(contract, attributes or {})
    names = dataset_names(file)
    for field in contract.fields:
        found = [n for n in names if field.matches(n)]
        if not found and not field.nullable:
            axes = f" ({', '.join(field.dims)})"
            faults.append(f"dataset '{field.name}': want {field.dtype}{axes}, got none")
        for name in found:
            faults += _dataset_errors(field, name, file[name], lengths)
    extra = [n for n in names if not any(f.matches(n) for f in contract.fields)]
    return faults + [f"dataset '{n}': want none, got {dtype_name(file[n])}" for n in extra]


def _dataset_errors(
    field: Field, name: str, dataset: h5py.Dataset, lengths: dict[str, int]
) -> list[str]:
    """Faults of one dataset; axes met for the first time are added to `lengths`."""
    faults, what = [], f"dataset '{name}'"
    got = dtype_name(dataset)
    if not {got, "any"} & {*field.choices}:
        faults.append(f"{what}: want {field.dtype}, got {got}")
    if field.dims == ("...",):
        return faults
    if len(field.dims) != dataset.ndim:
        return [*faults, f"{what}: want axes ({', '.join(field.dims)}), got shape {dataset.shape}"]
    for axis, length in zip(field.dims, dataset.shape, strict=True):
        want = int(axis) if axis.isdigit() else lengths.setdefault(axis, length)
        if want != length:
            faults.append(f"{what}: want {axis} = {want}, got {length}")
    return faults


def check_errors(contract: Contract, file: h5py.File) -> list[str]:
    """The named checks that fail."""
    return [f"check '{c.name}' fails" for c in contract.checks if not c.predicate(file)]


def dataset_names(file: h5py.File) -> list[str]:
    """Every dataset, as `group/name`, sorted."""
    import h5py

    names: list[str] = []
    file.visititems(lambda n, item: names.append(n) if isinstance(item, h5py.Dataset) else None)
    return sorted(names)


def sha256_of(dataset: h5py.Dataset) -> str:
    """SHA-256 of a dataset's values, read block by block."""
    digest = hashlib.sha256()
    if dataset.dtype.kind == "S":
        feed_strings(digest, (v.decode() for v in dataset[()].tolist()))
    elif dataset.ndim == 0:
        feed_array(digest, dataset[()])
    else:
        row_bytes = dataset.dtype.itemsize * prod(dataset.shape[1:])
        rows = max(1, _BLOCK_BYTES // max(1, row_bytes))
        for start in range(0, dataset.shape[0], rows):
            feed_array(digest, dataset[start : start + rows])
    return digest.hexdigest()
