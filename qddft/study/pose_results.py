"""What a search of poses found: ranked minima without doubles, and the table of everything that was tried."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.checks import check_complex
from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.pose_candidates import Place
from qddft.atoms.pose_selection import twins
from qddft.atoms.pose_symmetry import FaceSymmetry, Shape, shape_of
from qddft.jobs.folder import OUTPUTS, failure_reason
from qddft.outputs.store import load_outputs

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

    from qddft.jobs.run_folder import Entry, Run
    from qddft.outputs.outputs import Outputs

# minima closer than this are one, Angstrom: the relaxations are short and end near their minimum, not in it
SAME_MINIMUM = 0.5
# shares of the van der Waals distance up to which the shortest contact is told
_SHORT = 1.0


@dataclass(frozen=True)
class Start:
    """A starting pose and its energy.

    Attributes
    ----------
    number
        From 1, in the order of the search.
    places
        Where its ligands are.
    energy
        Of the rigid pose, eV; ``None`` if it failed.
    problem
        Why it failed.
    """

    number: int
    places: tuple[Place, ...]
    energy: float | None
    problem: str = ""


@dataclass(frozen=True)
class Pose:
    """A minimum that was found.

    Attributes
    ----------
    rank
        From 1, the lowest energy first.
    number
        Of the starting pose it came from.
    atoms
        The relaxed complex; held are the layers that the slab holds.
    energy, above_best
        eV.
    start_energy
        Of the rigid starting pose, eV.
    places
        Where the ligands were at the start.
    doubles
        Numbers of other starting poses that ended in the same minimum.
    intact, bound, proton_transferred, left_site
        From ``check_complex``, the starting pose against the relaxed one.
    contacts
        Atoms of the slab that hold a ligand, as ``O-Pb 2.51``, shortest first.
    shortest
        Shortest distance of a ligand atom from what it is not bonded to, as a share of the van der Waals distance.
    max_force
        On a free atom, eV/Angstrom.
    converged
        The relaxation reached the force tolerance of searches, or of the level where that is tighter.
    steps
        Ionic steps from the starting pose.
    warnings
        Sentences of ``check_complex``.
    job
        Folder of the relaxation inside ``jobs``.
    """

    rank: int
    number: int
    atoms: "Atoms" = field(repr=False)
    energy: float
    above_best: float
    start_energy: float
    places: tuple[Place, ...]
    doubles: tuple[int, ...]
    intact: bool
    bound: bool
    proton_transferred: bool
    left_site: bool
    contacts: tuple[str, ...]
    shortest: float | None
    max_force: float
    converged: bool
    steps: int
    warnings: tuple[str, ...]
    job: str

    def record(self) -> dict[str, Any]:
        """Return everything but the atoms as JSON types, keys with units."""
        return {
            "rank": self.rank,
            "start": self.number,
            "energy_eV": self.energy,
            "above_best_eV": self.above_best,
            "start_energy_eV": self.start_energy,
            "places": [asdict(place) for place in self.places],
            "doubles": list(self.doubles),
            "intact": self.intact,
            "bound": self.bound,
            "proton_transferred": self.proton_transferred,
            "left_site": self.left_site,
            "contacts": list(self.contacts),
            "shortest_contact": self.shortest,
            "max_force_eV_per_A": self.max_force,
            "converged": self.converged,
            "steps": self.steps,
            "warnings": list(self.warnings),
            "job": self.job,
        }


@dataclass(frozen=True)
class PoseSearch:
    """A finished search.

    Attributes
    ----------
    folder
        Its run folder.
    poses
        The best that were kept, lowest energy first.
    minima
        All distinct minima, the kept ones first.
    starts
        All starting poses.
    notes
        What a reader has to know: poses that failed, fewer minima than asked for.
    caution
        Of the level.
    evaluations
        Energies with forces that were computed, in this call or before.
    """

    folder: Path
    poses: tuple[Pose, ...]
    minima: tuple[Pose, ...]
    starts: tuple[Start, ...]
    notes: tuple[str, ...]
    caution: str
    evaluations: int

    @property
    def best(self) -> Pose:
        """The lowest pose."""
        return self.poses[0]

    def table(self) -> "pd.DataFrame":
        """Return one row a distinct minimum, lowest first."""
        import pandas as pd

        return pd.DataFrame([_row(pose, kept=pose.rank <= len(self.poses)) for pose in self.minima])

    def starts_table(self) -> "pd.DataFrame":
        """Return one row a starting pose with the energy of the rigid pose above the lowest, lowest first."""
        import pandas as pd

        known = [start.energy for start in self.starts if start.energy is not None]
        rows = [
            {
                "start": start.number,
                "above_lowest_eV": None if start.energy is None else start.energy - min(known),
                **_place_columns(start.places),
                "problem": start.problem,
            }
            for start in self.starts
        ]
        return pd.DataFrame(rows).sort_values(["above_lowest_eV", "start"], ignore_index=True)


@dataclass(frozen=True)
class Finished:
    """A start that was relaxed: where it began, how it ended, in which job, and after how many ionic steps in all."""

    start: Start
    initial: "Atoms"
    outputs: "Outputs"
    job: str
    steps: int = 0


def starts_of(run: "Run", entries: Sequence["Entry"]) -> tuple[Start, ...]:
    """Read the energies of the starting poses."""
    found = []
    for number, entry in enumerate(entries, start=1):
        folder = run.folder(entry)
        places = places_of(run.job(entry).built_atoms.info["qddft"])
        done = (folder / OUTPUTS).exists()
        energy = load_outputs(folder / OUTPUTS).energy if done else None
        found.append(Start(number, places, energy, "" if done else failure_reason(folder)))
    return tuple(found)


def places_of(description: Mapping[str, Any]) -> tuple[Place, ...]:
    """Return the places that a candidate was given in ``info["qddft"]["pose"]``."""
    return tuple(Place(**place) for place in description["pose"]["places"])


def rank(finished: Sequence[Finished], symmetry: FaceSymmetry, slab: "Atoms") -> tuple[Pose, ...]:
    """Return the distinct minima, lowest energy first.

    Parameters
    ----------
    finished
        Relaxations in any order.
    symmetry
        Of the clean face.
    slab
        The clean slab: which of its layers are held.
    """
    ordered = sorted(finished, key=lambda item: (energy_of(item.outputs), item.start.number))
    whole = len(ordered[0].start.places) == 1
    doubles = twins([ligand_shape(item.outputs.atoms) for item in ordered], symmetry, SAME_MINIMUM, whole=whole)
    kept = [k for k, twin in enumerate(doubles) if twin is None]
    return tuple(
        _pose(
            place,
            ordered[k],
            energy_of(ordered[0].outputs),
            tuple(ordered[j].start.number for j, twin in enumerate(doubles) if twin == k),
            slab,
        )
        for place, k in enumerate(kept, start=1)
    )


def ligand_shape(atoms: "Atoms") -> Shape:
    """Return where the ligands of a complex are."""
    own = atoms.arrays["fragment"] > 0
    return shape_of(atoms.numbers[own], atoms.positions[own])


def _pose(number: int, item: Finished, lowest: float, doubles: tuple[int, ...], slab: "Atoms") -> Pose:
    from qddft.engines.relax import free_atoms, largest_force

    final = item.outputs.atoms
    checks = check_complex(item.initial, final)
    energy = energy_of(item.outputs)
    forces = np.zeros((len(final), 3)) if item.outputs.forces is None else item.outputs.forces
    held = [f"{b.symbols[0]}-{b.symbols[1]} {b.distance:.2f}" for b in checks.bindings]
    close = ligand_contacts(final, below=_SHORT, ignored=[(b.atom, b.surface) for b in checks.bindings])
    return Pose(
        rank=number,
        number=item.start.number,
        atoms=with_held_layers(final, slab),
        energy=energy,
        above_best=round(energy - lowest, 6),
        start_energy=float(item.start.energy or 0.0),
        places=item.start.places,
        doubles=doubles,
        intact=checks.molecule_intact,
        bound=checks.bound,
        proton_transferred=checks.proton_transferred,
        left_site=bool(checks.left_sites),
        contacts=tuple(held),
        shortest=round(close[0].ratio, 3) if close else None,
        max_force=round(largest_force(forces, free_atoms(item.initial)), 4),
        converged=bool(item.outputs.ionically_converged),
        steps=item.steps,
        warnings=checks.warnings,
        job=item.job,
    )


def with_held_layers(atoms: "Atoms", slab: "Atoms") -> "Atoms":
    """Return a copy of a complex that holds the layers that the slab holds, and nothing else."""
    from ase.constraints import FixAtoms

    from qddft.engines.relax import free_atoms

    layers = slab.arrays["layer"]
    held = np.setdiff1d(layers, layers[free_atoms(slab)])
    changed = atoms.copy()
    changed.set_constraint()
    if len(held):
        own = (atoms.arrays["fragment"] == 0) & np.isin(atoms.arrays["layer"], held)
        changed.set_constraint(FixAtoms(indices=np.flatnonzero(own)))
    return changed


def energy_of(outputs: "Outputs") -> float:
    """Return the energy of a finished calculation, eV."""
    # both engines of a search give an energy; other ones fail before they finish
    return float("inf") if outputs.energy is None else float(outputs.energy)


def _row(pose: Pose, *, kept: bool) -> dict[str, Any]:
    return {
        "rank": pose.rank,
        "above_best_eV": round(pose.above_best, 4),
        "energy_eV": pose.energy,
        **_place_columns(pose.places),
        "intact": pose.intact,
        "bound": pose.bound,
        "proton_transferred": pose.proton_transferred,
        "contacts": ", ".join(pose.contacts[:4]),
        "shortest_contact": pose.shortest,
        "max_force_eV_per_A": pose.max_force,
        "converged": pose.converged,
        "steps": pose.steps,
        "found": 1 + len(pose.doubles),
        "start": pose.number,
        "kept": kept,
    }


def _place_columns(places: Sequence[Place]) -> dict[str, Any]:
    """Return where the ligands of a pose are; of several ligands as text joined by ``+``."""
    names = ("site", "mode", "conformer", "azimuth", "tilt", "height")
    if len(places) == 1:
        return {name: getattr(places[0], name) for name in names}
    return {name: " + ".join(str(getattr(place, name)) for place in places) for name in names}
