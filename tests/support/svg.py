# SPDX-License-Identifier: Apache-2.0
"""Small charts as SVG text, legible on light and on dark pages: the colours follow the reader's preference."""

import html
import math

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 14px; font-weight: 600; }
.quiet { fill: #57606a; }
.axis { stroke: #8c959f; stroke-width: 1; fill: none; }
.grid { stroke: #d0d7de; stroke-width: 1; fill: none; }
.page { fill: #ffffff; }
.c0 { fill: #0969da; stroke: #0969da; } .c1 { fill: #1a7f37; stroke: #1a7f37; } .c2 { fill: #bc4c00; stroke: #bc4c00; }
.c3 { fill: #8250df; stroke: #8250df; } .c4 { fill: #6e7781; stroke: #6e7781; }
polyline.line { fill: none; stroke-width: 1.5; }
polyline.trend { fill: none; stroke-width: 1.5; stroke-dasharray: 6 4; }
.whisker { stroke: #24292f; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9198a1; } .page { fill: #0d1117; } .grid { stroke: #30363d; }
  .c0 { fill: #58a6ff; stroke: #58a6ff; } .c1 { fill: #3fb950; stroke: #3fb950; } .c2 { fill: #f0883e; stroke: #f0883e; }
  .c3 { fill: #bc8cff; stroke: #bc8cff; } .c4 { fill: #9198a1; stroke: #9198a1; } .whisker { stroke: #e6edf3; }
}
"""


def number(value):
    """A coordinate, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def steps(highest, about=4):
    """Round numbers from 0 to at least `highest`."""
    raw = max(highest, 1e-9) / about
    magnitude = 10 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw)
    return [step * i for i in range(math.ceil(highest / step) + 1)]


class Drawing:
    def __init__(self, width, height, title):
        self.width, self.height, self.title, self._parts = width, height, title, []
        self.add(f'<rect class="page" width="{width}" height="{height}" rx="6"/>')

    def add(self, element):
        self._parts.append(element)

    def text(self, x, y, text, kind="", anchor="start"):
        self.add(f'<text class="{kind}" x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">{html.escape(text)}</text>')

    def line(self, points, kind):
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self.add(f'<polyline class="{kind}" points="{path}"/>')

    def bar(self, x, y, width, height, kind):
        self.add(f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(width)}" '
                 f'height="{number(height)}" stroke="none"/>')

    def svg(self):
        title = html.escape(self.title)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                f'width="{self.width}" height="{self.height}" role="img" aria-label="{title}">\n'
                f"<title>{title}</title>\n<style>\n{STYLE}</style>\n" + "\n".join(self._parts) + "\n</svg>\n")
