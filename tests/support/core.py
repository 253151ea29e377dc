# SPDX-License-Identifier: Apache-2.0
"""What a core file of a process would hold, without making one."""

import re

MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) +(\S.*)?$")


def dumped(pid):
    """Yields (name, bytes) of each mapping that the kernel would write into a core file: private and writable, and
    not marked as none of its business."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        mapping = None
        for line in smaps:
            if match := MAPPING.match(line):
                mapping = match
            elif line.startswith("VmFlags:") and mapping and "w" in mapping[3] and "p" in mapping[3] and " dd" not in line:
                start, end = int(mapping[1], 16), int(mapping[2], 16)
                memory.seek(start)
                yield mapping[5] or "anonymous", memory.read(end - start)


def find(pid, secret):
    """[(mapping, what stands around it)] of each place that holds the secret."""
    found = []
    for name, content in dumped(pid):
        at = content.find(secret)
        while at >= 0:
            found.append((name, content[max(0, at - 40):at + len(secret) + 20]))
            at = content.find(secret, at + 1)
    return found
