"""Clean slabs of a study as recipes: the energy per formula unit, and the surface energy without reference crystals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.analysis.reaction import Species, composition_of
from qddft.core.errors import StructureError
from qddft.jobs.job import Given, Job
from qddft.levels.settings import Level
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import Relaxation, relaxation
from qddft.recipes.slab_energy import SlabEnergy
from qddft.study.schema import SlabSpec
from qddft.study.schema_convergence import Kind, area_of
from qddft.study.structures import build_study_bulk, build_study_slab, with_frozen_slab, with_height

if TYPE_CHECKING:
    from ase import Atoms

_MILLI = 1000.0
_NOTHING = 1e-6
# start of the name of the slab with two more layers
THICKER = "slab-layers-"
_OTHER = {"PbX2": "CsX", "CsX": "PbX2"}
_PER_UNIT = "E(slab) / (layers/2 · cells of 1x1): two layers are one formula unit"
_OF_CRYSTAL = "E(crystal) / formula units, of the crystal that the slab is cut from, as it is built"
_B_CATIONS = ("Pb", "Sn", "Ge")
_UNEQUAL = "gamma = [E(N) - N/2 (E(N+2) - E(N))]/2A, mean of the two faces, N layers"
_EQUAL = (
    "gamma = [E(N) + E'(N) - N (E(N+2) - E(N))]/4A, mean of both terminations, N layers, E' with the other termination"
)


@dataclass(frozen=True)
class CleanSlabs:
    """Recipes of clean slabs at one level.

    Attributes
    ----------
    engine, level
        What computes them.
    height
        Gives the height of the cell of a slab, Angstrom.
    """

    engine: str
    level: Level
    height: Callable[[SlabSpec], float]

    def recipe(self, kind: Kind, spec: SlabSpec) -> SlabEnergy:
        """Return the recipe of a quantity of a slab.

        The surface energy takes the bulk from the difference of two thicknesses, Fiorentini and Methfessel, J. Phys.:
        Condens. Matter 8, 6525 (1996), so that bulk and surface share cell, mesh and level. A slab with two equal
        faces has a layer in excess of whole formula units; together with one of the other termination the excess is
        gone, ``gamma_PbX2 + gamma_CsX = [E + E' - N E_bulk]/2A``, and no chemical potential is needed.

        Raises
        ------
        StructureError
            The slab, or one of the two others, cannot be built.
        """
        if kind == "bulk energy":
            return self._crystal(build_study_bulk(spec))
        atoms = self._atoms(spec)
        cells = area_of(spec.supercell)
        own = self._leg("slab", atoms)
        if kind == "energy per formula unit":
            return self._made("energy per formula unit", "eV", _PER_UNIT, (own,), (1 / (spec.layers / 2 * cells),))
        n = spec.layers
        thicker = self._leg(_name_of_thicker(spec), self._atoms(_thicker(spec)))
        area = _area(atoms)
        about = atoms.info["qddft"]["termination"]
        if about["top"] != about["bottom"]:
            weights = tuple(_MILLI * factor / (2 * area) for factor in (1 + n / 2, -n / 2))
            return self._made("surface energy", "meV/Å²", _UNEQUAL, (own, thicker), weights)
        face = _OTHER[about["top"]]
        other = self._atoms(spec.model_copy(update={"termination": face}))
        legs = (own, thicker, self._leg(f"slab-{face.lower()}", other))
        weights = tuple(_MILLI * factor / (4 * area) for factor in (1.0 + n, -float(n), 1.0))
        return self._made("surface energy", "meV/Å²", _EQUAL, legs, weights)

    def _crystal(self, atoms: "Atoms") -> SlabEnergy:
        """Return the energy of a crystal as it is built: nothing relaxes, since each point has its own basis."""
        only = Job("bulk", "bulk", "static", Given.of(atoms), self.level.resolved(self.engine))
        species = Species("bulk", 1, composition_of(atoms.get_chemical_symbols()))
        units = sum(symbol in _B_CATIONS for symbol in atoms.get_chemical_symbols())
        return self._made("bulk energy", "eV", _OF_CRYSTAL, (Leg(species, (Relaxation(only, only),)),), (1 / units,))

    def _made(
        self, quantity: str, unit: str, convention: str, legs: tuple[Leg, ...], weights: tuple[float, ...]
    ) -> SlabEnergy:
        if quantity == "surface energy":
            _require_balance(legs, weights)
        return SlabEnergy(
            name=quantity.replace(" ", "-"),
            system="crystal" if quantity == "bulk energy" else "clean slab",
            quantity=quantity,
            unit=unit,
            convention=convention,
            legs=legs,
            weights=weights,
            engine=self.engine,
            level=self.level.name,
            caution=self.level.caution,
        )

    def _leg(self, name: str, atoms: "Atoms") -> Leg:
        resolved: Mapping[str, Any] = self.level.resolved(self.engine)
        # the parity of all electrons is that of the valence electrons
        job = relaxation(name, "slab", atoms, resolved, unpaired=int(sum(atoms.numbers)) % 2)
        return Leg(Species(name, 1, composition_of(atoms.get_chemical_symbols())), (job,))

    def _atoms(self, spec: SlabSpec) -> "Atoms":
        atoms = with_height(build_study_slab(spec), self.height(spec))
        return with_frozen_slab(atoms) if self.level.settings.frozen == "slab" else atoms


def _require_balance(legs: tuple[Leg, ...], weights: tuple[float, ...]) -> None:
    """Refuse slabs whose difference leaves atoms over: layers of a mixture differ in composition."""
    left: dict[str, float] = {}
    for leg, weight in zip(legs, weights, strict=True):
        for symbol, count in leg.species.composition.items():
            left[symbol] = left.get(symbol, 0.0) + weight * count
    over = sorted(symbol for symbol, count in left.items() if abs(count) > _NOTHING * max(map(abs, weights)))
    if over:
        raise StructureError(
            f"surface energy: slabs of this mixture with more layers hold other shares of {', '.join(over)}, so that "
            "their energies do not add up to a surface; take an ordered mixture or a plain crystal"
        )


def _thicker(spec: SlabSpec) -> SlabSpec:
    """Return the slab with two more layers; one that is held whole stays so."""
    held = "all" if spec.fixed_layers == spec.layers else spec.fixed_layers
    return spec.model_copy(update={"layers": spec.layers + 2, "fixed_layers": held})


def _name_of_thicker(spec: SlabSpec) -> str:
    """Return a name that also tells it from a slab of as many layers of which more are held."""
    held = f"-held-{spec.fixed_layers}" if spec.fixed_layers not in (0, "all", spec.layers) else ""
    return f"{THICKER}{spec.layers + 2}{held}"


def _area(atoms: "Atoms") -> float:
    from qddft.analysis.surface import face_area

    return face_area(atoms)
