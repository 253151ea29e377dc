# SPDX-License-Identifier: Apache-2.0
"""chart.py PAGE > SVG: draws the tables that bench/run printed, so that picture and page cannot differ."""

import re
import sys

if __name__ == "__main__":
    import pathlib
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.svg import Drawing, steps

WIDTH, LABELS, RIGHT, BAR, GAP = 760, 260, 70, 16, 6
SPREAD = re.compile(r"(-?[\d,.]+)(?: \((-?[\d,.]+)–(-?[\d,.]+)\))?$")

# (heading of the table, columns that name a row, column that is drawn, title, unit)
PANELS = [
    ("Throughput and latency", ["set-up"], "requests/s, ratio", "Requests per second, against nginx alone", ""),
    ("Throughput and latency", ["set-up"], "p50, ratio", "Median latency, against nginx alone", ""),
    ("Cost to the watched processes, ns per request", ["rung", "response"], "per process",
     "Added to each watched process, ns per request", " ns"),
    ("The agent itself, under that load", ["rung"], "CPU µs/request", "CPU of the agent, µs per request", " µs"),
]


def tables(page):
    """{heading: rows as {column: text}}"""
    found = {}
    for block in re.split(r"^### ", page, flags=re.M)[1:]:
        lines = block.splitlines()
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:] if line.startswith("|")]
        if len(rows) > 2:
            found[lines[0].strip()] = [dict(zip(rows[0], row)) for row in rows[2:]]
    return found


def spread(text):
    """(first quartile, median, third quartile) of what figures.spread wrote."""
    median, first, third = SPREAD.match(text).groups()
    return tuple(float(value.replace(",", "")) for value in (first or median, median, third or median))


def panel(drawing, top, title, unit, bars):
    """Draws below `top`, and returns where it ends."""
    drawing.text(16, top, title, "title")
    marks = steps(max(values[2] for _, values, _ in bars))
    width = WIDTH - LABELS - RIGHT

    def x(value):
        return LABELS + width * value / marks[-1]

    y, bottom = top + 12, top + 12 + len(bars) * (BAR + GAP)
    for mark in marks:
        drawing.line([(x(mark), y), (x(mark), bottom)], "grid")
        drawing.text(x(mark), bottom + 12, f"{mark:g}", "quiet", "middle")
    for name, (first, median, third), colour in bars:
        drawing.text(LABELS - 8, y + 13, name, anchor="end")
        drawing.bar(LABELS, y + 2, x(median) - LABELS, BAR, colour)
        drawing.line([(x(first), y + 2 + BAR / 2), (x(third), y + 2 + BAR / 2)], "whisker")
        drawing.text(max(x(third), x(median)) + 6, y + 14, f"{median:,g}{unit}", "quiet")
        y += BAR + GAP
    return bottom + 44


def colour_of(name):
    return "c2" if "HAProxy" in name else "c4" if "alone" in name else "c0"


def draw(page):
    found = tables(page)
    panels = []
    for heading, names, column, title, unit in PANELS:
        rows = found.get(heading, [])
        bars = [(", ".join(row[name] for name in names), spread(row[column])) for row in rows]
        if bars:
            panels.append((title, unit, [(name, values, colour_of(name)) for name, values in bars]))
    height = 24 + sum(56 + len(bars) * (BAR + GAP) for *_, bars in panels)
    drawing, y = Drawing(WIDTH, height, "What Subfloor costs"), 28
    for title, unit, bars in panels:
        y = panel(drawing, y, title, unit, bars)
    return drawing.svg()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(draw(open(sys.argv[1], encoding="utf-8").read()))
