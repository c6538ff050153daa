"""What a command takes: user and system time of it and of all it waited for, and the memory of the largest of them.

A script of its own (`python -m tests.benchmark.peers.took COMMAND …`) that imports little: a process counts as at least
as large as the one that started it. One JSON line: `cpu_s`, `wall_s`, `peak_mb`; the command's status on failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

if __name__ == "__main__":
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(os.waitstatus_to_exitcode(status))
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, "peak_mb": used.ru_maxrss / 1024}))
