# SPDX-License-Identifier: Apache-2.0
"""A service manager's end of NOTIFY_SOCKET: hears what sd_notify(3) would tell systemd."""

import contextlib
import os
import socket
import threading
import time

from .waiting import until


class NotifySocket:
    """`name` is a path or, with @ in front, a name in the abstract namespace. Messages are dicts with "at", a monotonic time."""

    def __init__(self, name=None):
        self.name = name or f"@subfloor-test-{os.getpid()}-{id(self):x}"
        self.messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:] if self.name.startswith("@") else self.name)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while message := self._socket.recv(65536):
            heard = dict(line.split("=", 1) for line in message.decode().splitlines())
            self.messages.append({**heard, "at": time.monotonic()})

    @property
    def environment(self):
        return {**os.environ, "NOTIFY_SOCKET": self.name}

    def wait(self, key, count=1, seconds=20):
        """The count-th message that assigns this key."""
        def having():
            return [message for message in self.messages if key in message]
        until(lambda: len(having()) >= count, lambda: f"{count} × {key}; heard: {self.messages}", seconds)
        return having()[count - 1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())  # ends the thread
        self._thread.join(5)
        self._socket.close()
