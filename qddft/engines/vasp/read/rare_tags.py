"""Tags that few calculations have and that decide energies all the same, and tags that VASP does not know."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# tag -> what VASP takes when the INCAR is silent; None where that depends on the rest; https://www.vasp.at/wiki
RARE: Mapping[str, Any] = {
    # shares of exchange and correlation, kernels of van der Waals functionals
    "AGGAX": 1.0, "AGGAC": 1.0, "ALDAX": 1.0, "ALDAC": 1.0, "AMGGAX": 1.0, "AMGGAC": 1.0, "PARAM1": None,
    "PARAM2": None, "PARAM3": None, "ZAB_VDW": -0.8491, "BPARAM": 6.3, "CPARAM": 0.0093, "IVDW_NL": 1, "XC": None,
    "XC_C": None, "LIBXC1": None, "LIBXC2": None, "LTBOUNDLIBXC": False, "CMBJ": None,
    # parameters of dispersion corrections
    "VDW_S6": None, "VDW_S8": None, "VDW_SR": None, "VDW_A1": None, "VDW_A2": None, "VDW_D": None, "VDW_RADIUS": None,
    "VDW_CNRADIUS": None, "VDW_SCALING": None, "VDW_C6": None, "VDW_R0": None, "VDW_ALPHA": None, "LVDW_EWALD": False,
    "LVDWSCS": None, "LSCSGRAD": None, "LVDW_ONECELL": None,
    # exact exchange on fewer points, other kernels
    "NKRED": 1, "NKREDX": 1, "NKREDY": 1, "NKREDZ": 1, "EVENONLY": False, "ODDONLY": False, "ENCUTFOCK": None,
    "LTHOMAS": False, "LMODELHF": False, "LRHFCALC": False, "LFOCKAEDFT": False, "HFRCUT": None,
    # solvent, charged cells, open boundaries
    "LSOL": False, "EB_K": None, "TAU": None, "LAMBDA_D_K": None, "NC_K": None, "SIGMA_K": None, "LMONO": False,
    "EPSILON": 1.0, "LTRUNCATE": False, "KERNEL_TRUNCATION/LTRUNCATE": False, "EFIELD_PEAD": None,
    # mixed atoms, constraints of moments and spirals
    "VCA": None, "I_CONSTRAINED_M": 0, "M_CONSTR": None, "LAMBDA": None, "LSPIRAL": False, "QSPIRAL": None,
    "LDAUTYPE": 2,
}  # fmt: skip
# tags of the transition state tools and of VASPsol, which VASP itself does not document
_OF_PATCHES = frozenset(
    {
        "IOPT", "ICHAIN", "LCLIMB", "SPRING", "MAXMOVE", "TIMESTEP", "LTANGENTOLD", "LNEBCELL", "JACOBIAN", "INVCURV",
        "FDSTEP", "LGLOBAL", "LLINEOPT", "DROTMAX", "DDR", "DRDMAX", "DFNMIN", "DFNMAX", "ILBFGSMEM", "LAUTOSCALE",
        "CRITERION", "LSOL", "EB_K", "TAU", "LAMBDA_D_K", "NC_K", "SIGMA_K", "LRHOB", "LRHOION", "LVACPOTAV", "LVATTR",
    }
)  # fmt: skip
_SHORTEST = 4


def rare_tags(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rare tags whose value is not what VASP takes by itself, under their names.

    Parameters
    ----------
    stated
        Tags of an INCAR, upper case.
    """
    defaults = dict(RARE)
    if stated.get("LDAU") is not True:
        del defaults["LDAUTYPE"]
    if stated.get("LHFCALC") is True:
        share = stated.get("AEXX", 0.25)
        defaults["AGGAX"] = 1.0 - share if isinstance(share, int | float) else None
    given = {tag: stated[tag] for tag in defaults if stated.get(tag) is not None}
    return {tag: value for tag, value in given.items() if not _same(value, defaults[tag])}


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, bool) or isinstance(default, bool) or default is None:
        return value is default
    return isinstance(value, int | float) and abs(value - default) < 1e-6


def unknown_tags(stated: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one sentence for each tag that VASP does not know and that looks like one that it does."""
    found = []
    for tag in stated:
        if len(tag) < _SHORTEST or tag in _known() or tag in RARE or tag in _OF_PATCHES or "/" in tag:
            continue
        near = sorted(name for name in _known() if name not in stated and _one_slip(tag, name))
        if near:
            found.append(f"{tag} is no tag of VASP that is known here, and VASP ignores what it does not know; "
                         f"was {' or '.join(near)} meant?")  # fmt: skip
    return tuple(found)


def _one_slip(one: str, other: str) -> bool:
    """Tell whether two words differ by one letter: another, missing, too many, or two neighbors in turn."""
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1 or one == other:
        return False
    at = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(shorter) < len(longer):
        return shorter[at:] == longer[at + 1 :]
    swapped = shorter[at : at + 2] == longer[at : at + 2][::-1] and shorter[at + 2 :] == longer[at + 2 :]
    return shorter[at + 1 :] == longer[at + 1 :] or swapped


@cache
def _known() -> frozenset[str]:
    """Return the tags that pymatgen lists, without importing it."""
    package = find_spec("pymatgen")
    places = () if package is None else package.submodule_search_locations or ()
    for place in places:
        path = Path(place) / "io" / "vasp" / "incar_parameters.json"
        if path.is_file():
            return frozenset(json.loads(path.read_text(encoding="utf-8")))
    return frozenset()
