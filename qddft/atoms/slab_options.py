"""What a user may say about a slab: termination, layers, supercell, vacuum."""

import math
import re
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Literal

import numpy as np

from qddft.core.errors import StructureError
from qddft.core.suggest import did_you_mean

Termination = Literal["PbX2", "CsX"]
TERMINATIONS: tuple[Termination, ...] = ("PbX2", "CsX")
Supercell = tuple[int, int] | str
_GENERIC: dict[str, Termination] = {"pbx2": "PbX2", "csx": "CsX", "bx2": "PbX2", "ax": "CsX"}


def parse_termination(
    termination: str | Sequence[str], a_sites: Sequence[str], b_sites: Sequence[str], halides: Sequence[str]
) -> tuple[Termination, Termination]:
    """Return the (top, bottom) terminations by their generic names.

    Parameters
    ----------
    termination
        One name for both faces or a pair (top, bottom): ``PbX2``, ``CsX``, or with the halide, as in ``PbBr2``.
    a_sites, b_sites, halides
        Symbols on the three sublattices of the crystal.

    Raises
    ------
    StructureError
        An unknown name, a halide or cation that the crystal does not contain, or not one or two names.
    """
    names = (termination, termination) if isinstance(termination, str) else tuple(termination)
    if len(names) != 2:
        raise StructureError(f"termination {termination!r}: give one name for both faces, or a pair (top, bottom).")
    known: dict[str, Termination] = dict(_GENERIC)
    for halide in ("X", *halides):
        known |= {f"{b}{halide}2".lower(): "PbX2" for b in b_sites}
        known |= {f"{a}{halide}".lower(): "CsX" for a in a_sites}
    return _one_termination(names[0], known, halides), _one_termination(names[1], known, halides)


def _one_termination(name: str, known: dict[str, Termination], halides: Sequence[str]) -> Termination:
    """Look one name up."""
    found = known.get(str(name).strip().lower())
    if found is not None:
        return found
    foreign = re.fullmatch(r"(Pb|Sn|Ge|Cs|Rb|K)(F|Cl|Br|I)2?", str(name).strip(), flags=re.IGNORECASE)
    if foreign:
        held = ", ".join(halides)
        raise StructureError(
            f"termination {name!r}: this crystal has no such face; its halide is {held}. "
            "PbX2 and CsX always mean the halide of the crystal."
        )
    concrete = (f"{cation}{halide}{number}" for halide in halides for cation, number in (("Pb", "2"), ("Cs", "")))
    hint = did_you_mean(str(name), [*TERMINATIONS, *concrete])
    raise StructureError(f"unknown termination {name!r}. {hint} The faces of (001) are PbX2 and CsX.")


def check_layers(layers: int, top: Termination, bottom: Termination) -> int:
    """Return the number of atomic layers after checking that these faces allow it.

    Equal faces need an odd number, unequal faces an even one, because PbX2 and CsX layers alternate.

    Raises
    ------
    StructureError
        Not a whole number, too few, or of the wrong parity; the nearest numbers that work are named.
    """
    if isinstance(layers, bool) or not isinstance(layers, Integral):
        raise StructureError(f"layers {layers!r}: give a whole number of atomic layers.")
    count = int(layers)
    smallest = 3 if top == bottom else 2
    if count < smallest:
        raise StructureError(f"layers {count}: a slab with {top} above and {bottom} below has at least {smallest}.")
    if (count - smallest) % 2:
        near = " or ".join(str(value) for value in (count - 1, count + 1) if value >= smallest)
        kind = "both faces {0} has an odd" if top == bottom else "{0} above and {1} below has an even"
        raise StructureError(
            f"layers {count}: a slab with {kind.format(top, bottom)} number of layers, because PbX2 and CsX layers "
            f"alternate. Take {near}" + (", or two different faces." if top == bottom else ", or two equal faces.")
        )
    return count


def check_fixed_layers(fixed: int | str, layers: int) -> int:
    """Return how many layers are held, counted from the bottom.

    Raises
    ------
    StructureError
        Neither ``all`` nor a whole number from 0 to the number of layers.
    """
    if fixed == "all":
        return layers
    if isinstance(fixed, bool) or not isinstance(fixed, Integral) or not 0 <= int(fixed) <= layers:
        raise StructureError(f"fixed_layers {fixed!r}: give a whole number from 0 to {layers}, or 'all'.")
    return int(fixed)


def check_vacuum(vacuum: float) -> float:
    """Return the vacuum thickness in Angstrom.

    Raises
    ------
    StructureError
        Not a positive, finite number.
    """
    if isinstance(vacuum, bool) or not isinstance(vacuum, Real) or not math.isfinite(vacuum) or vacuum <= 0:
        raise StructureError(f"vacuum {vacuum!r}: give a positive thickness in Angstrom, 15 or more for DFT.")
    return float(vacuum)


def parse_supercell(supercell: Supercell | int) -> tuple[np.ndarray, str]:
    """Return the lateral supercell as an integer matrix in pseudo-cubic units, shape (2, 2), and its label.

    Parameters
    ----------
    supercell
        ``(n, m)``, ``"2x3"``, ``"sqrt2"`` (also ``"sqrt2xsqrt2"``), ``"sqrt5"`` and others of ``TURNED``, or a multiple
        of these as ``"2sqrt2"``.

    Raises
    ------
    StructureError
        Anything else.
    """
    if isinstance(supercell, str):
        return _supercell_of_text(supercell)
    pair = list(supercell) if isinstance(supercell, Sequence) else [supercell, supercell]
    sizes = [int(n) for n in pair if isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 1]
    if len(pair) != 2 or len(sizes) != 2:
        raise StructureError(_bad_supercell(supercell))
    return np.diag(sizes), f"{sizes[0]}x{sizes[1]}"


# lateral cells that are squares turned against the axes: sqrt5 has the edges (2, 1) and (-1, 2)
TURNED = {2: (1, 1), 5: (2, 1), 10: (3, 1), 13: (3, 2), 17: (4, 1)}


def turned_cell(root: int, times: int = 1) -> np.ndarray:
    """Return the edges of ``sqrt2``, ``2sqrt5`` ... in pseudo-cubic units, shape (2, 2)."""
    a, b = TURNED[root]
    return times * np.array([[a, b], [-b, a]])


def parts_of_turned(label: str) -> tuple[int, int] | None:
    """Return the multiple and the root of ``2sqrt5``, ``None`` for cells along the axes."""
    found = re.fullmatch(r"([1-9]\d*)?(?:sqrt|r)\(?(\d+)\)?", label)
    return (
        None if found is None or int(found.group(2)) not in TURNED else (int(found.group(1) or 1), int(found.group(2)))
    )


def turned_label(root: int, times: int) -> str:
    """Return ``sqrt2`` or ``2sqrt5``."""
    return f"{times}sqrt{root}" if times > 1 else f"sqrt{root}"


def _supercell_of_text(text: str) -> tuple[np.ndarray, str]:
    """Read ``2x3``, ``sqrt2``, ``2sqrt2`` or ``2sqrt2x2sqrt2``."""
    plain = text.lower().replace(" ", "").replace("√", "sqrt").replace("×", "x").replace("*", "")
    halves = plain.split("x")
    parts = parts_of_turned(halves[0])
    if parts and (len(halves) == 1 or halves == [halves[0]] * 2):
        times, root = parts
        return turned_cell(root, times), turned_label(root, times)
    straight = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)(?:x1)?", plain)
    if straight:
        n, m = int(straight.group(1)), int(straight.group(2))
        return np.diag([n, m]), f"{n}x{m}"
    raise StructureError(_bad_supercell(text))


def _bad_supercell(given: object) -> str:
    """Say what a supercell looks like."""
    roots = ", ".join(f"'sqrt{root}'" for root in TURNED)
    return (
        f"supercell {given!r}: give (n, m) with positive whole numbers, '2x2', 'sqrt2' or '2sqrt2'; turned cells are "
        f"{roots} and multiples of them."
    )
