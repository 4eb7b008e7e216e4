"""Any collection as one table with a row for each image, and a mapping of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._file_formats import table_faults
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._mapped import read_images
from cxrcore.sources._mapped_tables import MappedTables
from cxrcore.sources._mapping import read_mapping
from cxrcore.sources._proposal import propose
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl


def inspect(table: Path, patients: Path | None, least: int) -> str:
    """A proposed mapping as YAML text; values of fewer than `least` patients are not in it.

    `patients` is a further table with a row for each patient. Raises `SourceError` where a table
    cannot be read.
    """
    files = {"table": table} | ({"patients": patients} if patients else {})
    return propose(*locate(files).values(), least=least)


def locate(files: Mapping[str, Path]) -> dict[str, Path]:
    """Tables and mapping; raise `SourceError` if one is missing or of a format that is not read."""
    tables = {name: path for name, path in files.items() if name != "mapping"}
    mapping = files.get("mapping")
    faults = table_faults(tables)
    if mapping and not mapping.is_file():
        faults.append(f"--mapping {mapping} does not exist")
    if faults:
        raise SourceError(f"{'; '.join(faults)}; check the paths")
    return dict(files)


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the table; see `Adapter.read`."""
    mapping, patients = read_mapping(files["mapping"]), files.get("patients")
    if bool(patients) != bool(mapping.patients):
        raise SourceError(f"--patients FILE and patients in {files['mapping']} belong together; "
                          "give both or none")  # fmt: skip
    remedy = f"correct the table or {files['mapping']}" + (", or --label" if rules.further else "")
    images = read_images(MappedTables((files["table"],), mapping, remedy, rules, patients))
    faults = [
        f"column '{groups.column}': no row is in a class of labels.{name}"
        for name, groups in mapping.labels.items()
        if images[f"label_{name}"].is_null().all()
    ]
    if faults:
        raise SourceError(f"{files['table']}: {'; '.join(faults)}; {remedy}")
    return images


ADAPTER = Adapter(
    title="a table with a mapping of its columns",
    files={"table": "one row per image", "mapping": "YAML; --inspect proposes one"},
    optional_files={"patients": "one row per patient"},
    tasks=(),
    locate=locate,
    read=read,
)
