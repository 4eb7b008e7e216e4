"""The launch form without a screen: entries from models, configs from entries, words from both."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field
from pydantic.fields import FieldInfo

from jobs import _engines
from jobs._cli import build_app
from jobs._config import JobConfig
from jobs._engines._request import Options
from jobs._registry import Spec, find_jobs
from jobs._variants import trains_models
from tui.launch.form import (
    Entry,
    Raw,
    entries_of,
    option_entries,
    raw_of,
    supported_options,
)
from tui.launch.request import MOST_RUNS, LaunchRequest, read_form
from tui.launch.submission import equivalent_commands

JOBS = find_jobs()
each_job = pytest.mark.parametrize("spec", JOBS.values(), ids=JOBS)
APP = build_app()
WORKSPACE = Path("/data/Röntgen 'und' $HOME")
TASKS = ("mortality", "gender", "race")

#: What can be typed into one line.
LINE = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20
).filter(lambda text: text == text.strip() and not text.startswith("~"))


def ask(
    spec: Spec, raw: dict[str, Raw], models: set[tuple[str, str]] | None = None
) -> LaunchRequest:
    """What the form asks for when `raw` has been entered in it, and the rest left alone."""
    entries = (*entries_of(spec, TASKS, models or ()), *option_entries(spec))
    return read_form(
        spec, entries, {e.name: e.blank for e in entries} | raw, WORKSPACE, models or ()
    )


def values_of(name: str, info: FieldInfo) -> st.SearchStrategy[Any]:
    """Texts that a field takes."""
    facts = {k: getattr(m, k) for m in info.metadata for k in dir(m) if k[0] != "_"}
    kinds = str(info.annotation)
    if "pattern" in facts:
        return st.from_regex(facts["pattern"], fullmatch=True).map(str.strip)
    if "int" in kinds:
        step = facts.get("multiple_of", 1)
        low, high = facts.get("ge", 0) // step, facts.get("le", 10**6) // step
        return st.integers(low, high).map(lambda n: str(n * step))
    if "float" in kinds:
        low = facts.get("ge", facts.get("gt"))
        numbers = st.floats(low, facts["le"], exclude_min="gt" in facts)
        return numbers.map(str)
    if "Path" in kinds:
        paths = LINE.map(lambda text: f"/{text}").filter(lambda text: "://" not in text)
        return paths | st.just("s3://bucket/prefix") if "str" in kinds else paths
    return LINE


@st.composite
def entered(draw: st.DrawFn, spec: Spec) -> dict[str, Raw]:
    """What a person may have entered: some fields, all of them right."""
    raw: dict[str, Raw] = {}
    entries = [*entries_of(spec, TASKS), *option_entries(spec)]
    fields = spec.config.model_fields | Options.model_fields
    for entry in entries:
        if not (entry.required or draw(st.booleans())):
            continue
        if entry.kind == "switch":
            raw[entry.name] = draw(st.booleans())
        elif entry.kind == "choice" or (entry.kind == "text" and entry.choices):
            raw[entry.name] = draw(st.sampled_from(entry.choices))
        elif entry.kind == "many":
            raw[entry.name] = tuple(draw(st.sets(st.sampled_from(entry.choices), min_size=1)))
        elif entry.kind == "list":
            items = LINE
            if "int" in str(fields[entry.name].annotation):
                items = st.integers(1, 3650).map(str)
            raw[entry.name] = shlex.join(draw(st.lists(items)))
        else:
            raw[entry.name] = draw(values_of(entry.name, fields[entry.name]))
    if "shards" in raw and raw["shards"] != "1":
        raw.pop("shard", None)
    if raw.get("control") == "pretrained":
        raw["weights"] = "imagenet"
    return raw


def parsed(words: str) -> tuple[JobConfig, Options]:
    """What the command line makes of a command; nothing is run."""
    _, bound, _ = APP.parse_args(shlex.split(words)[1:], exit_on_error=False, print_error=False)
    config, options = bound.arguments["config"], bound.arguments.get("options")
    return config, options or Options()


def facts_of(config: JobConfig) -> dict[str, Any]:
    return {n: getattr(config, n) for n in type(config).model_fields}


@each_job
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_shown_command_says_what_the_form_says(spec: Spec, data: st.DataObject) -> None:
    asked = ask(spec, data.draw(entered(spec)))
    assert not asked.faults
    shown = equivalent_commands(asked, ())
    assert not shown.fault
    assert len(shown.shell) == len(asked.configs) >= 1
    for line, config in zip(shown.shell, asked.configs, strict=True):
        theirs, options = parsed(line)
        assert facts_of(theirs) == facts_of(config)
        assert options == asked.options
    for line, config in zip(shown.docker, asked.configs, strict=True):
        words = shlex.split(line)
        inside = words[words.index(spec.name, words.index("--cap-drop=ALL")) :]
        theirs, _ = parsed(shlex.join(["cxr", *inside]))
        assert facts_of(theirs) == facts_of(config) | {"workspace": Path("/workspace")}


@each_job
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_record_keeps_fills_the_form_again(spec: Spec, data: st.DataObject) -> None:
    raw = data.draw(entered(spec))
    asked = ask(spec, {n: v for n, v in raw.items() if n not in Options.model_fields})
    for config in asked.configs:
        order = _engines.plan(spec, config, Options())
        raw, lacking = raw_of(entries_of(spec, TASKS), order.settings)
        assert not lacking
        (again,) = ask(spec, raw).configs
        assert facts_of(again) == facts_of(config)


@each_job
def test_every_field_has_an_entry_with_its_help(spec: Spec) -> None:
    entries = {e.name: e for e in entries_of(spec, TASKS)}
    assert set(entries) == set(spec.config.model_fields) - {"workspace", "debug", "inspect"}
    for name, info in spec.config.model_fields.items():
        if name in entries:
            assert " ".join(str(info.description).split()) in entries[name].help
            assert entries[name].required == info.is_required()


def test_options_are_those_that_the_engine_heeds() -> None:
    shown = {e.name for e in option_entries(JOBS["train-task"])}
    assert "shards" not in shown  # nothing to divide
    assert "shards" in {e.name for e in option_entries(JOBS["preprocess"])}
    assert shown & supported_options("process") == {"engine", "gpus", "one_at_a_time"}
    asked = ask(JOBS["synthesize"], {"engine": "process", "memory": "16G"})
    assert asked.options == Options()


class Curious(JobConfig):
    """Every kind of field that a job of tomorrow may have."""

    mode: Literal["fast", "slow"] | None = None
    """How."""
    form: Literal["only"] = "only"
    """Which."""
    folder: Path | None = None
    """Where."""
    words: tuple[str, ...] = ()
    """Several."""
    days: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = ()
    """When."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """How much."""
    most: int | None = Field(default=None, ge=1)
    """How
    many."""
    loud: bool = True
    """Whether it says so."""


def test_a_new_jobs_form_appears_by_existing() -> None:
    spec = replace(JOBS["synthesize"], config=Curious)
    found = {e.name: (e.kind, e.default, e.blank) for e in entries_of(spec)}
    assert found == {
        "mode": ("choice", "", ""),
        "form": ("choice", "only", "only"),
        "folder": ("text", "", ""),
        "words": ("list", "", ""),
        "days": ("list", "", ""),
        "share": ("text", "0.5", ""),
        "most": ("text", "", ""),
        "loud": ("switch", "True", True),
        "force": ("switch", "False", False),
    }
    texts = {e.name: e.help for e in entries_of(spec)}
    assert texts["share"] == "How much. Above 0 below 1."
    assert texts["days"] == "When. From 1 to 3,650."
    assert texts["most"] == "How many. From 1."
    raw: dict[str, Raw] = {"mode": "slow", "words": "a b", "loud": False, "share": "0.5"}
    (config,) = ask(spec, raw).configs
    assert config == Curious(workspace=WORKSPACE, mode="slow", words=("a", "b"), loud=False)
    assert config.model_fields_set == {"workspace", "mode", "words", "loud"}


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        ({"epochs": "0"}, {"epochs": "must be greater than or equal to 1"}),
        ({"epochs": "ten"}, {"epochs": "must be a valid integer"}),
        ({"task": (), "epochs": "0"},
         {"task": "required", "epochs": "must be greater than or equal to 1"}),
        ({"seed": "4-0"}, {"seed": "must be seeds such as 0-4 or 0,1,2"}),
        ({"seed": "a,b"}, {"seed": "must be seeds such as 0-4 or 0,1,2"}),
        ({"seed": "0-4,2"}, {"seed": "lists a seed twice; list each once"}),
        ({"seed": "0-1000000"}, {"seed": f"creates more than {MOST_RUNS:,} runs"}),
        ({"seed": "0-999", "task": ("gender", "race")},
         {"seed": f"creates more than {MOST_RUNS:,} runs"}),
        ({"seed": "5000000000"}, {"seed": "must be less than or equal to 4294967295"}),
        ({"engine": "docker", "memory": "much"},
         {"memory": "does not fit: Memory, such as 16G [docker, slurm, kubernetes]."}),
        ({"name": "-x"}, {"name": "must be letters, digits, - or _, at most 64, and begin with a "
                                  "letter or digit"}),
        ({"engine": "process", "memory": "much"}, {}),
    ],
)  # fmt: skip
def test_faults_are_in_words(raw: dict[str, Raw], faults: dict[str, str]) -> None:
    assert ask(JOBS["train-task"], {"task": ("gender",)} | raw).faults == faults


def test_a_fault_that_keeps_its_value_to_itself_is_told_at_its_entry() -> None:
    asked = ask(JOBS["preprocess"], {"root": "s3://name:secret@bucket"})
    assert set(asked.faults) == {"root"}
    assert "secret" not in asked.faults["root"]


@pytest.mark.parametrize(
    ("seed", "name", "models"),
    [
        ("", "", [("main", 0)]),
        ("3", "", [("main", 3)]),
        ("0-2", "", [("main", 0), ("seed1", 1), ("seed2", 2)]),
        ("7, 9", "main", [("main", 7), ("seed9", 9)]),
        ("0,1", "permuted", [("permuted", 0), ("permuted-seed1", 1)]),
    ],
)
def test_seeds_become_models_with_names(seed: str, name: str, models: list[Any]) -> None:
    asked = ask(JOBS["train-task"], {"task": ("race", "gender"), "seed": seed, "name": name})
    found = [(c.task, c.name, c.seed) for c in asked.configs]  # type: ignore[attr-defined]
    assert found == [(task, *model) for task in ("race", "gender") for model in models]


def test_only_models_that_exist_are_explained() -> None:
    models = {("gender", "main"), ("gender", "seed1"), ("race", "main")}
    entries = {e.name: e for e in entries_of(JOBS["explain"], TASKS, models)}
    assert entries["name"].choices == ("main", "seed1")
    raw: dict[str, Raw] = {"task": ("gender", "race"), "name": ("main", "seed1")}
    asked = ask(JOBS["explain"], raw, models)
    found = [(c.task, c.name) for c in asked.configs]  # type: ignore[attr-defined]
    assert found == [("gender", "main"), ("gender", "seed1"), ("race", "main")]
    assert "race seed1" in asked.notes["name"]
    none = ask(JOBS["explain"], {"task": ("mortality",), "name": ("main",)}, models)
    assert none.faults == {"name": "no such model: mortality main"}


def test_a_model_that_would_be_replaced_is_named() -> None:
    asked = ask(JOBS["train-task"], {"task": ("race",), "seed": "0-1"}, {("race", "main")})
    assert [c.keys()["name"] for c in asked.configs] == ["main", "seed1"]
    assert asked.notes["name"] == "race/main exists; it will be replaced if settings differ"


def test_aggregate_takes_all_models_or_those_of_a_pattern() -> None:
    assert not trains_models(JOBS["aggregate"])
    entries = {e.name: e for e in entries_of(JOBS["aggregate"], TASKS, {("race", "seed1")})}
    assert (entries["models"].kind, entries["models"].default) == ("text", "*")
    assert entries["seed"].kind == "text"
    (config,) = ask(JOBS["aggregate"], {"models": "seed*"}, {("race", "seed1")}).configs
    assert config.models == "seed*"  # type: ignore[attr-defined]


def test_the_home_is_spelt_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (config,) = ask(JOBS["preprocess"], {"root": "~/images"}).configs
    assert config.root == Path("/home/me/images")  # type: ignore[attr-defined]


def test_the_elements_of_a_list_may_have_blanks() -> None:
    typed = "mass='Finding Labels:present=Mass,absent=*' b=c"
    (config,) = ask(JOBS["extract"], {"source": "nih", "root": "/data", "label": typed}).configs
    assert config.label == ("mass=Finding Labels:present=Mass,absent=*", "b=c")  # type: ignore[attr-defined]
    entries = entries_of(JOBS["extract"], TASKS, ())
    assert raw_of(entries, config.settings())[0]["label"] == shlex.join(config.label)  # type: ignore[attr-defined]


def test_an_older_records_unknown_fields_are_named() -> None:
    entries = entries_of(JOBS["synthesize"])
    settings_ = {"subjects": 9, "size": 256, "workers": None, "colour": "red", "debug": True,
                 "workspace": "/elsewhere", "force": True}  # fmt: skip
    raw, lacking = raw_of(entries, settings_)
    assert raw == {"subjects": "9", "size": "", "force": True}
    assert lacking == "colour"


def test_an_entry_is_called_as_its_flag() -> None:
    assert Entry("batch_size", "text", "", "32").label == "batch-size"
