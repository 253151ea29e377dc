# SPDX-License-Identifier: Apache-2.0
"""A real MariaDB server with a data directory of its own, on a TCP port and a unix socket; never as root."""

import functools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

from . import places
from .child import Child
from .waiting import until

USER, PASSWORD, DATABASE = "shop", "pa55w0rd-9f2c", "orders"
SETUP = f"""
CREATE DATABASE {DATABASE};
CREATE DATABASE other;
CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'%';
CREATE TABLE {DATABASE}.items (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100), data LONGBLOB);
INSERT INTO {DATABASE}.items (name) VALUES ('first'), ('second'), ('third');
FLUSH PRIVILEGES;
"""


def _account():
    """Somebody without privileges, as the server is somebody."""
    try:
        return pwd.getpwnam("mysql")
    except KeyError:
        return pwd.getpwnam("nobody")


@functools.cache
def _template():
    """A data directory as mariadb-install-db makes it, copied by each server: making one takes seconds."""
    scratch = places.scratch()
    directory = pathlib.Path(scratch.name) / "data"
    directory.mkdir()
    account = _account()
    os.chown(directory, account.pw_uid, account.pw_gid)
    done = subprocess.run([places.program("mariadb-install-db"), "--no-defaults", f"--user={account.pw_name}",
                           f"--datadir={directory}", "--auth-root-authentication-method=normal", "--skip-test-db"],
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return scratch, directory


class MariaDb:
    """`with MariaDb() as server:`; server.port on 127.0.0.1, server.socket. `options` are for mariadbd."""

    def __init__(self, *options):
        self.port = places.free_port()
        self._scratch = places.scratch()
        self.directory = pathlib.Path(self._scratch.name)
        self.socket = str(self.directory / "mariadb.sock")
        self._options = options
        self._child = None

    def __enter__(self):
        account = _account()
        data = self.directory / "data"
        shutil.copytree(_template()[1], data)
        for path in (self.directory, data, *data.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        self._child = Child([places.program("mariadbd"), "--no-defaults", f"--user={account.pw_name}",
                             f"--datadir={data}", f"--port={self.port}", "--bind-address=127.0.0.1",
                             f"--socket={self.socket}", "--local-infile=1", "--max-allowed-packet=64M",
                             "--max-connections=500", "--skip-log-bin", "--innodb-buffer-pool-size=32M",
                             "--innodb-flush-log-at-trx-commit=0", *self._options], name="mariadbd")
        until(lambda: self._child.returncode is not None or places.listens(self.port),
              lambda: f"mariadbd listens: {self._child.output()}", 60)
        if self._child.returncode is not None:
            raise RuntimeError(self._child.output())
        self.client(SETUP, user="root", database=None)
        return self

    def __exit__(self, *_):
        self._child.stop(signal.SIGTERM, 60)
        self._scratch.cleanup()

    @property
    def pid(self):
        return self._child.pid

    def log(self):
        return self._child.output()

    def arguments(self, unix=False, user=USER, password=PASSWORD, database=DATABASE):
        """Of a program of MariaDB's that is to connect here."""
        where = [f"--socket={self.socket}"] if unix or user == "root" else ["--host=127.0.0.1", f"--port={self.port}",
                                                                              "--protocol=tcp"]
        found = ["--no-defaults", *where, f"--user={user}"]
        if user != "root":
            found.append(f"--password={password}")
        return found + ([f"--database={database}"] if database else [])

    def client(self, statements, *options, fails=False, **where):
        """Runs the `mariadb` client on a text of statements; returns what it printed."""
        done = subprocess.run([places.program("mariadb"), *self.arguments(**where), "--batch", *options],
                              input=statements, capture_output=True, text=True, timeout=120)
        if (done.returncode != 0) != fails:
            raise AssertionError(f"mariadb ended with {done.returncode}: {done.stderr}")
        return done.stderr if fails else done.stdout
