"""What was published under a version stays as it was, and stays readable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data_contracts.__main__ import freeze, golden_path, schema_path, schema_text
from data_contracts._document import document
from data_contracts._tables import table_errors
from data_contracts.catalog import contracts
from data_contracts.store import Provenance, is_readable, open_arrays, verify, write_arrays
from data_contracts.vocabulary import Contract

ROOT = Path(__file__).parents[2]
GOLDEN_FILES = sorted((ROOT / "tests" / "data").glob("v*/*.*"))
EVERY_CONTRACT = pytest.mark.parametrize("contract", contracts().values(), ids=lambda c: c.name)


@EVERY_CONTRACT
def test_a_changed_schema_needs_a_new_version(contract: Contract) -> None:
    path = schema_path(contract, ROOT)
    assert path.is_file(), f"run python -m data_contracts: {path.name} is not frozen"
    assert path.read_text(encoding="utf-8") == schema_text(contract), (
        f"{contract.name} {contract.version} is not what was frozen: give it a new version"
    )


def test_every_frozen_schema_is_of_a_contract_that_exists() -> None:
    for path in (ROOT / "data_contracts" / "schemas").glob("*.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))
        assert facts["contract"] in contracts()
        assert path.name == f"{facts['contract']}-{facts['version']}.json"


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_golden_file_of_every_version_is_readable(path: Path) -> None:
    header = verify(path)
    assert header.contract == path.stem
    assert header.created == "2026-01-01T00:00:00+00:00"
    contract = contracts()[header.contract]
    if contract.kind == "arrays" and is_readable(contract, header):
        with open_arrays(contract, path) as arrays:
            required = {f.name for f in contract.fields if not f.nullable and not f.is_pattern}
            assert required <= set(arrays.names())
            assert {f.name for f in contract.attributes if not f.nullable} <= set(header.attributes)


@EVERY_CONTRACT
def test_every_contract_has_a_golden_file(contract: Contract) -> None:
    assert golden_path(contract, ROOT) in GOLDEN_FILES


def test_the_document_is_up_to_date() -> None:
    text = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert text == document(contracts().values()), "run python -m data_contracts"


@EVERY_CONTRACT
def test_the_example_is_valid(contract: Contract, tmp_path: Path) -> None:
    attributes = dict(contract.example_attributes)
    if contract.kind == "table":
        assert table_errors(contract, pl.DataFrame(contract.example()), attributes) == []
    else:
        path, origin = tmp_path / "x.h5", Provenance("test", {})
        write_arrays(contract, path, contract.example(), origin, attributes)


@EVERY_CONTRACT
def test_every_field_says_what_it_means_and_in_which_unit(contract: Contract) -> None:
    assert contract.description
    for field in (*contract.fields, *contract.attributes):
        assert field.description, field.name
    for field in contract.fields:
        is_number = field.dtype.startswith(("int", "uint", "float", "list"))
        assert bool(field.unit) == is_number, f"{field.name}: unit '{field.unit}'"


@EVERY_CONTRACT
def test_arrays_name_their_axes(contract: Contract) -> None:
    if contract.kind == "arrays":
        assert all(field.dims for field in contract.fields)


def test_no_two_artifacts_share_a_place() -> None:
    places = [
        c.path_template.format(**dict.fromkeys(c.template_keys, "*")) for c in contracts().values()
    ]
    assert len(set(places)) == len(places)


def test_freezing_keeps_what_is_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = contracts()["metrics"]
    monkeypatch.setattr("data_contracts.__main__.contracts", lambda: {"metrics": metrics})
    first = freeze(tmp_path)
    assert {p.name for p in first} == {
        schema_path(metrics, ROOT).name,
        "metrics.parquet",
        "contracts.md",
    }
    schema, golden = schema_path(metrics, tmp_path), golden_path(metrics, tmp_path)
    before = schema.read_bytes(), golden.read_bytes()

    changed = replace(metrics, description="Something else")
    monkeypatch.setattr("data_contracts.__main__.contracts", lambda: {"metrics": changed})
    assert [p.name for p in freeze(tmp_path)] == ["contracts.md"]
    assert (schema.read_bytes(), golden.read_bytes()) == before
    freeze(tmp_path, overwrite=True)
    assert json.loads(schema.read_text())["meaning"] == "Something else"
    assert golden.read_bytes() == before[1], "an example gives the same bytes every time"
