# SPDX-License-Identifier: Apache-2.0
"""DNS servers with zones of their own, and clients that ask in ways that no tool does."""

import contextlib
import pathlib
import socket
import struct
import subprocess
import threading

from . import places
from .child import Child
from .waiting import PATIENCE

TYPES = {"A": 1, "PTR": 12, "TXT": 16, "AAAA": 28, "HTTPS": 65}


class Dnsmasq:
    """Listens at 127.0.0.1 and ::1; lines: more of its configuration. In a host of its own (see Host) where `prefix` says so."""

    def __init__(self, *lines, port=None, prefix=(), address="127.0.0.1,::1"):
        self.port = port or places.free_port()
        self._scratch = places.scratch()
        conf = pathlib.Path(self._scratch.name) / "dnsmasq.conf"
        conf.write_text("\n".join((f"port={self.port}", f"listen-address={address}", "bind-interfaces", "no-resolv", "no-hosts",
                                   "user=root", "pid-file=", "local=/test/", *lines)) + "\n")
        self._argv = [*prefix, places.program("dnsmasq"), "--keep-in-foreground", "--log-facility=-", f"--conf-file={conf}"]
        self.child = None

    @property
    def pid(self):
        return self.child.pid

    def __enter__(self):
        self.child = Child(self._argv, name="dnsmasq")
        self.child.wait_for_line("started, version")
        return self

    def __exit__(self, *_):
        self.child.stop()
        self._scratch.cleanup()


UNBOUND = """\
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  chroot: ""
  username: ""
  pidfile: ""
  directory: "{directory}"
  use-syslog: no
  verbosity: 1
  num-threads: 1
  do-not-query-localhost: no
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  {server}
remote-control:
  control-enable: no
{more}
"""


class Unbound:
    def __init__(self, *server, more=""):
        self.port = places.free_port()
        self._scratch = places.scratch()
        conf = pathlib.Path(self._scratch.name) / "unbound.conf"
        conf.write_text(UNBOUND.format(port=self.port, directory=self._scratch.name, server="\n  ".join(server), more=more))
        self._argv = [places.program("unbound"), "-d", "-c", conf]
        self.child = None

    @property
    def pid(self):
        return self.child.pid

    def __enter__(self):
        self.child = Child(self._argv, name="unbound")
        self.child.wait_for_line("start of service")
        return self

    def __exit__(self, *_):
        self.child.stop()
        self._scratch.cleanup()


class Silent:
    """A socket that hears and never answers, unless told to: answer(response code)."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(20 * PATIENCE)
        self.port = self.socket.getsockname()[1]
        self._heard = []

    def hear(self):
        """Takes the next query, to be answered later."""
        self._heard.append(self.socket.recvfrom(4096))

    def answer(self, code=0):
        """Answers the query that came first."""
        if not self._heard:
            self.hear()
        query, who = self._heard.pop(0)
        self.socket.sendto(query[:2] + struct.pack(">H", 0x8180 | code) + query[4:6] + bytes(6) + query[12:], who)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Host:
    """A network namespace, and a mount namespace where /etc/resolv.conf is `resolv`; both live as long as its DNS server."""

    def __init__(self, resolv, *lines):
        self._scratch = places.scratch()
        file = pathlib.Path(self._scratch.name) / "resolv.conf"
        file.write_text(resolv)
        enter = ["unshare", "--net", "--mount", "sh", "-c",
                 f'ip link set lo up && mount --bind "{file}" /etc/resolv.conf && exec "$@"', "sh"]
        self.server = Dnsmasq(*lines, port=53, prefix=enter)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self._scratch.cleanup()

    def command(self, *arguments):
        """What runs the command on that host."""
        return ["nsenter", "--target", str(self.server.pid), "--net", "--mount", *map(str, arguments)]

    def run(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60 * PATIENCE)


def query(identity, name, kind="A"):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", TYPES[kind], 1)


def ask_many(port, names, connected=True, host="127.0.0.1"):
    """From one socket, all of them before the first answer."""
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)) as s:
        s.settimeout(10 * PATIENCE)
        if connected:
            s.connect((host, port))
        for identity, name in enumerate(names):
            message = query(identity, name)
            s.send(message) if connected else s.sendto(message, (host, port))
        return sorted(struct.unpack(">H", (s.recv(4096) if connected else s.recvfrom(4096)[0])[:2])[0] for _ in names)


def ask_many_over_tcp(port, names):
    """On one connection, all of them before the first answer."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), 10 * PATIENCE)) as s:
        s.sendall(b"".join(struct.pack(">H", len(m)) + m for m in (query(i, n) for i, n in enumerate(names))))
        stream = s.makefile("rb")
        return sorted(struct.unpack(">H", stream.read(struct.unpack(">H", stream.read(2))[0])[:2])[0] for _ in names)


def in_parallel(count, work):
    """Runs work(number) in so many threads at once."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
