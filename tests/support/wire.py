# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by hand: exact control over which bytes go out in which system call."""

import contextlib
import socket


class Wire:
    """A client connection."""

    def __init__(self, port=None, host="127.0.0.1", unix=None):
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(unix)
        else:
            self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.connect((host, port))
        self.socket.settimeout(30)
        self._rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def send_in_bits(self, data, size=1):
        for at in range(0, len(data), size):
            self.socket.sendall(data[at:at + size])

    def send_pieces(self, pieces):
        """One writev of many pieces."""
        sent = self.socket.sendmsg(pieces)
        rest = b"".join(pieces)[sent:]
        if rest:
            self.socket.sendall(rest)

    def _fill(self):
        data = self.socket.recv(65536)
        self._rest += data
        return bool(data)

    def _line(self):
        while b"\r\n" not in self._rest:
            if not self._fill():
                raise EOFError(f"connection ended in {self._rest!r}")
        line, self._rest = self._rest.split(b"\r\n", 1)
        return line

    def _exactly(self, count):
        while len(self._rest) < count:
            if not self._fill():
                raise EOFError("connection ended in the body")
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def _headers(self):
        headers = {}
        while line := self._line():
            name, value = line.split(b":", 1)
            headers[name.decode().lower()] = value.strip().decode()
        return headers

    def response(self, to="GET"):
        """Reads one response (1xx ones too) and returns (status, headers, body)."""
        status = int(self._line().split()[1])
        headers = self._headers()
        if to == "HEAD" or status in (204, 304) or status < 200:
            return status, headers, b""
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._line().split(b";")[0], 16):
                body += self._exactly(size)
                self._line()
            self._headers()
            return status, headers, body
        if "content-length" in headers:
            return status, headers, self._exactly(int(headers["content-length"]))
        while self._fill():
            pass
        body, self._rest = self._rest, b""
        return status, headers, body

    def ask(self, path="/", method="GET", headers="", body=b""):
        self.send(request(path, method, headers, body))
        return self.response(method)

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.close()


def request(path="/", method="GET", headers="", body=b""):
    """Bytes of a request; headers is text whose lines end in CRLF."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}{length}\r\n".encode() + body
