# SPDX-License-Identifier: Apache-2.0
"""Medians, quartiles and tables."""

import statistics


def quartiles(values):
    """(first quartile, median, third quartile)."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, median, third


def median(values):
    return statistics.median(values)


def spread(values, digits=2, scale=1.0):
    """"median (first–third quartile)"."""
    first, middle, third = (value * scale for value in quartiles(values))
    return f"{middle:,.{digits}f} ({first:,.{digits}f}–{third:,.{digits}f})"


def table(title, heads, rows):
    """A Markdown table that is aligned as plain text as well: the first column left, the others right."""
    cells = [heads] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]

    def line(row):
        parts = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "| " + " | ".join(parts) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]]) + "|"
    return "\n".join([f"### {title}", "", line(cells[0]), rule, *map(line, cells[1:]), ""])
