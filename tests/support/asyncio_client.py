# SPDX-License-Identifier: Apache-2.0
"""asyncio_client.py PORT PATH|PATH… …: a TLS connection for each argument, all at the same time, that asks for its paths."""

import asyncio
import re
import ssl
import sys


async def ask(port, paths):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    for path in paths:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.I)
        if length:
            await reader.readexactly(int(length[1]))
            continue
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    writer.close()


async def main():
    await asyncio.gather(*(ask(int(sys.argv[1]), word.split("|")) for word in sys.argv[2:]))

asyncio.run(main())
