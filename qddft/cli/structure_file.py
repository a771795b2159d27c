"""Structures to files, in any format ASE writes, whole or not at all; and what is printed about them."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.cli.console import place, say
from qddft.core.errors import FolderError, StructureError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

# formats that hold one structure and lose nothing a user would miss, for did-you-mean
COMMON_SUFFIXES = (".vasp", ".xyz", ".extxyz", ".cif", ".json", ".traj", ".pdb", ".xsf", ".gen", ".in")

NEED_A_CELL = ("vasp", "cif", "xsf", "espresso-in", "castep-cell")
BOX_PADDING = 7.5


def save_structure(atoms: "Atoms", path: Path) -> None:
    """Write a structure; POSCAR keeps the held atoms as selective dynamics and groups the species.

    Raises
    ------
    FolderError
        The folder is missing or cannot be written to.
    StructureError
        The name belongs to no format that ASE writes, or the format cannot hold this structure.
    """
    from ase.io import write

    kind = _format_of(path)
    if not path.parent.is_dir():
        raise FolderError(f"the folder {path.parent} does not exist; make it first, or give another -o")
    # ase.io.write would leave half a file behind when it fails
    try:
        with tempfile.TemporaryDirectory(prefix=".qddft-", dir=path.parent) as folder:
            draft = Path(folder) / path.name
            write(draft, _written_as(atoms, kind), format=kind, **_options(kind))
            draft.replace(path)
    except OSError as error:
        raise FolderError(f"{path} cannot be written: {error.strerror or error}") from error
    except (ValueError, TypeError, RuntimeError, KeyError, NotImplementedError) as error:
        raise StructureError(
            f"{path}: the format {kind!r} cannot hold this structure ({error}); take POSCAR, .xyz or .cif"
        ) from error


def describe(atoms: "Atoms", path: Path) -> None:
    """Print where a structure went, what it is made of, its cell and its formal charges."""
    counts = atoms.symbols.formula.count()
    say(f"wrote {place(path)}")
    say(f"atoms       {len(atoms)}: " + " ".join(f"{symbol}{count}" for symbol, count in counts.items()))
    if atoms.cell.rank == 3:
        lengths = " x ".join(f"{length:.3f}" for length in atoms.cell.lengths())
        angles = ", ".join(f"{angle:.1f}" for angle in atoms.cell.angles())
        say(f"cell        {lengths} Å, angles {angles}")
    note = atoms.info.get("qddft", {})
    for line in _crystal_lines(note):
        say(line)
    if "termination" in note:
        faces, held = note["termination"], int(note.get("fixed_layers", 0))
        say(f"faces       {faces['top']} above, {faces['bottom']} below; {note['layers']} layers, {held} of them held")
    for line in (*_ligand_lines(atoms), *_ledger_lines(atoms)):
        say(line)


def _crystal_lines(note: dict[str, Any]) -> list[str]:
    """Say which crystal it is, where its lattice comes from, and which composition a mixture reached."""
    bulk = note.get("bulk", {})
    if "source" not in bulk:
        return []
    lines = [
        f"crystal     {bulk['formula']} {bulk['phase']}, a = {bulk['a']:g} Å ({bulk['lattice']}: {bulk['source']})"
    ]
    if "asked" in bulk:
        lines.append(
            f"mixture     asked {bulk['asked']}, reached {bulk['formula']}; {bulk['order']}, seed {bulk['seed']}"
        )
        shells = ", ".join(f"{name} {value:+.3f}" for name, value in bulk.get("first_shell_order", {}).items())
        lines += [f"order       first-shell Warren-Cowley parameter {shells} (0 is random)"] if shells else []
    for name, shares in note.get("sublattices", {}).items():
        if len(shares) > 1:
            listed = ", ".join(f"{symbol} {share:.4g}" for symbol, share in shares.items())
            lines.append(f"{name} sites     {listed}")
    return [*lines, f"note        {bulk['note']}"] if "note" in bulk else lines


def _ligand_lines(atoms: "Atoms") -> list[str]:
    """Say how each ligand is held: mode, face, and the distances of its anchors."""
    lines = []
    note = atoms.info.get("qddft", {})
    if "shells" in note:
        return _shell_lines(note)
    for entry in note.get("fragments", [])[1:]:
        if "mode" not in entry:
            continue
        bonds = [
            f"{atoms.symbols[anchor]}{anchor}-{atoms.symbols[site]}{site} {distance:.2f} Å"
            for anchor, sites, distances in zip(entry["anchors"], entry["sites"], entry["distances"], strict=False)
            for site, distance in zip(sites, distances, strict=False)
        ]
        held = ", ".join(bonds) or "in the place of Cs, or over a hollow"
        lines.append(f"ligand      {entry['name']}, {entry['mode']}, {entry['face']} face: {held}")
    return lines


def _shell_lines(note: dict[str, Any]) -> list[str]:
    """Say how many ligands of each kind there are, and how far their anchors are from the surface."""
    kinds: dict[tuple[str, str], list[float]] = {}
    counts: dict[tuple[str, str], int] = {}
    for entry in note["fragments"][1:]:
        key = (str(entry["name"]), str(entry["mode"]))
        kinds.setdefault(key, []).extend(distance for row in entry["distances"] for distance in row)
        counts[key] = counts.get(key, 0) + 1
    return [
        f"ligands     {counts[key]} x {key[0]}, {key[1]}: "
        + (f"anchors at {min(found):.2f} to {max(found):.2f} Å" if found else "in the place of Cs, or over a hollow")
        for key, found in kinds.items()
    ]


def _ledger_lines(atoms: "Atoms") -> list[str]:
    from qddft.atoms.charge import charge_ledger

    *entries, total = charge_ledger(atoms).table().splitlines()
    return ["formal charges", *(f"  {line}" for line in entries), f"  {total}"]


def _format_of(path: Path) -> str:
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    try:
        kind = filetype(str(path), read=False)
    except UnknownFileTypeError as error:
        raise StructureError(_unknown(path)) from error
    if kind not in ioformats or not ioformats[kind].can_write:
        raise StructureError(_unknown(path))
    return str(kind)


def _unknown(path: Path) -> str:
    hint = (
        did_you_mean(path.suffix, COMMON_SUFFIXES) if path.suffix else f"Valid: POSCAR, {', '.join(COMMON_SUFFIXES)}."
    )
    return f"{path}: no format that can be written goes by this name. {hint}"


def _options(kind: str) -> dict[str, Any]:
    return {"direct": True} if kind == "vasp" else {}


def _written_as(atoms: "Atoms", kind: str) -> "Atoms":
    """Return a copy without the nested description, which only qddft's own JSON can hold, in a box where one is needed.

    The box of a molecule leaves 7.5 Angstrom on each side, as levels do.
    """
    copy = atoms.copy()
    copy.info = {}
    if kind in NEED_A_CELL and copy.cell.rank < 3:
        copy.center(vacuum=BOX_PADDING)
        copy.pbc = True
    if kind == "vasp":
        from qddft.engines.vasp.species import grouped

        # the order of the folders that `qddft write` makes, so that one POTCAR fits both
        copy = grouped(copy)
    return copy
