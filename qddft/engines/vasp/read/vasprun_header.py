"""The head of vasprun.xml: INCAR echo, effective parameters, k-points, potentials, first structure.

Every section is read by itself, so that a run which died early still shows its settings.
"""

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from qddft.engines.vasp.read.numbers import table, to_float
from qddft.engines.vasp.read.readings import KMesh, Structure, listed
from qddft.engines.vasp.read.source import Source

_VERSION = re.compile(rb'<i name="version"[^>]*>\s*([^<\s]+)')
_ROW = re.compile(rb"<rc>(.*?)</rc>", re.DOTALL)
_CELL = re.compile(rb"<c>([^<]*)</c>")
_LOGICAL = re.compile(rb"<v[^>]*>\s*([TF])\s+([TF])\s+([TF])\s*</v>")
_SCHEMES = {"gamma": "gamma", "auto": "gamma", "monkhorst-pack": "monkhorst-pack", "listgenerated": "line"}


def read_header(source: Source, stop: int, *, complete: bool) -> dict[str, Any]:
    """Return the fields of a ``Reading`` that stand before the first ionic step.

    Parameters
    ----------
    source
        The XML file.
    stop
        Where the first ionic step begins, or the end of the file.
    complete
        Whether the file was closed: then no section may be missing.
    """
    version = _VERSION.search(source.data, 0, min(stop, 4096))
    if version is None:
        raise source.damaged(0, "the head does not say which version of VASP wrote it")
    found: dict[str, Any] = {"version": version.group(1).decode("latin-1")}
    for name, reader in (("incar", _tags), ("parameters", _tags), ("kpoints", _mesh)):
        span = _section(source, name.encode(), stop, complete=complete)
        if span is not None:
            found[name] = reader(source, span)
    atoms = _section(source, b"atominfo", stop, complete=complete)
    if atoms is not None:
        shares = found.get("incar", {}).get("VCA")
        symbols, titles, electrons = _atoms(source, atoms, shares if isinstance(shares, list) else [])
        found |= {"titles": titles, "neutral_electrons": electrons}
        begin = source.data.find(b'<structure name="initialpos"', atoms[1], stop)
        end = source.data.find(b"</structure>", begin, stop) if begin >= 0 else -1
        if end >= 0:
            found["initial"] = read_structure(source, (begin, end), symbols)
        elif complete:
            raise source.damaged(atoms[1], "the initial structure is missing")
    found["stated"] = found.pop("incar", {})
    return found


def read_structure(source: Source, span: tuple[int, int], symbols: tuple[str, ...]) -> Structure:
    """Return the ``<structure>`` between two offsets."""
    cell = _varray(source, b'<varray name="basis"', span, 3)
    scaled = _varray(source, b'<varray name="positions"', span, len(symbols))
    if not abs(np.linalg.det(cell)) > 1e-3:
        raise source.damaged(span[0], "the lattice vectors of this structure span no volume")
    return Structure(symbols, cell, scaled, _selective(source, span, len(symbols)))


def _varray(source: Source, opening: bytes, span: tuple[int, int], rows: int) -> np.ndarray:
    inner = source.between(opening, b"</varray>", *span)
    if inner is None:
        raise source.damaged(span[0], f"{opening.decode()} ...> is missing from here on")
    return table(source, inner, b"v", 3, rows)


def forces_or_stress(source: Source, opening: bytes, span: tuple[int, int], rows: int) -> np.ndarray | None:
    """Return a named table of three columns, or ``None`` when the step has none, or the program wrote NaN."""
    inner = source.between(opening, b"</varray>", *span)
    if inner is None or source.data.find(b"NaN", *inner) >= 0:
        return None
    return _varray(source, opening, span, rows)


def _section(source: Source, name: bytes, stop: int, *, complete: bool) -> tuple[int, int] | None:
    begin = source.data.find(b"<" + name + b">", 0, stop)
    end = source.data.find(b"</" + name + b">", begin, stop) if begin >= 0 else -1
    if end >= 0:
        return begin, end + len(name) + 3
    if complete or stop < len(source.data):
        raise source.damaged(max(begin, 0), f"the section <{name.decode()}> is missing or not closed before {stop}")
    return None


def _tags(source: Source, span: tuple[int, int]) -> dict[str, Any]:
    """Return the first value of every named tag of a section; stars and other unreadable numbers become ``None``."""
    text = source.data[span[0] : span[1]].decode("latin-1")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        line, column = error.position
        before = "\n".join(text.split("\n")[: line - 1])
        raise source.damaged(span[0] + len(before) + column, f"broken XML ({error.msg})") from error
    values: dict[str, Any] = {}
    for element in root.iter():
        name = element.get("name")
        if element.tag in ("i", "v") and name is not None:
            values.setdefault(name, _typed(element))
    return values


def _typed(element: ElementTree.Element) -> Any:
    kind, text = element.get("type", "float"), (element.text or "").strip()
    if kind == "string":
        return text
    convert = {"int": _integer, "logical": _logical}.get(kind, to_float)
    values = [convert(token) for token in text.split()]
    if element.tag == "v":
        return values
    return values[0] if values else None


def _integer(token: str) -> int | None:
    return int(token) if re.fullmatch(r"[+-]?\d{1,18}", token) else None


def _logical(token: str) -> bool | None:
    return {"T": True, "F": False}.get(token.strip(".").upper()[:1])


def _mesh(source: Source, span: tuple[int, int]) -> KMesh:
    points = source.between(b'<varray name="kpointlist"', b"</varray>", *span)
    weights = source.between(b'<varray name="weights"', b"</varray>", *span)
    if points is None or weights is None:
        raise source.damaged(span[0], "the list of k-points or of their weights is missing")
    coordinates = table(source, points, b"v", 3)
    factors = table(source, weights, b"v", 1, len(coordinates))[:, 0]
    begin = source.data.find(b"<generation", *span)
    if begin < 0:
        return listed(coordinates, factors)
    end = source.data.find(b"</generation>", begin, span[1])
    if end < 0:
        raise source.damaged(begin, "<generation> of the k-points is never closed")
    section = (begin, end + len(b"</generation>"))
    tags = _tags(source, section)
    parameter = re.match(rb'<generation param="([^"]*)"', source.data[begin : begin + 80])
    name = parameter.group(1).decode("latin-1").strip().lower() if parameter else ""
    scheme = _SCHEMES.get(name, "list")
    divisions, shift = tags.get("divisions"), tags.get("usershift")
    mesh, moved = _three(divisions), _three(shift) or (0.0, 0.0, 0.0)
    if scheme == "line" or mesh is None:
        return KMesh(scheme, None, n_points=len(coordinates))
    return KMesh(scheme, mesh, moved, len(coordinates))


def _three(values: Any) -> tuple[Any, Any, Any] | None:
    if not isinstance(values, list) or len(values) != 3 or None in values:
        return None
    return values[0], values[1], values[2]


def _atoms(
    source: Source, span: tuple[int, int], shares: list[float | None]
) -> tuple[tuple[str, ...], tuple[str, ...], float | None]:
    """Return the symbols of all atoms, the titles of the potentials and the electrons of the neutral atoms.

    In a virtual crystal an atom counts with the share of its type (VCA), where one is given for every type.
    """
    atoms = source.between(b'<array name="atoms"', b"</array>", *span)
    types = source.between(b'<array name="atomtypes"', b"</array>", *span)
    if atoms is None or types is None:
        raise source.damaged(span[0], "the list of atoms or of atom types is missing")
    kinds = [_cells(row) for row in _ROW.findall(source.data[types[0] : types[1]])]
    rows = [_cells(row) for row in _ROW.findall(source.data[atoms[0] : atoms[1]])]
    try:
        titles = tuple(" ".join(cells[4].split()) for cells in kinds)
        names = [
            chemical_symbol(cells[1]) or symbol_of_title(title) for cells, title in zip(kinds, titles, strict=True)
        ]
        symbols = tuple(names[int(cells[1]) - 1] for cells in rows)
        counts = [int(cells[0]) for cells in kinds]
    except (IndexError, ValueError) as error:
        raise source.damaged(span[0], f"the tables of atoms do not fit each other ({error})") from error
    if sum(counts) != len(symbols) or [symbols.count(name) for name in set(names)] != [
        sum(n for n, other in zip(counts, names, strict=True) if other == name) for name in set(names)
    ]:
        raise source.damaged(span[0], f"{len(symbols)} atoms are listed, their types count {sum(counts)}")
    valences = [to_float(cells[3].strip()) for cells in kinds]
    return symbols, titles, neutral_electrons(counts, valences, shares)


def neutral_electrons(
    counts: Sequence[int], valences: Sequence[float | None], shares: Sequence[float | None]
) -> float | None:
    """Return the valence electrons of the neutral atoms, ``None`` where a valence is unknown.

    Parameters
    ----------
    counts, valences
        Of each type: atoms, electrons of one.
    shares
        Of each type in a virtual crystal; another number of them says nothing.
    """
    weights = list(shares) if len(shares) == len(counts) else [1.0] * len(counts)
    if len(valences) != len(counts) or None in valences or None in weights:
        return None
    return float(sum(n * (z or 0.0) * (w or 0.0) for n, z, w in zip(counts, valences, weights, strict=True)))


def _cells(row: bytes) -> list[str]:
    return [cell.decode("latin-1").strip() for cell in _CELL.findall(row)]


def chemical_symbol(name: str) -> str | None:
    """Return ``name`` when it is a chemical symbol."""
    from ase.data import chemical_symbols

    return name if name in chemical_symbols[1:] else None


def symbol_of_title(title: str) -> str:
    """Return the element of a potential's title, for instance ``Pb`` of ``PAW_PBE Pb_d 06Sep2000``.

    Raises
    ------
    ValueError
        No word of the title is a chemical symbol.
    """
    for word in title.split():
        symbol = chemical_symbol(re.split(r"[_.]", word)[0])
        if symbol is not None:
            return symbol
    raise ValueError(f"the title of a potential, {title!r}, names no chemical element")


def _selective(source: Source, span: tuple[int, int], n_atoms: int) -> np.ndarray:
    """Return the flags of selective dynamics; without them every coordinate may move."""
    inner = source.between(b'<varray name="selective"', b"</varray>", *span)
    if inner is None:
        return np.ones((n_atoms, 3), dtype=bool)
    flags = [[flag == b"T" for flag in row] for row in _LOGICAL.findall(source.data[inner[0] : inner[1]])]
    if len(flags) != n_atoms:
        raise source.damaged(inner[0], f"{n_atoms} rows of T/F flags were expected here, not {len(flags)}")
    return np.array(flags, dtype=bool)
