"""The large tables of vasprun.xml, parsed in bulk and only when they are asked for."""

import re

import numpy as np

from qddft.engines.vasp.read.blocks import Block, blocks_of
from qddft.engines.vasp.read.levels import count_spins, fermi_level, kpoints, levels
from qddft.engines.vasp.read.numbers import table
from qddft.engines.vasp.read.readings import Structure
from qddft.engines.vasp.read.source import Source
from qddft.engines.vasp.read.vasprun import free_energies, step_structure
from qddft.engines.vasp.read.vasprun_header import forces_or_stress, read_header
from qddft.outputs.tables import DensityOfStates, Eigenvalues, MissingTableError, Projections, Trajectory

_FIELD = re.compile(rb"<field[^>]*>([^<]*)</field>")
_NONCOLLINEAR = re.compile(rb'name="LNONCOLLINEAR">\s*T')


def vasprun_eigenvalues(source: Source) -> Eigenvalues:
    """Return the eigenvalues of the last ionic step.

    Raises
    ------
    OutputError
        There are none, or the table is cut.
    """
    block = _last_block(source)
    points, weights = kpoints(source)
    values = levels(source, block, len(weights))
    noncollinear = _NONCOLLINEAR.search(source.data, 0, block.start) is not None
    return Eigenvalues(points, weights, values[..., 0], values[..., 1], fermi_level(source, block), noncollinear)


def vasprun_dos(source: Source) -> DensityOfStates:
    """Return the density of states of the last ionic step, projected where the run projected it.

    Raises
    ------
    OutputError
        There is none, or a table is cut.
    """
    block = _last_block(source)
    begin = source.data.find(b"<dos>", block.tables, block.stop)
    total = source.between(b"<total>", b"</total>", begin, block.stop) if begin >= 0 else None
    if total is None:
        raise MissingTableError(f"{source.path}: the run wrote no density of states")
    spins = count_spins(source, total)
    rows = table(source, total, b"r", 3)
    if not spins or not len(rows) or len(rows) % spins:
        raise source.damaged(total[0], f"{len(rows)} rows of the density of states do not fit {spins} spins")
    values = rows.reshape(spins, -1, 3)
    # of spinors the density is followed by its moments, which are no spin channels
    values = values[:1] if spins == 4 else values
    partial, orbitals = _partial(source, (total[1], block.stop), values.shape[1])
    atoms = _structure(source, block).to_atoms()
    if partial is not None:
        if not len(atoms) or partial.shape[0] % len(atoms):
            raise source.damaged(total[1], f"the projections do not fit {len(atoms)} atoms")
        by_atom = partial.reshape(len(atoms), -1, values.shape[1], len(orbitals))
        partial = by_atom.transpose(1, 0, 3, 2)
    return DensityOfStates(
        atoms, values[0, :, 0], values[..., 1], values[..., 2], partial, orbitals, fermi_level(source, block)
    )


def vasprun_projections(source: Source) -> Projections:
    """Return the weights of atomic orbitals in every level of the last ionic step.

    Raises
    ------
    OutputError
        The run projected nothing (LORBIT), or the table is cut.
    """
    block = _last_block(source)
    begin = source.data.find(b"<projected>", block.tables, block.stop)
    begin = source.data.find(b"</eigenvalues>", begin, block.stop) if begin >= 0 else -1
    inner = source.between(b"<array>", b"</array>", begin, block.stop) if begin >= 0 else None
    if inner is None:
        if source.data.find(b"<projected>", block.tables, block.stop) >= 0:
            raise source.damaged(block.tables, "the projections behind here lack their levels or their table")
        raise MissingTableError(f"{source.path}: the run wrote no projections (LORBIT = 10, 11 or 12 does)")
    eigenvalues = vasprun_eigenvalues(source)
    atoms = _structure(source, block).to_atoms()
    orbitals = _fields(source, inner)
    if not orbitals:
        raise source.damaged(inner[0], "the table of the projections does not name its orbitals (<field>)")
    _, n_kpoints, bands = eigenvalues.energies.shape
    weights = table(source, inner, b"r", len(orbitals))
    components, rest = divmod(len(weights), max(n_kpoints * bands * len(atoms), 1))
    if rest or components not in (1, 2, 4):
        raise source.damaged(
            inner[0], f"{len(weights)} rows do not fit {n_kpoints} k-points, {bands} bands and {len(atoms)} atoms"
        )
    shape = (components, n_kpoints, bands, len(atoms), len(orbitals))
    return Projections(atoms, weights.reshape(shape), orbitals, eigenvalues)


def vasprun_trajectory(source: Source) -> Trajectory:
    """Return all complete ionic steps.

    Raises
    ------
    OutputError
        There is none, or a step is damaged.
    """
    blocks = blocks_of(source)
    if not blocks:
        raise source.damaged(len(source.data), "no ionic step was completed")
    header = read_header(source, blocks[0].start, complete=True)
    initial = header["initial"]
    structures = [step_structure(source, block, initial) for block in blocks]
    energies = free_energies(source, blocks, header)
    shape = (len(initial.symbols), 3)
    forces = []
    for block in blocks:
        span = (block.scf_stop, block.bulky)
        found = forces_or_stress(source, b'<varray name="forces"', span, len(initial.symbols))
        forces.append(np.full(shape, np.nan) if found is None else found)
    return Trajectory(
        initial.symbols,
        np.array([structure.cell for structure in structures]),
        np.array([structure.scaled @ structure.cell for structure in structures]),
        energies[:, 1],
        energies[:, 0],
        np.array(forces),
    )


def _last_block(source: Source) -> Block:
    blocks = blocks_of(source)
    if not blocks:
        raise source.damaged(len(source.data), "no ionic step was completed")
    return blocks[-1]


def _structure(source: Source, block: Block) -> Structure:
    # with an ionic step behind it no section of the head may be missing
    return step_structure(source, block, read_header(source, block.start, complete=True)["initial"])


def orbital_name(name: str) -> str:
    """Return one name for an orbital in every version: VASP 5 writes ``dx2`` where VASP 6 writes ``x2-y2``."""
    stripped = name.strip()
    return "dx2-y2" if stripped in ("dx2", "x2-y2") else stripped


def _fields(source: Source, span: tuple[int, int]) -> tuple[str, ...]:
    """Return the names of the columns, declared before the first set of a table."""
    first = source.data.find(b"<set", *span)
    names = _FIELD.findall(source.data[span[0] : max(first, span[0])])
    return tuple(orbital_name(name.decode("latin-1")) for name in names)


def _partial(source: Source, span: tuple[int, int], n_energies: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return the projected densities row by row, shape (n_sets, n_energies, n_orbitals), and the orbitals."""
    inner = source.between(b"<partial>", b"</partial>", *span)
    if inner is None:
        return None, ()
    _, *orbitals = _fields(source, inner) or ("",)
    rows = table(source, inner, b"r", len(orbitals) + 1)
    if not len(rows) or len(rows) % n_energies:
        raise source.damaged(inner[0], f"{len(rows)} rows do not fit {n_energies} energies")
    return rows[:, 1:].reshape(-1, n_energies, len(orbitals)), tuple(orbitals)
