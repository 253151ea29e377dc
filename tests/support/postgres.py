# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL with a directory, a port and a socket of its own, as the user that Debian's package made for it."""

import functools
import pathlib
import pwd
import shutil
import signal
import subprocess

from . import places
from .child import Child
from .waiting import PATIENCE, until

USER = "postgres"

CONF = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{dir}'
fsync = off
autovacuum = off
max_connections = 200
log_min_messages = fatal
log_statement = none
log_min_error_statement = panic
"""


def _program(name):
    """The newest installed version's."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not found:
        raise FileNotFoundError(f"{name} of PostgreSQL is not installed (./dev installs it)")
    return str(found[-1])


def _as_user(*command):
    """PostgreSQL refuses to run as root."""
    user = pwd.getpwnam(USER)
    return [places.program("setpriv"), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
            *map(str, command)]


@functools.cache
def _fresh_cluster():
    """A directory with an initialised cluster, made once: it takes a second or two."""
    scratch = places.scratch()
    shutil.chown(scratch.name, USER, USER)
    subprocess.run(_as_user(_program("initdb"), "-D", f"{scratch.name}/data", "--no-sync", "-A", "trust", "-U", "postgres",
                            "-E", "UTF8", "--locale=C.UTF-8"), check=True, capture_output=True, cwd="/")
    hba = pathlib.Path(scratch.name) / "data/pg_hba.conf"
    hba.write_text("local all all trust\nhost all guarded 127.0.0.1/32 scram-sha-256\n"
                   "host all all 127.0.0.1/32 trust\nlocal replication all trust\n")
    return scratch


class Postgres:
    """`with Postgres() as server:`; server.port answers on 127.0.0.1, server.socket_directory holds its unix socket.

    A user `guarded` would need a password (SCRAM) over TCP, others need none. `settings` are lines for postgresql.conf.
    """

    def __init__(self, settings="", tls=None):
        self.port = places.free_port()
        self._scratch = places.scratch()
        self.socket_directory = self._scratch.name
        self.data = pathlib.Path(self._scratch.name) / "data"
        self._settings = settings
        if tls:
            self._settings += f"\nssl = on\nssl_cert_file = '{tls.certificate}'\nssl_key_file = '{tls.key}'\n"
        self._child = None

    def __enter__(self):
        shutil.chown(self._scratch.name, USER, USER)
        subprocess.run(["cp", "-a", f"{_fresh_cluster().name}/data", self._scratch.name], check=True)
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(CONF.format(port=self.port, dir=self.socket_directory) + self._settings)
        self._child = Child(_as_user(_program("postgres"), "-D", self.data), name="postgres")
        self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self._child.returncode is not None:
                raise RuntimeError(f"postgres ended: {self._child.output()}")
            return subprocess.run([_program("pg_isready"), "-q", "-h", self.socket_directory, "-p", str(self.port)],
                                  check=False).returncode == 0
        until(ready, lambda: f"postgres is ready: {self._child.output()}", 30)

    def __exit__(self, *_):
        self._child.stop(signal.SIGINT)  # "fast": ends the connections
        self._scratch.cleanup()

    @property
    def pid(self):
        return self._child.pid

    def output(self):
        return self._child.output()

    def where(self, unix=False):
        """The options that make psql and pgbench connect to it."""
        return ["-h", self.socket_directory if unix else "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

    def environment(self, unix=False, database="postgres", user="postgres", **more):
        """Likewise for libpq. No question about encryption: PGGSSENCMODE and PGSSLMODE make it ask."""
        return {"PGHOST": self.socket_directory if unix else "127.0.0.1", "PGPORT": str(self.port), "PGUSER": user,
                "PGDATABASE": database, "PGSSLMODE": "disable", "PGGSSENCMODE": "disable", "PATH": "/usr/bin:/bin",
                "HOME": "/", **more}

    def psql(self, *statements, unix=False, stdin=None, check=True, **more):
        """Each statement as a Query of its own, on one connection; what psql printed, without decoration."""
        command = [places.program("psql"), "-XAtq"]
        for statement in statements:
            command += ["-c", statement]
        done = subprocess.run(command, env=self.environment(unix, **more), input=stdin, capture_output=True, text=True,
                              timeout=60 * PATIENCE, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"psql: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    def pgbench(self, *options, unix=False):
        """What pgbench printed; without options it makes its tables."""
        done = subprocess.run([places.program("pgbench"), *map(str, options)], env=self.environment(unix),
                              capture_output=True, text=True, timeout=300 * PATIENCE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"pgbench: exit code {done.returncode}: {done.stderr}")
        return done.stdout
