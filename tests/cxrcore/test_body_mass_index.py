"""The body mass index of MIMIC-IV's table of measurements."""

from __future__ import annotations

import pytest
from mimic_tree import IMAGE, Row, Tree, at
from mimic_tree import tree as tree

from cxrcore.cohort import assemble, characteristics
from data_contracts.cohort import BODY_MASS_INDEX, DIFFERENCE
from data_contracts.errors import SourceError


def measured(days: float, value: object, name: str = "BMI (kg/m2)") -> Row:
    """A row of the table, `days` after the study."""
    return {"subject_id": 10000032, "chartdate": at(days=days)[:10], "seq_num": 1,
            "result_name": name, "result_value": value}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        ([measured(-300, 31), measured(-20, 27.5), measured(20, 25)], 27.5),
        ([measured(-20, 27), measured(0, 26, "BMI")], 26),
        ([measured(-20, 27), measured(-20, 29), measured(-20, 28)], 28),
        ([measured(-20, 27), measured(-3, 270), measured(-2, 2.7), measured(-1, "26 kg")], 27),
        ([measured(-2, 68, "Height"), measured(-2, 180, "Weight (Lbs)")], None),
        ([measured(-365, 27)], 27),
        ([measured(-366, 27)], None),
        ([measured(1, 27)], None),
        ([{**measured(-1, 27), "subject_id": 10000033}, measured(9, 30)], None),
    ],
    ids=["nearest", "same day", "median", "plausible", "other names", "a year", "over a year",
         "later", "another patient"],
)  # fmt: skip
def test_the_nearest_plausible_one_of_the_year_before(
    tree: Tree, rows: list[Row], want: float | None
) -> None:
    tree.extra = {"iv/hosp/omr": rows}
    assert tree.one()["bmi"] == want


def test_table_one_has_its_classes(tree: Tree) -> None:
    late = {**IMAGE, "dicom_id": "aa-2", "study_id": 50414268, "StudyDate": 21820310}
    tree.images = [IMAGE, late]
    tree.extra = {"iv/hosp/omr": [measured(-20, 18.5)]}
    cohort, _ = assemble(tree.read(), "mimic", "all", 18, 0)
    assert cohort["bmi"].to_list() == [18.5, None]
    rows = characteristics(cohort).filter(variable=BODY_MASS_INDEX, split="all")
    assert dict(rows.select("level", "images").iter_rows()) == {
        "under 18.5": 0, "18.5 to under 25": 1, "25 to under 30": 0, "30 and over": 0,
        "missing": 1, DIFFERENCE: 2,
    }  # fmt: skip
    unknown = characteristics(cohort.tail(1))
    assert BODY_MASS_INDEX not in set(unknown["variable"])


def test_a_bad_table(tree: Tree) -> None:
    tree.extra = {"iv/hosp/omr": [measured(-1, 27), {**measured(-1, 27), "chartdate": "10.3.2180"}]}
    with pytest.raises(SourceError, match=r"omr.*'chartdate': 1 of 2 rows are .*first in row 3"):
        tree.read()
    tree.extra = {"iv/hosp/omr": [{**measured(-1, 27), "subject_id": 1}]}
    with pytest.raises(SourceError, match=r"omr.*'subject_id' shares 0 of 1 ids"):
        tree.read()
