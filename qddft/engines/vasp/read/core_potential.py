"""The average electrostatic potential at the core of every atom, the common scale of a slab and its bulk."""

import re
from pathlib import Path

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.dispatch import open_existing, result_files
from qddft.engines.vasp.read.source import OUTCAR, file_kind, open_source
from qddft.outputs.places import located

_TITLE = b"average (electrostatic) potential at core"
# (i8, f9.4) five times a line: in large cells the columns touch, so they are cut by width
_COLUMN = 17
_LINE = re.compile(rb"^\s*\d+\s*-?\d+\.\d{4}")


def read_core_potentials(path: str | Path) -> np.ndarray:
    """Read the last core potentials of an OUTCAR, or of the OUTCAR of a folder.

    Returns
    -------
    ndarray
        Shape (n_atoms,), eV, in the order of the file.

    Raises
    ------
    OutputError
        There is no OUTCAR, it holds none, or they are cut.
    """
    where = located(path)
    if where.is_dir():
        outcar = next((file for file in result_files(where) if file_kind(file) == OUTCAR), None)
        if outcar is None:
            raise OutputError(f"{where} holds no OUTCAR, where core potentials stand")
        source = open_source(outcar)
    else:
        source = open_existing(where)
    start = source.data.rfind(_TITLE)
    if start < 0:
        raise OutputError(f"{source.path} holds no core potentials: is it the OUTCAR of a finished run?")
    lines = bytes(source.data[start : start + 400 + 40 * _COLUMN * 5000]).split(b"\n")[1:]
    first = next((number for number, line in enumerate(lines[:6]) if _LINE.match(line)), None)
    if first is None:
        raise source.damaged(start, "no core potentials follow their title")
    values: list[float] = []
    for line in lines[first:]:
        if not _LINE.match(line):
            break
        for at in range(0, len(line.rstrip()), _COLUMN):
            number, value = line[at : at + 8], line[at + 8 : at + _COLUMN]
            if not number.strip().isdigit() or int(number) != len(values) + 1:
                raise source.damaged(start, f"the core potential of atom {len(values) + 1} cannot be read")
            try:
                values.append(float(value))
            except ValueError:
                raise source.damaged(start, f"the core potential of atom {len(values) + 1} cannot be read") from None
    return np.array(values)
