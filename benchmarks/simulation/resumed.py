"""Draws that are kept as they end, so that a long simulation can be stopped and goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from statsmodels.stats.proportion import proportion_confint

Record = dict[str, Any]


def records(
    wanted: Sequence[Record], out: Path | None, make: Callable[[Record], Record]
) -> Iterator[Record]:
    """The finished draws: those that `out` holds, then the others, appended as they end.

    A draw is what `wanted` says of it; `make` adds what was found.
    """
    lines = out.read_text(encoding="utf-8").splitlines() if out and out.exists() else []
    done = [json.loads(line) for line in lines]
    for number, one in enumerate(wanted, 1):
        record = next((d for d in done if one.items() <= d.items()), None)
        if record is None:
            record = make(one)
            if out:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
        print(f"{number} of {len(wanted)}: {' '.join(map(str, one.values()))}", file=sys.stderr)
        yield record


def share(claimed: Sequence[bool]) -> str:
    """How many of the draws, with Wilson's 95 % interval of the share."""
    if not claimed:
        return "–"
    low, high = proportion_confint(sum(claimed), len(claimed), method="wilson")
    return f"{np.mean(claimed):.2f} ({low:.2f} to {high:.2f})"
