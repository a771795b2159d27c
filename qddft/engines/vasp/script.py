"""The scripts of a job folder: ``job.sh``, which runs the job, and ``make_potcar.sh``."""

import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.engines.vasp.incar import preconverges
from qddft.engines.vasp.kpoints import irreducible_points
from qddft.engines.vasp.potcar import Potential, library_subfolder
from qddft.engines.vasp.species import species_order
from qddft.jobs.job import FinalOf

if TYPE_CHECKING:
    from qddft.engines.vasp.prepared import Prepared
    from qddft.jobs.job import Job

_HERE = Path(__file__).resolve().parent


def job_script(prepared: "Prepared") -> str:
    """Return ``job.sh``: hand-over from the parent, pre-convergence, run, judgement of the result."""
    job = prepared.job
    return render(
        "job.sh.j2",
        title=prepared.title,
        name=job.name,
        system=job.folder_name,
        comment=prepared.title,
        executable=prepared.executable,
        handover=(_HERE / "handover.py").read_text(encoding="utf-8"),
        parent=prepared.parent_folder,
        keep=kept_atoms(job),
        relaxes=job.task == "relax",
        cell_relaxes=prepared.case.cell_relaxes,
        preconverges=preconverges(prepared.tags),
        n_kpoints=irreducible_points(prepared.case, prepared.sorted_atoms),
    )


def potcar_script(wanted: Sequence[Potential]) -> str:
    """Return ``make_potcar.sh``, which concatenates the user's data sets on the computer that has them."""
    return render("make_potcar.sh.j2", potentials=list(wanted), first=wanted[0].symbol, subfolder=library_subfolder())


def kept_atoms(job: "Job") -> str:
    """Return which atoms of the parent's POSCAR a dependent job keeps: ``all``, or ranges that count from 1."""
    if not isinstance(job.start, FinalOf) or job.start.fragments is None:
        return "all"
    atoms = job.start.job.built_atoms
    fragment = atoms.arrays["fragment"][species_order(atoms.get_chemical_symbols())]
    return _ranges((np.flatnonzero(np.isin(fragment, job.start.fragments)) + 1).tolist())


def _ranges(numbers: Sequence[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def render(template: str, **values: Any) -> str:
    """Return a template of this package filled in; an unknown name in it is an error."""
    return str(_environment().get_template(template).render(**values))


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # shell scripts and plain text, no html: nothing is to be escaped but shell words, by the filter "quote"
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        # bash writes ${#array[@]}
        comment_start_string="<#--",
        comment_end_string="--#>",
    )
    environment.filters["quote"] = shlex.quote
    return environment
