"""The settings of a VASP folder, finished or not, for an audit."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.engines.vasp.read.combine import (
    effective_tags,
    known_dispersion,
    merge,
    not_belonging,
    renamed,
    same_value,
    stated_tags,
    with_flags,
)
from qddft.engines.vasp.read.dispatch import folder_readings, open_existing, read_source, result_names
from qddft.engines.vasp.read.inputs import Inputs, read_inputs
from qddft.engines.vasp.read.rare_tags import unknown_tags
from qddft.engines.vasp.read.readings import KMesh, Reading, Structure
from qddft.engines.vasp.read.settings import canonical_tags, neutral_settings, stated_dispersion, with_defaults
from qddft.engines.vasp.read.source import OUTPUTS_JSON
from qddft.engines.vasp.read.spacing import mesh_of_inputs
from qddft.outputs.places import located
from qddft.outputs.run_settings import RunSettings
from qddft.outputs.store import load_outputs

# tags whose echo says nothing about what the user wanted, or that VASP rewrites as a matter of course
_NOT_COMPARED = frozenset(
    ("SYSTEM", "MAGMOM", "ALGO", "LDAUL", "LDAUU", "LDAUJ", "LORBIT", "ISTART", "NBANDS", "EFERMI")
)
_SAME_ELECTRONS = 1e-3


def run_settings(path: str | Path) -> RunSettings:
    """Return what decides the numbers of a calculation: effective values where outputs tell, else those of the INCAR.

    Parameters
    ----------
    path
        A folder with outputs, with inputs only, or of a killed run; or one result file; or an ``outputs.json``.

    Raises
    ------
    OutputError
        There are neither outputs nor an INCAR or POSCAR, or a file is damaged.
    """
    where = located(path)
    json_file = where / OUTPUTS_JSON if where.is_dir() else where
    if json_file.name == OUTPUTS_JSON and json_file.is_file():
        return RunSettings.of(load_outputs(json_file), str(path))
    if not where.is_dir():
        return _of_reading(read_source(open_existing(where)), Inputs(), str(path))
    inputs = read_inputs(where)
    if not result_names(where) and not inputs.empty:
        return _of_inputs(inputs, str(path))
    try:
        readings, problems = folder_readings(where)
    except OutputError as error:
        # a run that died before it wrote anything readable is still described by its inputs
        if inputs.empty:
            raise
        told = f"the values are those of the inputs, since {error}"
        return _of_inputs(replace(inputs, problems=(told, *inputs.problems)), str(path))
    return _of_reading(merge(readings), replace(inputs, problems=(*problems, *inputs.problems)), str(path))


def _of_reading(reading: Reading, inputs: Inputs, source: str) -> RunSettings:
    reading = with_flags(reading, inputs)
    belongs = tuple(not_belonging(reading, inputs))
    structure = reading.final or reading.initial
    tags = effective_tags(reading, inputs)
    neutral = neutral_settings(
        tags,
        titles=reading.titles,
        kpoints=reading.kpoints,
        structure=structure,
        dispersion=known_dispersion(reading, inputs, trusted=not belongs),
        stated=stated_tags(reading, inputs),
    )
    return RunSettings(
        source=source,
        settings=neutral,
        magnetization=reading.magnetization,
        engine="vasp",
        version=reading.version,
        stated=_overruled(reading, inputs),
        warnings=(
            *belongs,
            *inputs.problems,
            *unknown_tags(stated_tags(reading, inputs)),
            *(() if reading.neutral_electrons is None else _charged(tags.get("NELECT"), reading.neutral_electrons)),
        ),
        **_structure(structure),
    )


def _of_inputs(inputs: Inputs, source: str) -> RunSettings:
    """Return what the inputs ask for, completed by VASP's defaults."""
    stated = {} if inputs.incar is None else dict(inputs.incar.tags)
    titles = () if inputs.potentials is None else inputs.potentials.titles
    tags = with_defaults(stated)
    if inputs.potentials is not None and inputs.potentials.enmax is not None:
        tags.setdefault("ENCUT", inputs.potentials.enmax)
    neutral = neutral_settings(
        tags,
        titles=titles,
        kpoints=_mesh(inputs, tags),
        structure=inputs.poscar,
        dispersion=stated_dispersion(stated),
        stated=stated,
    )
    return RunSettings(
        source=source, settings=neutral, engine="vasp", warnings=_remarks(inputs), **_structure(inputs.poscar)
    )


def _remarks(inputs: Inputs) -> tuple[str, ...]:
    """Return what the reader of settings that come from inputs alone has to know."""
    if inputs.incar is None:
        return (*inputs.problems, "there is no readable INCAR: the values are VASP's defaults")
    tags = inputs.incar.tags
    found = [*inputs.problems, *inputs.incar.warnings, *unknown_tags(tags)]
    if inputs.kpoints is None and "kpoints" not in inputs.unread and "KSPACING" not in tags:
        found.append("there is neither KPOINTS nor KSPACING; VASP would take KSPACING = 0.5")
    return (*found, *_charged(tags.get("NELECT"), _neutral_electrons(inputs)))


def _charged(electrons: Any, neutral: float | None) -> tuple[str, ...]:
    """Return a sentence on a cell whose number of electrons is not that of its atoms, or was set by hand."""
    if not isinstance(electrons, int | float):
        return ()
    if neutral is None:
        return (f"NELECT = {electrons:g} is set by hand: the cell may be charged",)
    charge = neutral - electrons
    if abs(charge) < _SAME_ELECTRONS:
        return ()
    return (f"the cell has the charge {charge:+g} e: {electrons:g} electrons, {neutral:g} would make it neutral",)


def _neutral_electrons(inputs: Inputs) -> float | None:
    """Return the valence electrons of the atoms, where a whole POTCAR tells how many each has."""
    kinds = [] if inputs.poscar is None else [len(list(same)) for _, same in groupby(inputs.poscar.symbols)]
    valences = () if inputs.potentials is None else inputs.potentials.valences
    if not kinds or len(kinds) != len(valences):
        return None
    return sum(count * valence for count, valence in zip(kinds, valences, strict=True))


def _mesh(inputs: Inputs, tags: Mapping[str, Any]) -> KMesh | None:
    """Return the mesh that VASP would use; ``None`` where nothing can be known."""
    if inputs.incar is None or "kpoints" in inputs.unread:
        return inputs.kpoints
    return mesh_of_inputs(inputs.kpoints, tags, inputs.poscar)


def _structure(structure: Structure | None) -> dict[str, Any]:
    if structure is None:
        return {}
    return {"symbols": structure.symbols, "cell": np.asarray(structure.cell), "scaled": np.asarray(structure.scaled)}


def _overruled(reading: Reading, inputs: Inputs) -> tuple[tuple[str, Any, Any], ...]:
    """Return tags whose effective value is not the one that the INCAR gives."""
    stated = canonical_tags(stated_tags(reading, inputs))
    used = canonical_tags(renamed(reading.parameters))
    if used.get("NSW") in (0, None):
        # without ionic steps VASP sets IBRION = -1 whatever the INCAR says
        used.pop("IBRION", None)
    return tuple(
        (tag, value, used[tag])
        for tag, value in stated.items()
        if tag not in _NOT_COMPARED and used.get(tag) is not None and not same_value(value, used[tag])
    )
