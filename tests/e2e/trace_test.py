# SPDX-License-Identifier: Apache-2.0
"""Traces through servers that know nothing of them: who called whom, with nothing injected."""

import contextlib
import http.client
import json

from e2e.case import Case
from support import go, tls
from support.chain import chain_go, chain_node, chain_python, judge, load, number_of
from support.haproxy import Haproxy
from support.nginx import Nginx
from support.postgres import Postgres
from support.redis import Redis
from support.subfloor import Agent, run
from support.waiting import until

PROXY = "location /r/ {{ proxy_pass {}://127.0.0.1:{}; proxy_http_version 1.1; proxy_set_header Connection ''; }}"
WARM = 10_000_000
CAPTURE = "  query_text: true\n  key_names: true\n"
# Calls of one request, both ends: the client's, Redis, PostgreSQL; a proxy adds two.
ENDS, PROXY_ENDS = 6, 2


class Chains(Case):
    """A client, perhaps a proxy, a server, and Redis and PostgreSQL behind it."""

    sealed, warm = False, 10

    def setUp(self):
        self.parts = contextlib.ExitStack()
        self.addCleanup(self.parts.close)
        self.certificate = self.parts.enter_context(tls.Certificate("postgres")) if self.sealed else None
        self.redis = self.parts.enter_context(Redis(tls=self.certificate))
        self.postgres = self.parts.enter_context(Postgres(tls=self.certificate))

    def agent(self, more=""):
        agent = Agent(data_ring="64MiB", more=more)
        agent.config.write_text(agent.config.read_text().replace("capture:\n", "capture:\n" + CAPTURE))
        return self.parts.enter_context(agent)

    def run_load(self, agent, port, concurrency, requests, ends, headers=None):
        """The records of that many requests, after some that are not looked at."""
        def mine():
            return [r for r in observer.all() if number_of(r) is not None and number_of(r) < WARM]

        with agent.observer() as observer:
            load(port, concurrency, self.warm * concurrency, first=WARM, tls=self.sealed)
            load(port, concurrency, requests, headers=headers, tls=self.sealed)
            until(lambda: len(mine()) >= requests * ends,
                  lambda: f"{requests * ends} records; there are {len(mine())}", 60)
            self.assertEqual(observer.stop(), 0)
            return mine()

    def verdict(self, server, concurrency, requests, proxy=None, least=None):
        """Checks that nothing is wrong and, where given, that the share of whole traces is at least that."""
        agent = self.agent()
        server = self.parts.enter_context(server)
        port, ends = server.port, ENDS
        if proxy is not None:
            port, ends = self.parts.enter_context(proxy(server.port)).port, ENDS + PROXY_ENDS
        records = self.run_load(agent, port, concurrency, requests, ends)
        verdict = judge(records, ends)
        self.assertEqual((verdict.requests, verdict.missing), (requests, 0))
        self.assertEqual(verdict.wrong, 0, verdict.details[:3])
        print(f"    {concurrency} at once: {verdict.whole} of {requests} in one trace, {verdict.left} calls unconnected")
        if least is not None:
            self.assertGreaterEqual(verdict.whole / requests, least, agent.status()["traces"])
        return agent, records

    def through_nginx(self, port):
        scheme = "https" if self.sealed else "http"
        return Nginx(locations=PROXY.format(scheme, port), tls=self.certificate)


class Traces(Chains):
    def test_node_one_at_a_time(self):
        self.verdict(chain_node(self.redis, self.postgres), 1, 300, self.through_nginx, least=0.99)

    def test_node_ten_at_once(self):
        self.verdict(chain_node(self.redis, self.postgres), 10, 2000, self.through_nginx, least=0.95)

    def test_node_a_hundred_at_once_is_never_wrong(self):
        self.verdict(chain_node(self.redis, self.postgres), 100, 1000, self.through_nginx)

    def test_node_with_calls_at_once_from_one_pool_is_never_wrong(self):
        self.verdict(chain_node(self.redis, self.postgres, shape="parallel"), 100, 1000)

    def test_node_with_a_client_that_puts_off_is_never_wrong(self):
        self.verdict(chain_node(self.redis, self.postgres, client="redis", shape="parallel"), 100, 1000)

    def test_asyncio_is_never_wrong(self):
        self.verdict(chain_python("asyncio", self.redis, self.postgres), 100, 500)

    def test_threads_a_hundred_at_once(self):
        self.verdict(chain_python("threads", self.redis, self.postgres), 100, 1000, least=0.99)

    def test_go_a_hundred_at_once(self):
        for version in go.versions():
            with self.subTest(version=version):
                self.verdict(chain_go(f"{version}-exe-stripped", self.redis, self.postgres), 100, 1000, least=0.99)

    def test_threads_that_share_connections(self):
        self.verdict(chain_python("pool", self.redis, self.postgres), 100, 1000, least=0.99)

    def test_haproxy_a_hundred_at_once(self):
        _, records = self.verdict(chain_python("threads", self.redis, self.postgres), 100, 1000, Haproxy, least=0.99)
        upstream = [r for r in records if r.process == "haproxy" and r.kind == "client"]
        self.assertEqual([r for r in upstream if not r.get("parent_span_id")], [])

    def test_nginx_a_hundred_at_once(self):
        self.verdict(chain_python("threads", self.redis, self.postgres), 100, 1000, self.through_nginx, least=0.99)

    def test_the_clients_trace_is_kept(self):
        server = self.parts.enter_context(chain_node(self.redis, self.postgres))
        nginx = self.parts.enter_context(self.through_nginx(server.port))

        def headers(number):
            return {"traceparent": f"00-{number + 1:032x}-{number + 1:016x}-01", "tracestate": "vendor=1"}

        records = self.run_load(self.agent(), nginx.port, 10, 200, ENDS + PROXY_ENDS, headers)
        self.assertEqual(judge(records, ENDS + PROXY_ENDS).wrong, 0)
        roots = [r for r in records if r.get("parent_span_id") == f"{number_of(r) + 1:016x}"]
        self.assertEqual(len(roots), 200, "the client's own calls are children of the span it named, and no others")
        of_http = [r for r in records if r["protocol"] == "http"]
        self.assertEqual([r for r in of_http if r["trace_id"] != f"{number_of(r) + 1:032x}"], [])
        inside = [r for r in records if r["trace_id"] == f"{number_of(r) + 1:032x}"]
        self.assertGreaterEqual(len(inside) / len(records), 0.9)

    def test_a_trace_as_a_tree(self):
        server = self.parts.enter_context(chain_python("threads", self.redis, self.postgres))
        agent = self.agent()
        records = self.run_load(agent, server.port, 1, 20, ENDS)
        trace = next(r["trace_id"] for r in records if number_of(r) == 7)
        spans = {r["span_id"] for r in records if r["trace_id"] == trace}
        self.assertEqual(len(spans), ENDS)

        done = run("trace", trace, "-o", "json", "--config", agent.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual({call["span_id"] for call in answer["calls"]}, spans)
        tree = run("trace", trace, "--config", agent.config).stdout
        self.assertIn("6 calls in ", tree)
        self.assertRegex(tree, r"(?m)^   +[└`]─?.*postgres")

        only = run("trace", "f" * 32, "--config", agent.config)
        self.assertEqual(only.returncode, 4)
        self.assertIn("keeps no call of that trace", only.stderr)
        self.assertEqual(run("trace", "xyz", "--config", agent.config).returncode, 2)


class TracesOverTls(Chains):
    """All of it in TLS: what the client asks for, the proxy, the server."""

    sealed, warm = True, 3

    def node(self):
        return chain_node(self.redis, self.postgres, tls=self.certificate)

    def python(self):
        return chain_python("threads", self.redis, self.postgres, tls=self.certificate)

    def test_node_one_at_a_time(self):
        _, records = self.verdict(self.node(), 1, 300, self.through_nginx, least=0.99)
        self.assertEqual([r for r in records if not r["tls.established"]], [])

    def test_node_a_hundred_at_once_is_never_wrong(self):
        self.verdict(self.node(), 100, 1000, self.through_nginx)

    def test_threads_a_hundred_at_once(self):
        self.verdict(self.python(), 100, 500, self.through_nginx, least=0.99)

    def test_a_connection_older_than_the_agent_is_joined_to_nothing(self):
        server = self.parts.enter_context(self.python())
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=tls.trusting())
        self.addCleanup(connection.close)
        numbers = iter(range(1000))

        def ask():
            connection.request("GET", f"/r/{next(numbers)}")
            connection.getresponse().read()
        ask()
        agent = self.agent()
        with agent.observer() as observer:
            def mine():
                return [r for r in observer.all() if r["protocol"] == "http"]

            def told():
                ask()
                return len(mine()) >= 20
            until(told, lambda: f"20 records; there are {mine()}", 30)
            self.assertEqual(observer.stop(), 0)
        self.assertEqual([r for r in mine() if r.get("parent_span_id")], [])
