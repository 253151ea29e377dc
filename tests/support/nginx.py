# SPDX-License-Identifier: Apache-2.0
"""A real nginx with a configuration and a directory of its own."""

import pathlib
import re
import signal
import urllib.request

from . import places
from .child import Child
from .tls import trusting
from .waiting import PATIENCE, until

CONF = """\
daemon off;
worker_processes {workers};
error_log {dir}/error.log notice;
pid {dir}/nginx.pid;
events {{ worker_connections 4096; accept_mutex off; }}
http {{
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_max_body_size 1g;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  sendfile on;
  server {{
    {listens}
    root {dir}/www;
    location / {{ return 200 "hello from nginx\\n"; }}
    location /file/ {{ alias {dir}/www/; }}
    location /status/204 {{ return 204; }}
    location /status/404 {{ return 404; }}
    location = /stub_status {{ stub_status; }}
    location /upload {{
      # The body is read before the answer, which a bare `return` would not do.
      client_body_buffer_size 64k;
      proxy_request_buffering on;
      proxy_pass http://127.0.0.1:{port}/swallowed;
    }}
    {locations}
  }}
}}
"""


class Nginx:
    """`with Nginx() as nginx:`; nginx.port answers on 127.0.0.1 and ::1. `locations` is text for the server block.

    With a tls.Certificate it speaks TLS, and HTTP/2 to who wants it.
    """

    def __init__(self, workers=1, locations="", unix=False, reuseport=False, program=None, tls=None):
        self._program = program or places.program("nginx")
        self.port = places.free_port()
        self._scratch = places.scratch()
        self.directory = pathlib.Path(self._scratch.name)
        self.www = self.directory / "www"
        self.www.mkdir()
        self.unix_path = str(self.directory / "nginx.sock") if unix else None
        option = (" reuseport" if reuseport else "") + (" ssl http2" if tls else "")
        if tls:
            locations = f"ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};\n{locations}"
        listens = [f"listen 127.0.0.1:{self.port}{option};", f"listen [::1]:{self.port}{option};"]
        if unix:
            listens.append(f"listen unix:{self.unix_path};")
        self._conf = self.directory / "nginx.conf"
        self._conf.write_text(CONF.format(dir=self.directory, workers=workers, port=self.port,
                                          listens=" ".join(listens), locations=locations))
        self._child, self._workers = None, workers
        self._scheme = "https" if tls else "http"

    def file(self, name, size):
        """A file of that many bytes, served as /file/<name>."""
        path = self.www / name
        with open(path, "wb") as out:
            block = bytes(range(256)) * 4096
            for at in range(0, size, len(block)):
                out.write(block[:min(len(block), size - at)])
        return path

    def url(self, path="/"):
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        self._child = Child([self._program, "-p", self.directory, "-c", self._conf], name="nginx")
        until(lambda: self._child.returncode is not None or places.listens(self.port) and len(self.workers()) >= self._workers,
              self._trouble)
        if self._child.returncode is not None:
            raise RuntimeError(self._trouble())
        return self

    def _trouble(self):
        log = self.directory / "error.log"
        return f"nginx listens on {self.port}: {self._child.output()} {log.read_text() if log.exists() else ''}"

    def __exit__(self, *_):
        self._child.stop(signal.SIGTERM)
        self._scratch.cleanup()

    @property
    def pid(self):
        return self._child.pid

    def workers(self):
        """Pids of the workers."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def requests(self):
        """stub_status's count of requests so far, this question included."""
        return self._stub_status()[1]

    def requests_of_others_since(self, before):
        """Requests after requests() was `before` that are not questions of this kind, once no connection is open any more:
        a worker may still be at those whose client has gone."""
        asked = 0

        def alone():
            nonlocal asked
            asked += 1
            connections, requests = self._stub_status()
            return connections == 1 and requests
        return until(alone, "nginx has closed all connections", 60) - before - asked

    def _stub_status(self):
        """(open connections, requests so far), both with this question's."""
        with urllib.request.urlopen(self.url("/stub_status"), timeout=10 * PATIENCE, context=trusting()) as answer:
            text = answer.read().decode()
        connections = re.search(r"^Active connections: (\d+)", text).group(1)
        return int(connections), int(re.search(r"^\s*\d+\s+\d+\s+(\d+)\s*$", text, re.M).group(1))
