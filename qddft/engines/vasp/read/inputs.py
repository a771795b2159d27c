"""The input files beside a calculation: INCAR, KPOINTS, POSCAR, CONTCAR and the titles of the potentials."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.incar import Incar, read_incar
from qddft.engines.vasp.read.kpoints import read_kpoints
from qddft.engines.vasp.read.numbers import to_float
from qddft.engines.vasp.read.poscar import read_poscar
from qddft.engines.vasp.read.readings import KMesh, Structure
from qddft.engines.vasp.read.source import read_text_file
from qddft.engines.vasp.read.vasprun_header import symbol_of_title

_SUFFIXES = ("", ".gz", ".bz2", ".xz")
_TITLE = re.compile(r"^\s*TITEL\s*=\s*(.+?)\s*$", re.MULTILINE)
_VALENCE = re.compile(r"ZVAL\s*=\s*(\S+)")
_ENMAX = re.compile(r"ENMAX\s*=\s*([^\s;]+)")


@dataclass(frozen=True)
class Potentials:
    """Titles of the potentials and, from a whole POTCAR, their valences and largest recommended cutoff (eV)."""

    titles: tuple[str, ...]
    valences: tuple[float, ...] = ()
    enmax: float | None = None


@dataclass(frozen=True)
class Inputs:
    """What lies beside the outputs; ``None`` is absent or in ``unread``, ``problems`` tells what could not be read."""

    incar: Incar | None = None
    kpoints: KMesh | None = None
    poscar: Structure | None = None
    contcar: Structure | None = None
    potentials: Potentials | None = None
    problems: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Nothing that says how a calculation is set up."""
        return self.incar is None and self.poscar is None


def read_inputs(folder: Path) -> Inputs:
    """Read the input files of a folder; one that cannot be read becomes a sentence in ``problems``."""
    problems: list[str] = []
    found: dict[str, object] = {}
    unread: set[str] = set()
    readers = (
        ("potentials", "POTCAR", read_potcar), ("potentials", "POTCAR.spec", read_potcar),
        ("incar", "INCAR", read_incar), ("kpoints", "KPOINTS", read_kpoints), ("poscar", "POSCAR", read_poscar),
        ("contcar", "CONTCAR", read_poscar),
    )  # fmt: skip
    for key, name, reader in readers:
        path = _present(folder, name)
        if path is None or key in found:
            continue
        try:
            found[key] = read_poscar(path, _elements(found)) if reader is read_poscar else reader(path)
        except OutputError as error:
            problems.append(str(error))
            unread.add(key)
    return Inputs(**found, problems=tuple(problems), unread=frozenset(unread))  # type: ignore[arg-type]


def _elements(found: Mapping[str, object]) -> tuple[str, ...]:
    """Return the elements of the potentials, in their order; none where there are no potentials."""
    potentials = found.get("potentials")
    try:
        return tuple(map(symbol_of_title, potentials.titles)) if isinstance(potentials, Potentials) else ()
    except ValueError:
        return ()


def read_potcar(path: Path) -> Potentials:
    """Return the titles of a POTCAR, of a ``POTCAR.spec`` (one symbol or title a line) or of its JSON form.

    Raises
    ------
    OutputError
        The file names no potential.
    """
    text = read_text_file(path, limit=1 << 28)
    titles = tuple(" ".join(title.split()) for title in _TITLE.findall(text))
    if titles:
        valences = tuple(value for value in map(to_float, _VALENCE.findall(text)) if value is not None)
        enmax = [value for value in map(to_float, _ENMAX.findall(text)) if value is not None]
        return Potentials(titles, valences, max(enmax, default=None))
    titles = _spec(text)
    if not titles:
        raise OutputError(f"{path} names no potential (no line TITEL = ..., no symbols)")
    return Potentials(titles)


def _spec(text: str) -> tuple[str, ...]:
    if text.lstrip().startswith("["):
        try:
            entries = json.loads(text)
        except json.JSONDecodeError:
            return ()
        return tuple(str(entry.get("titel", "")) for entry in entries if isinstance(entry, dict))
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return tuple(" ".join(line.split()) for line in lines if re.match(r"(PAW\S*\s+)?[A-Z][a-z]?(_\S+)?(\s|$)", line))


def _present(folder: Path, name: str) -> Path | None:
    return next((folder / (name + suffix) for suffix in _SUFFIXES if (folder / (name + suffix)).is_file()), None)
