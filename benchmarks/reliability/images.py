"""Image files that are not what they should be: each ends as an image or a reject, in bounds.

    python -m benchmarks.reliability.images [--files 3000] [--vast 1] [--workers 2]

Sound files of every kind are changed at drawn places and go through `prepare_all`. The table
counts what came out by kind of file; below it stand the details, the peak memory of a worker and
the longest wait for a result.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.reliability.common import arguments, conclude, show
from benchmarks.reliability.mutations import KINDS, Rng, mutated
from benchmarks.reliability.sound_images import SOUND, sound
from cxrcore.pixels import ProcessedImage, RejectedImage, prepare_all
from data_contracts.images import REJECT_REASONS

MEMORY, SECONDS, SIZE = 1500, 30.0, 224
"""Bounds: MiB of a worker, seconds of a file. Side of the squares."""
#: Header fields that claim a size, by how a file begins: offset, or pattern before it; bytes.
_DICOM_SIZES = (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00",
                b"\x28\x00\x08\x00IS", b"\x28\x00\x00\x01US\x02\x00")  # fmt: skip
_JPEG_SIZES = (b"\xff\xc0...", b"\xff\xc1...", b"\xff\xc2...", b"\xff\xc3...", b"\xff\xf7...")
_J2K_SIZES = (b"\xff\x51....", b"\xff\x51........")


def huge(content: bytes, rng: Rng) -> bytes:
    """Let one of the sizes in the headers claim far more than there is."""
    places = [16, 20] if content.startswith(b"\x89PNG") else []
    for pattern in (*_DICOM_SIZES, *_JPEG_SIZES, *_J2K_SIZES):
        expression = re.escape(pattern).replace(rb"\.", b".")
        places += [m.end() for m in re.finditer(expression, content, re.DOTALL)]
    changed = bytearray(content)
    for place in rng.permutation(places)[: int(rng.integers(1, 3))]:
        value = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x40\x00\x40\x00"])
        size = 4 if content.startswith(b"\x89PNG") or rng.random() < 0.3 else 2
        changed[place : place + size] = bytes(value)[:size]
    return bytes(changed)


def changed(content: bytes, other: bytes, rng: Rng) -> tuple[str, bytes]:
    """The content with a change of a drawn kind, and that kind."""
    kind = str(rng.choice(["header", "huge", "splice", *KINDS]))
    if kind == "huge":
        return kind, huge(content, rng)
    if kind == "splice":
        start, place = int(rng.integers(len(other))), int(rng.integers(len(content)))
        piece = other[start : start + int(rng.integers(1, 2000))]
        keep = place + int(rng.integers(2)) * len(piece)
        return kind, content[:place] + piece + content[keep:]
    if kind == "header":
        span = (0 if content[:1] != b"\0" else 128, min(len(content), 1500))
        for _ in range(int(rng.integers(1, 10))):
            content = mutated(content, "byte", rng, span)
        return kind, content
    return kind, mutated(content, kind, rng, (0, len(content)))


@dataclass
class Watch:
    """Peak memory of the workers; kills those that are at one file for too long."""

    peak: float = 0.0
    stuck: int = 0
    since: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        while not self.over.wait(0.02):
            late = time.monotonic() - self.since > SECONDS
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
            for pid in children.split():
                with suppress(OSError, IndexError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    self.peak = max(self.peak, int(status.split("VmHWM:")[1].split()[0]) / 1024)
                    if late and "python" in Path(f"/proc/{pid}/comm").read_text():
                        os.kill(int(pid), signal.SIGKILL)
            if late:
                self.stuck, self.since = self.stuck + 1, time.monotonic()


def write_files(folder: Path, count: int, vast: int, rng: Rng) -> list[str]:
    """Write the files, the first of each kind unchanged, and `vast` of each kind; their names."""
    samples = {kind: [sound(kind, folder, rng) for _ in range(3)] for kind in SOUND}
    names = []
    for number in range(count + vast * len(SOUND)):
        kind, change = SOUND[number % len(SOUND)], "none"
        content = samples[kind][int(rng.integers(3))]
        if number >= count:
            change, content = "vast", sound(kind, folder, rng, vast=True)
        elif number >= len(SOUND):
            change, content = changed(content, samples[str(rng.choice(SOUND))][0], rng)
        names.append(f"{number:05d} {kind.replace(': ', ' ')} {change}")
        (folder / names[-1]).write_bytes(content)
    return names


@dataclass
class Found:
    """What came out."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: {k: Counter() for k in SOUND})
    details: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    broken: list[str] = field(default_factory=list)

    def add(self, kind: str, path: str, result: object, seconds: float) -> None:
        """Count a result."""
        self.slowest = max(self.slowest, (seconds, path))
        what = "prepared"
        if isinstance(result, RejectedImage):
            what = result.reason
            self.details[f"{result.reason}: {result.detail}"] += 1
        elif not isinstance(result, ProcessedImage):
            self.broken.append(f"{path} ends as {result}")
        if path.endswith(("none", "vast")) and what != "prepared":
            self.broken.append(f"{path}, a sound file, ends as {result}")
        self.counts[kind][what] += 1


def prepare_each(folder: Path, names: Sequence[str], workers: int, watch: Watch) -> Found:
    """Let every file go through `prepare_all`; ends early when that raises."""
    found = Found()
    results = prepare_all(folder, names, SIZE, workers)
    for number, path in enumerate(names):
        watch.since = begun = time.monotonic()
        try:
            result = next(results)
        except Exception as error:
            found.broken.append(f"the job ends at {path} with {type(error).__name__}: {error}")
            break
        found.add(SOUND[number % len(SOUND)], path, result, time.monotonic() - begun)
    return found


def main() -> None:
    parser = arguments(__doc__, files=3000, vast=1, workers=2, details=12)
    parser.add_argument("--keep", type=Path, help="an empty folder that keeps the files")
    options = parser.parse_args()
    watch = Watch()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        names = write_files(
            folder, options.files, options.vast, np.random.default_rng(options.seed)
        )
        thread = threading.Thread(target=watch.look, daemon=True)
        thread.start()
        found = prepare_each(folder, names, options.workers, watch)
        watch.over.set()
        thread.join()
    columns = ("prepared", *REJECT_REASONS)
    rows = [[kind, c.total(), *(c[w] for w in columns)] for kind, c in found.counts.items()]
    show(["file", "tried", *columns], rows)
    for detail, count in found.details.most_common(options.details):
        print(f"{count:6} {detail}")
    seconds, slowest = found.slowest
    print(f"peak memory of a worker {watch.peak:.0f} MiB; longest wait {seconds:.1f} s: {slowest}")
    if watch.peak > MEMORY:
        found.broken.append(f"a worker takes {watch.peak:.0f} MiB, more than {MEMORY}")
    if watch.stuck:
        found.broken.append(f"{watch.stuck} files take more than {SECONDS:.0f} s")
    conclude(found.broken)


if __name__ == "__main__":
    main()
