"""The name of the functional that a run really used, hybrids included."""

from collections.abc import Mapping
from typing import Any

# GGA tag -> functional; https://www.vasp.at/wiki/index.php/GGA
GGA = {
    "91": "PW91", "PE": "PBE", "RP": "RPBE", "RE": "revPBE", "PS": "PBEsol", "AM": "AM05", "CA": "LDA", "PZ": "LDA",
    "B3": "B3LYP-VWN3", "B5": "B3LYP-VWN5", "BF": "BEEF", "OR": "optPBE", "BO": "optB88", "MK": "optB86b",
    "ML": "PW86R", "CX": "cx13", "HL": "LDA-HL", "WI": "LDA-Wigner", "VW": "LDA-VWN",
}  # fmt: skip
_SEMILOCAL_OF_HYBRID = {"PBE": "HSE06", "PBEsol": "HSEsol"}
_UNSET = ("", "--")


def functional(tags: Mapping[str, Any], titles: tuple[str, ...]) -> str | None:
    """Return the functional, for instance ``PBE``, ``HSEsol``, ``R2SCAN`` or ``PBE+U``; ``None`` when unknown.

    Parameters
    ----------
    tags
        Effective values by tag, completed by what only the INCAR says (METAGGA).
    titles
        Titles of the potentials, which decide where no GGA tag was given.
    """
    base = semilocal(tags, titles)
    meta = tags.get("METAGGA")
    if isinstance(meta, str) and meta.upper().strip(".") not in ("NONE", "F", "FALSE", *_UNSET):
        base = meta.upper()
    if base is None:
        return None
    if tags.get("LUSE_VDW"):
        base += "-vdW-DF"
    if tags.get("LHFCALC"):
        base = _hybrid(base, tags)
    return base + "+U" if tags.get("LDAU") else base


def semilocal(tags: Mapping[str, Any], titles: tuple[str, ...]) -> str | None:
    """Return the semilocal functional of the GGA tag, else that of the potentials."""
    tag = tags.get("GGA")
    if isinstance(tag, str) and tag.strip() not in _UNSET:
        return GGA.get(tag.strip().upper()[:2], f"GGA={tag.strip()}")
    kinds = {_of_title(title) for title in titles}
    return kinds.pop() if len(kinds) == 1 else None


def _of_title(title: str) -> str | None:
    kinds = {"PAW_PBE": "PBE", "PAW_GGA": "PW91", "PAW_LDA": "LDA", "PAW": "LDA"}
    return next((kinds.get(word) for word in title.split()), None)


def _hybrid(base: str, tags: Mapping[str, Any]) -> str:
    """Name a hybrid by its semilocal part, its share of exact exchange and its screening length.

    HSE06 is PBE with a quarter of exact exchange screened by 0.2/Angstrom (Krukau et al. 2006, doi
    10.1063/1.2404663); on PBEsol that is HSEsol (Schimka et al. 2011, doi 10.1063/1.3524336), not HSE06.
    """
    share, screening = tags.get("AEXX"), tags.get("HFSCREEN")
    share = 0.25 if share is None else float(share)
    screening = 0.0 if screening is None else float(screening)
    if abs(share - 1) < 1e-6 and screening == 0:
        return "HF"
    if base.startswith("B3LYP"):
        return base
    if abs(share - 0.25) < 1e-6:
        if abs(screening - 0.2) < 0.011 and base in _SEMILOCAL_OF_HYBRID:
            return _SEMILOCAL_OF_HYBRID[base]
        if abs(screening - 0.3) < 1e-6 and base == "PBE":
            return "HSE03"
        if screening == 0:
            return {"PBE": "PBE0", "PBEsol": "PBEsol0"}.get(base, f"{base} hybrid (AEXX=0.25)")
    screened = f", HFSCREEN={screening:g}" if screening else ""
    return f"{base} hybrid (AEXX={share:g}{screened})"
