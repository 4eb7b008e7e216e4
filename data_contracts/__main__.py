"""Freezes the contracts: schema files, golden files and `docs/contracts.md`.

    python -m data_contracts [--overwrite]

Run it in a source tree, after a contract was added or got a new version. Schemas and golden
files that exist are kept: what was published under a version stays as it was. `--overwrite`
replaces them, for a version that nobody has used yet.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import data_contracts
from data_contracts._document import document
from data_contracts.catalog import contracts
from data_contracts.store import Provenance, write_arrays, write_table, write_text
from data_contracts.vocabulary import Contract

_ORIGIN = Provenance("example", {}, created="2026-01-01T00:00:00+00:00")


def schema_path(contract: Contract, root: Path) -> Path:
    """Where the frozen schema of this version lies in the source tree `root`."""
    return root / "data_contracts" / "schemas" / f"{contract.name}-{contract.version}.json"


def golden_path(contract: Contract, root: Path) -> Path:
    """Where the golden file of this version lies in the source tree `root`."""
    suffix = Path(contract.path_template).suffix
    return root / "tests" / "data" / f"v{contract.version}" / f"{contract.name}{suffix}"


def schema_text(contract: Contract) -> str:
    """The frozen form of a schema."""
    return json.dumps(contract.describe(), indent=1, ensure_ascii=False) + "\n"


def write_example(contract: Contract, path: Path) -> None:
    """Write the contract's tiny valid example, with a fixed header."""
    import polars as pl

    content, attributes = contract.example(), dict(contract.example_attributes)
    if contract.kind == "table":
        write_table(contract, path, pl.DataFrame(content), _ORIGIN, attributes)
    else:
        write_arrays(contract, path, content, _ORIGIN, attributes)


def freeze(root: Path, *, overwrite: bool = False) -> list[Path]:
    """Write what is missing (with `overwrite`: everything), and the document; list the files."""
    found, written = contracts().values(), []
    for contract in found:
        for path, write in (
            (schema_path(contract, root), lambda c, p: write_text(p, schema_text(c))),
            (golden_path(contract, root), write_example),
        ):
            if overwrite or not path.exists():
                write(contract, path)
                written.append(path)
    write_text(root / "docs" / "contracts.md", document(found))
    return [*written, root / "docs" / "contracts.md"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m data_contracts", description=__doc__)
    parser.add_argument("--overwrite", action="store_true", help="replace what is frozen")
    root = Path(data_contracts.__file__).parent.parent
    for path in freeze(root, overwrite=parser.parse_args().overwrite):
        print(path.relative_to(root), file=sys.stderr)


if __name__ == "__main__":
    main()
