"""Who runs on this machine. A process is named by its id and its start, since ids are used again."""

from pathlib import Path


def _status(pid):
    """A process's parent, state and start; `None` when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), fields[0], int(fields[19])


def _table():
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {pid: status for pid in pids if (status := _status(pid))}


def descendants(pid):
    """All processes below this one, those in namespaces of their own included."""
    table = _table()
    found, frontier = set(), {pid}
    while frontier:
        frontier = {child for child, (parent, _, _) in table.items() if parent in frontier} - found
        found |= frontier
    return {(child, table[child][2]) for child in found}


def living(processes):
    """Those that still run. A dead one whose new parent has not noticed yet does not."""
    alive = set()
    for pid, start in processes:
        status = _status(pid)
        if status and status[2] == start and status[1] not in "ZX":
            alive.add((pid, start))
    return alive
