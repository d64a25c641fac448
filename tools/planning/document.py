#!/usr/bin/env python3
"""Write docs/simulation.md from what `soyang simulate` printed: nothing in its tables is typed by hand.

    soyang simulate --days 30 --policy all --seed 1 --grid --json --picture docs/simulation.svg > grid.json
    (a year of its own for the table of policies, where there is time: --days 365 without --grid, > year.json)
    python3 tools/planning/document.py grid.json grid.json

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
    ("unsafe_bypass_percent", "unsafe bypass %", 1)]


def cell(policy, key, digits):
    low, high = policy[key + "_lo"], policy[key + "_hi"]
    span = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{policy[key]:.{digits}f}{span}"


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)] + ["| " + " | ".join(row) + " |" for row in rows])


def validation(year):
    rows = [[f["id"], f"{f['predicted']:.2f}", f"{f['published']:.2f}", f"{f['misfit']:+.2f}", f"{f['tolerance']:.2f}",
             "held out" if f["held_out"] else "fitted" if f["judged"] else "shown",
             "holds" if f["holds"] else "FAILS" if f["judged"] else "misses", f["figure"] + ". " + f["source"]] for f in year["validation"]]
    return table(["figure", "predicted", "published", "misfit", "tolerance", "", "", "what, and whose"], rows)


def policies(year):
    rows = [[p["policy"]] + [cell(p, key, digits) for key, _, digits in MEASURES] + [f"{p['misfit']:.2f}"] for p in year["policies"]]
    return table(["policy"] + [name for _, name, _ in MEASURES] + ["misfit"], rows)


def gap(cell_):
    g = cell_.get("gap")
    if not g:
        return "-"
    mark = " **LOST**" if g["lost"] else " short of 50" if g["closed_percent"] < 50 else ""
    return f"{g['closed_percent']:.0f} [{g['closed_percent_lo']:.0f}, {g['closed_percent_hi']:.0f}] over {g['best_baseline']}{mark}"


def sensitivity(grid):
    parts = []
    names = [p["policy"] for p in grid["cells"][0]["policies"]]
    for key, name, digits in MEASURES:
        rows = [[c["cell"]] + [f"{p[key]:.{digits}f}" for p in c["policies"]] for c in grid["cells"]]
        parts.append(f"**{name}**\n\n" + table(["cell"] + names, rows))
    return "\n\n".join(parts)


def cells(grid):
    rows = []
    for c in grid["cells"]:
        at = {p["policy"]: p for p in c["policies"]}
        wrong = at["soyang"]["first_place_wrong_severe"] / max(1e-9, at["memory"]["first_place_wrong_severe"])
        short = at["clairvoyant"]["placed_percent"] - at["soyang"]["placed_percent"]
        rows.append([c["cell"], c["says"], gap(c), f"{c['limit']['dual_min']:.1f}", f"{100 * wrong:.0f}", f"{short:.2f}"])
    return table(["cell", "what is changed", "gap closed %", "limit min", "first place wrong, % of memory's", "placed, points below clairvoyant"], rows)


def frontier(year):
    rows = []
    points = {p["policy"]: (p["asked_per_severe"], p["minutes_to_definitive_severe"]) for p in year["policies"]}
    mine = points["soyang"]
    for name, (asked, minutes) in points.items():
        if name not in ("soyang", "clairvoyant"):
            rows.append([name, f"{asked:.2f}", f"{minutes:.1f}", "yes" if mine[0] <= asked and mine[1] <= minutes else
                         "no: fewer asked and fewer minutes" if asked <= mine[0] and minutes <= mine[1] else "neither dominates"])
    return f"soyang: {mine[0]:.2f} asked, {mine[1]:.1f} min.\n\n" + table(["baseline", "asked", "minutes", "soyang on or under it"], rows)


def assumed(year):
    return ", ".join(f"`{p['name']}` {p['value']:g}" for p in year["parameters"] if p["assumed"])


def main(year_path, grid_path):
    year, grid = (json.loads(pathlib.Path(p).read_text()) for p in (year_path, grid_path))
    limit = year["cells"][0]["limit"]
    values = {
        "VALIDATION": validation(year), "POLICIES": policies(year), "GAP": gap(year["cells"][0]), "CELLS": cells(grid),
        "SENSITIVITY": sensitivity(grid), "FRONTIER": frontier(year), "ASSUMED": assumed(year), "DAYS": str(year["days"]),
        "SEED": str(year["seed"]), "GRID_DAYS": str(grid["days"]), "SEVERE": str(limit["severe"]), "DUAL": f"{limit['dual_min']:.2f}",
        "PRIMAL": f"{limit['primal_min']:.2f}", "UNSERVABLE": str(limit["unservable"]), "PARAMETERS": year["hashes"]["parameters"],
        "REGION": year["hashes"]["region"], "POLICY": year["hashes"]["policy"]}
    out = TEMPLATE.read_text()
    for name, value in values.items():
        out = out.replace("{{" + name + "}}", value)
    (ROOT / "docs/simulation.md").write_text(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
