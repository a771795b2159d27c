"""Levels of a made-up slab with a ligand: known edges, known trap, known projections."""

import numpy as np
from ase import Atoms

from qddft.outputs.tables import Eigenvalues, Projections

ORBITALS = ("s", "py", "pz", "px")
VBM, CBM, TRAP, HOMO, LUMO = -1.0, 1.0, 0.2, -2.0, 2.5


def slab_with_ligand(layers=5, labeled=True):
    """Alternating PbBr2 and CsBr layers, 3 Angstrom apart, and CO above."""
    symbols, positions, layer = [], [], []
    for number in range(layers):
        plane = ("Pb", "Br", "Br") if number % 2 == 0 else ("Cs", "Br")
        spots = ((0, 0), (3, 0), (0, 3)) if number % 2 == 0 else ((3, 3), (0, 0))
        symbols += plane
        positions += [(x, y, 3.0 * number) for x, y in spots]
        layer += [number + 1] * len(plane)
    top = 3.0 * (layers - 1)
    atoms = Atoms([*symbols, "O", "C"], [*positions, (0, 0, top + 2.6), (0, 0, top + 3.8)])
    atoms.set_cell([6.0, 6.0, top + 20.0])
    atoms.pbc = True
    if labeled:
        atoms.set_array("fragment", np.array([0] * len(symbols) + [1, 1]))
        atoms.set_array("layer", np.array([*layer, 0, 0]))
    return atoms


def levels(*, fermi=0.0, trap_filled=True, kpoints=2, noncollinear=False):
    """Ligand HOMO, spread VBM, trap, spread CBM, ligand LUMO; dispersion 0.1 eV away from Gamma."""
    flat = np.array([HOMO, VBM, TRAP, CBM, LUMO])
    shift = np.linspace(0.0, 0.1, kpoints)[:, None] * np.array([0, -1, 0, 1, 0])
    energies = (flat + shift)[None]
    occupations = np.broadcast_to(np.array([1, 1, 1.0 if trap_filled else 0.0, 0, 0]), energies.shape)
    points = np.zeros((kpoints, 3))
    points[:, :2] = np.linspace(0.0, 0.5, kpoints)[:, None]
    return Eigenvalues(points, np.full(kpoints, 1 / kpoints), energies, occupations.copy(), fermi, noncollinear)


def projections(atoms, eigenvalues):
    """Edges spread over the slab (Pb s and Br p, Pb p), the trap on the last Pb, the rest on the ligand."""
    symbols = np.array(atoms.get_chemical_symbols())
    n_spins, n_kpoints, n_bands = eigenvalues.energies.shape
    weights = np.zeros((n_spins, n_kpoints, n_bands, len(atoms), len(ORBITALS)))
    lead, bromine, ligand = (np.flatnonzero(np.isin(symbols, names)) for names in (["Pb"], ["Br"], ["C", "O"]))
    for band in (0, 4):
        weights[:, :, band, ligand, 2] = 0.4
    weights[:, :, 1, lead, 0] = 0.3 / len(lead)
    weights[:, :, 1, bromine, 1] = 0.6 / len(bromine)
    weights[:, :, 2, lead[-1], 2] = 0.7
    weights[:, :, 3, lead, 3] = 0.8 / len(lead)
    return Projections(atoms, weights, ORBITALS, eigenvalues)
