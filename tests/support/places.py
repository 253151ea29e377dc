# SPDX-License-Identifier: Apache-2.0
"""Where things are: the binary under test, helpers in C, free ports."""

import contextlib
import functools
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


def binary():
    """The program under test: $SUBFLOOR_BINARY, else build/subfloor."""
    path = pathlib.Path(os.environ.get("SUBFLOOR_BINARY") or ROOT / "build" / "subfloor")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; set SUBFLOOR_BINARY or run ./dev build")
    return str(path)


def program(name):
    """Full path of an installed program; an error that names it where it is missing."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin")
    if not found:
        raise FileNotFoundError(f"{name} is not installed (./dev installs it)")
    return found


def python():
    """The interpreter itself: behind a wrapper the process would have another name."""
    import sys
    return os.path.realpath(sys.executable)


_given = set()


def free_port():
    """A TCP port free at 127.0.0.1, ::1 and all addresses; each is given once per process."""
    while True:
        with contextlib.closing(socket.socket(socket.AF_INET6)) as s:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", 0))
            port = s.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def scratch():
    """A temporary directory that unprivileged server workers can enter; use as a context manager."""
    directory = tempfile.TemporaryDirectory(prefix="subfloor-e2e-")
    os.chmod(directory.name, 0o755)
    return directory


@functools.cache
def _helper_directory():
    return tempfile.TemporaryDirectory(prefix="subfloor-helpers-")


@functools.cache
def helper(name, *libraries, source=None, options=()):
    """Compiles tests/support/<name>.c once per run; None where a library it needs is not installed."""
    source = source or HERE / f"{name}.c"
    out = pathlib.Path(_helper_directory().name) / name
    command = [program("cc"), "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(out), str(source)]
    command += [*options, *[f"-l{library}" for library in libraries]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return str(out)
    if any(f"{library}.h" in done.stderr or f"-l{library}" in done.stderr for library in libraries):
        return None
    raise RuntimeError(done.stderr)


def port_answers(port, host="127.0.0.1"):
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as s:
        s.settimeout(1)
        return s.connect_ex((host, port)) == 0


def listens(port):
    """Does any socket listen on that TCP port? Asked of /proc, so that no connection disturbs the server's counters."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as lines:
            next(lines)
            for line in lines:
                fields = line.split()
                if fields[3] == "0A" and fields[1].endswith(wanted):
                    return True
    return False
