from __future__ import annotations

import datetime as dt
from pathlib import Path

import own_tables
import polars as pl
import pytest
from own_tables import HEADER, MAPPING, ROWS, read, write
from workbooks import write_workbook

from cxrcore.cohort import assemble
from cxrcore.labels import CENSORED
from cxrcore.sources import _mapped, locate
from cxrcore.sources._groups import CONFLICT, IN_NO_CLASS, NOT_STATED
from data_contracts.errors import SourceError


@pytest.fixture
def images(tmp_path: Path) -> pl.DataFrame:
    return read(write(tmp_path))


def column(images: pl.DataFrame, name: str) -> list[object]:
    return images.sort("image_id")[name].to_list()


def test_ids_times_and_views(images: pl.DataFrame) -> None:
    assert column(images, "image_id") == column(images, "path") == [r.split(";")[0] for r in ROWS]
    # Exam 1 is of two patients, exam 9 as well.
    assert column(images, "study_id") == ["P1_1", "P1_1", "P2_1", "7", "8", "P5_9", "P6_9"]
    assert column(images, "study_time")[2] == dt.datetime(2020, 3, 2)
    assert column(images, "view") == ["PA", None, "AP", None, "PA", "PA", "PA"]
    assert column(images, "excluded") == [
        None, _mapped.NOT_FRONTAL, None, None, _mapped.BAD_AGE, _mapped.DIED_BEFORE, None,
    ]  # fmt: skip
    assert column(images, "no_finding") == [True, True, *[False] * 5]


def test_values_become_classes_or_are_counted(images: pl.DataFrame) -> None:
    assert column(images, "label_gender") == ["F", "F", "M", None, "M", "M", "M"]
    assert column(images, "null_gender")[3] == IN_NO_CLASS
    # An empty list holds every other value; 1 and 1.0 are one value.
    assert column(images, "label_insurance")[2:5] == ["private", "public", None]
    assert column(images, "null_insurance")[4] == NOT_STATED
    assert column(images, "label_finding")[1:4] == ["absent", "present", "absent"]
    # Yes and No are text; an empty text is an empty cell.
    assert column(images, "label_smoker") == ["Yes", "No", "No", "No", "No", None, "No"]
    assert images["label_smoker"].dtype == pl.Enum(["No", "Yes"])


def test_both_outcomes_need_the_whole_horizon_on_record(images: pl.DataFrame) -> None:
    assert column(images, "days_to_death")[:4] == [None, None, 91, 28]
    assert column(images, "follow_up_days")[:4] == [1766, 1766, 91, 28]
    assert column(images, "label_mortality")[:4] == ["survived", "survived", "died", None]
    assert column(images, "null_mortality")[3] == CENSORED
    assert images["mortality_rule"].unique().to_list() == ["observed-to-horizon"]


def test_several_horizons(tmp_path: Path) -> None:
    images = read(places := write(tmp_path), 365, 20, 500)
    assert column(images, "label_mortality_20d")[:4] == ["survived"] * 4
    assert column(images, "label_mortality_500d")[:4] == ["survived", "survived", "died", None]
    taken = MAPPING + "  mortality_20d: {column: sex, classes: {F: [w], M: [m]}}\n"
    places["mapping"].write_text(taken)
    with pytest.raises(SourceError, match=r"labels.mortality_20d has the name of the label within"):
        read(places, 365, 20)


def test_a_patient_of_two_genders_has_neither(tmp_path: Path) -> None:
    images = read(write(tmp_path, (ROWS[0], ROWS[1].replace(";w;", ";m;"), *ROWS[2:])))
    assert column(images, "label_gender")[:3] == [None, None, "M"]
    assert column(images, "null_gender")[:2] == [CONFLICT] * 2


def test_the_flow_counts_every_label_that_is_missing(images: pl.DataFrame) -> None:
    cohort, flow = assemble(images, "table", "all", 18, seed=0)
    assert cohort["path"].to_list() == ["a/1.dcm", "b/1.dcm", "c/1.dcm"]
    rules = {(r["scope"], r["rule"]): r["excluded_images"] for r in flow.iter_rows(named=True)}
    assert rules["gender", IN_NO_CLASS] == rules["mortality", CENSORED] == 1
    kept, _ = assemble(images, "table", "all", 0, seed=0)
    assert "f/1.dcm" in kept["path"]  # of no known age


def with_mapping(folder: Path, *changes: tuple[str, str]) -> pl.DataFrame:
    mapping = MAPPING
    for old, new in changes:
        assert old in mapping
        mapping = mapping.replace(old, new)
    return read(write(folder, mapping=mapping))


def test_patterns_bands_and_a_label_as_given(tmp_path: Path) -> None:
    images = with_mapping(
        tmp_path,
        ("subject_id: patient", 'subject_id: {column: file, pattern: "^([a-z])/"}'),
        (MAPPING[MAPPING.index("mortality:") : MAPPING.index("labels:")], ""),
        ("labels:\n", "labels:\n  age_band: {column: years, bands: [50, 60.5]}\n"
         "  mortality: {column: died_on, classes: {survived: [''], died: []}}\n"),
    )  # fmt: skip
    assert column(images, "subject_id") == list("aabcdef")
    bands = ["50 to under 60.5"] * 3 + ["60.5 and over"] * 2 + ["under 50", None]
    assert column(images, "label_age_band") == bands
    assert column(images, "label_mortality")[:4] == ["survived", "survived", "died", "died"]
    assert images["mortality_rule"].unique().to_list() == ["as-given"]


PATIENTS = "id;smokes;died_on\n" + "".join(f"P{i};{i % 2};01.06.2020\n" for i in range(1, 6))


def test_a_table_of_patients_beside_that_of_images(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text(PATIENTS)
    mapping = MAPPING.replace("smokes", "smoking").replace("[Yes]", "[1]")
    mapping = mapping.replace("subject_id", "patients: id\nsubject_id")
    places = write(tmp_path, mapping=mapping) | {"patients": tmp_path / "patients.csv"}
    (tmp_path / "patients.csv").write_text(PATIENTS.replace("smokes", "smoking"))
    images = read(places)
    smokers = ["Yes", "Yes", None, "Yes", None, "Yes", "No"]  # P6 has no row
    assert column(images, "label_smoker") == smokers
    # Of a column that both have, that of the images counts.
    assert column(images, "days_to_death")[:3] == [None, None, 91]
    for text, want in (
        (PATIENTS, "'smoking', got file, patient"),
        (PATIENTS.replace("smokes", "smoking") + "P1;1;\n", "'id': 1 rows repeat an earlier one"),
        (PATIENTS.replace("smokes", "smoking").replace("P", "Q"), "shares 0 of 5 ids with"),
        (PATIENTS.replace("smokes", "smoking").replace("id", "x", 1), "want the column 'id'"),
    ):
        (tmp_path / "patients.csv").write_text(text)
        assert want in fault(places)
    places["mapping"].write_text(MAPPING)
    assert "belong together; give both or none" in fault(places)


def test_days_after_the_study(tmp_path: Path) -> None:
    places = write(tmp_path, mapping=MAPPING[: MAPPING.index("mortality:")])
    places["table"].write_text(
        "\n".join([f"{HEADER};dead;seen", ROWS[0] + ";;400", ROWS[2] + ";30;400"]) + "\n"
    )
    with places["mapping"].open("a") as file:
        file.write("mortality: {days_to_death: dead, observed_days: seen}\n")
    assert column(read(places), "label_mortality") == ["survived", "died"]
    assert column(read(places, 401), "label_mortality") == [None, None]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".xlsx", ".parquet"])
def test_every_format_gives_the_same(suffix: str, tmp_path: Path) -> None:
    places = write(tmp_path)
    want = read(places)
    frame = pl.read_csv(places["table"], separator=";")
    places["table"] = path = tmp_path / f"other{suffix}"
    if suffix == ".parquet":
        frame.with_columns(pl.col("years").cast(pl.Float64)).write_parquet(path)
    elif suffix == ".xlsx":
        # Cells of Excel are numbers and dates; of dates some may be text.
        dated = frame.with_columns(pl.col("taken").str.to_date("%d.%m.%Y")).rows()
        dated[0] = frame.row(0)
        write_workbook(path, [frame.columns, *dated[:2], (None,) * 11, *dated[2:]], [])
    else:
        frame.write_csv(
            path,
            separator="\t" if suffix == ".tsv" else ",",
            compression="gzip" if suffix == ".csv.gz" else "uncompressed",
        )
    assert read(places).equals(want)


def fault(places: dict[str, Path]) -> str:
    with pytest.raises(SourceError) as caught:
        read(places)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ("age: years", "age: yaers", "want the column 'yaers', got file, patient, exam"),
        ("age: years", "ages: years", "ages is no field of a mapping"),
        ("path: file\n", "", "path is missing"),
        ("column: sex", "colum: sex", "labels.gender.column is missing; labels.gender.colum is no"),
        ("[w]", "[w, M]", "labels.gender has M in two classes"),
        ("[AOK, 1]", "[]", "has two classes without values"),
        ("age: years", "age: FILL_IN", "age is to be filled in; correct the mapping"),
        ("[w]", "[q]", None),
        ("{F: [w], M: [m]}", "{F: [q], M: [r]}", "'sex': no row is in a class of labels.gender"),
        ("observed_until: 2024-12-31", "observed_days: '99'", "mortality needs death and"),
        ("labels:", "labels:\n  age: {column: years, bands: [50]}", "cannot have a task 'age'"),
        ("path: file", "path: {column: file, pattern: '('}", "pattern must be a regular expr"),
        ("path: file", "path: {column: file, pattern: '[a-d]/.*'}", "'file': 2 of 7 rows do not"),
        ("%d.%m.%Y", "%Y-%m-%d", "'taken': 7 of 7 rows are not dates of the form %Y-%m-%d"),
        ("%d.%m.%Y", "%d.%m.", "study_time.format must name year, month and day"),
        ("%d.%m.%Y", "%", "study_time.format must name year, month and day"),
        ("2024-12-31", "2024-13-31", "mortality has no day 2024-13-31"),
        ("{F: [w], M: [m]}", "{'': [w]}", "labels.gender.classes"),
        ("classes: {F: [w], M: [m]}", "bands: [nan, 1]", "needs bands in ascending order"),
        (
            "classes: {PA: [pa], AP: [ap, ap lying], frontal: [front]}",
            "bands: [1]",
            "view has classes",
        ),
        ("age: years", "age: sex", "'sex': 7 of 7 rows are not ages"),
        ("age: years", "\tage", "line 5 is not YAML"),
        ("age: years", "age: years\nage: exam", "line 6: age is given a second time"),
        (MAPPING, "", "must hold `field: column` lines"),
    ],
)
def test_a_bad_mapping(old: str, new: str, want: str | None, tmp_path: Path) -> None:
    places = write(tmp_path, mapping=MAPPING.replace(old, new, 1))
    if want is None:  # a class without rows is for the training to judge
        read(places)
    else:
        message = fault(places)
        assert want in message
        assert str(places["mapping"]) in message


@pytest.mark.parametrize(
    ("row", "want"),
    [
        (ROWS[0], "column 'file': 1 rows repeat an earlier one"),
        (ROWS[0].replace("a/1", "../x"), "column 'file': 1 of 8 rows are not paths"),
        (ROWS[0].replace("a/1", "z").replace("P1", ""), "'patient': 1 of 8 rows are empty"),
        (ROWS[0].replace("01.03", "1.3"), "'taken': 1 of 8 rows are not dates of the form"),
        ("z.dcm;P9", "row 9 has 2 fields, but the header 11"),
    ],
    ids=["key", "path", "id", "date", "cut"],
)
def test_a_bad_row(row: str, want: str, tmp_path: Path) -> None:
    message = fault(write(tmp_path, (*ROWS, row)))
    assert want in message
    assert "P1" not in message


def test_a_last_contact_is_no_end_of_observation(tmp_path: Path) -> None:
    of_patient = "{column: died_on, format: '%d.%m.%Y'}"
    places = write(tmp_path, mapping=MAPPING.replace("2024-12-31", of_patient))
    assert "'died_on' ends with the death in 3 of 3 deaths: want the day until" in fault(places)


def test_what_is_not_there_or_not_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"t\.xls does not exist.*as CSV.*y does not exist"):
        locate("table", {"table": tmp_path / "t.xls", "mapping": tmp_path / "y"})
    places = write(tmp_path)
    for content, want in ((b"", "the file is empty"), (b"PAR1", "cannot be read as Parquet")):
        (tmp_path / "t.parquet").write_bytes(content)
        if content:
            assert want in fault(places | {"table": tmp_path / "t.parquet"})
    text = places["table"].read_text()
    places["table"].write_text(text.replace("exam", "patient", 1))
    assert "column 'patient' stands there twice" in fault(places | {
        "mapping": _with(places, "study_id: exam\n", "")
    })  # fmt: skip


def _with(places: dict[str, Path], old: str, new: str) -> Path:
    places["mapping"].write_text(own_tables.MAPPING.replace(old, new))
    return places["mapping"]
