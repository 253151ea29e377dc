# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes says what docs/service.md says, in the words that Kubernetes knows."""

import pathlib
import re
import unittest

import yaml

from support import places
from support.subfloor import run

FOLDER = places.ROOT / "deploy" / "kubernetes"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

# What the API server would check: the fields that are in use here, and of what kind each is. A list of one shape stands for
# many of that; a set for one of its words; a dict of `...` for any names.
TEXTS = {...: str}
META = {"name": NAME, "namespace": NAME, "labels": TEXTS, "annotations": TEXTS}
SECCOMP = {"type": {"RuntimeDefault"}}
PROBE = {"httpGet": {"path": str, "port": str}, "periodSeconds": int, "timeoutSeconds": int}
CONTAINER = {
    "name": NAME, "image": str, "imagePullPolicy": {"Always", "IfNotPresent", "Never"}, "args": [str],
    "ports": [{"name": NAME, "containerPort": int}],
    "livenessProbe": PROBE, "readinessProbe": PROBE,
    "resources": {"requests": {"cpu": str, "memory": str}, "limits": {"memory": str}},
    "securityContext": {"privileged": bool, "allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool, "runAsUser": int,
                        "runAsGroup": int, "capabilities": {"drop": [str], "add": [str]}},
    "volumeMounts": [{"name": NAME, "mountPath": str, "readOnly": bool}],
}
POD = {
    "serviceAccountName": NAME, "automountServiceAccountToken": bool, "hostPID": bool, "shareProcessNamespace": bool,
    "priorityClassName": NAME, "tolerations": [{"operator": {"Exists", "Equal"}}], "terminationGracePeriodSeconds": int,
    "securityContext": {"seccompProfile": SECCOMP, "appArmorProfile": {"type": {"RuntimeDefault", "Unconfined"}}},
    "containers": [CONTAINER],
    "volumes": [{"name": NAME, "configMap": {"name": NAME}, "emptyDir": {"medium": {"Memory"}, "sizeLimit": str},
                 "hostPath": {"path": str, "type": {"Directory", "Socket"}}}],
}
KINDS = {
    ("v1", "Namespace"): {"metadata": META},
    ("v1", "ServiceAccount"): {"metadata": META, "automountServiceAccountToken": bool},
    ("v1", "ConfigMap"): {"metadata": META, "data": TEXTS},
    ("v1", "Pod"): {"metadata": META, "spec": POD},
    ("apps/v1", "DaemonSet"): {"metadata": META, "spec": {
        "selector": {"matchLabels": TEXTS},
        "updateStrategy": {"type": {"RollingUpdate"}, "rollingUpdate": {"maxUnavailable": int}},
        "template": {"metadata": META, "spec": POD}}},
}


def misfits(value, shape, where):
    """What is not of that shape, as texts that say where."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{where}: no mapping"]
        return [text for key, item in value.items()
                for text in (misfits(item, shape.get(key, shape.get(...)), f"{where}.{key}") if key in shape or ... in shape
                             else [f"{where}.{key}: no such field"])]
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [f"{where}: no list"]
        return [text for i, item in enumerate(value) for text in misfits(item, shape[0], f"{where}[{i}]")]
    if isinstance(shape, set):
        return [] if value in shape else [f"{where}: {value!r} is none of {sorted(shape)}"]
    if isinstance(shape, re.Pattern):
        return [] if isinstance(value, str) and shape.fullmatch(value) and len(value) <= 63 else [f"{where}: {value!r} is no name"]
    return [] if type(value) is shape else [f"{where}: {value!r} is no {shape.__name__}"]


class UniqueKeys(yaml.SafeLoader):
    """As the API server reads it: a key that is there twice is a mistake."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.YAMLError(f"a key twice: {keys} {node.start_mark}")
        return super().construct_mapping(node, deep)


def documents(name):
    return list(yaml.load_all((FOLDER / name).read_text(), UniqueKeys))  # a SafeLoader


def of_kind(kind, found):
    return next(document for document in found if document["kind"] == kind)


def pod_of(found):
    """The metadata and the specification of the pods that a file makes."""
    owner = [document for document in found if document["kind"] in ("DaemonSet", "Pod")]
    assert len(owner) == 1, found
    pod = owner[0]["spec"]["template"] if owner[0]["kind"] == "DaemonSet" else owner[0]
    return pod["metadata"], pod["spec"]


def agent_of(pod):
    return next(container for container in pod["containers"] if container["name"] == "subfloor")


def documented():
    """{user: capabilities} of the table in docs/service.md."""
    document = (places.ROOT / "docs" / "service.md").read_text()
    table = re.search(r"<!-- capabilities to start with -->\n(.*?)\n\n", document, re.S).group(1)
    return {user: re.findall(r"\b[A-Z]+_?[A-Z_]+\b", names) for user, names in re.findall(r"^\| (root|any other) \| ([^|;(]*)", table, re.M)}


class Shapes(unittest.TestCase):
    def test_a_misfit_is_found_wherever_it_is(self):
        shape = KINDS["v1", "Pod"]
        fine = {"metadata": {"name": "a"}, "spec": {"hostPID": True, "containers": [{"name": "a", "image": "b"}]}}
        self.assertEqual(misfits(fine, shape, ""), [])
        for spec, said in (({"hostPid": True}, ".spec.hostPid: no such field"), ({"hostPID": "true"}, ".spec.hostPID: 'true' is no bool"),
                           ({"containers": {}}, ".spec.containers: no list"),
                           ({"containers": [{"name": "A"}]}, ".spec.containers[0].name: 'A' is no name"),
                           ({"containers": [{"image": 1}]}, ".spec.containers[0].image: 1 is no str"),
                           ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
                            ".spec.securityContext.seccompProfile.type: 'Unconfined' is none of ['RuntimeDefault']")):
            self.assertEqual(misfits({"spec": spec}, shape, ""), [said])

    def test_a_key_that_is_there_twice_is_a_mistake(self):
        with self.assertRaises(yaml.YAMLError):
            yaml.load("a: {b: 1, b: 2}", UniqueKeys)


class Manifests(unittest.TestCase):
    def each(self):
        names = sorted(path.name for path in FOLDER.glob("*.yaml"))
        self.assertEqual(names, ["daemonset.yaml", "sidecar.yaml"])
        for name in names:
            with self.subTest(name):
                yield documents(name)

    def test_every_field_is_one_that_kubernetes_knows(self):
        for found in self.each():
            for document in found:
                rest = dict(document)
                kind = rest.pop("apiVersion"), rest.pop("kind")
                self.assertEqual(misfits(rest, KINDS[kind], kind[1]), [])

    def test_what_is_referred_to_is_there(self):
        for found in self.each():
            metadata, pod = pod_of(found)
            names = {(document["kind"], document["metadata"]["name"]) for document in found}
            volumes = {volume["name"]: volume for volume in pod["volumes"]}
            self.assertEqual(set(volumes), {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", [])})
            for volume in volumes.values():
                if "configMap" in volume:
                    self.assertIn(("ConfigMap", volume["configMap"]["name"]), names)
            if "serviceAccountName" in pod:
                self.assertIn(("ServiceAccount", pod["serviceAccountName"]), names)
            for document in found:
                if document["kind"] == "DaemonSet":
                    self.assertLessEqual(document["spec"]["selector"]["matchLabels"].items(), metadata["labels"].items())
            agent = agent_of(pod)
            ports = {port["name"]: port["containerPort"] for port in agent["ports"]}
            for probe in ("livenessProbe", "readinessProbe"):
                if probe in agent:
                    self.assertIn(agent[probe]["httpGet"]["port"], ports)
            self.assertEqual(metadata["annotations"]["prometheus.io/port"], str(ports["metrics"]))

    def test_the_capabilities_are_those_of_the_documentation_and_no_others(self):
        self.assertEqual(set(documented()), {"root", "any other"})
        for found in self.each():
            _, pod = pod_of(found)
            security = agent_of(pod)["securityContext"]
            self.assertEqual(security["capabilities"]["drop"], ["ALL"])
            self.assertEqual(security["capabilities"]["add"], documented()["root"])
            self.assertEqual((security["runAsUser"], security["privileged"], security["allowPrivilegeEscalation"],
                              security["readOnlyRootFilesystem"]), (0, False, False, True))
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            for container in pod["containers"]:
                if container["name"] != "subfloor":
                    self.assertNotIn("capabilities", container["securityContext"])

    def test_only_the_agent_of_a_node_has_something_of_the_host(self):
        _, node = pod_of(documents("daemonset.yaml"))
        _, beside = pod_of(documents("sidecar.yaml"))
        self.assertEqual((node.get("hostPID"), node.get("shareProcessNamespace")), (True, None))
        self.assertEqual((beside.get("hostPID"), beside.get("shareProcessNamespace")), (None, True))
        self.assertFalse([volume for volume in beside["volumes"] if "hostPath" in volume])
        mounts = {mount["name"]: mount for mount in agent_of(node)["volumeMounts"]}
        for volume in node["volumes"]:
            if "hostPath" in volume:
                self.assertIs(mounts[volume["name"]]["readOnly"], True, volume)

    def test_the_configuration_is_one_that_the_agent_takes(self):
        for found in self.each():
            text = of_kind("ConfigMap", found)["data"]["subfloor.yaml"]
            port = agent_of(pod_of(found)[1])["ports"][0]["containerPort"]
            with places.scratch() as directory:
                path = pathlib.Path(directory) / "subfloor.yaml"
                path.write_text(text)
                done = run("config", "check", path)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(yaml.safe_load(text)["prometheus"]["listen"], f"0.0.0.0:{port}")

    def test_the_image_is_of_this_version(self):
        version = run("--version").stdout.split()[1]
        for found in self.each():
            self.assertEqual(agent_of(pod_of(found)[1])["image"], f"subfloor:{version}")
