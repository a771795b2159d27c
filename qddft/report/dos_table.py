"""A density of states as a table of curves and as lines of text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qddft.outputs.dos import BandEdge, Dos, GapStates
from qddft.recipes.electronic_structure import ElectronicStructure

if TYPE_CHECKING:
    import pandas as pd

_SPINS = ("up", "down")


def dos_table(dos: Dos) -> "pd.DataFrame":
    """Return all curves, one row an energy.

    Columns are ``energy_eV`` (relative to the zero of ``dos``), ``total`` and ``PARTITION:PART`` in states/eV; of a
    spin-polarized calculation each with `` up`` and `` down``.
    """
    import pandas as pd

    columns = {"energy_eV": dos.energies}
    named = {"total": dos.total} | {
        f"{partition}:{part}": curves for partition, parts in dos.projected.items() for part, curves in parts.items()
    }
    for name, curves in named.items():
        for spin, curve in enumerate(curves):
            columns[name if len(curves) == 1 else f"{name} {_SPINS[spin]}"] = curve
    return pd.DataFrame(columns)


def dos_lines(found: ElectronicStructure) -> list[str]:
    """Return what was found, line by line, without the warnings."""
    dos = found.dos
    width = f"Gaussians of {dos.sigma:g} eV" if dos.sigma is not None else "as computed"
    lines = [
        f"{found.system}, {found.level}, {found.engine}; {width}",
        f"zero: {dos.zero.kind} = {dos.zero.value:.4f} eV on the engine's scale ({dos.zero.source})",
        f"states: {_sum(dos.integral)} under the curve, {_sum(dos.n_states)} computed",
    ]
    if dos.edges is not None:
        edges = dos.edges
        gap = (
            "metal" if edges.metallic else "no empty band was computed" if edges.gap is None else f"{edges.gap:.4f} eV"
        )
        kind = "" if edges.metallic or edges.gap is None else ", direct" if edges.direct else ", indirect"
        lines.append(f"gap: {gap}{kind}")
        # what crosses the Fermi level has no band edges
        names = ("highest more than half full", "lowest less than half full") if edges.metallic else ("VBM", "CBM")
        lines += [
            _edge(name, edge, dos) for name, edge in zip(names, (edges.vbm, edges.cbm), strict=True) if edge is not None
        ]
    if found.alignment is not None:
        occupied, empty = found.alignment.offsets
        lines.append(
            f"alignment: {found.alignment.kind}; ligand HOMO {occupied:+.3f} eV from the VBM, "
            f"LUMO {empty:+.3f} eV from the CBM"
        )
    if found.overlap is not None:
        item = found.overlap
        share = "" if item.normalized is None else f" ({item.normalized:.3f} of the smaller)"
        lines.append(
            f"overlap of {item.parts[0]} and {item.parts[1]} from {item.window[0]:g} to {item.window[1]:g} eV: "
            f"{item.minimum:.4f} states by min{share}, {item.geometric:.4f} by sqrt"
        )
    if found.gap_states is not None:
        lines += _gap_lines(found.gap_states)
    return lines


def _sum(values: np.ndarray) -> str:
    return " + ".join(f"{value:.2f}" for value in values)


def _edge(name: str, edge: BandEdge, dos: Dos) -> str:
    k = ", ".join(f"{value:.3g}" for value in edge.kpoint)
    spin = f", spin {_SPINS[edge.spin]}" if len(dos.total) == 2 else ""
    return f"{name}: {edge.energy - dos.zero.value:+.4f} eV at k = ({k}){spin}; {_shares(edge.character)}"


def _gap_lines(found: GapStates) -> list[str]:
    lines = [
        f"states in the gap: {len(found.states)} ({found.criterion})",
        f"  edges {found.vbm:.4f} and {found.cbm:.4f} eV, from {found.reference}",
        f"  {found.explanation}",
    ]
    for state in found.states:
        where = "localized" if state.localized else "spread"
        lines.append(
            f"  {state.above_vbm:+.3f} eV above the VBM: {state.occupation:.2f} electrons, {where} on "
            f"{state.n_atoms:.1f} atoms; {_shares(state.parts)}"
        )
    return lines


def _shares(character: Mapping[str, float]) -> str:
    largest = sorted(character.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in largest) or "not projected"
