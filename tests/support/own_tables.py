"""A made-up hospital's table with a row for each image, and the mapping of its columns."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cxrcore.sources import LabelRules, adapter, locate

MAPPING = """\
path: file
subject_id: patient
study_id: exam
study_time: {column: taken, format: "%d.%m.%Y"}
age: years
view: {column: projection, classes: {PA: [pa], AP: [ap, ap lying], frontal: [front]}}
no_finding: {column: finding, values: [none]}
mortality: {death: {column: died_on, format: "%d.%m.%Y"}, observed_until: 2024-12-31}
labels:
  gender: {column: sex, classes: {F: [w], M: [m]}}
  insurance: {column: payer, classes: {public: [AOK, 1], private: []}}
  finding: {column: finding, separator: "|", classes: {absent: [], present: [effusion, mass]}}
  smoker: {column: smokes, classes: {No: [No, ""], Yes: [Yes]}}
"""
HEADER = "file;patient;exam;taken;years;projection;finding;died_on;sex;payer;smokes"
ROWS = (
    "a/1.dcm;P1;1;01.03.2020;50;PA;none;;w;AOK;Yes",
    "a/2.dcm;P1;1;01.03.2020;50;lat;none;;w;AOK;",
    "b/1.dcm;P2;1;02.03.2020;60;AP lying;mass | rib;01.06.2020;m;self;No",
    "c/1.dcm;P3;7;03.06.2024;70;front;rib;01.07.2024;x;1.0;",
    "d/1.dcm;P4;8;03.06.2020;140;PA;rib;;m;;",
    "e/1.dcm;P5;9;03.06.2020;40;PA;;01.06.2020;m;AOK;maybe",
    "f/1.dcm;P6;9;03.06.2020;;PA;;;m;AOK;No",
)


def write(folder: Path, rows: tuple[str, ...] = ROWS, mapping: str = MAPPING) -> dict[str, Path]:
    """The places of table and mapping."""
    places = {"table": folder / "table.csv", "mapping": folder / "mapping.yaml"}
    places["table"].write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    places["mapping"].write_text(mapping, encoding="utf-8")
    return places


def read(places: dict[str, Path], *horizons: int) -> pl.DataFrame:
    return adapter("table").read(locate("table", {**places}), LabelRules(horizons or (365,)))
