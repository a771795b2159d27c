"""Eigenvalues, occupations and the Fermi level of an ionic step of vasprun.xml."""

import re

import numpy as np

from qddft.engines.vasp.read.blocks import Block
from qddft.engines.vasp.read.numbers import table, to_float
from qddft.engines.vasp.read.source import Source

_FERMI = re.compile(rb'<i name="efermi">\s*([^<\s]+)\s*</i>')
_SPIN_SET = re.compile(rb'<set comment="spin ?\d+">')


def fermi_level(source: Source, block: Block) -> float | None:
    """Return the Fermi level that stands with the density of states, eV."""
    dos = source.data.find(b"<dos>", block.tables, block.stop)
    match = _FERMI.search(source.data, dos, min(dos + 400, block.stop)) if dos >= 0 else None
    return None if match is None else to_float(match.group(1))


def moment(source: Source, block: Block) -> float | None:
    """Return the total moment of a collinear step from its occupations, Bohr magnetons; ``None`` without them.

    ``sum_k w_k sum_n (f_up - f_down)``, with the weights of the k-points.
    """
    if source.data.find(b"<eigenvalues>", block.tables, block.stop) < 0:
        return None
    _, weights = kpoints(source)
    values = levels(source, block, len(weights))
    if len(values) != 2:
        return None
    per_spin = values[..., 1].sum(axis=2) @ weights
    return float(per_spin[0] - per_spin[1])


def kpoints(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates, shape (n, 3), and weights, shape (n,), sum 1, of the k-points.

    Raises
    ------
    OutputError
        A list is missing or malformed.
    """
    found = []
    for name, columns in ((b"kpointlist", 3), (b"weights", 1)):
        inner = source.between(b'<varray name="' + name + b'"', b"</varray>", 0, len(source.data))
        if inner is None:
            raise source.damaged(0, f"the {name.decode()} of the k-points is missing")
        found.append(table(source, inner, b"v", columns))
    points, weights = found[0], found[1][:, 0]
    if not len(weights) or len(weights) != len(points) or not weights.sum() > 0:
        raise source.damaged(0, f"{len(points)} k-points and {len(weights)} weights do not make a mesh")
    return points, weights / weights.sum()


def levels(source: Source, block: Block, n_kpoints: int) -> np.ndarray:
    """Return eigenvalues (eV) and occupations (0 to 1) of a step, shape (n_spins, n_kpoints, n_bands, 2).

    Raises
    ------
    OutputError
        There are none, or the table is cut or does not fit the number of k-points.
    """
    inner = source.between(b"<eigenvalues>", b"</eigenvalues>", block.tables, block.stop)
    if inner is None:
        raise source.damaged(block.start, "this ionic step has no eigenvalues")
    spins = count_spins(source, inner)
    values = table(source, inner, b"r", 2)
    bands, rest = divmod(len(values), max(spins, 1) * n_kpoints)
    if rest or not bands or not spins:
        raise source.damaged(inner[0], f"{len(values)} rows do not fit {spins} spins and {n_kpoints} k-points")
    return values.reshape(spins, n_kpoints, bands, 2)


def count_spins(source: Source, span: tuple[int, int]) -> int:
    """Return the number of spin sets between two offsets."""
    return sum(1 for _ in _SPIN_SET.finditer(source.data, *span))
