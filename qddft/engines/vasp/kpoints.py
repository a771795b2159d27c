"""KPOINTS of a case: mesh, kind of centering, and a comment line that says where the mesh comes from."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.levels.kpoints import job_mesh

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.engines.vasp.case import Case
    from qddft.levels.settings import Mesh

_B_CATIONS = ("Pb", "Sn", "Ge")
# edge of a pseudo-cubic cell where the crystal has none of its own (CsX, PbX2 ...); close to PBE CsPbBr3, 6.00 Angstrom
_NOMINAL_EDGE = 6.0


def make_kpoints(case: "Case", atoms: "Atoms") -> Any:
    """Return the ``pymatgen.io.vasp.inputs.Kpoints`` of a case."""
    from pymatgen.io.vasp.inputs import Kpoints

    mesh = mesh_of(case, atoms)
    literal = is_literal(case, mesh)
    style = Kpoints.supported_modes.Monkhorst if literal else Kpoints.supported_modes.Gamma
    return Kpoints(comment=_comment(case, mesh, literal=literal), num_kpts=0, style=style, kpts=(mesh,))


def mesh_of(case: "Case", atoms: "Atoms") -> "Mesh":
    """Return the mesh of a case; a frozen part of a complex gets the mesh of the whole."""
    if case.role == "bulk":
        return _bulk_mesh(case.settings.kpoints_bulk, atoms)
    role = "complex" if case.part_of_complex else case.role
    return job_mesh(case.settings, role=role, task=case.task, supercell=case.supercell)


def irreducible_points(case: "Case", atoms: "Atoms") -> int:
    """Return how many k-points VASP will have: what symmetry, where it is used, and time reversal leave of the mesh."""
    mesh = mesh_of(case, atoms)
    shifted = [is_literal(case, mesh) and points % 2 == 0 for points in mesh]
    if case.spin_orbit:
        return math.prod(mesh)
    if case.role == "bulk" and not case.defective:
        import spglib

        cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
        return len(set(spglib.get_ir_reciprocal_mesh(mesh, cell, is_shift=list(map(int, shifted)))[0].tolist()))
    # a point is its own partner where each of its numbers is 0 or 1/2
    alone = math.prod(1 if points % 2 else 0 if shift else 2 for points, shift in zip(mesh, shifted, strict=True))
    return (math.prod(mesh) + alone) // 2


def is_literal(case: "Case", mesh: "Mesh") -> bool:
    """Tell whether the mesh is written as Monkhorst-Pack; a single point is Gamma either way."""
    return case.settings.kpoint_scheme == "monkhorst-pack" and mesh != (1, 1, 1)


def _bulk_mesh(mesh: "Mesh", atoms: "Atoms") -> "Mesh":
    """Keep the density of the five-atom cell in cells of other size, to within 5 %, rounded up."""
    n_cells = sum(symbol in _B_CATIONS for symbol in atoms.get_chemical_symbols())
    is_perovskite = n_cells > 0 and len(atoms) == 5 * n_cells
    edge = (atoms.get_volume() / n_cells) ** (1 / 3) if is_perovskite else _NOMINAL_EDGE
    # the spacing of reciprocal planes, not the cell edge, is what a mesh divides
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    # a tilted cell is a little shorter than a whole or sqrt2 multiple of the edge; that must not cost a point more
    nx, ny, nz = (
        max(1, math.ceil(0.95 * count * edge / height)) for count, height in zip(mesh, map(float, heights), strict=True)
    )
    return nx, ny, nz


def _comment(case: "Case", mesh: "Mesh", *, literal: bool) -> str:
    """Return the first line of KPOINTS: the mesh of this cell beside the one that the level states."""
    kind = "Monkhorst-Pack, literal" if literal else "Gamma-centered"
    here = _name(mesh)
    if case.role == "molecule" and not case.part_of_complex:
        return f"{here} Gamma only, isolated molecule"
    if case.role == "bulk":
        return f"{here} {kind}, density of {_name(case.settings.kpoints_bulk)} on the five-atom cubic cell"
    stated = case.settings.kpoints_static if case.task == "static" else case.settings.kpoints_relax
    if case.settings.kpoints_refer_to == "cell":
        return f"{here} {kind}, as stated for the cell itself"
    if case.supercell == "1x1":
        return f"{here} {kind}, as stated for the 1x1 cell"
    return f"{here} {kind} on this {case.supercell} cell, density of {_name(stated)} on the 1x1 cell"


def _name(mesh: "Mesh") -> str:
    return "x".join(str(points) for points in mesh)
