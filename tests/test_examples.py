"""The scripts of ``examples`` run as they stand."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPECTED = {
    "build_structures.py": ("total formal charge +0", ["slab.vasp", "complex.vasp", "v-br-equatorial-5.vasp"]),
    "vasp_folders.py": ("INCAR", ["run.json", "plan.json", "study.yaml"]),
}
SLOW_EXPECTED = {"compare_ligands.py": ("acetic acid", ["results.json"])}


def run_example(name, folder):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, folder], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*EXPECTED, *SLOW_EXPECTED}


@pytest.mark.parametrize("name", EXPECTED)
def test_example(name, tmp_path):
    words, files = EXPECTED[name]
    assert words in run_example(name, tmp_path)
    assert all((tmp_path / file).is_file() for file in files)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW_EXPECTED)
def test_slow_example(name, tmp_path):
    words, files = SLOW_EXPECTED[name]
    assert words in run_example(name, tmp_path)
    assert all((tmp_path / file).is_file() for file in files)
