# SPDX-License-Identifier: Apache-2.0
"""An agent within one pod, as by shareProcessNamespace: it sees this pod and nothing else of the host."""

import json
import os

from e2e.case import Case, on_every_rung
from support import places
from support.child import Child
from support.nginx import Nginx
from support.records import Record


@on_every_rung
class Sidecar:
    def test_it_sees_the_calls_of_its_pod_under_the_pids_that_they_have_there_and_no_others(self):
        wait, go = os.pipe()
        command = ["unshare", "--pid", "--net", "--mount-proc", "--fork", "--kill-child",
                   places.python(), places.HERE / "in_pod.py", self.rung]
        with Nginx() as outside, Child(command, stdin=wait, name="in_pod.py") as pod:
            os.close(wait)
            pod.wait_for_line("watching", "stdout")
            for _ in range(20):
                self.curl(outside.url("/outside"))
            os.close(go)
            self.assertEqual(pod.wait(60), 0, pod.output())
            said = json.loads(pod.stdout.text().splitlines()[-1])
        found = [Record(record) for record in said["records"]]
        self.assertEqual(sorted((r.kind, r.path, r.status) for r in found),
                         sorted((kind, path, 200) for kind in ("client", "server") for path in ("/older", "/short", "/younger")))
        for record in found:
            client = "curl" if record.path == "/short" else os.path.basename(places.python())
            names, pids = (record.process, record.peer_process), (record.pid, record.peer_pid)
            if record.kind == "server":
                names, pids = names[::-1], pids[::-1]
            self.assertEqual(names, (client, "nginx"), record)
            if record.path != "/short":
                self.assertEqual(pids[0], said["client"], record)
            if record.path != "/older":
                self.assertFalse(record.partial, record)
