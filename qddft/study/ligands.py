"""From a row of a study to molecules: what sits on the surface and what it is measured against."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from qddft.analysis.reaction import Scheme, get_scheme, schemes_for
from qddft.atoms.ligand import Ligand
from qddft.core.errors import LigandError, ReferenceSchemeError
from qddft.study.schema import LigandSpec
from qddft.study.schema_parts import CoveringSpec


@dataclass(frozen=True)
class Reference:
    """One molecule of the reaction.

    Attributes
    ----------
    ligand
        The molecule; its formal charge is not the charge it is run at, that is zero in every scheme.
    coefficient
        How many for each ligand on the surface: negative = used up.
    """

    ligand: Ligand
    coefficient: int


@dataclass(frozen=True)
class Adsorbate:
    """One row of a study, resolved.

    Attributes
    ----------
    spec
        The row.
    scheme
        Its reference scheme.
    ligand
        What sits on the surface.
    references
        The molecules of the reaction.
    folder
        Where files of the study are looked for.
    """

    spec: LigandSpec
    scheme: Scheme
    ligand: Ligand
    references: tuple[Reference, ...]
    folder: Path = Path()


def resolve(spec: LigandSpec, halide: str, folder: Path) -> Adsorbate:
    """Return the molecules of a row.

    Parameters
    ----------
    spec
        The row.
    halide
        Symbol of the halide that an ``X-site`` ligand replaces.
    folder
        Where structure files are looked for.

    Raises
    ------
    LigandError
        The ligand is unknown, cannot be truncated, or has no acid where the scheme needs one.
    ReferenceSchemeError
        The scheme fits neither the charge of the ligand nor the binding mode.
    """
    scheme = get_scheme(spec.reference)
    named = find_ligand(spec, folder)
    check_scheme(spec, named, scheme)
    whole = _find(spec.ligand, spec.seed, folder, spec.charge)
    # the proton is moved before the chain is cut, so that both forms keep the name of the whole molecule
    ligand = _cut(_moved_proton(whole, -1), spec) if _is_acid_row(named, scheme) else named
    return Adsorbate(spec, scheme, ligand, _references(spec, scheme, ligand, whole, halide), folder)


def find_ligand(spec: CoveringSpec, folder: Path) -> Ligand:
    """Return the ligand that a row names, truncated as it says.

    Raises
    ------
    LigandError
        The ligand is unknown or cannot be truncated.
    """
    return _cut(_find(spec.ligand, spec.seed, folder, spec.charge), spec)


def find_molecule(name: str, folder: Path, *, seed: int = 0) -> Ligand:
    """Return a molecule of a reaction by library name, SMILES or structure file.

    Raises
    ------
    LigandError
        It is unknown.
    """
    return _find(name, seed, folder)


def _cut(ligand: Ligand, spec: CoveringSpec) -> Ligand:
    from qddft.atoms.truncation import truncate

    return ligand if spec.truncate is None else truncate(ligand, spec.truncate, seed=spec.seed)


def ligand_file(text: str, folder: Path) -> Path | None:
    """Return the structure file that a row names, ``None`` where it names a molecule.

    Raises
    ------
    LigandError
        The file does not lie beside the study.
    """
    from qddft.library.ligands import find_record

    if find_record(text) is not None:
        return None
    path = Path(text)
    if (folder / path).is_file() or (path.suffix and path.is_file()):
        if path.is_absolute() or ".." in path.parts or not (folder / path).is_file():
            raise LigandError(f"the file {text!r} has to lie beside the study or below it; copy it there")
        return folder / path
    return None


def _find(text: str, seed: int, folder: Path, charge: int | None = None) -> Ligand:
    path = ligand_file(text, folder)
    if path is None:
        return _find_molecule(text, seed, charge)
    from qddft.library.ligands import get_ligand

    return get_ligand(path, seed=seed, charge=charge)


@lru_cache(maxsize=4096)
def _find_molecule(text: str, seed: int, charge: int | None = None) -> Ligand:
    from qddft.library.ligands import get_ligand

    return get_ligand(text, seed=seed, charge=charge)


def check_scheme(spec: LigandSpec, ligand: Ligand, scheme: Scheme) -> None:
    """Refuse a reference scheme that does not fit the ligand's charge or the binding mode.

    Raises
    ------
    ReferenceSchemeError
        Says which schemes and modes fit.
    """
    if not (scheme.fits(ligand.charge, len(ligand.components)) or _is_acid_row(ligand, scheme)):
        fitting = schemes_for(ligand.charge, len(ligand.components))
        raise ReferenceSchemeError(
            f"the reference scheme {scheme.name!r} ({scheme.equation}) is for {scheme.takes}; {ligand.name} has the "
            f"formal charge {_signed(ligand.charge)}{_why_no_acid(ligand, scheme)}. "
            f"What fits it: {_offers(fitting, ligand.charge)}."
        )
    charge = -1 if _is_acid_row(ligand, scheme) else ligand.charge
    if not scheme.suits(spec.mode, charge):
        suiting = [mode for mode in scheme.modes if scheme.suits(mode, charge)]
        raise ReferenceSchemeError(
            f"the reference scheme {scheme.name!r} ({scheme.equation}) of {ligand.name} (charge {_signed(charge)}) "
            f"goes with mode {' or '.join(suiting)}, not {spec.mode!r}"
        )


def _signed(charge: int) -> str:
    return f"{charge:+d}" if charge else "0"


def _offers(schemes: tuple[Scheme, ...], charge: int) -> str:
    offers = [
        f"{scheme.name} with mode {' or '.join(mode for mode in scheme.modes if scheme.suits(mode, charge))}"
        for scheme in schemes
    ]
    return "; ".join(offers) or "none; give an ion of charge +1 or -1 or a neutral molecule"


def _is_acid_row(ligand: Ligand, scheme: Scheme) -> bool:
    """Tell whether a neutral acid is to bind by its anion."""
    return scheme.name == "acid-exchange" and ligand.charge == 0 and _gives_proton(ligand)


def _why_no_acid(ligand: Ligand, scheme: Scheme) -> str:
    if scheme.name == "acid-exchange" and ligand.charge == 0:
        return " and is no acid that gives a proton"
    return ""


def _gives_proton(ligand: Ligand) -> bool:
    try:
        return _moved_proton(ligand, -1).charge == -1
    except LigandError:
        return False


def _moved_proton(ligand: Ligand, protons: int) -> Ligand:
    from qddft.atoms.protonation import deprotonated_smiles, protonated_smiles

    moved = protonated_smiles if protons > 0 else deprotonated_smiles
    return _find_molecule(moved(ligand), ligand.seed)


def _references(spec: LigandSpec, scheme: Scheme, ligand: Ligand, whole: Ligand, halide: str) -> tuple[Reference, ...]:
    seed = ligand.seed
    if scheme.name == "acid-exchange":
        acid = _cut(whole if whole.charge == 0 else _moved_proton(whole, +1), spec)
        return Reference(acid, -1), Reference(_find_molecule(f"[H]{halide}", seed), +1)
    if scheme.name == "salt-exchange":
        counterion = "[Cs+]" if ligand.charge < 0 else f"[{halide}-]"
        salt = _find_molecule(f"{counterion}.{ligand.smiles}", seed)
        return Reference(salt, -1), Reference(_find_molecule(f"[Cs+].[{halide}-]", seed), +1)
    return (Reference(ligand, -1),)
