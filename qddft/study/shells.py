"""Shells of a study: several ligands on one slab, and the energy of the reaction that is stated for them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.analysis.reaction import Species, composition_of
from qddft.atoms.covering import cover
from qddft.core.errors import ChargeError, LigandError, PlacementError, ReferenceSchemeError, StudyError
from qddft.levels.settings import Level
from qddft.recipes.binding_energy import BindingEnergy
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import relaxation
from qddft.study.ligands import find_ligand, find_molecule
from qddft.study.naming import file_label, slug, species_label, unique
from qddft.study.placements import placement
from qddft.study.schema import Study
from qddft.study.schema_shells import ShellSpec
from qddft.study.structures import boxed

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.charge import ChargeLedger
    from qddft.atoms.ligand import Ligand


@dataclass(frozen=True)
class Shell:
    """One row of ``shells``, built.

    Attributes
    ----------
    spec
        The row.
    clean, atoms
        The slab, and the slab with the ligands.
    molecules
        What goes in (negative) and comes out of the reaction, with how many for each shell.
    ledger
        Formal charges of the slab with the ligands.
    """

    spec: ShellSpec
    clean: "Atoms"
    atoms: "Atoms"
    molecules: "tuple[tuple[Ligand, int], ...]"
    ledger: "ChargeLedger"

    @property
    def label(self) -> str:
        """The shell in tables."""
        return self.spec.name

    @property
    def faces(self) -> int:
        """How many faces carry it."""
        return 2 if self.spec.faces == "both" else 1

    @property
    def per_face(self) -> int:
        """Ligands on one face."""
        return int(self.atoms.arrays["fragment"].max()) // self.faces


def build_shells(study: Study, slab: "Atoms") -> list[Shell]:
    """Put the ligands of every shell on the slab; all rows that cannot be built are told at once.

    Raises
    ------
    PlacementError, ChargeError, ReferenceSchemeError
        Ligands do not fit, their charges do not add up to zero, or ions come with no reaction.
    """
    rows, wrong = [], []
    for number, spec in enumerate(study.shells, start=1):
        try:
            rows.append(_built(study, spec, slab))
        except (PlacementError, ChargeError, LigandError, ReferenceSchemeError) as error:
            wrong.append(type(error)(f"{study.path}: shell {number} ({spec.name}): {error}"))
    if wrong:
        raise type(wrong[0])("\n".join(str(error) for error in wrong))
    return rows


def _built(study: Study, spec: ShellSpec, slab: "Atoms") -> Shell:
    from qddft.atoms.charge import charge_ledger, require_neutral

    ligands = [find_ligand(item, study.folder) for item in spec.ligands]
    placed = [placement(slab, item, ligand, spec.faces) for item, ligand in zip(spec.ligands, ligands, strict=True)]
    atoms = cover(slab, placed, faces=spec.faces)
    ledger = charge_ledger(atoms)
    require_neutral(ledger, f"slab with {spec.name}")
    return Shell(spec, slab, atoms, _molecules(study, spec, ligands, atoms), ledger)


def _molecules(
    study: Study, spec: ShellSpec, ligands: "Sequence[Ligand]", atoms: "Atoms"
) -> "tuple[tuple[Ligand, int], ...]":
    """Return the molecules of the reaction; neutral ligands need none to be stated."""
    if spec.consumes or spec.releases:
        stated = [(name, -count) for name, count in spec.consumes.items()]
        stated += list(spec.releases.items())
        return tuple((find_molecule(name, study.folder), count) for name, count in stated)
    charged = sorted({ligand.name for ligand in ligands if ligand.charge})
    if charged:
        raise ReferenceSchemeError(
            f"{', '.join(charged)} are ions, so that it has to be said what the shell is made from: give consumes "
            "(and releases), for instance consumes: {oleylamine: 1, oleic acid: 1} and releases: {CsBr: 1}"
        )
    faces = 2 if spec.faces == "both" else 1
    entries = atoms.info["qddft"]["fragments"][1:]
    counts = Counter(entry["name"] for entry in entries)
    named = {ligand.name: ligand for ligand in ligands}
    return tuple((named[name], -count // faces) for name, count in counts.items())


def shell_recipes(
    rows: Sequence[Shell], *, engine: str, level: Level, resolved: Mapping[str, Any], face: str
) -> list[BindingEnergy]:
    """Return one recipe a shell.

    Parameters
    ----------
    rows
        With structures in their final cells.
    engine, level, resolved
        Name of the engine, its level, and the level as jobs carry it.
    face
        The slab in words.

    Raises
    ------
    StudyError
        A reaction does not balance.
    """
    labels = unique([slug(row.spec.name) for row in rows])
    return [
        _recipe(row, label, engine=engine, level=level, resolved=resolved, face=face)
        for row, label in zip(rows, labels, strict=True)
    ]


def _recipe(
    row: Shell, label: str, *, engine: str, level: Level, resolved: Mapping[str, Any], face: str
) -> BindingEnergy:
    odd = [int(sum(atoms.numbers)) % 2 for atoms in (row.clean, row.atoms)]
    slab = relaxation("slab", "slab", row.clean, resolved, unpaired=odd[0])
    covered = relaxation(f"complex-shell-{label}", "complex", row.atoms, resolved, unpaired=odd[1])
    whole, bare = (composition_of(atoms.get_chemical_symbols()) for atoms in (row.atoms, row.clean))
    try:
        recipe = BindingEnergy(
            name=f"binding-energy-shell-{label}",
            system=f"{face}, {'both faces' if row.faces == 2 else 'one face'}",
            ligand=row.label,
            scheme="stated",
            complexes=Leg(Species(f"slab·({row.label})", 1, whole), (covered,)),
            slab=Leg(Species("slab", -1, bare), (slab,)),
            molecules=tuple(_leg(row, molecule, count, level, resolved) for molecule, count in row.molecules),
            n=row.faces,
            per_face=row.per_face,
            engine=engine,
            level=level.name,
            caution=level.caution,
        )
        _ = recipe.reaction
    except ReferenceSchemeError as error:
        raise StudyError(f"shell {row.label!r}: {error} Correct consumes and releases, for each shell.") from error
    return recipe


def _leg(row: Shell, molecule: "Ligand", count: int, level: Level, resolved: Mapping[str, Any]) -> Leg:
    from qddft.atoms.conformers import DEFAULT_COUNT, conformers

    wanted = row.spec.conformers if count < 0 else 1
    atoms = (
        (molecule.atoms,)
        if wanted == 1
        else conformers(molecule, max(wanted, DEFAULT_COUNT), seed=molecule.seed)[:wanted]
    )
    names = [f"molecule-{file_label(molecule)}" + (f"-{k}" if len(atoms) > 1 else "") for k in range(len(atoms))]
    padding = level.settings.molecule_padding_A
    candidates = tuple(
        relaxation(name, "molecule", boxed(item, padding), resolved, unpaired=molecule.unpaired)
        for name, item in zip(names, atoms, strict=True)
    )
    species = Species(species_label(molecule), count * row.faces, composition_of(molecule.symbols))
    return Leg(species, candidates, isolated=True)
