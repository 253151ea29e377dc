# SPDX-License-Identifier: Apache-2.0
"""Containers and pods by name, and the service map: real pods, made through the CRI of a containerd of our own."""

import json
import pathlib
import shutil
import subprocess
import unittest

from e2e.case import Case
from support import collector, places, pods
from support.collector import Collector
from support.subfloor import PATIENT_RING, Agent, run
from support.waiting import PATIENCE, until

HTTPS = ("/bin/sh", "-c", "cd /www && exec openssl s_server -quiet -WWW -accept 443 -cert cert.pem -key key.pem")
HTTPD = ("/bin/httpd", "-f", "-p", "80", "-h", "/www")
runtime = None


def setUpModule():
    global runtime
    if pods.missing():
        raise FileNotFoundError(f"{pods.missing()} is not installed (./dev installs it)")
    runtime = pods.Runtime()
    runtime.__enter__()


def tearDownModule():
    runtime.__exit__()


def wget(ip, path):
    return "/bin/wget", "-q", "-O-", f"http://{ip}{path}"


class PodsCase(Case):
    def agent(self, more="", **settings):
        # Others' traffic is none of this test's.
        settings = {"ports": "[80, 81, 82, 83]", "data_ring": PATIENT_RING, **settings}
        return Agent(more=f"identity:\n  cri_socket: {runtime.socket}\n{more}", **settings)

    def pod(self, name, **settings):
        pod = runtime.pod(name, **settings)
        self.addCleanup(pod.remove)
        return pod

    def web(self, name="web-1", labels=None):
        """A pod that serves /hello, once it does."""
        pod = self.pod(name, namespace="shop", labels=labels or {"app": "web"})
        pod.run("httpd", *HTTPD)
        until(lambda: self.fetch(pod.ip, "/hello") == 0, "the pod serves")
        return pod

    @staticmethod
    def fetch(ip, path, env=None):
        """From a process of the host; curl's exit code."""
        url = path if path.startswith("https:") else f"http://{ip}{path}"
        return subprocess.run(runtime.inside("curl", "-sk", "--http1.1", "-o", "/dev/null", url), env=env).returncode

    def known(self, agent, count):
        until(lambda: agent.status()["identity"]["named"] >= count, lambda: agent.status()["identity"])


class Tls(PodsCase):
    """Pods bring their own TLS library."""

    def sealed(self, name):
        pod = self.pod(name, namespace="shop")
        pod.run("openssl", *HTTPS)
        until(lambda: self.fetch(pod.ip, f"https://{pod.ip}/cert.pem") == 0, lambda: f"the pod serves: {pod.log('openssl')}")
        return pod

    def test_of_pods_that_ran_before_and_that_started_since(self):
        before = self.sealed("before")
        with self.agent(ports="[443]") as agent, agent.observer(port=443) as seen:
            since = self.sealed("since")
            for pod in (before, since):
                for _ in range(3):
                    self.assertEqual(self.fetch(pod.ip, f"https://{pod.ip}/hello"), 0)
            servers, clients = self.seen(seen, 6, path="/hello")
            for record in servers + clients:
                self.assertTrue(record["tls.established"], record)
                self.assert_call(record, "/hello")
            self.assertEqual([record["k8s.pod.name"] for record in servers], ["before"] * 3 + ["since"] * 3)
            self.assertEqual([record["peer.k8s.pod.name"] for record in clients], ["before"] * 3 + ["since"] * 3)
            libraries = [each["path"] for each in agent.status()["tls"]["files"]]
            self.assertGreaterEqual(len([path for path in libraries if "libssl.so.3" in path]), 2, libraries)


class Names(PodsCase):
    def test_a_pod_that_is_gone_at_once_has_its_name_namespace_and_labels(self):
        web = self.web()
        with self.agent() as agent, agent.observer(port=80) as seen:
            self.known(agent, 2)
            lives = []
            for i in range(10):
                pod = self.pod(f"short-{i}", namespace="batch", labels={"app.kubernetes.io/name": "errand", "Team": "a/b"})
                container = pod.run("wget", *wget(web.ip, f"/hello?{i}"))
                status = pod.wait(container)
                self.assertEqual(status["exit_code"], 0)
                lives.append((status["finished_at"] - status["started_at"]) / 1e6)
                pod.remove()  # and its runtime forgets it, too
            servers, clients = self.seen(seen, 10, path="/hello")
            self.assertLess(min(lives), 50 * PATIENCE, f"ms that containers lived: {lives}")
            for i, client in enumerate(sorted(clients, key=lambda r: r["url.query"])):
                self.assertEqual(client["k8s.pod.name"], f"short-{i}")
                self.assertEqual(client["k8s.namespace.name"], "batch")
                self.assertEqual(client["k8s.container.name"], "wget")
                self.assertEqual(client["container.image.name"], pods.IMAGE)
                self.assertEqual(client["k8s.pod.label.app.kubernetes.io/name"], "errand")
                self.assertEqual(client["k8s.pod.label.Team"], "a/b")
                self.assertEqual(client["service.name"], "errand")
                self.assertEqual(client["peer.k8s.pod.name"], "web-1")
                self.assertEqual(len(client["container.id"]), 64)
            for server in servers:
                self.assertEqual((server["k8s.pod.name"], server["k8s.pod.uid"]), ("web-1", web.uid))
                self.assertEqual(server["service.name"], "web")
                self.assertEqual(server["peer.service"], "errand")

    def test_the_environment_names_a_service_before_labels_do(self):
        pod = self.pod("named", labels={"app.kubernetes.io/name": "label"})
        environments = {81: {"OTEL_SERVICE_NAME": "by-name", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other"},
                        82: {"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=by%20attr"}, 83: {}}
        for port, env in environments.items():
            pod.run(f"c{port}", "/bin/httpd", "-f", "-p", port, "-h", "/www", env=env)
        with self.agent() as agent, agent.observer() as seen:
            self.known(agent, 4)
            for port in environments:
                until(lambda: self.fetch(f"{pod.ip}:{port}", "/hello") == 0, "it serves")
            names = {record.server_port: record["service.name"] for record in seen.wait(3, "server", path="/hello")}
            self.assertEqual(names, {81: "by-name", 82: "by attr", 83: "label"})

    def test_filters_by_pod_namespace_workload_and_service(self):
        labels = {"pod-template-hash": "5f6d9c7b8", "app": "web"}
        web = self.web("web-5f6d9c7b8-x2x4z", labels)
        with self.agent() as agent:
            self.known(agent, 2)
            for flags in (("--pod", "web-5f6d9c7b8-x2x4z"), ("--namespace", "shop"), ("--workload", "web"),
                          ("--workload", "deployment/web"), ("--service", "web")):
                with agent.observer(arguments=[*flags, "--limit", "1"]) as seen:
                    self.fetch(web.ip, "/hello")
                    record, = seen.wait(1)
                    self.assertEqual(record["k8s.deployment.name"], "web", flags)
            for flags in (("--pod", "web"), ("--namespace", "default"), ("--workload", "job/web")):
                with agent.observer(arguments=flags) as seen, agent.observer(port=80) as all_of_them:
                    self.fetch(web.ip, "/hello")
                    all_of_them.wait(1, "server")
                    all_of_them.wait(1, "client")
                    self.assertEqual(seen.stop(), 0)
                    self.assertEqual(seen.all(), [], flags)

    @unittest.skipUnless(collector.available(), "the build has no OTLP")
    def test_what_is_exported_says_which_pod_it_was(self):
        web = self.web()
        with Collector() as there:
            otlp = f"otlp:\n  endpoint: http://127.0.0.1:{there.http_port}\ntelemetry:\n  window: 500ms\n"
            with self.agent(otlp) as agent:
                self.known(agent, 2)
                self.fetch(web.ip, "/hello?exported")
                def found():
                    return [span for span in there.spans() if span.path == "/hello"
                            and span.resource.get("k8s.pod.name") == "web-1"]
                until(found, lambda: f"a span of the pod: {[s.resource for s in there.spans()]}", 20)
            resource = found()[0].resource
            self.assertEqual(resource["k8s.namespace.name"], "shop")
            self.assertEqual(resource["k8s.container.name"], "httpd")
            self.assertEqual(resource["k8s.pod.uid"], web.uid)
            self.assertEqual(resource["container.image.name"], pods.IMAGE)
            self.assertEqual(resource["service.name"], "web")


class WithoutRuntime(PodsCase):
    def test_a_runtime_that_is_away_costs_names_and_nothing_else(self):
        ip = self.web().ip
        runtime.stop_daemon()
        try:
            with self.agent() as agent, agent.observer(port=80) as seen:
                self.fetch(ip, "/hello?1")
                server, = seen.wait(1, "server")
                self.assertEqual(len(server["container.id"]), 64)
                self.assertNotIn("k8s.pod.name", server)
                self.assertEqual(server["service.name"], "httpd")
                until(lambda: agent.status()["health"] == "degraded", lambda: agent.status()["identity"])
                self.assertIn("without names", run("status", "--config", agent.config).stdout)
                runtime.start_daemon()
                self.known(agent, 2)
                self.fetch(ip, "/hello?2")
                record = seen.wait(2, "server")[1]
                self.assertEqual((record["k8s.pod.name"], record["service.name"]), ("web-1", "web"))
                self.assertEqual(agent.status()["identity"]["problem"], "")
        finally:
            if not runtime.is_up():
                runtime.start_daemon()


class Map(PodsCase):
    """Host process → front → api → store, and the host process → api itself."""

    @staticmethod
    def relay(name, below):
        """A server that answers after it asked the one below."""
        script = ("while read -r line; do case \"$line\" in (''|$'\\r') break;; esac; done; "
                  f"/bin/wget -q -O- http://{below}/hello >/dev/null; "
                  "printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\nok\\n'")
        return "/bin/nc", "-ll", "-p", "80", "-e", "/bin/sh", "-c", script

    def chain(self):
        store = self.web("store-0", {"app": "store"})
        api = self.pod("api-1", namespace="shop", labels={"app.kubernetes.io/name": "api"})
        api.run("relay", *self.relay("api", store.ip))
        front = self.pod("front-1", namespace="edge", labels={"app": "front"})
        front.run("relay", *self.relay("front", api.ip))
        return front, api, store

    def map(self, agent, *flags):
        done = run("map", "-o", "json", *flags, "--config", agent.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    @staticmethod
    def edges(answer):
        def name(node):
            return "/".join(node[key] for key in ("namespace", "name") if key in node)
        # The tests' own talk with the runtime is on the map, too.
        return {(name(edge["client"]), name(edge["server"])): edge for edge in answer["edges"]
                if edge["server"]["name"] != "containerd"}

    def test_three_pods_and_a_host_process_by_name_each_call_once(self):
        front, api, store = self.chain()
        with self.agent() as agent:
            self.known(agent, 6)
            for _ in range(20):
                self.assertEqual(self.fetch(front.ip, "/"), 0)
            self.assertEqual(self.fetch(api.ip, "/direct"), 0)
            wanted = {("curl", "edge/front"): 20, ("edge/front", "shop/api"): 20, ("curl", "shop/api"): 1,
                      ("shop/api", "shop/store"): 21}
            def counts():
                return {names: edge["calls"] for names, edge in self.edges(self.map(agent)).items()}
            until(lambda: counts() == wanted, lambda: f"{wanted} in {self.map(agent)}")
            edges = self.edges(self.map(agent))
            for edge in edges.values():
                self.assertEqual((edge["protocol"], edge["errors"]), ("http", 0))
                self.assertEqual(edge["seen_by"], ["client", "server"])
                self.assertGreater(edge["p50_ns"], 0)
            self.assertEqual(edges["curl", "edge/front"]["client"]["kind"], "process")
            self.assertEqual(edges["curl", "edge/front"]["server"]["pod"], "front-1")
            by_pod = self.edges(self.map(agent, "--by", "pod")).values()
            self.assertEqual({edge["server"]["pod"] for edge in by_pod}, {"front-1", "api-1", "store-0"})

            tree = run("map", "--config", agent.config).stdout
            lines = [line.split("→")[-1].split("[")[0].strip() for line in tree.splitlines()]
            self.assertEqual([line for line in lines if "containerd" not in line and "cri_client" not in line],
                             ["curl", "edge/front", "shop/api", "shop/store", "shop/api"], tree)
            dot = run("map", "-o", "dot", "--config", agent.config).stdout
            if shutil.which("dot"):
                drawn = subprocess.run(["dot", "-Tplain"], input=dot, capture_output=True, text=True)
                self.assertEqual(drawn.returncode, 0, drawn.stderr)
                self.assertGreaterEqual(sum(line.startswith("edge ") for line in drawn.stdout.splitlines()), 4)

            graph = {(labels["client"], labels["server"]): value for name, labels, value in agent.metrics()
                     if name == "traces_service_graph_request_total" and labels["server"] != "containerd"}
            self.assertEqual(graph, {("curl", "front"): 20, ("front", "api"): 20, ("curl", "api"): 1, ("api", "store"): 21})

    def test_without_an_agent_it_says_so(self):
        with places.scratch() as directory:
            config = pathlib.Path(directory) / "c.yaml"
            config.write_text(f"api:\n  socket: {directory}/none.sock\n")
            done = run("map", "--config", config)
            self.assertEqual(done.returncode, 4)
            self.assertIn("no agent answers", done.stderr)


if __name__ == "__main__":
    unittest.main()
