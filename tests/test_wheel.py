"""What users install: the wheel alone, in an environment that holds nothing else."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUDY = """\
title: Methanol on CsPbBr3
levels: {tblite: smoke}
slab: {formula: CsPbBr3, termination: PbX2, layers: 3, supercell: sqrt2, vacuum: 12.0, fixed_layers: all}
ligands: [{ligand: "CO", mode: atop, reference: neutral}]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    call("uv", "build", "--wheel", "--quiet", "--out-dir", folder, cwd=ROOT)
    (path,) = folder.glob("*.whl")
    return path


def call(*arguments, cwd, **environment):
    clean = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        [str(word) for word in arguments], cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_the_data(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "qddft/_data/structures/bulk/CsPbBr3-cubic.toml",
        "qddft/_data/structures/ligands/oleic_acid.toml",
        "qddft/_data/structures/sources.toml",
        "qddft/_data/workflows/tao-cspbbr3/demo.yaml",
        "qddft/_data/workflows/tao-cspbbr3/study.yaml",
        "qddft/levels/presets/screening.yaml",
        "qddft/report/templates/report.html.j2",
    ):
        assert name in names
    assert not [name for name in names if name.startswith("tests/") or "POTCAR" in Path(name).name]


@pytest.mark.slow
def test_study_runs_from_the_wheel_alone(wheel, tmp_path):
    """All dependencies are installed as a user's `pip install` would choose them, in the versions of uv.lock."""
    locked = tmp_path / "requirements.txt"
    exported = call("uv", "export", "--locked", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet", cwd=ROOT)
    locked.write_text(exported)
    environment = tmp_path / "venv"
    call("uv", "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    call("uv", "pip", "install", "--quiet", "--python", python, "-r", locked, wheel, cwd=tmp_path)
    where = call(python, "-c", "import qddft; print(qddft.__file__)", cwd=tmp_path)
    assert str(environment) in where
    (tmp_path / "small.yaml").write_text(STUDY)
    shown = call(environment / "bin" / "qddft", "run", "small.yaml", cwd=tmp_path, OMP_NUM_THREADS="1")
    assert re.search(r"CO +neutral +[+−]\d", shown)
    assert (tmp_path / "run-small" / "report" / "index.html").is_file()
