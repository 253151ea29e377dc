# SPDX-License-Identifier: Apache-2.0
"""`subfloor record`, and what `subfloor replay` makes of its files."""

import os
import pathlib
import signal
import stat
import subprocess

from e2e.case import Case, on_every_rung
from e2e.replay_test import by_connection, headers, replay, talk
from support import places
from support.child import Child
from support.nginx import Nginx
from support.subfloor import alone, run
from support.wire import Wire

IDENTITY = ("process.pid", "process.executable.name", "process.executable.path", "process.user.id", "service.name",
            "telemetry.sdk.language", "peer.process.pid", "peer.service")


def recorder(path, *arguments, prefix=()):
    return Child([*prefix, places.binary(), "record", "--config", alone(), path, *map(str, arguments)], name="subfloor record")


def recorded(path, nginx, requests=200):
    """Makes a recording of some requests to nginx."""
    with recorder(path) as child:
        child.wait_for_line("recording to")
        with Wire(nginx.port) as wire:
            for i in range(requests):
                wire.ask(f"/recorded/{i}", headers="Authorization: Bearer secret\r\n")
        assert child.stop(signal.SIGINT) == 0, child.output()
    return child


@on_every_rung
class Record:
    def test_replay_of_a_recording_has_the_live_records(self):
        with places.scratch() as directory, Nginx() as nginx:
            path = pathlib.Path(directory) / "a.sfr"
            nginx.file("small", 1000)
            nginx.file("large", 3_000_000)
            with self.observe(nginx.port) as observer, recorder(path, "--rung", self.rung) as child:
                child.wait_for_line("recording to")
                with Wire(nginx.port) as wire:
                    talk(wire, nginx)
                self.curl(nginx.url("/curl"))
                observer.wait(23, "server")
                observer.wait(23, "client")
                self.assertEqual(child.stop(signal.SIGINT), 0)
            replayed = [r for r in replay(path)[0] if r.server_port == nginx.port]
            for kind in ("server", "client"):
                live, again = observer.records(kind), [r for r in replayed if r.kind == kind]
                self.assertEqual(by_connection(live), by_connection(again))
                who = [[{key: r.get(key) for key in IDENTITY} | headers(r) for r in found] for found in (live, again)]
                self.assertEqual(*(sorted(map(str, each)) for each in who))


class RecordCommand(Case):
    def setUp(self):
        self.directory = places.scratch()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name) / "a.sfr"


    def paths(self, *arguments):
        return [r.path for r in replay(self.path, *arguments)[0] if (r.path or "").startswith("/recorded/")]

    def test_the_file_is_for_its_owner_alone_and_replay_redacts(self):
        with Nginx() as nginx:
            said = recorded(self.path, nginx).stderr.text()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.assertIn("passwords, cookies and keys", said)
        self.assertEqual(len(self.paths("--service", "nginx")), 200)
        self.assertNotIn("Bearer", run("replay", "-o", "json", self.path).stdout)

    def test_a_file_that_is_there_is_not_overwritten_unless_told(self):
        self.path.write_text("mine")
        done = run("record", "--config", alone(), self.path)
        self.assertEqual(done.returncode, 4)
        self.assertIn("--replace", done.stderr)
        self.assertEqual(self.path.read_text(), "mine")
        self.assertEqual(run("record", "--config", alone(), "--replace", "--for", "200ms", self.path).returncode, 0)
        self.assertEqual(replay(self.path)[1].count("stopped"), 0)

    def test_limit_ends_it_whole(self):
        with Nginx() as nginx, recorder(self.path, "--limit", "1MiB") as child, Wire(nginx.port) as wire:
            child.wait_for_line("recording to")
            while child.returncode is None:
                wire.ask("/recorded/x", headers=f"X-Noise: {os.urandom(1500).hex()}\r\n")
            self.assertEqual(child.wait(), 0)
            self.assertIn("ended at --limit", child.stderr.text())
        self.assertLessEqual(self.path.stat().st_size, 1 << 20)
        self.assertGreater(len(self.paths()), 100)

    def test_a_full_disk_is_exit_code_4_and_leaves_what_can_be_replayed(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "small", self.directory.name], check=True)
        self.addCleanup(subprocess.run, ["umount", self.directory.name], check=True)
        with Nginx() as nginx, recorder(self.path) as child, Wire(nginx.port) as wire:
            child.wait_for_line("recording to")
            while child.returncode is None:
                wire.ask("/recorded/x", headers=f"X-Noise: {os.urandom(1500).hex()}\r\n")
            self.assertEqual(child.wait(), 4, child.output())
            self.assertIn("No space left on device", child.output())
            self.assertIn("what was written can be replayed", child.output())
        done = run("replay", "-o", "json", self.path)
        self.assertIn(done.returncode, (0, 4))  # whether there was room for the end
        self.assertGreater(done.stdout.count("/recorded/x"), 10)

    def test_one_that_was_killed_is_read_up_to_there(self):
        with Nginx() as nginx, recorder(self.path) as child, Wire(nginx.port) as wire:
            child.wait_for_line("recording to")
            while not self.path.exists() or self.path.stat().st_size < 20_000:
                wire.ask("/recorded/x")
            child.stop(signal.SIGKILL)
        done = run("replay", "-o", "json", self.path)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, r"offset \d+: the recording was cut off: it has no end")
        self.assertIn("/recorded/x", done.stdout)

    def test_damage_is_found_and_told_by_its_place(self):
        with Nginx() as nginx:
            recorded(self.path, nginx, 2000)
        whole = len(self.paths())
        content = bytearray(self.path.read_bytes())
        content[len(content) * 3 // 4] ^= 1
        self.path.write_bytes(content)
        done = run("replay", "-o", "json", self.path)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, r"offset \d+: this block is damaged")
        self.assertLess(len(done.stdout.splitlines()), whole)

    def test_records_of_another_version_are_refused(self):
        with Nginx() as nginx:
            recorded(self.path, nginx, 1)
        self.path.write_bytes(self.path.read_bytes().replace(b"SFREC\r\n\x01", b"SFREC\r\n\x02"))
        done = run("replay", self.path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("version 2", done.stderr)

    def test_without_privileges_it_says_so_and_leaves_no_file(self):
        os.chmod(self.directory.name, 0o777)
        done = run("record", "--config", alone(), self.path,
                   prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertFalse(self.path.exists())
