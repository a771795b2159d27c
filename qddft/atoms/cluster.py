"""Finite, neutral pieces of a surface for molecular codes and for screening without a Gamma-point error."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.blocks import Frame
from qddft.atoms.cluster_structure import Block, Ions, assembled
from qddft.atoms.contacts import fragments_of
from qddft.atoms.faces import FaceName, check_face, face_of
from qddft.atoms.ions import FORMAL_CHARGES
from qddft.atoms.nanocrystal_options import check_seed
from qddft.atoms.neutrality import ions_to_remove
from qddft.atoms.slab_lattice import SlabLattice, slab_lattice
from qddft.core.errors import PlacementError, StructureError

if TYPE_CHECKING:
    from ase import Atoms

_MOST_CELLS = 12
# a block one cell wide around a site of even place, two cells around one of odd place; two more if there is room
_USUAL = (3, 2)


def cut_cluster(
    slab: "Atoms",
    *,
    cells: int | Sequence[int] | None = None,
    layers: int | None = None,
    site: int | Sequence[float] | None = None,
    ligand: int | None = None,
    face: str = "top",
    seed: int = 0,
) -> "Atoms":
    """Cut a cluster around a site out of a slab or complex.

    The cluster is a block of n x m B cations laterally, each with its halides in the plane, and of the layers next to
    the face; cut bonds are left open. Ions on its rim are left out until the formal charges add up to zero, those
    farthest from the site first (``qddft.atoms.neutrality``). The choice depends on the lattice and the site only: a
    complex and its clean slab give the same cluster with and without the ligand, so that
    E(cluster + ligand) - E(cluster) - E(ligand) is a binding energy; ``info["qddft"]["site"]`` of the one is the
    ``site`` of the other. Replaced ions and vacancies count as if they were there: the charge of the cluster is that of
    the slab it comes from.

    Parameters
    ----------
    slab
        From ``build_slab``, ``attach`` or ``find_vacancies``, relaxed or not, atoms in their order.
    cells
        B cations along both lateral axes; without it three along an axis on which the site lies in a row of B cations,
        two where it lies between two rows, which puts it in the middle.
    layers
        Layers kept, counted from the face; all of them if not given.
    site
        Index of a slab atom or a point (x, y) in Angstrom; without it the place of the ligand, without one the first
        vacancy, and on a clean slab the cation of the face that is closest to the middle of the cell.
    ligand
        Number of the fragment that decides site and face; without it the first one. Others are kept, whole, if their
        places lie in the block.
    face
        ``top`` or ``bottom``, of a clean slab.
    seed
        Decides between ions that the rule ranks equal.

    Returns
    -------
    ase.Atoms
        Not periodic; the middle of the block is at x = y = 0 and its face at z = 0 (its lowest plane if the face is the
        bottom one). Labels and held atoms are taken over, ``info["qddft"]`` is of kind ``cluster``.

    Raises
    ------
    StructureError
        No slab of ``build_slab``, or a size that makes no cluster.
    PlacementError
        There is no such site, face or ligand.
    """
    check_seed(seed)
    if slab.info.get("qddft", {}).get("molecules"):
        raise StructureError("clusters are cut from slabs whose A cations are atoms; this one holds molecular cations.")
    chosen = _ligand(slab, ligand)
    side: FaceName = check_face(face if chosen is None else str(slab.info["qddft"]["fragments"][chosen]["face"]))
    lattice = slab_lattice(slab)
    point = _site(slab, side, chosen, site)
    # a half step is as fine as the choice of ions may depend on: relaxed and unrelaxed slabs give the same cluster
    at = np.round(lattice.fractional(point)).astype(int)
    block = _block(lattice, at, cells, layers, side, point)
    ions = _ions_inside(slab, lattice, block.frame)
    ligands = _ligands_inside(slab, lattice, block.frame, ions)
    gone = ions_to_remove(ions.places, ions.charges, block.frame, seed=seed, site=block.frame.ideal(block.site))
    if any(ions.owners[index] < 0 for index, _ in gone):
        raise StructureError(
            "the rim of the cluster runs through a place that a ligand or vacancy holds; take fewer cells, or a slab "
            "with a larger supercell."
        )
    return assembled(slab, block, ions, ligands, gone)


def _ligand(slab: "Atoms", number: int | None) -> int | None:
    """Return the number of the ligand that is kept, ``None`` on a clean slab."""
    held = sorted({int(n) for n in fragments_of(slab)} - {0})
    if number is None:
        return held[0] if held else None
    if number not in held:
        listed = ", ".join(str(n) for n in held) or "none"
        raise PlacementError(f"ligand {number!r}: the slab holds the ligands {listed}.")
    return number


def _site(slab: "Atoms", face: FaceName, ligand: int | None, where: int | Sequence[float] | None) -> np.ndarray:
    """Return the site, slab coordinates, shape (3,), Angstrom."""
    own = face_of(slab, face)
    height = own.back(np.array([0.0, 0.0, own.height]))[2]
    if where is not None:
        return _asked(slab, where, float(height))
    if ligand is not None:
        return _below(slab, ligand)
    vacant = [item["position"] for item in slab.info["qddft"].get("removed", [])]
    if vacant:
        return np.array(vacant[0])
    tops = np.concatenate([own.of("B"), own.of("A")])
    near = own.nearest_image(own.positions[tops], own.center)
    distances = np.linalg.norm((near - own.center)[:, :2], axis=1).round(2)
    return own.back(near[int(np.argmin(distances))])


def _asked(slab: "Atoms", where: int | Sequence[float], height: float) -> np.ndarray:
    if isinstance(where, Integral) and not isinstance(where, bool):
        if not 0 <= int(where) < len(slab) or fragments_of(slab)[int(where)] != 0:
            raise PlacementError(f"site {where!r} is no atom of the slab; it has 0 to {len(slab) - 1}.")
        return np.asarray(slab.positions[int(where)])
    try:
        point = np.asarray(where, dtype=float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape not in ((2,), (3,)) or not np.isfinite(point).all():
        raise PlacementError(f"site {where!r}: give the index of a slab atom or a point (x, y) in Å.")
    return np.array([point[0], point[1], height])


def _below(slab: "Atoms", number: int) -> np.ndarray:
    """Return the middle of what a ligand binds to or replaces, the image next to it."""
    from ase.geometry import find_mic

    info = slab.info["qddft"]
    entry = info["fragments"][number]
    heads = slab.positions[entry["anchors"]]
    lateral = [bool(slab.pbc[0]), bool(slab.pbc[1]), False]
    gone = [item["position"] for item in info.get("removed", []) if item["why"].endswith(f"of fragment {number}")]
    bound = [(head, slab.positions[i]) for head, sites in zip(heads, entry["sites"], strict=True) for i in sites]
    pairs = [(heads.mean(axis=0), np.array(place)) for place in gone] or bound
    if not pairs:
        return np.asarray(heads.mean(axis=0))
    steps = find_mic([place - head for head, place in pairs], slab.cell, lateral)[0]
    return np.asarray(np.mean([head + step for (head, _), step in zip(pairs, steps, strict=True)], axis=0))


def _block(
    lattice: SlabLattice,
    at: np.ndarray,
    cells: int | Sequence[int] | None,
    layers: int | None,
    face: FaceName,
    point: np.ndarray,
) -> Block:
    """Lay a block around a site, whose place is known in half steps."""
    wide = _cells(cells, at)
    kept = _layers(layers, lattice)
    middle = [2 * round((x + (n % 2) - 1) / 2) + 1 - n % 2 for x, n in zip(at[:2].tolist(), wide, strict=True)]
    first, last = lattice.levels
    low = np.array([middle[0] - wide[0], middle[1] - wide[1], first if face == "bottom" else last - kept + 1])
    high = np.array([middle[0] + wide[0], middle[1] + wide[1], last if face == "top" else first + kept - 1])
    frame = Frame(lattice.vectors, np.zeros(3), low, high)
    origin = lattice.origin + frame.ideal(np.array([*middle, high[2] if face == "top" else low[2]]))
    site = np.array([at[0], at[1], high[2] if face == "top" else low[2]])
    return Block(frame, wide, face, origin, site, point)


def _cells(cells: int | Sequence[int] | None, at: np.ndarray) -> tuple[int, int]:
    if cells is None:
        # an even number is on a row of B cations, an odd one between two
        between = [x % 2 for x in at[:2].tolist()]
        return _USUAL[between[0]], _USUAL[between[1]]
    pair = [cells, cells] if isinstance(cells, Integral) else list(cells) if isinstance(cells, Sequence) else []
    whole = [int(n) for n in pair if isinstance(n, Integral) and not isinstance(n, bool) and 1 <= int(n) <= _MOST_CELLS]
    if len(pair) != 2 or len(whole) != 2:
        raise StructureError(f"cells {cells!r}: give one or two whole numbers from 1 to {_MOST_CELLS}, as (3, 3).")
    return whole[0], whole[1]


def _layers(layers: int | None, lattice: SlabLattice) -> int:
    first, last = lattice.levels
    most = last - first + 1
    if layers is None:
        return most
    if isinstance(layers, bool) or not isinstance(layers, Integral) or not 1 <= int(layers) <= most:
        raise StructureError(f"layers {layers!r}: the slab has {most}; give a whole number from 1 to {most}.")
    return int(layers)


def _ions_inside(slab: "Atoms", lattice: SlabLattice, frame: Frame) -> Ions:
    """Return the ions of the pristine lattice inside the block."""
    own = np.flatnonzero((fragments_of(slab) == 0) & np.isin(slab.get_chemical_symbols(), list(FORMAL_CHARGES)))
    missing = slab.info["qddft"].get("removed", [])
    positions = np.vstack([slab.positions[own], np.array([item["position"] for item in missing]).reshape(-1, 3)])
    levels = np.array([*slab.arrays["layer"][own], *(item["layer"] for item in missing)])
    symbols = [*(str(slab.symbols[int(i)]) for i in own), *(str(item["symbol"]) for item in missing)]
    home = lattice.places(positions, levels)
    number, shifts = lattice.images(home, frame)
    owners = np.append(own, np.full(len(missing), -1))[number]
    images = positions[number] + shifts @ lattice.cell
    entries = tuple(
        dict(missing[int(n) - len(own)]) | {"position": [round(float(x), 10) for x in images[k]]}
        for k, n in enumerate(number)
        if n >= len(own)
    )
    charges = np.array([FORMAL_CHARGES[symbols[int(n)]] for n in number])
    return Ions(owners, images, home[number] + 2 * shifts @ lattice.periods, charges, entries)


def _ligands_inside(slab: "Atoms", lattice: SlabLattice, frame: Frame, ions: Ions) -> dict[int, np.ndarray]:
    """Return the ligands whose places lie in the block, and by how much each is moved, Angstrom.

    Raises
    ------
    StructureError
        A place is there twice, because the block is larger than the cell, or its ligand is not.
    """
    found: dict[int, np.ndarray] = {}
    for number in sorted({int(n) for n in fragments_of(slab)} - {0}):
        foot = lattice.fractional(_below(slab, number))
        foot[2] = np.clip(foot[2], frame.low[2], frame.high[2])
        shifts = lattice.images(foot[None], frame)[1]
        replaced = sum(str(entry["why"]).endswith(f" of fragment {number}") for entry in ions.entries)
        if len(shifts) > 1 or (replaced and replaced != len(shifts) * _replaced(slab, number)):
            raise StructureError(
                f"the cluster holds a place of ligand {number} and an image of it, or only a part; take fewer cells, "
                "or a slab with a larger supercell."
            )
        if len(shifts):
            found[number] = shifts[0] @ lattice.cell
    return found


def _replaced(slab: "Atoms", number: int) -> int:
    """Return how many ions a ligand replaced."""
    return sum(str(item["why"]).endswith(f" of fragment {number}") for item in slab.info["qddft"].get("removed", []))
