# SPDX-License-Identifier: Apache-2.0
"""Records as `subfloor observe -o json` prints them, one object per line."""

import json


class Record(dict):
    """One call. Attributes are None where the key is absent: unknown is a value."""

    method = property(lambda self: self.get("http.request.method"))
    path = property(lambda self: self.get("url.path"))
    query = property(lambda self: self.get("url.query"))
    status = property(lambda self: self.get("http.response.status_code"))
    kind = property(lambda self: self.get("kind"))
    duration = property(lambda self: self["duration_ns"] / 1e9)
    target = property(lambda self: self.get("target"))
    pid = property(lambda self: self.get("process.pid"))
    process = property(lambda self: self.get("process.executable.name"))
    peer_process = property(lambda self: self.get("peer.process.executable.name"))
    peer_pid = property(lambda self: self.get("peer.process.pid"))
    request_bytes = property(lambda self: self.get("http.request.body.size"))
    response_bytes = property(lambda self: self.get("http.response.body.size"))
    version = property(lambda self: self.get("network.protocol.version"))
    local_address = property(lambda self: self.get("network.local.address"))
    peer_address = property(lambda self: self.get("network.peer.address"))

    @property
    def server_port(self):
        """Port of the side that serves, whichever side saw the call; None for a unix socket."""
        return self.get("network.local.port" if self.kind == "server" else "network.peer.port")

    @property
    def partial(self):
        return bool(self.get("partial"))


def parse(lines):
    return [Record(json.loads(line)) for line in lines if line.strip()]
