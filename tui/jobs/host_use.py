"""How busy this host is: processors, memory, the workspace's disk, GPUs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import CxrError
from jobs._engines._call import call

_NVIDIA = (
    "nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)  # fmt: skip
#: Seconds after which a driver that does not answer is left alone.
_PATIENCE = 5.0


@dataclass(frozen=True)
class Use:
    """Of one thing: the share that is in use, 0 to 1, and of how much."""

    name: str
    share: float
    note: str = ""


@dataclass(frozen=True)
class CpuTimes:
    """Ticks of all processors together since the host's start."""

    idle: int = 0
    total: int = 0


def read_use(workspace: Path, before: CpuTimes) -> tuple[CpuTimes, tuple[Use, ...]]:
    """The processors' times, and what is in use; what cannot be read is left out.

    Processors are as busy as they have been since `before`. It may take seconds.
    """
    times, uses = before, []
    with suppress(OSError, ValueError, IndexError):
        times = cpu_times(Path("/proc/stat").read_text(encoding="ascii"))
        if before.total and (passed := times.total - before.total):
            uses.append(Use("CPU", 1 - (times.idle - before.idle) / passed, f"of {os.cpu_count()}"))
    with suppress(OSError, ValueError, KeyError, IndexError):
        uses.append(memory_use(Path("/proc/meminfo").read_text(encoding="ascii")))
    with suppress(OSError):
        disk = shutil.disk_usage(workspace)
        uses.append(Use("disk", disk.used / disk.total, f"of {disk.total / 1e9:,.0f} GB"))
    return times, (*uses, *_gpu_uses())


def cpu_times(stat: str) -> CpuTimes:
    """From the first line of `/proc/stat`; waiting for a disk is idle."""
    ticks = [int(n) for n in stat.splitlines()[0].split()[1:9]]
    return CpuTimes(ticks[3] + ticks[4], sum(ticks))


def memory_use(meminfo: str) -> Use:
    """From `/proc/meminfo`: all that is not available."""
    lines = (line.partition(":") for line in meminfo.splitlines())
    kib = {name: int(rest.split()[0]) for name, _, rest in lines}
    total = kib["MemTotal"]
    return Use("memory", 1 - kib["MemAvailable"] / total, f"of {total / 2**20:.0f} GiB")


def _gpu_uses() -> Sequence[Use]:
    if shutil.which(_NVIDIA[0]) is None:
        return ()
    try:
        answer = call(_NVIDIA, patience=_PATIENCE)
    except CxrError:
        return ()
    return list(gpu_uses(answer.stdout)) if answer.returncode == 0 else ()


def gpu_uses(stdout: str) -> Iterator[Use]:
    """From lines of percent, MiB used and MiB in all, one a GPU: the mean, and their memory."""
    busy, used, there = [], 0.0, 0.0
    for line in stdout.splitlines():
        # A card without the value reports "[N/A]".
        with suppress(ValueError):
            percent, own, whole = (float(part) for part in line.split(","))
            busy.append(percent / 100)
            used, there = used + own, there + whole
    if busy:
        memory = f"{used / 1024:.1f} of {there / 1024:.1f} GiB"
        yield Use("GPU" if len(busy) == 1 else f"{len(busy)} GPUs", sum(busy) / len(busy), memory)
