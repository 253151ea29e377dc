# SPDX-License-Identifier: Apache-2.0
"""Captures by tcpdump, and hosts next door: network namespaces at the other end of a veth pair."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

from . import places
from .child import Child
from .waiting import until

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _ip(*arguments):
    done = subprocess.run([places.program("ip"), *map(str, arguments)], capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(map(str, arguments))}: {done.stderr}")


class Neighbour:
    """A namespace whose only link is a veth pair to this one: we are 10.213.N.1 and fd21:N::1 on it, it is .2 and ::2.
    """

    def __init__(self, number=os.getpid() % 250):
        self.name = f"sft{os.getpid()}"
        self.link = f"sf{os.getpid()}a"
        self.number = number
        self.ours, self.theirs = f"10.213.{number}.1", f"10.213.{number}.2"
        self.ours6, self.theirs6 = f"fd21:{number:x}::1", f"fd21:{number:x}::2"

    def __enter__(self):
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self.link, "type", "veth", "peer", "name", "far", "netns", self.name)
            self._configure(self.link, (), self.ours, self.ours6)
            self._configure("far", ("-n", self.name), self.theirs, self.theirs6)
        except Exception:
            self.__exit__()
            raise
        return self

    def _configure(self, link, where, address, address6):
        _ip(*where, "link", "set", link, "up")
        _ip(*where, "address", "add", f"{address}/24", "dev", link)
        _ip(*where, "-6", "address", "add", f"{address6}/64", "dev", link, "nodad")

    def __exit__(self, *_):
        with contextlib.suppress(RuntimeError):
            _ip("link", "delete", self.link)
        _ip("netns", "delete", self.name)

    def _iptables(self, *arguments):
        done = subprocess.run([places.program("ip"), "netns", "exec", self.name, places.program("iptables"), *map(str, arguments)],
                              capture_output=True, text=True, timeout=20)
        if done.returncode != 0:
            raise RuntimeError(f"iptables {arguments}: {done.stderr}")
        return done.stdout

    def lose_one_in(self, number):
        """Of each so many segments that come or go, one is dropped. Those behind it are there before it is sent again."""
        for chain in ("INPUT", "OUTPUT"):
            self._iptables("-A", chain, "-p", "tcp", "-m", "statistic", "--mode", "nth", "--every", number, "--packet", 0,
                           "-j", "DROP")

    def lost(self):
        """How many segments were dropped so far."""
        listed = "".join(self._iptables("-nvxL", chain) for chain in ("INPUT", "OUTPUT"))
        return sum(int(line.split()[0]) for line in listed.splitlines() if "DROP" in line)

    @contextlib.contextmanager
    def entered(self):
        """Sockets made meanwhile by this thread are the neighbour's."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            self._set(there)
            try:
                yield
            finally:
                self._set(home)

    @staticmethod
    def _set(namespace):
        if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


class Capture:
    """tcpdump, writing to self.path what passes an interface while it is open."""

    def __init__(self, interface, *filters, flags=()):
        self._scratch = places.scratch()
        self.path = pathlib.Path(self._scratch.name) / "capture.pcap"
        self._argv = [places.program("tcpdump"), "-i", interface, "-n", "-U", "--immediate-mode", "-B", "65536", "-Z",
                      "root", "-w", self.path, *map(str, flags), *map(str, filters)]
        self._child = None

    def __enter__(self):
        self._child = Child(self._argv, name="tcpdump")
        self._child.wait_for_line("listening on")
        return self

    def wait_for(self, text):
        """Waits until the file has these bytes: then it has all that came before them."""
        until(lambda: text in self.path.read_bytes(), lambda: f"{text} captured: {self._child.output()}", 20)

    def stop(self):
        return self._child.stop(signal.SIGINT)

    def __exit__(self, *_):
        if self._child.returncode is None:
            self._child.stop(signal.SIGINT)
        self._scratch.cleanup()
