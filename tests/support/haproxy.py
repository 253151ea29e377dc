# SPDX-License-Identifier: Apache-2.0
"""HAProxy as the sidecar people run today: HTTP mode, keep-alive on both sides, with a tls.Certificate TLS towards clients."""

import pathlib
import signal

from . import places
from .child import Child
from .waiting import until

CONF = """\
global
  maxconn 4000
  nbthread {threads}
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  option http-keep-alive
  http-reuse {reuse}
frontend in
  bind 127.0.0.1:{port}{tls}
  default_backend out
backend out
  server s 127.0.0.1:{target}
"""


class Haproxy:
    def __init__(self, target, threads=2, reuse="safe", tls=None):
        self.port = places.free_port()
        self._scratch = places.scratch()
        directory = pathlib.Path(self._scratch.name)
        self._conf, self._scheme = directory / "haproxy.cfg", "https" if tls else "http"
        option = ""
        if tls:
            both = directory / "both.pem"
            both.touch(0o600)
            both.write_text(pathlib.Path(tls.certificate).read_text() + pathlib.Path(tls.key).read_text())
            option = f" ssl crt {both} alpn http/1.1"
        self._conf.write_text(CONF.format(port=self.port, target=target, threads=threads, reuse=reuse, tls=option))
        self._child = None

    def url(self, path="/"):
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    @property
    def pid(self):
        return self._child.pid

    def __enter__(self):
        self._child = Child([places.program("haproxy"), "-db", "-f", self._conf], name="haproxy")
        until(lambda: self._child.returncode is not None or places.listens(self.port), "haproxy listens")
        if self._child.returncode is not None:
            raise RuntimeError(self._child.output())
        return self

    def __exit__(self, *_):
        self._child.stop(signal.SIGTERM)
        self._scratch.cleanup()
