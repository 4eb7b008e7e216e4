"""Whether a Slurm cluster has a node that could ever run a job.

A job on hold is queued unchecked, and one for which there is no node would wait for ever. A trial
of `sbatch` detects that, but also refuses what a node that is out of service could run later.
"""

from __future__ import annotations

from typing import NamedTuple

from jobs._engines._request import Options

#: For `sinfo`: what `refusal` reads.
FORMAT = "%t|%c|%m|%G"
#: The error message of a trial of `sbatch` when no node in service could run the job.
NO_NODE = "Requested node configuration is not available"
_IN_SERVICE = {"idle", "mix", "alloc", "comp", "resv", "plnd"}


class _Node(NamedTuple):
    in_service: bool
    cpus: int
    megabytes: int
    gpus: bool


def refusal(options: Options, listed: str) -> str | None:
    """The flags that no node of those `listed` can satisfy, and what to do; None if one may."""
    nodes = [_parsed(line) for line in listed.splitlines() if line.count("|") == 3]
    requested = _requested(options)
    if any(not n.in_service and all(_has(n, w, options) for w in requested) for n in nodes):
        return None
    alone = [w for w in requested if not any(_has(n, w, options) for n in nodes)]
    flags = ", ".join(f"--{w} {getattr(options, w)}" for w in alone or requested)
    return f"{flags}: no node has that ({NO_NODE}); request less" if flags else f"sbatch: {NO_NODE}"


def _requested(options: Options) -> list[str]:
    return [name for name in ("memory", "cpus", "gpus") if getattr(options, name)]


def _has(node: _Node, option: str, options: Options) -> bool:
    if option == "memory":
        size = str(options.memory)
        return node.megabytes >= int(size[:-1]) * (1024 if size.endswith("G") else 1)
    return node.cpus >= (options.cpus or 0) if option == "cpus" else node.gpus


def _parsed(line: str) -> _Node:
    state, cpus, megabytes, generic = line.strip().split("|")
    return _Node(state in _IN_SERVICE, _whole(cpus), _whole(megabytes), "gpu" in generic)


def _whole(number: str) -> int:
    # Of nodes that are listed as one: the least, and a plus.
    digits = number.rstrip("+")
    return int(digits) if digits.isdecimal() else 0
