"""Vacancies of a study: structures and recipes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.analysis.reaction import Species, composition_of
from qddft.core.errors import ChargeError, PlacementError, StructureError
from qddft.levels.settings import Level
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import relaxation
from qddft.recipes.vacancy_energy import VacancyEnergy
from qddft.study.ligands import find_covering
from qddft.study.naming import file_label, ligand_label, slug, unique
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
    def file_label(self) -> str:
        """The ligands in names of jobs."""
        return "-".join(file_label(ligand) for ligand in self.ligands) or "bare"

    @property
    def vacancy(self) -> "Vacancy":
        """The vacancy in the highest layer that has the halide, or in the one asked for, nearest to a ligand."""
        from qddft.atoms.vacancy import find_vacancies

        layers = None if self.spec.layer is None else (self.spec.layer,)
        return find_vacancies(self.pristine, self.spec.species, layers=layers)[0]


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
    from qddft.atoms.binding import attach
    from qddft.atoms.charge import charge_ledger, require_neutral

    ligands = tuple(find_covering(item, study.folder) for item in spec.ligands)
    atoms = slab
    for item, ligand in zip(spec.ligands, ligands, strict=True):
        atoms = attach(atoms, ligand, mode=item.mode, seed=item.seed, distance=item.distance)
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
    found, halide = row.vacancy, row.spec.species
    role: Role = "complex" if row.ligands else "slab"
    # a bare pristine slab is the clean slab that the ligands share
    name = "slab" if not row.ligands else f"complex-{row.file_label}"
    pristine = relaxation(name, role, row.pristine, resolved)
    starts = tuple(
        relaxation(f"vacancy-{label}-{start}", role, atoms, resolved, unpaired=int(sum(atoms.numbers)) % 2)
        for start, atoms in _starts(row, found)
    )
    whole, less = (composition_of(atoms.get_chemical_symbols()) for atoms in (row.pristine, found.atoms))
    title = "slab" if not row.ligands else f"slab·{row.label}"
    return VacancyEnergy(
        name=f"vacancy-energy-{label}",
        system=system,
        ligand=row.label,
        species=halide,
        place=f"{found.site} {halide} of layer {found.layer}",
        pristine=Leg(Species(title, -2, whole), (pristine,)),
        defect=Leg(Species(f"{title}·V({halide})", 2, less), starts),
        element=_diatomic(halide, level, resolved),
        engine=engine,
        level=level.name,
        caution=level.caution,
        published=_published(row.spec),
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


def _published(spec: VacancySpec) -> dict[str, Any] | None:
    if spec.published is None:
        return None
    return {"quantity": f"E_f(V_{spec.species})", "unit": "eV", **spec.published.model_dump()}
