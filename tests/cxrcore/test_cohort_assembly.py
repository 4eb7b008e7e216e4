from __future__ import annotations

from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.cohort import (
    NOT_SPLIT,
    OLDEST,
    Limits,
    assemble,
    characteristics,
    odd_counts,
)
from data_contracts._tables import table_errors
from data_contracts.cohort import ADMISSION_MATCHES, COHORT, DIFFERENCE, SPLITS, VIEWS
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.errors import SourceError

SEX = pl.Enum(["F", "M"])
FINDINGS = (True, False, None)
LIMITS = st.builds(
    Limits, st.integers(40, 120), st.sampled_from(["any", "PA", "AP"]), st.booleans()
)
RULE, REASON = "a rule of the adapter", "no sex"


def images(ages: list[float | None], per_subject: int = 2, taken: int = 0) -> pl.DataFrame:
    """Two images per study, `per_subject` per subject; the first `taken` fall to the rule."""
    n = len(ages)
    sex = ["F", "M", None]
    return pl.DataFrame(
        {
            "image_id": [f"i{n - i:03d}" for i in range(n)],
            "study_id": [f"t{i // 2:03d}" for i in range(n)],
            "subject_id": [f"s{i // per_subject:03d}" for i in range(n)],
            "path": [f"files/{i}.dcm" for i in range(n)],
            "view": pl.Series([VIEWS[i % 2] for i in range(n)], dtype=pl.Enum(VIEWS)),
            "study_time": pl.Series([None] * n, dtype=pl.Datetime("us")),
            "age": pl.Series(ages, dtype=pl.Float32),
            "days_to_death": pl.Series([None] * n, dtype=pl.Int32),
            "follow_up_days": pl.Series([None] * n, dtype=pl.Int32),
            "no_finding": pl.Series([FINDINGS[i % 3] for i in range(n)], dtype=pl.Boolean),
            "admission_match": pl.Series([None] * n, dtype=pl.Enum(ADMISSION_MATCHES)),
            "excluded": pl.Series([RULE] * taken + [None] * (n - taken), dtype=pl.Enum([RULE])),
            "label_sex": pl.Series([sex[i % 3] for i in range(n)], dtype=SEX),
            "null_sex": pl.Series(
                [REASON if i % 3 == 2 else None for i in range(n)], dtype=pl.Enum([REASON])
            ),
        }
    )


def test_all_three_tables_keep_their_contracts() -> None:
    cohort, flow = assemble(images([40.0] * 30), "x", "one-per-study", 18, seed=0)
    assert table_errors(COHORT, cohort) == []
    assert table_errors(COHORT_FLOW, flow) == []
    assert table_errors(COHORT_CHARACTERISTICS, characteristics(cohort)) == []
    assert "null_sex" not in cohort.columns
    assert cohort["source"].unique().to_list() == ["x"]


def test_counts_are_held_against_those_of_the_whole_collection() -> None:
    source = images([40.0] * 12)
    assert odd_counts(source, {"images": 12, "studies": 5, "patients": 6, "AP": 6, "PA": 6}) == []
    assert odd_counts(source, {"images": 13, "studies": 4, "patients": 6, "AP": 7}) == [
        "12 images (known: 13)", "6 studies (known: 4)", "6 AP (known: 7)",
    ]  # fmt: skip


def test_selection() -> None:
    source = images([40.0] * 32, per_subject=8)
    sizes = {
        select: assemble(source, "x", select, 18, seed=1)[0].height
        for select in ("one-per-subject", "one-per-study", "all")
    }
    assert sizes == {"one-per-subject": 4, "one-per-study": 16, "all": 32}


def test_only_usable_images_stand_for_the_choice() -> None:
    source = images([40.0, None, 17.9, 18.0], per_subject=4, taken=1)
    cohort, flow = assemble(source, "x", "one-per-subject", 18, seed=1)
    assert cohort["path"].to_list() == ["files/3.dcm"]
    assert flow["excluded_images"].to_list()[:4] == [0, 1, 2, 0]
    assert flow["images"].to_list()[:4] == [4, 3, 1, 1]


def test_when_nothing_is_left_the_greediest_rule_is_named() -> None:
    with pytest.raises(SourceError, match=r"no image of 5 .* 'younger than 30 .*' excluded 3"):
        assemble(images([20.0] * 5, taken=2), "x", "all", 30, seed=0)


AGES = st.lists(st.none() | st.floats(0, 100, width=32), min_size=1, max_size=40)
SELECT = st.sampled_from(["one-per-subject", "one-per-study", "all"])


def is_eligible(row: dict[str, object], min_age: int, limits: Limits) -> bool:
    """The rules, of one image."""
    age = row["age"]
    if age is None and (min_age or limits.max_age < OLDEST):
        return False
    return (
        row["excluded"] is None
        and (age is None or min_age <= age <= limits.max_age)  # type: ignore[operator]
        and limits.view in ("any", row["view"])
        and (not limits.no_finding_only or row["no_finding"] is True)
    )


@given(AGES, st.integers(1, 6), st.integers(0, 5), SELECT, st.integers(0, 60), LIMITS)
def test_no_image_is_lost_without_a_line_in_the_flow(
    ages: list[float | None], per_subject: int, taken: int, select: str, min_age: int,
    limits: Limits,
) -> None:  # fmt: skip
    source = images(ages, per_subject, min(taken, len(ages)))
    rows = source.iter_rows(named=True)
    eligible = {str(row["image_id"]) for row in rows if is_eligible(row, min_age, limits)}
    try:
        cohort, flow = assemble(source, "x", select, min_age, 0, None, limits)  # type: ignore[arg-type]
    except SourceError:
        assert not eligible
        return
    kept = set(cohort["image_id"])
    assert kept == eligible if select == "all" else kept <= eligible
    steps = flow.filter(pl.col("scope") == "cohort")
    assert steps["images"][0] == len(ages)
    assert steps["images"][-1] == cohort.height
    assert (
        steps["images"].diff().drop_nulls().to_list() == (-steps["excluded_images"][1:]).to_list()
    )
    sex = flow.filter(pl.col("scope") == "sex")
    assert sex["excluded_images"].sum() + sex["images"][-1] == cohort.height
    assert cohort.group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert cohort["image_id"].is_sorted()


@given(AGES, st.integers(1, 6), SELECT, st.integers(0, 60), LIMITS, st.integers(0, 9), st.randoms())
def test_neither_a_wider_selection_nor_the_order_changes_a_kept_row(
    ages: list[float | None], per_subject: int, select: str, min_age: int, limits: Limits,
    seed: int, random: Random,
) -> None:  # fmt: skip
    source = images(ages, per_subject)
    rows = random.sample(range(source.height), source.height)
    try:
        narrow, flow = assemble(source, "x", select, min_age, seed, None, limits)  # type: ignore[arg-type]
    except SourceError:
        return
    wide, _ = assemble(source, "x", "all", 0, seed)
    assert narrow.equals(wide.filter(pl.col("image_id").is_in(narrow["image_id"].to_list())))
    again, same = assemble(source[rows], "x", select, min_age, seed, None, limits)  # type: ignore[arg-type]
    assert narrow.equals(again)
    assert flow.equals(same)


def test_each_limit_excludes_what_is_beyond_it_or_not_known() -> None:
    source = images([None, 20.0, 65.0, 30.0, 40.0, 64.0]).with_columns(
        no_finding=pl.Series([True, True, True, None, False, True])
    )
    limits = Limits(max_age=64, view="AP", no_finding_only=True)
    cohort, flow = assemble(source, "x", "all", 0, 0, limits=limits)
    assert cohort["path"].to_list() == ["files/5.dcm", "files/1.dcm"]
    rules = flow.filter(pl.col("scope") == "cohort")["rule", "excluded_images"]
    assert rules.rows()[2:] == [
        ("older than 64 years, or of unknown age", 2),
        ("view other than AP", 1),
        ("a finding, or not stated whether there is one", 1),
    ]
    assert assemble(source, "x", "all", 0, 0)[0].height == source.height


def test_characteristics_by_hand() -> None:
    cohort, _ = assemble(images([20.0, 30.0, 40.0, 60.0]), "x", "all", 18, seed=0)
    table = characteristics(cohort)
    rows = {tuple(row[:3]): row[3:] for row in table.iter_rows()}
    assert rows["subjects", "all", "all"] == (4, 2, None)
    assert rows["age", "mean", "all"] == (4, 2, 37.5)
    assert rows["age", "sd", "all"][2] == pytest.approx(17.078251)
    assert rows["view", "PA", "all"] == (2, 2, 0.5)
    assert rows["sex", "F", "all"] == (2, 2, 0.5)
    assert rows["sex", "M", "all"] == (1, 1, 0.25)
    assert rows["sex", "missing", "all"] == (1, 1, 0.25)
    for variable in ("subjects", "view", "sex"):
        of_splits = table.filter(
            pl.col("variable") == variable, pl.col("split").is_in(SPLITS),
            pl.col("level") != DIFFERENCE,
        )  # fmt: skip
        assert of_splits["images"].sum() == 4


def test_a_split_without_images_is_described_as_empty() -> None:
    cohort, _ = assemble(images([40.0]), "x", "all", 18, seed=0)
    (present,) = cohort["split"].to_list()
    absent = next(s for s in SPLITS if s != present)
    rows = {tuple(row[:3]): row[3:] for row in characteristics(cohort).iter_rows()}
    assert rows["view", "PA", absent] == (0, 0, None)
    assert rows["age", "mean", absent] == (0, 0, None)


def test_a_given_split_holds_and_excludes_other_patients() -> None:
    source = images([40.0] * 8)
    splits = pl.DataFrame(
        {"subject_id": ["s000", "s001", "s003", "s009"], "split": ["test", "val", "train", "val"]}
    ).cast({"split": pl.Enum(SPLITS)})
    cohort, flow = assemble(source, "x", "one-per-subject", 18, 0, splits)
    assert dict(cohort.select("subject_id", "split").iter_rows()) == {
        "s000": "test", "s001": "val", "s003": "train",
    }  # fmt: skip
    counts = dict(flow.select("rule", "excluded_images").iter_rows())
    assert counts[NOT_SPLIT] == 2
    # The choice of images is that of the seed, with or without the file.
    hashed, _ = assemble(source, "x", "one-per-subject", 18, 0)
    assert set(cohort["image_id"]) < set(hashed["image_id"])
    with pytest.raises(SourceError, match=f"the rule '{NOT_SPLIT}' excluded 8"):
        assemble(source, "x", "all", 18, 0, splits.tail(1))
