# SPDX-License-Identifier: Apache-2.0
"""Pods without a cluster: a containerd of our own, in a network namespace of its own, spoken to as the kubelet does.

Nothing is pulled: the only image is made here, of this machine's static busybox and its openssl with all the libraries that
that takes, which are files of the image's own then. All of it is gone at the end.
"""

import contextlib
import ctypes
import hashlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import tarfile
import threading
import uuid

from . import places
from .child import Child
from .tls import Certificate
from .waiting import PATIENCE, until

IMAGE = "localhost/busybox:test"
APPLETS = ("sh", "httpd", "wget", "sleep", "cat", "echo", "nc", "usleep", "true")

CONTAINERD = """\
version = 2
root = "{work}/data"
state = "{work}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{work}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{work}/cni"
"""

NETWORK = {
    "cniVersion": "0.4.0", "name": "subfloor-test",
    "plugins": [{"type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False,
                 "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.77.0/24"}]],
                          "routes": [{"dst": "0.0.0.0/0"}]}}],
}


PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None)


def missing():
    """What pods need and is not installed; "" where all is there."""
    for program in ("containerd", "runc", "busybox", "node", "ip", "nsenter", "openssl"):
        try:
            places.program(program)
        except FileNotFoundError:
            return program
    return "" if pathlib.Path("/usr/lib/cni/bridge").exists() else "containernetworking-plugins"


def _blob(archive, blobs, content):
    digest = hashlib.sha256(content).hexdigest()
    if digest not in blobs:
        blobs.add(digest)
        _file(archive, f"blobs/sha256/{digest}", content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def _file(archive, name, content, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _openssl(archive):
    program = places.program("openssl")
    needed = subprocess.run([places.program("ldd"), program], capture_output=True, text=True, check=True).stdout
    for path in [program, *re.findall(r"(/\S+) \(0x", needed)]:
        name = "bin/openssl" if path == program else path.lstrip("/")
        _file(archive, name, pathlib.Path(path).read_bytes(), 0o755)
    with Certificate() as certificate:
        _file(archive, "www/cert.pem", pathlib.Path(certificate.certificate).read_bytes())
        _file(archive, "www/key.pem", pathlib.Path(certificate.key).read_bytes())


def _layer():
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _file(archive, "bin/busybox", pathlib.Path(places.program("busybox")).read_bytes(), 0o755)
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        _file(archive, "www/hello", b"hello\n")
        _openssl(archive)
        for name in ("etc", "tmp", "proc", "sys", "dev"):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(directory)
    return layer.getvalue()


def make_image(path):
    """An OCI archive that pauses when nobody tells it what else to do."""
    layer, blobs = _layer(), set()
    with tarfile.open(path, "w") as archive:
        kind = "application/vnd.oci.image"
        diff = "sha256:" + hashlib.sha256(layer).hexdigest()
        config = json.dumps({"architecture": "amd64" if os.uname().machine == "x86_64" else "arm64", "os": "linux",
                             "config": {"Entrypoint": ["/bin/sleep", "100000"], "Env": ["PATH=/bin"]},
                             "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
            "config": {"mediaType": f"{kind}.config.v1+json", **_blob(archive, blobs, config)},
            "layers": [{"mediaType": f"{kind}.layer.v1.tar", **_blob(archive, blobs, layer)}]}).encode()
        index = {"schemaVersion": 2, "manifests": [{
            "mediaType": f"{kind}.manifest.v1+json", **_blob(archive, blobs, manifest),
            "annotations": {"io.containerd.image.name": IMAGE, "org.opencontainers.image.ref.name": IMAGE}}]}
        _file(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _file(archive, "index.json", json.dumps(index).encode())


class Refused(RuntimeError):
    """What the runtime answered instead of doing it."""


class Runtime:
    """containerd with its CRI, and what it takes to ask it for pods."""

    def __init__(self):
        self._scratch = places.scratch()
        self.work = pathlib.Path(self._scratch.name)
        self.socket = self.work / "containerd.sock"
        self.namespace = f"sfp{os.getpid()}"
        self.pods = []
        self._daemon = self._client = None
        self._asking = threading.Lock()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)  # shims are orphans by design; who else would bury them?
        self._run("ip", "netns", "add", self.namespace)
        self._run("ip", "-n", self.namespace, "link", "set", "lo", "up")
        (self.work / "cni").mkdir()
        network = json.loads(json.dumps(NETWORK))
        network["plugins"][0]["ipam"]["dataDir"] = str(self.work / "ipam")
        (self.work / "cni" / "pods.conflist").write_text(json.dumps(network))
        (self.work / "containerd.toml").write_text(CONTAINERD.format(work=self.work, image=IMAGE))
        self.start_daemon()
        make_image(self.work / "image.tar")
        self._run("ctr", "-a", self.socket, "-n", "k8s.io", "images", "import", "--snapshotter", "native",
                  self.work / "image.tar")

    def start_daemon(self):
        self._daemon = Child(self.inside("containerd", "-c", self.work / "containerd.toml"), name="containerd",
                             stdout_path=self.work / "containerd.out")
        until(lambda: self._daemon.returncode is not None or self._answers(),
              lambda: f"containerd answers: {self._daemon.stderr.text()[-4000:]}", 30)
        self._client = subprocess.Popen([places.program("node"), places.HERE / "cri_client.js", self.socket],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        until(self._ready, lambda: f"the CRI answers: {self._daemon.stderr.text()[-4000:]}", 30)

    def stop_daemon(self):
        """The runtime goes, its containers stay."""
        if self._client:
            self._client.stdin.close()
            self._client.wait(timeout=20)
            self._client.stdout.close()
            self._client = None
        if self._daemon and self._daemon.returncode is None:
            self._daemon.stop(signal.SIGTERM)

    def is_up(self):
        return self._client is not None and self._daemon.returncode is None

    def _answers(self):
        return subprocess.run([places.program("ctr"), "-a", self.socket, "version"], capture_output=True).returncode == 0

    def _ready(self):
        try:
            return bool(self.ask("Version", {})["runtime_name"])
        except Refused:
            return False

    def inside(self, *command):
        """The command, in the network namespace that pods are reached from; all else is this host's."""
        return [places.program("nsenter"), f"--net=/run/netns/{self.namespace}", places.program(command[0]),
                *map(str, command[1:])]

    def ask(self, method, request):
        with self._asking:
            self._client.stdin.write(json.dumps({"method": method, "request": request}) + "\n")
            self._client.stdin.flush()
            answer = json.loads(self._client.stdout.readline())
        if "error" in answer:
            raise Refused(f"{method}: {answer['error']}")
        return answer["response"]

    def pod(self, name, **settings):
        return Pod(self, name, **settings)

    @staticmethod
    def _run(program, *arguments):
        done = subprocess.run([places.program(program), *map(str, arguments)], capture_output=True, text=True,
                              timeout=60 * PATIENCE)
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def __exit__(self, *_):
        with contextlib.ExitStack() as stack:
            stack.callback(self._scratch.cleanup)
            stack.callback(self._unmount)
            stack.callback(self._remove_cgroups)
            stack.callback(self._bury_shims)
            stack.callback(subprocess.run, [places.program("ip"), "netns", "delete", self.namespace],
                           capture_output=True)
            stack.callback(self.stop_daemon)
            for pod in list(self.pods):
                stack.callback(pod.remove)

    @staticmethod
    def _bury_shims():
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, fields = path.read_text().rsplit(")", 1)
                if name.endswith("(containerd-shim") and int(fields.split()[1]) == os.getpid():
                    os.waitpid(int(path.parent.name), 0)

    @staticmethod
    def _remove_cgroups():
        for root in pathlib.Path("/sys/fs/cgroup").glob(f"**/sft{os.getpid()}"):
            for directory, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)

    def _unmount(self):
        lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        mounts = [line.split()[4] for line in lines if f" {self.work}/" in line]
        for mount in sorted(mounts, reverse=True):
            subprocess.run([places.program("umount"), mount], capture_output=True)


class Pod:
    """A sandbox with an address of its own, and containers in it."""

    def __init__(self, runtime, name, namespace="default", labels=None, share_processes=False):
        self.runtime, self.name, self.uid = runtime, name, str(uuid.uuid4())
        self.options = {"pid": "POD" if share_processes else "CONTAINER"}
        self.config = {
            "metadata": {"name": name, "uid": self.uid, "namespace": namespace, "attempt": 0},
            "log_directory": str(runtime.work / "logs" / name), "labels": labels or {},
            "linux": {"cgroup_parent": f"/sft{os.getpid()}/pod{self.uid}",
                      "security_context": {"namespace_options": self.options}}}
        self.id = runtime.ask("RunPodSandbox", {"config": self.config})["pod_sandbox_id"]
        runtime.pods.append(self)

    @property
    def ip(self):
        return self.runtime.ask("PodSandboxStatus", {"pod_sandbox_id": self.id})["status"]["network"]["ip"]

    def create(self, name, *command, env=None, mounts=(), capabilities=()):
        """A container that is not started yet; returns its id."""
        config = {"metadata": {"name": name}, "image": {"image": IMAGE}, "command": [str(c) for c in command],
                  "envs": [{"key": key, "value": value} for key, value in (env or {}).items()],
                  "mounts": [{"container_path": str(inner), "host_path": str(outer), "readonly": readonly}
                             for outer, inner, readonly in mounts],
                  "log_path": f"{name}.log",
                  "linux": {"security_context": {"namespace_options": self.options,
                                                 "capabilities": {"add_capabilities": list(capabilities)}}}}
        return self.runtime.ask("CreateContainer", {"pod_sandbox_id": self.id, "config": config,
                                                    "sandbox_config": self.config})["container_id"]

    def start(self, container):
        self.runtime.ask("StartContainer", {"container_id": container})

    def run(self, name, *command, **settings):
        container = self.create(name, *command, **settings)
        self.start(container)
        return container

    def status(self, container):
        return self.runtime.ask("ContainerStatus", {"container_id": container})["status"]

    def wait(self, container, seconds=20):
        """Until it has ended; returns its status."""
        until(lambda: self.status(container)["finished_at"], lambda: f"{self.name} ends: {self.log(container)}", seconds)
        return self.status(container)

    def log(self, name):
        path = self.runtime.work / "logs" / self.name / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def remove(self):
        if self in self.runtime.pods:
            self.runtime.pods.remove(self)
            self.runtime.ask("StopPodSandbox", {"pod_sandbox_id": self.id})
            self.runtime.ask("RemovePodSandbox", {"pod_sandbox_id": self.id})
