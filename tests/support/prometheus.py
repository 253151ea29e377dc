# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes one target every second."""

import json
import pathlib
import signal
import subprocess
import urllib.parse
import urllib.request

from . import places
from .child import Child
from .waiting import until

CONF = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: subfloor
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
"""


class Prometheus:
    def __init__(self, target):
        self.port = places.free_port()
        self._scratch = places.scratch()
        self._directory = pathlib.Path(self._scratch.name)
        (self._directory / "prometheus.yml").write_text(CONF.format(target=target))
        self._child = None

    def __enter__(self):
        self._child = Child([places.program("prometheus"), f"--config.file={self._directory}/prometheus.yml",
                             f"--storage.tsdb.path={self._directory}/data",
                             f"--web.listen-address=127.0.0.1:{self.port}"], name="prometheus")
        until(lambda: self._child.returncode is not None or places.listens(self.port), "prometheus listens", 30)
        if self._child.returncode is not None:
            raise RuntimeError(self._child.output())
        return self

    def __exit__(self, *_):
        self._child.stop(signal.SIGKILL)
        self._scratch.cleanup()

    def query(self, expression):
        """The result of an instant query: a list of {metric, value}; empty also while it starts up."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []


def check_metrics(text):
    """`promtool check metrics`: (exit code, its remarks)."""
    done = subprocess.run([places.program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True,
                          timeout=30)
    return done.returncode, (done.stdout + done.stderr).strip()
