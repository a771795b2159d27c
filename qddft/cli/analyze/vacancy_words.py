"""What ``qddft analyze vacancy`` is told in words: counts, potentials, charges and their corrections, layers."""

from pathlib import Path
from typing import TYPE_CHECKING

from qddft.core.errors import ChargeError, ReferenceSchemeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qddft.recipes.charge_states import ChargeScheme
    from qddft.recipes.vacancy_of_folders import Potential, Potentials

PRISTINE = "pristine"


def folders(path: Path) -> list[Path]:
    """Return the calculations of a path: itself, or the folders in it where it holds no calculation."""
    from qddft.engines.vasp.read.dispatch import result_files

    if not path.is_dir() or (path / "outputs.json").is_file() or result_files(path):
        return [path]
    return sorted(item for item in path.iterdir() if item.is_dir()) or [path]


def counts(removed: "Sequence[str]") -> dict[str, int]:
    """Return atoms by element from ``I=1`` ...

    Raises
    ------
    ReferenceSchemeError
        Not of this form.
    """
    found = {}
    for name, value in map(_pair, removed):
        try:
            found[name] = int(value)
        except ValueError as error:
            raise ReferenceSchemeError(f"{name}={value}: the number of atoms has to be a whole number") from error
    return found


def potentials_of(mu: "Sequence[str] | None") -> "Potentials":
    """Return chemical potentials from ``I=-1.5``, ``I=DIR`` or ``I-rich:I=-1.5`` ...

    Raises
    ------
    ReferenceSchemeError
        There are none, or one is not of these forms.
    """
    if not mu:
        raise ReferenceSchemeError("no chemical potentials: give --mu for what was removed, or --target and --phases")
    if any(":" in text.partition("=")[0] for text in mu):
        return _by_limit(mu)
    found: dict[str, Potential] = {}
    for name, value in map(_pair, mu):
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = Path(value)
    return found


def charges_of(
    defects: "Sequence[Path]", charges: "Sequence[int] | None", *, unfinished: bool = False
) -> dict[int, Path]:
    """Return the defects by charge: as stated, else as their files say, neutral where they do not.

    Raises
    ------
    ChargeError
        Not one charge for each defect, or one charge twice.
    OutputError
        A folder cannot be read.
    """
    if charges is not None and len(charges) != len(defects):
        raise ChargeError(f"{len(defects)} --defect need as many --charge, not {len(charges)}")
    found: dict[int, Path] = {}
    for index, path in enumerate(defects):
        charge = charges[index] if charges is not None else _charge(path, unfinished)
        if charge in found:
            raise ChargeError(f"{found[charge]} and {path} have one charge, {charge:+d}; give one of them")
        found[charge] = path
    return found


def scheme_of(
    charges: "dict[int, Path]", *, vbm: str | None, fermi: float, corrections: "Sequence[str]", method: str
) -> "ChargeScheme":
    """Return what the energies of charged defects need.

    Raises
    ------
    ChargeError
        A charged defect without its valence band maximum, correction or method.
    """
    from qddft.recipes.charge_states import ChargeScheme

    charged = [charge for charge in charges if charge]
    by_charge = _corrections(corrections, charged)
    missing = [
        flag
        for flag, given in (
            ("--vbm EV, or --vbm pristine (valence band maximum)", vbm is not None),
            (f"--correction {' --correction '.join(f'{q:+d}=EV' for q in charged)}", bool(corrections)),
            ("--method NAME (of the correction)", bool(method)),
        )
        if not given
    ]
    if charged and missing:
        shown = ", ".join(f"{q:+d}" for q in charged)
        raise ChargeError(
            f"a charged defect (here {shown}) needs --charge, --vbm, --correction and --method; missing: "
            f"{'; '.join(missing)}. In bulk '--correction 0 --method uncorrected' gives a marked number"
        )
    return ChargeScheme(by_charge, method, None if vbm in (None, PRISTINE) else _number("--vbm", str(vbm)), fermi)


def layers_of(words: "Sequence[str]") -> dict[str, Path]:
    """Return folders by the name of their layer, from ``2=DIR`` ...

    Raises
    ------
    ReferenceSchemeError
        Not of this form.
    """
    found = {}
    for word in words:
        name, separator, path = word.partition("=")
        if not (separator and name and path):
            raise ReferenceSchemeError(f"--layer {word}: give NAME=DIR, such as 2=v_I_layer2/")
        found[name] = Path(path)
    return found


def _charge(path: Path, unfinished: bool) -> int:
    from qddft.recipes.folders import read

    return round(read(path, unfinished=unfinished).charge or 0.0)


def _corrections(words: "Sequence[str]", charged: "Sequence[int]") -> dict[int, float]:
    found: dict[int, float] = {}
    for word in words:
        name, separator, value = word.rpartition("=")
        if not separator:
            # one number for all: zero, or there is only one charge
            number = _number("--correction", value)
            if len(charged) > 1 and number != 0:
                raise ChargeError(f"--correction {word}: several charges need one each, such as {charged[0]:+d}={word}")
            found |= dict.fromkeys(charged, number)
            continue
        charge = _number("--correction", name)
        if charge != round(charge) or round(charge) not in charged:
            shown = ", ".join(f"{q:+d}" for q in charged) or "none, all are neutral"
            raise ChargeError(f"--correction {word}: there is no defect of the charge {name}; charges: {shown}")
        found[round(charge)] = _number("--correction", value)
    return found


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ChargeError(f"{flag} {text}: this is no number of eV") from error


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise ReferenceSchemeError(f"{text!r} is not ELEMENT=VALUE, such as I=1 or I=-1.5")
    return name, value


def _by_limit(mu: "Sequence[str]") -> dict[str, dict[str, float]]:
    limits: dict[str, dict[str, float]] = {}
    for name, value in map(_pair, mu):
        limit, _, element = name.rpartition(":")
        try:
            limits.setdefault(limit, {})[element] = float(value)
        except ValueError as error:
            raise ReferenceSchemeError(f"{name}={value}: the potential of a limit has to be a number in eV") from error
    if "" in limits:
        raise ReferenceSchemeError("chemical potentials are either all of a limit (LIMIT:X=EV) or none is")
    return limits
