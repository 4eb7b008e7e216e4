"""CheXpert: `train.csv` and `valid.csv`, and the table of demographics that is given apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._file_formats import separator_of, table_faults
from cxrcore.sources._further_labels import remedy
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._mapped import read_images
from cxrcore.sources._mapped_tables import MappedTables
from cxrcore.sources._mapping import Mapping as Columns
from cxrcore.sources._stanford import GENDER, INSURANCE, PATIENT, RACE, STUDY, VIEW, known_ages
from cxrcore.sources._tables import column_names
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

_TABLES = ("train.csv", "valid.csv")
#: The paths begin with the name of the release, which is the folder of the tables.
_PATH = "((?:train|valid)/.+)$"


def locate(places: Mapping[str, Path]) -> dict[str, Path]:
    """The tables; `train.csv` and `patients` may be missing, at least one table may not."""
    root, patients = places["root"], places.get("patients")
    found = {name: root / name for name in _TABLES if (root / name).is_file()}
    faults = table_faults({"patients": patients}) if patients else []
    if not found:
        faults.append(f"{root / _TABLES[0]} does not exist")
    if faults:
        raise SourceError(
            f"{'; '.join(faults)}; --root must contain train.csv or valid.csv, and train/ or valid/"
        )
    return found | ({"patients": patients} if patients else {})


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the tables; see `Adapter.read`. There are no outcomes."""
    patients = files.get("patients")
    tables = tuple(path for name, path in files.items() if name != "patients")
    known = {"gender": ("UNKNOWN",)}
    of_patients = column_names(patients, separator_of(patients)) if patients else []
    mapping, advice = _mapping(of_patients), remedy(rules.further)
    return read_images(MappedTables(tables, mapping, advice, rules, patients, known), known_ages)


def _mapping(of_patients: list[str]) -> Columns:
    """What the columns mean; race and insurance where the table of patients can have them."""
    labels = {"gender": {"column": "Sex", **GENDER}}
    if of_patients:
        labels["race"] = {"column": "PRIMARY_RACE", **RACE}
    if "INSURANCE_TYPE" in of_patients:
        labels["insurance"] = {"column": "INSURANCE_TYPE", **INSURANCE}
    return Columns.model_validate({
        "path": {"column": "Path", "pattern": _PATH},
        "subject_id": {"column": "Path", "pattern": PATIENT},
        "study_id": {"column": "Path", "pattern": STUDY},
        "patients": "PATIENT" if of_patients else None,
        "age": "Age",
        "view": {"column": "AP/PA", **VIEW},
        "no_finding": {"column": "No Finding", "values": ["1"]},
        "labels": labels,
    })  # fmt: skip


ADAPTER = Adapter(
    title="CheXpert",
    folders={"root": "the collection, with train.csv or valid.csv and the images"},
    optional_files={"patients": "the table of demographics"},
    tasks=("gender", "race", "insurance"),
    locate=locate,
    read=read,
)
