"""Which placements need a conformer made for them, and how its anchors are held."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.families import anchor_distances
from qddft.atoms.held_conformers import Hold, held_conformers

if TYPE_CHECKING:
    from qddft.atoms.ligand import Ligand
    from qddft.atoms.placing import Request

# bonds between two atoms of one functional group: O-C-O
_ONE_GROUP = 2


def spans(ligand: "Ligand", group: tuple[int, ...]) -> bool:
    """Tell whether anchors belong to two functional groups, so that the molecule has to bend for them."""
    return len(group) == 2 and _bonds_between(ligand, group[0], group[1]) > _ONE_GROUP


def held_geometries(request: "Request", seed: int) -> tuple[np.ndarray, ...]:
    """Return conformers whose two anchors reach the surface atoms of a request, shape (n_atoms, 3) each, Angstrom.

    Parameters
    ----------
    request
        With a plan of two anchors; its first place stands for all.
    seed
        Equal seeds give equal coordinates.
    """
    plan = request.plan
    ends = plan.targets[0].points
    apart = float(np.linalg.norm(ends[1] - ends[0])) if len(ends) == 2 else 0.0
    return held_conformers(request.ligand, Hold((plan.group[0], plan.group[1]), _bonds(request), round(apart, 2)), seed)


def bond_lengths(request: "Request") -> float:
    """Return the sum of the two bond lengths that nothing stretches, Angstrom, rounded up."""
    return round(sum(_bonds(request)) + 1e-3, 3)


def _bonds(request: "Request") -> tuple[float, float]:
    from ase.data import chemical_symbols

    rules = request.rules
    if rules.distance is not None:
        return rules.distance, rules.distance
    symbols = np.array(chemical_symbols)[rules.numbers]
    first, second = anchor_distances(request.ligand, request.plan, request.plan.targets[0], symbols)
    return first, second


def _bonds_between(ligand: "Ligand", first: int, second: int) -> int:
    """Return the bonds on the shortest way between two atoms of a molecule; many where there is no way."""
    reached, front, steps = {first}, {first}, 0
    while front and second not in reached:
        front = {j for pair in ligand.graph for i, j in (pair, pair[::-1]) if i in front} - reached
        reached |= front
        steps += 1
    return steps if second in reached else len(ligand)
