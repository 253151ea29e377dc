# SPDX-License-Identifier: Apache-2.0
"""What an agent holds, sampled over time, and whether it grows."""

import dataclasses
import os
import pathlib
import re
import statistics

LONG = 600         # seconds; a shorter run is not over its warm-up (processes remembered, first windows, the allocator):
WARM_UP = 4 << 20  # bytes that its memory may rise, so that it finds gross leaks only

STATUS = {"rss": "VmRSS", "anon": "RssAnon", "threads": "Threads"}


@dataclasses.dataclass(frozen=True)
class Limit:
    """How much the trend may rise over the second half of a run: `absolute`, or `share` of the median if that is more."""
    unit: str
    scale: int
    absolute: float
    share: float = 0.0

    def of(self, values, seconds):
        warm_up = WARM_UP if self.scale > 1 and seconds < LONG else 0
        return max(self.absolute, warm_up, self.share * statistics.median(values))


# The trend of what only swings is not zero either: an open scrape is a descriptor, a window in flight is memory.
LIMITS = {
    "anon": Limit("KiB", 1024, absolute=768 * 1024, share=0.03),
    "rss": Limit("KiB", 1024, absolute=1024 * 1024, share=0.03),
    "fds": Limit("", 1, absolute=2),
    "maps": Limit("", 1, absolute=4),
    "threads": Limit("", 1, absolute=1),
}


def sample(pid):
    """{quantity: value} of the process now; bytes where it is memory."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    values = {}
    for name, field in STATUS.items():
        number, unit = re.search(rf"^{field}:\s+(\d+)( kB)?$", text, re.M).groups()
        values[name] = int(number) * (1024 if unit else 1)
    values["fds"] = len(os.listdir(f"/proc/{pid}/fd"))
    with open(f"/proc/{pid}/maps") as lines:
        values["maps"] = sum(1 for _ in lines)
    return values


def theil_sen(times, values):
    """The median of the slopes between all pairs of points: a few outliers do not move it."""
    slopes = [(values[j] - values[i]) / (times[j] - times[i])
              for i in range(len(times)) for j in range(i + 1, len(times)) if times[j] > times[i]]
    return statistics.median(slopes) if slopes else 0.0


def thinned(points, most=300):
    step = max(1, len(points) // most)
    return points[::step]


@dataclasses.dataclass
class Verdict:
    name: str
    first: float    # of the second half
    last: float
    median: float
    rise: float     # of the trend, over the second half
    limit: float

    @property
    def passed(self):
        return self.rise <= self.limit


def judge(samples):
    """One verdict per quantity, from [(seconds, {quantity: value})]."""
    half = thinned([s for s in samples if s[0] >= samples[-1][0] / 2])
    times = [at for at, _ in half]
    verdicts = []
    for name, limit in LIMITS.items():
        values = [value[name] for _, value in half]
        rise = theil_sen(times, values) * (times[-1] - times[0])
        verdicts.append(Verdict(name, values[0], values[-1], statistics.median(values), rise, limit.of(values, samples[-1][0])))
    return verdicts
