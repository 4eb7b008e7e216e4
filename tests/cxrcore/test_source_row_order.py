"""What a source makes of an image does not depend on where its row stands."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import own_tables
import public_tables
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def shuffle(path: Path, random: Random, delimiter: str = ",") -> None:
    """The rows of a table in another order."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    random.shuffle(rows)
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])


@pytest.mark.parametrize("source", public_tables.ROOT)
@settings(max_examples=5)
@given(random=st.randoms())
def test_of_a_public_collection(source: str, random: Random) -> None:
    with TemporaryDirectory() as folder:
        root = public_tables.write(source, Path(folder))
        files = {}
        if source == "chexpert":
            files["patients"] = root / "demo.csv"
            files["patients"].write_text(public_tables.DEMOGRAPHICS)
        want = public_tables.read(source, root, **files)
        for table in (*(root / name for name in public_tables.ROOT[source]), *files.values()):
            shuffle(table, random)
        assert public_tables.read(source, root, **files).equals(want)


@settings(max_examples=10)
@given(random=st.randoms())
def test_of_a_table_of_ones_own(random: Random) -> None:
    with TemporaryDirectory() as folder:
        first, second, *others = own_tables.ROWS
        rows = (first, second.replace(";w;", ";m;"), *others)  # one patient of two genders
        places = own_tables.write(Path(folder), rows)
        want = own_tables.read(places).sort("image_id")
        shuffle(places["table"], random, ";")
        assert own_tables.read(places).sort("image_id").equals(want)
