"""`cxr extract` on tables of MIMIC-IV's and MIMIC-CXR's full size, beside pandas reading them.

    python benchmarks/extract.py [--share 1] [--rounds 3]

The tables are drawn, with all columns of the real ones, as `.csv.gz`. Both run as processes, in
turn, and medians count: processor seconds (of all threads), seconds on the clock, and the most
memory. pandas reads the same columns with parsed dates and joins each study to the admissions of
its patient; it checks nothing and applies no rule.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

PATIENTS, ADMISSIONS, ED_STAYS = 364_627, 546_028, 425_087
SUBJECTS, STUDIES, IMAGES = 65_379, 227_835, 377_110
DAY = 86_400
RACES = ("WHITE", "BLACK/AFRICAN AMERICAN", "ASIAN", "HISPANIC/LATINO - CUBAN", "UNKNOWN")
PERIODS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019")
PAYERS = ("Medicare", "Medicaid", "Private", "Other", "")
PEER = """
import sys, pandas as pd
from pathlib import Path
root = Path(sys.argv[1])
def read(name, columns, dates=()):
    return pd.read_csv(root / f"{name}.csv.gz", usecols=columns, parse_dates=list(dates))
patients = read("hosp/patients", ["subject_id", "gender", "anchor_age", "anchor_year", "dod"],
                ["dod"])
admissions = read("hosp/admissions", ["subject_id", "hadm_id", "admittime", "dischtime",
    "deathtime", "insurance", "race", "hospital_expire_flag"],
    ["admittime", "dischtime", "deathtime"])
ed = read("ed/edstays", ["subject_id", "intime", "outtime", "gender", "race"],
          ["intime", "outtime"])
records = read("cxr-record-list", ["subject_id", "study_id", "dicom_id", "path"])
metadata = read("mimic-cxr-2.0.0-metadata", ["dicom_id", "ViewPosition", "StudyDate",
    "StudyTime", "ViewCodeSequence_CodeMeaning"])
images = records.merge(metadata, on="dicom_id").merge(patients, on="subject_id", how="left")
studies = images.drop_duplicates(["subject_id", "StudyDate", "StudyTime"])
assert len(studies.merge(admissions, on="subject_id")) and len(ed)
"""


def drawn_text(rng: np.random.Generator, values: tuple[str, ...], n: int) -> pl.Series:
    return pl.Series(np.array(values, dtype=object)[rng.integers(0, len(values), n)])


def moments(milliseconds: NDArray[np.int64]) -> pl.Series:
    """Times as texts, from milliseconds of the epoch."""
    return pl.Series(milliseconds).cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%d %H:%M:%S")


def hospital(rng: np.random.Generator, share: float) -> dict[str, pl.DataFrame]:
    """Patients and their stays; a fifth of the patients has died."""
    n, m, e = (round(share * size) for size in (PATIENTS, ADMISSIONS, ED_STAYS))
    subject = 10_000_000 + np.sort(rng.choice(9_999_999, n, replace=False))
    start = rng.integers(2110, 2200, n)
    died = np.where(rng.random(n) < 0.2, start + rng.integers(0, 12, n), 0)
    dod = [f"{year}-07-01" if year else "" for year in died]
    of_stay, of_ed = (rng.integers(0, n, size) for size in (m, e))
    years = (start - 1970) * 365.25 * DAY * 1000

    def when(of: NDArray[np.int64]) -> NDArray[np.int64]:
        return (years[of] + rng.random(len(of)) * 3650 * DAY * 1000).astype(np.int64)

    begin, in_ed = when(of_stay), when(of_ed)
    end = begin + (rng.exponential(5, m) * DAY * 1000).astype(np.int64)
    return {
        "hosp/patients": pl.DataFrame({
            "subject_id": subject, "gender": drawn_text(rng, ("F", "M"), n),
            "anchor_age": rng.integers(18, 91, n), "anchor_year": start,
            "anchor_year_group": drawn_text(rng, PERIODS, n), "dod": dod,
        }),
        "hosp/admissions": pl.DataFrame({
            "subject_id": subject[of_stay], "hadm_id": 20_000_000 + rng.permutation(m),
            "admittime": moments(begin), "dischtime": moments(end), "deathtime": [""] * m,
            "admission_type": ["EW EMER."] * m, "admit_provider_id": ["P49AFC"] * m,
            "admission_location": ["EMERGENCY ROOM"] * m, "discharge_location": ["HOME"] * m,
            "insurance": drawn_text(rng, PAYERS, m), "language": ["English"] * m,
            "marital_status": ["MARRIED"] * m, "race": drawn_text(rng, RACES, m),
            "edregtime": moments(begin), "edouttime": moments(begin),
            "hospital_expire_flag": [0] * m,
        }),
        "ed/edstays": pl.DataFrame({
            "subject_id": subject[of_ed], "hadm_id": [""] * e,
            "stay_id": 30_000_000 + rng.permutation(e), "intime": moments(in_ed),
            "outtime": moments(in_ed + DAY * 500), "gender": drawn_text(rng, ("F", "M"), e),
            "race": drawn_text(rng, RACES, e), "arrival_transport": ["WALK IN"] * e,
            "disposition": ["HOME"] * e,
        }),
    }  # fmt: skip


def radiographs(
    rng: np.random.Generator, share: float, admissions: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Record list and metadata; each study begins within two days after an admission."""
    subjects, studies, n = (round(share * size) for size in (SUBJECTS, STUDIES, IMAGES))
    theirs = admissions["subject_id"].unique().sort().sample(subjects, seed=1).implode()
    stays = admissions.filter(pl.col("subject_id").is_in(theirs))
    stays = stays.sample(studies, with_replacement=True, seed=1)
    time = stays["admittime"].str.to_datetime() + pl.Series(
        rng.integers(0, 2 * DAY, studies)
    ).cast(pl.Duration("us")) * 1_000_000  # fmt: skip
    of = np.sort(np.concatenate([np.arange(studies), rng.integers(0, studies, n - studies)]))
    subject, study = stays["subject_id"].gather(of), pl.Series(50_000_000 + of)
    dicom = pl.Series(f"{a:016x}-{b:016x}" for a, b in rng.integers(0, 2**62, (n, 2)).tolist())
    ids = pl.DataFrame({"subject_id": subject, "study_id": study, "dicom_id": dicom})
    path = pl.format("files/p{}/p{}/s{}/{}.dcm", pl.col("subject_id").cast(pl.String).str.head(2),
                     "subject_id", "study_id", "dicom_id")  # fmt: skip
    views = ("AP", "PA", "LATERAL", "LL")
    day = time.gather(of)
    return {
        "cxr-record-list": ids.with_columns(path=path),
        "mimic-cxr-2.0.0-metadata": ids.select(
            "dicom_id", "subject_id", "study_id",
            PerformedProcedureStepDescription=pl.lit("CHEST (PORTABLE AP)"),
            ViewPosition=drawn_text(rng, views, n), Rows=3056, Columns=2544,
            StudyDate=day.dt.to_string("%Y%m%d"), StudyTime=day.dt.to_string("%-H%M%S.125"),
            ProcedureCodeSequence_CodeMeaning=pl.lit("CHEST (PORTABLE AP)"),
            ViewCodeSequence_CodeMeaning=pl.lit("antero-posterior"),
            PatientOrientationCodeSequence_CodeMeaning=pl.lit("Erect"),
        ),
    }  # fmt: skip


def write_tables(folder: str, share: float) -> None:
    rng = np.random.default_rng(0)
    tables = hospital(rng, share)
    for name, table in (tables | radiographs(rng, share, tables["hosp/admissions"])).items():
        path = Path(folder, f"{name}.csv.gz")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(table.write_csv(quote_style="never").encode(), 6))
        print(f"{name}: {table.height:,} rows, {path.stat().st_size / 1e6:.0f} MB")


def run(words: list[str]) -> tuple[float, float, float]:
    """Processor seconds, seconds on the clock, and the most memory in MB of a process."""
    begin = time.perf_counter()
    child = os.posix_spawn(words[0], words, os.environ)
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"{' '.join(words[:3])} ended with status {status}")
    clock = time.perf_counter() - begin
    return used.ru_utime + used.ru_stime, clock, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the real numbers of rows")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # A process of its own: the memory of this one would count as that of those it starts.
        writer = get_context("spawn").Process(target=write_tables, args=(folder, args.share))
        writer.start()
        writer.join()
        module = [sys.executable, "-m", "jobs", "extract", "--force", "--workspace", f"{folder}/ws"]
        commands = {
            "cxr extract": [*module, "--mimic-iv", folder, "--mimic-cxr", folder],
            "pandas": [sys.executable, "-c", PEER, folder],
        }
        rounds = [
            {name: run(words) for name, words in commands.items()} for _ in range(args.rounds)
        ]
        for name in commands:
            found = zip(*(one[name] for one in rounds), strict=True)
            cpu, clock, memory = map(statistics.median, found)
            print(f"{name:12} {cpu:.1f} s of processor, {clock:.1f} s, {memory:.0f} MB")


if __name__ == "__main__":
    main()
