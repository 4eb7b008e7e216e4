"""CheXpert Plus: `df_chexpert_plus_240401.csv`, with PNG, DICOM or JPEG images below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._further_labels import remedy
from cxrcore.sources._label_rules import LabelRules
from cxrcore.sources._mapped import read_images
from cxrcore.sources._mapped_tables import MappedTables
from cxrcore.sources._mapping import Mapping as Columns
from cxrcore.sources._stanford import GENDER, INSURANCE, RACE, STUDY, VIEW, known_ages
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

_TABLE = "df_chexpert_plus_240401.csv"
#: Folders that hold the images, below that of the table, and as what; the first that is there.
_FOLDERS = ("train", "valid", "*/train", "*/valid", "*/*/train", "*/*/valid")
_SUFFIXES = (".png", ".jpg", ".dcm")
#: Images to look for; of a download that is not whole some may be missing.
_TRIED = 200


def locate(places: Mapping[str, Path]) -> dict[str, Path]:
    """The one table; raise `SourceError` if it is missing."""
    path = places["root"] / _TABLE
    if not path.is_file():
        raise SourceError(f"{path} does not exist; --root must contain it and the images")
    return {_TABLE: path}


def read(files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the table; see `Adapter.read`. Deaths have no date, so no outcome."""
    (path,) = files.values()
    tables = MappedTables((path,), _mapping(), remedy(rules.further), rules, known=_KNOWN)

    def mend(table: pl.DataFrame) -> pl.DataFrame:
        paths = _image_paths(path.parent, table["path"])
        return known_ages(table).with_columns(path=paths)

    return read_images(tables, mend)


def _image_paths(root: Path, paths: pl.Series) -> pl.Series:
    """Where each image is relative to `root`: the table has JPEG, the release PNG and DICOM.

    Raises `SourceError` where no image is found.
    """
    tried = [Path(path) for path in paths.gather_every(max(1, len(paths) // _TRIED))]
    folders = (folder.parent for pattern in _FOLDERS for folder in sorted(root.glob(pattern)))
    for folder in dict.fromkeys(folders):
        for suffix in _SUFFIXES:
            if any((folder / path).with_suffix(suffix).is_file() for path in tried):
                prefix = "" if folder == root else f"{folder.relative_to(root)}/"
                return prefix + paths.str.replace(r"\.[a-z]+$", suffix)
    raise SourceError(
        f"{root}: no image of {_TABLE} is there as {', '.join(_SUFFIXES)}; "
        "--root must contain the folder train or valid, at most two folders down"
    )


_KNOWN = {
    "gender": ("UNKNOWN",),
    "race": ("OTHER", "UNKNOWN", "PACIFIC ISLANDER", "NATIVE AMERICAN", "PATIENT REFUSED"),
    "insurance": ("UNKNOWN",),
}


def _mapping() -> Columns:
    return Columns.model_validate({
        "path": "path_to_image",
        "subject_id": "deid_patient_id",
        "study_id": {"column": "path_to_image", "pattern": STUDY},
        "age": "age",
        "view": {"column": "ap_pa", **VIEW},
        "labels": {
            "gender": {"column": "sex", **GENDER},
            "race": {"column": "race", **RACE},
            "insurance": {"column": "insurance_type", **INSURANCE},
        },
    })  # fmt: skip


ADAPTER = Adapter(
    title="CheXpert Plus",
    folders={"root": f"the collection, with {_TABLE} and the images"},
    tasks=("gender", "race", "insurance"),
    locate=locate,
    read=read,
)
