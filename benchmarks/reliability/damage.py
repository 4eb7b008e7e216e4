"""Artifacts as a failing disk leaves them: found, or harmless, and never wrong in silence.

    python -m benchmarks.reliability.damage [--files 2000] [--jobs 12] [--seed 0]

Every artifact of a finished workspace is damaged in turn at drawn places. Most are read in a
process of their own, as jobs read them: verified, and image by image without. Some are given to
the job that reads them, and to `cxr inspect --verify`. Cells hold found/harmless: harmless is a
place that nobody reads, so that all content is as it was.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import tempfile
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.reliability.common import (
    Ending,
    arguments,
    command,
    conclude,
    content,
    copy_of,
    make_workspace,
    run,
    show,
)
from benchmarks.reliability.mutations import KINDS, mutated
from data_contracts.catalog import contracts
from data_contracts.errors import ArtifactError, CxrError
from data_contracts.vocabulary import Contract

READING = 60.0
"""Seconds that a damaged artifact may be read for."""


def digest_of_content(contract: Contract, path: Path) -> str:
    """Hash of all that a reader gets, the header included; images are read without verifying."""
    from cxrcore.store import ImageStore
    from data_contracts.store import open_arrays, read_table

    found = hashlib.sha256()
    if contract.kind == "table":
        table = read_table(contract, path)
        facts = table.header.to_json(), repr(table.frame.to_dict(as_series=False))
        return hashlib.sha256(repr(facts).encode()).hexdigest()
    for verify in (True, False) if contract.name == "images" else (True,):
        with open_arrays(contract, path, verify=verify) as arrays:
            found.update(arrays.header.to_json().encode())
            for name in arrays.names():
                found.update(name.encode() + np.ascontiguousarray(arrays.read(name)).tobytes())
            if not verify:
                store = ImageStore([arrays])
                found.update(store.read(np.arange(len(store))[::-1].copy()).tobytes())
    return found.hexdigest()


def serve(line: Connection) -> None:
    """Answer each (contract, path) with what came out and the digest or message."""
    while True:
        try:
            task = line.recv()
        except EOFError:
            return
        contract, path = contracts()[task[0]], Path(task[1])
        try:
            answer = "read", digest_of_content(contract, path)
        except CxrError as error:
            found = isinstance(error, ArtifactError) and str(path) in str(error)
            answer = "found" if found else f"refused with {error.exit_code}", str(error)
        except BaseException as error:
            answer = f"raised {type(error).__name__}", str(error)
        line.send(answer)


class Reader:
    """A process that reads artifacts; started anew when one has ended it, or takes too long."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def read(self, contract: str, path: Path) -> tuple[str, str]:
        """What came of reading: `read` and a digest, `found`, or something that is not promised."""
        self._line.send((contract, str(path)))
        try:
            if self._line.poll(READING):
                answer: tuple[str, str] = self._line.recv()
                return answer
            what = f"takes more than {READING:.0f} s"
        except EOFError:
            what = "crashes the reader"
        self._process.kill()
        self._process.join()
        self.__init__()  # type: ignore[misc]
        return what, ""


def artifacts(workspace: Path) -> dict[str, tuple[Contract, tuple[int, int] | None]]:
    """Contract of every artifact by its place, and the span to damage; pixels twice."""
    import h5py

    found: dict[str, tuple[Contract, tuple[int, int] | None]] = {}
    for contract in contracts().values():
        for path in contract.find(workspace):
            name = path.relative_to(workspace).as_posix()
            found[name] = contract, None
            if contract.name == "images":
                with h5py.File(path) as file:
                    dataset = file["pixels"].id
                    chunks = [dataset.get_chunk_info(i) for i in range(dataset.get_num_chunks())]
                start = min(c.byte_offset for c in chunks)
                end = max(c.byte_offset + c.size for c in chunks)
                found[f"{name}: pixels"] = contract, (start, end)
    return found


def try_reader(
    workspace: Path, folder: Path, count: int, seed: int
) -> tuple[dict[str, Counter[str]], list[str]]:
    """Counts of kind and outcome by artifact, and what was broken."""
    rng, reader, counts, broken = np.random.default_rng(seed), Reader(), {}, []
    known = artifacts(workspace)
    for name, (contract, span) in known.items():
        place = name.split(":")[0]
        whole, path = (workspace / place).read_bytes(), folder / Path(place).name
        path.write_bytes(whole)
        _, expected = reader.read(contract.name, path)
        counts[name] = Counter[str]()
        share = count // len(known) * (3 if span else 1)
        for number in range(share):
            kind = list(KINDS)[number % len(KINDS)]
            path.write_bytes(mutated(whole, kind, rng, span or (0, len(whole))))
            what, told = reader.read(contract.name, path)
            if what == "read":
                what = "harmless" if told == expected else "wrong in silence"
            if what not in ("found", "harmless"):
                broken.append(f"{name}, {kind}, damage {number} of seed {seed}: {what} {told}")
                kind, what = "", "broken"
            counts[name][f"{kind} {what}"] += 1
        path.unlink()
    return counts, broken


#: The step that reads an artifact, by contract; of the others only people read.
READERS = {
    "cohort": "preprocess", "cohort_flow": "aggregate", "cohort_characteristics": "aggregate",
    "images": "train-task insurance", "image_rejects": "aggregate", "model": "explain {task}",
    "predictions": "aggregate", "training_history": "aggregate", "attributions": "aggregate",
    "synthetic_truth": "aggregate",
}  # fmt: skip


def judge(ending: Ending, place: str, same: bool) -> str:
    """`found`, `harmless`, or what is not promised."""
    line = next(reversed(ending.stderr.splitlines()), "")
    if ending.code == 3 and Path(place).name in line and "Traceback" not in ending.stderr:
        return "found"
    return "harmless" if ending.code == 0 and same else f"exit code {ending.code}, {line}"


def is_same(workspace: Path, expected: dict[str, str]) -> bool:
    """Whether all content is as expected, and whole."""
    try:
        return content(workspace) == expected
    except ArtifactError:
        return False


def try_jobs(
    finished: Path, folder: Path, count: int, seed: int
) -> tuple[dict[str, Counter[str]], list[str]]:
    """As `try_reader`, by commands: `cxr inspect --verify`, and the job that reads the artifact."""
    rng, counts, broken = np.random.default_rng([seed, 1]), dict[str, Counter[str]](), []
    expected = content(finished)
    places = [n for n, (c, _) in artifacts(finished).items() if c.name in READERS]
    for number in range(count):
        name = places[number % len(places)]
        contract, span = artifacts(finished)[name]
        place, kind = name.split(":")[0], str(rng.choice(list(KINDS)))
        workspace = copy_of(finished, folder / "copy")
        whole = (finished / place).read_bytes()
        (workspace / place).unlink()
        changed = mutated(whole, kind, rng, span or (0, len(whole)))
        (workspace / place).write_bytes(changed)
        step = READERS[contract.name].format(task=Path(place).parts[1])
        for words in (["inspect", str(workspace / place), "--verify"],
                      [*command(step, workspace), "--force"]):  # fmt: skip
            ending = run(words, workspace)
            same = ending.code != 0 or words[0] == "inspect" or is_same(workspace, expected)
            what, label = judge(ending, place, same), f"cxr {words[0]}"
            if what not in ("found", "harmless"):
                broken.append(f"{label}: {name}, {kind}, damage {number} of seed {seed}: {what}")
                what = "broken"
            counts.setdefault(label, Counter())[f"{kind if what != 'broken' else ''} {what}"] += 1
        shutil.rmtree(workspace)
    return counts, broken


def main() -> None:
    parser = arguments(__doc__, files=2000, jobs=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        finished = make_workspace(folder / "finished")
        counts, broken = try_reader(finished, folder, options.files, options.seed)
        more, worse = try_jobs(finished, folder, options.jobs, options.seed)
    rows = [
        [label, found.total(),
         *(f"{found[f'{kind} found']}/{found[f'{kind} harmless']}" for kind in KINDS),
         found[" broken"]]
        for label, found in {**counts, **more}.items()
    ]  # fmt: skip
    show(["found/harmless, by reader or job", "damages", *KINDS, "not promised"], rows)
    conclude([*broken, *worse])


if __name__ == "__main__":
    main()
