"""What a platform holds of the machine: processes, namespaces, mounts, cgroups, descriptors, loop devices, memory."""

import os
from pathlib import Path

from .processes import descendants


def _launcher(traca):
    """The one child of the platform that lives as long as it."""
    return next(int(pid) for task in Path(f"/proc/{traca.pid}/task").iterdir() for pid in (task / "children").read_text().split())


def _namespaces(pids):
    found = set()
    for pid in pids:
        for name in ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup"):
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/{name}"))
            except OSError:
                # It has ended meanwhile.
                continue
    return found


def _loop_devices(data):
    """Those with a file of the platform's behind them, which has no name any more."""
    count = 0
    for device in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            count += device.read_text().startswith(str(data))
        except OSError:
            continue
    return count


def _memory_mb(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) // 1024


def holdings(traca, data):
    """How many of each it holds now."""
    launcher = _launcher(traca)
    pids = {pid for pid, _ in descendants(traca.pid)} | {traca.pid}
    return {
        "processes": len(pids),
        "namespaces": len(_namespaces(pids)),
        "mounts": sum(len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines()) for pid in (traca.pid, launcher)),
        "cgroups": sum(1 for own in traca.cgroups() for entry in own.iterdir() if entry.is_dir()),
        "loop devices": _loop_devices(data),
        "descriptors": len(os.listdir(f"/proc/{traca.pid}/fd")) + len(os.listdir(f"/proc/{launcher}/fd")),
    }


def private_memory_mb(traca):
    """Memory that only the platform's own two processes have, in MB."""
    return _memory_mb(traca.pid) + _memory_mb(_launcher(traca))
