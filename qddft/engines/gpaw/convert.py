"""A calculation made with GPAW by anybody to a folder that every analysis reads; takes GPAW itself."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.errors import EngineError, OutputError
from qddft.core.suggest import did_you_mean
from qddft.engines.gpaw.engine import HOW_TO_INSTALL
from qddft.engines.gpaw.gpw import gpw_atoms, gpw_settings, is_gpw, read_gpw
from qddft.engines.gpaw.level import WANTED
from qddft.engines.gpaw.products import potential_titles, write_products
from qddft.jobs.folder import OUTPUTS
from qddft.outputs.store import save_outputs

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.outputs.outputs import Outputs

# structures closer than this are one, Angstrom
_SAME_PLACE = 1e-4


def convert_gpw(
    path: str | Path,
    folder: str | Path,
    *,
    wanted: Iterable[str] = WANTED,
    levels: str | Path | None = None,
    labels: "Atoms | None" = None,
    relaxed: bool | None = None,
    spacing: float | None = None,
) -> "Outputs":
    """Write a folder with outputs, levels, density and potential of a ``.gpw`` file, and return the outputs.

    Parameters
    ----------
    path
        The file, plain ``calc.write("x.gpw")``; wave functions are not needed.
    folder
        Where to; made if it does not exist.
    wanted
        Some of ``dos`` (levels and projections), ``density``, ``potential``.
    levels
        Another ``.gpw`` file, of the same structure at the fixed density of the first one (``calc.fixed_density``),
        from which levels and projections are taken: more bands, a denser mesh.
    labels
        The same atoms in the same order with ``arrays["fragment"]``, ``arrays["layer"]``, fixed atoms.
    relaxed
        Whether it is the end of a relaxation that converged, or a static calculation (``True``), or not; the file does
        not say.
    spacing
        Widest distance of grid points within the surface plane, Angstrom; ``None`` keeps the grid of the calculation.

    Raises
    ------
    EngineError
        GPAW is not installed.
    OutputError
        The file is damaged, or is no file of GPAW, or ``labels`` are other atoms.
    """
    source = Path(path).expanduser()
    asked = tuple(wanted)
    for item in asked:
        if item not in WANTED:
            raise OutputError(f"unknown quantity {item!r}. {did_you_mean(item, WANTED)}")
    if not is_gpw(source):
        raise OutputError(f"{source} {'is no file of GPAW' if source.exists() else 'does not exist'}")
    outputs = read_gpw(source)
    atoms = outputs.atoms if labels is None else _labeled(outputs.atoms, labels, source)
    calculator = _opened(source)
    target = Path(folder).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    extra = dict(outputs.extra)
    if levels is not None:
        asked = tuple(item for item in asked if item != "dos")
        other = _same_structure(Path(levels).expanduser(), atoms, source)
        write_products(_opened(other), atoms, target, ("dos",))
        mesh = gpw_settings(other)["kpoints"]
        extra |= {"levels_from": other.name, "levels_kpoints": mesh}
    write_products(calculator, atoms, target, asked, spacing=spacing)
    settings = {**outputs.settings, "potentials": potential_titles(calculator), "potential": "electrostatic"}
    notes = outputs.warnings if relaxed is None else ()
    made = replace(
        outputs, atoms=atoms, settings=settings, ionically_converged=relaxed, warnings=notes, extra=extra,
        source=source.name,
    )  # fmt: skip
    # last, as its presence says that the rest is there
    save_outputs(target / OUTPUTS, made)
    return made


def _opened(path: Path) -> Any:
    try:
        from gpaw import GPAW
    except ImportError as error:
        raise EngineError(f"reading densities and projections takes GPAW itself. {HOW_TO_INSTALL}") from error
    return GPAW(str(path), txt=None)


def _same_structure(path: Path, atoms: "Atoms", first: Path) -> Path:
    if not is_gpw(path):
        raise OutputError(f"{path} {'is no file of GPAW' if path.exists() else 'does not exist'}")
    other = gpw_atoms(path)
    same = other.get_chemical_symbols() == atoms.get_chemical_symbols()
    if not same or np.abs(other.positions - atoms.positions).max() > _SAME_PLACE:
        raise OutputError(f"{path} is of another structure than {first}: its levels are not those of this density")
    return path


def _labeled(atoms: "Atoms", labels: "Atoms", path: Path) -> "Atoms":
    if labels.get_chemical_symbols() != atoms.get_chemical_symbols():
        raise OutputError(
            f"the labels are of {labels.get_chemical_formula()}, {path} of {atoms.get_chemical_formula()}, or "
            "in another order: both have to be the same atoms"
        )
    labeled = atoms.copy()
    for name in ("fragment", "layer"):
        if name in labels.arrays:
            labeled.set_array(name, labels.arrays[name])
    labeled.set_constraint(labels.constraints)
    if "qddft" in labels.info:
        labeled.info["qddft"] = labels.info["qddft"]
    return labeled
