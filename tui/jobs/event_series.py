"""The events of a run over its time: losses and AUROC by epoch, and how fast it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from data_contracts.run import RunRecord

#: More points of progress than a terminal has columns are thinned out.
_MOST_POINTS = 2000
_METRICS = ("train_loss", "val_loss", "val_auroc")


@dataclass(frozen=True)
class Point:
    """An event of progress, in seconds after the first event of the run."""

    seconds: float
    what: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class EventSeries:
    """What has been read up to the byte `offset`."""

    offset: int = 0
    begun: datetime | None = None
    """When the first event was, by the clock of the latest."""
    latest: datetime | None = None
    epochs: tuple[Mapping[str, float], ...] = ()
    """The numbers among `epoch`, the losses and the AUROC that each epoch had."""
    points: tuple[Point, ...] = ()

    def extended(self, events: Iterable[Mapping[str, Any]], offset: int) -> EventSeries:
        """The series with more events, which end before the byte `offset`."""
        begun, latest = self.begun, self.latest
        epochs, points = list(self.epochs), list(self.points)
        for event in events:
            try:
                if event["event"] == "heartbeat":
                    continue
                time = datetime.fromisoformat(event["time"])
                # A clock that is put back adds nothing to what has passed.
                begun = (begun or time) - max(timedelta(), (latest or time) - time)
                latest = time
                if event["event"] == "metric" and "epoch" in event:
                    names = ("epoch", *(n for n in _METRICS if event.get(n) is not None))
                    epochs.append({n: float(event[n]) for n in names})
                elif event["event"] == "progress":
                    points.append(_point(event, (time - begun).total_seconds()))
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
        while len(points) > _MOST_POINTS:
            # The last one is kept: it shows how far the work is.
            points = points[::-2][::-1]
        return EventSeries(offset, begun, latest, tuple(epochs), tuple(points))

    def after(self, earlier: Sequence[Mapping[str, float]]) -> EventSeries:
        """The series with the epochs of a run that it resumed, as far as it lacks them."""
        first = self.epochs[0]["epoch"] if self.epochs else 1.0
        return replace(self, epochs=(*(e for e in earlier if e["epoch"] < first), *self.epochs))

    def metric(self, name: str) -> tuple[list[float], list[float]]:
        """Epochs, and what they had of `name`."""
        pairs = [(e["epoch"], e[name]) for e in self.epochs if name in e]
        return [x for x, _ in pairs], [y for _, y in pairs]

    def speeds(self, batch_size: int, intervals: int = 100) -> tuple[list[float], list[float]]:
        """Minutes since the start, and units a second; batches count as their images.

        Averages over at least a second, and over so many intervals of the whole run at most.
        """
        minutes: list[float] = []
        rates: list[float] = []
        if not self.points:
            return minutes, rates
        step = max(1.0, (self.points[-1].seconds - self.points[0].seconds) / intervals)
        before = self.points[0]
        for point in self.points[1:]:
            if point.what != before.what:
                before = point
            elif (passed := point.seconds - before.seconds) >= step:
                size = batch_size if point.unit == "batches" else 1
                minutes.append(point.seconds / 60)
                rates.append((point.done - before.done) * size / passed)
                before = point
        return minutes, rates

    @property
    def unit(self) -> str:
        """What the speeds count."""
        units = {"images" if p.unit == "batches" else p.unit for p in self.points}
        return units.pop() if len(units) == 1 else "units"


def resumed_by(record: RunRecord, runs: Sequence[RunRecord]) -> list[str]:
    """The earlier runs of the same work that did not finish, from the latest back, by run id.

    `runs`: newest first. One that succeeded left nothing to resume.
    """
    found: list[str] = []
    for earlier in runs:
        is_same = (earlier.job, earlier.config) == (record.job, record.config)
        if not is_same or earlier.started >= record.started:
            continue
        if earlier.state == "succeeded":
            break
        found.append(earlier.run_id)
    return found


def _point(event: Mapping[str, Any], seconds: float) -> Point:
    return Point(
        seconds, str(event["what"]), int(event["done"]), int(event["total"]), str(event["unit"])
    )
