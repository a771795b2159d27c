"""The terms of a reaction, each with the jobs that compete for its energy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qddft.analysis.binding import doubts
from qddft.analysis.reaction import Species
from qddft.core.errors import StructureError
from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.relaxation import Relaxation


@dataclass(frozen=True)
class Leg:
    """One term of a reaction.

    Attributes
    ----------
    species
        What it is and how many.
    candidates
        Conformers or poses; the lowest energy counts.
    isolated
        A molecule in a box.
    """

    species: Species
    candidates: tuple[Relaxation, ...]
    isolated: bool = False

    def label(self, index: int) -> str:
        """Return the label of a candidate's energy."""
        return self.species.name if len(self.candidates) == 1 else f"{self.species.name} #{index}"

    def jobs(self) -> dict[str, Job]:
        """Return all jobs by label."""
        return {
            label: job
            for index, item in enumerate(self.candidates)
            for label, job in item.labeled(self.label(index)).items()
        }

    def record(self) -> dict[str, Any]:
        """Return the leg as JSON types, jobs by id."""
        species = {
            "name": self.species.name,
            "coefficient": self.species.coefficient,
            "composition": dict(self.species.composition),
            "charge": self.species.charge,
        }
        pairs = [[item.relaxed.id, item.final.id] for item in self.candidates]
        return {"species": species, "candidates": pairs, "isolated": self.isolated}


def leg_of(record: Mapping[str, Any], jobs: Mapping[str, Job]) -> Leg:
    """Return the leg of its record; ``jobs`` by id."""
    candidates = tuple(Relaxation(jobs[relaxed], jobs[final]) for relaxed, final in record["candidates"])
    return Leg(Species(**record["species"]), candidates, record["isolated"])


@dataclass(frozen=True)
class Choice:
    """The candidate that stands for a leg.

    Attributes
    ----------
    leg
        The leg.
    index
        Number of the winner.
    outputs
        Of its final job.
    energies
        Of all candidates, eV; ``None`` where there is none.
    doubts
        Why the winner cannot be trusted; empty where it can.
    warnings
        What a reader has to know about the choice.
    """

    leg: Leg
    index: int
    outputs: Outputs
    energies: tuple[float | None, ...]
    doubts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def choose(leg: Leg, outputs: Mapping[str, Outputs]) -> Choice:
    """Return the candidate of lowest energy among those that converged, or among all if none did.

    Parameters
    ----------
    leg
        Its jobs are all in ``outputs``.
    outputs
        By the labels of ``Leg.jobs``.
    """
    finals = [outputs[leg.label(index)] for index in range(len(leg.candidates))]
    doubted = [_doubts(leg, index, outputs) for index in range(len(leg.candidates))]
    energies = tuple(item.energy for item in finals)
    trusted = [index for index, problems in enumerate(doubted) if not problems]
    index = min(trusted or range(len(finals)), key=lambda i: (finals[i].energy is None, finals[i].energy or 0.0))
    left_out = len(finals) - len(trusted)
    warnings = _left_out(leg, left_out) if trusted and left_out else ()
    return Choice(leg, index, finals[index], energies, doubted[index], warnings)


def structure_warnings(choice: Choice) -> tuple[str, ...]:
    """Return what the relaxation did to the structure of a winner: protons moved, molecules broken, ligands gone."""
    from qddft.atoms.checks import relaxation_warnings

    name, built = choice.leg.species.name, choice.leg.candidates[choice.index].relaxed.built_atoms
    try:
        found = relaxation_warnings(built, choice.outputs.atoms)
    except StructureError as error:
        return (f"{name}: the relaxed structure could not be checked: {error}",)
    return tuple(f"{name}: {text}" for text in found)


def structure_checks(choices: Iterable[Choice]) -> dict[str, Any]:
    """Return the flags of the winners by name, as ``Checks.record``: intact, bound, surface, proton, desorbed.

    A structure whose atoms are not those that were built has no flags; ``structure_warnings`` says so.
    """
    from qddft.atoms.checks import check_complex

    found = {}
    for choice in choices:
        built = choice.leg.candidates[choice.index].relaxed.built_atoms
        try:
            found[choice.leg.species.name] = check_complex(built, choice.outputs.atoms).record()
        except StructureError:
            continue
    return found


def _doubts(leg: Leg, index: int, outputs: Mapping[str, Outputs]) -> tuple[str, ...]:
    labels = leg.candidates[index].labeled(leg.label(index))
    return doubts({label: outputs[label] for label in labels})


def _left_out(leg: Leg, count: int) -> tuple[str, ...]:
    return (
        f"{leg.species.name}: {count} of {len(leg.candidates)} starting structures did not converge and were left out",
    )
