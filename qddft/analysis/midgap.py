"""States in the gap, by a stated criterion: edges of the bulk-like layers, localization, occupation.

A state is a band whose k-averaged energy lies more than ``delta`` inside the gap of the bulk-like layers. Zero of
energy and Fermi level play no part in it: with an uncompensated ion the Fermi level sits in a band, and a state "at
zero" is no trap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.analysis.partitions import fragment_masks, inner_atoms
from qddft.core.errors import OutputError
from qddft.outputs.dos import GapState, GapStates
from qddft.outputs.tables import Eigenvalues, Projections

if TYPE_CHECKING:
    from ase import Atoms

# a level belongs to the bulk-like layers if they hold at least this part of what an evenly spread state has there
BULK_LIKE = 0.5
# the gap is looked for this far around the Fermi level, eV
REACH = 3.0
# electrons beyond or short of a filled band that are worth a sentence
NOTABLE = 0.1


@dataclass(frozen=True)
class Criterion:
    """When a band counts as a state in the gap, and when as localized.

    Attributes
    ----------
    delta
        Distance to keep from both edges, eV.
    max_atoms, share
        A state is localized when at most ``max_atoms`` atoms hold at least ``share`` of its projections.
    """

    delta: float = 0.10
    max_atoms: int = 8
    share: float = 0.5

    @property
    def words(self) -> str:
        """The rule in one sentence."""
        return (
            f"k-averaged energy more than {self.delta:g} eV inside the gap; localized if {self.max_atoms} atoms hold "
            f"{100 * self.share:g} % of the projections"
        )


def gap_states(
    projections: Projections,
    atoms: "Atoms",
    *,
    edges: tuple[float, float] | None = None,
    criterion: Criterion | None = None,
    formal_charge: int | None = None,
) -> GapStates:
    """Find the states in the gap.

    Parameters
    ----------
    projections
        Orbital weights of all levels.
    atoms
        The structure, with labels where they are known.
    edges
        Reference valence-band maximum and conduction-band minimum on this calculation's energy scale, eV, for instance
        of the pristine slab after alignment; without them they are taken from the bulk-like layers.
    criterion
        Limits.
    formal_charge
        Sum of the formal charges of the structure, e, where it is known.

    Raises
    ------
    StructureError
        No ``edges`` were given and the structure has no layers.
    OutputError
        No gap was found, or ``edges`` are not in order.
    """
    rule = criterion or Criterion()
    by_atom = atom_shares(projections)
    (vbm, cbm), reference = (
        _bulk_edges(projections.eigenvalues, by_atom, atoms) if edges is None else (edges, "given edges")
    )
    if not vbm < cbm:
        raise OutputError(f"reference edges {vbm:.3f} and {cbm:.3f} eV leave no gap between them; give VBM, then CBM")
    levels = projections.eigenvalues
    mean = np.tensordot(levels.weights, levels.energies, axes=(0, 1))
    inside = np.argwhere((mean > vbm + rule.delta) & (mean < cbm - rule.delta))
    masks = _parts(atoms)
    states = [_state(levels, by_atom, (int(s), int(b)), vbm, rule, masks) for s, b in inside]
    held = levels.occupations * levels.weights[None, :, None] * levels.electrons_per_level
    empty = (1 - levels.occupations) * levels.weights[None, :, None] * levels.electrons_per_level
    valence, conduction = levels.energies <= vbm + 1e-6, levels.energies >= cbm - 1e-6
    holes, excess = float(empty[valence].sum()), float(held[conduction].sum())
    trapped = float(held[~valence & ~conduction].sum())
    return GapStates(
        states=tuple(sorted(states, key=lambda state: state.energy)),
        vbm=float(vbm),
        cbm=float(cbm),
        reference=reference,
        criterion=rule.words,
        holes=holes,
        excess=excess,
        trapped=trapped,
        explanation=_explain(holes, excess, trapped, float(held.sum()), formal_charge),
    )


def atom_shares(projections: Projections) -> np.ndarray:
    """Return the share of every atom in what was projected of each level, shape (n_spins, n_kpoints, n_bands, n_atoms).

    Levels of which nothing was projected (vacuum states) have zeros.
    """
    weights = projections.weights[: len(projections.eigenvalues.energies)].sum(axis=-1)
    weights = np.clip(weights, 0.0, None)
    whole = weights.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(weights, whole, out=np.zeros_like(weights), where=whole > 0))


def _bulk_edges(levels: Eigenvalues, by_atom: np.ndarray, atoms: "Atoms") -> tuple[tuple[float, float], str]:
    """Return the edges of the widest interval near the Fermi level that is free of levels of the bulk-like layers."""
    inner, words = inner_atoms(atoms)
    slab = np.any(list(_slab(atoms)), axis=0)
    threshold = BULK_LIKE * inner.sum() / slab.sum()
    energies = np.sort(levels.energies[by_atom[..., inner].sum(axis=-1) >= threshold])
    fermi = levels.fermi_level if levels.fermi_level is not None else _middle(levels)
    near = (energies[1:] > fermi - REACH) & (energies[:-1] < fermi + REACH)
    widths = np.where(near, np.diff(energies), 0.0)
    if len(energies) < 2 or not widths.max() > 0:
        raise OutputError(f"no gap was found between the levels of the {words}; give the reference edges")
    index = int(widths.argmax())
    return (float(energies[index]), float(energies[index + 1])), words


def _slab(atoms: "Atoms") -> list[np.ndarray]:
    masks = fragment_masks(atoms)
    return [masks["dot"]] if "dot" in masks else [np.ones(len(atoms), dtype=bool)]


def _middle(levels: Eigenvalues) -> float:
    full = levels.occupations > 0.5
    return float((levels.energies[full].max() + levels.energies[~full].min()) / 2)


def _parts(atoms: "Atoms") -> Mapping[str, np.ndarray]:
    masks = fragment_masks(atoms)
    if "ligand" in masks:
        return masks
    symbols = np.array(atoms.get_chemical_symbols())
    return {symbol: symbols == symbol for symbol in dict.fromkeys(symbols.tolist())}


def _state(
    levels: Eigenvalues,
    by_atom: np.ndarray,
    where: tuple[int, int],
    vbm: float,
    rule: Criterion,
    masks: Mapping[str, np.ndarray],
) -> GapState:
    spin, band = where
    shares = levels.weights @ by_atom[spin, :, band]
    total = shares.sum()
    shares = shares / total if total > 0 else shares
    order = np.argsort(-shares)[: rule.max_atoms]
    energy = float(levels.weights @ levels.energies[spin, :, band])
    return GapState(
        energy=energy,
        above_vbm=energy - vbm,
        occupation=float(levels.weights @ levels.occupations[spin, :, band]) * levels.electrons_per_level,
        spin=spin,
        band=band,
        localized=bool(shares[order].sum() >= rule.share and total > 0),
        n_atoms=float(1 / (shares**2).sum()) if total > 0 else float(len(shares)),
        atoms=tuple(int(i) for i in order),
        parts={name: float(shares[mask].sum()) for name, mask in masks.items()},
    )


def _explain(holes: float, excess: float, trapped: float, n_electrons: float, formal_charge: int | None) -> str:
    surplus = trapped + excess - holes
    compared = (
        f"{abs(surplus):.2f} {'more' if surplus >= 0 else 'fewer'} than" if abs(surplus) > NOTABLE else "as many as"
    )
    notes = [
        f"{n_electrons:.2f} electrons, {compared} fill the reference "
        f"valence band: {trapped:.2f} between the edges, {excess:.2f} in the conduction band, {holes:.2f} missing below"
    ]
    if holes > NOTABLE:
        notes.append(
            "electrons are missing from the valence band, as an uncompensated anion or a lost cation leaves it"
        )
    if excess > NOTABLE:
        notes.append(
            "electrons are in the conduction band, as an uncompensated cation or a lost anion leaves them there"
        )
    if abs(n_electrons - round(n_electrons)) < 0.01 and round(n_electrons) % 2:
        notes.append("the number of electrons is odd: a half-filled level follows from the count alone")
    if formal_charge:
        notes.append(f"the formal charges of the structure add up to {formal_charge:+d}, not to zero")
    return "; ".join(notes)
