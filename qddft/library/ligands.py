"""The ligand library: ``structures/ligands/*.toml``, read without loading any heavy package."""

import re
import tomllib
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import LigandError
from qddft.core.resources import data_folder
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from rdkit.Chem import Mol

    from qddft.atoms.ligand import Ligand

_FILE_SUFFIXES = frozenset(
    {".xyz", ".extxyz", ".sdf", ".mol", ".mol2", ".smi", ".smiles", ".pdb", ".vasp", ".cif", ".traj", ".json", ".gen"}
)
_LONGEST_PATH = 255  # a longer text is a SMILES; asking the file system for it is an error of its own
_UNICODE = str.maketrans({"⁻": "-", "−": "-", "–": "-", "⁺": "+", "₂": "2", "₃": "3", "₄": "4", "₆": "6"})


@dataclass(frozen=True)
class LigandRecord:
    """One entry of the library; nothing in it needs a chemistry package.

    Attributes
    ----------
    name, synonyms
        Names it answers to, upper and lower case alike.
    formula
        Hill formula without the charge.
    charge
        Formal charge, e.
    smiles
        SMILES in whose written order atoms are numbered from 0.
    anchors
        Groups of atom numbers that bind together, best group first.
    source
        Citations.
    acid
        Name of the acid form of an anion.
    note
        What else a reader should know.
    """

    name: str
    synonyms: tuple[str, ...]
    formula: str
    charge: int
    smiles: str
    anchors: tuple[tuple[int, ...], ...]
    source: str
    acid: str | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON form, as printed by ``qddft ligands --json``."""
        return asdict(self)


@lru_cache(maxsize=1)
def list_ligands() -> tuple[LigandRecord, ...]:
    """Return all ligands of the library, sorted by name."""
    folder = data_folder("structures")
    sources = tomllib.loads((folder / "sources.toml").read_text(encoding="utf-8"))
    records = (_read_record(path, sources) for path in (folder / "ligands").glob("*.toml"))
    return tuple(sorted(records, key=lambda record: record.name))


def _read_record(path: Path, sources: dict[str, str]) -> LigandRecord:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return LigandRecord(
        name=data["name"],
        synonyms=tuple(data["synonyms"]),
        formula=data["formula"],
        charge=data["charge"],
        smiles=data["smiles"],
        anchors=tuple(tuple(group) for group in data["anchors"]),
        source="; ".join(sources[key] for key in data["sources"]),
        acid=data.get("acid"),
        note=data.get("note", ""),
    )


def find_record(name: str) -> LigandRecord | None:
    """Return the library entry of a name or synonym, ``None`` if there is none."""
    return _by_name().get(_plain(name))


def get_ligand(ligand: str | Path, *, seed: int = 0, charge: int | None = None) -> "Ligand":
    """Return a ligand by library name, synonym, SMILES or structure file, in its lowest conformer.

    Parameters
    ----------
    ligand
        For instance ``"oleic acid"``, ``"OA"``, ``"CC(=O)[O-]"`` or ``"molecule.xyz"``. A SMILES may carry map
        numbers on the atoms that bind.
    seed
        Seed of the conformer search; a file keeps its own coordinates.
    charge
        Formal charge, e: needed for charged molecules in files without bonds (xyz), checked otherwise.

    Raises
    ------
    LigandError
        The name is unknown, the SMILES or file cannot be read or contradicts ``charge``, or nothing in it can bind.
    """
    text = str(ligand).strip()
    if not text:
        raise LigandError("the ligand is empty; give a name of `qddft ligands`, a SMILES or a structure file")
    record = find_record(text) if isinstance(ligand, str) else None
    if record is not None:
        return _from_record(record, seed=seed, charge=charge)
    if isinstance(ligand, Path) or _is_path(text):
        return _from_file(Path(text), seed=seed, charge=charge)
    return _from_smiles(text, seed=seed, charge=charge)


@lru_cache(maxsize=128)
def _from_smiles(text: str, *, seed: int, charge: int | None) -> "Ligand":
    from qddft.atoms.molecule import in_written_order, ligand_from_mol
    from qddft.atoms.smiles import looks_like_smiles, parse_smiles

    if not looks_like_smiles(text):
        close = did_you_mean(text, _names())
        hint = close if close.startswith("Did") else "`qddft ligands` lists the names."
        raise LigandError(f"no ligand is called {text!r}. {hint} A SMILES or a structure file works too.")
    mol, _ = in_written_order(parse_smiles(text))
    record = same_molecule(mol)
    by_hand = any(atom.GetAtomMapNum() for atom in mol.GetAtoms())
    if record is not None and not by_hand and _same_smiles(mol, record):
        return _from_record(record, seed=seed, charge=charge)
    found = ligand_from_mol(mol, name=record.name if record else None, seed=seed, charge=charge, source="SMILES")
    return _named(found, record)


def _from_file(path: Path, *, seed: int, charge: int | None) -> "Ligand":
    from qddft.atoms.molecule import ligand_from_mol
    from qddft.atoms.molecule_files import SMILES_FILES, read_molecule, read_smiles

    if path.suffix.lower() in SMILES_FILES:
        return _from_smiles(read_smiles(path), seed=seed, charge=charge)
    mol, positions = read_molecule(path, charge=charge)
    record = same_molecule(mol)
    name = record.name if record else path.stem
    source = f"structure file {path.name}"
    return _named(ligand_from_mol(mol, name=name, seed=seed, charge=charge, source=source, positions=positions), record)


@lru_cache(maxsize=128)
def _from_record(record: LigandRecord, *, seed: int, charge: int | None) -> "Ligand":
    from qddft.atoms.molecule import ligand_from_mol
    from qddft.atoms.smiles import parse_smiles

    found = ligand_from_mol(
        parse_smiles(record.smiles),
        name=record.name,
        smiles=record.smiles,
        seed=seed,
        charge=charge,
        source=record.source,
    )
    kinds = dict(zip(found.anchors, found.anchor_kinds, strict=True))
    kinds |= {group[::-1]: kind for group, kind in kinds.items()}
    listed = tuple(kinds.get(group, "by hand") for group in record.anchors)
    return _named(replace(found, anchors=record.anchors, anchor_kinds=listed), record)


def protonated(ligand: "Ligand", *, group: str | None = None) -> "Ligand":
    """Return the ligand with one more proton: acetic acid for acetate, oleylammonium for oleylamine.

    Parameters
    ----------
    ligand
        A truncated ligand gives the truncated acid.
    group
        Where the proton goes (``qddft.atoms.protonation.ACCEPTORS``); the strongest base if not given.

    Raises
    ------
    LigandError
        Nothing takes a proton, or no such group is there.
    """
    from qddft.atoms.protonation import protonated_smiles

    return _other_form(ligand, partial(protonated_smiles, group=group))


def deprotonated(ligand: "Ligand", *, group: str | None = None) -> "Ligand":
    """Return the ligand with one proton less: acetate for acetic acid, oleylamine for oleylammonium.

    Parameters
    ----------
    ligand
        A truncated ligand gives the truncated base.
    group
        Where the proton comes from (``qddft.atoms.protonation.DONORS``); the strongest acid if not given.

    Raises
    ------
    LigandError
        Nothing gives a proton, or no such group is there.
    """
    from qddft.atoms.protonation import deprotonated_smiles

    return _other_form(ligand, partial(deprotonated_smiles, group=group))


def dissociated(ligand: "Ligand", *, group: str | None = None) -> "tuple[Ligand, Ligand]":
    """Return the base and the proton of an acid, to be attached one after the other.

    The base goes on a cation and the proton on a named halide, ``attach(with_base, proton, site=index)``: the charges
    cancel, and the result is compared with the intact acid, which has the same atoms.

    Parameters
    ----------
    ligand
        An acid, an ammonium ...
    group
        As ``deprotonated``.

    Raises
    ------
    LigandError
        Nothing gives a proton, or no such group is there.
    """
    return deprotonated(ligand, group=group), get_ligand("proton")


def ions_of(pair: "Ligand") -> "tuple[Ligand, ...]":
    """Return the ions of an ion pair, for sites of their own: guanidinium and iodide of GAI.

    Raises
    ------
    LigandError
        The ligand is one molecule, or a pair whose chains were cut (cut the chains of the ions instead).
    """
    if len(pair.components) == 1:
        raise LigandError(f"{pair.name} is one molecule, not an ion pair")
    if pair.truncated_from is not None:
        raise LigandError(f"{pair.name} was truncated; take the ions of {pair.truncated_from.name} and truncate those")
    return tuple(get_ligand(ion, seed=pair.seed) for ion in pair.smiles.split("."))


def _other_form(ligand: "Ligand", shift: "Callable[[Ligand], str]") -> "Ligand":
    """Shift a proton; of a truncated ligand, in the whole molecule too, for the record."""
    other = get_ligand(shift(ligand), seed=ligand.seed)
    if ligand.truncated_from is None:
        return other
    cut = ligand.truncated_from
    whole = get_ligand(shift(get_ligand(cut.smiles)))
    suffix = ligand.name.removeprefix(cut.name)
    record = replace(cut, name=whole.name, formula=whole.formula, smiles=whole.smiles)
    return replace(other, name=whole.name + suffix, source=whole.source, synonyms=(), truncated_from=record)


def _named(ligand: "Ligand", record: LigandRecord | None) -> "Ligand":
    if record is None:
        return ligand
    return replace(ligand, synonyms=record.synonyms, acid=record.acid)


def same_molecule(mol: "Mol") -> LigandRecord | None:
    """Return the library entry of a molecule; either enantiomer of a racemic entry counts as that entry."""
    from qddft.atoms.smiles import canonical_smiles, without_centers

    by_smiles = _by_canonical_smiles()
    return by_smiles.get(canonical_smiles(mol)) or by_smiles.get(canonical_smiles(without_centers(mol)))


def _same_smiles(mol: "Mol", record: LigandRecord) -> bool:
    from qddft.atoms.smiles import canonical_smiles

    return _by_canonical_smiles().get(canonical_smiles(mol)) == record


@lru_cache(maxsize=1)
def _by_canonical_smiles() -> dict[str, LigandRecord]:
    from qddft.atoms.smiles import canonical_smiles, parse_smiles

    return {canonical_smiles(parse_smiles(record.smiles)): record for record in list_ligands()}


@lru_cache(maxsize=1)
def _by_name() -> dict[str, LigandRecord]:
    return {_plain(name): record for record in list_ligands() for name in (record.name, *record.synonyms)}


def _names() -> list[str]:
    return [name for record in list_ligands() for name in (record.name, *record.synonyms)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", " ", name.translate(_UNICODE).strip().casefold())


def _is_path(text: str) -> bool:
    if len(text) > _LONGEST_PATH:
        return False
    path = Path(text)
    return path.suffix.lower() in _FILE_SUFFIXES or path.name.startswith(("POSCAR", "CONTCAR")) or path.is_file()
