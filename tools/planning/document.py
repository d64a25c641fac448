#!/usr/bin/env python3
"""Write docs/simulation.md and its pictures from what `soyang simulate` printed: nothing in its tables is typed by hand.

    ./dev bench simulation       runs what is needed and then this

    python3 tools/planning/document.py YEAR.json[,OTHER.json]... GRID.json SENSITIVITY.json[,SENSITIVITY.json]... REPLAY.txt [EARLIER.json]
    python3 tools/planning/document.py --sensitivity SENSITIVITY.json[,SENSITIVITY.json]...
    python3 tools/planning/document.py --seeds YEAR.json,OTHER.json[,OTHER.json]...

YEAR: --days 365 --policy all --json; OTHER: the same with another --seed, one paragraph each, which --seeds alone writes anew while the page's table is YEAR's; GRID: --grid --frontier; SENSITIVITY: --sensitivity; REPLAY: what --replay printed.
SENSITIVITY may be several runs of different numbers (--only). Alone, it writes its section and picture anew and leaves the rest of the page:
only while the engine and the parameters are those of the page. SENSITIVITY may be "-": the table and picture of the page as it stands are kept, and the page says so.
EARLIER: a year of an engine that has changed since, when SENSITIVITY and REPLAY are of that one too: the page says so.
Standard library only."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = pathlib.Path(__file__).with_name("simulation.md")
MEASURES = [
    ("minutes_to_definitive_severe", "minutes, severe", 1), ("first_place_wrong_severe", "first place wrong, severe %", 1),
    ("asked_per_severe", "asked, severe", 2), ("asked_per_patient", "asked", 2), ("accept_median_min", "accept median min", 1),
    ("accept_p95_min", "accept p95 min", 1), ("kept_local_mild", "local, mild %", 1), ("placed_severe_percent", "placed, severe %", 2),
    ("placed_percent", "placed %", 2), ("overload_hours_tertiary", "overload h", 0), ("retransfer_percent", "re-transfer %", 2),
    ("unsafe_bypass_percent", "unsafe bypass %", 1), ("acceptance_ece_percent", "ECE %", 2)]
BASELINES = ("capable", "parallel3", "memory", "national")


def number(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def cell(policy, key, digits):
    low, high = policy[key + "_lo"], policy[key + "_hi"]
    span = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return number(policy[key], digits) + span


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)] + ["| " + " | ".join(row) + " |" for row in rows])


def kind(f):
    return ("kept back" if f["kept_back"] else "fitted" if f["fitted"] else "shown" if not f["judged"]
            else "held out" if f["held_out"] else "judged, no test")


def validation(year):
    rows = []
    for f in year["validation"]:
        verdict = "" if f["kept_back"] else "holds" if f["holds"] else "**FAILS**" if f["judged"] else "misses"
        misfit = "-" if f["kept_back"] else f"{f['misfit']:+.2f}"
        rows.append([f["id"], f"{f['predicted']:.2f} [{f['predicted_lo']:.2f}, {f['predicted_hi']:.2f}]", number(f["published"], 2), misfit,
                     f"{f['tolerance']:.2f}", kind(f), verdict, f["figure"] + ". " + f["source"]])
    return table(["figure", "predicted", "published", "misfit", "tolerance", "", "", "what, and whose"], rows)


def counties(year):
    """What the text says of the counties' readings."""
    by = {f["id"]: f for f in year["validation"]}
    earlier_ = by["hongcheon-true-reaching"]
    says = [(f"{who}, from {way}: {sum(by[county + end]['holds'] for county in ('inje', 'cheorwon', 'hongcheon'))}") for end, who, way in (
        ("", "suspected", "leaving"), ("-reaching", "suspected", "reaching"), ("-true", "true", "leaving"), ("-true-reaching", "true", "reaching"))]
    over = abs(earlier_["misfit"]) - earlier_["tolerance"]
    return {"HONGCHEON": f"{earlier_['predicted']:.1f} [{earlier_['predicted_lo']:.1f}, {earlier_['predicted_hi']:.1f}]",
            "HONGCHEON_VERDICT": f"{'holding' if over <= 0 else 'missing'}, by {abs(over):.1f}", "READINGS": "; ".join(says),
            "SUSPECTED": f"{by['wrong-heart-suspected']['predicted']:.1f}"}


def policies(year):
    rows = [[p["policy"]] + [cell(p, key, digits) for key, _, digits in MEASURES] + [f"{p['misfit']:.2f}"] for p in year["policies"]]
    return table(["policy"] + [name for _, name, _ in MEASURES] + ["misfit"], rows)


def gap(cell_):
    g = cell_.get("gap")
    if not g:
        return "-"
    mark = " **LOST**" if g["lost"] else " short of 50" if g["closed_percent"] < 50 else ""
    return f"{g['closed_percent']:.0f} [{g['closed_percent_lo']:.0f}, {g['closed_percent_hi']:.0f}] over {g['best_baseline']}{mark}"


def by_measure(grid):
    parts = []
    names = [p["policy"] for p in grid["cells"][0]["policies"]]
    for key, name, digits in MEASURES[:-1]:
        rows = [[c["cell"]] + [number(p[key], digits) for p in c["policies"]] for c in grid["cells"]]
        parts.append(f"**{name}**\n\n" + table(["cell"] + names, rows))
    return "\n\n".join(parts)


def cells(grid):
    rows = []
    for c in grid["cells"]:
        at = {p["policy"]: p for p in c["policies"]}
        wrong = at["soyang"]["first_place_wrong_severe"] / max(1e-9, at["memory"]["first_place_wrong_severe"])
        short = at["clairvoyant"]["placed_percent"] - at["soyang"]["placed_percent"]
        rows.append([c["cell"], c["says"], gap(c), f"{c['limit']['dual_min']:.1f}", f"{100 * wrong:.0f}", f"{short:.2f}",
                     number(at["soyang"]["acceptance_ece_percent"], 2)])
    return table(["cell", "what is changed", "gap closed %", "limit min", "first place wrong, % of memory's", "placed, points below clairvoyant",
                  "ECE %"], rows)


def reading(year):
    """With and without the second reader; and a sentence that says how much of the share is due to which."""
    cell_ = year["cells"][0]
    at = {p["policy"]: p for p in year["policies"]}
    rows = [["`soyang`, with its second reader", cell(at["soyang"], "minutes_to_definitive_severe", 1), cell(at["soyang"], "first_place_wrong_severe", 1),
             f"{cell_['gap']['closed_percent']:.1f}"]]
    rows += [[r["who"], cell(r, "minutes_to_definitive_severe", 1), cell(r, "first_place_wrong_severe", 1), f"{r['closed_percent']:.1f}"] for r in cell_["reading"]]
    plain = next(r for r in cell_["reading"] if r["who"] == "soyang without the second reader")
    given = min((r for r in cell_["reading"] if "given" in r["who"]), key=lambda r: r["minutes_to_definitive_severe"])
    says = (f"Of the {cell_['gap']['closed_percent']:.1f} % closed, {plain['closed_percent']:.1f} are due to choosing alone, the rest to the second reader. The reader would bring the best "
            f"baseline that is given it {given['closed_percent']:.1f} % ({given['who']}); `soyang` is {given['minutes_to_definitive_severe'] - at['soyang']['minutes_to_definitive_severe']:.1f} "
            f"minutes better than that one.")
    return table(["who", "minutes, severe", "first place wrong, severe %", "gap closed %"], rows), says


def observations():
    reader = json.loads((ROOT / "regions/gangwon/simulation.json").read_text())["reader"]
    rows = []
    for t in reader["tests"]:
        yes = ", ".join(f"{100 * p['chance']:.1f} % of {p['need']}" for p in t["positive"])
        rows.append([t["name"], f"read as {', '.join(t['of'])}, from {t['age_from']} years, {100 * t['done']:.0f} %", f"{yes}; {100 * t['otherwise']:.1f} % of others", "nothing",
                     t["source"]])
    c = reader["consult"]
    rows.append(["a specialist is asked", f"read as level 1 to {c['level']}, but {', '.join(c['not_of'])}; {100 * c['answered']:.0f} % answer in time",
                 f"reads as it is: {100 * c['found']:.0f} % of what the crew missed, {100 * c['kept']:.0f} % of what it saw", f"{c['minutes']:g} minutes before anybody is asked", c["source"]])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows), reader["note"].split("Left out ", 1)[1]


def goal_rows(year):
    """Name, what was reached, the aim, and whether it was."""
    at = {p["policy"]: p for p in year["policies"]}
    mine, memory = at["soyang"], at["memory"]
    wrong = mine["first_place_wrong_severe"]
    overload = min(at[b]["overload_hours_tertiary"] for b in BASELINES)
    return [
        ("gap closed, %", gap(year["cells"][0]), "50", year["cells"][0]["gap"]["closed_percent"] >= 50),
        ("first place cannot treat, %", f"{wrong:.1f}; memory {memory['first_place_wrong_severe']:.1f}", "2, and half of memory",
         wrong <= 2 and wrong <= memory["first_place_wrong_severe"] / 2),
        ("placed, points below clairvoyant", f"{at['clairvoyant']['placed_percent'] - mine['placed_percent']:.2f}", "1",
         at["clairvoyant"]["placed_percent"] - mine["placed_percent"] <= 1),
        ("tertiary overload, hours", f"{mine['overload_hours_tertiary']:.0f}", f"{overload:.0f}, the best baseline's",
         mine["overload_hours_tertiary"] <= overload),
        ("level 4-5 kept local, %", f"{mine['kept_local_mild']:.1f}", "90", mine["kept_local_mild"] >= 90),
        ("acceptance model in use, ECE %", f"{mine['acceptance_ece_percent']:.2f}", "5", mine["acceptance_ece_percent"] <= 5)]


def goals(year):
    return table(["what", "reached", "aim", ""], [[a, b, c, "yes" if ok else "**no**"] for a, b, c, ok in goal_rows(year)])


def missed(year):
    return "; ".join(f"{a}: {b} (aim: {c})" for a, b, c, ok in goal_rows(year) if not ok) or "nothing"


def seeds(years):
    """A paragraph for each year after the first, which differs from it in its seed alone."""
    out = ""
    for other in years[1:]:
        if any(other[k] != years[0][k] for k in ("days", "year", "hashes", "validation")) or other["seed"] == years[0]["seed"]:
            sys.exit("another seed's year is not of the same world")
        at, g = {p["policy"]: p for p in other["policies"]}, other["cells"][0]["gap"]
        mine, best, overload = at["soyang"], at[g["best_baseline"]], min(BASELINES, key=lambda b: at[b]["overload_hours_tertiary"])
        minutes, verdict = against(g)
        out += (f"**Another seed.** The same {other['days']} days with seed {other['seed']} ({other['cells'][0]['limit']['severe']} severe patients, limit {other['cells'][0]['limit']['dual_min']:.2f} minutes): "
                f"`soyang` {cell(mine, 'minutes_to_definitive_severe', 1)} minutes, `{g['best_baseline']}` {cell(best, 'minutes_to_definitive_severe', 1)}, difference {minutes} ({verdict}); "
                f"gap closed, percent: {gap(other['cells'][0])}; first place wrong {cell(mine, 'first_place_wrong_severe', 1)} %, "
                f"`memory` {cell(at['memory'], 'first_place_wrong_severe', 1)}; overload {cell(mine, 'overload_hours_tertiary', 0)} hours, "
                f"the best baseline (`{overload}`) {cell(at[overload], 'overload_hours_tertiary', 0)}; ECE {mine['acceptance_ece_percent']:.2f} %.\n\n")
    return out


def seeds_alone(paths):
    """The paragraphs of other seeds into the page as it stands."""
    page, years = (ROOT / "docs/simulation.md").read_text(), [json.loads(pathlib.Path(p).read_text()) for p in paths.split(",")]
    before, after = goals(years[0]) + "\n\n", "## What is due to reading"
    if policies(years[0]) not in page or before not in page or years[0]["hashes"]["parameters"] not in page:
        sys.exit("the page is of another year")
    head, tail = page.split(before, 1)
    (ROOT / "docs/simulation.md").write_text(head + before + seeds(years) + tail[tail.index(after):])


def frontier(grid):
    baselines = {p["policy"]: (p["asked_per_severe"], p["minutes_to_definitive_severe"]) for p in grid["policies"]}
    points = [(c["cell"], c["says"], c["policies"][0]) for c in grid["frontier"]]
    rows = [[name, f"{p['asked_per_severe']:.2f}", f"{p['minutes_to_definitive_severe']:.1f}", says] for name, says, p in points]
    out = table(["soyang, asking", "asked", "minutes", "how"], rows) + "\n\n"
    rows = []
    for name in ("nearest",) + BASELINES:
        asked, minutes = baselines[name]
        under = [p for p, _, of in points if of["asked_per_severe"] <= asked and of["minutes_to_definitive_severe"] <= minutes]
        rows.append([name, f"{asked:.2f}", f"{minutes:.1f}", "; ".join(under) if under else "**none**"])
    return out + table(["baseline", "asked", "minutes", "points of soyang on or under it"], rows)


def joined(paths):
    """Runs of different numbers of the same parameters, days and seed, as one."""
    runs = [json.loads(pathlib.Path(p).read_text()) for p in paths.split(",")]
    out = runs[0]
    for run in runs[1:]:
        same = all(run[k] == out[k] for k in ("days", "seed", "year", "hashes"))
        if not same or run["cells"][0]["policies"] != out["cells"][0]["policies"]:
            sys.exit("the sensitivity's runs are not of the same world")
        out["sensitivity"] += run["sensitivity"]
    return out


def against(gap_):
    """Minutes against the best baseline, paired by batches of days; and what that says."""
    low, high = gap_["minutes_against_best_lo"], gap_["minutes_against_best_hi"]
    verdict = "**lost**" if gap_["lost"] else "won" if high < 0 else "spans zero"
    return f"{gap_['minutes_against_best']:+.1f} [{low:+.1f}, {high:+.1f}]", verdict


def swings(run):
    """Each parameter's cells, those that move the gap most first."""
    middle, found = run["cells"][0]["gap"]["closed_percent"], {}
    for c in run["sensitivity"]:
        found.setdefault(c["cell"], []).append(c)
    return middle, sorted(found.items(), key=lambda row: -max(abs(c["gap"]["closed_percent"] - middle) for c in row[1]))


def due(run):
    """Names of the numbers that a whole sensitivity changes, as the program chooses them."""
    return [p["name"] for p in run["parameters"] if (p["assumed"] or p["source"].startswith("fitted")) and p["value"] > 0 and "2025" not in p["name"]]


def sensitivity_row(name, c):
    at = {p["policy"]: p for p in c["policies"]}
    minutes, verdict = against(c["gap"])
    return [name, c["says"], number(at["soyang"]["minutes_to_definitive_severe"], 1), c["gap"]["best_baseline"], minutes, verdict,
            number(at["soyang"]["first_place_wrong_severe"], 1), number(c["gap"]["closed_percent"], 0)]


def base_policies(run):
    """As in the file, the policies that the sensitivity runs."""
    ran = {p["policy"] for p in run["sensitivity"][0]["policies"]}
    return [p for p in run["cells"][0]["policies"] if p["policy"] in ran]


def sensitivity(run):
    middle, rows = swings(run)
    base = run["cells"][0]
    lines = [sensitivity_row("as in the file", {**base, "says": ""})]
    lines += [sensitivity_row(f"`{name}`", c) for name, pair in rows for c in pair]
    verdicts = [line[5] for line in lines[1:]]
    left = sorted(set(due(run)) - {name for name, _ in rows})
    same = [name for name, pair in rows if all(c["policies"] == base_policies(run) for c in pair)]
    says = (f"{len(verdicts)} rows of {len(rows)} numbers: won {verdicts.count('won')}, spans zero {verdicts.count('spans zero')}, lost "
            f"{verdicts.count('**lost**')}. Of these numbers {len(same)} change nothing for anybody here (today's practice alone uses them, or nothing came of them): "
            + ", ".join(f"`{name}`" for name in sorted(same)) + ".\n\n")
    out = says + table(["assumption", "set to", "soyang, minutes", "best baseline", "soyang's less its minutes", "", "first place wrong %", "gap closed %"], lines)
    if left:
        out += (f"\n\nNot run at this length ({len(left)} numbers; `soyang simulate --sensitivity --only NAME,... --days {run['days']}`): "
                + ", ".join(f"`{name}`" for name in left) + ".")
    return out


def tornado(run):
    base = run["cells"][0]["gap"]
    points = [(f"{name} {c['says']}", c["gap"]) for name, pair in swings(run)[1] for c in pair]
    points = [("as in the file", base)] + points[:40]
    low = min(min(g["minutes_against_best_lo"] for _, g in points), -1)
    high = max(max(g["minutes_against_best_hi"] for _, g in points), 1)
    at = lambda v: 260 + 470 * (v - low) / (high - low)
    height = 60 + 16 * len(points)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="11">',
           f'<rect width="760" height="{height}" fill="#ffffff"/>',
           f'<text x="10" y="18">Minutes of soyang less those of the best baseline, severe, 95 % by paired batches of days; {run["days"]} days</text>']
    for value, colour in ((0, "#d55e00"), (base["minutes_against_best"], "#0072b2")):
        out.append(f'<line x1="{at(value):.1f}" y1="38" x2="{at(value):.1f}" y2="{height - 10}" stroke="{colour}"/>')
        out.append(f'<text x="{at(value):.1f}" y="34" text-anchor="middle" fill="{colour}">{value:.1f}</text>')
    for i, (name, g) in enumerate(points):
        y = 50 + 16 * i
        colour = "#d55e00" if g["lost"] else "#0072b2" if g["minutes_against_best_hi"] < 0 else "#777777"
        out.append(f'<text x="250" y="{y + 4}" text-anchor="end">{name}</text>')
        out.append(f'<line x1="{at(g["minutes_against_best_lo"]):.1f}" y1="{y}" x2="{at(g["minutes_against_best_hi"]):.1f}" y2="{y}" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<circle cx="{at(g["minutes_against_best"]):.1f}" cy="{y}" r="3" fill="{colour}"/>')
    return "\n".join(out + ["</svg>"]) + "\n"


def sensitivity_alone(paths):
    """The section, and the sentences of the template about it and after it up to what is assumed, into the page as it stands."""
    page, template, run = (ROOT / "docs/simulation.md").read_text(), TEMPLATE.read_text(), joined(paths)
    if run["hashes"]["parameters"] not in page:
        sys.exit("the page is of other parameters")
    new = template[template.index("## Sensitivity, "):template.index("\n## Assumed")]
    for name, value in {"SENSITIVITY_DAYS": str(run["days"]), "SENSITIVITY": sensitivity(run), "EARLIER_NOTE": "", "KEPT_NOTE": ""}.items():
        new = new.replace("{{" + name + "}}", value)
    assumed = "## Assumed\n\n" + parameters(run, lambda p: p["assumed"]) + "\n"
    page = page[:page.index("## Sensitivity, ")] + new + "\n" + assumed + page[page.index("\n## Made by"):]
    (ROOT / "docs/simulation.md").write_text(page)
    (ROOT / "docs/simulation-sensitivity.svg").write_text(tornado(run))


def parameters(year, wanted):
    return ", ".join(f"`{p['name']}` {p['value']:g}" for p in year["parameters"] if wanted(p))


def earlier(path):
    if path is None:
        return "", ""
    year = json.loads(pathlib.Path(path).read_text())
    at = {p["policy"]: p for p in year["policies"]}
    line = (f"The engine before its last change, {year['days']} days, seed {year['seed']}, the same parameters: `soyang` "
            f"{cell(at['soyang'], 'minutes_to_definitive_severe', 1)} minutes, first place wrong {at['soyang']['first_place_wrong_severe']:.1f} %, "
            f"ECE {at['soyang']['acceptance_ece_percent']:.2f} %; `memory` {cell(at['memory'], 'minutes_to_definitive_severe', 1)}, `capable` "
            f"{cell(at['capable'], 'minutes_to_definitive_severe', 1)}; `clairvoyant` {at['clairvoyant']['minutes_to_definitive_severe']:.1f}; limit "
            f"{year['cells'][0]['limit']['dual_min']:.1f}; gap closed, percent: {gap(year['cells'][0])}.\n\n")
    return line, " By the engine before its last change."


def kept_sensitivity():
    """Days, table and remark of the page as it stands: of the engine before its last change."""
    page = (ROOT / "docs/simulation.md").read_text()
    section = page.split("\n## Sensitivity, ", 1)[1].split("\n## ", 1)[0]
    return section.split(" days each", 1)[0], section.split("by-assumption", 1)[-1].split("simulation-sensitivity.svg)\n", 1)[1].strip()


def main(year_path, grid_path, sensitivity_path, replay_path, earlier_path=None):
    earlier_line, earlier_note = earlier(earlier_path)
    years = [json.loads(pathlib.Path(p).read_text()) for p in year_path.split(",")]
    year, grid = years[0], json.loads(pathlib.Path(grid_path).read_text())
    if sensitivity_path == "-":
        days, swings_table = kept_sensitivity()
        kept_note = " By the engine before its last change."
    else:
        changed = joined(sensitivity_path)
        days, swings_table, kept_note = str(changed["days"]), sensitivity(changed), ""
    limit = year["cells"][0]["limit"]
    reading_table, reading_says = reading(year)
    observed, left_out = observations()
    at = {p["policy"]: p for p in year["policies"]}
    values = {
        **counties(year), "VALIDATION": validation(year), "POLICIES": policies(year), "GAP": gap(year["cells"][0]), "CELLS": cells(grid), "GOALS": goals(year), "MISSED": missed(year), "SEEDS": seeds(years),
        "BY_MEASURE": by_measure(grid), "FRONTIER": frontier(grid), "SENSITIVITY": swings_table, "KEPT_NOTE": kept_note,
        "ASSUMED": parameters(year, lambda p: p["assumed"]), "FITTED": parameters(year, lambda p: p["source"].startswith("fitted")),
        "PLAIN": next(f"{r['closed_percent']:.0f}" for r in year["cells"][0]["reading"] if r["who"] == "soyang without the second reader"),
        "READING": reading_table, "READING_SAYS": reading_says, "OBSERVATIONS": observed, "LEFT_OUT": left_out,
        "DAYS": str(year["days"]), "SEED": str(year["seed"]), "GRID_DAYS": str(grid["days"]), "SENSITIVITY_DAYS": days,
        "RUNS": str(year["validation_runs"]), "OBJECTIVE": f"{year['fit_objective']:.2f}", "SEVERE": str(limit["severe"]),
        "DUAL": f"{limit['dual_min']:.2f}", "PRIMAL": f"{limit['primal_min']:.2f}", "UNSERVABLE": str(limit["unservable"]),
        "GREEDY": f"{at['clairvoyant']['minutes_to_definitive_severe']:.1f}", "REPLAY": pathlib.Path(replay_path).read_text().strip(),
        "EARLIER": earlier_line, "EARLIER_NOTE": earlier_note, "FROZEN": "is" if year["hashes"]["frozen"] else "IS NOT", "PARAMETERS": year["hashes"]["parameters"],
        "REGION": year["hashes"]["region"], "POLICY": year["hashes"]["policy"]}
    out = TEMPLATE.read_text()
    for name, value in values.items():
        out = out.replace("{{" + name + "}}", value)
    (ROOT / "docs/simulation.md").write_text(out)
    if sensitivity_path != "-":
        (ROOT / "docs/simulation-sensitivity.svg").write_text(tornado(changed))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--sensitivity":
        sensitivity_alone(sys.argv[2])
        sys.exit(0)
    if len(sys.argv) == 3 and sys.argv[1] == "--seeds":
        seeds_alone(sys.argv[2])
        sys.exit(0)
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    main(*sys.argv[1:])
