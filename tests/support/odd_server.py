# SPDX-License-Identifier: Apache-2.0
"""odd_server.py MODE HOST: one connection at a time, each request without a body answered by 200 and "odd\\n".

plain    recv and send
peek     every byte is looked at with MSG_PEEK before it is read
bits     reads and writes one byte at a time
vector   readv into small buffers, writev of many pieces
sendfile the body goes out by sendfile
splice   the body goes from a file through a pipe to the socket by splice
fork     every request is served by a new child, on the socket it inherited
pass     the connection is accepted here and served in another process that gets it over a unix socket
upgrade  answers 101 and then speaks frames that are not HTTP, until the client closes
"""

import array
import os
import socket
import sys
import tempfile

BODY = b"odd\n"


def response(body=BODY):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)


def read_request(connection, read):
    """Bytes up to the empty line; None at the end of the connection. No pipelining here."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = read(connection)
        if not more:
            return None
        data += more
    return data


def plain_read(connection):
    return connection.recv(4096)


def plain_write(connection):
    connection.sendall(response() + BODY)


def peek_read(connection):
    looked = connection.recv(4096, socket.MSG_PEEK)
    looked = connection.recv(4096, socket.MSG_PEEK)
    return connection.recv(len(looked))


def bits_read(connection):
    return connection.recv(1)


def bits_write(connection):
    for byte in response() + BODY:
        connection.send(bytes([byte]))


def vector_read(connection):
    buffers = [bytearray(7) for _ in range(64)]
    count = os.readv(connection.fileno(), buffers)
    return b"".join(buffers)[:count]


def vector_write(connection):
    whole = response() + BODY
    os.writev(connection.fileno(), [whole[at:at + 3] for at in range(0, len(whole), 3)])


def body_file():
    file = tempfile.TemporaryFile()
    file.write(b"x" * 1_000_000)
    file.flush()
    return file


def sendfile_write(connection):
    with body_file() as file:
        connection.sendall(response(b"x" * 1_000_000))
        at = 0
        while at < 1_000_000:
            at += os.sendfile(connection.fileno(), file.fileno(), at, 1_000_000 - at)


def splice_write(connection):
    out, into = os.pipe()
    with body_file() as file:
        connection.sendall(response(b"x" * 1_000_000))
        at = 0
        while at < 1_000_000:
            count = os.splice(file.fileno(), into, min(65536, 1_000_000 - at), offset_src=at)
            at += count
            while count:
                count -= os.splice(out, connection.fileno(), count)
    os.close(out)
    os.close(into)


def serve(connection, read=plain_read, write=plain_write):
    while read_request(connection, read) is not None:
        write(connection)


def serve_forking(connection):
    while True:
        child = os.fork()
        if child == 0:
            again = read_request(connection, plain_read) is not None
            if again:
                plain_write(connection)
            os._exit(0 if again else 1)
        if os.waitpid(child, 0)[1] != 0:
            return


def worker(channel):
    while True:
        _, fds, _, _ = socket.recv_fds(channel, 1, 1)
        if not fds:
            return
        with socket.socket(fileno=fds[0]) as connection:
            serve(connection)


def serve_passing():
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        worker(theirs)
        os._exit(0)
    theirs.close()
    return lambda connection: socket.send_fds(ours, [b"x"], array.array("i", [connection.fileno()]))


def serve_upgrade(connection):
    if read_request(connection, plain_read) is None:
        return
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    while data := connection.recv(4096):
        connection.sendall(b"\x82" + bytes([min(len(data), 125)]) + data[:125])


MODES = {
    "plain": serve,
    "peek": lambda c: serve(c, read=peek_read),
    "bits": lambda c: serve(c, bits_read, bits_write),
    "vector": lambda c: serve(c, vector_read, vector_write),
    "sendfile": lambda c: serve(c, write=sendfile_write),
    "splice": lambda c: serve(c, write=splice_write),
    "fork": serve_forking,
    "upgrade": serve_upgrade,
}


def main():
    mode, host = sys.argv[1], sys.argv[2]
    handle = serve_passing() if mode == "pass" else MODES[mode]
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if ":" in host:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind((host, 0))
    listener.listen()
    print("listening", listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                handle(connection)
            except ConnectionError:
                pass


main()
