"""What may stand in a study file; unknown keys are refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, PrivateAttr, model_validator

from qddft.analysis.reaction import SchemeName
from qddft.atoms.alloy_slab import mixture_of
from qddft.atoms.bulk_data import find_bulk
from qddft.atoms.slab_options import check_vacuum, parse_supercell
from qddft.core.suggest import did_you_mean
from qddft.study.schema_convergence import SeriesSpec
from qddft.study.schema_parts import CoveringSpec, Faces, Line, Seed, Strict, Words
from qddft.study.schema_search import PosesFrom
from qddft.study.schema_shells import ShellSpec

Quantity = Literal["E_ads", "E_bind"]
Unit = Literal["eV", "meV", "kJ/mol", "kcal/mol"]
ENGINES = ("tblite", "vasp", "gpaw", "ase:MODULE:FACTORY")
_ENGINE = re.compile(r"(tblite|vasp|gpaw|ase:[A-Za-z_][\w.]*:[A-Za-z_]\w*)", re.ASCII)


def _checked(check: Callable[[Any], object]) -> Callable[[Any], Any]:
    """Let a builder's own check refuse a value, and keep the value as written."""

    def keep(value: Any) -> Any:
        check(value)
        return value

    return keep


def _lattice(value: Any) -> str | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"give the name of a lattice, as 'pbe', or an edge in Angstrom, not {value!r}")
    return value


def _termination(value: Any) -> str | tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not names or len(names) > 2 or not all(isinstance(name, str) for name in names):
        raise ValueError(f"give PbX2 or CsX, or a pair [top, bottom], not {value!r}")
    return names[0] if len(names) == 1 else names


def _fixed(value: Any) -> int | str:
    if value == "all":
        return "all"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"give a number of layers from 0, or 'all', not {value!r}")


def _formula(text: str) -> str:
    if mixture_of(text, "random", 0) is None:
        find_bulk(text)
    return text


def _supercell(value: Any) -> str | tuple[int, int]:
    parse_supercell(value)
    return tuple(value) if isinstance(value, list) else value


def _engine(name: str) -> str:
    if not _ENGINE.fullmatch(name):
        raise ValueError(f"unknown engine {name!r}. {did_you_mean(name, ENGINES)}")
    return name


EngineName = Annotated[str, AfterValidator(_engine)]


class SlabSpec(Strict):
    """The (001) slab that all ligands share; keys as in ``qddft.atoms.slab.build_slab``."""

    formula: Annotated[str, Field(max_length=100), AfterValidator(_formula)]
    phase: str = "cubic"
    lattice: Annotated[str | float, PlainValidator(_lattice)] = "pbe"
    termination: Annotated[str | tuple[str, ...], PlainValidator(_termination)] = "PbX2"
    layers: Annotated[int, Field(strict=True, ge=1, le=99)]
    supercell: Annotated[str | tuple[int, int], PlainValidator(_supercell)]
    vacuum: Annotated[float, AfterValidator(_checked(check_vacuum)), Field(strict=True, le=200)] = 15.0
    fixed_layers: Annotated[int | str, PlainValidator(_fixed)] = 0
    normal: Literal["a", "b", "c"] | None = None
    order: Literal["ordered", "random", "sqs"] = "random"
    seed: Seed = 0


class LigandSpec(CoveringSpec):
    """One ligand, how it sits and what its binding energy is measured against; see also ``CoveringSpec``.

    Attributes
    ----------
    faces
        The top face, or both alike.
    reference
        Reference scheme.
    conformers
        Conformers of each gas-phase molecule that are relaxed; the lowest counts.
    poses
        Starting poses on the slab that are relaxed; the lowest counts.
    poses_from
        Folder of a finished ``qddft search`` beside the study: its best poses are the starting poses.
    """

    faces: Faces = "top"
    reference: SchemeName = "neutral"
    conformers: Annotated[int, Field(strict=True, ge=1, le=50)] = 1
    poses: Annotated[int, Field(strict=True, ge=1, le=20)] = 1
    poses_from: PosesFrom | None = None


class PublishedSpec(Strict):
    """A value from the literature to stand beside ours.

    Attributes
    ----------
    ligand
        A ligand of this study.
    quantity
        In which convention it is printed: ``E_ads`` (negative = bound) or ``E_bind`` (positive = bound).
    value, unit
        As printed; ``None`` where the source shows it in a figure only.
    tolerance
        Difference up to which ours agrees, in the same unit.
    reference
        Compare only with rows of this reference scheme; ``None`` for all rows of the ligand.
    source
        Where it is printed.
    """

    ligand: str
    quantity: Quantity = "E_ads"
    value: Annotated[float, Field(strict=True)] | None
    unit: Unit = "eV"
    tolerance: Annotated[float, Field(strict=True, ge=0)] | None = None
    reference: SchemeName | None = None
    source: Annotated[Line, Field(min_length=1)]


class ExchangeSpec(Strict):
    """An exchange of one ligand of this study for another.

    Attributes
    ----------
    before, after
        ``from`` and ``to`` in the file: ligands of this study.
    before_reference, after_reference
        ``from_reference`` and ``to_reference``: needed where the study has several rows of one ligand.
    """

    before: Annotated[str, Field(alias="from")]
    after: Annotated[str, Field(alias="to")]
    before_reference: Annotated[SchemeName | None, Field(alias="from_reference")] = None
    after_reference: Annotated[SchemeName | None, Field(alias="to_reference")] = None


class PublishedVacancySpec(Strict):
    """A vacancy formation energy from the literature, eV."""

    value: Annotated[float, Field(strict=True)] | None
    tolerance: Annotated[float, Field(strict=True, ge=0)] | None = None
    source: Annotated[Line, Field(min_length=1)]


class VacancySpec(Strict):
    """A neutral vacancy of a halide, or of a neutral group, in the face, bare or under ligands.

    Attributes
    ----------
    species
        A halide of the slab, or a group: ``CsX``, ``PbX2`` (X or the halide itself).
    ligands
        What sits on the face, attached in this order; their charges have to add up to zero.
    layer
        Atomic layer counted from the bottom; the highest one with this species if not given.
    name
        Which symmetry-distinct site, as ``qddft build vacancy`` lists them; the one nearest to a ligand if not given.
    starts
        Starting points that are relaxed: the ideal one, a Pb-Pb dimer where that is possible, and rattled ones; the
        lowest counts.
    published
        Value to compare with.
    """

    species: str
    ligands: tuple[CoveringSpec, ...] = ()
    layer: Annotated[int, Field(strict=True, ge=1)] | None = None
    name: Annotated[Line, Field(max_length=100)] | None = None
    starts: Annotated[int, Field(strict=True, ge=1, le=10)] = 2
    published: PublishedVacancySpec | None = None


class Study(Strict):
    """One study file, checked; ``qddft.study.load.load_study`` makes it.

    Attributes
    ----------
    title, source
        What is studied, and which publication it follows.
    levels
        Engine to level of theory; the first entry is the default engine.
    slab, ligands, published, exchanges, vacancies, convergence
        See ``SlabSpec``, ``LigandSpec``, ``PublishedSpec``, ``ExchangeSpec``, ``VacancySpec``, ``SeriesSpec``.
    """

    title: Words
    source: Line = ""
    levels: Annotated[dict[EngineName, str], Field(min_length=1)]
    slab: SlabSpec
    ligands: Annotated[tuple[LigandSpec, ...], Field(max_length=20_000)] = ()
    published: tuple[PublishedSpec, ...] = ()
    exchanges: tuple[ExchangeSpec, ...] = ()
    vacancies: tuple[VacancySpec, ...] = ()
    shells: Annotated[tuple[ShellSpec, ...], Field(max_length=100)] = ()
    convergence: Annotated[tuple[SeriesSpec, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Study":
        if not (self.ligands or self.vacancies or self.shells or self.convergence):
            raise ValueError("the study asks for nothing: give ligands, vacancies, shells or convergence")
        return self

    _path: Path = PrivateAttr(default=Path("study.yaml"))
    _text: str = PrivateAttr(default="")

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    @property
    def text(self) -> str:
        """The file as it was read, comments included."""
        return self._text

    @property
    def folder(self) -> Path:
        """Where files that the study names are looked for."""
        return self._path.parent

    def located(self, path: Path, text: str) -> "Study":
        """Return a copy that knows its file."""
        copy = self.model_copy()
        copy._path, copy._text = path, text
        return copy
