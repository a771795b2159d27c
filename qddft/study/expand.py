"""A study and an engine to structures, jobs and recipes; nothing is read or written but the library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.analysis.reaction import Species, composition_of
from qddft.core.errors import ChargeError, PlacementError, StudyError
from qddft.core.suggest import did_you_mean
from qddft.jobs.job import FinalOf, Job
from qddft.jobs.plan import Plan
from qddft.levels.load import load_level, locate_level
from qddft.levels.settings import Level
from qddft.recipes.base import Recipe
from qddft.recipes.binding_energy import BindingEnergy, Parts
from qddft.recipes.legs import Leg
from qddft.recipes.ligand_exchange import LigandExchange
from qddft.recipes.published import as_adsorption_energy
from qddft.recipes.relaxation import Relaxation, relaxation
from qddft.recipes.vacancy_energy import VacancyEnergy
from qddft.study.complexes import Complexes, build_complexes
from qddft.study.convergence import Main, convergence_recipes
from qddft.study.ligands import Adsorbate, Reference, resolve
from qddft.study.load import halide_of, rows_of, same_ligand
from qddft.study.naming import file_label, slug, unique
from qddft.study.schema import PublishedSpec, Study
from qddft.study.shells import Shell, build_shells, shell_recipes
from qddft.study.structures import boxed, build_study_slab, common_height, with_frozen_slab, with_height
from qddft.study.vacancies import VacantSite, build_vacant_sites, vacancy_recipes

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.charge import ChargeLedger


@dataclass(frozen=True)
class Expansion:
    """Everything a study asks of one engine.

    Attributes
    ----------
    study
        The study.
    engine
        Name of the engine.
    level
        Its level of theory.
    plan
        Unique jobs, parents first.
    recipes
        What is evaluated when they are done.
    ledgers
        Name and charge ledger of each complex, before any electron is added or removed.
    """

    study: Study
    engine: str
    level: Level
    plan: Plan
    recipes: tuple[Recipe, ...]
    ledgers: "tuple[tuple[str, ChargeLedger], ...]"


def expand(study: Study, *, engine: str | None = None, level: str | Path | None = None) -> Expansion:
    """Build all structures of a study and plan all jobs.

    Parameters
    ----------
    study
        From ``load_study``.
    engine
        Name of an engine; the first of the study if not given.
    level
        Preset or file of a level; the one that the study gives for the engine if not given.

    Raises
    ------
    StudyError
        The study has no level for this engine.
    PlacementError, ChargeError
        Ligands do not fit on the slab, or periodic cells would be charged; all such rows are listed.
    """
    return expand_at(study, *choose_level(study, engine, level))


def expand_at(
    study: Study, name: str, chosen: Level, *, least_height: float = 0.0, labels: Sequence[str] = ()
) -> Expansion:
    """Do as ``expand``, in cells at least this high, Angstrom, with labels for the rows where the caller has them."""
    builder = _Builder(study, name, chosen, chosen.resolved(name), least_height)
    rows, sites, shells = builder.structures()
    bindings = builder.recipes(rows, labels or unique([_label(row) for row in rows]))
    vacancies = builder.vacancies(sites)
    height, face = builder.height(rows), builder.face(build_study_slab(study.slab))
    series = convergence_recipes(Main(study, name, chosen, height, face, bindings, partial(_one_row, name)))
    several = builder.shells(shells)
    recipes: tuple[Recipe, ...] = (*bindings, *_exchanges(study, bindings), *vacancies, *several, *series)
    plan = Plan.of(job for recipe in recipes for job in recipe.jobs().values())
    ledgers = (
        *((row.label, row.ledger) for row in rows),
        *((site.label, site.ledger) for site in sites),
        *((shell.label, shell.ledger) for shell in shells),
    )
    return Expansion(study, name, chosen, plan, recipes, ledgers)


def outline(study: Study, name: str, chosen: Level, first: int) -> tuple[float, list[str]]:
    """Return the height of the cells of a study, Angstrom, and what its rows are called before doubles are numbered.

    ``first`` is the number of its first row in error messages.
    """
    builder = _Builder(study, name, chosen, chosen.resolved(name), first=first)
    rows = builder.structures()[0]
    return builder.height(rows), [_label(row) for row in rows]


def choose_level(study: Study, engine: str | None, level: str | Path | None) -> tuple[str, Level]:
    """Return the engine's name and its level.

    Raises
    ------
    StudyError
        The study has no level for this engine and none was given.
    """
    name = engine or next(iter(study.levels))
    if engine is None and name.partition(":")[0] == "ase":
        raise StudyError(
            f"{study.path}: its first engine, {name!r}, is Python code outside qddft, and a study file alone does not "
            f"start code: ask for it yourself with --engine {name}"
        )
    if level is not None:
        return name, load_level(level)
    if name not in study.levels:
        raise StudyError(
            f"{study.path}: the study gives no level for the engine {name!r}; add '{name}: LEVEL' to its levels or "
            f"give a level with it. {did_you_mean(name, study.levels)}"
        )
    return name, load_level(locate_level(study.levels[name], study.folder))


def _one_row(engine: str, study: Study, level: Level, least_height: float) -> BindingEnergy:
    """Return the recipe of a study of one row, in cells at least this high, Angstrom."""
    builder = _Builder(study, engine, level, level.resolved(engine), least_height)
    rows = builder.structures()[0]
    return builder.recipes(rows, [_label(rows[0])])[0]


def _label(row: Complexes) -> str:
    return f"{file_label(row.adsorbate.ligand)}-{slug(row.adsorbate.scheme.name)}"


@dataclass(frozen=True)
class _Builder:
    """The parts that every row shares."""

    study: Study
    engine: str
    level: Level
    resolved: Mapping[str, Any]
    least_height: float = 0.0
    first: int = 1

    def structures(self) -> tuple[list[Complexes], list[VacantSite], list[Shell]]:
        """Return the rows with their structures, in cells of one height."""
        slab = build_study_slab(self.study.slab)
        halide = halide_of(self.study.slab)
        rows = self._rows(slab, halide)
        sites = build_vacant_sites(self.study, slab)
        shells = build_shells(self.study, slab)
        covered = [*(site.pristine for site in sites), *(shell.atoms for shell in shells)]
        tallest = [slab, *(pose for row in rows for pose in row.poses), *covered]
        height = max(self.least_height, common_height(tallest, self.study.slab.vacuum))

        def final(atoms: "Atoms") -> "Atoms":
            raised = with_height(atoms, height)
            return with_frozen_slab(raised) if self.level.settings.frozen == "slab" else raised

        finished = [replace(row, clean=final(row.clean), poses=tuple(map(final, row.poses))) for row in rows]
        return (
            finished,
            [replace(site, pristine=final(site.pristine)) for site in sites],
            [replace(shell, clean=final(shell.clean), atoms=final(shell.atoms)) for shell in shells],
        )

    def height(self, rows: Sequence[Complexes]) -> float:
        """Return the height of the cells that ``structures`` made, Angstrom; without ligands, of the clean slab."""
        if rows:
            return float(rows[0].clean.cell[2, 2])
        return max(self.least_height, common_height([build_study_slab(self.study.slab)], self.study.slab.vacuum))

    def _rows(self, slab: "Atoms", halide: str) -> list[Complexes]:
        """Build every row; what does not fit is told for all of them at once."""
        rows, wrong = [], []
        for number, spec in enumerate(self.study.ligands, start=self.first):
            try:
                row = build_complexes(slab, resolve(spec, halide, self.study.folder), halide)
                if (taken := row.replaced_halide) != halide:
                    # a mixture may hold another halide where the ligand goes; it decides the molecules of the reaction
                    row = build_complexes(slab, resolve(spec, taken, self.study.folder), taken)
                rows.append(row)
            except (PlacementError, ChargeError) as error:
                wrong.append(type(error)(f"{self.study.path}: ligand {number} ({spec.ligand}): {error}"))
        if wrong:
            raise type(wrong[0])("\n".join(str(error) for error in wrong))
        return rows

    def recipes(self, rows: Sequence[Complexes], labels: Sequence[str]) -> list[BindingEnergy]:
        """Return one recipe a row."""
        return [self._recipe(row, label) for row, label in zip(rows, labels, strict=True)]

    def vacancies(self, sites: Sequence[VacantSite]) -> list[VacancyEnergy]:
        """Return one recipe a vacancy."""
        system = f"{self.face(sites[0].pristine)}, one face" if sites else ""
        return vacancy_recipes(sites, engine=self.engine, level=self.level, resolved=self.resolved, system=system)

    def shells(self, shells: Sequence[Shell]) -> list[BindingEnergy]:
        """Return one recipe a shell."""
        face = self.face(shells[0].clean) if shells else ""
        return shell_recipes(shells, engine=self.engine, level=self.level, resolved=self.resolved, face=face)

    def _recipe(self, row: Complexes, label: str) -> BindingEnergy:
        poses = tuple(
            self._relaxation(unique_name, "complex", atoms, row.unpaired)
            for unique_name, atoms in zip(_numbered(f"complex-{label}", len(row.poses)), row.poses, strict=True)
        )
        slab = self._slab(row, label)
        complex_ = Leg(Species(row.name, 1, composition_of(row.poses[0].get_chemical_symbols())), poses)
        return BindingEnergy(
            name=f"binding-energy-{label}",
            system=self._system(row),
            ligand=row.label,
            scheme=row.adsorbate.scheme.name,
            complexes=complex_,
            slab=slab,
            molecules=tuple(self._molecule(row, reference) for reference in row.adsorbate.references),
            n=row.n,
            per_face=row.per_face,
            engine=self.engine,
            level=self.level.name,
            parts=tuple(self._parts(row, pose) for pose in poses) if row.decomposes else (),
            caution=self.level.caution,
            published=_published(self.study.published, row.adsorbate),
        )

    def _relaxation(self, name: str, role: Any, atoms: "Atoms", unpaired: int) -> Relaxation:
        return relaxation(name, role, atoms, self.resolved, unpaired=unpaired)

    def _slab(self, row: Complexes, label: str) -> Leg:
        species = Species(row.slab_name, -1, composition_of(row.clean.get_chemical_symbols()))
        name = "slab" if row.adsorbate.scheme.name != "vacancy-filling" else f"slab-vacancy-{label}"
        return Leg(species, (self._relaxation(name, "slab", row.clean, row.slab_unpaired),))

    def _molecule(self, row: Complexes, reference: Reference) -> Leg:
        atoms = row.conformers(reference)
        kind = "radical" if row.radical else "molecule"
        names = _numbered(f"{kind}-{file_label(reference.ligand)}", len(atoms))
        padding = self.level.settings.molecule_padding_A
        candidates = tuple(
            self._relaxation(name, "molecule", boxed(item, padding), row.molecule_unpaired(reference))
            for name, item in zip(names, atoms, strict=True)
        )
        composition = composition_of(reference.ligand.symbols)
        species = Species(row.molecule_name(reference), reference.coefficient * row.n, composition)
        return Leg(species, candidates, isolated=True)

    def _parts(self, row: Complexes, pose: Relaxation) -> Parts:
        name = pose.relaxed.name.removeprefix("complex-")
        moves = self.level.settings.frozen != "slab" and self.study.slab.fixed_layers != "all"
        slab = None
        if moves or row.adsorbate.scheme.name == "vacancy-filling":
            slab = self._part(f"slab-of-{name}", "slab", FinalOf(pose.relaxed, (0,)), row.slab_unpaired)
        kept = tuple(range(1, row.n + 1))
        # the ligand stays in the cell and on the mesh of the complex, hence its role
        ligand = self._part(f"ligand-of-{name}", "complex", FinalOf(pose.relaxed, kept), row.ligands_unpaired)
        return Parts(slab, ligand)

    def _part(self, name: str, role: Any, start: FinalOf, unpaired: int) -> Job:
        return Job(name, role, "static", start, self.resolved, 0, unpaired)

    def _system(self, row: Complexes) -> str:
        return f"{self.face(row.clean)}, {'one face' if row.per_face == row.n else 'both faces'}"

    def face(self, slab: "Atoms") -> str:
        """Return formula, face, lateral cell and layers of a slab in words."""
        about, spec = slab.info["qddft"], self.study.slab
        termination = about["termination"]["top"].replace("X", halide_of(spec))
        return f"{spec.formula} (001)/{termination}, {about['supercell']}, {about['layers']} layers"


def _exchanges(study: Study, bindings: Sequence[BindingEnergy]) -> list[LigandExchange]:
    """Return the exchanges of a study; each of its rows has one recipe, in the same order."""
    found = []
    for row in study.exchanges:
        (before,) = rows_of(row.before, row.before_reference, study.ligands)
        (after,) = rows_of(row.after, row.after_reference, study.ligands)
        one, other = (bindings[study.ligands.index(spec)] for spec in (before, after))
        ends = f"{one.name}-to-{other.name}".replace("binding-energy-", "")
        found.append(LigandExchange(f"exchange-{ends}", one, other))
    return found


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{index}" for index in range(count)]


def _published(rows: Sequence[PublishedSpec], adsorbate: Adsorbate) -> dict[str, Any] | None:
    spec = adsorbate.spec
    for row in rows:
        if same_ligand(row.ligand, spec.ligand) and row.reference in (None, spec.reference):
            return as_adsorption_energy(
                quantity=row.quantity, value=row.value, unit=row.unit, tolerance=row.tolerance, source=row.source
            )
    return None
