"""Asks a command of Slurm, and turns what it complains of into one line."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.errors import Unreachable, UsageError
from jobs._engines._call import call, first_line

#: The flag that a complaint is about, by words of it.
_FLAGS = {
    "time limit": "--time-limit", "invalid partition": "--partition",
    "required partition": "--partition", "use this partition": "--partition",
    "invalid account": "--account", "job array": "--shards",
}  # fmt: skip
_DOWN = ("Unable to contact", "Connection refused", "Socket timed out", "Zero Bytes")


def ask(words: Sequence[str], text: str = "") -> str:
    """What the command prints; raise `UsageError` when it refuses, `Unreachable` without Slurm."""
    done = call(words, text=text)
    if done.returncode == 0:
        return done.stdout
    refuse_silence(done.stderr)
    said, lower = _said(done.stderr), done.stderr.lower()
    if "generic resource" in lower or "gres" in lower:
        raise UsageError(f"--gpus: the cluster has no such GPU ({said}); leave it out")
    flag = next((f"{flag}: " for word, flag in _FLAGS.items() if word in said.lower()), "")
    raise UsageError(f"{flag}{words[0]}: {said}")


def refuse_silence(complaint: str) -> None:
    """Raise `Unreachable` when a command complains that Slurm is not there."""
    if any(word in complaint for word in _DOWN):
        why = f"Slurm does not answer ({_said(complaint)})"
        raise Unreachable(f"{why}; run the same command once it does")


def _said(complaint: str) -> str:
    said = first_line(complaint)
    for start in ("sbatch: error: ", "scontrol: error: ", "sinfo: error: ", "allocation failure: "):
        said = said.removeprefix(start)
    return said
