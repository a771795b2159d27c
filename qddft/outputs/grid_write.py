"""Grids to files: CHGCAR and LOCPOT, Gaussian cube, XSF."""

import tempfile
from itertools import groupby
from pathlib import Path
from typing import IO

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.units import BOHR_IN_A
from qddft.outputs.grid import Grid

# said by the first line of a cube file whose densities are not per Bohr^3
CUBE_UNIT = "e/Angstrom^3"


def write_grid(grid: Grid, path: str | Path) -> None:
    """Write a grid; the name decides the format: ``.cube``, ``.xsf``, or else CHGCAR or LOCPOT.

    Densities go to CHGCAR times the cell volume and to cube files per Angstrom^3, which their first line says.

    Raises
    ------
    OutputError
        The folder does not exist or cannot be written to.
    """
    where = Path(path)
    writer = {".cube": _write_cube, ".xsf": _write_xsf}.get(where.suffix.lower(), _write_vasp)
    try:
        with tempfile.TemporaryDirectory(prefix=".qddft-", dir=where.parent) as folder:
            draft = Path(folder) / where.name
            with draft.open("w", encoding="ascii") as file:
                writer(file, grid)
            draft.replace(where)
    except OSError as error:
        raise OutputError(f"{where} cannot be written: {error.strerror or error}") from error


def _write_cube(file: IO[str], grid: Grid) -> None:
    unit = CUBE_UNIT if grid.quantity == "density" else grid.unit
    bohr = grid.atoms.cell.array / np.array(grid.values.shape)[:, None] / BOHR_IN_A
    file.write(f"{_ascii(grid.name)}, {unit}\nOUTER LOOP: X, MIDDLE LOOP: Y, INNER LOOP: Z\n")
    file.write(f"{len(grid.atoms):5d} 0.0 0.0 0.0\n")
    for count, step in zip(grid.values.shape, bohr, strict=True):
        file.write(f"{count:5d} {step[0]:.10f} {step[1]:.10f} {step[2]:.10f}\n")
    for number, place in zip(grid.atoms.numbers, grid.atoms.positions / BOHR_IN_A, strict=True):
        file.write(f"{number:5d} {float(number):.1f} {place[0]:.10f} {place[1]:.10f} {place[2]:.10f}\n")
    for plane in grid.values:
        _write_numbers(file, plane.ravel(), "%14.6e", 6)


def _write_xsf(file: IO[str], grid: Grid) -> None:
    """Write a general grid of XCrySDen, which repeats the first plane at the end of every direction."""
    from ase.io.xsf import write_xsf

    atoms = grid.atoms.copy()
    atoms.pbc = True
    write_xsf(file, [atoms])
    file.write(f"BEGIN_BLOCK_DATAGRID_3D\n {_ascii(grid.name).replace(' ', '_') or 'data'}\n BEGIN_DATAGRID_3D_data\n")
    shape = [count + 1 for count in grid.values.shape]
    file.write(" {} {} {}\n 0.0 0.0 0.0\n".format(*shape))
    for vector in atoms.cell.array:
        file.write(" {:.10f} {:.10f} {:.10f}\n".format(*vector))
    for k in range(shape[2]):
        plane = np.pad(grid.values[:, :, k % grid.values.shape[2]], ((0, 1), (0, 1)), mode="wrap")
        _write_numbers(file, plane.ravel(order="F"), "%14.6e", 6)
    file.write(" END_DATAGRID_3D\nEND_BLOCK_DATAGRID_3D\n")


def _write_vasp(file: IO[str], grid: Grid) -> None:
    _write_structure(file, grid)
    factor = grid.volume if grid.quantity == "density" else 1.0
    file.write("\n {:d} {:d} {:d}\n".format(*grid.values.shape))
    # the first index runs fastest; five numbers a line, so that lines run on across planes
    rest = np.empty(0)
    for k in range(grid.values.shape[2]):
        block = np.concatenate([rest, grid.values[:, :, k].ravel(order="F") * factor])
        whole = len(block) // 5 * 5
        _write_numbers(file, block[:whole], "%18.11E", 5)
        rest = block[whole:]
    _write_numbers(file, rest, "%18.11E", 5)


def _write_structure(file: IO[str], grid: Grid) -> None:
    """Write the head of a CHGCAR: atoms in their order, neighbors of one element counted together."""
    runs = [(symbol, len(list(group))) for symbol, group in groupby(grid.atoms.get_chemical_symbols())]
    file.write(f"{_ascii(grid.name) or 'grid'}\n   1.0\n")
    for vector in grid.atoms.cell.array:
        file.write(" {:19.13f} {:19.13f} {:19.13f}\n".format(*vector))
    file.write("  ".join(["", *(symbol for symbol, _ in runs)]) + "\n")
    file.write("  ".join(["", *(str(count) for _, count in runs)]) + "\nDirect\n")
    for place in grid.atoms.get_scaled_positions(wrap=False):
        file.write(" {:16.13f} {:16.13f} {:16.13f}\n".format(*place))


def _write_numbers(file: IO[str], values: np.ndarray, form: str, per_line: int) -> None:
    line = " ".join([form] * per_line) + "\n"
    whole = len(values) // per_line
    file.write((line * whole) % tuple(values[: whole * per_line]))
    if len(values) > whole * per_line:
        rest = values[whole * per_line :]
        file.write(" ".join([form] * len(rest)) % tuple(rest) + "\n")


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode().replace("\n", " ")
