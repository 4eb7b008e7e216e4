from __future__ import annotations

from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrcore.splits import SPLIT_SHARES, choose_one, split_by_time, split_of, uniform
from data_contracts.cohort import SPLITS
from data_contracts.errors import SourceError

IDS = st.lists(st.integers(10_000_000, 19_999_999).map(str), min_size=1, max_size=30)
SEEDS = st.integers(-(2**40), 2**40)


def table(ids: list[str], seed: int) -> dict[str, str]:
    return dict(zip(ids, split_of(pl.Series(ids), seed).to_list(), strict=True))


def test_golden_numbers() -> None:
    """A release must never move a subject to another split."""
    assert uniform(0, "split", ["10000032", "10000764"]).to_list() == [
        0.2328794797506063,
        0.27678775719029824,
    ]
    assert table(["10000032", "10000764", "10000898", "10000935"], 0) == {
        "10000032": "train",
        "10000764": "train",
        "10000898": "train",
        "10000935": "train",
    }


def test_shares_are_close_to_60_10_30() -> None:
    splits = split_of(pl.Series([str(10_000_000 + i) for i in range(20_000)]), 7)
    for split, share in zip(SPLITS, SPLIT_SHARES, strict=True):
        assert (splits == split).mean() == pytest.approx(share, abs=0.01)


@given(IDS, SEEDS)
def test_a_subject_has_one_split(ids: list[str], seed: int) -> None:
    splits = split_of(pl.Series(ids + ids), seed).to_list()
    assert splits[: len(ids)] == splits[len(ids) :]


@given(IDS, SEEDS, st.randoms())
def test_neither_order_nor_dropped_rows_matter(ids: list[str], seed: int, random: object) -> None:
    whole = table(ids, seed)
    random.shuffle(ids)  # type: ignore[attr-defined]
    some = ids[: len(ids) // 2 + 1]
    assert table(some, seed) == {name: whole[name] for name in some}


def test_seeds_and_purposes_are_independent() -> None:
    names = [str(i) for i in range(2000)]
    draws = {
        "one": uniform(1, "split", names),
        "two": uniform(2, "split", names),
        "choice": uniform(1, "choice", names),
    }
    correlations = pl.DataFrame(draws).corr().to_numpy()
    assert abs(correlations[0, 1]) < 0.1
    assert abs(correlations[0, 2]) < 0.1


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(0, 4), min_size=1),
    SEEDS,
    st.randoms(),
)
def test_choice_depends_only_on_the_chosen_image(
    images: dict[str, int], seed: int, random: object
) -> None:
    frame = pl.DataFrame(
        {"image_id": list(images), "subject_id": [str(s) for s in images.values()]}
    )
    chosen = choose_one(frame, "subject_id", seed).to_list()
    assert sorted(images[i] for i in chosen) == sorted(set(images.values()))
    others = [i for i in images if i not in chosen and random.random() < 0.5]  # type: ignore[attr-defined]
    kept = frame.filter(~pl.col("image_id").is_in(others)).sort("image_id", descending=True)
    assert set(choose_one(kept, "subject_id", seed).to_list()) == set(chosen)


def test_every_image_of_a_subject_can_be_the_chosen_one() -> None:
    frame = pl.DataFrame({"image_id": ["a", "b", "c"], "subject_id": ["1"] * 3})
    assert {choose_one(frame, "subject_id", seed).item() for seed in range(40)} == {"a", "b", "c"}


PERIODS = ["2008 - 2010", "2011 - 2013", "2014 - 2016", None]
TIMED = st.dictionaries(
    st.text("0123456789", min_size=1, max_size=4), st.sampled_from(PERIODS), min_size=1
)


@given(TIMED, SEEDS, st.randoms())
def test_by_time_each_patient_of_the_latest_period_is_test_and_no_other(
    period_of: dict[str, str | None], seed: int, random: Random
) -> None:
    ids = [*period_of, *random.choices(list(period_of), k=5)]  # some have several images
    images = pl.DataFrame(
        {"subject_id": ids, "period": pl.Series([period_of[i] for i in ids], dtype=pl.String)}
    )
    known = {p for p in period_of.values() if p}
    if len(known) < 2:
        with pytest.raises(SourceError, match="want 2 or more"):
            split_by_time(images, seed)
        return
    splits, latest = split_by_time(images, seed)
    again, _ = split_by_time(images[random.sample(range(len(ids)), len(ids))], seed)
    assert splits.sort("subject_id").equals(again.sort("subject_id"))
    assert splits["subject_id"].is_unique().all()
    assert set(splits["subject_id"]) == {i for i, period in period_of.items() if period}
    test = set(splits.filter(split="test")["subject_id"])
    assert latest == max(known)
    assert test == {i for i, period in period_of.items() if period == latest}


def test_by_time_the_earlier_patients_are_divided_as_by_the_hash() -> None:
    ids = [str(10_000_000 + i) for i in range(20_000)]
    periods = ["2014 - 2016", "2011 - 2013"] * 10_000
    splits, _ = split_by_time(pl.DataFrame({"subject_id": ids, "period": periods}), 7)
    train, val, test = ((splits["split"] == split).mean() for split in SPLITS)
    assert (train, val, test) == pytest.approx((3 / 7, 1 / 14, 0.5), abs=0.01)
