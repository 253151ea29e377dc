# SPDX-License-Identifier: Apache-2.0
"""What tests/e2e/sidecar_test.py runs in namespaces of its own: an agent, a server and clients, as in a pod.

in_pod.py RUNG: says "watching" once it observes, waits for the end of its input, lets requests be made, and prints what
was observed as JSON.
"""

import http.client
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import places  # noqa: E402
from support.nginx import Nginx  # noqa: E402
from support.subfloor import Observer  # noqa: E402


def get(connection, path):
    connection.request("GET", path)
    connection.getresponse().read()


def main():
    subprocess.run([places.program("ip"), "link", "set", "lo", "up"], check=True)
    with Nginx() as nginx:
        older = http.client.HTTPConnection("127.0.0.1", nginx.port)
        get(older, "/before")
        with Observer(sys.argv[1]) as observer:
            print("watching", flush=True)
            sys.stdin.read()
            get(older, "/older")
            get(http.client.HTTPConnection("127.0.0.1", nginx.port), "/younger")
            subprocess.run([places.program("curl"), "-sS", "--noproxy", "*", "-o", "/dev/null", nginx.url("/short")], check=True)
            for kind in ("server", "client"):
                observer.wait(3, kind)
            observer.stop()
            print(json.dumps({"records": observer.all(), "client": os.getpid()}))


main()
