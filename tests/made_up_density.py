"""Densities of a made-up complex: spheres on atoms, and a known charge that moves from the slab to the ligand."""

from pathlib import Path

import numpy as np
from ase import Atoms

from qddft.outputs.grid import Grid
from qddft.outputs.grid_write import write_grid

ELECTRONS = {"Pb": 14, "Br": 7, "Cs": 9, "O": 6, "C": 4}
SHAPE = (24, 24, 80)
MOVED = 0.2


def made_up_complex():
    """A layer of PbBr2 on CsBr with CO above a lead atom; the slab lies across the end of the cell."""
    atoms = Atoms(
        ["Cs", "Br", "Pb", "Br", "Br", "O", "C"],
        positions=[(3, 3, 18.5), (0, 0, 18.5), (0, 0, 1.5), (3, 0, 1.5), (0, 3, 1.5), (0, 0, 4.1), (0, 0, 5.25)],
        cell=[6, 6, 20],
        pbc=True,
    )
    atoms.set_array("fragment", np.array([0, 0, 0, 0, 0, 1, 1]))
    return atoms


def density_of(atoms, extra=(), shape=SHAPE, width=0.6):
    """Return Gaussian spheres of the valence electrons, and of ``extra`` (position, electrons), exact in sum."""
    values = np.zeros(shape)
    charges = [(place, ELECTRONS[symbol]) for place, symbol in zip(atoms.positions, atoms.symbols, strict=True)]
    for place, electrons in [*charges, *extra]:
        values += electrons * _sphere(atoms, place, shape, width)
    return Grid(atoms, values, "density", "made up")


def _sphere(atoms, place, shape, width):
    center = atoms.cell.scaled_positions(np.array([place]))[0]
    axes = [np.arange(n) / n - x for n, x in zip(shape, center, strict=True)]
    lengths = atoms.cell.lengths()
    shapes = [
        np.exp(-(((a - np.round(a)) * length) ** 2) / (2 * width**2)) for a, length in zip(axes, lengths, strict=True)
    ]
    sphere = np.einsum("i,j,k->ijk", *shapes)
    return sphere / (sphere.sum() * atoms.cell.volume / sphere.size)


def write_legs(folder: Path, *, moved=MOVED, names=("complex", "slab", "ligand"), file="CHGCAR", shift=0.0):
    """Write the three densities; ``moved`` electrons go from the lead atom to the oxygen atom."""
    atoms = made_up_complex()
    lead, oxygen = atoms.positions[2], atoms.positions[5]
    legs = {
        "complex": density_of(atoms, [(lead, -moved), (oxygen, moved)]),
        "slab": density_of(atoms[:5]),
        "ligand": density_of(atoms[5:]),
    }
    paths = []
    for key, name in zip(legs, names, strict=True):
        (folder / name).mkdir(exist_ok=True)
        paths.append(folder / name / file)
        grid = legs[key]
        if shift and key == "ligand":
            atoms = grid.atoms.copy()
            atoms.positions[0, 2] += shift
            grid = Grid(atoms, grid.values, "density")
        write_grid(grid, paths[-1])
    return paths
