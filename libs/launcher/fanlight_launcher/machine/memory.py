"""How much shared memory the machine has, because the frames travel in it.

May be called on any thread; reads two files of the system. Owns and drops nothing.
"""

import os
import shutil
import stat
from pathlib import Path


def shared_memory_mib(path: Path = Path("/dev/shm")) -> int:
    """Return the free shared memory in MiB, -1 if there is no such memory or we may not use it."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode) or not os.access(path, os.W_OK):
            return -1
        return shutil.disk_usage(path).free >> 20
    except OSError:
        return -1


def segment_limit_mib(path: Path = Path("/proc/sys/kernel/shmmax")) -> int:
    """Return the largest SysV segment that the kernel allows in MiB, -1 if it allows none."""
    try:
        return int(path.read_text()) >> 20
    except (OSError, ValueError):
        return -1
