# SPDX-License-Identifier: Apache-2.0
"""speakers.py OPTIONS-AS-JSON: connections of every protocol, each with one request and its answer, by raw bytes.

Options: {"targets": {protocol: address}, "rate": connections a second, "open": how many to hold at the end}. An address
is [host, port]. Lines on standard input: "hold N" opens N connections, asks once on each and keeps them; "release"
closes them; its end ends all. Says every second, and after each of these, as a line of JSON, how many requests of each
protocol were answered, how many connections are held, and what went wrong.
"""

import asyncio
import contextlib
import json
import struct
import sys


async def http1(reader, writer):
    writer.write(b"GET /churn HTTP/1.1\r\nHost: test\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    await reader.readexactly(length)


async def http2(reader, writer):
    block = b"\x82\x84\x86\x41\x04test"  # GET / http, :authority test
    empty_settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    headers = len(block).to_bytes(3, "big") + b"\x01\x05\x00\x00\x00\x01" + block
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + empty_settings + headers)
    while True:
        frame = await reader.readexactly(9)
        length, kind, flags, stream = int.from_bytes(frame[:3], "big"), frame[3], frame[4], int.from_bytes(frame[5:], "big")
        await reader.readexactly(length)
        if stream == 1 and kind in (0, 1) and flags & 1:
            return


async def redis(reader, writer):
    writer.write(b"*2\r\n$3\r\nGET\r\n$5\r\nchurn\r\n")
    await reader.readuntil(b"\r\n")


async def postgres(reader, writer):
    startup = struct.pack(">I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    writer.write(struct.pack(">I", len(startup) + 4) + startup)

    async def ready():
        while True:
            kind, length = struct.unpack(">cI", await reader.readexactly(5))
            await reader.readexactly(length - 4)
            if kind == b"Z":
                return

    await ready()
    query = b"SELECT 1\0"
    writer.write(b"Q" + struct.pack(">I", len(query) + 4) + query)
    await ready()


async def mysql(reader, writer):
    async def packet():
        head = await reader.readexactly(4)
        return await reader.readexactly(int.from_bytes(head[:3], "little"))

    def send(number, payload):
        writer.write(len(payload).to_bytes(3, "little") + bytes([number]) + payload)

    await packet()
    capabilities = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000  # LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH
    send(1, struct.pack("<IIB23x", capabilities, 1 << 24, 33) + b"churn\0" + b"\0" + b"mysql_native_password\0")
    if (answer := await packet())[0] == 0xFE:  # another way to log in, of an account without password
        send(3, b"")
        answer = await packet()
    if answer[0] != 0:
        raise RuntimeError(f"login: {answer!r}")
    send(0, b"\x03SELECT 1")
    ends = 0
    while ends < 2:
        ends += (await packet())[0] == 0xFE


async def kafka(reader, writer):
    header = struct.pack(">hhih", 18, 0, 7, 5) + b"churn"  # ApiVersions v0
    writer.write(struct.pack(">i", len(header)) + header)
    await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0])


SPEAKERS = {speaker.__name__: speaker for speaker in (http1, http2, redis, postgres, mysql, kafka)}
# PostgreSQL and MariaDB make a process or a thread of every connection.
SHARES = {"redis": 8, "http1": 5, "http2": 3, "kafka": 2, "mysql": 1, "postgres": 1}


class Churn:
    def __init__(self, targets, rate):
        self._targets, self._rate = targets, rate
        self._answered = dict.fromkeys(targets, 0)
        self._held, self._errors = [], []

    def say(self):
        print(json.dumps({"answered": self._answered, "held": len(self._held), "errors": self._errors}), flush=True)

    async def once(self, protocol):
        """The connection, after one request was answered on it; None where that failed."""
        writer = None
        try:
            reader, writer = await asyncio.open_connection(*self._targets[protocol])
            await asyncio.wait_for(SPEAKERS[protocol](reader, writer), 60)
            self._answered[protocol] += 1
            return writer
        except Exception as error:  # said at the end: the count would be wrong
            self._errors.append(f"{protocol}: {error!r}")
            if writer:
                writer.close()
            return None

    async def turn(self, protocol, room):
        async with room:
            if writer := await self.once(protocol):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def churn(self, over):
        room, tasks = asyncio.Semaphore(64), set()
        order = [name for name in self._targets for _ in range(SHARES[name])]
        loop, number = asyncio.get_running_loop(), 0
        begin = loop.time()
        while not over.is_set():
            task = asyncio.create_task(self.turn(order[number % len(order)], room))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
            await asyncio.sleep(max(0.0, begin + number / self._rate - loop.time()))
            while len(tasks) > 1000:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks:
            await asyncio.wait(tasks)

    async def hold(self, count):
        names = [name for name in self._targets if name not in ("postgres", "mysql")]
        room = asyncio.Semaphore(64)

        async def one(protocol):
            async with room:
                return await self.once(protocol)

        writers = await asyncio.gather(*(one(names[number % len(names)]) for number in range(count)))
        self._held = [writer for writer in writers if writer]

    async def release(self):
        for writer in self._held:
            writer.close()
        self._held = []


async def main():
    options = json.loads(sys.argv[1])
    churn, over = Churn(options["targets"], options["rate"]), asyncio.Event()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    churning = asyncio.create_task(churn.churn(over))

    async def report():
        while True:
            await asyncio.sleep(1)
            churn.say()

    reporting = asyncio.create_task(report())
    while line := (await lines.readline()).decode().split():
        over.set()
        await churning
        if line[0] == "hold":
            await churn.hold(int(line[1]))
        elif line[0] == "release":
            await churn.release()
        churn.say()
    over.set()
    await churning
    reporting.cancel()
    churn.say()


asyncio.run(main())
