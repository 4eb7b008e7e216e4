from __future__ import annotations

from pathlib import Path

import pytest
from public_tables import read, write

from cxrcore.sources import adapter, locate
from data_contracts.errors import SourceError


def test_findings_are_those_of_most_readers_and_headers_give_the_rest(tmp_path: Path) -> None:
    images = read("vindr", write("vindr", tmp_path))
    assert images["path"].to_list() == ["train/i1.dicom", "train/i2.dicom", "test/i3.dicom"]
    assert images["subject_id"].to_list() == images["image_id"].to_list()
    assert images["no_finding"].to_list() == [True, False, True]
    assert images["view"].to_list() == ["PA"] * 3
    # Neither a damaged file nor one that is missing ends the job.
    assert images["age"].to_list() == [45, None, None]
    assert images["label_gender"].to_list() == ["F", None, None]
    assert "no patients" in adapter("vindr").caution


def test_one_of_both_tables_is_enough(tmp_path: Path) -> None:
    root = write("vindr", tmp_path)
    (root / "annotations" / "image_labels_train.csv").unlink()
    assert list(locate("vindr", {"root": root})) == ["annotations/image_labels_test.csv"]
    (root / "annotations" / "image_labels_test.csv").unlink()
    with pytest.raises(SourceError, match=r"image_labels_train\.csv does not exist"):
        locate("vindr", {"root": root})


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    table = write("vindr", tmp_path) / "annotations" / "image_labels_train.csv"
    table.write_text(table.read_text().replace("i2,R2", "i" * 300 + ",R2"))
    with pytest.raises(SourceError, match=r"'image_id': 1 of 6 rows are not paths .* in row 6"):
        read("vindr", tmp_path)
