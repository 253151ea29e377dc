# SPDX-License-Identifier: Apache-2.0
"""churn.py OPTIONS-AS-JSON: connections of every kind, well-behaved and not, until standard input ends.

Says every second, as a line of JSON, how many requests have been answered in full ("made", all of them GET: what is
interrupted on purpose uses other methods), and how often each kind has run. At most some 400 connections a second.
"""

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

from support.wire import Wire, request

CLOSE = "Connection: close\r\n"


class Counts:
    def __init__(self):
        self._lock = threading.Lock()
        self._turns, self._made, self._by_curl = {}, 0, 0
        self.errors = []

    def turn(self, kind, made=0, by_curl=0):
        with self._lock:
            self._turns[kind] = self._turns.get(kind, 0) + 1
            self._made += made
            self._by_curl += by_curl

    def line(self):
        with self._lock:
            return json.dumps({"made": self._made, "by_curl": self._by_curl, "turns": self._turns, "errors": self.errors})


class Churn:
    def __init__(self, port, unix, curl):
        self.port, self.unix, self.curl = port, unix, curl
        self.over = threading.Event()
        self.counts = Counts()

    def wire(self):
        return Wire(self.port, random.choice(["127.0.0.1", "::1"]))

    def pause(self, seconds):
        self.over.wait(seconds * random.uniform(0.5, 1.5))

    # Each kind does its thing once and says how many requests were answered in full.

    def fresh(self):
        with self.wire() as wire:
            wire.ask(f"/fresh/{random.randrange(100)}", headers=CLOSE)
        self.pause(0.02)
        return 1

    def keep_alive(self):
        with self.wire() as wire:
            for number in range(200):
                wire.ask(f"/keep/{number}?token=s3cr3t", headers="Authorization: Bearer s3cr3t\r\n")
                self.pause(0.004)
        return 200

    def pipelined(self):
        count = random.randrange(2, 17)
        with self.wire() as wire:
            wire.send(b"".join(request(f"/pipe/{number}") for number in range(count)))
            for _ in range(count):
                wire.response()
        self.pause(0.05)
        return count

    def in_bits(self):
        with self.wire() as wire:
            wire.send_in_bits(request("/bits", headers="X: " + "y" * 60 + "\r\n"), random.randrange(1, 8))
            wire.response()
        self.pause(0.1)
        return 1

    def slow_reader(self):
        with self.wire() as wire:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            wire.send(request("/file/large", headers=CLOSE))
            while wire.socket.recv(16384):
                time.sleep(0.02)  # the slowness is the point
        return 1

    def unix_socket(self):
        count = random.randrange(1, 6)
        with Wire(unix=self.unix) as wire:
            for number in range(count):
                wire.ask(f"/unix/{number}")
        self.pause(0.05)
        return count

    def aborted(self):
        wire = self.wire()
        wire.send(request("/file/large", "DELETE"))
        if random.random() < 0.5:
            wire.socket.recv(100)
        wire.reset()
        self.pause(0.04)
        return 0

    def half_open(self):
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(self.wire()) for _ in range(20)]
            for wire in wires[::2]:
                wire.send(b"PATCH /half HTTP/1.1\r\nHost: test\r\nX-Long: ")
            self.pause(5)
            for wire in wires[::4]:
                wire.reset()
        return 0

    def garbage(self):
        with socket.create_server(("127.0.0.1", 0)) as listener, Wire(listener.getsockname()[1]) as wire:
            server, _ = listener.accept()
            with server, contextlib.suppress(OSError):
                for _ in range(random.randrange(1, 20)):
                    begins = random.choice([b"", b"PUT /", b"HTTP/1.1 2", b"\x16\x03\x01", b"*3\r\n$3\r\nSET\r\n"])
                    wire.send(begins + os.urandom(random.randrange(1, 3000)))
                    server.sendall(random.choice([b"", b"HTTP/1.1 "]) + os.urandom(random.randrange(1, 3000)))
                    server.recv(65536)
                    wire.socket.recv(65536)
        self.pause(0.05)
        return 0

    def short_lived(self):
        subprocess.run(["/bin/true"], check=True)
        subprocess.run([self.curl, "-sS", "--noproxy", "*", "-o", "/dev/null", f"http://127.0.0.1:{self.port}/curl"],
                       check=True, timeout=30)
        self.counts.turn("curl", by_curl=1)
        self.pause(0.2)
        return 0

    KINDS = {fresh: 3, keep_alive: 2, pipelined: 1, in_bits: 1, slow_reader: 2, unix_socket: 2, aborted: 2, half_open: 2,
             garbage: 2, short_lived: 1}

    def keep_doing(self, kind):
        while not self.over.is_set():
            try:
                self.counts.turn(kind.__name__, kind(self))
            except Exception as error:  # said at the end: the count would be wrong
                self.counts.errors.append(f"{kind.__name__}: {error!r}")
                self.over.wait(1)


def main():
    churn = Churn(**json.loads(sys.argv[1]))
    threads = [threading.Thread(target=churn.keep_doing, args=(kind,)) for kind, count in churn.KINDS.items()
               for _ in range(count)]
    for thread in threads:
        thread.start()
    threading.Thread(target=lambda: (sys.stdin.read(), churn.over.set()), daemon=True).start()
    while not churn.over.wait(1):
        print(churn.counts.line(), flush=True)
    for thread in threads:
        thread.join()
    print(churn.counts.line(), flush=True)


main()
