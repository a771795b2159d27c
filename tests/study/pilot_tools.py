"""What tests of pilot jobs share: processes, and whether they are gone."""

import time
from pathlib import Path


def _state_and_parent(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None


def parent_of(pid):
    found = _state_and_parent(pid)
    return None if found is None else int(found[1])


def alive(pid):
    """Tell whether a process is there and no zombie."""
    found = _state_and_parent(pid)
    return found is not None and found[0] != "Z"


def family_of(roots):
    """Return processes with all that they have started."""
    children = {}
    for item in Path("/proc").iterdir():
        if item.name.isdigit():
            children.setdefault(parent_of(item.name), []).append(int(item.name))
    found, new = set(), set(roots)
    while new:
        found |= new
        new = {child for pid in new for child in children.get(pid, [])} - found
    return found


def gone(pids, seconds):
    """Wait until processes are gone; return what is left of them."""
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [pid for pid in pids if alive(pid)]


def calls(tmp_path):
    """Return atoms and process of every evaluation of the slow calculator."""
    lines = [line.split() for line in (tmp_path / "calls.log").read_text().splitlines()]
    return [(atoms, int(pid)) for atoms, pid in lines]


def workers_at_work(tmp_path):
    """Return the processes of jobs, and Parsl's workers that wait for them."""
    found = {pid: parent_of(pid) for _, pid in calls(tmp_path) if alive(pid)}
    return set(found), {parent for parent in found.values() if parent not in (None, 1)}


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
