"""Terms of the points of a series, made from those of the study, and what a reader has to know about a series."""

from dataclasses import replace
from typing import Any

from qddft.jobs.job import FinalOf, Job
from qddft.levels.settings import Level
from qddft.recipes.legs import Leg
from qddft.recipes.relaxation import Relaxation
from qddft.study.clean_slabs import THICKER
from qddft.study.schema import SlabSpec
from qddft.study.schema_convergence import SeriesSpec

# how names of jobs say what was varied
SUFFIX = {"cutoff_eV": "cutoff", "kpoints": "k", "vacuum": "vacuum", "layers": "layers", "supercell": "cell"}


def static_leg(leg: Leg, resolved: dict[str, Any], suffix: str) -> Leg:
    """Return a term computed at another level on the geometries that were relaxed."""
    return replace(leg, candidates=tuple(_static(item, resolved, suffix) for item in leg.candidates))


def renamed_leg(leg: Leg, suffix: str) -> Leg:
    """Return a term whose jobs say the setting in their names."""
    # the name of a thicker slab says its layers already
    if leg.species.name.startswith(THICKER) and suffix.startswith(SUFFIX["layers"]):
        return leg
    return replace(leg, candidates=tuple(_renamed_jobs(item, suffix) for item in leg.candidates))


def _static(item: Relaxation, resolved: dict[str, Any], suffix: str) -> Relaxation:
    before = item.relaxed
    # where nothing moves there is no geometry to wait for
    start = before.start if before.task == "static" else FinalOf(before)
    only = Job(f"{before.name}-{suffix}", before.role, "static", start, resolved, before.charge, before.unpaired)
    return Relaxation(only if before.task == "static" else before, only)


def _renamed_jobs(item: Relaxation, suffix: str) -> Relaxation:
    relaxed = replace(item.relaxed, name=f"{item.relaxed.name}-{suffix}")
    if item.final.id == item.relaxed.id:
        return Relaxation(relaxed, relaxed)
    return Relaxation(relaxed, replace(item.final, name=f"{relaxed.name}-static", start=FinalOf(relaxed)))


def remarks_of(spec: SeriesSpec, slab: SlabSpec, level: Level, engine: str) -> tuple[str, ...]:
    """Return what limits the meaning of a series."""
    found = []
    frozen = level.settings.frozen == "slab"
    if spec.vary == "layers" and frozen:
        found.append("the level holds the whole slab, so that the series shows no relaxation of deeper layers")
    if spec.kind == "surface energy" and (frozen or slab.fixed_layers in ("all", slab.layers)):
        found.append("the whole slab is held, so that the surface energy is that of faces that have not relaxed")
    elif spec.kind == "surface energy" and slab.fixed_layers:
        found.append("layers at the bottom are held, so that the surface energy is the mean with a face not relaxed")
    # a calculator of ASE gets no mesh, and most have none
    if spec.vary == "supercell" and level.settings.kpoints_refer_to == "cell" and not engine.startswith("ase:"):
        found.append("the level's mesh is that of every cell, so that larger cells also sample the zone more densely")
    return tuple(found)
