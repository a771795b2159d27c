"""Bulk crystals as ASE atoms."""

import math
from typing import TYPE_CHECKING, Any

from qddft.atoms.bulk_data import Bulk, Lattice, find_bulk
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms


def build_bulk(formula: str, *, phase: str = "cubic", lattice: str | float = "pbe") -> "Atoms":
    """Build the conventional cell of a library crystal.

    Parameters
    ----------
    formula
        ``CsPbCl3``, ``CsPbBr3`` or ``CsPbI3``.
    phase
        ``cubic``, or another phase that the library has for this compound.
    lattice
        Name of a sourced lattice (``pbe``, ``experiment``, ...), or the edge a of the built cell in Angstrom; the
        other edges and the fractional coordinates then follow the first lattice of the data file.

    Returns
    -------
    ase.Atoms
        Conventional cell (orthorhombic perovskites in the setting Pbnm, the doubled pseudo-cubic axis along c),
        periodic in all directions, ``info["qddft"]`` of kind ``bulk`` with lattice constant and source.

    Raises
    ------
    StructureError
        Unknown formula, phase or lattice, or an edge that is not a positive length.
    """
    bulk = find_bulk(formula, phase)
    chosen = bulk.lattice(lattice) if isinstance(lattice, str) else _given_edge(bulk, lattice)
    return _atoms_of(bulk, chosen)


def describe_bulk(atoms: "Atoms") -> dict[str, Any]:
    """Return the ``bulk`` entry of ``info["qddft"]``; a crystal that the user brought is described by its cell."""
    known = atoms.info.get("qddft", {}).get("bulk")
    if known:
        return dict(known)
    a, b, c = (round(float(length), 6) for length in atoms.cell.lengths())
    formula = atoms.get_chemical_formula(mode="hill", empirical=True)
    return {"formula": formula, "phase": "given", "lattice": "given", "a": a, "b": b, "c": c, "source": "given by user"}


def _given_edge(bulk: Bulk, edge: float) -> Lattice:
    """Scale the first lattice of the file to an edge given as a number."""
    # bool is an int in Python and would become an edge of 1 Angstrom
    if isinstance(edge, bool) or not math.isfinite(edge) or not 3.0 <= edge <= 30.0:
        raise StructureError(
            f"{bulk.formula} {bulk.phase}: the lattice constant {edge!r} is not a length in Angstrom between 3 and 30."
        )
    first = bulk.lattices[0]
    scale = float(edge) / bulk.edges(first)[0]
    a, b, c = (length * scale for length in (first.a, first.b, first.c))
    return Lattice("given", a, b, c, "given by user", "given", first.sites)


def _atoms_of(bulk: Bulk, lattice: Lattice) -> "Atoms":
    """Expand the asymmetric unit by the space group of the file."""
    from ase import Atoms
    from ase.spacegroup import crystal

    listed = crystal(
        [site.element for site in lattice.sites],
        basis=[site.position for site in lattice.sites],
        spacegroup=bulk.space_group_number,
        cellpar=[lattice.a, lattice.b, lattice.c, 90, 90, 90],
        symprec=1e-3,
    )
    order = ["abc".index(axis) for axis in bulk.axes]
    edges = bulk.edges(lattice)
    atoms = Atoms(
        listed.get_chemical_symbols(),
        scaled_positions=listed.get_scaled_positions()[:, order],
        cell=edges,
        pbc=True,
    )
    description = {"formula": bulk.formula, "phase": bulk.phase, "lattice": lattice.name, "a": edges[0]}
    if not edges[0] == edges[1] == edges[2]:
        description |= {"b": edges[1], "c": edges[2]}
    description |= {"source": lattice.source, "tag": lattice.tag}
    atoms.info = {
        "qddft": {"kind": "bulk", "bulk": description, "fragments": [{"name": "bulk", "charge": 0}]},
    }
    return atoms
