# SPDX-License-Identifier: Apache-2.0
"""What BPF is loaded in the kernel, as bpftool tells it, and what it costs."""

import contextlib
import json
import pathlib
import re
import subprocess

from . import places
from .waiting import PATIENCE

STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")


def bpftool(*arguments):
    done = subprocess.run([places.program("bpftool"), "-j", *arguments], capture_output=True, text=True, timeout=30 * PATIENCE)
    return json.loads(done.stdout) if done.stdout.strip() else []


def held(pid, key):
    """Ids that the process's BPF file descriptors name as `key` ("prog_id" or "link_id"). A link names its program, too."""
    ids = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            ids.update(int(n) for n in re.findall(rf"^{key}:\s*(\d+)$", info.read_text(), re.M))
    return ids


def programs(pid):
    """Programs the process holds, as bpftool shows them. (Its own list of processes needs a build with skeletons.)"""
    ids = held(pid, "prog_id")
    return [program for program in bpftool("prog", "show") if program["id"] in ids]


def links(pid):
    ids = held(pid, "link_id")
    return [link for link in bpftool("link", "show") if link["id"] in ids]


def alive(program_ids):
    """Which of these programs are still in the kernel."""
    return {p["id"] for p in bpftool("prog", "show")} & set(program_ids)


def links_alive(link_ids):
    return {l["id"] for l in bpftool("link", "show")} & set(link_ids)


@contextlib.contextmanager
def run_statistics():
    """Run-time statistics of all programs are on within; what was set before is set again after."""
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def run_times(pid):
    """{program name: (ns, runs)} of the process's programs."""
    times = {}
    for program in programs(pid):
        ns, runs = times.get(program.get("name", "?"), (0, 0))
        times[program.get("name", "?")] = (ns + program.get("run_time_ns", 0), runs + program.get("run_cnt", 0))
    return times
