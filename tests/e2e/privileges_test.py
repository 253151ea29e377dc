# SPDX-License-Identifier: Apache-2.0
"""Which capabilities the agent starts with, which it keeps, and what it says without them."""

import os
import pathlib
import re
import subprocess

from e2e.case import Case
from support import places
from support.nginx import Nginx
from support.subfloor import Agent, lost, run

NOBODY = 65534
NEEDED = ["bpf", "perfmon", "net_admin", "sys_ptrace"]
KEPT = ["cap_dac_read_search", "cap_sys_ptrace"]  # as docs/service.md has it, in capsh's order


def with_capabilities(names, uid=0):
    """The command prefix that runs a program with these capabilities and no others, as that user."""
    given = "-all" + "".join(f",+{name}" for name in names)
    prefix = [places.program("setpriv"), f"--bounding-set={given}"]
    if uid == 0:
        return [*prefix, "--inh-caps=-all"]
    return [*prefix, f"--inh-caps={given}", f"--ambient-caps={given}", "--reuid", str(uid), "--regid", str(uid),
            "--clear-groups"]


def capabilities(pid):
    """{thread: {"CapEff": names, …, "NoNewPrivs": "1"}}, decoded by capsh."""
    found = {}
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = dict(re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)$", (thread / "status").read_text(), re.M))
        found[thread.name] = {name: decoded(value) if name.startswith("Cap") else value for name, value in fields.items()}
    return found


def decoded(mask):
    text = subprocess.run([places.program("capsh"), f"--decode={mask}"], capture_output=True, text=True).stdout
    return [name for name in text.strip().split("=", 1)[1].split(",") if name]


class Privileges(Case):
    def agent(self, prefix=(), **settings):
        agent = Agent(prefix=prefix, **settings)
        os.chmod(os.path.dirname(agent.socket), 0o777)
        return agent

    def assert_observes(self, agent):
        """Calls with the names of others' processes, and reloads, without a loss."""
        with Nginx() as nginx, agent.observer() as observer:
            self.curl(nginx.url("/seen"))
            observer.wait(1, "client", path="/seen")
            agent.configure(ports=f"[{nginx.port}]")
            self.assertTrue(agent.reload()["last_reload"]["succeeded"])
            self.curl(nginx.url("/again"))
            observer.wait(1, "server", path="/again")
            for record in observer.all():
                if record.path in ("/seen", "/again"):
                    self.assertIn(record.get("process.executable.path"), ("/usr/sbin/nginx", "/usr/bin/curl"))
                    self.assertEqual(record.get("telemetry.sdk.language"), "cpp", "read off the executable file")
        self.assertEqual(lost(agent.status()), 0)

    def test_what_is_kept_is_what_the_documentation_says_in_every_thread(self):
        with self.agent() as agent:
            self.assert_observes(agent)
            threads = capabilities(agent.pid)
            self.assertGreaterEqual(len(threads), 3, "the reactor's and the two of the metrics server")
            for held in threads.values():
                self.assertEqual(held, {"CapInh": [], "CapPrm": KEPT, "CapEff": KEPT, "CapBnd": KEPT, "CapAmb": [],
                                        "NoNewPrivs": "1"})
            document = (places.ROOT / "docs" / "service.md").read_text()
            table = re.search(r"<!-- kept capabilities -->\n(.*?)\n\n", document, re.S).group(1)
            self.assertEqual(sorted(name.lower() for name in re.findall(r"^\| (CAP_\w+)", table, re.M)), KEPT)

    def test_it_runs_as_root_with_just_the_capabilities_it_needs(self):
        with self.agent(with_capabilities(NEEDED)) as agent:
            self.assert_observes(agent)
            self.assertEqual(capabilities(agent.pid)[str(agent.pid)]["CapEff"], ["cap_sys_ptrace"])

    def test_it_runs_as_an_ordinary_user_with_them_and_dac_read_search(self):
        with self.agent(with_capabilities([*NEEDED, "dac_read_search"], NOBODY)) as agent:
            self.assert_observes(agent)
            held = capabilities(agent.pid)[str(agent.pid)]
            self.assertEqual((held["CapEff"], held["CapAmb"], held["NoNewPrivs"]), (KEPT, [], "1"))

    def test_what_is_missing_is_named_and_nothing_is_left(self):
        for names, uid, missing in ((["perfmon", "sys_ptrace"], 0, "CAP_BPF"),
                                    (["bpf", "sys_ptrace"], 0, "CAP_PERFMON"),
                                    (["net_admin"], NOBODY, "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE")):
            with places.scratch() as directory:
                os.chmod(directory, 0o777)
                path = pathlib.Path(directory) / "subfloor.yaml"
                path.write_text(f"api:\n  socket: {directory}/api.sock\nprometheus:\n  enabled: false\n")
                done = run("agent", "--config", path, prefix=with_capabilities(names, uid))
                self.assertEqual(done.returncode, 3, done)
                self.assertIn(f"missing: {missing}. ", done.stderr)
                self.assertEqual(os.listdir(directory), ["subfloor.yaml"])
