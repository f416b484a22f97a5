"""Runs a command and notes what it took. A process of its own, since a child starts with the peak
memory of its parent: so this one is as small as Python can be.
"""

import os
import sys
import time

start = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
# Of all that the child has waited for, too.
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
with open(sys.argv[1], "w", encoding="ascii") as note:
    code = os.waitstatus_to_exitcode(status)
    print(code, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=note)
