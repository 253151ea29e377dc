# SPDX-License-Identifier: Apache-2.0
"""Terminals: one of a given width, as a program's standard output, and one that it has all of."""

import fcntl
import os
import re
import struct
import termios
import threading

from .child import Lines
from .waiting import until


class Terminal:
    def __init__(self, columns):
        self._master, self.slave = os.openpty()
        self.resize(columns)
        self._lines = Lines(self._read())

    def _read(self):
        """Lines as they come, until nobody holds the other side any more."""
        with open(self._master, "rb", closefd=False) as stream:
            while True:
                try:
                    line = stream.readline()
                except OSError:  # EIO: it was closed
                    return
                if not line:
                    return
                yield line

    def resize(self, columns):
        """The program is told by SIGWINCH, which is the caller's to send."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def wait_for_line(self, text, seconds=10):
        """The newest line that contains text, once there is one."""
        def found(lines):
            return [line for line in lines if text.encode() in line]
        if not self._lines.wait(lambda lines: bool(found(lines)), seconds):
            raise AssertionError(f"the terminal did not show {text!r}:\n{self._lines.text()}")
        return found(self._lines.since(0))[-1].decode(errors="replace").rstrip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.slave)
        self._lines.wait_for_end()
        os.close(self._master)


class Screen:
    """A terminal that a program has all of: both its standard input and output, read as what it shows in the end.

    `text()` is what the last frame says; `raw()` is all that was written.
    """

    def __init__(self, columns=120, rows=40):
        self._master, self.slave = os.openpty()
        self._written, self._changed, self._gone = b"", threading.Condition(), False
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            with self._changed:
                self._written += data
                self._gone = not data
                self._changed.notify_all()
            if not data:
                return

    def resize(self, columns, rows):
        """The program is told by SIGWINCH, which is the caller's to send."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self._master, keys.encode())

    def raw(self):
        with self._changed:
            return self._written.decode(errors="replace")

    def text(self):
        """The last whole frame, without colours."""
        frames = self.raw().split("\x1b[H")[1:]
        whole = [frame.split("\x1b[J")[0] for frame in frames if "\x1b[J" in frame]
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", whole[-1]).replace("\r", "") if whole else ""

    def lines(self):
        return self.text().split("\n")

    def wait(self, condition, what, seconds=10):
        """The first true value of condition(self)."""
        return until(lambda: condition(self), lambda: f"{what}:\n{self.text()}", seconds)

    def restored(self):
        """Whether modes are as they were, and what was switched on was switched off again, the last of all."""
        raw = self.raw()
        return (termios.tcgetattr(self.slave) == self.before and raw.count("\x1b[?1049h") == raw.count("\x1b[?1049l")
                and raw.count("\x1b[?25l") == raw.count("\x1b[?25h") and raw.rstrip().endswith("\x1b[?1049l"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.slave)
        self._reader.join(10)
        os.close(self._master)
