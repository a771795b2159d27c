"""Compute the small perovskite case of ``tests/data/gpaw_cspbbr3`` with GPAW and pack it for the analyses of qddft.

sqrt2 x sqrt2 CsPbBr3 (001)/PbBr2, two PbBr2 layers with CsBr between them at a = 6.00 Angstrom, in a cell 26 Angstrom
high; PBE, plane waves 400 eV, 2x2x1 Gamma-centered, dipole layer. Legs: the clean slab, which is also the frozen slab
of the complex, as the slab was held; the complex with acetic acid at the lowest geometry of pbe_check.py
(complex_pbe.xyz); the acid frozen as it lies there; the acid by itself; a bromine vacancy in the upper PbBr2 layer, not
relaxed; bulk CsPbBr3, CsBr, PbBr2, Pb, Cs and Br2 for the chemical potentials. About an hour on one core; a leg whose
.gpw file is there is not computed again.

    pip install 'qddft[gpaw]'
    OMP_NUM_THREADS=1 python make_test_data.py RUN TARGET
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms
from ase.io import read
from ase.optimize import BFGS
from gpaw import GPAW, PW, FermiDirac

from qddft.engines.gpaw.convert import convert_gpw

HERE = Path(__file__).parent
N_SLAB = 16
HEIGHT, LIFT = 26.0, 3.5
# the bromine atom of the upper layer that the vacancy lacks
MISSING = np.array([2.12132034, 2.12132034, 9.0 + LIFT])
SPACING = 0.27
# the carbonyl oxygen lies on a lead atom
ACID = {
    "name": "acetic acid",
    "formula": "C2H4O2",
    "charge": 0,
    "smiles": "CC(=O)O",
    "mode": "atop",
    "face": "top",
    "anchors": [17],
    "sites": [[10]],
}
COMMON: dict[str, Any] = {
    "mode": PW(400),
    "xc": "PBE",
    "occupations": FermiDirac(0.05),
    "convergence": {"energy": 1e-5},
}


def surface(log: Path) -> Any:
    """Return the calculator of everything in the cell of the slab."""
    mesh = {"size": (2, 2, 1), "gamma": True}
    dipole = {"dipolelayer": "xy"}
    return GPAW(**COMMON, kpts=mesh, poissonsolver=dipole, symmetry={"point_group": False}, txt=log)


def molecular(log: Path) -> Any:
    """Return the calculator of a molecule in a box."""
    return GPAW(**COMMON, symmetry={"point_group": False}, txt=log)


def crystalline(log: Path, size: tuple[int, int, int]) -> Any:
    """Return the calculator of a crystal."""
    return GPAW(**COMMON, kpts={"size": size, "gamma": True}, txt=log)


def keep(folder: Path, name: str, atoms: Atoms, calculator: Any) -> None:
    """Compute energy and forces of a leg and keep the calculation."""
    free = atoms.copy()
    free.set_constraint()
    free.calc = calculator
    free.get_potential_energy()
    free.get_forces()
    calculator.write(folder / f"{name}.gpw")


def structures() -> dict[str, Atoms]:
    """Return the structures in the cell of the slab, labeled."""
    complex_ = read(HERE / "complex_pbe.xyz")
    complex_.positions[:, 2] += LIFT
    complex_.cell[2, 2] = HEIGHT
    complex_.set_array("fragment", np.array([0] * N_SLAB + [1] * (len(complex_) - N_SLAB)))
    layers = np.unique(np.round(complex_.positions[:N_SLAB, 2], 2), return_inverse=True)[1] + 1
    complex_.set_array("layer", np.concatenate([layers, np.zeros(len(complex_) - N_SLAB, dtype=int)]))
    complex_.set_constraint(FixAtoms(range(N_SLAB)))
    slab = complex_[:N_SLAB]
    about = {"layers": 3, "termination": {"top": "PbX2", "bottom": "PbX2"}, "supercell": "sqrt2"}
    bare = [{"name": "slab", "charge": 0}]
    slab.info["qddft"] = {"kind": "slab", **about, "fragments": bare}
    complex_.info["qddft"] = {"kind": "complex", **about, "fragments": [*bare, ACID]}
    vacancy = slab.copy()
    del vacancy[int(np.linalg.norm(slab.positions - MISSING, axis=1).argmin())]
    removed = {"symbol": "Br", "charge": -1, "layer": 3, "position": MISSING.tolist(), "why": "vacancy"}
    vacancy.info["qddft"] = {**slab.info["qddft"], "removed": [removed]}
    ligand = complex_[N_SLAB:]
    ligand.info = {}
    return {"slab": slab, "complex": complex_, "ligand_frozen": ligand, "vacancy": vacancy}


def compute(folder: Path) -> None:
    """Compute every leg that is not there yet."""
    for name, atoms in structures().items():
        if (folder / f"{name}.gpw").exists():
            continue
        if name == "vacancy":
            upper = (atoms.symbols == "Pb") & (atoms.positions[:, 2] > atoms.positions[:, 2].mean())
            atoms.set_initial_magnetic_moments(np.where(upper, 0.5, 0.0))
        keep(folder, name, atoms, surface(folder / f"{name}.txt"))
    molecules(folder)
    crystals(folder)


def molecules(folder: Path) -> None:
    """Relax acetic acid and Br2."""
    if not (folder / "acetic_acid.gpw").exists():
        acid = read(HERE / "molecule_pbe.xyz")
        acid.pbc = True
        keep(folder, "acetic_acid", acid, molecular(folder / "acetic_acid.txt"))
    if not (folder / "br2.gpw").exists():
        pair = Atoms("Br2", positions=[[0, 0, 0], [0, 0, 2.31]], cell=[11, 11.5, 13], pbc=True)
        pair.center()
        pair.calc = molecular(folder / "br2_relax.txt")
        BFGS(pair, logfile=None).run(fmax=0.01, steps=20)
        keep(folder, "br2", pair, molecular(folder / "br2.txt"))


def crystals(folder: Path) -> None:
    """Compute CsPbBr3 at the lattice of the slab, and the competing phases at theirs."""
    places = [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5)]
    if not (folder / "bulk.gpw").exists():
        cube = Atoms("CsPbBr3", scaled_positions=places, cell=[6.0, 6.0, 6.0], pbc=True)
        keep(folder, "bulk", cube, crystalline(folder / "bulk.txt", (4, 4, 4)))
    for name, kind, symbol, size, start in (
        ("csbr", "cesiumchloride", "CsBr", 6, 4.36),
        ("pb", "fcc", "Pb", 12, 5.03),
        ("cs", "bcc", "Cs", 8, 6.16),
    ):
        if not (folder / f"{name}.gpw").exists():
            edges = start * np.array([0.98, 0.99, 1.0, 1.01, 1.02])
            energies = []
            for edge in edges:
                cell = bulk(symbol, kind, a=edge)
                cell.calc = crystalline(folder / f"{name}_lattice.txt", (size,) * 3)
                energies.append(cell.get_potential_energy())
            fit = np.poly1d(np.polyfit(edges, energies, 3))
            lowest = next(x for x in fit.deriv().roots.real if fit.deriv(2)(x) > 0)
            keep(folder, name, bulk(symbol, kind, a=lowest), crystalline(folder / f"{name}.txt", (size,) * 3))
    if not (folder / "pbbr2.gpw").exists():
        # cotunnite, Pnma; atoms and cell relaxed to 0.06 eV/Angstrom
        keep(folder, "pbbr2", read(HERE / "pbbr2.xyz"), crystalline(folder / "pbbr2.txt", (2, 4, 2)))


def pack(folder: Path, target: Path) -> None:
    """Write one folder a leg: outputs of all, levels and fields where an analysis needs them."""
    labeled = structures()
    everything = ("dos", "density", "potential")
    wanted = dict.fromkeys(("slab", "complex", "vacancy"), everything) | {"ligand_frozen": ("density", "potential")}
    for path in sorted(folder.glob("*.gpw")):
        name = path.stem
        convert_gpw(
            path, target / name, wanted=wanted.get(name, ()), labels=labeled.get(name), relaxed=True, spacing=SPACING
        )


if __name__ == "__main__":
    compute(Path(sys.argv[1]))
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
