"""Valence electrons of the data sets that a run used, from its own files."""

import re
from collections.abc import Mapping
from pathlib import Path

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.dispatch import result_files
from qddft.engines.vasp.read.source import VASPRUN, file_kind, open_source
from qddft.engines.vasp.read.vasprun_header import chemical_symbol
from qddft.outputs.places import located

_TYPES = re.compile(rb'<array name="atomtypes"\s*>(?s:(.*?))</array>')
_ROW = re.compile(rb"<rc>(?s:(.*?))</rc>")
_CELL = re.compile(rb"<c>([^<]*)</c>")


def read_valences(path: str | Path) -> Mapping[str, float]:
    """Return element -> ZVAL of vasprun.xml, or of the vasprun.xml of a folder.

    Raises
    ------
    OutputError
        There is no vasprun.xml, or it does not list its data sets.
    """
    where = located(path)
    if where.is_dir():
        file = next((item for item in result_files(where) if file_kind(item) == VASPRUN), None)
        if file is None:
            raise OutputError(f"{where} holds no vasprun.xml, where the valences (ZVAL) of the data sets stand")
        where = file
    source = open_source(where)
    table = _TYPES.search(source.data)
    found: dict[str, float] = {}
    for row in _ROW.finditer(table.group(1)) if table is not None else ():
        cells = [cell.decode("latin-1").strip() for cell in _CELL.findall(row.group(1))]
        symbol = chemical_symbol(cells[1]) if len(cells) > 3 else None
        if symbol is None:
            raise OutputError(f"{where}: the list of data sets is damaged")
        try:
            found[symbol] = float(cells[3])
        except ValueError:
            raise OutputError(f"{where}: the valence of {symbol} is {cells[3]!r}, no number") from None
    if not found:
        raise OutputError(f"{where} does not list its data sets (atomtypes)")
    return found
