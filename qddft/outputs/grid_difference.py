"""One field minus others, read from files in pieces: only one grid is held in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qddft.core.errors import OutputError
from qddft.outputs.grid import Grid
from qddft.outputs.grid_files import Shape, grid_file, is_whole, open_grid, read_grid, read_numbers, read_shape
from qddft.outputs.grid_files import read_structure as structure_of
from qddft.outputs.places import located

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class GridHead:
    """What a file says before its numbers.

    Attributes
    ----------
    atoms
        The structure.
    shape
        Number of points along the three cell vectors.
    source
        The file.
    """

    atoms: "Atoms"
    shape: Shape
    source: Path


def read_head(path: str | Path) -> GridHead:
    """Read structure and number of points of a CHGCAR-like, cube or packed file of a density, or of a folder's density.

    Raises
    ------
    OutputError
        As ``read_grid``.
    """
    where = grid_file(located(path), "density")
    if is_whole(where):
        grid = read_grid(where, quantity="density")
        shape = grid.values.shape
        return GridHead(grid.atoms, (shape[0], shape[1], shape[2]), where)
    with open_grid(where) as file:
        return GridHead(structure_of(file, where), read_shape(file, where), where)


def density_difference(first: GridHead, others: Sequence[GridHead]) -> tuple[Grid, tuple[float, ...]]:
    """Return one density minus others, and the electrons in each file, in this order.

    The caller has made sure that the files belong together; here they only need grids of one shape.

    Parameters
    ----------
    first, others
        Heads as ``read_head`` gave them.

    Raises
    ------
    OutputError
        The shapes differ, or a file is cut or damaged.
    """
    for head in others:
        if head.shape != first.shape:
            raise OutputError(f"{head.source} has a grid of {head.shape} points, {first.source} of {first.shape}")
    total = np.zeros(first.shape[0] * first.shape[1] * first.shape[2])
    electrons = []
    for sign, head in ((1.0, first), *((-1.0, head) for head in others)):
        counted = 0.0
        for start, piece in _pieces(head):
            counted += float(piece.sum())
            total[start : start + len(piece)] += piece if sign > 0 else -piece
        electrons.append(counted / len(total))
    total /= first.atoms.cell.volume
    grid = Grid(
        first.atoms, total.reshape(first.shape, order="F"), "density", "charge density difference", str(first.source)
    )
    return grid, tuple(electrons)


def _pieces(head: GridHead) -> Iterator[tuple[int, np.ndarray]]:
    """Yield density times cell volume, first index fastest, and where each piece begins."""
    if is_whole(head.source):
        yield 0, read_grid(head.source, quantity="density").values.ravel(order="F") * head.atoms.cell.volume
        return
    with open_grid(head.source) as file:
        structure_of(file, head.source)
        yield from read_numbers(file, head.source, read_shape(file, head.source))
