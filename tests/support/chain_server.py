# SPDX-License-Identifier: Apache-2.0
"""chain_server.py MODE: says "listening <port>". /r/N asks Redis and PostgreSQL, and says N in both, so that a test can
tell whose calls they are.

MODE: threads (a thread and connections of its own for each client), pool (threads that share a few connections),
asyncio (one thread that serves all by turns, connections from a pool). From the environment: REDIS_PORT, PGPORT, POOL;
CERT and KEY, files, make all of it TLS (not with asyncio).
"""

import asyncio
import http.server
import os
import queue
import socket
import ssl
import struct
import sys
import threading

REDIS, PG, POOL = int(os.environ["REDIS_PORT"]), int(os.environ["PGPORT"]), int(os.environ.get("POOL", "10"))


CERT, KEY = os.environ.get("CERT"), os.environ.get("KEY")
SSL_REQUEST = struct.pack("!II", 8, 80877103)


CLIENT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CLIENT.check_hostname, CLIENT.verify_mode = False, ssl.CERT_NONE


def seal(connection):
    """A client's end, in TLS if all is."""
    return CLIENT.wrap_socket(connection) if CERT else connection


def redis_get(key):
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key)


def pg_startup():
    body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    return struct.pack("!I", len(body) + 4) + body


def pg_query(text):
    return b"Q" + struct.pack("!I", len(text) + 5) + text + b"\0"


class Connection:
    """To Redis and PostgreSQL, blocking."""

    def __init__(self):
        self.redis = seal(socket.create_connection(("127.0.0.1", REDIS))).makefile("rwb")
        pg = socket.create_connection(("127.0.0.1", PG))
        if CERT:
            pg.sendall(SSL_REQUEST)
            assert pg.recv(1) == b"S"
        self.pg = seal(pg).makefile("rwb")
        self._ask(self.pg, pg_startup())
        self._until_ready()

    @staticmethod
    def _ask(stream, data):
        stream.write(data)
        stream.flush()

    def _until_ready(self):
        while True:
            kind, size = struct.unpack("!cI", self.pg.read(5))
            self.pg.read(size - 4)
            if kind == b"Z":
                return

    def serve(self, number):
        self._ask(self.redis, redis_get(b"k:" + number))
        self.redis.readline()
        self._ask(self.pg, pg_query(b"SELECT 1 AS r_" + number))
        self._until_ready()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    own = threading.local()
    pool = None

    def do_GET(self):
        number = self.path.rsplit("/", 1)[1].encode()
        if self.pool is None:
            if not hasattr(self.own, "connection"):
                self.own.connection = Connection()
            self.own.connection.serve(number)
        else:
            connection = self.pool.get()
            connection.serve(number)
            self.pool.put(connection)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


class Threads(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    context = None

    def finish_request(self, request, client_address):
        super().finish_request(self.context.wrap_socket(request, server_side=True) if self.context else request, client_address)


def serve_with_threads(shared):
    if shared:
        Handler.pool = queue.LifoQueue()
        for _ in range(POOL):
            Handler.pool.put(Connection())
    if CERT:
        Threads.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        Threads.context.load_cert_chain(CERT, KEY)
    server = Threads(("127.0.0.1", 0), Handler)
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()


class AsyncConnection:
    @classmethod
    async def open(cls):
        self = cls()
        self.redis = await asyncio.open_connection("127.0.0.1", REDIS)
        self.pg = await asyncio.open_connection("127.0.0.1", PG)
        self.pg[1].write(pg_startup())
        await self._until_ready()
        return self

    async def _until_ready(self):
        while True:
            kind, size = struct.unpack("!cI", await self.pg[0].readexactly(5))
            await self.pg[0].readexactly(size - 4)
            if kind == b"Z":
                return

    async def serve(self, number):
        self.redis[1].write(redis_get(b"k:" + number))
        await self.redis[0].readline()
        self.pg[1].write(pg_query(b"SELECT 1 AS r_" + number))
        await self._until_ready()


async def serve_by_turns():
    pool = asyncio.LifoQueue()
    for _ in range(POOL):
        pool.put_nowait(await AsyncConnection.open())

    async def on_client(reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            number = head.split(b" ")[1].rsplit(b"/", 1)[1]
            connection = await pool.get()
            await connection.serve(number)
            pool.put_nowait(connection)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")

    async def quietly(reader, writer):
        try:
            await on_client(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0, backlog=256)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "asyncio":
        asyncio.run(serve_by_turns())
    serve_with_threads(shared=sys.argv[1] == "pool")
