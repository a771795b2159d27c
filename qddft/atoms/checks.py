"""What a relaxation did to a structure that a reader of its energy has to know.

Molecule intact, still bound, surface still a perovskite, proton transferred, desorbed: if one of these changed, the
energy is that of another system than the one asked for.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.bond_changes import BondChanges, Pair, ProtonTransfer, bond_changes, distances_between
from qddft.atoms.bond_lengths import donor_distance
from qddft.atoms.fragments import require_same_atoms
from qddft.atoms.held import Binding, bindings_of, placed_distances, too_close
from qddft.atoms.ions import B_CATIONS, HALIDES

if TYPE_CHECKING:
    from ase import Atoms

# Pb-X of octahedra and of surface Pb lies within these shares of the sum of ionic radii (Br: 2.36 to 3.94 Å)
_SHORTEST, _LONGEST = 0.75, 1.25
# thermal motion and tilts move no atom of a perovskite this far, Angstrom
_RECONSTRUCTED = 1.5


@dataclass(frozen=True)
class Checks:
    """Flags of a relaxed structure.

    Attributes
    ----------
    broken, formed
        Bonds of molecules that are gone or new, as pairs of atom indices.
    proton_transfers
        Hydrogens that moved to another atom, of the surface or of a ligand.
    bindings
        Which ligand atoms the surface holds, shortest first.
    desorbed
        Numbers of the ligands that nothing holds.
    left_sites
        Numbers of the ligands that are held, but by other surface atoms than at the start.
    coordination_changes
        (Pb atom, halide neighbors before, after) where the number changed.
    pb_x_range
        Shortest and longest Pb-X distance up to 1.25 of the sum of ionic radii, Angstrom; ``None`` without any.
    too_short
        Pb-X pairs below 0.75 of the sum of ionic radii.
    too_close
        Contacts of a ligand and a cation of the slab below that share.
    farthest
        (slab atom, how far it moved in Angstrom) of the one that moved most, the slab as a whole taken out.
    warnings
        One sentence for everything a reader of the energy has to know.
    """

    broken: tuple[Pair, ...]
    formed: tuple[Pair, ...]
    proton_transfers: tuple[ProtonTransfer, ...]
    bindings: tuple[Binding, ...]
    desorbed: tuple[int, ...]
    left_sites: tuple[int, ...]
    coordination_changes: tuple[tuple[int, int, int], ...]
    pb_x_range: tuple[float, float] | None
    too_short: tuple[Pair, ...]
    too_close: tuple[Binding, ...]
    farthest: tuple[int, float] | None
    warnings: tuple[str, ...]

    @property
    def molecule_intact(self) -> bool:
        """All bonds of the ligands are what they were."""
        return not self.broken and not self.formed

    @property
    def bound(self) -> bool:
        """The surface holds every ligand."""
        return not self.desorbed

    @property
    def proton_transferred(self) -> bool:
        """At least one hydrogen changed its partner."""
        return bool(self.proton_transfers)

    @property
    def surface_intact(self) -> bool:
        """Every Pb kept its halides, none of them is too close, and no slab atom went far."""
        far = self.farthest is not None and self.farthest[1] > _RECONSTRUCTED
        return not self.coordination_changes and not self.too_short and not far

    @property
    def ok(self) -> bool:
        """Nothing to warn about."""
        return not self.warnings

    def record(self) -> dict[str, Any]:
        """Return every flag with what it rests on, JSON types; fragments and atoms by number, lengths in Angstrom."""
        return {
            "molecule_intact": self.molecule_intact,
            "bound": self.bound,
            "desorbed": list(self.desorbed),
            "left_site": list(self.left_sites),
            "contacts": [
                {
                    "fragment": item.fragment,
                    "atoms": f"{item.symbols[0]}{item.atom}-{item.symbols[1]}{item.surface}",
                    "kind": item.kind,
                    "distance_A": item.distance,
                }
                for item in self.bindings
            ],
            "too_close": [f"{item.symbols[0]}{item.atom}-{item.symbols[1]}{item.surface}" for item in self.too_close],
            "proton_transferred": self.proton_transferred,
            "proton_transfers": [[item.hydrogen, item.source, item.target] for item in self.proton_transfers],
            "surface_intact": self.surface_intact,
            "coordination_changes": [list(item) for item in self.coordination_changes],
            "pb_x_range_A": None if self.pb_x_range is None else list(self.pb_x_range),
            "farthest_moved_A": None if self.farthest is None else self.farthest[1],
        }


@dataclass(frozen=True)
class _Surface:
    """Halides around Pb."""

    counts: dict[int, int]
    lengths: list[float]
    too_short: tuple[Pair, ...]


def relaxation_warnings(before: "Atoms", after: "Atoms") -> tuple[str, ...]:
    """Return the sentences of ``check_complex``; for slabs, complexes and molecules alike."""
    return check_complex(before, after).warnings


def check_complex(initial: "Atoms", final: "Atoms") -> Checks:
    """Compare a structure before and after a relaxation.

    Parameters
    ----------
    initial
        As it was built: its molecules are taken to be intact. Without fragment labels all atoms belong to a slab.
    final
        The same atoms in the same order.

    Raises
    ------
    StructureError
        The atoms differ.
    """
    require_same_atoms(initial, final)
    fragment = np.asarray(initial.arrays.get("fragment", np.zeros(len(initial), dtype=int)))
    changes = bond_changes(initial, final, np.flatnonzero(fragment > 0))
    bindings = bindings_of(final, fragment, placed_distances(initial))
    close = too_close(bindings)
    desorbed = _desorbed(initial, fragment, bindings)
    old, new = _surface(initial, fragment), _surface(final, fragment)
    coordination = tuple((i, n, new.counts[i]) for i, n in old.counts.items() if new.counts[i] != n)
    short = tuple(pair for pair in new.too_short if pair not in old.too_short)
    farthest = _farthest(initial, final, fragment)
    elsewhere = tuple(n for n in _elsewhere(initial, bindings) if n not in desorbed)
    words = _Words(initial, fragment)
    return Checks(
        broken=changes.broken,
        formed=changes.formed,
        proton_transfers=changes.transfers,
        bindings=bindings,
        desorbed=desorbed,
        left_sites=elsewhere,
        coordination_changes=coordination,
        pb_x_range=(round(min(new.lengths), 4), round(max(new.lengths), 4)) if new.lengths else None,
        too_short=short,
        too_close=close,
        farthest=farthest,
        warnings=(
            *words.of_bonds(changes),
            *(f"{words.name(n)} is desorbed: nothing of the surface holds it" for n in desorbed),
            *(f"{words.name(n)} left its site for another one" for n in elsewhere),
            *(words.of_contact(item) for item in close),
            *words.of_surface(coordination, short, farthest),
        ),
    )


@dataclass(frozen=True)
class _Words:
    """Sentences about one structure."""

    atoms: "Atoms"
    fragment: np.ndarray

    def name(self, number: int) -> str:
        """Name a fragment."""
        entries: list[dict[str, Any]] = self.atoms.info.get("qddft", {}).get("fragments", [])
        given = entries[number].get("name") if number < len(entries) else None
        return "the slab" if number == 0 else str(given or f"fragment {number}")

    def atom(self, index: int) -> str:
        """Name an atom and its owner."""
        return f"{self.atoms.symbols[index]} {index} of {self.name(int(self.fragment[index]))}"

    def of_contact(self, item: Binding) -> str:
        """Say that a ligand came closer to the slab than such atoms do."""
        return (
            f"{self.atom(item.atom)} is only {item.distance:.2f} Å from {self.atom(item.surface)}: an artifact of the "
            "method or of a slab that cannot give way"
        )

    def of_bonds(self, changes: BondChanges) -> list[str]:
        """Say which protons moved and which other bonds changed."""
        moved = {transfer.hydrogen for transfer in changes.transfers}
        told = [
            f"proton transfer: {self.atom(t.hydrogen)} went from {self.atom(t.source)} to {self.atom(t.target)} "
            f"({t.distance:.2f} Å)"
            for t in changes.transfers
        ]
        for pairs, what in ((changes.broken, "is broken"), (changes.formed, "is new")):
            told += [
                f"the molecule is not intact: the bond of {self.atom(i)} and {self.atom(j)} {what}"
                for i, j in pairs
                if moved.isdisjoint((i, j))
            ]
        return told

    def of_surface(
        self,
        coordination: tuple[tuple[int, int, int], ...],
        short: tuple[Pair, ...],
        farthest: tuple[int, float] | None,
    ) -> list[str]:
        """Say what became of the perovskite."""
        told = []
        if coordination:
            listed = ", ".join(f"Pb {i} from {before} to {after}" for i, before, after in coordination)
            told.append(f"the surface changed: halide neighbors of {listed}")
        if short:
            listed = ", ".join(f"{i}-{j}" for i, j in short)
            told.append(f"the surface changed: Pb-X pairs {listed} are too short")
        if farthest is not None and farthest[1] > _RECONSTRUCTED:
            told.append(f"the surface changed: {self.atom(farthest[0])} moved by {farthest[1]:.2f} Å")
        return told


def _desorbed(initial: "Atoms", fragment: np.ndarray, bindings: tuple[Binding, ...]) -> tuple[int, ...]:
    """Return the numbers of ligands that nothing holds; one in the place of Cs is held by charge."""
    if not (fragment == 0).any():
        return ()
    entries = initial.info.get("qddft", {}).get("fragments", [])
    in_lattice = {number for number, entry in enumerate(entries) if entry.get("mode") == "A-site"}
    held = {binding.fragment for binding in bindings} | in_lattice
    return tuple(n for n in sorted({int(k) for k in fragment[fragment > 0]}) if n not in held)


def _elsewhere(initial: "Atoms", bindings: tuple[Binding, ...]) -> list[int]:
    """Return the numbers of ligands of which no atom is held by a surface atom that held it at the start."""
    entries = initial.info.get("qddft", {}).get("fragments", [])
    found = []
    for number, entry in enumerate(entries):
        sites = {int(i) for atoms in entry.get("sites", []) for i in atoms}
        now = {binding.surface for binding in bindings if binding.fragment == number}
        if sites and sites.isdisjoint(now):
            found.append(number)
    return found


def _surface(atoms: "Atoms", fragment: np.ndarray) -> _Surface:
    """Count halide neighbors of every Pb of the slab."""
    symbols = np.array(atoms.get_chemical_symbols())
    lead = np.flatnonzero((fragment == 0) & np.isin(symbols, B_CATIONS))
    halides = np.flatnonzero((fragment == 0) & np.isin(symbols, HALIDES))
    distances = distances_between(atoms, lead, halides)
    sums = np.zeros(distances.shape)
    for b, x in {(str(b), str(x)) for b in symbols[lead] for x in set(symbols[halides])}:
        sums[np.ix_(symbols[lead] == b, symbols[halides] == x)] = donor_distance(x, b)
    near = distances < _LONGEST * sums
    counts = {int(i): int(row.sum()) for i, row in zip(lead, near, strict=True)}
    short = tuple((int(lead[a]), int(halides[b])) for a, b in np.argwhere(distances < _SHORTEST * sums))
    return _Surface(counts, distances[near].tolist(), short)


def _farthest(initial: "Atoms", final: "Atoms", fragment: np.ndarray) -> tuple[int, float] | None:
    """Return the slab atom that moved most and how far, Angstrom; a slab that moved as a whole has not changed."""
    from ase.geometry import find_mic

    slab = np.flatnonzero(fragment == 0)
    if not len(slab) or not initial.pbc.any():
        return None
    steps = final.positions[slab] - initial.positions[slab]
    lengths = find_mic(steps - np.median(steps, axis=0), final.cell, final.pbc)[1]
    return int(slab[lengths.argmax()]), round(float(lengths.max()), 4)
