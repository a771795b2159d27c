"""Write the folder of one VASP job."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from qddft.core.files import write_text
from qddft.core.structure_json import structure_to_dict
from qddft.engines.vasp.incar import incar_text, preconvergence_tags, preconverges
from qddft.engines.vasp.poscar import poscar_text
from qddft.engines.vasp.potcar import build_potcar, library_folder
from qddft.engines.vasp.prepared import Prepared
from qddft.engines.vasp.readme import readme
from qddft.engines.vasp.script import job_script, potcar_script
from qddft.engines.vasp.species import species_order
from qddft.jobs.folder import JOB, parent_folder

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job

ORDER_FILE = "qddft_order.json"
DONE_FILE = "vasp.done"
_ABOUT = "README.txt"
# files that a calculation leaves; a folder that holds one has been started
_STARTED = (DONE_FILE, "OUTCAR", "OSZICAR", "vasprun.xml", "vaspout.h5")


def write_folder(job: "Job", atoms: "Atoms | None", folder: Path) -> None:
    """Write the input files of a job; a folder in which VASP has been started is left as it is.

    Files that are there stay, with what was changed in them by hand; only README.txt is written anew.

    Parameters
    ----------
    job
        What to compute.
    atoms
        Where it starts; ``None`` while the parent has not finished, then there is no POSCAR yet.
    folder
        An existing folder.

    Raises
    ------
    QddftError
        VASP cannot compute the job as asked, or the POTCAR library is not what it should be.
    """
    if is_started(folder):
        return
    parent = parent_folder(folder) if (folder / JOB).exists() else None
    name_of_parent = None if parent is None else parent.name
    for name, text in folder_files(job, atoms, library_folder(), name_of_parent).items():
        if name != _ABOUT and (folder / name).exists():
            continue
        # they can be made again from the job at any time
        write_text(folder / name, text, flush=False)


def lacks_inputs(folder: Path, *, start_known: bool) -> bool:
    """Tell whether ``write_folder`` would add POSCAR or POTCAR to a folder."""
    if is_started(folder):
        return False
    return (start_known and not (folder / "POSCAR").exists()) or (
        not (folder / "POTCAR").exists() and library_folder() is not None
    )


def is_started(folder: Path) -> bool:
    """Tell whether VASP has run, or runs, in a folder."""
    return any((folder / name).exists() for name in _STARTED)


def folder_files(
    job: "Job", atoms: "Atoms | None", library: Path | None, parent_name: str | None = None
) -> dict[str, str]:
    """Return the files of a job folder, name -> text; nothing is written.

    Parameters
    ----------
    job, atoms
        As in ``write_folder``.
    library
        POTCAR library, or ``None`` for names only.
    parent_name
        Name of the parent's folder where it differs from ``job.parent.folder_name``.
    """
    prepared = Prepared.of(job, atoms, parent_name)
    files = {
        "INCAR": incar_text(prepared.tags, prepared.title, job.folder_name),
        "KPOINTS": str(prepared.kpoints),
        "POTCAR.spec": "".join(f"{item.title}\n" for item in prepared.potentials),
        "make_potcar.sh": potcar_script(prepared.potentials),
        "job.sh": job_script(prepared),
        _ABOUT: readme(prepared, has_potcar=library is not None),
    }
    files[ORDER_FILE] = _order(prepared, {name: files[name] for name in ("INCAR", "KPOINTS")})
    if preconverges(prepared.tags):
        title = f"{prepared.title}, run before the main one"
        files["INCAR.pre"] = incar_text(preconvergence_tags(prepared.tags), title, job.folder_name)
    if atoms is not None:
        files["POSCAR"] = poscar_text(prepared.sorted_atoms, prepared.title)
    if library is not None:
        files["POTCAR"] = build_potcar(prepared.potentials, library)
    return files


def _order(prepared: Prepared, written: dict[str, str]) -> str:
    """Return how to get from POSCAR back to the atoms of the job, and the inputs as they were written."""
    structure = structure_to_dict(prepared.atoms)
    order = species_order(prepared.atoms.get_chemical_symbols())
    kept = {key: structure[key] for key in ("symbols", "fixed", "arrays", "info")}
    meaning = "atom i of POSCAR is atom order[i] of the job, both from 0; the other fields are in the order of the job"
    record = {"format": 1, "job": prepared.job.id, "meaning": meaning, "order": order.tolist(), "written": written}
    return json.dumps(record | kept, sort_keys=True, allow_nan=False) + "\n"
