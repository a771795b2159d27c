"""The convergence series of a study: every point as a whole set of terms with one setting varied.

What a level decides (cutoff, mesh) is varied by static calculations on the geometry that the study relaxes anyway,
unless the series asks for more; what decides the structure (vacuum, layers, lateral cell) is built and relaxed anew at
each point. A point at the study's own setting is the study's own calculation, and terms that a setting does not touch,
such as molecules under another vacuum, are those of the study.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from qddft.core.errors import (
    ChargeError,
    EngineError,
    LevelError,
    PlacementError,
    QddftError,
    StructureError,
    StudyError,
)
from qddft.engines.capabilities import engines_with, require_setting
from qddft.levels.kpoints import job_mesh
from qddft.levels.settings import Level
from qddft.levels.vary import varied
from qddft.recipes.binding_energy import BindingEnergy
from qddft.recipes.convergence import Convergence, Point
from qddft.recipes.slab_energy import SlabEnergy
from qddft.study.clean_slabs import CleanSlabs
from qddft.study.load import rows_of
from qddft.study.naming import slug, unique
from qddft.study.schema import LigandSpec, SlabSpec, Study
from qddft.study.schema_convergence import OF_LEVEL, UNITS, SeriesSpec, label_of
from qddft.study.series_points import SUFFIX, remarks_of, renamed_leg, static_leg
from qddft.study.structures import HEIGHT_STEP, slab_thickness

# builds the one row of a study, in a cell at least this high
RowBuilder = Callable[[Study, Level, float], BindingEnergy]


@dataclass(frozen=True)
class Main:
    """What the study computes at its own settings.

    Attributes
    ----------
    study, engine, level
        The study, the engine and the level for it.
    height, face
        Height of all its cells, Angstrom, and the clean slab in words.
    bindings
        One recipe a ligand, in the order of the study.
    build
        Builds a row with other settings.
    """

    study: Study
    engine: str
    level: Level
    height: float
    face: str
    bindings: Sequence[BindingEnergy]
    build: RowBuilder


def convergence_recipes(main: Main) -> list[Convergence]:
    """Return one recipe a series that this engine is asked for.

    Raises
    ------
    StudyError
        Lists, with their lines, all points that cannot be built, settings that the engine does not have, and values
        that become the same calculation.
    """
    found: list[Convergence] = []
    wrong: list[str] = []
    for index, spec in enumerate(main.study.convergence):
        if spec.engines and main.engine not in spec.engines:
            continue
        try:
            _require_setting(main, spec)
            found.append(_Series(main, spec).recipe())
        except QddftError as error:
            line = _line(main.study, index)
            wrong += [
                f"{main.study.path}:{line}: convergence {index + 1} ({spec.vary}): {text}"
                for text in str(error).split("\n")
            ]
    if wrong:
        raise StudyError("\n".join(wrong))
    names = unique([item.name for item in found])
    return [replace(item, name=name) for item, name in zip(found, names, strict=True)]


def chosen_row(spec: SeriesSpec, ligands: Sequence[LigandSpec]) -> list[LigandSpec]:
    """Return the rows of a study that a series may mean; exactly one where it says enough."""
    if spec.ligand is None:
        return list(ligands[:1])
    rows = rows_of(spec.ligand, spec.reference, ligands)
    return [row for row in rows if spec.mode in (None, row.mode)]


def slab_at(slab: SlabSpec, spec: SeriesSpec, value: Any) -> SlabSpec:
    """Return the slab of a point.

    Layers that are held grow with the slab: the same share of it, rounded, at least one where the study holds any and
    never all where it does not. A thick slab on two fixed layers would otherwise be another model than a thin one.
    """
    if spec.vary in ("cutoff_eV", "kpoints"):
        return slab
    changes: dict[str, Any] = {spec.vary: value}
    held = slab.fixed_layers
    if spec.vary == "layers" and isinstance(held, int) and 0 < held < slab.layers:
        changes["fixed_layers"] = min(max(1, math.floor(held * value / slab.layers + 0.5)), value - 1)
    elif spec.vary == "layers" and held == slab.layers:
        changes["fixed_layers"] = value
    return slab.model_copy(update=changes)


@dataclass(frozen=True)
class _Series:
    """One series of a study for one engine."""

    main: Main
    spec: SeriesSpec

    def recipe(self) -> Convergence:
        """Build all points; those that fail are told together."""
        spec, main = self.spec, self.main
        points, wrong = [], []
        for value in spec.values:
            try:
                points.append(self._point(value))
            except (PlacementError, ChargeError, StructureError, LevelError) as error:
                wrong.append(f"{label_of(spec.vary, value)} cannot be built: {self._plain(error)}")
        if wrong:
            raise StudyError("\n".join(wrong))
        self._require_distinct(points)
        binding = self._binding if spec.kind == "E_ads" else None
        convention = self._convention if binding is None else binding.convention
        return Convergence(
            name=f"convergence-{slug(spec.vary)}-{slug(spec.kind if binding is None else binding.ligand)}",
            system=self._system if binding is None else binding.system,
            ligand="" if binding is None else binding.ligand,
            of=spec.kind,
            unit=UNITS[spec.kind],
            convention=convention,
            reference="" if binding is None else binding.scheme,
            vary=spec.vary,
            geometry=self._geometry,
            tolerance=spec.allowed,
            points=tuple(points),
            engine=main.engine,
            level=main.level.name,
            caution=main.level.caution,
            remarks=remarks_of(self.spec, main.study.slab, main.level, main.engine),
        )

    @property
    def _row(self) -> LigandSpec:
        (row,) = chosen_row(self.spec, self.main.study.ligands)
        return row

    @property
    def _binding(self) -> BindingEnergy:
        return self.main.bindings[self.main.study.ligands.index(self._row)]

    @property
    def _system(self) -> str:
        """Return what series without a ligand are about."""
        slab = self.main.study.slab
        return f"{slab.formula}, {slab.phase} crystal" if self.spec.kind == "bulk energy" else self.main.face

    @property
    def _geometry(self) -> str:
        if self.spec.kind == "bulk energy":
            return "as built"
        return "relaxed at each point" if self.spec.relaxes else "relaxed with the settings of the study"

    @property
    def _convention(self) -> str:
        main = self.main
        return CleanSlabs(main.engine, main.level, self._height).recipe(self.spec.kind, main.study.slab).convention

    def _point(self, value: Any) -> Point:
        # without the unit
        suffix = f"{SUFFIX[self.spec.vary]}-{slug(label_of(self.spec.vary, value).split()[0])}"
        level = self._level(value, suffix)
        slab = slab_at(self.main.study.slab, self.spec, value)
        adsorbs = self.spec.kind == "E_ads"
        recipe = self._adsorption(slab, level, suffix) if adsorbs else self._clean(slab, level, suffix)
        return Point(value, label_of(self.spec.vary, value), self._note(value, slab, level), recipe)

    def _level(self, value: Any, suffix: str) -> Level:
        level = self.main.level
        if self.spec.vary == "cutoff_eV":
            return varied(level, suffix, {"cutoff_eV": value})
        if self.spec.vary == "kpoints" and self.spec.kind == "bulk energy":
            return varied(level, suffix, {"kpoints_bulk": value})
        if self.spec.vary == "kpoints":
            keys = ["kpoints_static"]
            # one mesh where energies are those of the relaxation, and where each point relaxes on its own
            if self.spec.relaxes or not level.settings.static_after_relax:
                keys.append("kpoints_relax")
            return varied(level, suffix, dict.fromkeys(keys, value))
        return level

    def _adsorption(self, slab: SlabSpec, level: Level, suffix: str) -> BindingEnergy:
        main = replace(self._binding, parts=(), published=None)
        if level == self.main.level and slab == self.main.study.slab:
            return main
        meshes = self.spec.vary == "kpoints"
        if not self.spec.relaxes:
            resolved = level.resolved(self.main.engine)
            moved = [static_leg(leg, resolved, suffix) for leg in (main.complexes, main.slab)]
            # a molecule has no mesh but Gamma
            molecules = main.molecules if meshes else tuple(static_leg(m, resolved, suffix) for m in main.molecules)
        else:
            built = self.main.build(self._study_at(slab), level, self._height(slab))
            moved = [renamed_leg(leg, suffix) for leg in (built.complexes, built.slab)]
            molecules = main.molecules if meshes else tuple(renamed_leg(leg, suffix) for leg in built.molecules)
        complex_, clean = moved
        return replace(main, complexes=complex_, slab=clean, molecules=molecules, level=level.name)

    def _clean(self, slab: SlabSpec, level: Level, suffix: str) -> SlabEnergy:
        main = self.main
        own = level == main.level and slab == main.study.slab
        # static points stand on geometries of the study's level
        slabs = CleanSlabs(main.engine, level if self.spec.relaxes else main.level, self._height)
        recipe = slabs.recipe(self.spec.kind, slab)
        if self.spec.relaxes:
            return recipe if own else replace(recipe, legs=tuple(renamed_leg(leg, suffix) for leg in recipe.legs))
        if own:
            return recipe
        resolved = level.resolved(main.engine)
        legs = tuple(static_leg(leg, resolved, suffix) for leg in recipe.legs)
        return replace(recipe, legs=legs, level=level.name)

    def _study_at(self, slab: SlabSpec) -> Study:
        """Return a study of this one row on another slab."""
        kept = ("title", "source", "levels", "slab", "ligands")
        empty = {name: field.get_default() for name, field in Study.model_fields.items() if name not in kept}
        return self.main.study.model_copy(update=empty | {"slab": slab, "ligands": (self._row,)})

    def _height(self, slab: SlabSpec) -> float:
        """Return the height of the cells of a slab: that of the study, changed by slab and vacuum, Angstrom."""
        own = self.main.study.slab
        thicker = 0.0 if slab.layers == own.layers else slab_thickness(slab) - slab_thickness(own)
        wanted = self.main.height + thicker + slab.vacuum - own.vacuum
        return math.ceil(round(wanted / HEIGHT_STEP, 6)) * HEIGHT_STEP

    def _note(self, value: Any, slab: SlabSpec, level: Level) -> str:
        if self.spec.kind == "bulk energy":
            return "mesh of the five-atom cubic cell" if self.spec.vary == "kpoints" else ""
        if self.spec.vary == "kpoints":
            return f"mesh {'x'.join(map(str, self._mesh(value)))} of this {label_of('supercell', slab.supercell)} cell"
        if self.spec.vary == "vacuum":
            return f"cell {self._height(slab):g} Å high"
        held = slab.fixed_layers
        if self.spec.vary == "layers" and level.settings.frozen != "slab":
            return f"{'all' if held == 'all' else held or 'none'} of them held"
        return ""

    def _mesh(self, value: Any) -> tuple[int, int, int]:
        if self.spec.kind == "bulk energy":
            return (value[0], value[1], value[2])
        settings = self.main.level.settings.model_copy(update={"kpoints_static": tuple(value)})
        supercell = label_of("supercell", self.main.study.slab.supercell)
        return job_mesh(settings, role="slab", task="static", supercell=supercell)

    def _require_distinct(self, points: Sequence[Point]) -> None:
        """Refuse values that become one calculation: they would agree with each other and look converged."""
        for coarse, fine in pairwise(points):
            if self.spec.vary == "kpoints":
                one, other = self._mesh(coarse.setting), self._mesh(fine.setting)
                grows = one != other and all(a <= b for a, b in zip(one, other, strict=True))
            else:
                grows = {job.id for job in coarse.recipe.jobs().values()} != {
                    job.id for job in fine.recipe.jobs().values()
                }
            if not grows:
                raise StudyError(
                    f"{coarse.label} ({coarse.note}) and {fine.label} ({fine.note}): the second is no finer "
                    f"calculation than the first, so that their agreement would mean nothing; take values further apart"
                )

    def _plain(self, error: QddftError) -> str:
        """Return a message without the number that the row has in the study of one point."""
        text = " ".join(str(error).split())
        if self.spec.kind != "E_ads":
            return text
        return text.removeprefix(f"{self.main.study.path}: ligand 1 ({self._row.ligand}): ")


def _require_setting(main: Main, spec: SeriesSpec) -> None:
    """Refuse a setting that the engine does not have, and say how to keep the series for those that have it."""
    if main.level.relax_at is not None and spec.vary in OF_LEVEL and spec.relaxes:
        raise StudyError(
            f"the level {main.level.name} relaxes at {main.level.relax_at}, so that no point would be relaxed with "
            f"its own {spec.vary}; leave out 'geometry: relaxed'"
        )
    try:
        require_setting(main.engine, spec.vary, main.level)
    except EngineError as error:
        having = [name for name in main.study.levels if name in engines_with(spec.vary)]
        remedy = (
            f"give 'engines: [{', '.join(having)}]' in this series to leave it out for the others"
            if having
            else "give the study a level for one of them"
        )
        raise StudyError(f"{error}; {remedy}") from error


def _line(study: Study, index: int) -> int:
    from qddft.core.safe_yaml import parse_yaml

    return parse_yaml(study.text, study.path, StudyError).line(("convergence", index)) if study.text else 1
