"""The source folder: real names, readable files, equal bytes from equal seeds, whole or none."""

from __future__ import annotations

import errno
import gzip
import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest

from cxrcore.synthetic import mimic_layout
from cxrcore.synthetic.population import plan
from cxrcore.synthetic.presets import PRESETS, PresetName
from cxrcore.synthetic.records import Subject
from cxrcore.synthetic.tables import write_tables
from data_contracts import atomic
from data_contracts.errors import StorageError

SIZE = 64

COLUMNS = {
    "mimic-iv/hosp/patients.csv.gz": (
        "subject_id gender anchor_age anchor_year anchor_year_group dod"
    ),
    "mimic-iv/hosp/admissions.csv.gz": (
        "subject_id hadm_id admittime dischtime deathtime admission_type admit_provider_id "
        "admission_location discharge_location insurance language marital_status race edregtime "
        "edouttime hospital_expire_flag"
    ),
    "mimic-iv/hosp/omr.csv.gz": "subject_id chartdate seq_num result_name result_value",
    "mimic-cxr/cxr-record-list.csv.gz": "subject_id study_id dicom_id path",
    "mimic-cxr/mimic-cxr-2.0.0-metadata.csv.gz": (
        "dicom_id subject_id study_id PerformedProcedureStepDescription ViewPosition Rows Columns "
        "StudyDate StudyTime ProcedureCodeSequence_CodeMeaning ViewCodeSequence_CodeMeaning "
        "PatientOrientationCodeSequence_CodeMeaning"
    ),
}


def _make(
    root: Path, preset: PresetName = "planted", workers: int = 1, seed: int = 2
) -> list[Subject]:
    people = plan(preset, 100, seed)
    with mimic_layout.atomic_tree(root) as partial:
        write_tables(partial, people, SIZE)
        for _ in mimic_layout.write_images(partial, people, preset, SIZE, workers):
            pass
    return people


def _digests(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Subject]]:
    root = tmp_path_factory.mktemp("made") / "source"
    return root, _make(root)


def _table(root: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(root / name, infer_schema_length=None)


def test_tables_have_the_real_columns(made: tuple[Path, list[Subject]]) -> None:
    root, people = made
    tables = {name: _table(root, name) for name in COLUMNS}
    assert {name: " ".join(t.columns) for name, t in tables.items()} == COLUMNS
    patients = tables["mimic-iv/hosp/patients.csv.gz"]
    records = tables["mimic-cxr/cxr-record-list.csv.gz"]
    findings = _table(root, "mimic-cxr/mimic-cxr-2.0.0-chexpert.csv.gz")
    assert len(findings.columns) == 16
    assert set(findings["No Finding"].unique()) == {1.0, None}
    assert -1.0 in findings["Atelectasis"]
    assert len(patients) == 96  # 4 % are withheld
    assert records["subject_id"].n_unique() == 100
    assert len(findings) == sum(len(p.studies) for p in people)


def test_study_time_is_the_unpadded_float(made: tuple[Path, list[Subject]]) -> None:
    root, people = made
    metadata = _table(root, "mimic-cxr/mimic-cxr-2.0.0-metadata.csv.gz")
    times = {s.study_id: s.time for p in people for s in p.studies}
    for study, day, clock in metadata["study_id", "StudyDate", "StudyTime"].iter_rows():
        whole, _, rest = f"{clock:010.3f}".partition(".")
        assert f"{day}{whole}{rest}" == times[study].strftime("%Y%m%d%H%M%S%f")[:-3]


def test_every_file_is_listed_and_every_whole_one_decodes(made: tuple[Path, list[Subject]]) -> None:
    root, people = made
    records = _table(root, "mimic-cxr/cxr-record-list.csv.gz")
    files = {p.relative_to(root / "mimic-cxr").as_posix() for p in root.rglob("*.dcm")}
    assert files == set(records["path"])
    metadata = _table(root, "mimic-cxr/mimic-cxr-2.0.0-metadata.csv.gz")
    shapes = {d: (r, c) for d, r, c in metadata["dicom_id", "Rows", "Columns"].iter_rows()}
    damaged = {i.dicom_id for p in people for s in p.studies for i in s.images if i.damaged}
    assert damaged
    seen = set()
    for path in sorted(root.rglob("*.dcm")):
        dataset = pydicom.dcmread(path)
        if path.stem in damaged:
            assert len(dataset.PixelData) < 2 * dataset.Rows * dataset.Columns
            with pytest.raises(ValueError, match="less than"):
                _ = dataset.pixel_array
            continue
        pixels = dataset.pixel_array
        assert pixels.shape == shapes[path.stem]
        assert pixels.max() < 2**dataset.BitsStored
        assert pixels.std() > 0.1 * pixels.max()
        assert dataset.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
        window = dataset.get("WindowWidth")
        covers = window is not None and window > np.ptp(pixels)
        seen |= {
            dataset.BitsStored,
            dataset.PhotometricInterpretation,
            dataset.Modality,
            covers,
            window is None,
        }
        _, patient, study = path.relative_to(root / "mimic-cxr" / "files").parts[:3]
        assert (f"p{dataset.PatientID}", f"s{dataset.StudyID}") == (patient, study)
    assert seen >= {12, 14, 15, 16, "MONOCHROME1", "MONOCHROME2", "CR", "DX", True, False}


def test_polarity_says_what_is_bone(made: tuple[Path, list[Subject]]) -> None:
    root, people = made
    damaged = {i.dicom_id for p in people for s in p.studies for i in s.images if i.damaged}
    for path in sorted(root.rglob("*.dcm")):
        dataset = pydicom.dcmread(path)
        if path.stem in damaged or dataset.ViewPosition == "LATERAL":
            continue
        grey = dataset.pixel_array.astype(float) / (2**dataset.BitsStored - 1)
        grey = 1 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey
        rows, columns = grey.shape
        spine = grey[-rows // 8 :, columns * 2 // 5 : columns * 3 // 5].mean()
        assert spine > grey[rows // 3 : rows // 2, columns // 5 : columns // 3].mean()


@pytest.mark.parametrize("workers", [1, 2])
def test_equal_seeds_give_equal_bytes(
    made: tuple[Path, list[Subject]], tmp_path: Path, workers: int
) -> None:
    _make(tmp_path / "source", workers=workers)
    assert _digests(tmp_path / "source") == _digests(made[0])


def test_another_seed_gives_another_collection(
    made: tuple[Path, list[Subject]], tmp_path: Path
) -> None:
    _make(tmp_path / "source", seed=3)
    assert not set(_digests(tmp_path / "source").values()) & set(_digests(made[0]).values())


def test_gzip_headers_tell_no_time(made: tuple[Path, list[Subject]]) -> None:
    for path in made[0].rglob("*.csv.gz"):
        head = path.read_bytes()[:10]
        assert head[3:8] == bytes(5)  # no file name flag, no time
        with gzip.open(path) as file:
            assert file.readline()


def test_null_differs_from_planted_in_the_signs_alone(made: tuple[Path, list[Subject]]) -> None:
    person = made[1][0]
    study = person.studies[0]
    planted, null = (
        mimic_layout.render_image(person, study, study.images[0], PRESETS[preset], SIZE)
        for preset in ("planted", "null")
    )
    assert 0.02 < (np.abs(planted - null) > 0.01).mean() < 0.2


def test_an_image_padded_to_its_square_lies_in_the_frame() -> None:
    square = np.arange(SIZE * SIZE, dtype=np.float32).reshape(SIZE, SIZE)
    for person in plan("null", 20, 0):
        image = person.studies[0].images[0]
        shown = mimic_layout.cut(square, image, SIZE)
        top, left = (SIZE - shown.shape[0]) // 2, (SIZE - shown.shape[1]) // 2
        assert shown[0, 0] == square[top, left]
        assert (shown.shape == (SIZE, SIZE)) == (image.aspect == "square")


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "source"
    with mimic_layout.atomic_tree(path) as new:
        (new / "first").touch()

    def fill() -> None:
        with mimic_layout.atomic_tree(path) as new:
            (new / "second").touch()
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="no space left"):
        fill()
    assert [p.name for p in tmp_path.rglob("*")] == ["source", "first"]
    with mimic_layout.atomic_tree(path) as new:
        (new / "third").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["source", "third"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "source"
    with mimic_layout.atomic_tree(path) as new:
        (new / "first").touch()
    rename = Path.rename

    def break_off(self: Path, target: Path) -> Path:
        if self.name == ".source.partial":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", break_off)
    with pytest.raises(KeyboardInterrupt), mimic_layout.atomic_tree(path) as new:
        (new / "second").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["source", "first"]


def test_leftovers_of_a_killed_run_are_cleared(tmp_path: Path) -> None:
    for name in (".source.partial", ".source.old"):
        (tmp_path / name / "files").mkdir(parents=True)
    with mimic_layout.atomic_tree(tmp_path / "source") as new:
        assert list(new.iterdir()) == []
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_all_of_a_folder_is_on_the_disk_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flushed = tmp_path / "source", []
    flush = atomic._flush

    def watched(item: Path) -> None:
        flush(item)
        flushed.append((item.relative_to(tmp_path).as_posix(), path.exists()))

    monkeypatch.setattr(atomic, "_flush", watched)
    with mimic_layout.atomic_tree(path) as new:
        (new / "files" / "p1").mkdir(parents=True)
        (new / "files" / "p1" / "image.dcm").write_bytes(b"image")
        (new / "table.csv").touch()
    places = ["", "/files", "/files/p1", "/files/p1/image.dcm", "/table.csv"]
    assert sorted(flushed[:-1]) == [(f".source.partial{place}", False) for place in places]
    assert flushed[-1] == (".", True), "the new name as well"
