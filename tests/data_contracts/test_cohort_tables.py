from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from data_contracts import cohort_tables
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.disclosure.cohort import disclosed_characteristics, disclosed_flow
from data_contracts.header import Header, Provenance
from data_contracts.images import IMAGE_REJECTS

LEAST = 11


def characteristics(rows: list[tuple[str, str, str, int]]) -> pl.DataFrame:
    """Rows of variable, level, split and patients, each with one image."""
    names = ("variable", "level", "split", "images", "subjects", "value")
    records = [dict(zip(names, (*row, row[3], 0.5), strict=True)) for row in rows]
    schema = pl.DataFrame(COHORT_CHARACTERISTICS.example()).schema
    return disclosed_characteristics(pl.DataFrame(records, schema=schema), LEAST)


@pytest.mark.parametrize(
    ("counts", "want"),
    [
        ({"PA": 40, "AP": 30}, ["40 (50.0 %)", "30 (50.0 %)"]),
        # The other cell would reveal the small one by the total.
        ({"PA": 40, "AP": 10}, ["n/d", "n/d"]),
        ({"PA": 40, "AP": 10, "missing": 5}, ["n/d", "n/d", "n/d"]),
        ({"PA": 40, "AP": 0}, ["40 (50.0 %)", "0 (50.0 %)"]),
    ],
)
def test_table_one_shows_no_small_number(counts: dict[str, int], want: list[str]) -> None:
    rows = [("subjects", "all", "test", sum(counts.values()))]
    rows += [("view", level, "test", n) for level, n in counts.items()]
    table = cohort_tables.table_one(characteristics(rows))
    assert [row["cells"] for row in table["rows"]][1:] == [[cell] for cell in want]
    assert [row["variable"] for row in table["rows"]][:2] == ["patients", "view"]


def test_no_split_reveals_a_cell_by_the_total_of_all() -> None:
    levels = {"Black": (73, 9, 34), "White": (76, 13, 43), "Asian": (67, 5, 35)}
    splits = ("train", "val", "test", "all")
    sizes = np.sum(list(levels.values()), axis=0).tolist()
    rows = [("subjects", "all", s, n) for s, n in zip(splits, (*sizes, sum(sizes)), strict=True)]
    rows += [
        ("race", level, split, n)
        for level, counts in levels.items()
        for split, n in zip(splits, (*counts, sum(counts)), strict=True)
    ]
    table = cohort_tables.table_one(characteristics(rows))
    cells = np.array([row["cells"] for row in table["rows"]][1:])
    hidden = cells == "n/d"
    assert (hidden.sum(axis=1) != 1).all()
    assert (hidden.sum(axis=0) != 1).all()
    assert (~hidden).any()


def flow(scope: str, *steps: tuple[int, int]) -> list[dict[str, Any]]:
    """The flow table of one scope from images and excluded images of each step."""
    rows = [
        {"step": i, "scope": scope, "rule": str(i), "images": n, "studies": n, "subjects": n,
         "excluded_images": out} for i, (n, out) in enumerate(steps)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=pl.DataFrame(COHORT_FLOW.example()).schema)
    return cohort_tables.flow_table(disclosed_flow(frame, LEAST))


def test_no_difference_in_the_flow_is_small() -> None:
    rows = flow("cohort", (500, 0), (480, 20), (476, 4), (470, 6), (400, 70))
    assert [r["subjects"] for r in rows] == ["500", "480", "n/d", "n/d", "400"]
    assert [r["excluded"] for r in rows] == ["0", "20", "n/d", "n/d", "n/d"]
    assert [r["subjects"] for r in flow("cohort", (405, 0), (400, 5))] == ["n/d", "400"]
    assert [r["excluded"] for r in flow("cohort", (60, 0), (40, 20))] == ["0", "20"]


def test_the_usable_of_a_task_do_not_reveal_its_few() -> None:
    rows = flow("insurance", (6, 6), (0, 0), (372, 0))
    assert [r["subjects"] for r in rows] == ["n/d", "0", "n/d"]
    assert [r["excluded"] for r in rows] == ["n/d", "0", "0"]
    rows = flow("mortality", (4, 4), (8, 8), (366, 0))
    assert [r["subjects"] for r in rows] == ["n/d", "n/d", "366"]


@pytest.mark.parametrize(
    ("shards", "want"),
    [([], ""), ([None], ""), ([40, None], ""), ([0], "0"), ([4], "n/d"), ([7, 4], "11")],
)
def test_near_duplicates_are_told_if_all_shards_know_them_and_they_are_not_few(
    shards: list[int | None], want: str
) -> None:
    origin = Provenance("preprocess", {})
    headers = [
        Header.new("image_rejects", "1.1", origin, {"near_duplicate_pairs": n}, "") for n in shards
    ]
    assert cohort_tables.near_duplicates(headers, LEAST) == want


def test_few_rejects_are_not_disclosed() -> None:
    rejects = pl.DataFrame(IMAGE_REJECTS.example())
    assert cohort_tables.reject_table(rejects, LEAST)[0]["images"] == "n/d"
    many = pl.concat([rejects] * 12)
    assert cohort_tables.reject_table(many, LEAST) == [{"reason": "not decodable", "images": "12"}]
