"""Named limits of chemical potentials: X-rich, Pb-rich, CsX-rich, PbX2-rich, and their common corners."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qddft.analysis.phase_stability import StabilityRegion
from qddft.core.errors import ReferenceSchemeError
from qddft.core.frozen import freeze_fields
from qddft.core.suggest import did_you_mean

__all__ = ["Limit", "limit_names", "limits_of", "named_limit"]

_HALIDES = ("F", "Cl", "Br", "I")
_CORNER = 1e-4


@dataclass(frozen=True)
class Limit:
    """A limit of a region of stability; an edge of it where the name leaves something open.

    Attributes
    ----------
    name
        With the elements written out: ``I-rich``, ``CsI-rich, I-rich``.
    elements
        Order of the columns of ``corners``.
    corners
        Relative to the elements, eV, shape (n_corners, n_elements); one row where the limit is a point.
    references
        Energy of each element in its own phase, eV per atom.
    remark
        What a reader has to know: there is no stable region, for instance.
    """

    name: str
    elements: tuple[str, ...]
    corners: np.ndarray
    references: Mapping[str, float]
    remark: str = ""

    def __post_init__(self) -> None:
        freeze_fields(self)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return the lowest and highest chemical potential of each element, relative to the element, eV."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        return {name: (float(a), float(b)) for name, a, b in zip(self.elements, low, high, strict=True)}

    def corner_potentials(self) -> tuple[dict[str, float], ...]:
        """Return the absolute chemical potentials at each corner, eV per atom."""
        return tuple(
            {name: self.references[name] + float(x) for name, x in zip(self.elements, corner, strict=True)}
            for corner in self.corners
        )


def limit_names(region: StabilityRegion) -> tuple[str, ...]:
    """Return the limits that a region has by its elements and its neighbors."""
    neighbors = [edge.phase for edge in region.edges if not _is_element(edge.phase)]
    return tuple(dict.fromkeys(f"{item}-{end}" for item in (*region.elements, *neighbors) for end in ("rich", "poor")))


def named_limit(region: StabilityRegion, name: str) -> Limit:
    """Return a limit by name.

    Parameters
    ----------
    region
        Of the compound.
    name
        ``X-rich``, ``Pb-rich``, ``PbX2-rich``, ``I-poor``; ``CsX-rich, X-rich`` is the X-rich end of the edge to CsX. X
        stands for the halide of the compound.

    Raises
    ------
    ReferenceSchemeError
        There is no such limit.
    """
    corners = region.places
    words = [_filled(word.strip(), region) for word in re.split(r"[,;/]", name) if word.strip()]
    if not words:
        raise ReferenceSchemeError(f"no limit is named. {did_you_mean(name, limit_names(region))}")
    for word in words:
        corners = _at(corners, word, region)
    remark = "" if region.stable else region.text
    return Limit(", ".join(words), region.elements, corners, region.references, remark)


def limits_of(region: StabilityRegion, removed: Mapping[str, int]) -> tuple[Limit, ...]:
    """Return the rich and the poor limit of every element that a defect exchanges."""
    words = [f"{element}-{end}" for element in removed if element in region.elements for end in ("rich", "poor")]
    return tuple(named_limit(region, word) for word in words)


def _filled(word: str, region: StabilityRegion) -> str:
    """Put the halide of the compound where a name says X."""
    halides = [element for element in region.elements if element in _HALIDES]
    if not re.search(r"X(?![a-z])", word):
        return word
    if len(halides) != 1:
        raise ReferenceSchemeError(f"{word}: {region.target} has no single halide X; write the element")
    return re.sub(r"X(?![a-z])", halides[0], word)


def _at(corners: np.ndarray, word: str, region: StabilityRegion) -> np.ndarray:
    """Return the corners among the given ones at which a phase is richest or poorest."""
    formula, _, end = word.rpartition("-")
    if end not in ("rich", "poor") or not formula:
        raise ReferenceSchemeError(f"there is no limit {word!r}. {did_you_mean(word, limit_names(region))}")
    amounts = _amounts(formula, word, region)
    if not region.stable and end == "rich" and formula in {edge.phase for edge in region.edges}:
        # beyond the stable region a neighbor can be richer than in its own phase; its edge is where it is in its phase
        own = next(edge.corners for edge in region.edges if edge.phase == formula)
        return _common(corners, own, word)
    height = corners @ amounts * (1 if end == "rich" else -1)
    return np.asarray(corners[height > height.max() - _CORNER])


def _common(corners: np.ndarray, own: np.ndarray, word: str) -> np.ndarray:
    kept = [row for row in own if np.abs(corners - row).max(axis=1).min() < _CORNER]
    if not kept:
        raise ReferenceSchemeError(f"{word} has nothing in common with what is named before it; change the order")
    return np.array(kept)


def _amounts(formula: str, word: str, region: StabilityRegion) -> np.ndarray:
    from pymatgen.core import Composition

    try:
        item = Composition(formula).as_dict()
    except (ValueError, KeyError):
        item = {}
    if not item or not set(item) <= set(region.elements):
        raise ReferenceSchemeError(f"there is no limit {word!r}. {did_you_mean(word, limit_names(region))}")
    return np.array([item.get(element, 0.0) for element in region.elements])


def _is_element(formula: str) -> bool:
    return not any(b.isupper() for _, b in pairwise(formula))
