# SPDX-License-Identifier: Apache-2.0
"""A collector of the tests' own: takes OTLP over gRPC and HTTP, and gives back what it got as Python values."""

import base64
import json
import os
import pathlib

from . import places
from .child import Child
from .waiting import until


def receiver():
    """The program, beside the one under test."""
    path = pathlib.Path(os.environ.get("OTLP_RECEIVER") or pathlib.Path(places.binary()).parent / "otlp_receiver")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built")
    return str(path)


def available():
    """Whether the build has it: those with a sanitizer have not."""
    try:
        return bool(receiver())
    except FileNotFoundError:
        return False


def plain(value):
    """An AnyValue as Python has it."""
    (kind, content), = value.items()
    if kind == "int_value":
        return int(content)
    if kind == "array_value":
        return [plain(item) for item in content.get("values", [])]
    return content


def attributes(owner):
    return {a["key"]: plain(a["value"]) for a in owner.get("attributes", [])}


class Span:
    def __init__(self, span, resource, scope):
        self.raw, self.resource, self.scope = span, resource, scope
        self.attributes = attributes(span)
        self.name, self.kind = span["name"], span["kind"]
        self.trace_id = base64.b64decode(span["trace_id"]).hex()
        self.span_id = base64.b64decode(span["span_id"]).hex()
        self.parent_span_id = base64.b64decode(span.get("parent_span_id", "")).hex()
        self.start, self.end = int(span["start_time_unix_nano"]), int(span["end_time_unix_nano"])
        self.error = span.get("status", {}).get("code") == "STATUS_CODE_ERROR"

    @property
    def path(self):
        return self.attributes.get("url.path")

    @property
    def count(self):
        return self.attributes.get("subfloor.count", 1)


class Collector:
    """Started when entered; stop() and start() again use the same ports. What came is kept over that."""

    def __init__(self, **options):
        self.grpc_port, self.http_port = places.free_port(), places.free_port()
        self._options = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        self._requests, self._read, self._child = [], 0, None

    def start(self):
        self._child = Child([receiver(), "--grpc", self.grpc_port, "--http", self.http_port, *self._options],
                            name="otlp_receiver")
        self._child.wait_for_line("listening", "stdout")
        self._read = 1
        return self

    def stop(self):
        self.requests()
        self._child.stop()
        self.requests()
        self._child = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self._child:
            self._child.stop()

    def endpoint(self, protocol, scheme="http"):
        return f"{scheme}://127.0.0.1:{self.grpc_port if protocol == 'grpc' else self.http_port}"

    def requests(self, signal=None):
        """Every request so far."""
        if self._child:
            new = self._child.stdout.since(self._read)
            self._read += len(new)
            self._requests += [json.loads(line) for line in new]
        return [r for r in self._requests if signal in (None, r["signal"])]

    def spans(self, **wanted):
        """Every span so far whose properties equal what is wanted."""
        found = []
        for request in self.requests("traces"):
            for of in request["request"].get("resource_spans", []):
                resource = attributes(of["resource"])
                for scope in of["scope_spans"]:
                    found += [Span(span, resource, scope["scope"]) for span in scope["spans"]]
        return [s for s in found if all(getattr(s, name) == value for name, value in wanted.items())]

    def points(self, name, **wanted):
        """Points of the metric so far: (resource, attributes, point, metric), the wanted attributes equal."""
        found = []
        for request in self.requests("metrics"):
            for of in request["request"].get("resource_metrics", []):
                resource = attributes(of["resource"])
                for scope in of["scope_metrics"]:
                    for metric in scope["metrics"]:
                        if metric["name"] != name:
                            continue
                        data = next(metric[kind] for kind in ("gauge", "sum", "histogram") if kind in metric)
                        found += [(resource, attributes(point), point, metric) for point in data["data_points"]]
        return [f for f in found if all({**f[0], **f[1]}.get(key) == value for key, value in wanted.items())]

    def wait(self, condition, what, seconds=20):
        """Waits until condition() is true and returns it."""
        return until(condition, lambda: f"{what}; requests: {json.dumps(self.requests())[-4000:]}", seconds)
