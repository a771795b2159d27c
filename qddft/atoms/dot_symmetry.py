"""Symmetry of a nanocrystal, and how its ions are called: at a corner, on an edge, on a face or inside."""

from dataclasses import dataclass
from itertools import permutations as orders
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.blocks import EXPOSURES, Frame, outward
from qddft.atoms.symmetry import SYMPREC, kinds_of
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from ase import Atoms

AXES = "abc"
FACETS = tuple(f"{sign}{axis}" for axis in AXES for sign in "+-")


def is_nanocrystal(atoms: "Atoms") -> bool:
    """Tell whether a structure was made by ``build_nanocrystal``."""
    described = atoms.info.get("qddft", {})
    return bool(described.get("kind") == "nanocrystal" and "frame" in described)


def dot_permutations(dot: "Atoms") -> np.ndarray:
    """Return what each operation of the point group does to the atoms, integers, shape (n_operations, n_atoms).

    Tried are the 48 exchanges and reversals of the pseudo-cubic axes about the middle; those stay that bring every
    atom, ligands included, onto one of its kind.
    """
    from scipy.spatial import cKDTree

    vectors = Frame.from_dict(dot.info["qddft"]["frame"]).vectors
    kinds, tree = kinds_of(dot), cKDTree(dot.positions)
    found = []
    for order, signs in product(orders(range(3)), product((1, -1), repeat=3)):
        exchange = np.diag(signs)[list(order)]
        operation = np.linalg.inv(vectors) @ exchange @ vectors
        if not np.allclose(operation @ operation.T, np.eye(3), atol=1e-3):
            continue
        apart, image = tree.query(dot.positions @ operation)
        if apart.max() < SYMPREC and (kinds[image] == kinds).all() and len(set(image.tolist())) == len(dot):
            found.append(image)
    return np.array(found)


@dataclass(frozen=True)
class DotPlaces:
    """Where the ions of a nanocrystal are.

    Attributes
    ----------
    names
        ``corner``, ``edge``, ``face`` or ``inside``, one for each atom.
    facets
        ``+a``, ``+a-b`` at an edge; of an ion inside the nearest one.
    depths
        Distance from the nearest outermost plane, Angstrom, shape (n_atoms,).
    """

    names: tuple[str, ...]
    facets: tuple[str, ...]
    depths: np.ndarray


def dot_places(dot: "Atoms") -> DotPlaces:
    """Return where each atom of a nanocrystal is; of ligand atoms it means nothing."""
    frame = Frame.from_dict(dot.info["qddft"]["frame"])
    places = frame.places(dot.positions)
    sides = outward(places, frame)
    spacing = np.abs(np.einsum("ij,ij->i", frame.vectors, frame.normals)) / 2
    below = np.concatenate([(frame.high - places) * spacing, (places - frame.low) * spacing], axis=1)
    nearest = below.round(6).argmin(axis=1)
    names = [f"{'+' if k < 3 else '-'}{AXES[k % 3]}" for k in nearest.tolist()]
    return DotPlaces(
        names=tuple(EXPOSURES[int(count)] for count in np.abs(sides).sum(axis=1)),
        facets=tuple(facet_name(row) or name for row, name in zip(sides, names, strict=True)),
        depths=np.maximum(below.min(axis=1), 0.0),
    )


def facet_name(sides: np.ndarray) -> str:
    """Return ``+a``, or ``+a-b`` at an edge, for -1, 0 or 1 along each axis; empty inside."""
    return "".join(f"{'+' if side > 0 else '-'}{axis}" for side, axis in zip(sides, AXES, strict=True) if side)


def facet_named(text: str) -> str:
    """Return the name of a facet, an edge or a corner in its usual order; ``top`` is ``+c``, ``bottom`` ``-c``.

    Raises
    ------
    PlacementError
        An unknown name.
    """
    name = {"top": "+c", "bottom": "-c"}.get(str(text), str(text))
    parts = [name[k : k + 2] for k in range(0, len(name), 2)]
    if not parts or any(part not in FACETS for part in parts) or len({part[1] for part in parts}) != len(parts):
        raise PlacementError(
            f"unknown face {text!r} of a nanocrystal: name a facet ({', '.join(FACETS)}), an edge as +a-b or a corner "
            "as +a+b+c."
        )
    return "".join(sorted(parts, key=lambda part: part[1]))
