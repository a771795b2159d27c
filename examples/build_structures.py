"""Slab, ligand, complex and vacancy, one line each; written as POSCAR with the held layers as selective dynamics."""

import sys
from pathlib import Path

from ase.io import write

import qddft

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
slab = qddft.build_slab("CsPbBr3", termination="PbX2", layers=5, supercell=(2, 2), vacuum=15.0, fixed_layers=2)
ligand = qddft.truncate(qddft.get_ligand("oleic acid"), 4)
complex_ = qddft.attach(slab, ligand, mode="atop", faces="top", seed=0)
vacancies = qddft.find_vacancies(slab, "Br")

write(folder / "slab.vasp", slab, sort=True, direct=True)
write(folder / "complex.vasp", complex_, sort=True, direct=True)
write(folder / f"{vacancies[0].name}.vasp", vacancies[0].atoms, sort=True, direct=True)
print(qddft.charge_ledger(complex_))
for vacancy in vacancies:
    print(f"{vacancy.name}: {vacancy.multiplicity} equivalent, {vacancy.depth:.2f} Angstrom below the face")
