#!/usr/bin/env python3
"""Set the simulator's free parameters from the fitted figures of regions/gangwon/simulation.json, and freeze the file.

    python3 tools/planning/fit.py [--program build/release/soyang] [--rounds N] [--check | --freeze]

Free are the parameters whose source begins with "fitted". The objective is the sum over the figures marked "fitted" (2023 and
earlier) of (misfit / tolerance) squared, each predicted as a mean over years of seeds 1 to 3; it is brought down by
Levenberg-Marquardt steps over differences, always from the same START, for at most 10 rounds (until one gains less than 0.02), clipped to each parameter's low and high. The program is
run with --fitted-only: figures of later years and of the counties are neither simulated nor told. At the end the values are
written (three significant digits) and the file's SHA-256 beside it (simulation.sha256): what is compared afterwards says "frozen".
--check only tells whether the file is the frozen one. --freeze is for a change of the file that no fitted figure can see (what only one
policy uses, a source's wording): the fitted figures are predicted again with the values as they stand, and unless their objective is the
one that the fit reached (under 0.05) nothing is frozen. Standard library only."""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "regions/gangwon/simulation.json"
FROZEN = FILE.with_suffix(".sha256")
RUNS = 3
STEP = 0.08  # of a value, for differences
FREEZE_UNDER = 0.05
START = {"turnout_min": 2.5, "turn_away": 0.055, "practice_nearest": 0.5, "ambulance_travel": 0.72, "transfer_refuse": 0.68}


def predict(program, values):
    names = ",".join(f"{name}={value:.6g}" for name, value in values.items())
    run = subprocess.run([program, "simulate", "--days", "1", "--fitted-only", "--json", "--validation-runs", str(RUNS), "--set", names],
                         capture_output=True, text=True, cwd=ROOT, check=True)
    return {f["id"]: (f["predicted"] - f["published"]) / f["tolerance"] for f in json.loads(run.stdout)["validation"]}


def solve(matrix, right):
    """Gauss with pivots."""
    n = len(right)
    rows = [list(matrix[i]) + [right[i]] for i in range(n)]
    for i in range(n):
        best = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for k in range(n):
            if k != i:
                by = rows[k][i] / rows[i][i]
                rows[k] = [a - by * b for a, b in zip(rows[k], rows[i])]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def total(misfit):
    return sum(m * m for m in misfit.values())


def clip(rows, values):
    return {name: min(rows[name]["high"], max(rows[name]["low"], value)) for name, value in values.items()}


def fit(program, rows, rounds):
    free = {name for name, row in rows.items() if row["source"].startswith("fitted")}
    if free != set(START):
        sys.exit(f"free in the file, or in START, but not in both: {sorted(free ^ set(START))}")
    values = dict(START)
    misfit, damping = predict(program, values), 0.3
    print(f"start {total(misfit):.4f}", values, flush=True)
    for turn in range(rounds):
        slopes = {}
        for name in values:
            moved = clip(rows, {**values, name: values[name] * (1 + STEP)})
            moved = moved if moved[name] != values[name] else {**values, name: values[name] * (1 - STEP)}
            after = predict(program, moved)
            share = moved[name] / values[name] - 1
            slopes[name] = {figure: (after[figure] - misfit[figure]) / share for figure in misfit}
        names = list(values)
        normal = [[sum(slopes[a][f] * slopes[b][f] for f in misfit) for b in names] for a in names]
        right = [-sum(slopes[a][f] * misfit[f] for f in misfit) for a in names]
        before = total(misfit)
        for _ in range(4):
            damped = [[normal[i][k] * (1 + damping * (i == k)) + 1e-9 * (i == k) for k in range(len(names))] for i in range(len(names))]
            step = [max(-0.5, min(0.5, s)) for s in solve(damped, right)]
            tried = clip(rows, {name: values[name] * (1 + s) for name, s in zip(names, step)})
            after = predict(program, tried)
            if total(after) < total(misfit):
                values, misfit, damping = tried, after, damping / 3
                break
            damping *= 4
        print(f"round {turn + 1}: {total(misfit):.4f}", {n: round(v, 4) for n, v in values.items()}, flush=True)
        if before - total(misfit) < 0.02:
            break
    return values, misfit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/soyang"))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--freeze", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        said = FROZEN.read_text().split()[0] if FROZEN.exists() else ""
        same = said == hashlib.sha256(FILE.read_bytes()).hexdigest()
        print("frozen" if same else "NOT frozen: the file is not the one whose hash was written down")
        return 0 if same else 1
    document = json.loads(FILE.read_text())
    if arguments.freeze:
        misfit = predict(arguments.program, {name: document["parameters"][name]["value"] for name in START})
        if total(misfit) >= FREEZE_UNDER:
            sys.exit(f"not frozen: the fitted figures miss by {total(misfit):.4f}: fit again")
        print(f"objective {total(misfit):.4f} with the values as they stand")
    else:
        values, misfit = fit(arguments.program, document["parameters"], arguments.rounds)
        for name, value in values.items():
            document["parameters"][name]["value"] = float(f"{value:.3g}")
        FILE.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    FROZEN.write_text(f"{hashlib.sha256(FILE.read_bytes()).hexdigest()}  {FILE.name}\n")
    for figure, share in misfit.items():
        print(f"{figure:20} {share:+.2f} tolerances")
    print("frozen:", FROZEN.read_text().split()[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
