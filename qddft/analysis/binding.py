"""Adsorption energies of ligands: reaction energy per ligand, decomposition, and what speaks against trusting it.

Definitions, all per ligand: ``E_ads = [E(complex) - E(slab) - sum of references]/n``, negative = bound, and
``E_bind = -E_ads``; interaction and deformation as in the distortion/interaction model, Bickelhaupt and Houk,
Angew. Chem. Int. Ed. 56, 10070 (2017).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.analysis.audit import Audit, compare_settings
from qddft.analysis.partitions import DOT, LIGAND, fragment_masks
from qddft.analysis.reaction import Reaction
from qddft.atoms.bond_lengths import donor_distance
from qddft.atoms.ions import B_CATIONS, HALIDES
from qddft.core.errors import ConvergenceError, OutputError
from qddft.outputs.outputs import Outputs

if TYPE_CHECKING:
    from ase import Atoms

IDENTITY_TOLERANCE = 1e-6
# a donor is bound up to this share of the sum of ionic radii
_DONORS, _BOUND = ("N", "O", "S", "P", "F"), 1.25
# a closed-shell slab is rightly run without, its radical with spin polarization
_OF_RADICALS = frozenset({"ispin", "nupdown"})


@dataclass(frozen=True)
class Decomposition:
    """Where an adsorption energy comes from; eV per ligand.

    Attributes
    ----------
    interaction
        E_int = [E(complex) - E(slab at the complex's geometry) - E(ligands at the complex's geometry)]/n.
    slab_deformation
        E_def,slab = [E(slab at the complex's geometry) - E(slab)]/n.
    ligand_deformation
        E_def,L = E(ligands at the complex's geometry)/n - E(reference ligand).
    """

    interaction: float
    slab_deformation: float
    ligand_deformation: float

    @property
    def total(self) -> float:
        """The three together: E_ads."""
        return self.interaction + self.slab_deformation + self.ligand_deformation


def adsorption_energy(reaction: Reaction, outputs: Mapping[str, Outputs], n: int) -> float:
    """Return E_ads per ligand, eV, negative = bound.

    Parameters
    ----------
    reaction
        Balanced; its products contain the complex.
    outputs
        By species name.
    n
        Ligands on the slab.

    Raises
    ------
    OutputError
        A calculation reports no energy.
    """
    return reaction.energy({name: energy_of(item, name) for name, item in outputs.items()}) / n


def decompose(parts: Mapping[str, float], n: int) -> Decomposition:
    """Split an adsorption energy.

    Parameters
    ----------
    parts
        Energies in eV: ``complex``, ``slab``, ``ligand`` (one relaxed molecule), ``slab@ads`` and ``ligand@ads`` (all
        ligands of the complex together).
    n
        Ligands on the slab.
    """
    return Decomposition(
        interaction=(parts["complex"] - parts["slab@ads"] - parts["ligand@ads"]) / n,
        slab_deformation=(parts["slab@ads"] - parts["slab"]) / n,
        ligand_deformation=parts["ligand@ads"] / n - parts["ligand"],
    )


def check_identity(decomposition: Decomposition, e_ads: float) -> None:
    """Refuse a decomposition whose parts do not add up.

    Raises
    ------
    OutputError
        The sum differs from ``e_ads`` by more than 1e-6 eV: the terms do not belong together.
    """
    difference = decomposition.total - e_ads
    if abs(difference) > IDENTITY_TOLERANCE:
        raise OutputError(
            f"interaction and deformation energies add up to {decomposition.total:.6f} eV, not to E_ads = {e_ads:.6f} "
            f"eV: they come from other calculations than E_ads; collect all of them from one run"
        )


def energy_of(outputs: Outputs, name: str) -> float:
    """Return E(sigma -> 0), eV.

    Raises
    ------
    OutputError
        The files report no energy.
    """
    if outputs.energy is None:
        raise OutputError(f"{name}: {outputs.source or 'the calculation'} reports no energy; run it again")
    return outputs.energy


def doubts(outputs: Mapping[str, Outputs]) -> tuple[str, ...]:
    """Return, for every calculation that is not proven to have converged, a sentence."""
    return tuple(f"{name} {problem}" for name, item in outputs.items() if (problem := _problem(item)) is not None)


def require_converged(outputs: Mapping[str, Outputs]) -> None:
    """Refuse unconverged calculations.

    Raises
    ------
    ConvergenceError
        Names them.
    """
    found = doubts(outputs)
    if found:
        raise ConvergenceError(f"no energy difference from unconverged calculations: {'; '.join(found)}")


def _problem(item: Outputs) -> str | None:
    if item.energy is None:
        return "has no energy"
    if changed := item.extra.get("energy_deciding_changes"):
        return f"was not computed with the inputs that were planned: {', '.join(changed)} changed"
    if item.electronically_converged is not True:
        return "is not electronically converged" if item.electronically_converged is False else _unproven("electronic")
    if item.ionically_converged is not True:
        return "is not relaxed to the force limit" if item.ionically_converged is False else _unproven("ionic")
    return None


def _unproven(loop: str) -> str:
    return f"does not prove its {loop} convergence"


@dataclass(frozen=True)
class Comparison:
    """What an audit found between the terms of one energy difference.

    Attributes
    ----------
    differences
        Settings that decide energies and are not the same: the energies must not be subtracted.
    remarks
        What makes the difference less certain, or cannot be known.
    audit
        The audit itself.
    """

    differences: tuple[str, ...]
    remarks: tuple[str, ...]
    audit: Audit


def compare_terms(outputs: Mapping[str, Outputs], *, radicals: bool = False) -> Comparison:
    """Compare the settings of all terms of an energy difference.

    Parameters
    ----------
    outputs
        By name.
    radicals
        Open shells are meant: unequal spin treatment is no difference.
    """
    audit = compare_settings(*outputs.values(), names=tuple(outputs))
    found = [item for item in audit.differences if not (radicals and item.key in _OF_RADICALS)]
    # a key that no term has is none of this engine, but dispersion always is
    gaps = [item for item in audit.unknown if item.key == "dispersion" or set(item.sources) != set(audit.sources)]
    return Comparison(
        tuple(item.text for item in found if item.importance == "decides energies"),
        (*(item.text for item in found if item.importance == "changes accuracy"), *(item.text for item in gaps)),
        audit,
    )


def coverage(atoms: "Atoms", per_face: int) -> float:
    """Return ligands per nm^2 of one face.

    Parameters
    ----------
    atoms
        The complex; its first two cell vectors span the face.
    per_face
        Ligands on one face.
    """
    return 100.0 * per_face / float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))


def anchor_distances(atoms: "Atoms") -> tuple[float, ...]:
    """Return the distances from each anchor of each ligand to the surface atom it was put on, Angstrom.

    Anchors and sites are those of ``info["qddft"]``; of structures made by anybody else, every donor atom of a ligand
    (N, O, S, P, F) and the Pb, Sn or Ge that it binds to.
    """
    fragments = atoms.info.get("qddft", {}).get("fragments", [])
    pairs = [pair for fragment in fragments for pair in _pairs(fragment)]
    if not pairs and "qddft" not in atoms.info:
        pairs = _bound_donors(atoms)
    return tuple(round(float(atoms.get_distance(anchor, site, mic=True)), 4) for anchor, site in pairs)


def _bound_donors(atoms: "Atoms") -> list[tuple[int, int]]:
    """Return donor atoms of ligands and the nearest metal atoms, where they are near enough to be bound."""
    masks = fragment_masks(atoms)
    symbols = np.array(atoms.get_chemical_symbols())
    # without halides the oxygen may be that of an oxide
    if LIGAND not in masks or DOT not in masks or not set(symbols) & set(HALIDES[1:]):
        return []
    metals = np.flatnonzero(np.isin(symbols, B_CATIONS))
    donors = np.flatnonzero(masks[LIGAND] & np.isin(symbols, _DONORS))
    found = []
    for donor in donors if len(metals) else ():
        distances = atoms.get_distances(donor, metals, mic=True)
        site = int(metals[distances.argmin()])
        if distances.min() <= _BOUND * donor_distance(str(symbols[donor]), str(symbols[site])):
            found.append((int(donor), site))
    return found


def _pairs(fragment: Mapping[str, Any]) -> Iterable[tuple[int, int]]:
    for anchor, sites in zip(fragment.get("anchors", ()), fragment.get("sites", ()), strict=False):
        yield from ((int(anchor), int(site)) for site in sites)
