"""Reactions behind binding energies: balanced in every element and in charge, or refused.

Source of the schemes: ``qddft`` keeps every energy of an ion tied to a reaction between neutral systems, because the
energy of a charged periodic cell depends on the cell and a bare ion has none to compare with.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qddft.atoms.ions import A_CATIONS, HALIDES
from qddft.core.errors import ReferenceSchemeError
from qddft.core.frozen import freeze_fields
from qddft.core.suggest import did_you_mean

SchemeName = Literal["neutral", "acid-exchange", "salt-exchange", "ion-pair", "vacancy-filling", "fragment", "stated"]

ON_FACE = ("atop", "bidentate", "bridging")
PAIRED = (*ON_FACE, "ion-pair")
IN_FACE = ("X-site",)
EITHER_PLACE = ("X-site", "A-site")


@dataclass(frozen=True)
class Scheme:
    """What a binding energy is measured against.

    Attributes
    ----------
    name
        As written in a study.
    equation
        The reaction in symbols: L ligand, X halide of the surface.
    modes
        Binding modes in which the reaction can be built.
    takes
        Which ligands it fits, in words.
    caution
        Sentence that travels with every number; empty where none is needed.
    """

    name: SchemeName
    equation: str
    modes: tuple[str, ...]
    takes: str
    caution: str = ""

    def fits(self, charge: int, components: int = 1) -> bool:
        """Tell whether the scheme balances for a ligand of this formal charge and number of ions."""
        if self.name == "fragment":
            return charge != 0
        if self.name == "ion-pair":
            return charge == 0 and components > 1
        if self.modes == EITHER_PLACE:
            return abs(charge) == 1
        # "stated" has no mode: its reaction is written out for several ligands together
        return bool(self.modes) and charge == (-1 if self.modes == IN_FACE else 0)

    def suits(self, mode: str, charge: int) -> bool:
        """Tell whether the reaction can be built in a binding mode: a cation takes the place of Cs, an anion of X."""
        return mode in self.modes and (mode not in EITHER_PLACE or (mode == "A-site") == (charge > 0))


SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("neutral", "slab + L -> slab·L", ON_FACE, "neutral molecules"),
        Scheme("acid-exchange", "slab·X + HL -> slab·L + HX", IN_FACE, "anions of charge -1, or acids by their anion"),
        Scheme(
            "salt-exchange",
            "slab·X + CsL -> slab·L + CsX; of a cation slab·Cs + LX -> slab·L + CsX",
            EITHER_PLACE,
            "anions of charge -1 (X-site) and cations of charge +1 (A-site), salts as ion pairs",
        ),
        Scheme("ion-pair", "slab + AB -> slab·AB", PAIRED, "neutral pairs of ions, such as guanidinium iodide"),
        Scheme("stated", "as the study states it", (), "several ligands at once, with what they are made from"),
        Scheme(
            "vacancy-filling",
            "slab·V(X) + L -> slab·L",
            IN_FACE,
            "anions of charge -1",
            "vacancy-filling: measured against the neutral radical and the neutral halide vacancy, both open-shell",
        ),
        Scheme(
            "fragment",
            "slab + L -> slab·L, L the neutral radical",
            ON_FACE,
            "ions, run as neutral radicals",
            "fragment: measured against the neutral radical, so the number contains the electron affinity or "
            "ionization energy of the ligand and must not be ranked against other reference schemes",
        ),
    )
}


def get_scheme(name: str) -> Scheme:
    """Return a reference scheme by name.

    Raises
    ------
    ReferenceSchemeError
        There is no such scheme.
    """
    if name not in SCHEMES:
        raise ReferenceSchemeError(f"there is no reference scheme {name!r}. {did_you_mean(name, SCHEMES)}")
    return SCHEMES[name]


def schemes_for(charge: int, components: int = 1) -> tuple[Scheme, ...]:
    """Return the schemes that balance for a ligand of a formal charge and number of ions."""
    return tuple(scheme for scheme in SCHEMES.values() if scheme.fits(charge, components))


def scheme_of(reaction: "Reaction", systems: Sequence[str]) -> str:
    """Return the reference scheme that a reaction follows, ``exchange`` where it has no name of its own.

    Parameters
    ----------
    reaction
        Balanced.
    systems
        Names of the terms that are slabs; the others are references.
    """
    products = [item for item in reaction.right if item.name not in systems]
    reactants = [item for item in reaction.left if item.name not in systems]
    if not products:
        return "fragment" if any(_open_shell(item) for item in reactants) else "neutral"
    elements = {element for item in products for element in item.composition}
    if len(products) == 1 and len(elements) == 2 and elements & set(HALIDES):
        if "H" in elements:
            return "acid-exchange"
        if elements & set(A_CATIONS):
            return "salt-exchange"
    return "exchange"


def _open_shell(item: "Species") -> bool:
    """Tell a radical by its odd number of electrons."""
    from ase.data import atomic_numbers

    return bool((sum(number * atomic_numbers[name] for name, number in item.composition.items()) - item.charge) % 2)


@dataclass(frozen=True)
class Species:
    """One term of a reaction.

    Attributes
    ----------
    name
        In words.
    coefficient
        How many: negative on the left, positive on the right.
    composition
        Atoms by element.
    charge
        Net charge, e.
    """

    name: str
    coefficient: int
    composition: Mapping[str, int]
    charge: int = 0

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class Reaction:
    """Reactants and products.

    Raises
    ------
    ReferenceSchemeError
        An element or the charge does not balance; both sides are shown.
    """

    species: tuple[Species, ...]

    def __post_init__(self) -> None:
        atoms, charge = _net(self.species)
        if charge or any(atoms.values()):
            raise ReferenceSchemeError(_unbalanced(self, atoms, charge))

    @property
    def text(self) -> str:
        """The reaction in words, as in ``slab + oleic acid -> slab·oleic acid``."""
        return f"{_side(self.left)} -> {_side(self.right)}"

    @property
    def left(self) -> tuple[Species, ...]:
        """What is used up."""
        return tuple(item for item in self.species if item.coefficient < 0)

    @property
    def right(self) -> tuple[Species, ...]:
        """What is made."""
        return tuple(item for item in self.species if item.coefficient > 0)

    def energy(self, energies: Mapping[str, float]) -> float:
        """Return the sum of coefficient times energy; ``energies`` by species name, eV."""
        return sum(item.coefficient * energies[item.name] for item in self.species)


def composition_of(symbols: Iterable[str]) -> dict[str, int]:
    """Return the number of atoms of each element."""
    return dict(Counter(symbols))


def _net(species: Iterable[Species]) -> tuple[dict[str, int], int]:
    """Return products minus reactants: atoms by element, and charge."""
    atoms: Counter[str] = Counter()
    charge = 0
    for item in species:
        for element, number in item.composition.items():
            atoms[element] += item.coefficient * number
        charge += item.coefficient * item.charge
    return dict(atoms), charge


def _side(species: Iterable[Species]) -> str:
    return " + ".join(f"{_times(item.coefficient)}{item.name}" for item in species) or "nothing"


def _times(coefficient: int) -> str:
    return "" if abs(coefficient) == 1 else f"{abs(coefficient)} "


def _unbalanced(reaction: Reaction, atoms: Mapping[str, int], charge: int) -> str:
    sides = []
    for word, side in (("left", reaction.left), ("right", reaction.right)):
        held, total = _net(replace(item, coefficient=abs(item.coefficient)) for item in side)
        formula = " ".join(f"{element}{number}" for element, number in sorted(held.items()))
        sides.append(f"{word}: {_side(side)} = {formula or 'nothing'}, charge {total:+d}")
    wrong = [f"{element} {number:+d}" for element, number in sorted(atoms.items()) if number]
    wrong += [f"charge {charge:+d}"] if charge else []
    return (
        f"the reaction does not balance: {', '.join(wrong)} on the right. {'; '.join(sides)}. "
        f"Choose a reference scheme that fits the ligand: {', '.join(SCHEMES)}."
    )
