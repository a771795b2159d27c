"""Tags of VASP to the neutral settings that results are compared by."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from qddft.engines.vasp.read.outcar import METHODS
from qddft.engines.vasp.read.rare_tags import rare_tags
from qddft.engines.vasp.read.readings import KMesh, Structure
from qddft.engines.vasp.read.vasprun_header import symbol_of_title
from qddft.engines.vasp.read.xc import functional, semilocal

_PREC = {"a": "accurate", "n": "normal", "s": "single", "l": "low", "m": "medium", "h": "high"}
_SMEARING = {
    0: "gaussian", -1: "fermi-dirac", -2: "fixed", -3: "fixed", -4: "tetrahedron-simple", -5: "tetrahedron",
    1: "methfessel-paxton",
}  # fmt: skip
_SCHEMES = {"automatic": None}
# neutral key -> tag whose value is taken over as it is
_PLAIN = {
    "cutoff_eV": "ENCUT", "augmentation_cutoff_eV": "ENAUG", "sigma_eV": "SIGMA", "lasph": "LASPH", "ispin": "ISPIN",
    "soc": "LSORBIT", "noncollinear": "LNONCOLLINEAR", "nelect": "NELECT", "nupdown": "NUPDOWN",
    "energy_tol_eV": "EDIFF", "lhfcalc": "LHFCALC", "ldau": "LDAU", "idipol": "IDIPOL", "ldipol": "LDIPOL",
    "electric_field": "EFIELD", "isym": "ISYM", "icharg": "ICHARG", "ibrion": "IBRION", "isif": "ISIF",
    "max_ionic_steps": "NSW", "max_scf_steps": "NELM", "addgrid": "ADDGRID", "lmaxmix": "LMAXMIX",
    "gga_compat": "GGA_COMPAT", "pressure_kB": "PSTRESS",
}  # fmt: skip
# what VASP takes when the INCAR is silent and nothing else decides; https://www.vasp.at/wiki
DEFAULTS: Mapping[str, Any] = {
    "PREC": "Normal", "ISMEAR": 1, "SIGMA": 0.2, "LREAL": False, "LASPH": False, "ISPIN": 1, "EDIFF": 1e-4, "NSW": 0,
    "NELM": 60, "LHFCALC": False, "LDAU": False, "LSORBIT": False, "LNONCOLLINEAR": False, "IDIPOL": 0,
    "LDIPOL": False, "IVDW": 0, "GGA": "--", "LUSE_VDW": False, "NUPDOWN": -1.0, "ADDGRID": False, "PSTRESS": 0.0,
    "EFIELD": 0.0, "GGA_COMPAT": True, "LMAXMIX": 2, "ISTART": 0,
}  # fmt: skip
_KINDS: Mapping[str, Any] = (
    dict.fromkeys(
        ("ISMEAR", "ISPIN", "NSW", "NELM", "IBRION", "ISIF", "ISYM", "ICHARG", "IDIPOL", "LMAXMIX", "IVDW"), int
    )
    | dict.fromkeys(("ENCUT", "ENMAX", "ENAUG", "SIGMA", "EDIFF", "EDIFFG", "NELECT", "AEXX", "HFSCREEN"), int | float)
    | dict.fromkeys(("PSTRESS", "EFIELD", "NUPDOWN"), int | float)
    | dict.fromkeys(("LASPH", "LHFCALC", "LDAU", "LSORBIT", "LNONCOLLINEAR", "LDIPOL", "ADDGRID", "LUSE_VDW"), bool)
    | dict.fromkeys(("GGA", "PREC", "METAGGA"), str)
)
_KEPT = (
    "ENCUT", "ENAUG", "PREC", "EDIFF", "EDIFFG", "ISMEAR", "SIGMA", "ISPIN", "LREAL", "LASPH", "GGA", "METAGGA",
    "LHFCALC", "AEXX", "HFSCREEN", "LDAU", "LDAUTYPE", "LDAUL", "LDAUU", "LDAUJ", "LSORBIT", "LNONCOLLINEAR", "NSW",
    "IBRION", "ISIF", "NELM", "NELECT", "NUPDOWN", "IDIPOL", "LDIPOL", "DIPOL", "EPSILON", "EFIELD", "ISYM", "ICHARG",
    "LUSE_VDW", "PSTRESS", "NBANDS", "IALGO", "ADDGRID", "LMAXMIX", "GGA_COMPAT", "NGXF", "NGYF", "NGZF", "IVDW",
    "KSPACING", "NELMIN", "LVHAR", "LORBIT",
)  # fmt: skip


def canonical_tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    """Return tags under one spelling: ``ENMAX`` is ``ENCUT``, ``LREAL = Auto`` is on, ``ps`` is ``PS``.

    A value of the wrong kind (``ISMEAR = abc``) becomes ``None``: what VASP makes of it is unknown.
    """
    found: dict[str, Any] = {tag: value if _is_kind(tag, value) else None for tag, value in tags.items()}
    if "ENMAX" in found:
        found.setdefault("ENCUT", found.pop("ENMAX"))
    if isinstance(found.get("LREAL"), str):
        found["LREAL"] = found["LREAL"].strip(".").upper()[:1] in ("A", "O", "T")
    if isinstance(found.get("GGA"), str):
        found["GGA"] = found["GGA"].upper()[:2]
    if isinstance(found.get("PREC"), str):
        found["PREC"] = _PREC.get(found["PREC"].strip().lower()[:1], found["PREC"])
    if isinstance(found.get("METAGGA"), str):
        found["METAGGA"] = found["METAGGA"].upper()
    if isinstance(found.get("LDAUTYPE"), list):
        found["LDAUTYPE"] = found["LDAUTYPE"][0] if found["LDAUTYPE"] else None
    for name in ("LDAUU", "LDAUJ", "LDAUL"):
        if isinstance(found.get(name), int | float):
            found[name] = [found[name]]
    return found


def _is_kind(tag: str, value: Any) -> bool:
    if value is None or tag not in _KINDS:
        return True
    kind = _KINDS[tag]
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def with_defaults(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tags of an INCAR completed by VASP's defaults, for calculations that have not started."""
    tags = canonical_tags(DEFAULTS) | canonical_tags(stated)
    ediff = tags["EDIFF"]
    tags.setdefault("EDIFFG", 10 * ediff if isinstance(ediff, int | float) else None)
    tags.setdefault("IBRION", -1 if tags["NSW"] in (0, 1) else 0)
    tags.setdefault("ISIF", 0 if tags["IBRION"] == 0 else 2)
    tags.setdefault("ISYM", 3 if tags["LHFCALC"] is True else 2)
    tags.setdefault("ICHARG", 0 if tags["ISTART"] else 2)
    return tags


def neutral_settings(
    tags: Mapping[str, Any],
    *,
    titles: tuple[str, ...],
    kpoints: KMesh | None,
    structure: Structure | None,
    dispersion: str | None,
    stated: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the settings of a run under neutral names, JSON types only; ``None`` is unknown.

    Parameters
    ----------
    tags
        Effective values in canonical spelling, completed by stated ones that are not echoed.
    titles
        Titles of the potentials.
    kpoints
        The mesh.
    structure
        For the number of frozen atoms.
    dispersion
        Method of the dispersion correction where the files prove it.
    stated
        Tags of the INCAR, for those that outputs do not echo.
    """
    found: dict[str, Any] = {key: tags.get(tag) for key, tag in _PLAIN.items()}
    smearing, gga = tags.get("ISMEAR"), tags.get("GGA")
    criterion = tags.get("EDIFFG")
    ldau = tags.get("LDAU")
    exact = bool(tags.get("LHFCALC"))
    found |= {
        "xc": functional(tags, titles),
        "gga": semilocal(tags, titles) if gga is not None or titles else None,
        "metagga": _metagga(tags.get("METAGGA")),
        "aexx": tags.get("AEXX", 0.25) if exact else 0.0,
        "hfscreen": tags.get("HFSCREEN", 0.0) if exact else 0.0,
        "hubbard": _hubbard(tags, titles or _species(structure)) if ldau else {},
        "prec": tags.get("PREC"),
        "lreal": tags.get("LREAL"),
        "smearing": None if smearing is None else _smearing(smearing),
        "ismear": smearing,
        "force_tol_eV_per_A": -criterion if isinstance(criterion, int | float) and criterion < 0 else None,
        "ionic_energy_tol_eV": criterion if isinstance(criterion, int | float) and criterion > 0 else None,
        "dispersion": dispersion or "unknown",
        "potentials": list(titles) or None,
        "fft_grid": _grid(tags),
        "n_frozen": None if structure is None else _frozen(structure),
    }
    found |= _kpoints(kpoints)
    rare = rare_tags(stated or {})
    return found | {"rare": rare} if rare else found


def _metagga(tag: Any) -> str:
    return tag if isinstance(tag, str) and tag.upper().strip(".") not in ("F", "FALSE", "NONE", "--", "") else "none"


def _species(structure: Structure | None) -> tuple[str, ...]:
    """Return the kinds of atoms in the order of POSCAR, which is that of the potentials."""
    return () if structure is None else tuple(symbol for symbol, _ in groupby(structure.symbols))


def stated_dispersion(stated: Mapping[str, Any]) -> str:
    """Return the dispersion method of a whole INCAR."""
    if stated.get("IVDW") is None:
        return "D2" if stated.get("LVDW") is True else "none"
    number = stated["IVDW"]
    return METHODS.get(number, f"IVDW={number}") if isinstance(number, int) else "unknown"


def kept_tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the raw tags that are worth keeping with a result."""
    return {name: tags[name] for name in _KEPT if tags.get(name) is not None}


def _smearing(order: int) -> str:
    return _SMEARING.get(order, f"methfessel-paxton-{order}" if order > 1 else f"ISMEAR={order}")


def _hubbard(tags: Mapping[str, Any], titles: tuple[str, ...]) -> dict[str, Any] | None:
    """Return element -> [l, U, J] (eV) of the species that have a Hubbard term; ``None`` when the lists are cut."""
    columns = [tags.get(name) or [] for name in ("LDAUL", "LDAUU", "LDAUJ")]
    if any(not isinstance(column, list) or len(column) != len(titles) or None in column for column in columns):
        return None
    rows = zip(titles, *columns, strict=True)
    try:
        terms = [(symbol_of_title(title), int(shell), float(u), float(j)) for title, shell, u, j in rows]
    except ValueError:
        return None
    return {symbol: [shell, u, j] for symbol, shell, u, j in terms if shell >= 0 and u - j}


def _grid(tags: Mapping[str, Any]) -> list[int] | None:
    grid = [n for name in ("NGXF", "NGYF", "NGZF") if (n := tags.get(name)) is not None]
    return grid if len(grid) == 3 else None


def _frozen(structure: Structure) -> int | None:
    return None if structure.movable is None else int((~structure.movable.any(axis=1)).sum())


def _kpoints(mesh: KMesh | None) -> dict[str, Any]:
    if mesh is None:
        return dict.fromkeys(("kpoints", "kpoint_scheme", "kpoint_shift", "n_kpoints", "kpoint_list"))
    divisions = None if mesh.divisions is None or min(mesh.divisions) < 1 else list(mesh.divisions)
    # an odd Monkhorst-Pack mesh contains Gamma: it is the Gamma-centered one
    odd = divisions is not None and all(n % 2 for n in divisions)
    return {
        "kpoints": divisions,
        "kpoint_scheme": "gamma" if odd and mesh.scheme == "monkhorst-pack" else _SCHEMES.get(mesh.scheme, mesh.scheme),
        "kpoint_shift": list(mesh.shift),
        "n_kpoints": mesh.n_points,
        "kpoint_list": mesh.digest,
    }
