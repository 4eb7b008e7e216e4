from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data_contracts import cohort_tables
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS


def characteristics(**counts: int) -> pl.DataFrame:
    rows = [
        {
            "variable": "view",
            "level": level,
            "split": "test",
            "images": n,
            "subjects": n,
            "value": 0.5,
        }
        for level, n in counts.items()
    ]
    return pl.DataFrame(rows, schema=pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema)


@pytest.mark.parametrize(
    ("counts", "want"),
    [
        ({"PA": 40, "AP": 30}, ["40 (50.0 %)", "30 (50.0 %)"]),
        # The other cell would give the small one away by the total.
        ({"PA": 40, "AP": 10}, ["hidden", "<11"]),
        ({"PA": 40, "AP": 10, "missing": 5}, ["40 (50.0 %)", "<11", "<11"]),
        ({"PA": 40, "AP": 0}, ["40 (50.0 %)", "0 (50.0 %)"]),
    ],
)
def test_table_one_hides_few_patients(counts: dict[str, int], want: list[str]) -> None:
    table = cohort_tables.table_one(characteristics(**counts))
    assert [row["cells"] for row in table["rows"]] == [[cell] for cell in want]


def test_no_split_gives_a_hidden_cell_away_by_the_total_of_all() -> None:
    levels = {"Black": (73, 9, 34), "White": (76, 13, 43), "Asian": (67, 5, 35)}
    rows = [
        {
            "variable": "race",
            "level": level,
            "split": split,
            "images": n,
            "subjects": n,
            "value": 0.1,
        }
        for level, counts in levels.items()
        for split, n in zip(("train", "val", "test", "all"), (*counts, sum(counts)), strict=True)
    ]
    frame = pl.DataFrame(rows, schema=pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema)
    cells = np.array([row["cells"] for row in cohort_tables.table_one(frame)["rows"]])
    hidden = np.isin(cells, ["<11", "hidden"])
    assert (hidden.sum(axis=1) != 1).all()
    assert (hidden.sum(axis=0) != 1).all()
    assert (~hidden).any()


def flow(scope: str, *steps: tuple[int, int]) -> list[dict[str, str]]:
    """The flow table of one scope from images and excluded images of each step."""
    rows = [
        {"step": i, "scope": scope, "rule": str(i), "images": n, "studies": n, "subjects": n,
         "excluded_images": out} for i, (n, out) in enumerate(steps)
    ]  # fmt: skip
    return cohort_tables.flow_table(
        pl.DataFrame(rows, schema=pl.DataFrame(COHORT_FLOW.example()).schema)
    )


def test_no_difference_in_the_flow_shows_few_patients() -> None:
    rows = flow("cohort", (500, 0), (480, 20), (476, 4), (470, 6), (400, 70))
    assert [r["subjects"] for r in rows] == ["500", "480", "hidden", "hidden", "400"]
    assert [r["excluded"] for r in rows] == ["0", "20", "<11", "<11", "hidden"]
    assert [r["subjects"] for r in flow("cohort", (405, 0), (400, 5))] == ["hidden", "400"]
    assert [r["excluded"] for r in flow("cohort", (60, 0), (40, 20))] == ["0", "20"]


def test_the_usable_of_a_task_do_not_give_its_few_away() -> None:
    rows = flow("insurance", (6, 6), (0, 0), (372, 0))
    assert [r["subjects"] for r in rows] == ["<11", "0", "hidden"]
    assert [r["excluded"] for r in rows] == ["<11", "0", "0"]
    rows = flow("mortality", (4, 4), (8, 8), (366, 0))
    assert [r["subjects"] for r in rows] == ["<11", "<11", "366"]


def test_few_rejects_are_hidden() -> None:
    rejects = pl.DataFrame(IMAGE_REJECTS.example())
    assert cohort_tables.reject_table(rejects)[0]["images"] == "<11"
    many = pl.concat([rejects] * 12)
    assert cohort_tables.reject_table(many) == [{"reason": "not decodable", "images": "12"}]
