# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, never for a time."""

import os
import time

# Times so much longer before it gives up: for where a clock runs ahead of the work (bench/exact_guest.py).
PATIENCE = float(os.environ.get("SUBFLOOR_PATIENCE", "1"))


class Timeout(AssertionError):
    pass


def until(condition, what, seconds=10.0):
    """Returns the first true value of condition(); raises Timeout, which says `what`, after so many seconds."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f"after {seconds:g} s still not: {what() if callable(what) else what}")
        time.sleep(0.005)
