"""Which two variables are crossed, and an attack on all that is shown then."""

from __future__ import annotations

from itertools import product

import numpy as np
from disclosure_attack import LEAST, Cohort, attacked, cohorts, crossings_shown
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.disclosure import is_small

#: Most cells are none or many, so that some crossings are shown.
CELL = st.sampled_from([0, 0, 12, 15, 30, 30, 80, 80, 4])


@settings(max_examples=60)
@given(st.data())
def test_a_crossing_tells_no_small_count(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(3, 3, 3), (3, 4, 3), (3, 3, 3, 2)]))
    cohort = Cohort(data.draw(cohorts(shape, CELL)), len(shape) - 1)
    assert attacked(cohort, LEAST) == []
    for crossing, counts in crossings_shown(cohort, LEAST).items():
        cells = cohort.patients.ravel()
        assert not any(is_small(int(inside @ cells), LEAST) for inside in counts.values())
        # Whoever knows two of the variables, and not the third, is what the tables leave over.
        axes = [int(v[4:]) if v != "view" else len(shape) - 1 for v in crossing]
        for unknown in axes:
            known = [axis for axis in axes if axis != unknown]
            for values in product(*(range(1, shape[axis]) for axis in known)):
                inside = cohort.members(unknown, 0)
                for axis, value in zip(known, values, strict=True):
                    inside = inside * cohort.members(axis, value)
                assert not is_small(int(inside @ cells), LEAST)


def test_where_all_cells_are_large_everything_is_crossed() -> None:
    patients = np.full((3, 3, 3), 40)
    assert set(crossings_shown(Cohort(patients, 2), LEAST)) == {
        ("task0", "task1", "view"), ("task1", "task0", "view"),
    }  # fmt: skip


def test_one_small_cell_hides_the_crossing_for_whichever_task_has_it() -> None:
    patients = np.full((3, 3, 3), 40)
    patients[1, 2, 1] = 4
    assert crossings_shown(Cohort(patients, 2), LEAST) == {}
    assert len(crossings_shown(Cohort(patients, 2), 0)) == 2
    # Few whose view is not known follow from what all views leave of a class.
    patients = np.full((3, 3, 3), 40)
    patients[1, 2, 0] = 4
    assert crossings_shown(Cohort(patients, 2), LEAST) == {}
