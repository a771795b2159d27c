"""Charge density differences: do the legs belong together, and where did the electrons go.

``delta rho = rho(complex) - rho(slab) - rho(ligand)``, all three frozen at the geometry of the complex, in one cell, on
one grid. Positive where electrons gather.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.profile import atom_heights, from_vacuum, planar_average, running_integral
from qddft.core.errors import SettingsMismatchError
from qddft.outputs.grid import Grid, Profile

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.outputs.grid_difference import GridHead

# how far apart cell vectors and atoms of the legs may be, Angstrom
SAME_CELL = 1e-3
SAME_PLACE = 0.01
# electrons that the difference may hold
NEUTRAL = 1e-3
# how far the plane between ligand and slab may be off, Angstrom
_BESIDE = 0.5


@dataclass(frozen=True)
class ChargeDifference:
    """Where electrons went when a ligand was put on a slab.

    Attributes
    ----------
    grid
        The difference, electrons/Angstrom^3, positive where electrons gather.
    profile
        Its planar average, electrons/Angstrom, beginning in the middle of the vacuum.
    transferred
        Electrons gathered from the lower end of ``profile`` up to each height, shape (n,).
    gained_by_ligand
        Electrons on the ligand's side of ``planes``.
    planes
        Heights that part slab and ligand, Angstrom, half way between their nearest atoms.
    moved
        Electrons that changed place: half the integral of the absolute difference.
    electrons
        In complex, slab and ligand.
    ligand_atoms
        Indices of the ligand's atoms in the complex.
    inputs
        Path to SHA-256 of the three files.
    warnings
        Sentences that a reader has to see.
    audit
        How the settings beside the densities compare, as a record; empty where nothing says.
    engine, level
        What computed the densities, and its functional, where the files beside them say.
    """

    grid: Grid
    profile: Profile
    transferred: np.ndarray
    gained_by_ligand: float
    planes: tuple[float, ...]
    moved: float
    electrons: tuple[float, float, float]
    ligand_atoms: tuple[int, ...]
    inputs: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "density files"
    level: str = "unknown"


def check_legs(whole: "GridHead", slab: "GridHead", ligand: "GridHead") -> tuple[int, ...]:
    """Refuse densities that must not be subtracted; return the indices of the ligand's atoms in the complex.

    Raises
    ------
    SettingsMismatchError
        Grid, cell, composition or positions differ; the message says which and what to do.
    """
    for name, leg in (("slab", slab), ("ligand", ligand)):
        if leg.shape != whole.shape:
            raise SettingsMismatchError(
                f"the grid of the {name} has {_by(leg.shape)} points, that of the complex {_by(whole.shape)}: compute "
                f"all three with the same NGXF, NGYF, NGZF and cutoff"
            )
        apart = float(np.abs(leg.atoms.cell.array - whole.atoms.cell.array).max())
        if apart > SAME_CELL:
            raise SettingsMismatchError(
                f"the cell of the {name} ({leg.source}) differs from that of the complex by up to {apart:.4f} "
                f"Angstrom: compute the fragments in the cell of the complex"
            )
    rest = set(range(len(whole.atoms)))
    found = []
    for name, leg in (("slab", slab), ("ligand", ligand)):
        indices = _locate(leg.atoms, whole.atoms, name)
        if not rest.issuperset(indices):
            raise SettingsMismatchError(f"slab and ligand share atoms of the complex: the {name} holds some of both")
        rest -= set(indices)
        found.append(indices)
    if rest:
        lost = whole.atoms[sorted(rest)].get_chemical_formula()
        raise SettingsMismatchError(f"the complex has {lost} more than slab and ligand together: a fragment is missing")
    return found[1]


def _by(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, shape))


def _locate(part: "Atoms", whole: "Atoms", name: str) -> tuple[int, ...]:
    """Return which atoms of the complex those of a fragment are."""
    apart = part.get_scaled_positions()[:, None] - whole.get_scaled_positions()[None]
    distance = np.linalg.norm((apart - np.round(apart)) @ whole.cell.array, axis=-1)
    distance[part.numbers[:, None] != whole.numbers[None]] = np.inf
    nearest, gap = distance.argmin(axis=1), distance.min(axis=1)
    if not np.isfinite(gap).all():
        element = part.symbols[int(np.argmax(~np.isfinite(gap)))]
        raise SettingsMismatchError(f"the {name} holds {element}, which the complex does not")
    if gap.max() > SAME_PLACE:
        index = int(gap.argmax())
        raise SettingsMismatchError(
            f"atom {index + 1} ({part.symbols[index]}) of the {name} lies {gap.max():.3f} Angstrom away from its place "
            f"in the complex: take static calculations of the fragments at the geometry of the complex, not relaxed"
        )
    return tuple(int(index) for index in nearest)


def check_electrons(grid: Grid, electrons: tuple[float, ...]) -> None:
    """Refuse a difference that does not integrate to zero.

    Raises
    ------
    SettingsMismatchError
        The number of electrons of complex and fragments differs by 0.001 or more.
    """
    left = grid.integral
    if abs(left) >= NEUTRAL:
        raise SettingsMismatchError(
            f"the difference holds {left:+.4f} electrons instead of none (complex {electrons[0]:.4f}, slab "
            f"{electrons[1]:.4f}, ligand {electrons[2]:.4f}): a whole number means that a fragment was computed with "
            f"another charge, anything else that grids or data sets differ"
        )


def charge_transfer(
    grid: Grid,
    ligand_atoms: tuple[int, ...],
    electrons: tuple[float, float, float],
    *,
    inputs: Mapping[str, str] | None = None,
    warnings: tuple[str, ...] = (),
) -> ChargeDifference:
    """Say where the electrons of a difference density went.

    Parameters
    ----------
    grid
        The difference.
    ligand_atoms
        Indices of the ligand's atoms.
    electrons
        In complex, slab and ligand.
    inputs, warnings
        Handed through.
    """
    profile = from_vacuum(planar_average(grid), grid.atoms)
    transferred = running_integral(profile)
    heights = atom_heights(profile, grid.atoms)
    is_ligand = np.zeros(len(grid.atoms), dtype=bool)
    is_ligand[list(ligand_atoms)] = True
    slab = heights[~is_ligand]
    middle = (slab.min() + slab.max()) / 2
    above, below = heights[is_ligand & (heights >= middle)], heights[is_ligand & (heights < middle)]
    gained, planes, doubts = np.zeros(3), [], []
    # at the plane, and half an Angstrom on either side of it
    shifts = np.array([0.0, -_BESIDE, _BESIDE])
    if len(below):
        planes.append(float((below.max() + slab.min()) / 2))
        gained += np.interp(planes[-1] + shifts, profile.heights, transferred)
        doubts += _mixed(float(below.max()), float(slab.min()), planes[-1])
    if len(above):
        planes.append(float((above.min() + slab.max()) / 2))
        gained += grid.integral - np.interp(planes[-1] - shifts, profile.heights, transferred)
        doubts += _mixed(float(slab.max()), float(above.min()), planes[-1])
    if gained.min() < 0 < gained.max():
        doubts.append(
            f"the sign of the charge that the ligand gained depends on the plane: {gained.min():+.4f} to "
            f"{gained.max():+.4f} e within {_BESIDE} Angstrom of it; compare Bader charges"
        )
    return ChargeDifference(
        grid=grid,
        profile=profile,
        transferred=transferred,
        gained_by_ligand=float(gained[0]),
        planes=tuple(planes),
        moved=_moved(grid),
        electrons=electrons,
        ligand_atoms=ligand_atoms,
        inputs=inputs or {},
        warnings=(*warnings, *doubts),
    )


def _mixed(lower: float, upper: float, plane: float) -> list[str]:
    """Say that ligand and slab have no empty height between what is to lie below a plane and what above it."""
    if lower <= upper:
        return []
    return [
        f"ligand and slab reach {lower - upper:.2f} Angstrom into each other: the plane at {plane:.2f} Angstrom cuts "
        "both, and what lies beyond it is not the ligand's alone; compare Bader charges"
    ]


def _moved(grid: Grid) -> float:
    """Return half the integral of the absolute value, plane by plane to spare memory, electrons."""
    planes = grid.values.shape[2]
    absolute = sum(float(np.abs(grid.values[:, :, k]).sum()) for k in range(planes))
    return absolute / grid.values.size * grid.volume / 2
