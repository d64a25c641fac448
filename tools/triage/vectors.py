#!/usr/bin/python3
"""Score vectors: every band edge and its neighbours, from the published tables, written here a second time and apart from the
C tables. Prints tab-separated lines: score, part, inputs, expected points of the part. Redirect to test/cases/scores/vectors.tsv.
With --fits: score, inputs, whether the score is meant for such a patient. Redirect to test/cases/scores/fits.tsv.

Sources: NEWS2, Royal College of Physicians 2017 (chart 1); MEWS, Subbe 2001; REMS, Olsson 2004; qSOFA, Singer 2016; SIRS, Bone
1992; ESI danger zone, AHRQ 2012; PALS hypotension, AHA 2020; SIPA, Acker 2015; CTAS first-order modifiers, Bullard 2008 and 2017. A band is [low, high], both ends in it."""

import sys

OPEN = 10 ** 6
# score, part, step, lowest and highest value to try, [(low, high, points)], fixed inputs, input name
BANDS = [
    ("news2", "respiration", 1, 1, 60, [(-OPEN, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, OPEN, 3)], "", "respiration"),
    ("news2", "spo2", 1, 50, 100, [(-OPEN, 91, 3), (92, 93, 2), (94, 95, 1), (96, OPEN, 0)], "", "spo2"),
    ("news2", "spo2", 1, 50, 100, [(-OPEN, 83, 3), (84, 85, 2), (86, 87, 1), (88, OPEN, 0)], "scale=2 oxygen=no", "spo2"),
    ("news2", "spo2", 1, 50, 100, [(-OPEN, 83, 3), (84, 85, 2), (86, 87, 1), (88, 92, 0), (93, 94, 1), (95, 96, 2), (97, OPEN, 3)],
     "scale=2 oxygen=yes", "spo2"),
    ("news2", "systolic", 1, 50, 300, [(-OPEN, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, OPEN, 3)], "", "systolic"),
    ("news2", "pulse", 1, 10, 250, [(-OPEN, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, OPEN, 3)], "", "pulse"),
    ("news2", "temperature", .1, 30, 43, [(-OPEN, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, OPEN, 2)], "",
     "temperature"),
    ("mews", "systolic", 1, 40, 300, [(-OPEN, 70, 3), (71, 80, 2), (81, 100, 1), (101, 199, 0), (200, OPEN, 2)], "", "systolic"),
    ("mews", "pulse", 1, 10, 250, [(-OPEN, 40, 2), (41, 50, 1), (51, 100, 0), (101, 110, 1), (111, 129, 2), (130, OPEN, 3)], "", "pulse"),
    ("mews", "respiration", 1, 1, 60, [(-OPEN, 8, 2), (9, 14, 0), (15, 20, 1), (21, 29, 2), (30, OPEN, 3)], "", "respiration"),
    ("mews", "temperature", .1, 30, 43, [(-OPEN, 34.9, 2), (35.0, 38.4, 0), (38.5, OPEN, 2)], "", "temperature"),
    ("rems", "age", 1, 16, 100, [(-OPEN, 44, 0), (45, 54, 2), (55, 64, 3), (65, 74, 5), (75, OPEN, 6)], "", "age"),
    ("rems", "map", 1, 30, 200, [(-OPEN, 49, 4), (50, 69, 2), (70, 109, 0), (110, 129, 2), (130, 159, 3), (160, OPEN, 4)], "", "map"),
    ("rems", "pulse", 1, 10, 250, [(-OPEN, 39, 4), (40, 54, 3), (55, 69, 2), (70, 109, 0), (110, 139, 2), (140, 179, 3), (180, OPEN, 4)],
     "", "pulse"),
    ("rems", "respiration", 1, 1, 70, [(-OPEN, 5, 4), (6, 9, 2), (10, 11, 1), (12, 24, 0), (25, 34, 1), (35, 49, 3), (50, OPEN, 4)], "",
     "respiration"),
    ("rems", "spo2", 1, 50, 100, [(-OPEN, 74, 4), (75, 85, 3), (86, 89, 1), (90, OPEN, 0)], "", "spo2"),
    ("rems", "gcs", 1, 3, 15, [(3, 4, 4), (5, 7, 3), (8, 10, 2), (11, 13, 1), (14, 15, 0)], "", "gcs"),
    ("qsofa", "respiration", 1, 1, 60, [(-OPEN, 21, 0), (22, OPEN, 1)], "", "respiration"),
    ("qsofa", "systolic", 1, 50, 250, [(-OPEN, 100, 1), (101, OPEN, 0)], "", "systolic"),
    ("qsofa", "altered", 1, 3, 15, [(3, 14, 1), (15, 15, 0)], "", "gcs"),
    ("sirs", "temperature", .1, 30, 43, [(-OPEN, 35.9, 1), (36.0, 38.0, 0), (38.1, OPEN, 1)], "", "temperature"),
    ("sirs", "pulse", 1, 10, 250, [(-OPEN, 90, 0), (91, OPEN, 1)], "", "pulse"),
    ("sirs", "respiration", 1, 1, 60, [(-OPEN, 20, 0), (21, OPEN, 1)], "", "respiration"),
    ("sirs", "leucocytes", .1, .5, 40, [(-OPEN, 3.9, 1), (4.0, 12.0, 0), (12.1, OPEN, 1)], "", "leucocytes"),
    ("ctas-vitals", "spo2", 1, 50, 100, [(-OPEN, 89, 1), (90, 91, 2), (92, 94, 3), (95, OPEN, 0)], "", "spo2"),
    ("ctas-vitals", "gcs", 1, 3, 15, [(3, 9, 1), (10, 13, 2), (14, 15, 0)], "", "gcs"),
    ("ctas-vitals", "systolic", 1, 50, 200, [(-OPEN, 89, 2), (90, OPEN, 0)], "mind=A", "systolic"),
    ("ctas-vitals", "systolic", 1, 50, 200, [(-OPEN, 89, 1), (90, OPEN, 0)], "mind=V", "systolic"),
]
for low, high, pulse, breath in ((0, 2, 180, 50), (3, 35, 160, 40), (36, 95, 140, 30), (96, 600, 100, 20)):
    for months in (low, high):
        BANDS.append(("esi-danger", "pulse", 1, 40, 300, [(-OPEN, pulse, 0), (pulse + 1, OPEN, 1)], f"months={months}", "pulse"))
        BANDS.append(("esi-danger", "respiration", 1, 4, 100, [(-OPEN, breath, 0), (breath + 1, OPEN, 1)], f"months={months}", "respiration"))
BANDS.append(("esi-danger", "spo2", 1, 50, 100, [(-OPEN, 91, 1), (92, OPEN, 0)], "months=480", "spo2"))

# Children: hypotension of PALS (AHA 2020) by months of age, and the age-adjusted shock index (Acker 2015) at a systolic pressure of 100.
for months, least in [(0, 60), (1, 70), (11, 70), (120, 90), (191, 90)] + [(m, 70 + 2 * (m // 12)) for y in range(1, 10) for m in (12 * y, 12 * y + 11)]:
    BANDS.append(("pals-pressure", "systolic", 1, 30, 200, [(-OPEN, least - 1, 1), (least, OPEN, 0)], f"months={months}", "systolic"))
for months, most in ((48, 122), (83, 122), (84, 100), (155, 100), (156, 90), (203, 90)):
    BANDS.append(("sipa", "ratio", 1, 40, 250, [(-OPEN, most, 0), (most + 1, OPEN, 1)], f"months={months} systolic=100", "pulse"))

MIND = [("news2", "mind", {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3}), ("mews", "mind", {"A": 0, "V": 1, "P": 2, "U": 3}),
        ("rems", "gcs", {"A": 0, "C": 0, "V": 1, "P": 2, "U": 3}), ("qsofa", "altered", {"A": 0, "C": 1, "V": 1, "P": 1, "U": 1}), ("ctas-vitals", "mind", {"A": 0, "V": 2, "P": 1, "U": 1})]
# Score, from and below which age in months it is meant, in pregnancy too, only after injury. NEWS2 (RCP 2017: 16 years, not in pregnancy) and by
# the adults they were made in: MEWS, REMS, shock index 16 years; qSOFA and SIRS 18. PALS: children, here under 16 years; SIPA: 4 to 16 years, injured.
FITS = [("news2", 192, OPEN, False, False), ("mews", 192, OPEN, False, False), ("rems", 192, OPEN, False, False), ("shock-index", 192, OPEN, False, False),
        ("qsofa", 216, OPEN, False, False), ("sirs", 216, OPEN, False, False), ("esi-danger", 0, OPEN, True, False), ("ctas-vitals", 0, OPEN, True, False),
        ("pals-pressure", 0, 192, True, False), ("sipa", 48, 204, True, True)]
OXYGEN = [("news2", "oxygen", {"no": 0, "yes": 2})]


def number(value, step):
    return f"{value:.1f}" if step < 1 else f"{value:.0f}"


def points(bands, value):
    return next(score for low, high, score in bands if low - 1e-9 <= value <= high + 1e-9)


def edges(bands, step, lowest, highest):
    """Each edge, one step below it and one above, and the ends of what is tried."""
    values = {lowest, highest}
    for low, high, _ in bands:
        for edge in (low, high):
            values.update(round(edge + offset, 1) for offset in (-step, 0, step))
    return sorted(v for v in values if lowest <= v <= highest)


def inputs(name, value, step):
    """A mean arterial pressure is asked for by pressures that are equal in thirds: diastolic m - 10, systolic m + 20."""
    if name == "map":
        return f"systolic={value + 20:.0f} diastolic={value - 10:.0f}"
    return f"{name}={number(value, step)}"


def fits():
    print("# Whom a score fits, at each limit of age; made by tools/triage/vectors.py. Free to use.")
    print("score\tinputs\tfits")
    vitals = "pulse=90 systolic=100"
    for score, low, high, pregnancy, injured in FITS:
        months = {m for edge in (low, high) for m in (edge - 1, edge, edge + 1) if 0 <= m <= 1200} | {480}
        for month in sorted(months):
            for hurt in (True, False) if injured else (False,):
                told = f"months={month} {vitals}" + (" injured=yes" if hurt else "")
                print(f"{score}\t{told}\t{'yes' if low <= month < high and hurt == injured else 'no'}")
        always = low == 0 and high == OPEN
        print(f"{score}\t{vitals}\t{'yes' if always else 'no'}")
        if high == OPEN:
            print(f"{score}\tmonths=360 {vitals} pregnant=yes\t{'yes' if pregnancy else 'no'}")


def main():
    print("# Band edges and their neighbours; made by tools/triage/vectors.py from the published tables. Free to use.")
    print("score\tpart\tinputs\tpoints")
    for score, part, step, lowest, highest, bands, fixed, name in BANDS:
        for value in edges(bands, step, lowest, highest):
            given = " ".join(filter(None, (fixed, inputs(name, value, step))))
            print(f"{score}\t{part}\t{given}\t{points(bands, value)}")
    for score, part, letters in MIND:
        for letter, expected in letters.items():
            print(f"{score}\t{part}\tmind={letter}\t{expected}")
    for score, part, answers in OXYGEN:
        for answer, expected in answers.items():
            print(f"{score}\t{part}\toxygen={answer}\t{expected}")


if __name__ == "__main__":
    fits() if sys.argv[1:] == ["--fits"] else main()
