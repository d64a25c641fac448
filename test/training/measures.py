"""The cards' measures, computed a second time from their definitions: nothing is shared with tools/train."""
import csv
import math
from collections import defaultdict


def read(path):
    """{output: {repeat or "held out NAME": [row, ...]}}"""
    outputs = defaultdict(lambda: defaultdict(list))
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            outputs[row["output"]][int(row["repeat"]) if row["repeat"].isdigit() else row["repeat"]].append(row)
    return outputs


def auroc(labels, probabilities):
    """By counting pairs through sorted values: the share of (event, other) in the right order, ties half."""
    events = sorted(p for p, y in zip(probabilities, labels) if y)
    others = sorted(p for p, y in zip(probabilities, labels) if not y)
    below = equal = low = high = 0
    for p in events:
        while low < len(others) and others[low] < p:
            low += 1
        high = max(high, low)
        while high < len(others) and others[high] == p:
            high += 1
        below += low
        equal += high - low
    return (below + equal / 2) / (len(events) * len(others))


def brier(labels, probabilities):
    return sum((p - y) ** 2 for p, y in zip(probabilities, labels)) / len(labels)


def ece(labels, probabilities, bins=10):
    ranked = sorted(zip(probabilities, range(len(labels))))
    total = 0
    for number in range(bins):
        part = ranked[number * len(ranked) // bins:(number + 1) * len(ranked) // bins]
        total += abs(sum(p for p, _ in part) - sum(labels[i] for _, i in part))
    return total / len(labels)


def levels(mine, experts):
    n = len(mine)
    squares = sum((a - b) ** 2 for a, b in zip(mine, experts))
    chance = sum((a - b) ** 2 for a in mine for b in experts) / n
    return {"accuracy": sum(a == b for a, b in zip(mine, experts)) / n,
            "under_triage": sum(a > b for a, b in zip(mine, experts)) / n,
            "over_triage": sum(a < b for a, b in zip(mine, experts)) / n,
            "kappa": 1 - squares / chance,
            "urgent_missed": sum(b <= 2 and a >= 3 for a, b in zip(mine, experts))}


def caught(labels, probabilities, share):
    ranked = sorted(range(len(labels)), key=lambda i: (probabilities[i], i), reverse=True)
    return sum(labels[i] for i in ranked[:int(len(labels) * share)])


def at_threshold(labels, probabilities, threshold):
    """Sensitivity, specificity, flags per 100 and net benefit (Vickers and Elkin 2006) of flagging from the threshold on."""
    flags = [y for p, y in zip(probabilities, labels) if p >= threshold]
    events, hits = sum(labels), sum(flags)
    false = len(flags) - hits
    return {"sensitivity": hits / events, "specificity": 1 - false / (len(labels) - events), "flags_per_100": 100 * len(flags) / len(labels),
            "net_benefit": (hits - false * threshold / (1 - threshold)) / len(labels)}


def threshold_for(labels, probabilities, sensitivity):
    """The least probability among as many of the likeliest events as the sensitivity asks for."""
    events = sorted((p for p, y in zip(probabilities, labels) if y), reverse=True)
    return events[math.ceil(sensitivity * len(events) - 1e-9) - 1]


def calibration(labels, probabilities):
    """Slope and intercept of the outcome's log odds by those foretold, by weighted least squares again and again (Cox 1958)."""
    x = [math.log(p / (1 - p)) for p in (min(max(p, 1e-6), 1 - 1e-6) for p in probabilities)]
    slope, intercept = 1.0, 0.0
    for _ in range(25):
        q = [1 / (1 + math.exp(-(intercept + slope * v))) for v in x]
        w = [v * (1 - v) for v in q]
        z = [intercept + slope * a + (y - b) / c for a, b, c, y in zip(x, q, w, labels)]
        total = sum(w)
        mean_x, mean_z = sum(a * c for a, c in zip(x, w)) / total, sum(a * c for a, c in zip(z, w)) / total
        slope = (sum(c * (a - mean_x) * (b - mean_z) for a, b, c in zip(x, z, w)) / sum(c * (a - mean_x) ** 2 for a, c in zip(x, w)))
        intercept = mean_z - slope * mean_x
    return slope, intercept
