"""Stand-ins for the commands of an engine: they write down how they were called."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = """#!{python} -S
import json, pathlib, sys, time
place, name = pathlib.Path({place!r}), pathlib.Path(sys.argv[0]).name
words = sys.argv[1:]
text = sys.stdin.read() if name == "sbatch" else ""
with (place / "calls.jsonl").open("a") as file:
    file.write(json.dumps([name, words, text]) + "\\n")
answers = json.loads((place / "answers.json").read_text())
for start in (" ".join([name, *words[:n]]) for n in (2, 1, 0)):
    if start in answers:
        answer = answers[start]
        time.sleep(answer.get("seconds", 0))
        sys.stdout.write(answer.get("out", ""))
        sys.stderr.write(answer.get("err", ""))
        sys.exit(answer.get("code", 0))
"""


@dataclass(frozen=True)
class FakeCommands:
    """Commands on the PATH that answer as told: `{"docker ps": {"out": "…", "code": 1}}`."""

    place: Path

    def answer(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        (self.place / "answers.json").write_text(json.dumps(answers))

    def calls(self, name: str) -> list[list[str]]:
        """The words after `name` of every call of it."""
        return [words for called, words, _ in self._calls() if called == name]

    def texts(self, name: str) -> list[str]:
        """What each call of `name` read from its standard input."""
        return [text for called, _, text in self._calls() if called == name]

    def _calls(self) -> list[Any]:
        path = self.place / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def put_on_path(place: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> FakeCommands:
    """Put commands of these names on the PATH, and nothing else."""
    binaries = place / "bin"
    binaries.mkdir(parents=True)
    for name in names:
        path = binaries / name
        path.write_text(_SCRIPT.format(python=sys.executable, place=str(place)))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(binaries))
    commands = FakeCommands(place)
    commands.answer({})
    return commands
