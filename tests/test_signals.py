"""SIGTERM and Ctrl-C, from the first moment of a command to its last."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from chain import CXR, words

from data_contracts.run import read_runs
from jobs import _signals
from jobs._cli import run

COMMANDS_OF_ALL_KINDS = (["--help"], ["runs"], ["aggregate"], ["run", "--dry-run"])


def hears(pid: int) -> bool:
    """Whether the process has handlers of its own for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
@pytest.mark.parametrize("command", COMMANDS_OF_ALL_KINDS, ids=lambda c: c[0])
def test_a_signal_while_a_command_is_loaded(
    command: list[str], number: signal.Signals, tmp_path: Path
) -> None:
    for delay in (0, 0.1, 0.2):
        process = subprocess.Popen(
            [CXR, *command], env={"CXR_WORKSPACE": str(tmp_path / "none"), "PATH": "/usr/bin"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            while process.poll() is None and not hears(process.pid):
                time.sleep(0.001)
            time.sleep(delay)
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        if process.returncode in (0, 2, 3):
            continue  # the command was faster
        assert process.returncode == 75
        assert err.endswith("interrupted; run the same command to resume\n")
        assert len(err.splitlines()) == 1


def test_a_long_step_is_broken_off(
    copy: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that reports nothing for long is not waited for."""

    def step(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        time.sleep(30)

    monkeypatch.setattr(_signals, "PATIENCE", 0.1)
    monkeypatch.setattr("cxrcore.summary.summarise", step)
    started = time.monotonic()
    assert run([*words("aggregate", copy)[1:], "--force", "--workspace", str(copy)]) == 75
    assert time.monotonic() - started < 20
    said = capfd.readouterr().err.splitlines()
    assert said[-1] == "cxr aggregate: interrupted; run the same command to resume"
    assert read_runs(copy)[-1].state == "interrupted"


def test_a_training_is_not_broken_off_within_a_batch(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cxrcore import training

    train = training._train_batch

    def batch(*given: object) -> float:
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.5)
        return train(*given)  # type: ignore[arg-type]

    step = "train-task mortality"
    command = [*words(step, copy)[1:], "--workspace", str(copy), "--seed", "5"]
    checkpoint = copy / "models" / "mortality" / "main" / "checkpoint.h5"
    with monkeypatch.context() as patched:
        patched.setattr(_signals, "PATIENCE", 0.05)
        patched.setattr(training, "_train_batch", batch)
        assert run(command) == 75
    assert checkpoint.exists()
    assert run(command) == 0
    assert not checkpoint.exists()


def test_validation_can_be_stopped_and_is_done_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cxrcore import training

    predict, asked = training.predict, False

    def slowly(*given: object):  # type: ignore[no-untyped-def]
        nonlocal asked
        for result in predict(*given):  # type: ignore[arg-type]
            if not asked:
                signal.raise_signal(signal.SIGTERM)
                asked = True
            yield result

    command = [*words("train-task mortality", copy)[1:], "--workspace", str(copy)]
    command += ["--seed", "5", "--batch-size", "3"]
    monkeypatch.setattr(training, "predict", slowly)
    ended = [run(command), run(command)]
    assert ended == [75, 0]
