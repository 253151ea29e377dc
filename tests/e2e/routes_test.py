# SPDX-License-Identifier: Apache-2.0
"""Templates of paths, in everything that tells of calls."""

import json
import pathlib

from e2e.case import Case
from support import places
from support.nginx import Nginx
from support.subfloor import Agent
from support.waiting import until
from support.wire import Wire


def name(number):
    """A word, as far as anybody can tell."""
    return "w" + "".join("abcdefghij"[int(digit)] for digit in str(number))


class Routes(Case):
    def counts(self, agent):
        """Calls by route, as the server saw them."""
        return {labels["route"]: value for metric, labels, value in agent.metrics()
                if metric == "http_server_request_duration_milliseconds_count" and labels["status_code"] == "200"}

    def value(self, agent, wanted):
        return next(value for metric, _, value in agent.metrics() if metric == wanted)

    def test_values_become_placeholders_in_metrics_records_and_spans(self):
        with places.scratch() as directory:
            spans = pathlib.Path(directory) / "spans"
            with Nginx() as nginx, Agent(ports=f"[{nginx.port}]", more=f"json:\n  spans: {spans}\n") as agent, \
                    agent.observer(nginx.port) as observer, Wire(nginx.port) as wire:
                for i in range(50):
                    wire.ask(f"/users/{i}/orders/9f3c41d2a{i:03d}?token=x")
                wire.ask("/static/app.3f2a1b.js")
                wire.ask("/status/404")
                observer.wait(52, "server")
                self.assertEqual({r.get("subfloor.route") for r in observer.records("server", status=200)},
                                 {"/users/{id}/orders/{id}", "/static/{file}.js"})
                self.assertTrue(all("http.route" not in r for r in observer.all()))
                self.assertEqual(self.counts(agent), {"/users/{id}/orders/{id}": 50, "/static/{file}.js": 1})
                self.assertNotIn("9f3c41d2a", agent.get("/metrics")[1])
                observer.stop()
                agent.stop()
            routes = {json.loads(line).get("subfloor.route") for line in spans.read_text().splitlines()}
            self.assertLessEqual({"/users/{id}/orders/{id}", "/static/{file}.js"}, routes)
            self.assertNotIn("http.route", spans.read_text())

    def test_too_many_words_are_merged_and_that_is_told(self):
        with Nginx() as nginx, Agent(ports=f"[{nginx.port}]") as agent, Wire(nginx.port) as wire:
            for i in range(1000):
                wire.ask(f"/people/{name(i)}")
            until(lambda: sum(self.counts(agent).values()) >= 1000, lambda: self.counts(agent))
            counts = self.counts(agent)
            self.assertEqual(sum(counts.values()), 1000)
            self.assertEqual(counts["/people/{param}"], 1000 - 32)
            self.assertEqual(len(counts), 33)
            self.assertGreaterEqual(self.value(agent, "subfloor_routes_merged_total"), 32)
            status = agent.status()["routes"]
            self.assertGreaterEqual(status["merged"], 32)
            self.assertEqual(status["refused_calls"], 0)

    def test_the_budget_holds_and_the_rest_is_other(self):
        with Nginx() as nginx, Wire(nginx.port) as wire, \
                Agent(ports=f"[{nginx.port}]", more="telemetry:\n  max_routes: 10\n") as agent:
            for i in range(500):
                wire.ask(f"/{name(i % 7)}/{name(i % 11)}/{name(i)}")
            until(lambda: sum(self.counts(agent).values()) >= 500, lambda: self.counts(agent))
            counts = self.counts(agent)
            self.assertEqual(sum(counts.values()), 500)
            self.assertLessEqual(len(counts), 11)
            self.assertGreater(counts["{other}"], 0)
            self.assertGreater(self.value(agent, "subfloor_routes_refused_total"), 0)

    def test_what_nobody_serves_teaches_nothing(self):
        with Nginx(locations="location / { return 404; }".replace("/ ", "/nothing ")) as nginx, \
                Agent(ports=f"[{nginx.port}]") as agent, Wire(nginx.port) as wire:
            for i in range(200):
                wire.ask(f"/nothing/{name(i)}")
            wire.ask("/something")
            until(lambda: self.counts(agent), "the last is counted")
            self.assertEqual(self.counts(agent), {"/something": 1})
            self.assertEqual(agent.status()["routes"]["merged"], 0)
