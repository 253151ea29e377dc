# SPDX-License-Identifier: Apache-2.0
"""A child process whose output is read as it comes, and which is stopped by its own pid only."""

import ctypes
import os
import signal
import subprocess
import threading
import time

from .waiting import PATIENCE, Timeout

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Lines:
    """Lines of one stream, collected by a thread."""

    def __init__(self, stream):
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._pump, args=(stream,), daemon=True)
        self._thread.start()

    def _pump(self, stream):
        for line in stream:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        stream.close()

    def since(self, index):
        """Lines from that index on, as bytes."""
        with self._changed:
            return self._lines[index:]

    def text(self):
        return b"".join(self.since(0)).decode(errors="replace")

    def wait(self, condition, seconds):
        """Waits until condition(lines) is true; False where the stream ends or the time is over before."""
        deadline = time.monotonic() + seconds * PATIENCE
        with self._changed:
            while not condition(self._lines):
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def wait_for_end(self, seconds=30):
        self._thread.join(seconds)


class Child:
    """stdout: a descriptor that is the caller's own, instead of a pipe read here; stdout_path: a file; stdin: a descriptor."""

    def __init__(self, argv, *, stdout_path=None, stdout=None, stdin=subprocess.DEVNULL, env=None, cwd=None, name=None):
        self.argv = [str(a) for a in argv]
        self.name = name or os.path.basename(self.argv[0])
        self._file = open(stdout_path, "wb") if stdout_path else None
        self.process = subprocess.Popen(
            self.argv, stdin=stdin, stdout=stdout or self._file or subprocess.PIPE, stderr=subprocess.PIPE,
            env=env, cwd=cwd, preexec_fn=_die_with_parent)
        self.stdout = Lines(self.process.stdout) if self.process.stdout else None
        self.stderr = Lines(self.process.stderr)

    @property
    def pid(self):
        return self.process.pid

    @property
    def returncode(self):
        return self.process.poll()

    def wait_for_line(self, text, stream="stderr", seconds=20):
        """Waits for a line that contains text and returns it; raises with all output where it does not come."""
        lines = getattr(self, stream)
        wanted = text.encode()
        if not lines.wait(lambda all_lines: any(wanted in line for line in all_lines), seconds):
            raise Timeout(f"{self.name} did not say {text!r} (exit code {self.returncode}):\n{self.output()}")
        return next(line for line in lines.since(0) if wanted in line).decode(errors="replace").rstrip("\n")

    def output(self):
        said = self.stderr.text()
        return said if self.stdout is None else said + self.stdout.text()[:4000]

    def send_signal(self, number):
        if self.process.poll() is None:
            os.kill(self.process.pid, number)

    def wait(self, seconds=20):
        try:
            code = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} still runs after {seconds} s:\n{self.output()}") from None
        self.stderr.wait_for_end()
        if self.stdout:
            self.stdout.wait_for_end()
        if self._file:
            self._file.close()
        return code

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Signals, waits and returns the exit code (negative: the signal it died of)."""
        self.send_signal(number)
        try:
            return self.wait(seconds)
        except Timeout:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
