"""How far is screening from PBE? Acetic acid on sqrt2 x sqrt2 CsPbBr3 (001)/PbBr2 with GPAW, by hand.

Two PbBr2 layers with CsBr between, all of the slab fixed; the acid starts from its GFN2-xTB geometry (complex.xyz, made
with the same cell and the same fixed slab). Plane waves 400 eV, PBE, 2x2x1 Gamma-centered, dipole layer. Energies go to
pbe_check.json, for the complex those of its lowest step so far. The recorded run was stopped before it had converged;
its lowest geometry is complex_pbe.xyz.

    pip install gpaw gpaw-data ase
    python pbe_check.py
"""

import json
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.io import read
from ase.optimize import BFGS
from gpaw import GPAW, PW, FermiDirac

HERE = Path(__file__).parent
RECORD = HERE / "pbe_check.json"
N_SLAB = 16
COMMON = {
    "mode": PW(400),
    "xc": "PBE",
    "occupations": FermiDirac(0.05),
    "symmetry": "off",
    "convergence": {"energy": 1e-5},
}


def surface_calculator(name: str) -> GPAW:
    """Return the calculator of slab and complex."""
    mesh = {"size": (2, 2, 1), "gamma": True}
    return GPAW(**COMMON, kpts=mesh, poissonsolver={"dipolelayer": "xy"}, txt=HERE / f"{name}.txt")


def in_surface_cell(atoms: Atoms) -> Atoms:
    """Return a copy 22 Angstrom high, open along z as the dipole layer needs it."""
    copy = Atoms(
        atoms.symbols, positions=atoms.positions + np.array([0, 0, 2.0]), cell=atoms.cell, pbc=(True, True, False)
    )
    copy.cell[2, 2] = 22.0
    return copy


def in_box(atoms: Atoms) -> Atoms:
    """Return a copy in a box of 13 x 13.5 x 14 Angstrom."""
    copy = Atoms(atoms.symbols, positions=atoms.positions, cell=[13, 13.5, 14], pbc=True)
    copy.center()
    return copy


def main() -> None:
    """Compute slab, molecule and complex at the GFN2-xTB geometries, then relax molecule and acid on the slab."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}

    def keep(**values: float) -> None:
        record.update(values)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")

    complex_ = in_surface_cell(read(HERE / "complex.xyz"))
    molecule = in_box(read(HERE / "molecule.xyz"))
    slab = complex_[:N_SLAB]
    for name, atoms, calculator in (
        ("slab", slab, surface_calculator("slab")),
        ("complex_at_gfn2", complex_, surface_calculator("complex_at_gfn2")),
        ("molecule_at_gfn2", molecule, GPAW(**COMMON, txt=HERE / "molecule.txt")),
    ):
        if name not in record:
            atoms.calc = calculator
            keep(**{name: float(atoms.get_potential_energy())})
    keep(E_ads_at_gfn2=record["complex_at_gfn2"] - record["slab"] - record["molecule_at_gfn2"])

    molecule.calc = GPAW(**COMMON, txt=HERE / "molecule.txt")
    BFGS(molecule).run(fmax=0.02, steps=60)
    keep(molecule=float(molecule.get_potential_energy()))

    complex_.set_constraint(FixAtoms(range(N_SLAB)))
    complex_.calc = surface_calculator("complex")
    optimizer = BFGS(complex_, trajectory=str(HERE / "complex.traj"))
    for _ in optimizer.irun(fmax=0.03, steps=60):
        energy = float(complex_.get_potential_energy())
        largest = float(np.linalg.norm(complex_.get_forces(), axis=1).max())
        if energy < record.get("complex", 0.0):
            keep(complex=energy, max_force=largest, E_ads=energy - record["slab"] - record["molecule"])


if __name__ == "__main__":
    main()
