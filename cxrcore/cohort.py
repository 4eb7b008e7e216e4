"""From the images of a source to the cohort, with an account of every exclusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cxrcore.labels import bmi_class
from cxrcore.splits import choose_one, split_of
from data_contracts.cohort import BODY_MASS_INDEX, DIFFERENCE, LABEL_PREFIX, SPLITS, tasks_of
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

Select = Literal["one-per-subject", "one-per-study", "all"]

NOT_SPLIT = "patient without a split"
#: Years; the cohort has no older ones.
OLDEST = 120

_UNITS = {"one-per-subject": "subject_id", "one-per-study": "study_id"}


@dataclass(frozen=True)
class Limits:
    """What images are eligible for, beside the rules of their source and the least age."""

    max_age: int = OLDEST
    """In years; `OLDEST`: any."""
    view: Literal["any", "PA", "AP"] = "any"
    no_finding_only: bool = False


def assemble(
    images: pl.DataFrame,
    source: str,
    select: Select,
    min_age: int,
    seed: int,
    splits: pl.DataFrame | None = None,
    limits: Limits | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cohort and its flow.

    `images` is what an adapter read (see `Adapter`); `min_age` is in years, 0: any, also none.
    `splits` has `subject_id` and `split`; without it a seeded hash splits the subjects. The rules
    are applied in the order of the adapter, then age, the other `limits`, split, and the choice of
    images.

    Raises `SourceError` when no image remains, naming the rule that excluded the most.
    """
    import polars as pl

    eligibility = _eligibility(min_age, limits or Limits())
    if splits is not None:
        known = pl.col("subject_id").is_in(splits["subject_id"].implode())
        eligibility[NOT_SPLIT] = known
    images, rules = _excluded(images, eligibility, select, seed)
    kept = images.filter(pl.col("excluded").is_null()).sort("image_id")
    if kept.is_empty():
        rule, taken = images["excluded"].value_counts(sort=True).row(0)
        raise SourceError(
            f"no image of {images.height:,} remains: the rule '{rule}' excluded {taken:,}; "
            "check that the tables belong together, or relax the rule"
        )
    flow = _flow(images, kept, rules)
    split = split_of(kept["subject_id"], seed) if splits is None else _given(kept, splits)
    cohort = kept.with_columns(source=pl.lit(source), split=split)
    extras = [
        c
        for c in cohort.columns
        if c.startswith(("null_", "note_", "mortality_rule", "period", "linkage", "odd_tables"))
    ]
    if "bmi" not in cohort.columns:
        cohort = cohort.with_columns(bmi=pl.lit(None, pl.Float32))
    return cohort.drop("excluded", *extras), flow


def odd_counts(images: pl.DataFrame, known: Mapping[str, int]) -> list[str]:
    """What there is less of than in the whole collection, or a fifth more.

    `images` is what an adapter read, `known` its `known_counts`. Views that are rescued make more.
    What the adapter says of its tables follows.
    """
    found = dict(zip(("images", "studies", "patients"), _sizes(images), strict=True))
    found |= dict(images["view"].value_counts().iter_rows())
    odd = [
        f"{found.get(name, 0):,} {name} (known: {count:,})"
        for name, count in known.items()
        if not count <= found.get(name, 0) <= 1.2 * count
    ]
    if "odd_tables" in images.columns:
        odd += images["odd_tables"].drop_nulls().head(1).to_list()
    return odd


def _eligibility(min_age: int, limits: Limits) -> dict[str, pl.Expr]:
    """What an image must be by the rule that excludes all others, in order; null: it is not."""
    import polars as pl

    age = pl.col("age")
    rules = {}
    if min_age:
        rules[f"younger than {min_age} years, or of unknown age"] = age >= min_age
    if limits.max_age < OLDEST:
        rules[f"older than {limits.max_age} years, or of unknown age"] = age <= limits.max_age
    if limits.view != "any":
        rules[f"view other than {limits.view}"] = pl.col("view") == limits.view
    if limits.no_finding_only:
        rules["a finding, or not stated whether there is one"] = pl.col("no_finding")
    return rules


def _excluded(
    images: pl.DataFrame, eligibility: Mapping[str, pl.Expr], select: Select, seed: int
) -> tuple[pl.DataFrame, list[str]]:
    """The images with the first rule that excludes each as `excluded`, and all rules in order."""
    import polars as pl

    rules = _categories(images["excluded"])
    images = images.with_columns(pl.col("excluded").cast(pl.String))

    def exclude(rule: str, holds: pl.Expr) -> None:
        nonlocal images
        images = images.with_columns(pl.coalesce("excluded", pl.when(holds).then(pl.lit(rule))))
        rules.append(rule)

    for rule, eligible in eligibility.items():
        exclude(rule, ~eligible.fill_null(False))
    if unit := _UNITS.get(select):
        chosen = choose_one(images.filter(pl.col("excluded").is_null()), unit, seed)
        exclude(f"not the chosen image ({select})", ~pl.col("image_id").is_in(chosen.implode()))
    return images, rules


def _given(kept: pl.DataFrame, splits: pl.DataFrame) -> pl.Series:
    """The split of each row's patient in `splits`."""
    subjects = kept.select("subject_id")
    return subjects.join(splits, on="subject_id", how="left", maintain_order="left")["split"]


def _flow(images: pl.DataFrame, kept: pl.DataFrame, rules: list[str]) -> pl.DataFrame:
    """Rows of `COHORT_FLOW`: what remains after each rule, then missing labels by task."""
    import polars as pl

    rows = [("cohort", "in the source", *_sizes(images), 0)]
    left = images
    for rule in rules:
        before = left.height
        left = left.filter(pl.col("excluded").ne_missing(rule))
        rows.append(("cohort", rule, *_sizes(left), before - left.height))
    for task in tasks_of(kept.columns):
        for column in _accounts(kept.columns, task):
            for rule in _categories(kept[column]):
                concerned = kept.filter(pl.col(column) == rule)
                lost = concerned.height if column.startswith("null_") else 0
                rows.append((task, rule, *_sizes(concerned), lost))
        usable = kept.drop_nulls(f"{LABEL_PREFIX}{task}")
        rows.append((task, "usable", *_sizes(usable), 0))
    counts = ("images", "studies", "subjects", "excluded_images")
    table = pl.DataFrame(rows, schema=["scope", "rule", *counts], orient="row")
    return table.with_row_index("step").with_columns(pl.col("step").cast(pl.Int32))


def _accounts(columns: list[str], task: str) -> list[str]:
    """The columns with reasons for missing labels of a task, then those with notes."""
    kinds = (f"null_{task}", f"note_{task}")
    return [c for kind in kinds for c in columns if c.split(".")[0] == kind]


def _sizes(images: pl.DataFrame) -> tuple[int, int, int]:
    """Numbers of images, studies and subjects; an image of no known study or subject adds none."""
    known = images.select("study_id", "subject_id").drop_nulls()
    return images.height, known["study_id"].n_unique(), known["subject_id"].n_unique()


def _images_and_subjects(images: pl.DataFrame) -> tuple[int, int]:
    return images.height, images["subject_id"].n_unique()


def _categories(series: pl.Series) -> list[str]:
    """The categories of an `Enum` column, in order."""
    import polars as pl

    assert isinstance(series.dtype, pl.Enum)
    return series.dtype.categories.to_list()


def _described(columns: list[str]) -> list[str]:
    """View, linkage, body mass index, every label, where there are any; the view may be a task."""
    labels = [c for c in columns if c.startswith(LABEL_PREFIX)]
    view = [] if f"{LABEL_PREFIX}view" in labels else ["view"]
    return [*view, *(name for name in ("linkage", BODY_MASS_INDEX) if name in columns), *labels]


def characteristics(cohort: pl.DataFrame) -> pl.DataFrame:
    """Rows of `COHORT_CHARACTERISTICS`: size, age, view and every task, by split and in all.

    A column `linkage` (Enum) is described as well, and the body mass index where any is known.
    Validation and test have the standardised difference from train.
    """
    import polars as pl

    if cohort["bmi"].count():
        cohort = cohort.with_columns(bmi_class().alias(BODY_MASS_INDEX))
    rows: list[tuple[str, str, str, int, int, float | None]] = []
    years = pl.col("age").cast(pl.Float64)
    for split in ("all", *SPLITS):
        part = cohort if split == "all" else cohort.filter(pl.col("split") == split)
        aged = part.drop_nulls("age")
        rows.append(("subjects", "all", split, *_images_and_subjects(part), None))
        for statistic, value in (("mean", years.mean()), ("sd", years.std())):
            known = aged.select(value).item()
            rows.append(("age", statistic, split, *_images_and_subjects(aged), known))
        apart = _from_train(cohort, split, "age")
        rows.append(("age", DIFFERENCE, split, *_images_and_subjects(aged), apart))
        for column in _described(cohort.columns):
            name = column.removeprefix(LABEL_PREFIX)
            for level in (*_categories(cohort[column]), None):
                group = part.filter(pl.col(column).eq_missing(pl.lit(level)))
                share = group.height / part.height if part.height else None
                at = name, level or "missing", split
                rows.append((*at, *_images_and_subjects(group), share))
            apart = _from_train(cohort, split, column)
            rows.append((name, DIFFERENCE, split, *_images_and_subjects(part), apart))
    names = ("variable", "level", "split", "images", "subjects", "value")
    kinds = (pl.String, pl.String, pl.String, pl.Int64, pl.Int64, pl.Float64)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def _from_train(cohort: pl.DataFrame, split: str, column: str) -> float | None:
    """Standardised difference of a split from train; None where it is not defined."""
    import numpy as np
    import polars as pl

    from cxrcore.standardised_differences import of_shares, of_values

    if split not in SPLITS[1:]:
        return None
    parts = [cohort.filter(pl.col("split") == name)[column] for name in (split, "train")]
    if column == "age":
        first, second = (part.drop_nulls().cast(pl.Float64).to_numpy() for part in parts)
        apart = of_values(first, second)
    else:
        levels = [*_categories(cohort[column]), None]
        counts = [[int(part.eq_missing(level).sum()) for level in levels] for part in parts]
        apart = of_shares(*np.array(counts, dtype=float))
    return apart if np.isfinite(apart) else None
