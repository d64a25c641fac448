#!/usr/bin/python3
"""Writes src/triage/dataset_reasons_table.h: what visits for a reason are like when they come.

  tools/triage/reasons.py [--until YEAR] ../shared/data/triage > src/triage/dataset_reasons_table.h

nhamcs: for each reason for visit (four digits of RFV1, and its group: three) that at least 30 adult visits of 2015 to YEAR (2018) gave,
means over those visits of what triage knows. No year after YEAR is read. yale: the same for each complaint (cc_*), over all adult
visits of the three departments. No outcome is read in either: a model may take these as inputs and still be judged on visits that
helped to make them. A mean is drawn towards its group's, a group's (or complaint's) towards all visits', as if K visits more had given
that."""
import argparse
import csv
import gzip
import math
from pathlib import Path

LEAST_VISITS, K, LEAST_AGE, FIRST_YEAR = 30, 20, 16, 2015
NONE = math.nan
# NEWS2 (Royal College of Physicians 2017), of what the survey holds: upper edges of the bands, then their points.
BANDS = {
    "respiration": ((8, 11, 20, 24), (3, 1, 0, 2, 3)),
    "spo2": ((91, 93, 95), (3, 2, 1, 0)),
    "systolic": ((90, 100, 110, 219), (3, 2, 1, 0, 3)),
    "pulse": ((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3)),
    "temperature": ((35.0, 36.0, 38.0, 39.0), (3, 1, 0, 1, 2)),
}
POSSIBLE = {"RESPR": (2, 100), "POPCT": (20, 100), "BPSYS": (30, 300), "PULSE": (10, 300), "TEMPF": (800, 1150)}
PROFILES = ("ambulance", "age", "news2", "unmeasured", "chronic", "shock-index", "spo2", "systolic", "respiration")


def number(row, column, low, high):
    value = float(row[column] or "nan")
    return value if low <= value <= high else NONE


def points(band, value):
    edges, scores = BANDS[band]
    return 0 if math.isnan(value) else scores[sum(value > edge for edge in edges)]


def profile(row):
    respiration, spo2, systolic, pulse, felt = (number(row, name, *POSSIBLE[name]) for name in POSSIBLE)
    temperature = round((felt / 10 - 32) / 1.8, 1)
    measured = {"respiration": respiration, "spo2": spo2, "systolic": systolic, "pulse": pulse, "temperature": temperature}
    diastolic = number(row, "BPDIAS", 10, 250)
    return {
        "ambulance": {1: 1, 2: 0}.get(float(row["ARREMS"]), NONE),
        "age": float(row["AGE"]),
        "news2": sum(points(band, value) for band, value in measured.items()),
        "unmeasured": sum(map(math.isnan, (*measured.values(), diastolic))),
        "chronic": number(row, "TOTCHRON", 0, 99),
        "shock-index": pulse / systolic,
        "spo2": spo2,
        "systolic": systolic,
        "respiration": respiration,
    }


def visits(folder, until):
    for year in range(FIRST_YEAR, until + 1):
        with gzip.open(folder / f"features_{year}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                if float(row["AGE"]) >= LEAST_AGE:
                    yield int(float(row["RFV1"])), profile(row)


YALE_NUMBERS = {  # profile: column, least and most that are possible
    "pulse": ("triage_vital_hr", 10, 300), "systolic": ("triage_vital_sbp", 30, 300), "respiration": ("triage_vital_rr", 2, 100),
    "spo2": ("triage_vital_o2", 20, 100), "temperature": ("triage_vital_temp", 80, 115), "admissions": ("n_admissions", 0, 999),
    "visits": ("n_edvisits", 0, 999),
}
YALE_PROFILES = ("ambulance", "age", *YALE_NUMBERS, "unmeasured")


def plain(name):
    return "".join(letter for letter in name.lower() if letter.isalnum())


def yale_visits(path):
    with gzip.open(path, "rt") as file:
        rows = csv.reader(file)
        header = next(rows)
        place = {name: number for number, name in enumerate(header)}
        complaints = [(number, plain(name[3:])) for number, name in enumerate(header) if name.startswith("cc_")]
        for row in rows:
            values = dict(zip(header, row))
            if float(values["age"] or 0) < LEAST_AGE:
                continue
            seen = {name: number(values, *limits) for name, limits in YALE_NUMBERS.items()}
            seen |= {"age": float(values["age"]), "ambulance": float(plain(row[place["arrivalmode"]]) == "ambulance"),
                     "unmeasured": float(math.isnan(seen["pulse"]))}
            yield [name for at, name in complaints if float(row[at] or 0) > 0], seen


class Means:
    def __init__(self, profiles=PROFILES):
        self.visits, self.sums, self.known = 0, dict.fromkeys(profiles, 0.0), dict.fromkeys(profiles, 0)

    def add(self, seen):
        self.visits += 1
        for name, value in seen.items():
            if not math.isnan(value):
                self.sums[name] += value
                self.known[name] += 1

    def towards(self, means):
        return {name: (self.sums[name] + K * means[name]) / (self.known[name] + K) for name in self.sums}

    def own(self):
        return {name: self.sums[name] / self.known[name] for name in self.sums}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--until", type=int, default=2018)
    arguments.add_argument("folder", type=Path)
    options = arguments.parse_args()
    everyone, groups, reasons = Means(), {}, {}
    for code, seen in visits(options.folder / "nhamcs", options.until):
        everyone.add(seen)
        if code > 0:
            groups.setdefault(code // 100, Means()).add(seen)
            reasons.setdefault(code // 10, Means()).add(seen)
    rows = {0: everyone.own()}
    for group in sorted(groups):
        if groups[group].visits >= LEAST_VISITS:
            rows[group] = groups[group].towards(rows[0])
    for reason in sorted(reasons):
        if reasons[reason].visits >= LEAST_VISITS:
            rows[reason] = reasons[reason].towards(rows.get(reason // 10, rows[0]))
    patients, complaints = Means(YALE_PROFILES), {}
    for names, seen in yale_visits(options.folder / "yale/yale_train.csv.gz"):
        patients.add(seen)
        for name in names:
            complaints.setdefault(name, Means(YALE_PROFILES)).add(seen)
    check_names()
    print(HEAD.replace("UNTIL", str(options.until)))
    for key, means in rows.items():
        print(f"    {{{key}, {{" + ", ".join(f"{means[name]:.4g}" for name in PROFILES) + "}},")
    print(MIDDLE)
    usual = patients.own()
    for name, means in [("", usual)] + [(name, complaints[name].towards(usual)) for name in sorted(complaints)]:
        if not name or complaints[name].visits >= LEAST_VISITS:
            print(f'    {{"{name}", {{' + ", ".join(f"{means[part]:.4g}" for part in YALE_PROFILES) + "}},")
    print(TAIL)


def check_names():
    """The columns' names stand in C: another order there would give each mean another's name."""
    reader = "".join((Path(__file__).resolve().parents[2] / "src/triage/dataset_reasons.c").read_text().split())
    for names in (PROFILES, YALE_PROFILES):
        if "{" + ",".join(f'"{name}"' for name in names) + "}" not in reader:
            raise SystemExit(f"src/triage/dataset_reasons.c does not name these columns in this order: {', '.join(names)}")


HEAD = """/* What visits for a reason are like when they come: means of what triage knows, over adult visits of the National Hospital Ambulatory
 * Medical Care Survey, emergency departments, 2015 to UNTIL (NCHS, public use files), by the reason's first four digits, else by
 * its group's three, else of all visits (0). Written by tools/triage/reasons.py, which says how; no outcome stands behind them. */
#ifndef SOYANG_TRIAGE_DATASET_REASONS_TABLE_H
#define SOYANG_TRIAGE_DATASET_REASONS_TABLE_H

#include "triage/dataset_reasons.h"

/* clang-format off */
static const struct profile_row profiles[] = {"""
MIDDLE = """};
/* The same of complaints of Hong et al. 2018 (cc_*), over all their adult visits; "": of all visits. */
static const struct complaint_row complaints[] = {"""
TAIL = """};
/* clang-format on */

#endif"""

if __name__ == "__main__":
    main()
