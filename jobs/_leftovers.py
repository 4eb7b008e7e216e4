"""What runs that were killed have left behind: removed before a new start, and after a success."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from data_contracts import lock
from data_contracts.atomic import temporaries
from data_contracts.run import LOST_AFTER_SECONDS
from jobs._registry import Spec


def begin_anew(workspace: Path, spec: Spec, keys: Mapping[str, str]) -> None:
    """Remove what an earlier run has set aside, so that nothing of it is taken up."""
    for place in spec.checkpoints:
        _remove(workspace / place.format(**keys))


def remove_leftovers(workspace: Path, spec: Spec, keys: Mapping[str, str]) -> None:
    """Remove what killed runs of this job have left, now that its results are there.

    Of other numbers of shards too, but nothing that a run under way may still need.
    """
    begin_anew(workspace, spec, keys)
    places = [contract.path_template for contract in spec.writes]
    for place in (*places, *spec.checkpoints, *spec.files):
        for path in temporaries(workspace / place.format(**keys)):
            _remove(path)
    # Beside a report lie its figures, each written whole; elsewhere may be what others write.
    for folder in {(workspace / place).parent for place in spec.files} - {workspace}:
        for path in (*folder.glob(".*.partial"), *folder.glob("*/.*.partial")):
            _remove(path)
    for path in _of_other_shards(workspace, places, keys):
        _remove(path)
    for path in workspace.glob("runs/*/.run.json.partial"):
        # A younger one may be another run's, about to take its place.
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > LOST_AFTER_SECONDS:
                path.unlink()


def _of_other_shards(
    workspace: Path, places: Sequence[str], keys: Mapping[str, str]
) -> Iterator[Path]:
    """What stores of another number of shards have left, unless a run is writing them."""
    if "shards" not in keys:
        return
    for path in (workspace / places[0]).parent.glob(".*-of-*"):
        found = re.search(r"(?P<shard>\d+)-of-(?P<shards>\d+)", path.name)
        if found and found["shards"] != keys["shards"]:
            theirs = dict(keys) | found.groupdict()
            if lock.is_free(workspace, places[0].format(**theirs)):
                yield path


def _remove(path: Path) -> None:
    # What cannot be removed fails no finished work.
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
