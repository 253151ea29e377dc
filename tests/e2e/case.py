# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests have in common."""

import json
import os
import subprocess
import sys
import unittest

from support import places
from support.subfloor import Observer, run


def _rungs():
    """The best way of attaching that works on this kernel, and the one that works on all, unless SUBFLOOR_RUNGS=best."""
    report = json.loads(run("doctor", "-o", "json").stdout)
    best = next(sensor["rung"] for sensor in report["sensors"] if sensor["name"] == "tcp")
    return (best,) if os.environ.get("SUBFLOOR_RUNGS") == "best" else tuple(dict.fromkeys((best, "syscall")))


RUNGS = _rungs()


def on_every_rung(mixin):
    """Makes one TestCase per rung out of a class that is none itself; self.rung tells the tests which one it is."""
    module = sys.modules[mixin.__module__]
    for rung in RUNGS:
        name = f"{mixin.__name__}On{rung.capitalize()}Rung"
        setattr(module, name, type(name, (mixin, Case), {"rung": rung, "__module__": mixin.__module__}))
    return mixin


class Case(unittest.TestCase):
    rung = None
    longMessage = True
    maxDiff = None

    def observe(self, port=None, **more):
        return Observer(self.rung, port, **more)

    def seen(self, observer, count, seconds=10, **wanted):
        """(server records, client records): exactly `count` of each, once all is delivered and it has ended.

        By when the calls began: those of one connection are told in that order, connections in none.
        """
        observer.wait(count, "server", seconds, **wanted)
        observer.wait(count, "client", seconds, **wanted)
        self.assertEqual(observer.stop(), 0, observer.child.stderr.text())
        servers, clients = (sorted(observer.records(kind, **wanted), key=lambda record: record["time"])
                            for kind in ("server", "client"))
        self.assertEqual(len(servers), count, servers)
        self.assertEqual(len(clients), count, clients)
        return servers, clients

    def assert_call(self, record, path, status=200, method="GET", **properties):
        """A whole record of that call."""
        for name, value in {"method": method, "path": path, "status": status, "partial": False, **properties}.items():
            self.assertEqual(getattr(record, name), value, f"{name} of {record}")

    def curl(self, *arguments):
        """Runs curl and returns what it printed."""
        done = subprocess.run([places.program("curl"), "-sS", "--noproxy", "*", *map(str, arguments)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
