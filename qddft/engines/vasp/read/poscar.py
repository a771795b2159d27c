"""POSCAR and CONTCAR as they stand beside a calculation, selective dynamics included."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.readings import Structure
from qddft.engines.vasp.read.source import read_text_file
from qddft.engines.vasp.read.vasprun_header import chemical_symbol

_MOST_ATOMS = 1_000_000


def read_poscar(path: Path, elements: Sequence[str] = ()) -> Structure:
    """Read a POSCAR or CONTCAR, plain or compressed.

    Parameters
    ----------
    path
        The file.
    elements
        Of the potentials, for VASP 4 files, which need not name theirs.

    Raises
    ------
    OutputError
        A line is missing or malformed, or a VASP 4 file does not name its elements; the message names the line.
    """
    lines = read_text_file(path).splitlines()
    cell = _cell(path, lines)
    symbols, at = _symbols(path, lines, elements)
    mode = _line(path, lines, at).strip().lower()
    selective = mode[:1] == "s"
    if selective:
        at += 1
        mode = _line(path, lines, at).strip().lower()
    rows = [_row(path, lines, at + 1 + i, selective=selective) for i in range(len(symbols))]
    positions = np.array([row[0] for row in rows])
    if mode[:1] in ("c", "k"):
        positions = np.linalg.solve(cell.T, (positions * _scale(path, lines, cell)).T).T
    return Structure(symbols, cell, positions, np.array([row[1] for row in rows]))


def _line(path: Path, lines: list[str], number: int) -> str:
    """Return a line, counted from 0."""
    if number >= len(lines):
        raise OutputError(f"{path} ends after line {len(lines)}, before its structure is complete")
    return lines[number]


def _numbers(path: Path, lines: list[str], number: int, count: int) -> list[float]:
    tokens = _line(path, lines, number).split()
    values = [to_float(token) for token in tokens[:count]]
    if len(values) != count or None in values:
        raise OutputError(f"{path}, line {number + 1}: {count} numbers were expected, not {lines[number].strip()!r}")
    return [value for value in values if value is not None]


def _cell(path: Path, lines: list[str]) -> np.ndarray:
    raw = np.array([_numbers(path, lines, 2 + i, 3) for i in range(3)])
    volume = abs(float(np.linalg.det(raw)))
    if not volume > 1e-6:
        raise OutputError(f"{path}, line 3: the lattice vectors span no volume")
    if (factors := _three_factors(lines)) is not None:
        return np.asarray(raw * factors)
    factor = _numbers(path, lines, 1, 1)[0]
    if factor == 0:
        raise OutputError(f"{path}, line 2: the scaling factor is zero")
    return raw * (factor if factor > 0 else (-factor / volume) ** (1 / 3))


def _three_factors(lines: list[str]) -> np.ndarray | None:
    """Return the factors of x, y and z where line 2 gives three, as VASP 6 allows."""
    values = [to_float(token) for token in _line(Path(), lines, 1).split()[:3]]
    given = [value for value in values if value is not None and value > 0]
    return np.array(given) if len(given) == 3 else None


def _scale(path: Path, lines: list[str], cell: np.ndarray) -> float | np.ndarray:
    """Return the factor, or those of x, y and z, that also multiply Cartesian positions."""
    if (factors := _three_factors(lines)) is not None:
        return factors
    raw = np.array([_numbers(path, lines, 2 + i, 3) for i in range(3)])
    return float(abs(np.linalg.det(cell) / np.linalg.det(raw)) ** (1 / 3))


def _symbols(path: Path, lines: list[str], elements: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Return the symbol of every atom and the number of the line after the counts."""
    first = _line(path, lines, 5).split()
    if first and first[0].isdigit():
        counts, after = first, 6
        n_kinds = sum(token.isdigit() for token in counts)
        names = list(elements) if len(elements) == n_kinds else _line(path, lines, 0).split()
    else:
        names, counts, after = first, _line(path, lines, 6).split(), 7
    kinds = [chemical_symbol(re.split(r"[_/]", name)[0]) for name in names]
    numbers = [int(token) for token in counts if token.isdigit()]
    if not numbers or len(kinds) < len(numbers) or None in kinds[: len(numbers)]:
        raise OutputError(
            f"{path}, line 6: the elements of {len(numbers)} kinds of atoms cannot be read from {names!r}"
        )
    if not 0 < sum(numbers) < _MOST_ATOMS:
        raise OutputError(f"{path}, line {after}: {sum(numbers)} atoms cannot be right")
    pairs = zip(kinds, numbers, strict=False)
    return tuple(str(kind) for kind, n in pairs for _ in range(n)), after


def _row(path: Path, lines: list[str], number: int, *, selective: bool) -> tuple[list[float], list[bool]]:
    position = _numbers(path, lines, number, 3)
    if not selective:
        return position, [True] * 3
    flags = [token.strip(".").upper()[:1] for token in lines[number].split()[3:6]]
    if len(flags) != 3 or not set(flags) <= {"T", "F"}:
        raise OutputError(f"{path}, line {number + 1}: three flags T or F were expected after the position")
    return position, [flag == "T" for flag in flags]
