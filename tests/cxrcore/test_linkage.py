from __future__ import annotations

import pytest
from mimic_tree import Tree, at, stay
from mimic_tree import tree as tree


@pytest.mark.parametrize(
    ("admitted", "in_ed", "want"),
    [
        ((-1, 1), (-1, 1), "in_admission"),
        ((0.5, 3), (-0.1, 0.5), "in_ed_stay"),
        ((-9, -8), (-0.1, 0.5), "in_ed_stay"),
        ((0.5, 3), None, "within_24h_before"),
        ((0.5, 3), (-9, -8), "within_24h_before"),
        ((-9, -8), (0.5, 0.7), "within_24h_before"),
        ((-9, -8), None, "within_a_year_after"),
        ((-500, -400), (-9, -8), "none"),
        ((2, 3), (2, 3), "none"),
    ],
)
def test_the_kind_of_stay_that_a_study_is_linked_to(
    tree: Tree, admitted: tuple[float, float], in_ed: tuple[float, float] | None, want: str
) -> None:
    tree.admissions = [stay(1, *admitted, "Other")]
    if in_ed:
        begin, end = in_ed
        tree.extra = {
            "iv/ed/edstays": [
                {"subject_id": 10000032, "intime": at(days=begin), "outtime": at(days=end)}
            ]
        }
    assert tree.one()["linkage"] == want
