"""`--label NAME=COLUMN[:GROUPS]`: any column of a source's tables as a task."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import own_tables
import polars as pl
import public_tables
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mimic_tree import ADMISSION, IMAGE, PATIENT, Tree
from mimic_tree import tree as tree

from cxrcore.cohort import assemble
from cxrcore.sources import LabelRules, locate
from cxrcore.sources import read as read_images
from cxrcore.sources._further_labels import parse_labels
from cxrcore.sources._groups import NOT_STATED
from data_contracts.errors import SourceError, UsageError


def labelled(source: str, places: dict[str, Path], *texts: str) -> pl.DataFrame:
    """The images of a source with these labels, sorted by their ids."""
    found = locate(source, places)
    return read_images(source, found, LabelRules(further=parse_labels(texts))).sort("image_id")


def test_values_classes_and_bands(tmp_path: Path) -> None:
    root = public_tables.write("chexpert-plus", tmp_path)
    images = labelled(
        "chexpert-plus", {"root": root}, "deceased=deceased", "bmi=recent_bmi:25,40",
        "interpreter=interpreter_needed:no=No,yes=*", "order=patient_report_date_order",
    )  # fmt: skip
    assert images["label_deceased"].to_list() == ["No", "No", "Yes", "No"]
    assert images["label_bmi"].to_list() == ["25 to under 40"] * 2 + [None, "under 25"]
    assert images["null_bmi"][2] == NOT_STATED
    assert images["label_interpreter"].to_list() == ["no", "no", "no", "yes"]
    assert images["label_order"].dtype == pl.Enum(["1", "2"])
    cohort, flow = assemble(images, "chexpert-plus", "all", 0, seed=0)
    assert cohort["label_bmi"].null_count() == 1
    usable = flow.filter((pl.col("scope") == "bmi") & (pl.col("rule") == "usable"))
    assert usable["images"].item() == 2


def test_an_empty_cell_may_be_a_class(tmp_path: Path) -> None:
    root = public_tables.write("chexpert", tmp_path)
    images = labelled("chexpert", {"root": root}, "edema=Edema:absent=0|,present=1")
    assert images["label_edema"].to_list() == ["absent", "absent", None, "present", "present"]


def test_every_source_has_them(tmp_path: Path, tree: Tree) -> None:
    places = {"root": public_tables.write("padchest", tmp_path / "p")}
    images = labelled("padchest", places, "lying=Projection:no=PA|AP,yes=AP_horizontal")
    assert images["label_lying"].to_list() == ["no", None, "yes", "no"]
    places = {"root": public_tables.write("vindr", tmp_path / "v")}
    # Two of three readers see it in one image, one of three in the other.
    images = labelled("vindr", places, "heart=Cardiomegaly", "fluid=Pleural effusion:0.3,0.6")
    assert images["label_heart"].to_list() == ["0", "1", "0"]
    assert images["label_fluid"].to_list() == ["under 0.3", "0.6 and over", "under 0.3"]
    places = own_tables.write(tmp_path)
    assert labelled("table", places, "sides=projection")["label_sides"][0] == "PA"
    (tmp_path / "n" / "images").mkdir(parents=True)
    (tmp_path / "n" / "Data_Entry_2017.csv").write_text(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
        "View Position\n1.png,Mass|Nodule,0,1,58,M,PA\n2.png,Edema,0,2,40,F,AP\n"
    )
    texts = ("race=View Position", "mass=Finding Labels:present=Mass,absent=*")
    images = labelled("nih", {"root": tmp_path / "n"}, *texts)
    assert images["label_race"].to_list() == ["PA", "AP"]
    assert images["label_mass"].to_list() == ["present", "absent"]


def test_age_and_view_are_those_of_the_cohort(tmp_path: Path) -> None:
    root = public_tables.write("padchest", tmp_path)
    images = labelled("padchest", {"root": root}, "old=age:40,60", "view=view")
    # The table has years of birth, and projections.
    assert images["label_old"].to_list() == ["60 and over", "60 and over", "under 40", None]
    assert images["label_view"].to_list() == ["PA", None, "AP", "PA"]
    with pytest.raises(SourceError, match="--label gender: the source has this task already"):
        labelled("padchest", {"root": root}, "gender=view")
    with pytest.raises(SourceError, match="'view' has rows in 0 classes"):
        labelled("padchest", {"root": root}, "x=view:40,60")


def test_findings_of_one_cell(tmp_path: Path) -> None:
    root = public_tables.write("padchest", tmp_path)
    images = labelled("padchest", {"root": root}, "edema=Labels:present=Edema,absent=*")
    assert images["label_edema"].to_list() == ["absent", "absent", "present", None]


def test_of_mimic_every_table_has_them(tree: Tree) -> None:
    tree.patients = [PATIENT, {**PATIENT, "subject_id": 7, "anchor_year_group": "2008 - 2010"}]
    tree.admissions = [
        {**ADMISSION, "language": "ENGLISH"},
        {**ADMISSION, "subject_id": 7, "hadm_id": 8, "language": "?"},
    ]
    more = {"PerformedProcedureStepDescription": "CHEST (PORTABLE AP)", "subject_id": 7}
    tree.images = [{**IMAGE, "PerformedProcedureStepDescription": "CHEST (PA AND LAT)"},
                   {**IMAGE, **more, "dicom_id": "aa-2", "study_id": 9}]  # fmt: skip
    labels = parse_labels(["language=language", "years=anchor_year_group",
                           "procedure=PerformedProcedureStepDescription",
                           "portable=portable"])  # fmt: skip
    images = tree.read(further=labels).sort("image_id")
    assert images["label_language"].to_list() == ["ENGLISH", "?"]
    assert images["label_years"].to_list() == ["2014 - 2016", "2008 - 2010"]
    assert images["label_procedure"][1] == "CHEST (PORTABLE AP)"
    assert images["label_portable"].to_list() == ["no", "yes"]
    tree.admissions[1] = {**tree.admissions[1], "race": "HISPANIC/LATINO - CUBAN"}
    labels = parse_labels(
        ["groups=race_group", "latino=race_group:no=White,yes=Hispanic or Latino"]
    )
    images = tree.read(further=labels).sort("image_id")
    assert images["label_groups"].to_list() == ["White", "Hispanic or Latino"]
    assert images["label_latino"].to_list() == ["no", "yes"]
    assert images["label_race"].to_list() == ["White", None]
    tree.admissions.append({**ADMISSION, "hadm_id": 9, "race": "ASIAN"})
    with pytest.raises(SourceError, match="has 1 values, want 2 to 20"):  # a conflict has none
        tree.read(further=parse_labels(["groups=race_group"]))
    tree.admissions.append({**ADMISSION, "hadm_id": 10, "race": "ASIAN"})
    images = tree.read(further=parse_labels(["groups=race_group"]), race_conflict="majority")
    assert images["label_groups"].to_list() == ["Asian", "Hispanic or Latino"]
    with pytest.raises(SourceError, match="--label x: no table has a column 'BMI'; looked into"):
        tree.read(further=parse_labels(["x=BMI"]))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("x=colour", "want the column 'colour', got Path, Sex"),
        ("x=Frontal/Lateral:a=Frontal", "'Frontal/Lateral' has rows in 1 classes, want 2"),
        ("x=Age:1000", "'Age' has rows in 1 classes"),
        ("x=Path", "'Path' names patients, studies or images"),
        ("x=Path:a=1,b=*", "'Path' names patients, studies or images"),
        ("gender=AP/PA", "--label gender: the source has this task already"),
        ("x=Constant", "'Constant' has 1 values, want 2 to 20; name classes or bands"),
        ("x=Many", "'Many' has 30 values, want 2 to 20"),
        (f"x=Age:{','.join(map(str, range(20)))}", "--label x: has 21 classes, want 2 to 20"),
        ("x=Sex:1,2", "'Sex': 30 of 30 rows are not numbers"),
    ],
)
def test_what_is_no_label_of_the_source(text: str, want: str, tmp_path: Path) -> None:
    header = "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Constant,Many"
    rows = [f"r/train/patient{i:05}/study1/v.jpg,Male,50,Frontal,{'AP' if i % 2 else 'PA'},,c,m{i}"
            for i in range(30)]  # fmt: skip
    (tmp_path / "train.csv").write_text("\n".join([header, *rows]) + "\n")
    with pytest.raises(SourceError) as caught:
        labelled("chexpert", {"root": tmp_path}, text)
    assert want in str(caught.value)
    assert str(caught.value).endswith("correct --label")
    assert "m29" not in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "want"),
    [
        (["edema"], "--label edema: want NAME=COLUMN or NAME=COLUMN:GROUPS"),
        (["=Edema"], "--label : cannot have a task ''"),
        (["a\n b=Edema"], "--label a b: cannot have a task 'a b'"),
        (["age=Age"], "--label age: cannot have a task 'age'"),
        (["mortality=dead"], "--label mortality: is a label already"),
        (["x=A", "x=B"], "--label x: is a label already"),
        (["x=A:old"], "--label x: want CLASS=VALUE|VALUE,CLASS=* or limits as 40,60,80"),
        (["x=A:a=1,b"], "--label x: want each class once"),
        (["x=A:a=1,a=2"], "--label x: want each class once"),
        (["x=A:a=1,b=1.0"], "--label x: has 1 in two classes"),
        (["x=A:a=*,b=*"], "--label x: has two classes without values"),
        (["x=A:60,40"], "--label x: needs bands in ascending order"),
    ],
)
def test_what_is_not_written_as_a_label(texts: list[str], want: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_labels(texts)
    assert want in str(caught.value)


@given(st.lists(st.text("ab1=:|,*\x00\n ", max_size=12), max_size=3))
def test_any_text_is_a_label_or_refused(texts: list[str]) -> None:
    with suppress(UsageError):
        assert len(parse_labels(texts)) == len(texts)
