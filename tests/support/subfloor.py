# SPDX-License-Identifier: Apache-2.0
"""Subfloor itself as a child: `observe` with an agent of its own, the daemon, and its one-shot commands."""

import functools
import json
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

from . import places, records
from .child import Child
from .waiting import PATIENCE, Timeout, until

READY = "Ctrl-C to stop"
# Lasts through the pauses that a machine makes which is also compiling; what the default can bear is for the benchmark.
PATIENT_RING = "64MiB"


def run(*arguments, seconds=30, prefix=()):
    """A one-shot command: a CompletedProcess with text."""
    return subprocess.run([*prefix, places.binary(), *map(str, arguments)], capture_output=True, text=True,
                          timeout=seconds * PATIENCE, stdin=subprocess.DEVNULL)


@functools.cache
def _alone():
    """A directory with a configuration that makes `observe` run an agent of its own, whoever else runs one here."""
    directory = places.scratch()
    config = f'capture:\n  data_ring: {PATIENT_RING}\napi:\n  socket: ""\n'
    (pathlib.Path(directory.name) / "alone.yaml").write_text(config)
    return directory


def alone():
    """The path of that configuration."""
    return pathlib.Path(_alone().name) / "alone.yaml"


def check_end(child, code, failed):
    """It ended well, unless the test has failed already: a sanitizer speaks up at the end."""
    if code != 0 and not failed:
        raise AssertionError(f"{child.name} ended with {code}:\n{child.output()}")


class Observer:
    """`subfloor observe -o json`: ready when entered; its records are read as they come, or written to the file `out`.

    Without `config` it runs an agent of its own.
    """

    def __init__(self, rung=None, port=None, arguments=(), out=None, config=None):
        self.port = port
        argv = [places.binary(), "observe", "-o", "json", "--config", config or alone(), *map(str, arguments)]
        if rung:
            argv += ["--rung", rung]
        self._argv, self._out, self._parsed, self._read = argv, out, [], 0
        self.child = None

    def __enter__(self):
        self.child = Child(self._argv, stdout_path=self._out, name="subfloor observe")
        try:
            self.child.wait_for_line(READY)
        except Timeout:
            self.child.stop(signal.SIGKILL)
            raise
        return self

    def __exit__(self, kind, *_):
        if self.child.returncode is None:
            check_end(self.child, self.child.stop(signal.SIGINT), kind)

    def all(self):
        """Every record so far."""
        new = self.child.stdout.since(self._read)
        self._read += len(new)
        self._parsed += records.parse(new)
        return list(self._parsed)

    def records(self, kind=None, **wanted):
        """Records of the server under test (self.port, where given) whose properties equal what is wanted."""
        found = [r for r in self.all() if self.port is None or r.server_port == self.port]
        if kind:
            found = [r for r in found if r.kind == kind]
        return [r for r in found if all(getattr(r, name) == value for name, value in wanted.items())]

    def wait(self, count, kind=None, seconds=10, **wanted):
        """Waits for so many such records and returns them."""
        def trouble():
            return f"{count} records {kind or ''} {wanted}; there are {self.records()}\n{self.child.stderr.text()}"
        until(lambda: len(self.records(kind, **wanted)) >= count, trouble, seconds)
        return self.records(kind, **wanted)

    def stop(self):
        """Ctrl-C; returns the exit code. Everything delivered until now is in records() afterwards."""
        return self.child.stop(signal.SIGINT)


CONFIG = """\
capture:
  rung: "{rung}"
  ports: {ports}
  data_ring: {data_ring}
  tls: {tls}
prometheus:
  listen: 127.0.0.1:{port}
api:
  socket: {socket}
{more}
"""


class Agent:
    """`subfloor agent` with a configuration, a port and a socket of its own."""

    def __init__(self, rung="", ports="auto", data_ring="16MiB", tls="on", more="", env=None, prefix=()):
        self._env, self._prefix = env, prefix
        self.port = places.free_port()
        self._scratch = places.scratch()
        directory = pathlib.Path(self._scratch.name)
        self.socket = str(directory / "api.sock")
        self.config = directory / "subfloor.yaml"
        self._settings = {"rung": rung, "ports": ports, "data_ring": data_ring, "tls": tls, "more": more}
        self.configure()
        self.child = None

    def configure(self, **settings):
        """Writes the file anew, with these settings changed."""
        self._settings.update(settings)
        self.config.write_text(CONFIG.format(port=self.port, socket=self.socket, **self._settings))

    def reload(self, seconds=10):
        """SIGHUP; returns what `status` says of the configuration once that has been heeded."""
        def last():
            return self.status()["config"].get("last_reload", {}).get("time")
        before = last()
        self.child.send_signal(signal.SIGHUP)
        until(lambda: last() != before, lambda: f"reloaded: {self.status()}", seconds)
        return self.status()["config"]

    def start(self):
        self.child = Child([*self._prefix, places.binary(), "agent", "--config", self.config], env=self._env,
                           name="subfloor agent")
        try:
            until(lambda: self.child.returncode is not None or self.ready(),
                  lambda: f"the agent is ready: {self.child.output()}", 30)
            if self.child.returncode is not None:
                raise RuntimeError(f"the agent ended with {self.child.returncode}: {self.child.output()}")
        except Exception:
            self.child.stop(signal.SIGKILL)
            raise
        return self

    def stop(self, number=signal.SIGTERM):
        return self.child.stop(number)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        with self._scratch:
            if self.child.returncode is None:
                check_end(self.child, self.child.stop(), kind)

    @property
    def pid(self):
        return self.child.pid

    def get(self, path):
        """(status, text) of a question to the HTTP endpoint; status None where nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10 * PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None, ""

    def ready(self):
        return self.get("/readyz")[0] == 200

    def status(self):
        """`subfloor status -o json`, parsed."""
        done = run("status", "-o", "json", "--config", self.config)
        if done.returncode != 0:
            raise RuntimeError(f"status: exit code {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def metrics(self):
        """Samples of /metrics: a list of (name, labels, value)."""
        return parse_metrics(self.get("/metrics")[1])

    def calls(self):
        """Calls since the start, of both ends."""
        return sum(value for name, _, value in self.metrics() if name == "subfloor_calls_total")

    def observer(self, port=None, arguments=(), out=None):
        """`subfloor observe` as a client of this agent."""
        return Observer(port=port, arguments=arguments, out=out, config=self.config)

    def cpu_seconds(self):
        """User and system time of the agent so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def rss(self):
        """Resident bytes."""
        return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid}/status").read_text()).group(1)) * 1024


SAMPLE = re.compile(r'^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')


def parse_metrics(text):
    samples = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            samples.append((name, dict(LABEL.findall(labels or "")), float(value)))
    return samples


def completeness(status):
    """The completeness ratio since the start that `status` reports, 0 to 1."""
    return status["completeness"]["total"]


def lost(status):
    """Records lost for whatever cause, as `status` reports them."""
    return sum(count for causes in status["losses"].values() for count in causes.values())
