"""``Ligand``: a molecule, an ion or an ion pair with named atoms that can bind to a surface."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms

Bond = tuple[int, int, float]
Position = tuple[float, float, float]


@dataclass(frozen=True)
class Truncation:
    """What a ligand was before its chains were cut.

    Attributes
    ----------
    name, formula, smiles
        The whole molecule.
    rule
        The cut in words.
    """

    name: str
    formula: str
    smiles: str
    rule: str

    def as_dict(self) -> dict[str, str]:
        """JSON form, as kept in ``info["qddft"]``."""
        from qddft.atoms.portable_smiles import without_backslash

        smiles = without_backslash(self.smiles)
        return {"name": self.name, "formula": self.formula, "smiles": smiles, "rule": self.rule}


@dataclass(frozen=True)
class Ligand:
    """A molecule, an ion or an ion pair; atom indices run over ``symbols`` and start at 0.

    Attributes
    ----------
    name
        Library name, or canonical SMILES, or the stem of the file it came from.
    formula
        Hill formula without the charge.
    charge
        Formal charge of the whole, e.
    smiles
        SMILES whose heavy atoms, in the order written, are the first atoms; hydrogens follow.
    anchors
        Groups of atom indices that bind together to the surface, best group first; the groups of a carboxylate are
        ``((0, 1), (0,), (1,))``: both oxygens, or either one.
    anchor_kinds
        Name of the functional group of each entry of ``anchors`` (``qddft.atoms.anchors.KINDS``).
    symbols
        Chemical symbols.
    positions
        Cartesian coordinates of one conformer, Angstrom.
    formal_charges
        Formal charge of each atom, e; they add up to ``charge``.
    bonds
        ``(i, j, order)`` with i < j; order 1, 1.5 (aromatic), 2 or 3.
    unpaired
        Unpaired electrons at the formal charge.
    source
        Where the ligand is taken from, a citation for library ligands.
    synonyms
        Other names.
    acid
        Library name of the acid form HL of an anion, if there is one.
    truncated_from
        The whole molecule if chains were cut.
    conformer
        Rank of the conformer by force-field energy; ``None`` for coordinates that came from a file.
    seed
        Seed of the conformer search.
    stereo
        Which stereoisomer was built where the SMILES leaves it open; empty if it does not.
    """

    name: str
    formula: str
    charge: int
    smiles: str
    anchors: tuple[tuple[int, ...], ...]
    anchor_kinds: tuple[str, ...]
    symbols: tuple[str, ...] = field(repr=False)
    positions: tuple[Position, ...] = field(repr=False)
    formal_charges: tuple[int, ...] = field(repr=False)
    bonds: tuple[Bond, ...] = field(repr=False)
    unpaired: int = 0
    source: str = ""
    synonyms: tuple[str, ...] = ()
    acid: str | None = None
    truncated_from: Truncation | None = None
    conformer: int | None = 0
    seed: int = 0
    stereo: str = ""

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def atoms(self) -> "Atoms":
        """A fresh ``ase.Atoms`` without a cell, labelled as fragment 1 and described in ``info["qddft"]``."""
        return molecule_atoms(self.symbols, self.positions, self.record(anchors=self.anchors[0]))

    @property
    def graph(self) -> frozenset[tuple[int, int]]:
        """Bonded pairs of atoms, (i, j) with i < j."""
        return frozenset((i, j) for i, j, _ in self.bonds)

    @property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """Atom indices of each connected part: one, or one for each ion of an ion pair."""
        return connected_parts(len(self), self.graph)

    @property
    def component_charges(self) -> tuple[int, ...]:
        """Formal charge of each of ``components``, e."""
        return tuple(sum(self.formal_charges[i] for i in part) for part in self.components)

    def record(self, **placement: Any) -> dict[str, Any]:
        """Return the JSON entry of ``info["qddft"]["fragments"]``, completed by where the ligand was put."""
        from qddft.atoms.portable_smiles import without_backslash

        entry: dict[str, Any] = {
            "name": self.name,
            "formula": self.formula,
            "charge": self.charge,
            "smiles": without_backslash(self.smiles),
            "truncated_from": self.truncated_from.as_dict() if self.truncated_from else None,
            "conformer": self.conformer,
            "seed": self.seed,
        }
        return entry | {key: _jsonable(value) for key, value in placement.items()}


def molecule_atoms(symbols: tuple[str, ...], positions: Any, fragment: Mapping[str, Any]) -> "Atoms":
    """Return ``Atoms`` of a molecule alone: fragment 1 of a complex whose slab is absent."""
    import numpy as np
    from ase import Atoms

    atoms = Atoms(list(symbols), positions=np.array(positions, dtype=float))
    atoms.set_array("fragment", np.ones(len(symbols), dtype=int))
    atoms.info["qddft"] = {"kind": "molecule", "fragments": [{"name": "slab", "charge": 0}, dict(fragment)]}
    return atoms


def connected_parts(n_atoms: int, pairs: frozenset[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Return the connected parts of a graph, each sorted, in the order of their first atom."""
    neighbors: list[list[int]] = [[] for _ in range(n_atoms)]
    for i, j in pairs:
        neighbors[i].append(j)
        neighbors[j].append(i)
    seen: set[int] = set()
    parts = []
    for start in range(n_atoms):
        if start in seen:
            continue
        part, stack = {start}, [start]
        while stack:
            new = set(neighbors[stack.pop()]) - part
            part |= new
            stack.extend(new)
        seen |= part
        parts.append(tuple(sorted(part)))
    return tuple(parts)


def _jsonable(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_jsonable(item) for item in value]
    return value
