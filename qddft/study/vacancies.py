"""Vacancies of a study: structures and recipes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.analysis.reaction import Species, composition_of
from qddft.atoms.covering import cover
from qddft.core.errors import ChargeError, PlacementError, StructureError
from qddft.core.suggest import did_you_mean
from qddft.levels.settings import Level
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import relaxation
from qddft.recipes.vacancy_energy import VacancyEnergy
from qddft.study.ligands import find_ligand
from qddft.study.naming import file_label, ligand_label, slug, species_label, unique
from qddft.study.placements import placement
from qddft.study.schema import Study, VacancySpec
from qddft.study.structures import boxed

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.charge import ChargeLedger
    from qddft.atoms.ligand import Ligand
    from qddft.atoms.vacancy import Vacancy
    from qddft.jobs.job import Role

BARE = "none"


@dataclass(frozen=True)
class VacantSite:
    """One vacancy row of a study, built.

    Attributes
    ----------
    spec
        The row.
    ligands
        What sits on the face.
    pristine
        The slab with its ligands.
    ledger
        Formal charges of that.
    """

    spec: VacancySpec
    ligands: "tuple[Ligand, ...]"
    pristine: "Atoms"
    ledger: "ChargeLedger"

    @property
    def label(self) -> str:
        """The ligands in tables."""
        return " + ".join(ligand_label(ligand) for ligand in self.ligands) or BARE

    @property
    def species_label(self) -> str:
        """The ligands in a reaction: several stand in brackets, so that their + is not one of the reaction."""
        names = " + ".join(species_label(ligand) for ligand in self.ligands)
        return f"({names})" if len(self.ligands) > 1 else names

    @property
    def file_label(self) -> str:
        """The ligands in names of jobs."""
        return "-".join(file_label(ligand) for ligand in self.ligands) or "bare"

    @property
    def vacancy(self) -> "Vacancy":
        """The vacancy that is named, or the one in the highest layer, or in the one asked for, nearest to a ligand."""
        from qddft.atoms.vacancy import find_vacancies

        layers = None if self.spec.layer is None else (self.spec.layer,)
        found = find_vacancies(self.pristine, self.spec.species, layers=layers)
        if self.spec.name is None:
            return found[0]
        named = {item.name: item for item in found}
        if self.spec.name.lower() not in named:
            raise StructureError(
                f"no vacancy is called {self.spec.name!r}. {did_you_mean(self.spec.name, named)} "
                "`qddft build vacancy` lists them."
            )
        return named[self.spec.name.lower()]


def build_vacant_sites(study: Study, slab: "Atoms") -> list[VacantSite]:
    """Put the ligands of each vacancy row on the slab; all rows that cannot be built are told at once.

    Raises
    ------
    PlacementError, ChargeError, StructureError
        Ligands do not fit, their charges do not add up to zero, or there is no such vacancy.
    """
    rows, wrong = [], []
    for number, spec in enumerate(study.vacancies, start=1):
        try:
            row = _built(study, spec, slab)
            _ = row.vacancy
            rows.append(row)
        except (PlacementError, ChargeError, StructureError) as error:
            wrong.append(type(error)(f"{study.path}: vacancy {number}: {error}"))
    if wrong:
        raise type(wrong[0])("\n".join(str(error) for error in wrong))
    return rows


def _built(study: Study, spec: VacancySpec, slab: "Atoms") -> VacantSite:
    from qddft.atoms.charge import charge_ledger, require_neutral

    ligands = tuple(find_ligand(item, study.folder) for item in spec.ligands)
    pairs = zip(spec.ligands, ligands, strict=True)
    atoms = cover(slab, [placement(slab, item, ligand) for item, ligand in pairs])
    ledger = charge_ledger(atoms)
    require_neutral(ledger, f"slab with {' + '.join(ligand.name for ligand in ligands) or 'no ligand'}")
    return VacantSite(spec, ligands, atoms, ledger)


def vacancy_recipes(
    rows: Sequence[VacantSite], *, engine: str, level: Level, resolved: Mapping[str, Any], system: str
) -> list[VacancyEnergy]:
    """Return one recipe a row.

    Parameters
    ----------
    rows
        With structures in their final cells.
    engine, level, resolved
        Name of the engine, its level, and the level as jobs carry it.
    system
        The slab in words.
    """
    labels = unique([f"{slug(row.spec.species)}-{row.file_label}" for row in rows])
    return [
        _recipe(row, label, engine=engine, level=level, resolved=resolved, system=system)
        for row, label in zip(rows, labels, strict=True)
    ]


def _recipe(
    row: VacantSite, label: str, *, engine: str, level: Level, resolved: Mapping[str, Any], system: str
) -> VacancyEnergy:
    found = row.vacancy
    role: Role = "complex" if row.ligands else "slab"
    # a bare pristine slab is the clean slab that the ligands share
    name = "slab" if not row.ligands else f"complex-{row.file_label}"
    pristine = relaxation(name, role, row.pristine, resolved)
    starts = tuple(
        relaxation(f"vacancy-{label}-{start}", role, atoms, resolved, unpaired=int(sum(atoms.numbers)) % 2)
        for start, atoms in _starts(row, found)
    )
    whole, less = (composition_of(atoms.get_chemical_symbols()) for atoms in (row.pristine, found.atoms))
    title = "slab" if not row.ligands else f"slab·{row.species_label}"
    group = found.formal_charge == 0
    # a halide goes into half a diatomic molecule, a neutral group into a molecule of its own
    count = 1 if group else 2
    return VacancyEnergy(
        name=f"vacancy-energy-{label}",
        system=system,
        ligand=row.label,
        species=found.species,
        place=f"{found.site} {found.species} of layer {found.layer}",
        pristine=Leg(Species(title, -count, whole), (pristine,)),
        defect=Leg(Species(f"{title}·V({found.species})", count, less), starts),
        element=_group(found.species, level, resolved) if group else _diatomic(found.species, level, resolved),
        engine=engine,
        level=level.name,
        caution=level.caution,
        published=_published(row.spec, found.species),
    )


def _starts(row: VacantSite, found: "Vacancy") -> "list[tuple[str, Atoms]]":
    from qddft.atoms.starting_points import starting_points

    points = starting_points(found, n_rattled=row.spec.starts)
    return [(point.name, point.atoms) for point in points[: row.spec.starts]]


def _diatomic(halide: str, level: Level, resolved: Mapping[str, Any]) -> Leg:
    from ase import Atoms
    from ase.data import atomic_numbers, covalent_radii

    bond = 2 * float(covalent_radii[atomic_numbers[halide]])
    molecule = boxed(Atoms(f"{halide}2", positions=[[0, 0, 0], [0, 0, bond]]), level.settings.molecule_padding_A)
    candidate = relaxation(f"molecule-{halide.lower()}2", "molecule", molecule, resolved)
    return Leg(Species(f"{halide}2", 1, {halide: 2}), (candidate,), isolated=True)


def _group(formula: str, level: Level, resolved: Mapping[str, Any]) -> Leg:
    """Return the molecule CsX or PbX2, from its salt as a pair of ions or from its covalent form."""
    from qddft.library.ligands import get_ligand

    halide = formula.removeprefix("Cs").removeprefix("Pb").removesuffix("2")
    smiles = f"[Cs+].[{halide}-]" if formula.startswith("Cs") else f"{halide}[Pb]{halide}"
    atoms = get_ligand(smiles).atoms
    candidate = relaxation(
        f"molecule-{slug(formula)}", "molecule", boxed(atoms, level.settings.molecule_padding_A), resolved
    )
    return Leg(
        Species(f"{formula} molecule", 1, composition_of(atoms.get_chemical_symbols())), (candidate,), isolated=True
    )


def _published(spec: VacancySpec, species: str) -> dict[str, Any] | None:
    if spec.published is None:
        return None
    return {"quantity": f"E_f(V_{species})", "unit": "eV", **spec.published.model_dump()}
