"""The bulk crystals that come with qddft, each lattice constant with its source."""

from qddft.atoms.bulk_data import Bulk, find_bulk, read_bulks

__all__ = ["Bulk", "find_bulk", "list_bulks"]


def list_bulks() -> tuple[Bulk, ...]:
    """Return every crystal of the library, sorted by formula and phase."""
    return read_bulks()
