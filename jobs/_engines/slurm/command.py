"""Runs a command of Slurm, and turns its error output into one line."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.errors import Unreachable, UsageError
from jobs._engines._call import call, first_line

#: The flag that an error message is about, by a phrase of it.
_FLAGS = {
    "time limit": "--time-limit", "invalid partition": "--partition",
    "required partition": "--partition", "use this partition": "--partition",
    "invalid account": "--account", "job array": "--shards",
}  # fmt: skip
_DOWN = ("Unable to contact", "Connection refused", "Socket timed out", "Zero Bytes")


def ask(args: Sequence[str], text: str = "") -> str:
    """The command's output; raise `UsageError` when it fails, `Unreachable` without Slurm."""
    done = call(args, text=text)
    if done.returncode == 0:
        return done.stdout
    require_answer(done.stderr)
    message, lower = _message(done.stderr), done.stderr.lower()
    if "generic resource" in lower or "gres" in lower:
        raise UsageError(f"--gpus: the cluster has no such GPU ({message}); omit the flag")
    flag = next((f"{flag}: " for phrase, flag in _FLAGS.items() if phrase in message.lower()), "")
    raise UsageError(f"{flag}{args[0]}: {message}")


def require_answer(stderr: str) -> None:
    """Raise `Unreachable` when a command reports that Slurm does not answer."""
    if any(phrase in stderr for phrase in _DOWN):
        why = f"Slurm does not answer ({_message(stderr)})"
        raise Unreachable(f"{why}; run the same command once it does")


def _message(stderr: str) -> str:
    message = first_line(stderr)
    for start in ("sbatch: error: ", "scontrol: error: ", "sinfo: error: ", "allocation failure: "):
        message = message.removeprefix(start)
    return message
