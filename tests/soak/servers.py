# SPDX-License-Identifier: Apache-2.0
"""One server of every protocol, for tests/soak/connections."""

import contextlib

from support.http2 import Nghttpd
from support.kafka import KafkaBroker
from support.mariadb import MariaDb
from support.nginx import Nginx
from support.postgres import Postgres
from support.redis import Redis


@contextlib.contextmanager
def servers():
    """{what speakers.py calls the protocol: [host, port]}"""
    with contextlib.ExitStack() as stack:
        def start(server):
            return ["127.0.0.1", stack.enter_context(server).port]

        targets = {"redis": start(Redis()), "http1": start(Nginx()), "http2": start(Nghttpd()),
                   "kafka": start(KafkaBroker()), "postgres": start(Postgres())}
        database = stack.enter_context(MariaDb())
        database.client("CREATE USER churn IDENTIFIED BY ''", user="root", database=None)
        targets["mysql"] = ["127.0.0.1", database.port]
        yield targets
