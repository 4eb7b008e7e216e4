"""A Slurm cluster for tests: the one that answers, or one of this node alone for a while."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
CredType=cred/munge
SlurmctldPort={ctld}
SlurmdPort={slurmd}
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
DependencyParameters=kill_invalid_depend
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=batch Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm_cluster(place: Path) -> Iterator[None]:
    """Have `sbatch` work in the block; skip the test with the reason where it cannot."""
    if shutil.which("sbatch") is None:
        pytest.skip("Slurm is not installed")
    if _answers():
        yield
        return
    daemons = ("slurmctld", "slurmd", "munged")
    if os.getuid() != 0 or not all(shutil.which(d) for d in daemons):
        pytest.skip("no Slurm cluster answers, and only root can start one on this node")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(place / "slurm.conf"))
        patch.setenv("PATH", f"{place}/bin{os.pathsep}{os.environ['PATH']}")
        try:
            _start(place)
            yield
        finally:
            _end_jobs()
            for daemon in ("slurmd", "slurmctld", "munged"):
                with suppress(OSError, ValueError):
                    os.kill(int((place / f"{daemon}.pid").read_text()), signal.SIGTERM)


def begin_again(job: str) -> None:
    """Let a job that has been requeued, and so keeps off for two minutes, begin now."""
    words = ["squeue", "--noheader", "--format=%T|%r", f"--jobs={job}"]
    for _ in range(600):
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
        if done.stdout.strip() == "PENDING|BeginTime":
            break
        time.sleep(0.1)
    # Within the second in which it was ended, its node takes it for ended still and never runs it.
    time.sleep(2)
    subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], check=True, timeout=30)


def _start(place: Path) -> None:
    for name in ("state", "spool", "bin"):
        (place / name).mkdir(parents=True)
    # Snakemake's plugin takes SLURM_CONF from the `srun` in its jobs.
    srun = place / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={place}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    facts = {"host": socket.gethostname().split(".")[0], "place": place, "cpus": os.cpu_count(),
             "ctld": _free_port(), "slurmd": _free_port()}  # fmt: skip
    conf = place / "slurm.conf"
    conf.write_text(_CONF.format(**facts))
    _start_munged(place)
    for daemon in (["slurmctld"], ["slurmd", "-N", str(facts["host"])]):
        subprocess.run([*daemon, "-f", conf], check=True, timeout=30)
    for _ in range(200):
        if _answers():
            return
        time.sleep(0.1)
    pytest.skip("the one-node Slurm cluster does not come up here")


def _start_munged(place: Path) -> None:
    """A munged of the cluster's own, so that no other is needed or disturbed."""
    key = place / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    files = {"key-file": key, "socket": place / "munge.socket", "pid-file": place / "munged.pid",
             "log-file": place / "munged.log", "seed-file": place / "munged.seed"}  # fmt: skip
    words = [f"--{name}={path}" for name, path in files.items()]
    # By force: a folder for tests may lie where munged would not have it.
    subprocess.run(["munged", "--force", *words], check=True, capture_output=True, timeout=30)


def _end_jobs() -> None:
    """Let no process of a job wait for daemons that are no more."""
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(["scancel", "--user=root"], check=True, timeout=30)
        for _ in range(300):
            words = ["squeue", "--noheader"]
            if not subprocess.run(words, capture_output=True, check=True, timeout=30).stdout:
                break
            time.sleep(0.1)


def _answers() -> bool:
    try:
        said = subprocess.run(
            ["sinfo", "--noheader", "--format=%t"], capture_output=True, text=True, timeout=10,
            check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return any(state in said for state in ("idle", "mix", "alloc"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
