"""PAW data sets: which one stands for an element, and the POTCAR from the user's own library.

VASP's data sets are licensed. qddft contains none of their content: only their names, titles, electron counts and
cutoffs, which the literature quotes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qddft.core.errors import EngineError
from qddft.core.suggest import did_you_mean

FUNCTIONAL = "PBE_54"
# lines of the head of a data set that name it
_HEADER = {
    "TITEL": re.compile(r"\bTITEL\s*=\s*(\S[^\n]*)"),
    "ZVAL": re.compile(r"\bZVAL\s*=\s*(\d+\.?\d*)"),
    "LEXCH": re.compile(r"\bLEXCH\s*=\s*(\w+)"),
}


@dataclass(frozen=True)
class Potential:
    """What names one PAW data set.

    Attributes
    ----------
    element
        Chemical symbol.
    symbol
        Name of the data set in the library, for instance ``Cs_sv``.
    titles
        Allowed values of TITEL.
    n_electrons
        ZVAL, valence electrons.
    cutoff_eV
        ENMAX, eV; ``None`` where no source is at hand.
    """

    element: str
    symbol: str
    titles: tuple[str, ...]
    n_electrons: float
    cutoff_eV: float | None = None

    @property
    def title(self) -> str:
        """The title; the name where none is known, or more than one allowed."""
        return self.titles[0] if len(self.titles) == 1 else self.symbol


def _known(symbol: str, date: str, n_electrons: int, cutoff_eV: float) -> Potential:
    return Potential(symbol.partition("_")[0], symbol, (f"PAW_PBE {symbol} {date}",), n_electrons, cutoff_eV)


# ENMAX and ZVAL: pyiron-resources vasp/potentials/potentials_vasp.csv; dates: pymatgen potcar-summary-stats, PBE_54
_TABLE = {
    item.symbol: item
    for item in (
        _known("Cs_sv", "08Apr2002", 9, 220.318),
        _known("Pb_d", "06Sep2000", 14, 237.835),
        _known("Cl", "06Sep2000", 7, 262.472),
        _known("Br", "06Sep2000", 7, 216.285),
        _known("I", "08Apr2002", 7, 175.647),
        _known("C", "08Apr2002", 4, 400.0),
        _known("H", "15Jun2001", 1, 250.0),
        _known("O", "08Apr2002", 6, 400.0),
        _known("N", "08Apr2002", 5, 400.0),
        _known("S", "06Sep2000", 6, 258.689),
        _known("P", "06Sep2000", 5, 255.04),
        _known("F", "08Apr2002", 7, 400.0),
    )
}


def potentials(elements: Iterable[str], chosen: Mapping[str, str] | None = None) -> tuple[Potential, ...]:
    """Return the data set of each element, in the order given.

    Parameters
    ----------
    elements
        Chemical symbols.
    chosen
        Element -> data set where the recommended one is not wanted.

    Raises
    ------
    EngineError
        No such data set is known for PBE.
    """
    return tuple(_potential(element, (chosen or {}).get(element)) for element in elements)


def _potential(element: str, chosen: str | None) -> Potential:
    symbol = chosen or _recommended().get(element)
    if symbol is None:
        raise EngineError(f"no PAW data set is recommended for {element}; name one under engines.vasp.potcar")
    if symbol.partition("_")[0] != element:
        raise EngineError(f"engines.vasp.potcar gives {element} the data set {symbol!r} of another element")
    return _TABLE.get(symbol) or _from_pymatgen(element, symbol)


@cache
def _recommended() -> Mapping[str, str]:
    """Return element -> data set: Cs_sv, Pb_d, the plain ones of the table, else what pymatgen's PBE_54 sets use."""
    from pymatgen.io.vasp.sets import MPScanRelaxSet

    others: dict[str, str] = dict(MPScanRelaxSet.CONFIG["POTCAR"])
    return others | {item.element: item.symbol for item in _TABLE.values()}


@cache
def _from_pymatgen(element: str, symbol: str) -> Potential:
    """Look a data set up among the titles and electron counts that pymatgen lists."""
    from pymatgen.io.vasp.inputs import _load_potcar_summary_stats

    known: Mapping[str, list[dict[str, Any]]] = _load_potcar_summary_stats()[FUNCTIONAL]
    found = {
        title: entry["ZVAL"]
        for title, entries in known.items()
        for entry in entries
        if entry["symbol"] == symbol and entry["LEXCH"] == "PE"
    }
    if not found or len(set(found.values())) != 1:
        names = {entry["symbol"] for entries in known.values() for entry in entries}
        same = [name for name in names if name.partition("_")[0] == element]
        raise EngineError(f"there is no single {FUNCTIONAL} data set {symbol!r}. {did_you_mean(symbol, same)}")
    titles = tuple(f"PAW_PBE {symbol} {title[-9:]}" for title in sorted(found))
    return Potential(element, symbol, titles, next(iter(found.values())))


def library_folder() -> Path | None:
    """Return the user's POTCAR library: ``PMG_VASP_PSP_DIR`` of the environment or of pymatgen's settings."""
    import os

    from pymatgen.core import SETTINGS

    given = os.environ.get("PMG_VASP_PSP_DIR") or SETTINGS.get("PMG_VASP_PSP_DIR")
    return Path(given).expanduser() if given else None


def build_potcar(wanted: Iterable[Potential], library: Path) -> str:
    """Return the text of POTCAR, data sets in the order given, each checked.

    Raises
    ------
    EngineError
        There is no such folder, a file is missing, or its TITEL, ZVAL or functional is not what is expected.
    """
    if not library.is_dir():
        raise EngineError(f"PMG_VASP_PSP_DIR names {library}, which is no folder; correct it, or unset it")
    return "".join(_checked(item, *_read(item, library)) for item in wanted)


def _read(item: Potential, library: Path) -> tuple[str, Path]:
    from monty.io import zopen

    folders = (library / library_subfolder(), library)
    names = (f"POTCAR.{item.symbol}", f"{item.symbol}/POTCAR")
    tried = [folder / (name + end) for folder in folders for name in names for end in ("", ".gz", ".bz2", ".xz", ".Z")]
    for path in tried:
        if path.is_file():
            with zopen(path, mode="rt", encoding="utf-8") as file:
                return str(file.read()), path
    places = ", ".join(str(path) for path in tried[::5])
    raise EngineError(
        f"the POTCAR library {library} has no {item.symbol}; looked for {places} (plain or compressed). "
        "Correct PMG_VASP_PSP_DIR, or unset it to get a POTCAR.spec instead"
    )


def library_subfolder() -> str:
    """Return the folder of the functional in the layout that pymatgen uses."""
    from pymatgen.io.vasp.inputs import PotcarSingle

    return str(PotcarSingle.functional_dir[FUNCTIONAL])


def _checked(item: Potential, text: str, path: Path) -> str:
    found = {key: match[1] for key, pattern in _HEADER.items() if (match := pattern.search(text))}
    if len(found) < len(_HEADER):
        raise EngineError(f"{path} is no POTCAR: no {' '.join(key for key in _HEADER if key not in found)} in it")
    title = " ".join(found["TITEL"].split())
    if title not in item.titles:
        raise EngineError(
            f"{path} has TITEL {title!r}, expected {' or '.join(map(repr, item.titles))}: energies from other data "
            "sets are not comparable. Point PMG_VASP_PSP_DIR to the PBE_54 library, or choose the data set under "
            "engines.vasp.potcar for every job"
        )
    if float(found["ZVAL"]) != item.n_electrons:
        raise EngineError(
            f"{path} has ZVAL {found['ZVAL']}, the charge ledger counts {item.n_electrons:g} electrons for "
            f"{item.element}; the file is damaged or of another library"
        )
    if found["LEXCH"] != "PE":
        raise EngineError(f"{path} was made for the functional {found['LEXCH']}, not for PBE (PE)")
    return text if text.endswith("\n") else text + "\n"
