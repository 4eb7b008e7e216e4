"""What a source adapter is, and the frame it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from cxrcore.sources._label_rules import LabelRules


class Read(Protocol):
    """Reads a collection: its table files, and the labels that are asked for."""

    def __call__(self, files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
        """The frame that `Adapter` describes; raises `SourceError`."""


@dataclass(frozen=True)
class Adapter:
    """One collection of radiographs, read into the columns of the cohort.

    `read` gives one row per image of the source, in any order, with the cohort's columns but
    `source` and `split`, and for the account of exclusions:

    - `excluded` (Enum, its categories in order of application): the rule that excludes the image
      from every analysis; null: included;
    - `null_<task>` (Enum): why `label_<task>` is null, for the included images;
    - `note_<task>` and `note_<task>.<more>` (Enum): something to count that does not cost the
      label.

    One that knows the body mass index adds `bmi` (Float32, kg/m²). A source with outcomes adds
    `mortality_rule` (String, the same in every row): one of `MORTALITY_RULES`, null where none
    gives a label. One that knows when its patients came adds `period` (String), the same in every
    row of a patient; one that links studies to stays `linkage` (Enum), the kind of stay of each
    included image. One that knows its tables adds `odd_tables` (String, the same in every row):
    what there is less or more of in them than in the whole collection, null where nothing is.
    """

    title: str
    """Name of the collection, for people."""
    tasks: tuple[str, ...]
    """The tasks it can label; empty where they are not known before it is read."""
    locate: Callable[[Mapping[str, Path]], dict[str, Path]]
    """(folders and files) → the table files by a name that does not depend on the host; raises
    `SourceError` naming every file that is missing."""
    read: Read
    """(table files, labels asked for) → the frame described above."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Names of the folders it needs, each with its content."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Names of single files it needs, each with its content."""
    optional_files: Mapping[str, str] = field(default_factory=dict)
    """Names of single files that it reads where they are given."""
    settings: frozenset[str] = frozenset()
    """Settings of `extract`, by name, that need what not every collection has."""
    known_counts: Mapping[str, int] = field(default_factory=dict)
    """Of the whole collection: `images`, `studies`, `patients`, and images of a view."""
    caution: str = ""
    """What whoever uses the cohort must know beside the flow; logged as a warning."""
