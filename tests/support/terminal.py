# SPDX-License-Identifier: Apache-2.0
"""A terminal of a given width, as a program's standard output."""

import fcntl
import os
import struct
import termios

from .child import Lines


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
