"""The program answers at once."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

# processor time of the quickest of a few starts: wall time would measure whatever else the machine does
LIMIT_SECONDS = 0.5
STARTS = 4


@pytest.mark.parametrize("arguments", [["--help"], ["ligands"], ["ligands", "--json"]], ids=" ".join)
def test_starts_quickly(arguments):
    program = Path(sys.executable).with_name("qddft")
    times = []
    for _ in range(STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, *arguments], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < LIMIT_SECONDS
