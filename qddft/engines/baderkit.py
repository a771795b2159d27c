"""Basins of a density from baderkit, which runs in a Python of its own.

baderkit pins older releases of the libraries that qddft stands on, so that both cannot share an environment. The basins
are those of Bader (Atoms in Molecules, 1990); methods: Tang, Sanville and Henkelman, J. Phys.: Condens. Matter 21,
084204 (2009), and Yu and Trinkle, J. Chem. Phys. 134, 064111 (2011).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qddft.core.errors import EngineError, OutputError
from qddft.core.frozen import freeze_fields
from qddft.outputs.grid import Grid
from qddft.outputs.grid_write import write_grid

# a Python that has baderkit, where uv is not to be asked for one
VARIABLE = "QDDFT_BADERKIT_PYTHON"
RELEASES = "baderkit>=0.10,<0.11"
# the first is that of the program bader; the weighted ones take minutes to be compiled when they are used first
METHODS = ("neargrid", "neargrid-weight", "weight", "ongrid")
_TIMEOUT = 3600
# runs in the other Python, so it knows nothing of qddft
_SCRIPT = """
import importlib.metadata, json, sys
from baderkit import Bader
found = Bader.from_vasp(charge_grid="CHGCAR", total_charge_grid="CHGCAR_sum", method=sys.argv[1])
electrons = [float(value) for value in found.atom_charges]
about = {"vacuum": float(found.vacuum_charge), "version": importlib.metadata.version("baderkit")}
json.dump({"electrons": electrons, **about}, open("basins.json", "w"))
"""


@dataclass(frozen=True)
class Basins:
    """Electrons in the basins of a density.

    Attributes
    ----------
    electrons
        In the basin of each atom, shape (n_atoms,).
    vacuum
        Electrons that belong to no atom.
    version
        Of baderkit.
    method
        How the basins were found.
    """

    electrons: np.ndarray
    vacuum: float
    version: str
    method: str

    def __post_init__(self) -> None:
        freeze_fields(self)


def find_basins(density: Grid, reference: Grid, *, method: str = METHODS[0]) -> Basins:
    """Find the basins of one density and integrate another one over them.

    Parameters
    ----------
    density
        What is integrated: the valence electrons, e/Angstrom^3.
    reference
        Whose basins: the total density, AECCAR0 + AECCAR2 of VASP, on the same grid.
    method
        One of ``METHODS``.

    Raises
    ------
    OutputError
        The grids differ, the method is unknown, or baderkit fails.
    EngineError
        There is no Python with baderkit, and no uv that could bring one.
    """
    if method not in METHODS:
        raise OutputError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    if density.values.shape != reference.values.shape:
        raise OutputError(f"grids of {density.values.shape} and {reference.values.shape} points cannot share basins")
    python = _python()
    with tempfile.TemporaryDirectory(prefix="qddft-bader-") as name:
        folder = Path(name)
        write_grid(density, folder / "CHGCAR")
        write_grid(reference, folder / "CHGCAR_sum")
        _call([*python, "-c", _SCRIPT, method], folder)
        return _read(folder / "basins.json", method, len(density.atoms))


def _python() -> tuple[str, ...]:
    """Return the command of a Python that has baderkit."""
    given = os.environ.get(VARIABLE)
    if given:
        if shutil.which(given) is None:
            raise EngineError(f"{VARIABLE} names {given!r}, which is no program; give the Python that has baderkit")
        return (given,)
    uv = shutil.which("uv")
    if uv is None:
        raise EngineError(
            "the basins are found by baderkit in a Python of its own: install uv (pip install uv), which brings it, or "
            f"set {VARIABLE} to a Python with baderkit; or run the program bader yourself and give its table with --acf"
        )
    return (uv, "run", "--quiet", "--no-project", "--python", sys.executable, "--with", RELEASES, "python")


def _call(command: list[str], folder: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    try:
        done = subprocess.run(
            command, cwd=folder, env=clean, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"baderkit did not finish within {_TIMEOUT} s; the grid may be too large for it") from error
    except OSError as error:
        raise EngineError(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "it says nothing").splitlines()[-1]
        raise OutputError(f"baderkit failed (exit code {done.returncode}): {last}")


def _read(path: Path, method: str, n_atoms: int) -> Basins:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        electrons = np.array(data["electrons"], dtype=float)
        found = Basins(electrons, float(data["vacuum"]), str(data["version"]), method)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"baderkit left no table that can be read ({error})") from error
    if found.electrons.shape != (n_atoms,) or not np.isfinite(found.electrons).all():
        raise OutputError(f"baderkit gave {found.electrons.size} basins for {n_atoms} atoms")
    return found
