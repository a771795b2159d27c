"""Read what VASP, or any engine of qddft, has computed."""

from qddft.engines.vasp.read.cache import cached_outputs
from qddft.engines.vasp.read.dispatch import read_outputs
from qddft.engines.vasp.read.table_files import read_dos, read_eigenvalues, read_projected, read_trajectory

__all__ = ["cached_outputs", "read_dos", "read_eigenvalues", "read_outputs", "read_projected", "read_trajectory"]
