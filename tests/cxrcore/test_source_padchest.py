from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from public_tables import read, write

from cxrcore.sources import locate
from cxrcore.sources._groups import NOT_STATED
from cxrcore.sources._mapped import NOT_FRONTAL
from data_contracts.errors import SourceError


def test_padchest(tmp_path: Path) -> None:
    images = read("padchest", write("padchest", tmp_path))
    # An image that is nowhere is one that `preprocess` will miss.
    assert images["path"].to_list() == ["0/a_1.png", "0/a_2.png", "1/b_1.png", "0/c_1.png"]
    assert images["study_id"].to_list() == ["s1", "s1", "s2", "s3"]
    assert images["study_time"][0] == dt.datetime(2014, 9, 15)
    assert images["age"].to_list() == [84, 84, 30, None]
    assert images["view"].to_list() == ["PA", None, "AP", "PA"]
    assert images["excluded"].to_list() == [None, NOT_FRONTAL, None, None]
    assert images["no_finding"].to_list() == [True, True, False, False]
    assert images["label_gender"].to_list() == ["F", "F", "M", None]
    assert images["null_gender"][3] == NOT_STATED


def test_the_table_and_the_images_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"160K\*\.csv does not exist.*images does not exist"):
        locate("padchest", {"root": tmp_path})


def test_a_patient_of_two_spellings_is_refused(tmp_path: Path) -> None:
    root = write("padchest", tmp_path)
    (table,) = root.glob("PADCHEST*")
    table.write_text(table.read_text().replace(",p2,", ",7,").replace(",p3,", ",07,"))
    with pytest.raises(SourceError, match="'PatientID': 1 ids differ only in leading zeros"):
        read("padchest", root)
