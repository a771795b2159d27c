"""A nanocrystal and its shell as one labelled structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.dot_symmetry import FACETS
from qddft.atoms.ions import FORMAL_CHARGES
from qddft.atoms.search import Geometry
from qddft.atoms.shell_options import SQUARE_NM, Part, area_nm2
from qddft.atoms.shell_sites import Core, facets_of

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Placed:
    """One ligand of a shell.

    Attributes
    ----------
    kind
        Number of its kind.
    part
        What it is and how it binds.
    positions
        Shape (n_atoms, 3), Angstrom.
    face
        ``+a``, at an edge ``+a-b``.
    anchors, sites, distances
        Ligand atoms, the ions of the core that each binds to, and how far they are, Angstrom.
    removed
        Ions of the core that it replaces.
    geometry
        Its conformer.
    """

    kind: int
    part: Part
    positions: np.ndarray
    face: str
    anchors: tuple[int, ...]
    sites: tuple[tuple[int, ...], ...]
    distances: tuple[tuple[float, ...], ...]
    removed: tuple[int, ...]
    geometry: Geometry

    @property
    def added_charge(self) -> int:
        """Formal charge it adds, e: none for one that replaces ions."""
        return 0 if self.removed else self.part.ligand.charge


def shell_record(
    core: Core, parts: Sequence[Part], wanted: Sequence[int], places: Sequence[int], placed: Sequence[Placed]
) -> dict[str, Any]:
    """Return an entry of ``info["qddft"]["shells"]``: what was asked of each kind and what was reached."""
    area = area_nm2(core)
    rows = []
    for number, part in enumerate(parts):
        reached = sum(item.kind == number for item in placed)
        rows.append(
            {
                "name": part.ligand.name,
                "mode": part.mode,
                "charge": part.ligand.charge,
                "asked": wanted[number],
                "reached": reached,
                "per_nm2": round(reached / area, 4),
                "places": places[number],
                "fraction": round(reached / places[number], 4),
            }
        )
    return {
        "area_nm2": round(area, 4),
        "per_nm2": round(len(placed) / area, 4),
        "facets": _facets(core, placed),
        "ligands": rows,
    }


def _facets(core: Core, placed: Sequence[Placed]) -> dict[str, dict[str, float]]:
    """Return ligands and coverage of each facet; one on an edge counts by half to both, at a corner by thirds."""
    on = np.array([facets_of(item.face) for item in placed], dtype=float).reshape(-1, len(FACETS))
    counts = (on / on.sum(axis=1, keepdims=True)).sum(axis=0)
    areas = np.repeat(core.frame.areas, 2) / SQUARE_NM
    return {
        facet: {"ligands": round(float(number), 2), "per_nm2": round(float(number / area), 4)}
        for facet, number, area in zip(FACETS, counts, areas, strict=True)
    }


def assembled(dot: "Atoms", core: Core, placed: Sequence[Placed], record: Mapping[str, Any] | None) -> "Atoms":
    """Return the core without replaced ions, earlier ligands, then these.

    Parameters
    ----------
    dot
        The nanocrystal, with or without a shell.
    core
        Its core.
    placed
        What is added.
    record
        From ``shell_record``; ``None`` for ligands that are no shell.
    """
    from ase import Atoms

    info = dict(dot.info["qddft"])
    first = len(info["fragments"])
    gone = core.indices[[index for item in placed for index in item.removed]].astype(int)
    kept = np.setdiff1d(np.arange(len(dot)), gone)
    new = np.full(len(dot), -1)
    new[kept] = np.arange(len(kept))
    joined = dot[kept]
    sizes = [len(item.positions) for item in placed]
    starts = len(kept) + np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    shell = Atoms(
        [symbol for item in placed for symbol in item.part.ligand.symbols],
        positions=np.concatenate([item.positions for item in placed]),
    )
    shell.set_array("fragment", np.repeat(first + np.arange(len(placed)), sizes))
    shell.set_array("layer", np.zeros(len(shell), dtype=int))
    joined += shell
    info["fragments"] = [
        *(_renumbered(entry, new) for entry in info["fragments"]),
        *(_entry(item, int(start), new[core.indices]) for item, start in zip(placed, starts, strict=False)),
    ]
    info["removed"] = [
        *info["removed"],
        *(_gone(core, index, item, first + k) for k, item in enumerate(placed) for index in item.removed),
    ]
    if record is not None:
        info["shells"] = [*info.get("shells", []), dict(record)]
    joined.info["qddft"] = info
    return joined


def _renumbered(entry: Mapping[str, Any], new: np.ndarray) -> dict[str, Any]:
    """Renumber the atoms that an earlier ligand names."""
    if "anchors" not in entry:
        return dict(entry)
    sites = [[int(new[i]) for i in atoms if new[i] >= 0] for atoms in entry["sites"]]
    return dict(entry) | {"anchors": [int(new[i]) for i in entry["anchors"]], "sites": sites}


def _entry(item: Placed, start: int, new: np.ndarray) -> dict[str, Any]:
    return item.part.ligand.record(
        mode=item.part.mode,
        face=item.face,
        anchors=[start + i for i in item.anchors],
        sites=[[int(new[i]) for i in atoms] for atoms in item.sites],
        distances=[[round(d, 6) for d in row] for row in item.distances],
        conformer=item.geometry.conformer,
        conformer_seed=item.geometry.seed,
    )


def _gone(core: Core, index: int, item: Placed, number: int) -> dict[str, Any]:
    symbol = str(core.symbols[index])
    return {
        "symbol": symbol,
        "charge": FORMAL_CHARGES[symbol],
        "layer": int(core.places[index, 2] - core.frame.low[2] + 1),
        "position": [round(float(x), 10) for x in core.positions[index]],
        "why": f"{item.part.mode} of {item.part.ligand.name}",
        "fragment": number,
    }
