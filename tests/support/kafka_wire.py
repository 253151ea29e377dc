# SPDX-License-Identifier: Apache-2.0
"""Kafka's primitive types, both ways. Written from the protocol's guide, and apart from what the agent has."""

import struct


class Reader:
    def __init__(self, data, flexible=False):
        self.data, self.at, self.flexible = data, 0, flexible

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise ValueError("the message is too short")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def int8(self):
        return self.number(">b")

    def int16(self):
        return self.number(">h")

    def int32(self):
        return self.number(">i")

    def int64(self):
        return self.number(">q")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def length(self, plain):
        return self.varint() - 1 if self.flexible else plain()

    def plain_string(self):
        size = self.int16()
        return None if size < 0 else self.take(size).decode()

    def string(self):
        size = self.length(self.int16)
        return None if size < 0 else self.take(size).decode()

    def bytes(self):
        size = self.length(self.int32)
        return None if size < 0 else self.take(size)

    def uuid(self):
        return self.take(16)

    def array(self, element):
        """None for null. `element` reads one; tags() behind a structure is its own affair."""
        count = self.length(self.int32)
        return None if count < 0 else [element() for _ in range(count)]

    def tags(self):
        if self.flexible:
            for _ in range(self.varint()):
                self.varint()
                self.take(self.varint())

    def end(self):
        self.tags()
        if self.at != len(self.data):
            raise ValueError(f"{len(self.data) - self.at} bytes are left over")


class Writer:
    def __init__(self, flexible=False):
        self.data, self.flexible = b"", flexible

    def number(self, form, value):
        self.data += struct.pack(form, value)
        return self

    def int8(self, value):
        return self.number(">b", value)

    def int16(self, value):
        return self.number(">h", value)

    def int32(self, value):
        return self.number(">i", value)

    def int64(self, value):
        return self.number(">q", value)

    def varint(self, value):
        while value >= 128:
            self.data += bytes([value & 127 | 128])
            value >>= 7
        self.data += bytes([value])
        return self

    def length(self, size, plain):
        return self.varint(size + 1) if self.flexible else plain(size)

    def plain_string(self, text):
        raw = b"" if text is None else text.encode()
        self.int16(-1 if text is None else len(raw))
        self.data += raw
        return self

    def string(self, text):
        raw = b"" if text is None else text.encode()
        self.length(-1 if text is None else len(raw), self.int16)
        self.data += raw
        return self

    def bytes(self, raw):
        self.length(-1 if raw is None else len(raw), self.int32)
        self.data += raw or b""
        return self

    def uuid(self, raw):
        self.data += raw
        return self

    def array(self, items, element):
        self.length(-1 if items is None else len(items), self.int32)
        for item in items or ():
            element(item)
        return self

    def tags(self):
        if self.flexible:
            self.varint(0)
        return self


def read_exactly(connection, count):
    """None at the end of the stream."""
    data = bytearray()
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


def read_message(connection):
    """As the brokers and clients in Java do: first the four bytes of its length, then the rest."""
    head = read_exactly(connection, 4)
    return None if head is None else read_exactly(connection, struct.unpack(">i", head)[0])


def framed(message):
    return struct.pack(">i", len(message)) + message
