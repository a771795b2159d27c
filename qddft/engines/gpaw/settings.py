"""What decides a GPAW calculation, under the neutral names that audits compare."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# occupations of GPAW -> neutral name; Methfessel-Paxton of order 0 is Gaussian smearing
_SMEARING = {
    "fermi-dirac": "fermi-dirac",
    "marzari-vanderbilt": "marzari-vanderbilt",
    "methfessel-paxton": "methfessel-paxton",
    "tetrahedron-method": "tetrahedron-simple",
    "improved-tetrahedron-method": "tetrahedron",
    "fixed": "fixed",
}
# what GPAW takes for a plane-wave cutoff and a grid when nothing is said; gpaw.dft.PW and the manual
_DEFAULT_CUTOFF, _DEFAULT_SPACING = 340.0, 0.2


def settings_of_parameters(parameters: Mapping[str, Any], kpoints: np.ndarray, n_spins: int) -> dict[str, Any]:
    """Return the neutral settings of a calculation from its input parameters, JSON types only.

    Parameters
    ----------
    parameters
        Input of the calculation, as a ``.gpw`` file keeps it.
    kpoints
        All points of the mesh, fractional, shape (n_points, 3).
    n_spins
        Number of spin channels.
    """
    mode = _named(parameters.get("mode"), "fd")
    functional = _named(parameters.get("xc"), "LDA")
    occupations = parameters.get("occupations") or {}
    solver = parameters.get("poissonsolver") or {}
    size = mesh_size(kpoints)
    plane_waves = mode["name"] == "pw"
    return {
        "xc": functional["name"],
        "core": "PAW",
        "mode": mode["name"],
        "cutoff_eV": float(mode.get("ecut", _DEFAULT_CUTOFF)) if plane_waves else None,
        "basis": parameters.get("basis") or None,
        "grid_spacing_A": None if plane_waves else parameters.get("h", _DEFAULT_SPACING),
        "kpoints": None if size is None else list(size),
        "kpoint_scheme": "gamma" if bool((np.abs(kpoints) < 1e-9).all(axis=1).any()) else "monkhorst-pack",
        **_smearing(occupations, size),
        "ispin": n_spins,
        "soc": bool(parameters.get("soc")),
        "dispersion": _dispersion(parameters.get("extensions")),
        "ldipol": bool(solver.get("dipolelayer")) if isinstance(solver, Mapping) else None,
        "convergence": _plain(parameters.get("convergence") or {}),
        "setups": _plain(parameters.get("setups")) or "paw",
    }


def mesh_size(kpoints: np.ndarray) -> tuple[int, int, int] | None:
    """Return the divisions of a mesh from all its points; ``None`` for an irregular list or a path."""
    inside = np.round(kpoints - np.floor(kpoints + 1e-9), 6)
    sizes = [len(np.unique(inside[:, axis])) for axis in range(3)]
    return (sizes[0], sizes[1], sizes[2]) if sizes[0] * sizes[1] * sizes[2] == len(kpoints) else None


def _named(value: Any, default: str) -> Mapping[str, Any]:
    """Return a parameter that may be a bare name or a mapping with one."""
    if isinstance(value, Mapping):
        return {"name": default, **dict(value.items())}
    return {"name": str(value) if value else default}


def _smearing(occupations: Any, size: tuple[int, int, int] | None) -> dict[str, Any]:
    if not isinstance(occupations, Mapping) or "name" not in occupations:
        # GPAW's own choice: none for a molecule, Fermi-Dirac 0.1 eV where there are k-points
        molecule = size == (1, 1, 1)
        return {"smearing": "none" if molecule else "fermi-dirac", "sigma_eV": 0.0 if molecule else 0.1}
    name = str(occupations["name"]).replace("_", "-")
    gaussian = name == "methfessel-paxton" and not occupations.get("order", 0)
    width = occupations.get("width")
    return {
        "smearing": "gaussian" if gaussian else _SMEARING.get(name, name),
        "sigma_eV": None if width is None else float(width),
    }


def _dispersion(extensions: Any) -> str:
    names = [str(item.get("name", "")) for item in extensions or () if isinstance(item, Mapping)]
    return "D3" if "d3" in names else "none"


def _plain(value: Any) -> Any:
    """Return JSON types; what has none is named."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.item() if isinstance(value, np.generic) else str(value)
