"""The options that put ligands on a slab; what is given once holds for all of them, what is repeated goes in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from qddft.cli.build.options import ligand_of
from qddft.core.errors import PlacementError
from qddft.core.suggest import did_you_mean

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.covering import Placement
    from qddft.atoms.patterns import Pattern

Item = TypeVar("Item")

LigandNames = Annotated[
    list[str], typer.Option("--ligand", help="Library name, synonym, SMILES or structure file; repeat for several.")
]
Modes = Annotated[
    list[str] | None,
    typer.Option(
        "--mode", help="atop (default), bidentate, bridging, X-site, A-site or ion-pair; one for each ligand."
    ),
]
Charges = Annotated[
    list[int] | None,
    typer.Option("--charge", help="Formal charge, e: needed for ions in files without bonds, checked otherwise."),
]
Faces = Annotated[str, typer.Option(help="top, bottom, or both for the same on each.")]
Distances = Annotated[
    list[float] | None,
    typer.Option("--distance", help="Anchor to surface atom, Angstrom; default by element."),
]
Truncations = Annotated[
    list[int] | None, typer.Option("--truncate", help="Cut alkyl chains to this many carbon atoms; 0 keeps them.")
]
Places = Annotated[
    list[str] | None,
    typer.Option("--site", help="Number of a surface atom, X,Y in Angstrom, or Pb-top, X-top ... (qddft build sites)."),
]
ConformerNumbers = Annotated[
    list[int] | None,
    typer.Option("--conformer", help="Number of a conformer by energy, from 0; default: one that fits."),
]
Counts = Annotated[list[int] | None, typer.Option("--count", help="Ligands of this kind on the face.")]
Coverages = Annotated[list[float] | None, typer.Option("--per-nm2", help="The same as a coverage, ligands per nm2.")]
PatternNumbers = Annotated[
    list[int] | None,
    typer.Option("--pattern", help="Which symmetry-distinct choice of sites, from 1; without -o they are listed."),
]


@dataclass(frozen=True)
class Ligands:
    """What was typed about the ligands, in the order of the options."""

    names: Sequence[str]
    modes: Sequence[str] | None
    truncations: Sequence[int] | None
    distances: Sequence[float] | None
    places: Sequence[str] | None
    conformers: Sequence[int] | None
    counts: Sequence[int] | None
    coverages: Sequence[float] | None
    patterns: Sequence[int] | None
    seed: int
    charges: Sequence[int] | None = None

    def on(self, slab: "Atoms", faces: str) -> "list[Placement]":
        """Return one placement for each ligand.

        Raises
        ------
        PlacementError
            An option was given neither once nor once for each ligand, or there is no such site.
        LigandError
            An unknown ligand.
        """
        from qddft.atoms.covering import Placement

        charges = self._each(self.charges, "charge", None)
        cuts = self._each(self.truncations, "truncate", 0)
        places = self._each(self.places, "site", None)
        per = {
            "mode": self._each(self.modes, "mode", "atop"),
            "distance": self._each(self.distances, "distance", None),
            "conformer": self._each(self.conformers, "conformer", None),
            "count": self._each(self.counts, "count", None),
            "per_nm2": self._each(self.coverages, "per-nm2", None),
            "pattern": self._each(self.patterns, "pattern", 1),
        }
        if self.patterns and not (self.counts or self.coverages):
            raise PlacementError("--pattern needs a number of ligands: give --count or --per-nm2 too")
        return [
            Placement(
                ligand_of(name, cuts[k] or None, self.seed, charges[k]),
                site=None if places[k] is None else place_of(slab, str(places[k]), faces),
                seed=self.seed,
                **{key: values[k] for key, values in per.items()},
            )
            for k, name in enumerate(self.names)
        ]

    def _each(self, given: Sequence[Any] | None, option: str, default: Any) -> list[Any]:
        """Return one value for each ligand."""
        values = list(given or [default])
        if len(values) == 1:
            values *= len(self.names)
        if len(values) != len(self.names):
            raise PlacementError(
                f"{len(values)} --{option} for {len(self.names)} --ligand: give --{option} once for all, or once for "
                "each ligand in the same order"
            )
        return values


def place_of(slab: "Atoms", text: str, faces: str) -> Any:
    """Read a place: the number of an atom, a point, or a kind of site.

    Raises
    ------
    PlacementError
        None of these.
    """
    from qddft.atoms.covering import site_named
    from qddft.atoms.sites import KINDS

    plain = text.strip()
    if plain.lstrip("-").isdecimal():
        return int(plain)
    parts = plain.split(",")
    if len(parts) == 2:
        try:
            return float(parts[0]), float(parts[1])
        except ValueError:
            pass
    if not any(name.lower() == plain.lower() for name in KINDS):
        raise PlacementError(
            f"--site {text!r}: give the number of a surface atom, a point as 3.0,6.0 in Angstrom, or a kind. "
            f"{did_you_mean(plain, KINDS)}"
        )
    return site_named(slab, plain, faces)


def list_patterns(slab: "Atoms", placements: "Sequence[Placement]", faces: str) -> None:
    """Print the symmetry-distinct ways to spread each ligand, beside the chosen ones of those before it.

    Raises
    ------
    PlacementError
        No ligand is to be spread.
    """
    from qddft.atoms.covering import chosen_patterns, patterns_of

    if not any(item.spread for item in placements):
        raise PlacementError("give a file with -o; without it the patterns of --count or --per-nm2 are listed")
    chosen = list(chosen_patterns(slab, placements, faces))
    for k, item in enumerate(placements):
        if item.spread:
            beside = [pattern for pattern in chosen[:k] if pattern is not None]
            _show_patterns(item, patterns_of(slab, item, faces, beside))


def _show_patterns(item: "Placement", found: "Sequence[Pattern]") -> None:
    from qddft.cli.console import show
    from qddft.report.tables import number, table_of

    show(
        table_of(
            {
                "pattern": [str(k) for k in range(1, len(found) + 1)],
                "ligand": [item.ligand.name] * len(found),
                "mode": [item.mode] * len(found),
                "atoms": [" ".join(str(i) for i in pattern.sites) for pattern in found],
                "per nm2": [number(pattern.per_nm2, signed=False) for pattern in found],
                "closest (Å)": [number(pattern.closest, signed=False) for pattern in found],
                "equivalent": [str(pattern.multiplicity) for pattern in found],
            },
            note="Write one with --pattern NUMBER -o FILE.",
        )
    )
