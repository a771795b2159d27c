"""The head of OUTCAR: INCAR echo (VASP 6), effective parameters, potentials, k-points, first structure."""

import re
from typing import Any

import numpy as np

from qddft.engines.vasp.read.incar import parse_incar
from qddft.engines.vasp.read.numbers import plain_table, to_float
from qddft.engines.vasp.read.outcar_levels import used_points
from qddft.engines.vasp.read.readings import KMesh, Structure, listed
from qddft.engines.vasp.read.source import Source
from qddft.engines.vasp.read.vasprun_header import neutral_electrons, symbol_of_title

_VERSION = re.compile(rb"\bvasp\.(\d[^\s]*)")
_TITLE = re.compile(rb"^\s*TITEL\s*=\s*(.+?)\s*$", re.MULTILINE)
# where the potentials were cut out of the file for their license, these two are left of them
_NAMED = re.compile(rb"^ POTCAR:[ \t]+(\S.*?)\s*$", re.MULTILINE)
_VALENCES = re.compile(rb"Ionic Valenz\s*\n\s*ZVAL\s*=((?:\s*\d+\.\d\d)+)")
_SHARES = re.compile(rb"virtual crystal weights\s*\n\s*VCA\s*=([^\n]*)")
_VALENCE = re.compile(rb"POMASS\s*=[^;\n]*;\s*ZVAL\s*=\s*([^\s;]+)\s+mass and valenz")
_COUNTS = re.compile(rb"ions per type =([ \d]+)")
_IONS = re.compile(rb"NIONS\s*=\s*(\d+)")
_GENERATED = re.compile(rb"generate k-points for:\s*(\d+)\s+(\d+)\s+(\d+)")
_WEIGHTED = re.compile(rb"^\s*(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(\d+\.\d+)\s*$", re.MULTILINE)
# printed as  NAME = value ; the numbers of Fortran may start with a dot or a minus sign
_PARAMETER = re.compile(
    rb"(?<![A-Za-z_])(PREC|ICHARG|ISPIN|LNONCOLLINEAR|LSORBIT|LASPH|ENCUT|ENAUG|NELM|EDIFF|EDIFFG|LREAL|LMAXMIX|NSW|IBRION|ISIF"
    rb"|ISYM|PSTRESS|NELECT|NUPDOWN|ISMEAR|SIGMA|IALGO|LDIPOL|IDIPOL|GGA|LHFCALC|AEXX|HFSCREEN|LUSE_VDW|NGXF|NGYF"
    rb"|NGZF|NBANDS|GGA_COMPAT|EFIELD|LORBIT)\s*=\s*([^\s;]+)"
)
_HUBBARD = re.compile(rb"(LDAUTYPE|LDAUL|LDAUU|LDAUJ)\s*=\s*([^\n]*)")
_LOGICAL = ("LNONCOLLINEAR", "LSORBIT", "LASPH", "LREAL", "LDIPOL", "LHFCALC", "LUSE_VDW", "GGA_COMPAT")
_TEXT = ("PREC", "GGA")
_INTEGER = (
    "ICHARG", "ISPIN", "NELM", "LMAXMIX", "NSW", "IBRION", "ISIF", "ISYM", "ISMEAR", "IALGO", "IDIPOL", "NGXF", "NGYF",
    "NGZF", "NBANDS", "LORBIT",
)  # fmt: skip


def read_outcar_header(source: Source, stop: int) -> dict[str, Any]:
    """Return the fields of a ``Reading`` that stand before the first electronic step, as far as they are there.

    Parameters
    ----------
    source
        The OUTCAR.
    stop
        Where the first electronic step begins, or the end of the file.
    """
    version = _VERSION.search(source.data, 0, min(stop, 16384))
    if version is None:
        raise source.damaged(0, "the head does not say which version of VASP wrote it")
    found: dict[str, Any] = {"version": version.group(1).decode("latin-1"), "stated": _stated(source, stop)}
    begin = source.data.find(b"Dimension of arrays:", 0, stop)
    if begin < 0:
        return found
    found["parameters"] = _parameters(source, begin, stop)
    found["kpoints"] = _mesh(source, begin, stop)
    symbols, titles, electrons = _atoms(source, begin, stop)
    found |= {"titles": titles, "neutral_electrons": electrons}
    initial = _initial(source, begin, stop, symbols)
    if initial is not None:
        found["initial"] = initial
    return found


def lattice(source: Source, at: int, stop: int) -> np.ndarray | None:
    """Return the lattice vectors printed after an offset, rows, Angstrom.

    Three columns of nine decimals, thirteen wide, that touch each other in long cells.
    """
    begin = source.data.find(b"direct lattice vectors", at, stop)
    if begin < 0:
        return None
    first = source.data.find(b"\n", begin, stop) + 1
    last = first
    for _ in range(3):
        last = source.data.find(b"\n", last, stop) + 1
    if first <= 0 or last <= 0:
        return None
    cell = plain_table(source, (first, last), (16, 13, 13, 16, 13, 13))[:, :3]
    if cell.shape != (3, 3) or not abs(np.linalg.det(cell)) > 1e-3:
        raise source.damaged(first, "these lattice vectors span no volume")
    return cell


def _stated(source: Source, stop: int) -> dict[str, Any]:
    """Return the INCAR that VASP 6 repeats between ``INCAR:`` and the first ``POTCAR:``."""
    begin = source.data.find(b" INCAR:", 0, min(stop, 65536))
    end = source.data.find(b"\n POTCAR:", begin, stop) if begin >= 0 else -1
    if end < 0:
        return {}
    return dict(parse_incar(source.data[begin + len(b" INCAR:") : end].decode("latin-1"), str(source.path)).tags)


def _parameters(source: Source, begin: int, stop: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    text = source.data[begin:stop]
    for raw_name, raw in _PARAMETER.findall(text):
        name = raw_name.decode()
        if name not in values:
            values[name] = _typed(name, raw.decode("latin-1"))
    values["LDAU"] = b"LDA+U is selected" in text
    for raw_name, raw in _HUBBARD.findall(text):
        values.setdefault(raw_name.decode(), [to_float(token) for token in raw.split()])
    return values


def _typed(name: str, text: str) -> Any:
    if name in _TEXT:
        return text
    if name in _LOGICAL:
        return {"T": True, "F": False}.get(text[:1])
    if name in _INTEGER:
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else None
    return to_float(text)


def _mesh(source: Source, dimensions: int, stop: int) -> KMesh | None:
    begin = source.data.rfind(b"KPOINTS:", 0, dimensions)
    if begin < 0:
        return None
    text = source.data[begin:dimensions]
    table_begin = text.find(b"reciprocal coordinates:")
    table_end = text.find(b"cartesian coordinates", table_begin)
    rows = np.array(_WEIGHTED.findall(text[table_begin:table_end]), dtype=float).reshape(-1, 4)
    generated = _GENERATED.search(text)
    automatic = b"Automatic generation of k-mesh" in text
    if not len(rows):
        return KMesh("list", None)
    total = round(float(rows[:, 3].sum())) if automatic else None
    if generated is not None:
        first, second, third = (int(n) for n in generated.groups())
        with_gamma = bool((np.abs(rows[:, :3]) < 1e-6).all(axis=1).any())
        return KMesh("gamma" if with_gamma else "monkhorst-pack", (first, second, third), n_points=len(rows))
    points = rows[:, :3]
    # of a list as it was given, this one has six decimals, the one behind the dimensions eight, as vasprun.xml
    finer = np.empty((0, 4)) if automatic else used_points(source, dimensions, stop)
    if len(finer) == len(rows) and np.abs(finer[:, :3] - points).max() < 1e-5:
        points = finer[:, :3]
    return listed(points, rows[:, 3], total)


def _atoms(source: Source, begin: int, stop: int) -> tuple[tuple[str, ...], tuple[str, ...], float | None]:
    head = source.data[:begin]
    counts, ions = _COUNTS.search(source.data, begin, stop), _IONS.search(source.data, begin, stop)
    if counts is None or ions is None:
        raise source.damaged(begin, "the numbers of ions are missing after this line")
    per_type = _per_type(counts.group(1), int(ions.group(1)))
    titles = _titles(head, 0 if per_type is None else len(per_type))
    if per_type is None or len(per_type) != len(titles):
        raise source.damaged(
            counts.start(), f"{int(ions.group(1))} ions of {len(titles)} potentials do not fit this line"
        )
    try:
        symbols = tuple(symbol_of_title(title) for title in titles)
    except ValueError as error:
        raise source.damaged(begin, f"before this line, {error}") from error
    listed_later = _VALENCES.search(source.data, begin, stop)
    valences = [to_float(token) for token in _VALENCE.findall(head)]
    if not valences and listed_later is not None:
        valences = [to_float(token) for token in re.findall(rb"\d+\.\d\d", listed_later[1])]
    virtual = _SHARES.search(source.data, begin, stop)
    shares = [] if virtual is None else [to_float(token) for token in virtual[1].split()]
    electrons = neutral_electrons(per_type, valences, shares)
    every = tuple(symbol for symbol, n in zip(symbols, per_type, strict=True) for _ in range(n))
    return every, titles, electrons


def _titles(head: bytes, n_types: int) -> tuple[str, ...]:
    """Return the titles of the potentials; without the potentials themselves, as they are listed before them."""
    found = _TITLE.findall(head) or _NAMED.findall(head)[:n_types]
    return tuple(" ".join(title.decode("latin-1").split()) for title in found)


def _per_type(text: bytes, total: int) -> list[int] | None:
    """Return the ions of each type; the columns are four wide and touch each other from a thousand ions on."""
    separate = [int(token) for token in text.split()]
    if sum(separate) == total:
        return separate
    stripped = text.rstrip()
    padded = stripped.rjust(-(-len(stripped) // 4) * 4)
    columns = [padded[i : i + 4].strip() for i in range(0, len(padded), 4)]
    touching = [int(column) for column in columns if column.isdigit()]
    return touching if sum(touching) == total else None


def _initial(source: Source, begin: int, stop: int, symbols: tuple[str, ...]) -> Structure | None:
    cell = lattice(source, begin, stop)
    table = source.data.find(b"position of ions in fractional coordinates (direct lattice)", begin, stop)
    if cell is None or table < 0:
        return None
    first = source.data.find(b"\n", table, stop) + 1
    last = first
    for _ in symbols:
        last = source.data.find(b"\n", last, stop) + 1
        if last <= 0:
            return None
    scaled = plain_table(source, (first, last), (13, 12, 12))
    if not np.isfinite(scaled).all():
        raise source.damaged(first, "a position is NaN")
    return Structure(symbols, cell, scaled)
