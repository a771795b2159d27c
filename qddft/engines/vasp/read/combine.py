"""Several files of one calculation to one ``Outputs``; what they disagree about becomes a warning."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.convergence import electronically_converged, ionically_converged, max_free_force
from qddft.engines.vasp.read.inputs import Inputs
from qddft.engines.vasp.read.readings import Reading, Structure, formula
from qddft.engines.vasp.read.settings import canonical_tags, kept_tags, neutral_settings, stated_dispersion
from qddft.engines.vasp.read.source import VASPOUT
from qddft.outputs.outputs import Outputs

# energies of two files of the same run agree to the digits that VASP 5.2 prints
_SAME_ENERGY = 2e-6
_SAME_CELL = 1e-3
_SAME_POSITION = 2e-3
_DECISIVE = (
    "ENCUT", "PREC", "LREAL", "GGA", "METAGGA", "LHFCALC", "ISPIN", "ISMEAR", "SIGMA", "NELECT", "LASPH", "LSORBIT",
    "LDAU",
)  # fmt: skip


def combine(readings: Sequence[Reading], inputs: Inputs, *, source: str) -> Outputs:
    """Return what all files of a calculation say together.

    Parameters
    ----------
    readings
        Files that hold a final state, the most trusted one first; the others fill its gaps.
    inputs
        Input files beside them.
    source
        What the user named.
    """
    merged = with_flags(merge(readings), inputs)
    if merged.final is None or merged.energies is None:
        raise OutputError(f"{merged.path}: no ionic step was completed; {merged.ends or 'there is no final energy'}")
    tags = effective_tags(merged, inputs)
    belongs = tuple(not_belonging(merged, inputs))
    neutral = neutral_settings(
        tags,
        titles=merged.titles,
        kpoints=merged.kpoints,
        structure=merged.final,
        dispersion=known_dispersion(merged, inputs, trusted=not belongs),
        stated=stated_tags(merged, inputs),
    )
    electrons = merged.parameters.get("NELECT")
    charge = None if electrons is None or merged.neutral_electrons is None else merged.neutral_electrons - electrons
    return Outputs(
        atoms=merged.final.to_atoms(),
        energy=merged.energies.sigma0,
        free_energy=merged.energies.free,
        forces=merged.forces,
        fermi_level=merged.fermi,
        n_electrons=electrons,
        charge=None if charge is None else round(charge, 8) + 0.0,
        electronically_converged=electronically_converged(merged),
        ionically_converged=ionically_converged(merged),
        n_ionic_steps=merged.steps_done,
        magnetization=merged.magnetization,
        stress=merged.stress,
        settings=neutral | {"effective": kept_tags(tags), "incar": dict(stated_tags(merged, inputs))},
        engine="vasp",
        engine_version=merged.version,
        source=source,
        warnings=(*_disagreements(readings), *belongs, *inputs.problems, *_cautions(merged), *merged.notes),
        extra=_extra(merged),
    )


def merge(readings: Sequence[Reading]) -> Reading:
    """Return the first reading with its gaps filled from the others of the same run."""
    first, *others = readings
    for other in others:
        if not _same_run(first, other):
            continue
        gaps = {item.name: getattr(other, item.name) for item in fields(Reading) if getattr(first, item.name) is None}
        tags = {key: value for key, value in other.parameters.items() if first.parameters.get(key) is None}
        scf = replace(
            first.scf,
            steps=other.scf.steps if first.scf.steps is None else first.scf.steps,
            announced=other.scf.announced if first.scf.announced is None else first.scf.announced,
        )
        first = replace(
            first,
            **gaps,
            parameters=dict(first.parameters) | tags,
            stated=dict(other.stated) | dict(first.stated),
            titles=first.titles or other.titles,
            scf=scf,
        )
    return first


def effective_tags(reading: Reading, inputs: Inputs) -> dict[str, Any]:
    """Return effective values; what a file does not echo (METAGGA, or nearly all in vaspout.h5) is taken as stated."""
    effective = {key: value for key, value in canonical_tags(renamed(reading.parameters)).items() if value is not None}
    stated = canonical_tags(stated_tags(reading, inputs))
    # vasprun.xml repeats the lists of the Hubbard terms cut after the first species
    lists = {key: stated[key] for key in ("LDAUL", "LDAUU", "LDAUJ") if key in stated}
    return {key: stated[key] for key in ("METAGGA", "IVDW", "LUSE_VDW") if key in stated} | effective | lists


def stated_tags(reading: Reading, inputs: Inputs) -> Mapping[str, Any]:
    """Return what the INCAR says: as the program repeated it, else the file."""
    if reading.stated:
        return reading.stated
    return {} if inputs.incar is None else inputs.incar.tags


def known_dispersion(reading: Reading, inputs: Inputs, *, trusted: bool) -> str | None:
    """Return the dispersion method where something proves it; vasprun.xml alone does not."""
    if reading.dispersion not in (None, "unknown"):
        return reading.dispersion
    if "IVDW" in reading.stated or reading.kind == VASPOUT:
        return stated_dispersion(reading.stated)
    if inputs.incar is not None and trusted:
        return stated_dispersion(inputs.incar.tags)
    return None


def not_belonging(reading: Reading, inputs: Inputs) -> Iterator[str]:
    """Yield sentences on inputs that the outputs were not computed from."""
    first = reading.initial
    if inputs.poscar is not None and first is not None:
        problem = _other_structure(inputs.poscar, first, at=reading.steps_done)
        # a POSCAR that was replaced by the final structure, ready to go on, is no stranger
        continued = reading.final is not None and _other_structure(inputs.poscar, reading.final, at=0) is None
        if problem is not None and not continued:
            yield f"POSCAR does not belong to {reading.kind}: {problem}"
    given = None if inputs.kpoints is None else inputs.kpoints.divisions
    used_mesh = None if reading.kpoints is None else reading.kpoints.divisions
    if given is not None and used_mesh is not None and given != used_mesh:
        yield f"KPOINTS does not belong to {reading.kind}: {given} subdivisions, {used_mesh} used"
    if inputs.incar is not None:
        used = canonical_tags(renamed(reading.parameters))
        for tag, value in canonical_tags(inputs.incar.tags).items():
            if tag in _DECISIVE and used.get(tag) is not None and not same_value(value, used[tag]):
                yield f"INCAR says {tag} = {value}, {reading.kind} used {used[tag]}"


def same_value(one: Any, other: Any) -> bool:
    """Return whether two values of a tag mean the same."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return bool(one == other)


def renamed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the cutoff under ENCUT (vasprun.xml calls it ENMAX)."""
    found = dict(parameters)
    if "ENMAX" in found:
        found["ENCUT"] = found.pop("ENMAX")
    return found


def with_flags(reading: Reading, inputs: Inputs) -> Reading:
    """Return the reading with the frozen coordinates that only POSCAR knows (OUTCAR does not print them)."""
    final = reading.final
    if final is None or final.movable is not None:
        return reading
    for structure in (inputs.contcar, inputs.poscar):
        if structure is not None and structure.symbols == final.symbols:
            flagged = Structure(final.symbols, final.cell, final.scaled, structure.movable)
            return replace(reading, final=flagged)
    return reading


def _same_run(one: Reading, other: Reading) -> bool:
    if one.energies is None or other.energies is None or one.final is None or other.final is None:
        return one.initial is None or other.initial is None or one.initial.symbols == other.initial.symbols
    return one.final.symbols == other.final.symbols and abs(one.energies.free - other.energies.free) < _SAME_ENERGY


def _disagreements(readings: Sequence[Reading]) -> Iterator[str]:
    first = readings[0]
    for other in readings[1:]:
        if first.initial is not None and other.initial is not None and first.initial.symbols != other.initial.symbols:
            yield (
                f"{first.path.name} and {other.path.name} do not belong to the same run: "
                f"{formula(first.initial.symbols)} against {formula(other.initial.symbols)}"
            )
        elif not _same_run(first, other) and first.energies is not None and other.energies is not None:
            yield (
                f"{first.path.name} and {other.path.name} do not belong to the same run: F = {first.energies.free:.6f} "
                f"after {first.steps_done} ionic steps against {other.energies.free:.6f} eV after {other.steps_done}"
            )


def _other_structure(given: Structure, used: Structure, *, at: int) -> str | None:
    if given.symbols != used.symbols:
        return f"it has {formula(given.symbols)}, the calculation {formula(used.symbols)}"
    if np.abs(given.cell - used.cell).max() > _SAME_CELL:
        return "its lattice vectors are not those the calculation began with"
    shift = given.scaled - used.scaled
    shift -= np.round(shift)
    distance = np.linalg.norm(shift @ used.cell, axis=1).max(initial=0.0)
    if distance > _SAME_POSITION:
        return f"an atom lies {distance:.3f} Angstrom from where the calculation ({at} ionic steps) began"
    return None


def _cautions(reading: Reading) -> Iterator[str]:
    if reading.complete is False:
        steps = f"this is the state after {reading.steps_done} ionic steps"
        yield f"{reading.path.name} is not complete: {reading.ends}; {steps}"
    if reading.parameters.get("ICHARG") in (10, 11, 12, 13):
        yield "the charge density was kept fixed (ICHARG >= 10): the total energy is not self-consistent"
    if reading.parameters.get("IBRION") == 0 and (reading.parameters.get("NSW") or 0) > 0:
        yield "molecular dynamics: the energy belongs to the last step, not to a minimum"
    if reading.parameters.get("IBRION") in (5, 6, 7, 8):
        yield "force constants: the energy may belong to a displaced structure"
    added = _added_after_scf(reading)
    if added is not None and abs(added) > 1e-4 and reading.dispersion in (None, "unknown"):
        yield f"{added:.5f} eV were added after the electronic loop (dispersion?); the file does not say why"
    if reading.moved_on:
        yield "the file ends with a structure that was moved on after the last energy; the one of that energy is given"
    if reading.stopped:
        yield "the program was told to stop (STOPCAR)"


def _added_after_scf(reading: Reading) -> float | None:
    if reading.energies is None or reading.scf.last_free is None:
        return None
    return reading.energies.free - reading.scf.last_free


def _extra(reading: Reading) -> dict[str, Any]:
    found: dict[str, Any] = {"energy_without_entropy": reading.energies.without_entropy if reading.energies else None}
    force = max_free_force(reading)
    if force is not None and reading.final is not None and reading.final.movable is not None:
        found["max_free_force"] = force
    if reading.dispersion_energy is not None:
        found["dispersion_energy"] = reading.dispersion_energy
    for name in ("site_charges", "site_moments"):
        if (rows := getattr(reading, name)) is not None:
            found[name] = rows.tolist()
    if reading.scf.steps is not None:
        found["n_scf_steps_last"] = reading.scf.steps
    added = _added_after_scf(reading)
    if added is not None:
        found["energy_added_after_scf"] = added
    found["frozen_known"] = reading.final is not None and reading.final.movable is not None
    found["file"] = reading.kind
    return found
