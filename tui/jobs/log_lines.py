"""Lines of a job's log as they are shown: the local time, without what every line repeats."""

from __future__ import annotations

import re

from data_contracts.run import moment
from tui import clock

#: Time and name of the job; a pipeline says the time once more.
_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) (?:cxr [a-z-]+: )?(?:\d\d:\d\d:\d\d )?")


def log_line(line: str, day: str) -> tuple[str, str]:
    """The line as it is shown after one of `day`, and its own day; the day is shown if it is new.

    A line without a time, such as one of a traceback, stays as it is.
    """
    head = _HEAD.match(line)
    time = moment(head[1]) if head else None
    if head is None or time is None:
        return line, day
    shown = clock.local(time)
    own = f"{shown:%m-%d}"
    date = f"{own} " if day and own != day else ""
    return f"{date}{shown:%H:%M:%S} {line[head.end() :]}", own
