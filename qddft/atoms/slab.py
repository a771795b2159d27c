"""(001) slabs of perovskites with the termination of each face asked for by name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.alloy import end_member
from qddft.atoms.alloy_order import Order
from qddft.atoms.alloy_slab import Mixture, crystal_of, filled, mixture_of
from qddft.atoms.bulk import build_bulk, describe_bulk
from qddft.atoms.cage import DUMMY, collapse_molecules, expand_molecules, held_molecules
from qddft.atoms.ions import B_CATIONS, HALIDES
from qddft.atoms.pseudocubic import PseudoCubic, pseudocubic, with_normal
from qddft.atoms.slab_options import (
    Supercell,
    check_fixed_layers,
    check_layers,
    check_vacuum,
    parse_supercell,
    parse_termination,
)
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms

# the lowest atom lies this far above z = 0, so that a small relaxation does not wrap it to the top of the cell
FLOOR = 1.0


def build_slab(  # noqa: PLR0913  (every choice a person makes about one slab)
    bulk: "str | Atoms",
    *,
    termination: str | Sequence[str] = "PbX2",
    layers: int = 9,
    supercell: Supercell | int = (1, 1),
    vacuum: float = 15.0,
    lattice: str | float = "pbe",
    phase: str = "cubic",
    fixed_layers: int | str = 0,
    normal: str | None = None,
    order: Order = "random",
    seed: int = 0,
) -> "Atoms":
    """Cut an (001) slab.

    The lowest atom lies 1 Angstrom above z = 0 (less where the vacuum is thinner than 2 Angstrom); the vacuum is above
    the slab, where a ligand goes. The cell is periodic in all three directions, as VASP and tblite take it.

    Parameters
    ----------
    bulk
        Formula of a library crystal (``CsPbBr3``) or of an alloy (``CsPb(Br0.67I0.33)3``, ``GA0.25Cs0.75PbI3``), which
        gets a cell as large as the slab; or a perovskite crystal as ``ase.Atoms``, and then ``lattice``, ``phase``,
        ``order`` and ``seed`` are not used.
    termination
        ``PbX2`` or ``CsX`` (``PbBr2``, ``CsBr`` are understood) on both faces, or a pair (top, bottom).
    layers
        Atomic layers, PbX2 and CsX counted one by one: odd for equal faces, even for unequal ones.
    supercell
        Lateral cell in pseudo-cubic units: ``(n, m)``, ``"2x3"``, ``"sqrt2"``, ``"2sqrt2"``, ``"sqrt5"``.
    vacuum
        Empty height above the highest atom, Angstrom: the cell is as high as the slab plus this.
    lattice, phase
        See ``build_bulk``.
    fixed_layers
        Layers held by ``FixAtoms``, counted from the bottom, or ``"all"``.
    normal
        Pseudo-cubic axis across which the faces lie, as in ``with_normal``: ``a``, ``b`` or ``c``; without it the one
        closest to the third cell vector, which is ``c``.
    order, seed
        Of an alloy, see ``build_alloy``.

    Returns
    -------
    ase.Atoms
        ``arrays["fragment"]`` is 0, ``arrays["layer"]`` counts from 1 at the bottom, ``info["qddft"]`` says how the
        slab was made.

    Raises
    ------
    StructureError
        An option that makes no slab, or a lateral cell in which the pattern of tilts does not fit.
    """
    mixture = mixture_of(bulk, order, seed) if isinstance(bulk, str) else None
    lateral, label = parse_supercell(supercell)
    given = bulk
    if isinstance(given, str):
        given = (
            end_member(mixture.asked, phase, lattice) if mixture else build_bulk(given, phase=phase, lattice=lattice)
        )
    halides, a_sites, b_sites = _sublattices(collapse_molecules(given)[0], mixture)
    top, bottom = parse_termination(termination, a_sites, b_sites, halides)
    count = check_layers(layers, top, bottom)
    fixed = check_fixed_layers(fixed_layers, count)
    gap = check_vacuum(vacuum)
    counts: dict[str, dict[str, int]] = {}
    if mixture is not None:
        given, counts = crystal_of(mixture, _sites(lateral, bottom, count), phase, lattice)
    if normal is not None:
        given = with_normal(given, normal)
    # a molecule on the A site moves as one; it is put back when the layers are cut
    crystal, shapes = collapse_molecules(given)
    frame = pseudocubic(crystal)
    cells = _lateral_cells(frame, lateral, label)
    cut = _cut(crystal, frame, cells, first=0 if bottom == "PbX2" else 1, layers=count)
    _check_stacking(cut, lateral)
    slab, turn = _flat(cut)
    description = describe_bulk(given)
    molecules = held_molecules(cut, shapes, given)
    if mixture is not None:
        full = filled(slab, mixture, counts, float(np.cbrt(abs(np.linalg.det(frame.vectors)))))
        slab, shapes, molecules, turn = full.slab, full.shapes, full.molecules, np.eye(3)
        description |= {"first_shell_order": full.shells}
    shares = {"A": _shares(slab, a_sites, molecules), "X": _shares(slab, halides, [])}
    slab = with_vacuum(expand_molecules(_in_order(slab), shapes, turn), gap)
    _hold(slab, fixed)
    slab.info["qddft"] = {
        "kind": "slab",
        "bulk": description,
        "termination": {"top": top, "bottom": bottom},
        "layers": count,
        "supercell": label,
        "vacuum": gap,
        "fixed_layers": fixed,
        "fragments": [{"name": "slab", "charge": 0}],
        "removed": [],
    }
    if any(len(share) > 1 for share in shares.values()):
        slab.info["qddft"]["sublattices"] = shares
    if molecules:
        slab.info["qddft"]["molecules"] = molecules
    return slab


def with_vacuum(atoms: "Atoms", vacuum: float) -> "Atoms":
    """Return a copy whose cell is as high as its atoms plus a vacuum.

    Positions are taken as they are: nothing is wrapped, so a ligand that reaches below z = 0 is counted below. All
    atoms move up or down together so that the lowest one keeps its distance to the cell floor.

    Parameters
    ----------
    atoms
        A slab or complex whose third cell vector is along z.
    vacuum
        Empty height above the highest atom, Angstrom; after a ligand was attached it is counted above its tip.

    Raises
    ------
    StructureError
        No atoms, a vacuum that is not positive, or a third cell vector that is not along z.
    """
    gap = check_vacuum(vacuum)
    if len(atoms) == 0:
        raise StructureError("with_vacuum: there are no atoms.")
    cell = atoms.cell.array.copy()
    if np.abs(cell[:2, 2]).max() > 1e-6 or np.abs(cell[2, :2]).max() > 1e-6:
        raise StructureError("with_vacuum: the first two cell vectors must lie in the xy plane and the third along z.")
    heights = atoms.positions[:, 2]
    changed = atoms.copy()
    # ASE would hold the fixed atoms back
    changed.set_constraint()
    lift = min(FLOOR, gap / 2) - heights.min()
    changed.positions[:, 2] += lift
    cell[2] = [0.0, 0.0, float(np.ptp(heights)) + gap]
    changed.set_cell(cell)
    changed.set_constraint(atoms.constraints)
    if "qddft" in changed.info:
        info = changed.info["qddft"]
        removed = [item | {"position": _lifted(item["position"], lift)} for item in info.get("removed", [])]
        changed.info["qddft"] = info | {"vacuum": gap, "removed": removed}
    return changed


def _lifted(position: list[float], lift: float) -> list[float]:
    """Return a place that moved up, Angstrom."""
    return [position[0], position[1], round(position[2] + float(lift), 10)]


def _sites(lateral: np.ndarray, bottom: str, layers: int) -> dict[str, int]:
    """Return how many A and X sites a slab has."""
    area = abs(round(float(np.linalg.det(lateral))))
    lead = (layers + 1) // 2 if bottom == "PbX2" else layers // 2
    return {"A": area * (layers - lead), "X": area * (layers + lead)}


def _sublattices(crystal: "Atoms", mixture: Mixture | None) -> tuple[list[str], list[str], list[str]]:
    """Return the symbols of halides, A cations and B cations in a crystal, or asked of it."""
    if mixture is not None:
        return sorted(mixture.asked.x), sorted(mixture.asked.a), sorted(mixture.asked.b)
    symbols = sorted(set(crystal.get_chemical_symbols()))
    halides = [symbol for symbol in symbols if symbol in HALIDES]
    b_sites = [symbol for symbol in symbols if symbol in B_CATIONS]
    return halides, [symbol for symbol in symbols if symbol not in (*halides, *b_sites)], b_sites


def _lateral_cells(frame: PseudoCubic, lateral: np.ndarray, label: str) -> np.ndarray:
    """Return lateral and stacking periods of the crystal in its own lattice vectors, integers, shape (3, 3)."""
    rows = np.column_stack([lateral, [0, 0]])
    if not all(frame.is_period(row) for row in rows):
        fits = [name for name in ("sqrt2", "2x1", "1x2", "2x2", "2sqrt2", "4x4") if _fits(frame, name)]
        raise StructureError(
            f"supercell {label!r}: the pattern of this crystal (tilts, alloy order) does not repeat with this lateral "
            f"cell. Take {', '.join(fits) or 'a larger one'} or a multiple of it."
        )
    height = next(
        k for k in range(1, round(abs(np.linalg.det(frame.periods))) + 1) if frame.is_period(np.array([0, 0, k]))
    )
    return np.round(frame.in_bulk_cell(np.vstack([rows, [0, 0, height]]))).astype(int)


def _fits(frame: PseudoCubic, name: str) -> bool:
    """Tell whether the tilts repeat with a named lateral cell."""
    return all(frame.is_period(row) for row in np.column_stack([parse_supercell(name)[0], [0, 0]]))


def _cut(crystal: "Atoms", frame: PseudoCubic, cells: np.ndarray, *, first: int, layers: int) -> "Atoms":
    """Take consecutive atomic layers; layer 0 holds the B cation at the origin of the frame."""
    from ase import Atoms

    block = _repeat(crystal, cells)
    period = block.cell.array[2]
    # twice the pseudo-cubic height is the number of the atomic layer; tilts move an X atom by less than half a layer
    inverse = np.linalg.inv(frame.vectors)
    level = np.round(2 * ((block.positions - frame.origin) @ inverse)[:, 2]).astype(int)
    per_period = round(2 * (period @ inverse)[2])
    symbols, positions, layer, molecule = [], [], [], []
    for wanted in range(first, first + layers):
        for index in np.flatnonzero((wanted - level) % per_period == 0):
            symbols.append(block.symbols[index])
            positions.append(block.positions[index] + (wanted - level[index]) // per_period * period)
            layer.append(wanted - first + 1)
            molecule.append(block.arrays["molecule"][index])
    cell = block.cell.array.copy()
    cell[2] = np.cross(cell[0], cell[1]) / np.linalg.norm(np.cross(cell[0], cell[1])) * layers * 10.0
    slab = Atoms(symbols, positions=np.array(positions) - frame.origin, cell=cell, pbc=True)
    slab.set_array("fragment", np.zeros(len(slab), dtype=int))
    slab.set_array("layer", np.array(layer))
    slab.set_array("molecule", np.array(molecule))
    return slab


def _repeat(crystal: "Atoms", cells: np.ndarray) -> "Atoms":
    """Return the supercell of a crystal without its description."""
    from ase.build import make_supercell

    bare = crystal.copy()
    bare.info = {}
    bare.set_constraint()
    return make_supercell(bare, cells)


def _flat(slab: "Atoms") -> tuple["Atoms", np.ndarray]:
    """Turn the lateral vectors into the xy plane, the first along x, and wrap laterally; return the rotation too."""
    flat = slab.copy()
    flat.set_cell(slab.cell.standard_form()[0], scale_atoms=True)
    lateral = flat.get_scaled_positions(wrap=False)
    # an atom at a fraction of -1e-12 belongs to the edge at 0, not to the one at 1
    lateral[:, :2] -= np.floor(lateral[:, :2] + 1e-6)
    flat.set_scaled_positions(lateral)
    return flat, np.linalg.inv(slab.cell.array) @ flat.cell.array


def _in_order(slab: "Atoms") -> "Atoms":
    """Sort from the bottom up: layer, cations before halides, then y and x."""
    symbols = slab.get_chemical_symbols()
    x, y = np.round(slab.positions[:, 0], 3), np.round(slab.positions[:, 1], 3)
    keys = [
        (int(slab.arrays["layer"][i]), symbols[i] in HALIDES, symbols[i], float(y[i]), float(x[i]))
        for i in range(len(slab))
    ]
    return slab[sorted(range(len(slab)), key=keys.__getitem__)]


def _check_stacking(slab: "Atoms", lateral: np.ndarray) -> None:
    """Refuse crystals whose layers are not BX2 and AX in turn."""
    area = abs(round(float(np.linalg.det(lateral))))
    symbols = np.array(slab.get_chemical_symbols())
    for number in np.unique(slab.arrays["layer"]):
        held = symbols[slab.arrays["layer"] == number]
        halides, cations = int(np.isin(held, HALIDES).sum()), int(np.isin(held, B_CATIONS).sum())
        if (halides, cations) not in ((2 * area, area), (area, 0)):
            raise StructureError(
                f"layer {number} of the slab would hold {cations} Pb and {halides} halides where PbX2 or CsX was "
                "expected: this crystal is no complete ABX3 perovskite."
            )


def _shares(slab: "Atoms", symbols: list[str], molecules: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the fractions of symbols on a sublattice of a slab; molecules by their short names."""
    of_molecules = {str(item["symbol"]): int(item["count"]) for item in molecules}
    held = Counter(slab.get_chemical_symbols()) + Counter(of_molecules)
    counts = {symbol: held[symbol] for symbol in symbols if symbol != DUMMY}
    if DUMMY in symbols:
        counts |= of_molecules
    total = sum(counts.values())
    return {symbol: round(count / total, 6) for symbol, count in counts.items()}


def _hold(slab: "Atoms", fixed: int) -> None:
    """Fix the lowest layers of a slab that this module has just made."""
    from ase.constraints import FixAtoms

    if fixed:
        slab.set_constraint(FixAtoms(indices=np.flatnonzero(slab.arrays["layer"] <= fixed)))
