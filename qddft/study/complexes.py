"""Slabs with ligands: structures of one row of a study, with their charges and spins."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qddft.atoms.covering import cover
from qddft.atoms.ions import HALIDES
from qddft.study.ligands import Adsorbate, Reference
from qddft.study.naming import ligand_label, species_label
from qddft.study.placements import placement
from qddft.study.structures import without_ligands

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.charge import ChargeLedger
    from qddft.atoms.ligand import Ligand


@dataclass(frozen=True)
class Complexes:
    """One row of a study, built.

    Attributes
    ----------
    adsorbate
        The row.
    label
        The ligand in tables.
    halide
        Of the slab.
    clean
        What the ligand is put on: the clean slab, or the slab with a vacancy.
    poses
        Starting structures of the complex.
    n, per_face
        Ligands on the slab and on one face.
    ledger
        Formal charges of the complex.
    """

    adsorbate: Adsorbate
    label: str
    halide: str
    clean: "Atoms"
    poses: "tuple[Atoms, ...]"
    n: int
    per_face: int
    ledger: "ChargeLedger"

    @property
    def name(self) -> str:
        """The complex in a reaction."""
        times = "" if self.n == 1 else f"{self.n} "
        return f"slab·{times}{species_label(self.adsorbate.ligand)}"

    @property
    def slab_name(self) -> str:
        """The slab in a reaction."""
        scheme = self.adsorbate.scheme.name
        if scheme == "vacancy-filling":
            return f"slab·V({self.halide})"
        if self.adsorbate.spec.mode == "A-site":
            return "slab·Cs"
        return f"slab·{self.halide}" if scheme in ("acid-exchange", "salt-exchange") else "slab"

    @property
    def replaced_halide(self) -> str:
        """The halide whose place the first ligand took; that of the row where it took none."""
        taken = [item["symbol"] for item in self.poses[0].info["qddft"].get("removed", [])]
        return next((symbol for symbol in taken if symbol in HALIDES), self.halide)

    @property
    def decomposes(self) -> bool:
        """Slab and ligands of the complex are the reactants, so that interaction and deformation are defined."""
        return len(self.adsorbate.references) == 1

    @property
    def radical(self) -> bool:
        """The ligand is run as a neutral radical."""
        return self.adsorbate.scheme.name in ("fragment", "vacancy-filling")

    @property
    def unpaired(self) -> int:
        """Unpaired electrons of the complex."""
        return _odd(self.poses[0])

    @property
    def slab_unpaired(self) -> int:
        """Unpaired electrons of the slab."""
        return _odd(self.clean)

    @property
    def ligands_unpaired(self) -> int:
        """Unpaired electrons of the ligands of one complex, far from each other, without the slab."""
        return self.n * self.molecule_unpaired(self.adsorbate.references[0])

    def molecule_name(self, reference: Reference) -> str:
        """Return the name of a gas-phase molecule in the reaction."""
        return species_label(reference.ligand) + (" radical" if self.radical else "")

    def molecule_unpaired(self, reference: Reference) -> int:
        """Return the unpaired electrons of a gas-phase molecule, which is run neutral."""
        ligand = reference.ligand
        return _odd(ligand.atoms) if self.radical else ligand.unpaired

    def conformers(self, reference: Reference) -> "tuple[Atoms, ...]":
        """Return starting structures of a gas-phase molecule."""
        from qddft.atoms.conformers import DEFAULT_COUNT, conformers

        wanted = self.adsorbate.spec.conformers if reference.coefficient < 0 else 1
        if wanted == 1:
            return (reference.ligand.atoms,)
        seed = self.adsorbate.spec.seed
        return conformers(reference.ligand, max(wanted, DEFAULT_COUNT), seed=seed)[:wanted]


def build_complexes(slab: "Atoms", adsorbate: Adsorbate, halide: str) -> Complexes:
    """Put the ligand of a row on the slab.

    Raises
    ------
    PlacementError
        It does not fit.
    ChargeError
        The cell would be charged, and the reference scheme is not one that runs neutral radicals.
    """
    from qddft.atoms.charge import charge_ledger, require_neutral

    spec, label = adsorbate.spec, ligand_label(adsorbate.ligand)
    poses = _poses(slab, adsorbate.ligand, adsorbate)
    ledger = charge_ledger(poses[0])
    if adsorbate.scheme.name != "fragment":
        require_neutral(ledger, f"slab with {label}")
    faces = 2 if spec.faces == "both" else 1
    n = max(int(number) for number in poses[0].arrays["fragment"])
    clean = without_ligands(poses[0]) if adsorbate.scheme.name == "vacancy-filling" else slab
    return Complexes(adsorbate, label, halide, clean, poses, n, n // faces, ledger)


def _poses(slab: "Atoms", ligand: "Ligand", adsorbate: Adsorbate) -> "tuple[Atoms, ...]":
    """Return the standing pose, then one for each further conformer by energy; then other seeds turn the ligand.

    Where the row names a search, its best poses are returned instead.
    """
    spec = adsorbate.spec
    if spec.poses_from is not None:
        from qddft.study.poses_from import searched_poses

        return searched_poses(slab, adsorbate)
    base = placement(slab, spec, ligand, spec.faces)

    def posed(seed: int, conformer: int | None) -> "Atoms":
        return cover(slab, [replace(base, seed=seed, conformer=conformer)], faces=spec.faces)

    first = posed(spec.seed, spec.conformer)
    used = first.info["qddft"]["fragments"][-1]["conformer"]
    others: list[int | None] = (
        [] if spec.poses == 1 else [i for i in _conformer_numbers(ligand, spec.seed) if i != used]
    )
    others = others[: spec.poses - 1]
    turned = range(1, spec.poses - len(others))
    return (first, *(posed(spec.seed, i) for i in others), *(posed(spec.seed + i, None) for i in turned))


def _conformer_numbers(ligand: "Ligand", seed: int) -> range:
    """Return the numbers of the distinct conformers; none for a geometry from a file, which is kept."""
    from qddft.atoms.conformers import conformers

    return range(0) if ligand.conformer is None else range(len(conformers(ligand, seed=seed)))


def _odd(atoms: "Atoms") -> int:
    # the parity of all electrons is that of the valence electrons: closed cores hold an even number
    return int(sum(atoms.numbers)) % 2
