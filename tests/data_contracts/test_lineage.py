"""Artifacts of different inputs never meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.errors import ArtifactError
from data_contracts.lineage import (
    Unusable,
    changed_settings,
    check_lineage,
    stale_reasons,
    was_made_by,
)
from data_contracts.predictions import FEATURES
from data_contracts.store import (
    Header,
    Input,
    Provenance,
    as_input,
    read_header,
    write_arrays,
    write_table,
)

KEYS = {"task": "gender", "name": "main"}


def write_cohort(workspace: Path, seed: int = 0) -> tuple[Path, Header]:
    path = COHORT.path(workspace)
    attributes = {**COHORT.example_attributes, "split_seed": seed}
    frame = pl.DataFrame(COHORT.example())
    return path, write_table(COHORT, path, frame, Provenance("extract", {"seed": seed}), attributes)


def write_features(workspace: Path, inputs: tuple[Input, ...]) -> tuple[Path, Header]:
    path, origin = FEATURES.path(workspace, **KEYS), Provenance("train-task", {}, inputs)
    attributes = FEATURES.example_attributes
    return path, write_arrays(FEATURES, path, FEATURES.example(), origin, attributes)


def write_flow(workspace: Path, inputs: tuple[Input, ...]) -> tuple[Path, Header]:
    path, frame = COHORT_FLOW.path(workspace), pl.DataFrame(COHORT_FLOW.example())
    facts = COHORT_FLOW.example_attributes
    return path, write_table(COHORT_FLOW, path, frame, Provenance("extract", {}, inputs), facts)


def test_one_line_of_descent_is_fine(tmp_path: Path) -> None:
    path, header = write_cohort(tmp_path)
    parent = as_input(header, path, tmp_path)
    assert parent == Input("cohort", "cohort/cohort.parquet", header.digest)
    artifacts = [
        (path, header), write_features(tmp_path, (parent,)), write_flow(tmp_path, (parent,)),
    ]  # fmt: skip
    check_lineage(tmp_path, artifacts)
    check_lineage(tmp_path, reversed(artifacts))
    assert read_header(artifacts[1][0]).inputs == (parent,)


def test_a_child_of_an_older_parent_is_refused(tmp_path: Path) -> None:
    path, header = write_cohort(tmp_path, seed=0)
    child = write_features(tmp_path, (as_input(header, path, tmp_path),))
    _, newer = write_cohort(tmp_path, seed=1)
    with pytest.raises(ArtifactError) as caught:
        check_lineage(tmp_path, [(path, newer), child])
    message = str(caught.value)
    assert (
        "features.h5 was made from another cohort/cohort.parquet; run `cxr train-task`" in message
    )
    assert "\n" not in message


def test_siblings_of_different_parents_are_refused_without_the_parent(tmp_path: Path) -> None:
    path, header = write_cohort(tmp_path, seed=0)
    one = write_features(tmp_path, (as_input(header, path, tmp_path),))
    path, header = write_cohort(tmp_path, seed=1)
    other = write_flow(tmp_path, (as_input(header, path, tmp_path),))
    for kin in ([one, other], [other, one]):
        with pytest.raises(ArtifactError, match=r"another cohort/cohort.parquet than \w+/"):
            check_lineage(tmp_path, kin)


def test_all_disagreements_at_once(tmp_path: Path) -> None:
    first = write_features(tmp_path, (Input("a", "a.h5", "1"), Input("b", "b.h5", "1")))
    second = write_flow(tmp_path, (Input("a", "a.h5", "2"), Input("b", "b.h5", "2")))
    with pytest.raises(ArtifactError) as caught:
        check_lineage(tmp_path, [first, second])
    assert "a.h5" in str(caught.value)
    assert "b.h5" in str(caught.value)


def test_source_files_of_one_name_may_differ(tmp_path: Path) -> None:
    first = write_features(tmp_path, (Input("source", "weights", "1"),))
    second = write_flow(tmp_path, (Input("source", "weights", "2"),))
    check_lineage(tmp_path, [first, second])


def test_an_artifact_knows_its_origin(tmp_path: Path) -> None:
    parent = Input("cohort", "cohort/cohort.parquet", "1")
    _, header = write_features(tmp_path, (parent,))
    assert was_made_by(header, Provenance("train-task", {}, (parent,)))
    assert was_made_by(header, Provenance("train-task", {}, (parent, parent)))
    assert not was_made_by(header, Provenance("explain", {}, (parent,)))
    assert not was_made_by(header, Provenance("train-task", {"seed": 1}, (parent,)))
    assert not was_made_by(header, Provenance("train-task", {}, ()))
    other = Input("cohort", "cohort/cohort.parquet", "2")
    assert not was_made_by(header, Provenance("train-task", {}, (other,)))


def test_what_was_made_by_rules_that_have_changed_is_made_again(tmp_path: Path) -> None:
    _, header = write_cohort(tmp_path)
    origin = Provenance(header.job, header.config, header.inputs)
    for version, since, current in (
        ("0.2.0", "", True), ("0.2.0", "0.2.0", True), ("0.2.0", "0.3.0", False),
        ("0.10.0", "0.3.0", True), ("unknown", "0.3.0", False),
    ):  # fmt: skip
        made = replace(header, package_version=version)
        assert was_made_by(made, replace(origin, since=since)) == current, (version, since)


def test_a_config_is_the_same_after_it_was_written(tmp_path: Path) -> None:
    origin = Provenance("job", {"sizes": (1, 2), "classes": ["F", "é\ud800"], "rate": 0.1})
    path = tmp_path / "x.parquet"
    frame = pl.DataFrame(COHORT_FLOW.example())
    header = write_table(COHORT_FLOW, path, frame, origin, COHORT_FLOW.example_attributes)
    assert read_header(path) == header
    assert was_made_by(read_header(path), origin)


def test_a_setting_that_is_new_counts_as_its_default(tmp_path: Path) -> None:
    _, header = write_features(tmp_path, ())
    now = Provenance("train-task", {"seed": 0, "method": "a"}, defaults={"seed": 0, "method": "a"})
    assert changed_settings(header, now) == []
    other = Provenance("train-task", {"seed": 0, "method": "b"}, defaults=now.defaults)
    assert changed_settings(header, other) == ["method"]


def test_what_was_made_from_something_stale_is_stale(tmp_path: Path) -> None:
    path, cohort = write_cohort(tmp_path, seed=0)
    path, features = write_features(tmp_path, (as_input(cohort, path, tmp_path),))
    flow_path, flow = write_flow(tmp_path, (as_input(features, path, tmp_path),))

    def reasons() -> dict[str, str]:
        places = [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*.*"))]
        return stale_reasons({place: read_header(tmp_path / place) for place in places})

    own, last = (p.relative_to(tmp_path).as_posix() for p in (path, flow_path))
    assert set(reasons().values()) == {""}
    write_cohort(tmp_path, seed=1)
    assert reasons()[own] == "cohort/cohort.parquet has changed"
    assert reasons()[last] == f"{own} is stale"
    path.unlink()
    assert reasons()[last] == f"{own} is missing"
    unreadable: dict[str, Header | Unusable] = {last: flow, own: "unreadable"}
    assert stale_reasons(unreadable)[last] == ""
    assert stale_reasons({**unreadable, own: "damaged"})[last] == f"{own} is damaged"
