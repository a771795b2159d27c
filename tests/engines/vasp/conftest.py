"""Jobs of the Tao study in small: bulk, slab, ligand, complex, and what follows from them."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.jobs.job import FinalOf, Given, Job
from qddft.levels.load import load_level

# acetic acid, planar, carbonyl oxygen lowest; Angstrom
_ACETIC_ACID = (
    ("O", 0.00, 0.00, 0.00),
    ("C", 0.00, 0.00, 1.21),
    ("O", 1.17, 0.00, 1.86),
    ("C", -1.25, 0.00, 2.07),
    ("H", 1.88, 0.00, 1.20),
    ("H", -1.25, 0.88, 2.72),
    ("H", -1.25, -0.88, 2.72),
    ("H", -2.14, 0.00, 1.43),
)


@pytest.fixture(scope="session")
def tao():
    """The level tao-pbe, resolved for VASP."""
    return load_level("tao-pbe").resolved("vasp")


@pytest.fixture(scope="session")
def acetic_acid():
    from ase import Atoms

    atoms = Atoms([row[0] for row in _ACETIC_ACID], positions=[row[1:] for row in _ACETIC_ACID])
    atoms.set_array("fragment", np.ones(len(atoms), dtype=int))
    atoms.info["qddft"] = {"kind": "molecule", "fragments": [{"name": "none"}, {"name": "acetic acid", "charge": 0}]}
    return atoms


@pytest.fixture(scope="session")
def slab():
    return build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0, fixed_layers=2)


@pytest.fixture(scope="session")
def complex_atoms(slab, acetic_acid):
    """Acetic acid 2.6 Angstrom above a lead atom of the upper face."""
    top = int(np.argmax(slab.positions[:, 2] + 100 * (slab.numbers == 82)))
    ligand = acetic_acid.copy()
    ligand.positions += slab.positions[top] + [0.0, 0.0, 2.6]
    atoms = slab + ligand
    fragments = [{"name": "slab", "charge": 0}, {"name": "acetic acid", "charge": 0}]
    atoms.info = {"qddft": slab.info["qddft"] | {"kind": "complex", "fragments": fragments}}
    return atoms


@pytest.fixture(scope="session")
def jobs(tao, slab, acetic_acid, complex_atoms):
    """One job of every kind that the study has."""
    bulk = Job("bulk", "bulk", "relax", Given.of(build_bulk("CsPbBr3")), tao)
    molecule = Job("acetic-acid", "molecule", "relax", Given.of(acetic_acid), tao)
    clean = Job("slab", "slab", "relax", Given.of(slab), tao)
    relaxed = Job("complex", "complex", "relax", Given.of(complex_atoms), tao)
    static = Job("complex-static", "complex", "static", FinalOf(relaxed), tao)
    return SimpleNamespace(
        bulk=bulk,
        molecule=molecule,
        slab=clean,
        complex=relaxed,
        static=static,
        slab_at_ads=Job("slab-at-ads", "slab", "static", FinalOf(static, (0,)), tao),
        ligand_at_ads=Job("ligand-at-ads", "molecule", "static", FinalOf(static, (1,)), tao),
    )


@pytest.fixture(autouse=True)
def _no_vasp_around(monkeypatch):
    """No POTCAR library, VASP or setting of the person who runs the tests is seen."""
    from pymatgen.core import SETTINGS

    for name in ("PMG_VASP_PSP_DIR", "VASP_PSP_DIR", "VASP_EXE", "VASP_LAUNCHER", "QDDFT_NCORE", "QDDFT_KPAR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", None)


@pytest.fixture(scope="session")
def pristine_library(tmp_path_factory):
    """A library of fake data sets, headers only, in pymatgen's layout; not to be changed."""
    from qddft.engines.vasp.potcar import potentials

    root = tmp_path_factory.mktemp("library")
    for item in potentials(("Cs", "Pb", "Br", "C", "H", "O")):
        write_fake_potcar(root / "POT_GGA_PAW_PBE_54" / item.symbol / "POTCAR", item.titles[0], item.n_electrons)
    return root


@pytest.fixture
def library(pristine_library, tmp_path):
    """A copy of the library that a test may change."""
    return Path(shutil.copytree(pristine_library, tmp_path / "library"))


def write_fake_potcar(path: Path, title: str, n_electrons: float, functional: str = "PE") -> None:
    """Write the few header lines that name a data set, and enough numbers for pymatgen; nothing of a real one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"  {title}\n   {n_electrons:.10f}\n parameters from PSCTR are:\n"
        f"   VRHFIN ={title.split()[1].partition('_')[0]}: none\n   LEXCH  = {functional}\n"
        f"   TITEL  = {title}\n   POMASS =    1.000; ZVAL   =  {n_electrons:7.3f}    mass and valenz\n"
        "   ENMAX  =  300.000; ENMIN  =  200.000 eV\n"
        "END of PSCTR-controll parameters\n local part\n  1.0 2.0 3.0\n  4.0 5.0 6.0\n End of Dataset\n"
    )


@pytest.fixture
def make_fake_potcar():
    return write_fake_potcar


@pytest.fixture
def fake_vasp(tmp_path, monkeypatch):
    """Put a vasp_std and vasp_gam on PATH that finish at once; they move nothing and know no physics.

    What the test writes into ``behavior`` is run first by the fake program, in the job folder.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    behavior = folder / "behavior.sh"
    behavior.write_text("")
    script = f"""#!/usr/bin/env bash
set -eu
echo run >> starts
grep -q 'LWAVE *= .TRUE.' INCAR && echo orbitals > WAVECAR
nsw=$(sed -n 's/^NSW *= *\\([0-9]*\\).*/\\1/p' INCAR)
converged=1 ended=1 iterations=7 ionic=1
. '{behavior}'
cp POSCAR CONTCAR
cat > OUTCAR <<OUT
   NELM   =    200;   NELMIN=  5; NELMDL= -5     # of ELM steps
   NSW    =    $nsw    number of steps for IOM
   IBRION =      $([ "$nsw" -gt 0 ] && echo 2 || echo -1)    ionic relax: 0-MD 1-quasi-New 2-CG
----------------------------------------- Iteration    $ionic(   $iterations)  ---------------------------------------
------------------------ aborting loop because EDIFF is reached ----------------------------------------
OUT
[ "$converged" = 1 ] && echo " reached required accuracy - stopping structural energy minimisation" >> OUTCAR
[ "$ended" = 1 ] && echo " General timing and accounting informations for this job:" >> OUTCAR
echo "   1 F= -.10000000E+02 E0= -.10000000E+02  d E =-.100000E+02" > OSZICAR
"""
    for name in ("vasp_std", "vasp_gam"):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return behavior
