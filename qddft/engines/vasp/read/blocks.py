"""Where the ionic steps of a vasprun.xml lie."""

from dataclasses import dataclass

from qddft.engines.vasp.read.source import Source

_BULKY = (b"<eigenvalues", b"<dos", b"<projected", b"<dielectricfunction", b"<dynmat")


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
        Where eigenvalues, density of states and the like begin.
    """

    start: int
    scf_stop: int
    bulky: int
    stop: int


def blocks_of(source: Source) -> list[Block]:
    """Return all complete ionic steps."""
    begins, ends = calculations(source)
    return [block_of(source, *pair) for pair in zip(begins, ends, strict=False)]


def calculations(source: Source) -> tuple[list[int], list[int]]:
    """Return the offsets of all ``<calculation>`` and ``</calculation>``, in one pass over the file.

    Raises
    ------
    OutputError
        They do not alternate.
    """
    begins: list[int] = []
    ends: list[int] = []
    at = source.data.find(b"calculation>")
    while at >= 0:
        opens, closes = source.data[at - 1 : at] == b"<", source.data[at - 2 : at] == b"</"
        if (opens and len(begins) > len(ends)) or (closes and len(begins) <= len(ends)):
            raise source.damaged(at, "ionic steps are not opened and closed in turn here")
        if opens:
            begins.append(at - 1)
        elif closes:
            ends.append(at - 2)
        at = source.data.find(b"calculation>", at + 1)
    return begins, ends


def is_closed(source: Source) -> bool:
    """Return whether VASP closed the file."""
    tail = source.data[max(len(source.data) - 4096, 0) :]
    return tail.rstrip().endswith(b"</modeling>")


def block_of(source: Source, start: int, stop: int) -> Block:
    """Return the offsets inside one ionic step."""
    bulky = stop
    for tag in _BULKY:
        found = source.data.find(tag, start, bulky)
        bulky = found if found >= 0 else bulky
    scf_stop = source.data.rfind(b"</scstep>", start, bulky)
    return Block(start, max(scf_stop, start), bulky, stop)
