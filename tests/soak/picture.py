# SPDX-License-Identifier: Apache-2.0
"""A soak's memory and descriptors over time, as SVG."""

import statistics

from soak.trend import theil_sen, thinned
from support.svg import Drawing, steps

WIDTH, LEFT, RIGHT = 760, 64, 16
PANELS = [("memory, MiB", {"rss": "resident", "anon": "anonymous"}, 1 / 2**20, 200),
          ("count", {"fds": "descriptors", "maps": "mappings", "threads": "threads"}, 1, 130)]


def draw(samples, title):
    top, bottom, gap = 34, 34, 44
    drawing = Drawing(WIDTH, top + bottom + gap + sum(height for *_, height in PANELS), title)
    drawing.text(LEFT, 20, title, "title")
    length, y = samples[-1][0], top
    for label, series, scale, height in PANELS:
        panel(drawing, samples, (label, series, scale, height), y, length)
        y += height + gap
    return drawing.svg()


def panel(drawing, samples, what, top, length):
    label, series, scale, height = what
    marks = steps(max(value[name] * scale for _, value in samples for name in series))
    width = WIDTH - LEFT - RIGHT

    def x(seconds):
        return LEFT + width * seconds / length

    def y(value):
        return top + 18 + (height - 18) * (1 - value / marks[-1])

    for mark in marks:
        drawing.line([(LEFT, y(mark)), (WIDTH - RIGHT, y(mark))], "grid")
        drawing.text(LEFT - 8, y(mark) + 4, f"{mark:g}", "quiet", "end")
    unit, name = (60, "min") if length > 180 else (1, "s")
    for mark in steps(length / unit, 6):
        if mark * unit <= length:
            drawing.text(x(mark * unit), top + height + 15, f"{mark:g} {name}", "quiet", "middle")
    drawing.text(LEFT, top + 10, label, "quiet")
    for i, (name, caption) in enumerate(series.items()):
        drawing.line([(x(at), y(value[name] * scale)) for at, value in thinned(samples)], f"line c{i}")
        half = thinned([(at, value[name] * scale) for at, value in samples if at >= length / 2])
        trend(drawing, half, x, y, i)
        drawing.bar(LEFT + 150 + 170 * i, top, 10, 10, f"c{i}")
        drawing.text(LEFT + 165 + 170 * i, top + 10, caption)


def trend(drawing, half, x, y, colour):
    times, values = [at for at, _ in half], [value for _, value in half]
    slope, middle = theil_sen(times, values), statistics.median(values)
    centre = statistics.median(times)
    drawing.line([(x(at), y(middle + slope * (at - centre))) for at in (times[0], times[-1])], f"trend c{colour}")
