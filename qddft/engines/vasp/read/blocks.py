"""Where the ionic steps of a vasprun.xml lie."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qddft.engines.vasp.read.source import Source

_BULKY = (b"<eigenvalues", b"<dos", b"<projected", b"<dielectricfunction", b"<dynmat")
_TAG = b"calculation>"
_ATOMS = re.compile(rb"<atoms>\s*(\d+)\s*</atoms>")
_NONCOLLINEAR = re.compile(rb'name="LNONCOLLINEAR">\s*T')
_ENERGIES = re.compile(rb'name="NEDOS">\s*(\d+)')
_SPINS = re.compile(rb'name="ISPIN">\s*(\d+)')
# an archive of tar fills its last block of 10240 bytes with zeros
_TAIL = 16384
_PADDING = b"\0 \t\r\n"
# an ionic step follows the one before it at once
_NEXT_STEP = 200
# of one set of rows a level, the tags around it make up to this factor when there are few atoms
_LARGEST = 1.9


@dataclass(frozen=True)
class Block:
    """Offsets of one complete ``<calculation>``.

    Attributes
    ----------
    start, stop
        Its tags.
    scf_stop
        End of the last ``</scstep>``, where the results of the ionic step begin.
    bulky
        Where eigenvalues, density of states and the like begin, or the loops of linear response, which follow the
        results of the ground state.
    tables
        Behind the eigenvalues and projections of KPOINTS_OPT, which come before those of the mesh under the same names.
    """

    start: int
    scf_stop: int
    bulky: int
    tables: int
    stop: int


def blocks_of(source: Source) -> list[Block]:
    """Return all complete ionic steps."""
    begins, ends = calculations(source)
    return [block_of(source, *pair) for pair in zip(begins, ends, strict=False)]


def calculations(source: Source) -> tuple[list[int], list[int]]:
    """Return the offsets of all ``<calculation>`` and ``</calculation>``, in one pass over the file.

    The projections, most of a large file, are stepped over where their size is as expected.

    Raises
    ------
    OutputError
        The tags do not alternate.
    """
    begins: list[int] = []
    ends: list[int] = []
    for at in _tag_offsets(source):
        opens, closes = source.data[at - 1 : at] == b"<", source.data[at - 2 : at] == b"</"
        if (opens and len(begins) > len(ends)) or (closes and len(begins) <= len(ends)):
            raise source.damaged(
                at,
                "ionic steps are not opened and closed in turn here (did several images of a band write into this "
                "file? the OUTCAR of each image is sound)",
            )
        if opens:
            if ends and at - ends[-1] > _NEXT_STEP and source.data.find(b"<modeling>", ends[-1], at) >= 0:
                raise source.damaged(
                    ends[-1], "a second run begins behind here: several files were joined into this one"
                )
            begins.append(at - 1)
        elif closes:
            ends.append(at - 2)
    return begins, ends


def _tag_offsets(source: Source) -> Iterator[int]:
    first = source.data.find(_TAG)
    if first < 0:
        return
    start = first
    for gap in (*_gaps(source, first), (len(source.data), len(source.data))):
        at = source.data.find(_TAG, start, gap[0])
        while at >= 0:
            yield at
            at = source.data.find(_TAG, at + 1, gap[0])
        start = gap[1]


def _gaps(source: Source, first: int) -> list[tuple[int, int]]:
    """Return where projected densities of states and projections lie, if they have the size they should have.

    A size that does not fit means that something else lies between, and then everything is searched.
    """
    atoms = _ATOMS.search(source.data, 0, first)
    if atoms is None:
        return []
    spinors = 4 if _NONCOLLINEAR.search(source.data, 0, first) else 1
    n_atoms = int(atoms.group(1))
    densities = _densities(source, first, n_atoms, spinors)
    projections = _projections(source, first if densities is None else densities[1], n_atoms, spinors)
    return [gap for gap in (densities, projections) if gap is not None]


def _densities(source: Source, first: int, n_atoms: int, spinors: int) -> tuple[int, int] | None:
    """Return the projected densities of states: as many rows as energies, for every atom and spin."""
    energies, spins = _ENERGIES.search(source.data, 0, first), _SPINS.search(source.data, 0, first)
    begin = source.data.find(b"<partial>", first)
    if begin < 0 or energies is None or spins is None:
        return None
    rows = n_atoms * max(spinors, int(spins.group(1))) * int(energies.group(1))
    least = rows * _line_length(source, (begin, len(source.data)))
    end = source.data.find(b"</partial>", begin + least, begin + least + least // 5 + 10000)
    return None if end < 0 or not least else (begin, end)


def _projections(source: Source, first: int, n_atoms: int, spinors: int) -> tuple[int, int] | None:
    """Return the projections: a row for every level and atom; they are looked for from both ends of the file."""
    begin = source.data.find(b"<projected>", first)
    closing = source.data.rfind(b"</calculation>", begin) if begin >= 0 else -1
    end = source.data.rfind(b"</projected>", max(closing - 256, begin), closing) if closing >= 0 else -1
    levels_end = source.data.find(b"</eigenvalues>", begin, end) if end >= 0 else -1
    if levels_end < 0:
        return None
    level, row = (_line_length(source, span) for span in ((begin, levels_end), (levels_end, end)))
    expected = (levels_end - begin) / max(level, 1) * n_atoms * row * spinors
    fits = level and row and 0.9 < (end - levels_end) / expected < _LARGEST
    return (begin, end) if fits else None


def _line_length(source: Source, span: tuple[int, int]) -> int:
    """Return the length of the first row between two offsets, 0 without any."""
    at = source.data.find(b"<r>", *span)
    return source.data.find(b"\n", at, span[1]) - source.data.rfind(b"\n", 0, at) if at >= 0 else 0


def is_closed(source: Source) -> bool:
    """Return whether VASP closed the file."""
    tail = source.data[max(len(source.data) - _TAIL, 0) :]
    return tail.rstrip(_PADDING).endswith(b"</modeling>")


def block_of(source: Source, start: int, stop: int) -> Block:
    """Return the offsets inside one ionic step."""
    bulky = stop
    for tag in _BULKY:
        found = source.data.find(tag, start, bulky)
        bulky = found if found >= 0 else bulky
    structure = source.data.find(b"<structure", start, bulky)
    response = source.data.find(b"<scstep>", structure, bulky) if structure >= 0 else -1
    bulky = response if response >= 0 else bulky
    scf_stop = source.data.rfind(b"</scstep>", start, structure if structure >= 0 else bulky)
    tables = bulky
    if b"kpoints_opt" in source.data[bulky : bulky + 64]:
        tables = max(source.data.rfind(b"_kpoints_opt>", bulky, stop), bulky)
    return Block(start, max(scf_stop, start), bulky, tables, stop)
