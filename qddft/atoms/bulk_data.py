"""``Bulk``: a CsPbX3 crystal as its data file states it, with the source of every constant.

The files lie in ``structures/bulk``; ``qddft.library.bulks`` finds and lists them for users. Reading one needs nothing
but the standard library.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from qddft.atoms.ions import HALIDES
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields
from qddft.core.resources import data_folder
from qddft.core.suggest import did_you_mean


@dataclass(frozen=True)
class BulkSite:
    """One site of the asymmetric unit.

    Attributes
    ----------
    element
        Chemical symbol.
    position
        Fractional coordinates in the setting of the file.
    wyckoff
        Multiplicity and letter.
    """

    element: str
    position: tuple[float, float, float]
    wyckoff: str


@dataclass(frozen=True)
class Lattice:
    """The cell edges of one source; all angles are 90 degrees in the phases kept here.

    Attributes
    ----------
    name
        ``pbe``, ``pbesol``, ``hse06`` or ``experiment``.
    a, b, c
        Cell edges in the setting of the file, Angstrom.
    source
        Where the numbers were read.
    tag
        ``V`` read in the source, ``V2`` read second-hand, ``C`` computed with the provenance in ``source``.
    sites
        Coordinates that belong to these edges.
    """

    name: str
    a: float
    b: float
    c: float
    source: str
    tag: str
    sites: tuple[BulkSite, ...]


@dataclass(frozen=True)
class Bulk:
    """A crystal phase of one compound.

    Attributes
    ----------
    formula, phase
        For instance ``CsPbBr3`` and ``cubic``.
    space_group, space_group_number
        Hermann-Mauguin symbol of the setting of the file, and its number.
    lattices
        Every sourced cell.
    missing
        Lattice name -> why it is not here.
    notes
        What a user of this phase has to know.
    axes
        Order in which the axes of the file become those of the built cell; ``cab`` turns Pnma into Pbnm.
    """

    formula: str
    phase: str
    space_group: str
    space_group_number: int
    lattices: tuple[Lattice, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    axes: str = "abc"

    def __post_init__(self) -> None:
        freeze_fields(self)

    def edges(self, lattice: Lattice) -> tuple[float, float, float]:
        """Return the edges of the built cell, Angstrom."""
        a, b, c = (getattr(lattice, axis) for axis in self.axes)
        return a, b, c

    @property
    def halide(self) -> str:
        """Symbol of the halide."""
        return next(site.element for site in self.lattices[0].sites if site.element in HALIDES)

    def lattice(self, name: str) -> Lattice:
        """Return the cell of one source.

        Raises
        ------
        StructureError
            This phase has no sourced cell of that name.
        """
        for lattice in self.lattices:
            if lattice.name == name:
                return lattice
        known = ", ".join(f"{item.name} (a = {self.edges(item)[0]:g})" for item in self.lattices)
        if name in self.missing:
            raise StructureError(
                f"{self.formula} {self.phase}: no {name!r} lattice: {self.missing[name]}. "
                f"Take one of {known}, or give a in Angstrom as a number."
            )
        hint = did_you_mean(name, [item.name for item in self.lattices])
        raise StructureError(
            f"{self.formula} {self.phase}: unknown lattice {name!r}. {hint} Known: {known}; a number is a in Angstrom."
        )


@cache
def read_bulks() -> tuple[Bulk, ...]:
    """Return all crystals of the data folder, sorted by formula and phase."""
    bulks = []
    for path in sorted((data_folder("structures") / "bulk").glob("Cs*-*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        try:
            bulks.append(_bulk_of(data))
        except (KeyError, TypeError, ValueError) as error:
            raise StructureError(f"{path.name}: not a bulk data file, {type(error).__name__}: {error}") from error
    return tuple(sorted(bulks, key=lambda bulk: (bulk.formula, bulk.phase)))


def find_bulk(formula: str, phase: str = "cubic") -> Bulk:
    """Return the crystal of a formula and phase.

    Parameters
    ----------
    formula
        For instance ``CsPbBr3``; case does not matter.
    phase
        ``cubic``, ``tetragonal``, ``orthorhombic`` or ``delta``.

    Raises
    ------
    StructureError
        No data file has this formula, or not in this phase.
    """
    bulks = read_bulks()
    of_formula = [bulk for bulk in bulks if bulk.formula.lower() == str(formula).lower()]
    if not of_formula:
        if any(mark in str(formula) for mark in "(."):
            raise StructureError(f"{formula!r} is a mixed crystal: make it with qddft.build_alloy.")
        hint = did_you_mean(str(formula), [bulk.formula for bulk in bulks])
        raise StructureError(f"unknown bulk {formula!r}. {hint} Any other crystal can be given as ase.Atoms.")
    for bulk in of_formula:
        if bulk.phase == phase.lower():
            return bulk
    name, known = of_formula[0].formula, [bulk.phase for bulk in of_formula]
    why = _unsourced().get(name, {}).get(phase.lower())
    if why:
        raise StructureError(f"{name} {phase}: {why}; known are {', '.join(known)}. Give the crystal as ase.Atoms.")
    raise StructureError(f"{name} has no phase {phase!r}. {did_you_mean(phase, known)}")


@cache
def _unsourced() -> dict[str, dict[str, str]]:
    """Return formula -> phase -> why it was left out."""
    path = data_folder("structures") / "bulk" / "unsourced.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {formula: {str(phase): str(why) for phase, why in _table(item).items()} for formula, item in data.items()}


def _bulk_of(data: dict[str, object]) -> Bulk:
    """Check the keys of a data file and make the value."""
    allowed = {"formula", "phase", "space_group", "space_group_number", "notes", "lattices", "sites", "missing", "axes"}
    if unknown := set(data) - allowed:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    shared = _sites_of(data.get("sites"))
    return Bulk(
        formula=str(data["formula"]),
        phase=str(data["phase"]),
        space_group=str(data["space_group"]),
        space_group_number=int(str(data["space_group_number"])),
        lattices=tuple(_lattice_of(item, shared) for item in _tables(data["lattices"])),
        missing={str(key): str(value) for key, value in _table(data.get("missing", {})).items()},
        notes=" ".join(str(data.get("notes", "")).split()),
        axes=str(data.get("axes", "abc")),
    )


def _lattice_of(item: dict[str, object], shared: tuple[BulkSite, ...]) -> Lattice:
    """Make one lattice; it may carry coordinates of its own."""
    a = float(str(item["a"]))
    return Lattice(
        name=str(item["name"]),
        a=a,
        b=float(str(item.get("b", a))),
        c=float(str(item.get("c", a))),
        source=str(item["source"]),
        tag=str(item["tag"]),
        sites=_sites_of(item.get("sites")) or shared,
    )


def _sites_of(items: object) -> tuple[BulkSite, ...]:
    """Make the sites of a list of tables."""
    sites = []
    for item in _tables(items or []):
        x, y, z = (float(value) for value in item["position"])  # type: ignore[attr-defined]
        sites.append(BulkSite(str(item["element"]), (x, y, z), str(item["wyckoff"])))
    return tuple(sites)


def _tables(value: object) -> list[dict[str, object]]:
    """Return a TOML array of tables."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list of tables, found {value!r}")
    return [_table(item) for item in value]


def _table(value: object) -> dict[str, object]:
    """Return a TOML table."""
    if not isinstance(value, dict):
        raise TypeError(f"expected a table, found {value!r}")
    return value
