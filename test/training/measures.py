"""The cards' measures, computed a second time from their definitions: nothing is shared with tools/train."""
import csv
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
