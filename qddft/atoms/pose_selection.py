"""Choose poses that differ, the best of each kind first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from qddft.atoms.pose_symmetry import Album, FaceSymmetry, Shape

Item = TypeVar("Item")
# how far chosen poses are from each other, root mean square, Angstrom: at first, and where that leaves room for more
APART = (1.0, 0.5, 0.25)
# poses of one kind that are looked at in one round, so that a kind with thousands of alike poses holds nothing up
_LOOKS = 400


@dataclass(frozen=True)
class Kind(Generic[Item]):
    """Poses of one kind (a conformer at one place and height), best first.

    Attributes
    ----------
    lay
        Lays out the poses; called when the first of them is asked for.
    shape
        Gives the shape of a pose.
    usable
        Tells whether a pose may be chosen at all; asked only of those about to be chosen.
    """

    lay: Callable[[], Sequence[Item]]
    shape: Callable[[Item], Shape]
    usable: Callable[[Item], bool]

    @cached_property
    def items(self) -> Sequence[Item]:
        """The poses."""
        return self.lay()


def choose(kinds: Sequence[Kind[Item]], symmetry: FaceSymmetry, count: int, *, whole: bool = True) -> list[Item]:
    """Return up to ``count`` poses: in turn one of each kind, each time the best that differs from all chosen before.

    No two of them are closer than 0.25 Angstrom in the sense of ``Album``.

    Parameters
    ----------
    kinds
        Those to begin with first.
    symmetry
        Of the clean face.
    count
        How many at most.
    whole
        As in ``Album``.
    """
    chosen: list[Item] = []
    album = Album(symmetry, whole)
    for apart in APART:
        left = [(kind, _lazily(kind)) for kind in kinds]
        while left and len(chosen) < count:
            going_on = []
            for kind, rest in left:
                found = None if len(chosen) == count else _next_new(kind, rest, album, apart)
                if found is not None:
                    chosen.append(found)
                    going_on.append((kind, rest))
            left = going_on
    return chosen


def _lazily(kind: Kind[Item]) -> Iterator[Item]:
    yield from kind.items


def _next_new(kind: Kind[Item], rest: Iterator[Item], album: Album, apart: float) -> Item | None:
    """Return the next pose of a kind that differs from all in the album, and put it there."""
    for item in islice(rest, _LOOKS):
        shape = kind.shape(item)
        if album.closer(shape, apart) is None and kind.usable(item):
            album.add(shape)
            return item
    return None


def twins(shapes: Sequence[Shape], symmetry: FaceSymmetry, apart: float, *, whole: bool) -> list[int | None]:
    """Return for every shape the number of the earlier one it is a double of, ``None`` if it is no double.

    Parameters
    ----------
    shapes
        Best first.
    symmetry
        Of the clean face.
    apart
        Shapes closer than this are one, Angstrom.
    whole
        As in ``Album``.
    """
    album = Album(symmetry, whole)
    kept: list[int] = []
    found: list[int | None] = []
    for number, shape in enumerate(shapes):
        twin = album.closer(shape, apart)
        found.append(None if twin is None else kept[twin])
        if twin is None:
            album.add(shape)
            kept.append(number)
    return found


def tilt_of(positions: np.ndarray, head: np.ndarray) -> float:
    """Return the angle of a molecule from upright in face coordinates, degrees; 0 where it has no direction."""
    up = positions.mean(axis=0) - head
    length = float(np.linalg.norm(up))
    return float(np.degrees(np.arccos(np.clip(up[2] / length, -1.0, 1.0)))) if length > 0.3 else 0.0


def azimuth_of(positions: np.ndarray, head: np.ndarray) -> float:
    """Return the direction in the plane from a head to the atom farthest from it in the plane, degrees, 0 to 360."""
    flat = (positions - head)[:, :2]
    length = np.linalg.norm(flat, axis=1).round(3)
    if not len(flat) or length.max() < 0.1:
        return 0.0
    x, y = flat[int(length.argmax())]
    return float(np.degrees(np.arctan2(y, x)) % 360.0)
