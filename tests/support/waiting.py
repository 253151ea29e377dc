# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, never for a time."""

import time


class Timeout(AssertionError):
    pass


def until(condition, what, seconds=10.0):
    """Returns the first true value of condition(); raises Timeout, which says `what`, after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f"after {seconds:g} s still not: {what() if callable(what) else what}")
        time.sleep(0.005)
