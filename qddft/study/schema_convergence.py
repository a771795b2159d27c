"""The series of a study's ``convergence``: which setting is varied, over which values, and what has to converge."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from qddft.analysis.reaction import SchemeName
from qddft.atoms.slab_options import check_vacuum, parse_supercell
from qddft.core.errors import StructureError
from qddft.study.schema_parts import Mode, Strict

Vary = Literal["cutoff_eV", "kpoints", "vacuum", "layers", "supercell"]
Geometry = Literal["main", "relaxed"]
Kind = Literal["E_ads", "surface energy", "energy per formula unit", "bulk energy"]
# what a level decides; the rest decides the structures
OF_LEVEL = ("cutoff_eV", "kpoints")
UNITS: dict[Kind, str] = {
    "E_ads": "eV", "surface energy": "meV/Å²", "energy per formula unit": "eV", "bulk energy": "eV",
}  # fmt: skip
# per ligand; per area; per five atoms, a milli-electronvolt an atom
TOLERANCES: dict[Kind, float] = {
    "E_ads": 0.01, "surface energy": 1.0, "energy per formula unit": 0.005, "bulk energy": 0.005,
}  # fmt: skip
FEWEST, MOST = 2, 20
_LOWEST_CUTOFF, _HIGHEST_CUTOFF = 100.0, 5000.0
_LARGEST_AREA = 100
_OF_LIGAND = re.compile(r"(?:(?:the )?(?:binding|adsorption) energy|e_ads|e_bind)(?: of (?P<name>.*))?", re.IGNORECASE)


class SeriesSpec(Strict):
    """One convergence series.

    Attributes
    ----------
    vary
        The one setting that changes.
    values
        From two to twenty; kept from the coarsest to the finest. Meshes belong to the cell that the level says
        (``kpoints_refer_to``); supercells are written as in ``slab``.
    of
        A ligand of the study, whose adsorption energy has to converge (also ``binding energy of NAME``);
        ``surface energy``; ``energy per formula unit`` of the slab; or ``bulk energy`` of the crystal that the slab is
        cut from, per formula unit, with its cutoff and its mesh. The first ligand if not given.
    reference, mode
        Which row of the ligand, where the study has several.
    tolerance
        Largest difference that counts as none: eV for ligands (0.01 if not given) and formula units (0.005),
        meV/Angstrom^2 for surface energies (1).
    geometry
        ``main``: static calculations on the geometry relaxed with the settings of the study; ``relaxed``: relaxed at
        each point. Cutoff and meshes are ``main`` if not given, what changes the structure is always ``relaxed``.
    engines
        Only with these engines of the study; with all of them if empty.
    """

    vary: Vary
    # before the values, since the meshes of a crystal are others than those of a slab
    of: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    values: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MOST)]
    reference: SchemeName | None = None
    mode: Mode | None = None
    tolerance: Annotated[float, Field(strict=True, gt=0)] | None = None
    geometry: Geometry | None = None
    engines: tuple[str, ...] = ()

    @field_validator("values")
    @classmethod
    def _ordered(cls, values: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        vary = info.data.get("vary")
        if vary is None:
            return values
        of_crystal = _kind_of(info.data.get("of")) == "bulk energy"
        return ordered(vary, values) if of_crystal else ordered_of_slab(vary, values)

    @model_validator(mode="after")
    def _fitting(self) -> "SeriesSpec":
        if self.geometry == "main" and self.vary not in OF_LEVEL:
            raise ValueError(
                f"geometry: another {self.vary} makes another structure, which has no geometry relaxed elsewhere; "
                "leave 'geometry' out"
            )
        if self.kind == "energy per formula unit" and self.vary == "layers":
            raise ValueError(
                "the energy per formula unit of a slab goes on changing as 1/layers; vary layers of: surface energy, "
                "or of a ligand"
            )
        if self.kind == "bulk energy" and self.relaxes:
            raise ValueError(
                "of: the bulk energy is that of the crystal as it is built; vary cutoff_eV or kpoints, without "
                "'geometry: relaxed'"
            )
        if self.kind != "E_ads" and (self.reference or self.mode):
            raise ValueError(f"reference and mode tell rows of a ligand apart; leave them out of: {self.kind}")
        return self

    @property
    def kind(self) -> Kind:
        """What has to converge."""
        return _kind_of(self.of)

    @property
    def ligand(self) -> str | None:
        """The ligand, ``None`` for the first of the study."""
        if self.kind != "E_ads" or self.of is None:
            return None
        found = _OF_LIGAND.fullmatch(self.of.strip())
        return self.of.strip() if found is None else found["name"]

    @property
    def relaxes(self) -> bool:
        """Every point is relaxed with its own settings."""
        return self.vary not in OF_LEVEL or self.geometry == "relaxed"

    @property
    def allowed(self) -> float:
        """The tolerance."""
        return TOLERANCES[self.kind] if self.tolerance is None else self.tolerance


def _kind_of(of: str | None) -> Kind:
    plain = " ".join((of or "").lower().split())
    if plain in ("surface energy", "surface energies"):
        return "surface energy"
    if plain in ("bulk energy", "bulk"):
        return "bulk energy"
    return "energy per formula unit" if plain == "energy per formula unit" else "E_ads"


def label_of(vary: Vary, value: Any) -> str:
    """Return a value as people write it: ``400 eV``, ``8x8x1``, ``15 Å``, ``sqrt2``."""
    if vary == "kpoints":
        return "x".join(map(str, value))
    if vary == "supercell":
        return parse_supercell(value)[1]
    return f"{value:g}" + {"cutoff_eV": " eV", "vacuum": " Å", "layers": " layers"}[vary]


def ordered_of_slab(vary: Vary, values: Sequence[Any]) -> tuple[Any, ...]:
    """Do as ``ordered`` for what a slab has.

    Raises
    ------
    ValueError
        As ``ordered``, or a mesh has points along the normal.
    """
    deep = [value for value in values if vary == "kpoints" and _is_mesh(value) and value[2] != 1]
    if deep:
        raise ValueError(
            f"{list(deep[0])!r}: a slab has no bands along its normal; the third number of its mesh is 1 (of: bulk "
            "energy takes meshes of the crystal)"
        )
    return ordered(vary, values)


def ordered(vary: Vary, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values of a series from the coarsest to the finest.

    Raises
    ------
    ValueError
        A value of the wrong kind, twice the same, fewer than two, or values of which none is the finer.
    """
    wrong = []
    for value in values:
        try:
            _CHECKS[vary](value)
        except (ValueError, StructureError) as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("; ".join(wrong))
    found = sorted((_plain(vary, value) for value in values), key=lambda value: _size(vary, value))
    labels = [label_of(vary, value) for value in found]
    twice = dict.fromkeys(label for label in labels if labels.count(label) > 1)
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice; each point is computed once")
    if len(found) < FEWEST:
        raise ValueError(f"{labels[0]} alone is no series: give at least {FEWEST} values, better three or more")
    for coarse, fine in pairwise(found):
        if not _is_finer(vary, coarse, fine):
            advice = "take meshes that do not shrink in any direction" if vary == "kpoints" else "take one of them"
            raise ValueError(
                f"neither of {label_of(vary, coarse)} and {label_of(vary, fine)} is the finer one; {advice}"
            )
    return tuple(found)


def _cutoff(value: Any) -> None:
    number = _number(value, "a cutoff in eV")
    if not _LOWEST_CUTOFF <= number <= _HIGHEST_CUTOFF:
        raise ValueError(f"a cutoff lies between {_LOWEST_CUTOFF:g} and {_HIGHEST_CUTOFF:g} eV (not Ry), not {value!r}")


def _mesh(value: Any) -> None:
    if not _is_mesh(value):
        raise ValueError(f"a mesh is three whole numbers from 1, as [6, 6, 1], not {value!r}")


def _is_mesh(value: Any) -> bool:
    whole = isinstance(value, list | tuple) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    return whole and len(value) == 3 and min(value) >= 1 and max(value) <= 99


def _vacuum(value: Any) -> None:
    if check_vacuum(value) > 200:
        raise ValueError(f"a vacuum of {value!r} Angstrom is more than 200")


def _layers(value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 99:
        raise ValueError(f"layers are whole numbers from 1 to 99, not {value!r}")


def _lateral(value: Any) -> None:
    if area_of(value) > _LARGEST_AREA:
        raise ValueError(f"supercell {value!r} is more than {_LARGEST_AREA} times the 1x1 cell")


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{what} is a number, not {value!r}")
    return float(value)


_CHECKS: dict[Vary, Callable[[Any], Any]] = {
    "cutoff_eV": _cutoff,
    "kpoints": _mesh,
    "vacuum": _vacuum,
    "layers": _layers,
    "supercell": _lateral,
}


def _plain(vary: Vary, value: Any) -> Any:
    if vary in ("cutoff_eV", "vacuum"):
        return float(value)
    if vary == "supercell" and isinstance(value, int):
        return (value, value)
    return tuple(value) if isinstance(value, list) else value


def _size(vary: Vary, value: Any) -> float:
    if vary == "kpoints":
        return float(value[0] * value[1] * value[2])
    return area_of(value) if vary == "supercell" else float(value)


def area_of(supercell: Any) -> float:
    """Return the area of a lateral cell in units of the 1x1 cell."""
    (ax, ay), (bx, by) = parse_supercell(supercell)[0]
    return float(abs(ax * by - ay * bx))


def _is_finer(vary: Vary, coarse: Any, fine: Any) -> bool:
    if vary == "kpoints":
        return all(one <= other for one, other in zip(coarse, fine, strict=True))
    return _size(vary, fine) > _size(vary, coarse)
