"""Which binding atoms of a ligand a mode uses."""

from typing import TYPE_CHECKING

from qddft.atoms.anchors import role_of, two_anchors
from qddft.atoms.geometry import in_line
from qddft.core.errors import PlacementError

if TYPE_CHECKING:
    from qddft.atoms.ligand import Ligand
    from qddft.atoms.targets import Mode

_FOR_ANIONS = "use the anion, such as a carboxylate, the mode atop for a neutral molecule, or A-site for a cation."
_FOR_CATIONS = "use the ammonium or guanidinium, the mode atop for a neutral molecule, or X-site for an anion."


def _instead(ligand: "Ligand") -> str:
    """Say what goes for molecules that are neutral as a whole and have ions; empty for others."""
    roles = {role_of(kind) for kind in ligand.anchor_kinds}
    if ligand.charge or "cation" not in roles or "donor" not in roles:
        return ""
    if len(ligand.components) > 1:
        return (
            "an ion pair binds as ion-pair, or as two ligands, one after the other: its anion with X-site, its cation "
            "with A-site."
        )
    return (
        "as a zwitterion it would leave the charge of the replaced ion behind: use atop, bidentate or bridging, which "
        "bind it by its anionic group, or its protonated or deprotonated form, which replaces an ion of equal charge."
    )


def anchor_groups(ligand: "Ligand", mode: "Mode") -> list[tuple[tuple[int, ...], str]]:
    """Return the binding atoms of a mode and how they bind; in the place of a halide a pair, else a single atom.

    Raises
    ------
    PlacementError
        The mode makes no sense for this ligand.
    """
    named = list(zip(ligand.anchors, ligand.anchor_kinds, strict=True))
    if mode == "X-site":
        named = [item for item in named if role_of(item[1]) == "donor"]
        if not named or ligand.charge >= 0:
            raise PlacementError(
                f"X-site: {ligand.name} (charge {ligand.charge:+d}) is no anion that could take the place of a halide; "
                f"{_instead(ligand) or _FOR_ANIONS}"
            )
        of_best = [(group, "donor") for group, kind in named if kind == named[0][1]]
        firsts = [next((item for item in of_best if len(item[0]) == size), None) for size in (2, 1)]
        return [item for item in firsts if item is not None]
    if mode == "A-site":
        named = [item for item in named if role_of(item[1]) == "cation"]
        if not named or ligand.charge <= 0:
            raise PlacementError(
                f"A-site: {ligand.name} (charge {ligand.charge:+d}) is no cation that could take the place of Cs; "
                f"{_instead(ligand) or _FOR_CATIONS}"
            )
    if mode in ("bidentate", "bridging"):
        # S-C-N of thiocyanate is straight: it bridges end to end, but its ends do not meet on one atom
        named = [item for item in named if mode == "bridging" or not in_line(ligand, item[0])]
        if pairs := two_anchors(named, bridging=mode == "bridging"):
            return pairs
    else:
        for group, kind in named:
            if len(group) == 1:
                return [(group, role_of(kind))]
    raise PlacementError(
        f"{mode}: {ligand.name} has no two anchors that hold one surface together (its anchors are "
        f"{_groups(ligand)}); use the mode atop, or mark two atoms with the same map number in the SMILES."
    )


def _groups(ligand: "Ligand") -> str:
    return ", ".join("+".join(f"{ligand.symbols[i]}{i}" for i in group) for group in ligand.anchors)
