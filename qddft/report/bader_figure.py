"""Bader charges of the atoms, drawn by element."""

from typing import TYPE_CHECKING

import numpy as np

from qddft.report.style import BLACK, BLUE, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from qddft.analysis.bader import BaderCharges

HEIGHT_MM = 60.0
# atoms of one element are spread over this share of their column, so that equal charges stay visible
_WIDTH = 0.5
# the axis always spans this much, so that noise does not look like a charge, e
_SPAN = 0.1


@styled
def bader_figure(atoms: "Atoms", charges: "BaderCharges") -> "Figure":
    """Draw the charge of each atom in the column of its element, atoms of ligands as triangles.

    Parameters
    ----------
    atoms
        The structure, with labels where they are known.
    charges
        Of its atoms.
    """
    figure, (axes,) = new_figure(HEIGHT_MM)
    symbols = np.array(atoms.get_chemical_symbols())
    kinds = list(dict.fromkeys(symbols.tolist()))
    ligand = atoms.arrays["fragment"] > 0 if "fragment" in atoms.arrays else np.zeros(len(atoms), dtype=bool)
    places = np.empty(len(atoms))
    for column, kind in enumerate(kinds):
        members = np.flatnonzero(symbols == kind)
        spread = np.linspace(-_WIDTH / 2, _WIDTH / 2, len(members)) if len(members) > 1 else np.zeros(1)
        places[members] = column + spread
    axes.axhline(0.0, color=BLACK, linewidth=0.5)
    for mask, marker, color, label in ((~ligand, "o", BLUE, "dot"), (ligand, "^", VERMILLION, "ligand")):
        if mask.any():
            axes.plot(places[mask], charges.charges[mask], marker, color=color, markersize=3.2, label=label)
    axes.set_xticks(range(len(kinds)), kinds)
    axes.set_xlim(-0.6, len(kinds) - 0.4)
    axes.set_ylabel("Bader charge (e, positive = lost)")
    low, high = min(float(charges.charges.min()), 0.0), max(float(charges.charges.max()), 0.0)
    room = max(0.12 * (high - low), (_SPAN - (high - low)) / 2)
    axes.set_ylim(low - room, high + room)
    if ligand.any():
        axes.legend(loc="best", handlelength=1.0)
    return figure
