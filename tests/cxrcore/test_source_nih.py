from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from cxrcore.cohort import assemble
from cxrcore.sources import LabelRules, adapter, locate, nih
from data_contracts.errors import SourceError

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)
ROWS = (
    "00000001_000.png,Cardiomegaly|Effusion,0,1,58,M,PA,2682,2749,0.143,0.143,",
    "00000001_011.png,No Finding,11,1,59,M,AP,2682,2749,0.143,0.143,",
    "00000011_001.png,No Finding,1,11,413,F,PA,2682,2749,0.143,0.143,",
    "00000012_000.png,No Finding,0,12,100,F,PA,2682,2749,0.143,0.143,",
    "00000013_000.png,No Finding,0,13,17,,PA,2682,2749,0.143,0.143,",
    "00000014_000.png,No Finding,0,14,60,,PA,2682,2749,0.143,0.143,",
)


def collection(root: Path, rows: tuple[str, ...] = ROWS, header: str = HEADER) -> Path:
    (root / "images").mkdir(exist_ok=True)
    (root / "Data_Entry_2017.csv").write_text("\n".join([header, *rows]) + "\n")
    return root


def read(root: Path) -> pl.DataFrame:
    return adapter("nih").read(locate("nih", {"root": root}), LabelRules())


def test_a_table_with_the_empty_last_column_of_the_original(tmp_path: Path) -> None:
    frame = read(collection(tmp_path))
    rows = frame.select("image_id", "study_id", "subject_id", "path", "view", "age", "no_finding")
    assert rows.row(0) == (
        "00000001_000.png",
        "1_0",
        "1",
        "images/00000001_000.png",
        "PA",
        58,
        False,
    )
    assert rows.row(1) == (
        "00000001_011.png",
        "1_11",
        "1",
        "images/00000001_011.png",
        "AP",
        59,
        True,
    )
    assert frame["label_gender"].to_list() == ["M", "M", "F", "F", None, None]
    assert frame["study_id"].n_unique() == len(ROWS)


@pytest.mark.parametrize("trailing_header", [True, False])
@pytest.mark.parametrize("trailing_rows", [True, False])
def test_trailing_commas_change_nothing(
    tmp_path: Path, trailing_header: bool, trailing_rows: bool
) -> None:
    want = read(collection(tmp_path))
    rows = ROWS if trailing_rows else tuple(r.rstrip(",") for r in ROWS)
    header = HEADER if trailing_header else HEADER.rstrip(",")
    assert read(collection(tmp_path, rows, header)).equals(want)


@pytest.mark.parametrize("age", ["413", "-5"])
def test_exclusions(age: str, tmp_path: Path) -> None:
    rows = tuple(row.replace(",413,", f",{age},") for row in ROWS)
    cohort, flow = assemble(read(collection(tmp_path, rows)), "nih", "all", 18, seed=0)
    assert cohort["image_id"].str.slice(0, 12).to_list() == [
        "00000001_000", "00000001_011", "00000012_000", "00000014_000",
    ]  # fmt: skip
    assert [row[1:] for row in flow.iter_rows()] == [
        ("cohort", "in the source", 6, 6, 5, 0),
        ("cohort", nih.NOT_FRONTAL, 6, 6, 5, 0),
        ("cohort", nih.BAD_AGE, 5, 5, 4, 1),
        ("cohort", "younger than 18 years, or of unknown age", 4, 4, 3, 1),
        ("gender", nih.NO_GENDER, 1, 1, 1, 1),
        ("gender", "usable", 3, 3, 2, 0),
    ]


def test_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        locate("nih", {"root": tmp_path})
    assert "Data_Entry_2017.csv does not exist" in str(caught.value)
    assert "images does not exist" in str(caught.value)


def test_unknown_categories_and_repeated_images(tmp_path: Path) -> None:
    odd = ROWS[0].replace(",M,PA", ",X,LL").replace("_000", "_099")
    with pytest.raises(SourceError, match=r"Gender': 1 of \d rows have an.*View Position': 1 of"):
        read(collection(tmp_path, (*ROWS, odd)))
    with pytest.raises(SourceError, match=r"'Image Index': 1 rows repeat"):
        read(collection(tmp_path, (*ROWS, ROWS[0])))


def test_of_both_tables_the_newer_is_read(tmp_path: Path) -> None:
    collection(tmp_path)
    shutil.copy(tmp_path / "Data_Entry_2017.csv", tmp_path / "Data_Entry_2017_v2020.csv")
    assert list(locate("nih", {"root": tmp_path})) == ["Data_Entry_2017_v2020.csv"]


def test_both_versions_of_the_table_give_the_same_cohort(tmp_path: Path) -> None:
    newer = read(collection(tmp_path, header=HEADER.replace("Patient Gender", "Patient Sex")))
    rows = [row.split(",") for row in ROWS]
    older = tuple(",".join([*r[:4], f"{int(r[4]):03}Y", *r[5:]]) for r in rows)
    assert read(collection(tmp_path, older)).equals(newer)
    months = older[0].replace("058Y", "006M")
    assert read(collection(tmp_path, (months, *older[1:])))["age"][0] == 0.5


def test_the_sample_has_a_table_of_its_own(tmp_path: Path) -> None:
    want = read(collection(tmp_path))
    (tmp_path / "Data_Entry_2017.csv").rename(tmp_path / "sample_labels.csv")
    assert read(tmp_path).equals(want)


NAMES = [row.split(",")[0] for row in ROWS]


@pytest.mark.parametrize(
    "folders",
    [
        ("images_001/images", "images_002/images"),
        ("images_001", "images_012"),
        (".",),
        ("images-224",),
        ("images-224/images-224",),
    ],
)
def test_the_layouts_of_copies(folders: tuple[str, ...], tmp_path: Path) -> None:
    collection(tmp_path)
    (tmp_path / "images").rmdir()
    for number, name in enumerate(NAMES):
        folder = tmp_path / folders[number % len(folders)]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    paths = read(tmp_path)["path"]
    assert [Path(path).name for path in paths] == NAMES
    assert all((tmp_path / path).is_file() for path in paths)
    assert not paths.str.starts_with(".").any()


def test_the_original_goes_before_a_resized_copy(tmp_path: Path) -> None:
    collection(tmp_path)
    (tmp_path / "images").rmdir()
    for folder in ("images_001/images", "images-224"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / NAMES[0]).touch()
    assert read(tmp_path)["path"][0] == f"images_001/images/{NAMES[0]}"
    # An image that is nowhere is one that `preprocess` will miss.
    assert read(tmp_path)["path"][1] == f"images_001/images/{NAMES[1]}"


def test_two_copies_of_an_image_are_refused(tmp_path: Path) -> None:
    collection(tmp_path)
    (tmp_path / "images").rmdir()
    for folder in ("images-224", "images-512"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / NAMES[0]).touch()
    with pytest.raises(SourceError, match="images-512 and images-224 hold images of the same name"):
        read(tmp_path)
