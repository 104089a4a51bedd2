"""The table that a benchmark prints and keeps."""

import json
import os
import statistics

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")


def median(values):
    return statistics.median(values)


def ratio(value):
    return "-" if value is None else f"{value:.2f}"


def table(head, rows):
    """Markdown that is also readable as text."""
    rows = [list(map(str, row)) for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def facts(values):
    return table(["", "value"], values.items())


def goals(of):
    """A row for each goal: its name, the figures of the rounds, the sense and the goal."""
    return table(
        ["what", "by round", "median", "goal", ""],
        [[name, " ".join(map(ratio, values)), ratio(median(values)), f"{sense} {goal}",
          "reached" if reached(median(values), sense, goal) else "missed"]
         for name, values, sense, goal in of])


def reached(value, sense, goal):
    return value >= goal if sense == "≥" else value <= goal


def keep(machine, name, text, data):
    """Writes a report as DATE-HOST-NAME.md, and all its figures as JSON beside it."""
    os.makedirs(RESULTS, exist_ok=True)
    stamp = machine["date"].replace(":", "")
    path = os.path.join(RESULTS, f"{stamp}-{machine['host']}-{name}")
    with open(path + ".md", "w") as file:
        file.write(text + "\n")
    with open(path + ".json", "w") as file:
        json.dump({"machine": machine, **data}, file, indent=1)
    return path + ".md"
