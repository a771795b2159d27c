"""Where a compound is stable: chemical potentials between its competing phases, and the named limits among them.

At equilibrium with the compound ``sum_i n_i dmu_i = dH_f``; no other phase may form, ``sum_i m_i dmu_i <= dH_f``;
``dmu_i = mu_i - mu_i(element) <= 0``: Zhang and Northrup, Phys. Rev. Lett. 67, 2339 (1991). The polytope is computed by
``ChemicalPotentialDiagram`` and the hull by ``PhaseDiagram`` of pymatgen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import ReferenceSchemeError
from qddft.core.frozen import freeze_fields
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from pymatgen.analysis.phase_diagram import PhaseDiagram
    from pymatgen.core import Composition

__all__ = ["Edge", "Phase", "StabilityRegion", "elements_of", "stability_region"]

# corners closer than this in chemical potential are one corner, eV
_SAME = 1e-5


@dataclass(frozen=True)
class Phase:
    """The energy of one solid, or of a molecule that stands for an element.

    Attributes
    ----------
    formula
        Of everything the energy is for: ``I2``, ``Cs4PbI6``, ``Pb8I16``.
    energy
        Total energy of that many atoms, eV; all phases on the scale of one level of theory.
    source
        Where it came from.
    """

    formula: str
    energy: float
    source: str = ""


@dataclass(frozen=True)
class Edge:
    """Chemical potentials at which the compound and one competing phase are in equilibrium.

    Attributes
    ----------
    phase
        The competing phase, reduced formula.
    corners
        Ends of the edge, relative to the elements, eV, shape (n_corners, n_elements).
    """

    phase: str
    corners: np.ndarray

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class StabilityRegion:
    """The chemical potentials at which a compound exists; empty where there are none.

    Attributes
    ----------
    target
        The compound, reduced formula.
    elements
        Order of the columns of all arrays, as in the formula.
    references
        Energy of each element in its own phase, eV per atom: zero of the relative chemical potentials.
    formation_energy
        From the elements, eV per formula unit; negative = exothermic.
    decomposition_energy
        E(compound) - E(most stable mixture of the other phases), eV per formula unit; negative = stable.
    products
        That mixture in words.
    corners
        Of the region, relative to the elements, eV, shape (n_corners, n_elements); no rows where it is empty.
    corner_phases
        Phases in equilibrium with the compound at each corner.
    edges
        Boundaries with the competing phases. Of an empty region: with each product of the decomposition, as if that
        product alone competed with the compound.
    competing
        Formation energies of all other phases, eV per formula unit, by reduced formula.
    unused
        Phases with an element that the compound does not hold.
    """

    target: str
    elements: tuple[str, ...]
    references: Mapping[str, float]
    formation_energy: float
    decomposition_energy: float
    products: str
    corners: np.ndarray
    corner_phases: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]
    competing: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def stable(self) -> bool:
        """There are chemical potentials at which only the compound exists."""
        return len(self.corners) > 0

    @property
    def places(self) -> np.ndarray:
        """Corners of the region or, where it is empty, the ends of its edges, eV, shape (n, n_elements)."""
        return self.corners if self.stable else np.vstack([edge.corners for edge in self.edges])

    @property
    def text(self) -> str:
        """One sentence: stable by how much, or not and into what it falls apart."""
        amount = abs(self.decomposition_energy)
        if self.stable:
            return f"{self.target} is stable against {self.products} by {amount:.3f} eV per formula unit"
        return (
            f"there is no stable region: {self.target} lies {amount:.3f} eV per formula unit above {self.products}. "
            f"Given are the edges, on which {' or '.join(edge.phase for edge in self.edges)} alone is in equilibrium "
            "with it"
        )


def stability_region(target: str, phases: Iterable[Phase] | Mapping[str, float]) -> StabilityRegion:
    """Return the chemical potentials at which a compound is stable.

    Parameters
    ----------
    target
        Formula of the compound.
    phases
        The compound, every element and all competing phases; or formula to energy of that many atoms, eV.

    Raises
    ------
    ReferenceSchemeError
        A formula cannot be read, or the compound or one of its elements has no energy.
    """
    given = [Phase(name, energy) for name, energy in phases.items()] if isinstance(phases, Mapping) else list(phases)
    elements = elements_of(target)
    compound = _composition(target)
    named = [(phase, _composition(phase.formula)) for phase in given]
    held = [(phase, item) for phase, item in named if {e.symbol for e in item.elements} <= set(elements)]
    _require(compound, elements, [item for _, item in held])
    diagram = _diagram(held)
    entry = min(_entries(held, compound.reduced_formula), key=lambda item: float(item.energy_per_atom))
    amount = compound.reduced_composition.num_atoms
    rest = [pair for pair in held if pair[1].reduced_formula != compound.reduced_formula]
    energy, products = _decomposition(_diagram(rest), compound.reduced_composition, float(entry.energy_per_atom))
    corners = _domain(held, compound.reduced_formula, elements)
    competing = {item.reduced_formula: _formation(diagram, held, item) for _, item in rest}
    names = [name for name, value in competing.items() if value is not None]
    edges = _edges(corners, {name: competing[name] for name in names}, elements)
    if not len(corners):
        edges = tuple(
            edge
            for name in products
            if (edge := _lone_edge(held, compound.reduced_formula, name, elements)) is not None
        )
    return StabilityRegion(
        target=compound.reduced_formula,
        elements=elements,
        references={element: float(diagram.el_refs[_element(element)].energy_per_atom) for element in elements},
        formation_energy=float(diagram.get_form_energy_per_atom(entry)) * amount,
        decomposition_energy=energy * amount,
        products=" + ".join(products),
        corners=corners,
        corner_phases=tuple(_touching(corner, competing, elements) for corner in corners),
        edges=edges,
        competing=competing,
        unused=tuple(phase.formula for phase, item in named if (phase, item) not in held),
    )


def elements_of(target: str) -> tuple[str, ...]:
    """Return the elements of a compound in the order of its formula.

    Raises
    ------
    ReferenceSchemeError
        It is no formula, or that of an element.
    """
    elements = tuple(element.symbol for element in _composition(target).elements)
    if len(elements) < 2:
        raise ReferenceSchemeError(f"{target} is an element: its chemical potential is its energy per atom")
    return elements


def _composition(formula: str) -> "Composition":
    from pymatgen.core import Composition, Element

    try:
        found = Composition(formula)
    except (ValueError, KeyError) as error:
        raise ReferenceSchemeError(f"{formula!r} is not a chemical formula: {error}") from error
    # pymatgen takes unknown symbols for dummy species
    if not found.elements or not all(Element.is_valid_symbol(item.symbol) for item in found.elements):
        raise ReferenceSchemeError(f"{formula!r} is not a chemical formula; write for instance CsPbI3 or PbI2")
    return found


def _element(symbol: str) -> Any:
    from pymatgen.core import Element

    return Element(symbol)


def _require(compound: "Composition", elements: Sequence[str], held: Sequence["Composition"]) -> None:
    formulas = {item.reduced_formula for item in held}
    if compound.reduced_formula not in formulas:
        raise ReferenceSchemeError(
            f"the energy of {compound.reduced_formula} itself is missing. {did_you_mean(compound.formula, formulas)}"
        )
    pure = {item.elements[0].symbol for item in held if len(item.elements) == 1}
    missing = [element for element in elements if element not in pure]
    if missing:
        raise ReferenceSchemeError(
            f"no phase gives the energy of the element {', '.join(missing)}: chemical potentials are counted from the "
            "elements in their own phases (metal, or the molecule such as I2)"
        )


_Held = Sequence[tuple[Phase, "Composition"]]


def _entries(held: _Held, formula: str | None = None) -> list[Any]:
    from pymatgen.analysis.phase_diagram import PDEntry

    return [PDEntry(item, phase.energy) for phase, item in held if formula in (None, item.reduced_formula)]


def _diagram(held: _Held) -> "PhaseDiagram":
    from pymatgen.analysis.phase_diagram import PhaseDiagram

    return PhaseDiagram(_entries(held))


def _decomposition(
    others: "PhaseDiagram", compound: "Composition", energy_per_atom: float
) -> tuple[float, tuple[str, ...]]:
    """Return the energy above the hull of all other phases, eV per atom, and what that hull consists of."""
    mixture = others.get_decomposition(compound)
    hull = float(others.get_hull_energy_per_atom(compound))
    return energy_per_atom - hull, tuple(sorted(entry.composition.reduced_formula for entry in mixture))


def _formation(diagram: "PhaseDiagram", held: _Held, item: "Composition") -> float:
    entry = min(_entries(held, item.reduced_formula), key=lambda entry: float(entry.energy_per_atom))
    return float(diagram.get_form_energy_per_atom(entry)) * float(item.reduced_composition.num_atoms)


def _domain(held: _Held, formula: str, elements: Sequence[str]) -> np.ndarray:
    """Return the corners of the region of one phase, one row a corner, no rows if it is not on the hull."""
    from pymatgen.analysis.chempot_diagram import ChemicalPotentialDiagram

    diagram = ChemicalPotentialDiagram(_entries(held), formal_chempots=True)
    found = diagram.domains.get(formula)
    if found is None:
        return np.empty((0, len(elements)))
    order = [diagram.elements.index(_element(element)) for element in elements]
    corners = np.unique(np.round(np.asarray(found, dtype=float)[:, order], 6), axis=0) + 0.0
    # a phase exactly on the hull between others has a region without extent
    return corners if np.ptp(corners, axis=0).max() > _SAME else np.empty((0, len(elements)))


def _slack(corners: np.ndarray, formula: str, energy: float, elements: Sequence[str]) -> np.ndarray:
    """Return dH_f - sum m_i dmu_i of a phase at each corner, eV; zero where it is in equilibrium."""
    item = _composition(formula).reduced_composition
    amounts = np.array([float(item[element]) for element in elements])
    return np.asarray(energy - corners @ amounts)


def _edges(corners: np.ndarray, competing: Mapping[str, float], elements: Sequence[str]) -> tuple[Edge, ...]:
    found = []
    for name, energy in competing.items():
        touching = corners[np.abs(_slack(corners, name, energy, elements)) < 100 * _SAME]
        if len(touching) >= max(2, len(elements) - 1) or (len(elements) == 2 and len(touching)):
            found.append(Edge(name, touching))
    return tuple(found)


def _touching(corner: np.ndarray, competing: Mapping[str, float], elements: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        name
        for name, energy in competing.items()
        if abs(float(_slack(corner[None, :], name, energy, elements)[0])) < 100 * _SAME
    )


def _lone_edge(held: _Held, target: str, product: str, elements: Sequence[str]) -> Edge | None:
    """Return the boundary of the compound with one product, as if there were no further compound."""
    kept = [(p, item) for p, item in held if len(item.elements) == 1 or item.reduced_formula in (target, product)]
    corners = _domain(kept, target, elements)
    if not len(corners) or len(_composition(product).elements) == 1:
        return None
    energy = _formation(_diagram(kept), kept, _composition(product))
    return next(iter(_edges(corners, {product: energy}, elements)), None)
