"""Find the result files of a calculation and read them into one ``Outputs``."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from qddft.core.errors import OutputError
from qddft.core.suggest import did_you_mean
from qddft.engines.gpaw.gpw import is_gpw, read_gpw
from qddft.engines.vasp.read.combine import combine
from qddft.engines.vasp.read.h5 import read_vaspout
from qddft.engines.vasp.read.inputs import Inputs, read_inputs
from qddft.engines.vasp.read.outcar import read_outcar
from qddft.engines.vasp.read.readings import Reading
from qddft.engines.vasp.read.source import OUTCAR, OUTPUTS_JSON, VASPOUT, VASPRUN, Source, file_kind, open_source
from qddft.engines.vasp.read.vasprun import read_vasprun
from qddft.outputs.outputs import Outputs
from qddft.outputs.places import located
from qddft.outputs.store import load_outputs

_SUFFIXES = ("", ".gz", ".bz2", ".xz")
_READERS: Mapping[str, Callable[[Source], Reading]] = {
    VASPRUN: read_vasprun,
    OUTCAR: read_outcar,
    VASPOUT: read_vaspout,
}
_STEP = re.compile(r"\.relax(\d+)(?:\.\w+)?$")
# large files that never hold the result of a run by themselves
_PASSED_OVER = ("WAVECAR", "CHG", "AECCAR", "LOCPOT", "ELFCAR", "PROCAR", "POTCAR", "WAVEDER", "TMPCAR", "DOSCAR")


def read_outputs(path: str | Path, *, partial: bool = False) -> Outputs:
    """Read a finished calculation: a folder, or one result file of it.

    Understood are vasprun.xml and OUTCAR of VASP 5.2 to 6.4 (plain, gzip, bzip2 or xz, under any name), vaspout.h5,
    and the ``outputs.json`` of every engine of qddft. In a folder everything is read together: the files fill each
    other's gaps, and what they disagree about, or what was not computed from the inputs beside it, is a warning.

    Parameters
    ----------
    path
        Folder or file.
    partial
        Also accept a run that was killed, or whose file was cut: the outputs are those of its last complete ionic
        step, marked as not converged and with a warning.

    Raises
    ------
    OutputError
        There is nothing to read, or the file is empty, cut, damaged, ambiguous or of another kind; the message names
        the file and the place.
    """
    where = located(path)
    if where.is_dir():
        if (where / OUTPUTS_JSON).is_file():
            return load_outputs(where / OUTPUTS_JSON)
        if (gpw := _only_gpw(where)) is not None:
            return read_gpw(gpw)
        readings, problems = folder_readings(where)
        inputs = read_inputs(where)
        inputs = replace(inputs, problems=(*problems, *inputs.problems))
    elif is_gpw(where):
        return read_gpw(where)
    else:
        source = open_existing(where)
        if source.kind == OUTPUTS_JSON:
            return load_outputs(where)
        readings, inputs = [read_source(source)], Inputs()
    first = readings[0]
    if first.complete is False and not partial:
        raise OutputError(_unfinished(first))
    return combine(readings, inputs, source=str(path))


def open_existing(path: Path) -> Source:
    """Open a result file; a name that does not exist is answered with similar ones.

    Raises
    ------
    OutputError
        The file does not exist or cannot be read.
    """
    if not path.exists() and path.parent.is_dir():
        names = [entry.name for entry in path.parent.iterdir()][:500]
        raise OutputError(f"{path} does not exist. {did_you_mean(path.name, names)}")
    return open_source(path)


def read_source(source: Source) -> Reading:
    """Return what a result file says.

    Raises
    ------
    OutputError
        The file is damaged, or no result file of VASP.
    """
    if source.kind not in _READERS:
        raise OutputError(
            f"{source.path} is {source.kind}, not a result file of VASP that holds energies: vasprun.xml, OUTCAR and "
            "vaspout.h5 do"
        )
    return _READERS[source.kind](source)


def folder_readings(folder: Path) -> tuple[list[Reading], tuple[str, ...]]:
    """Return what the result files of a folder say, complete files first, and sentences on those left out.

    Raises
    ------
    OutputError
        No file can be read, or several runs lie in the folder.
    """
    readings: list[Reading] = []
    problems: list[str] = []
    for path in result_files(folder):
        try:
            readings.append(read_source(open_source(path)))
        except OutputError as error:
            problems.append(str(error))
    if not readings:
        raise OutputError("; ".join(problems) if problems else _nothing(folder))
    complete = [reading for reading in readings if reading.complete is not False]
    problems += [_unfinished(reading) for reading in readings if complete and reading.complete is False]
    return complete or readings, (*problems, *_images(folder))


def _images(folder: Path) -> tuple[str, ...]:
    """Return a warning where subfolders hold the images of a band: the file above them is that of one image."""
    images = sorted(path.name for path in folder.glob("[0-9][0-9]") if present(path, OUTCAR) is not None)
    if not images:
        return ()
    return (
        f"{folder} is that of a band of images ({', '.join(images)}): the values are those of one of them, name it",
    )


def result_files(folder: Path) -> list[Path]:
    """Return the result files of a folder: those with VASP's own names, else any that are such by their content.

    Raises
    ------
    OutputError
        Several files of one kind lie there under other names, so that it is not clear which one is meant.
    """
    usual = [present(folder, name) for name in (VASPRUN, OUTCAR, VASPOUT)]
    if any(usual):
        return [path for path in usual if path is not None]
    by_kind: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith((".", *_PASSED_OVER)):
            kind = _kind_or_none(path)
            if kind is not None and kind in _READERS:
                by_kind.setdefault(kind, []).append(path)
    for kind, paths in by_kind.items():
        # custodian keeps the steps of a double relaxation as OUTCAR.relax1.gz, OUTCAR.relax2.gz: the last one counts
        steps = {int(found[1]): path for path in paths if (found := _STEP.search(path.name))}
        if len(steps) == len(paths) > 1:
            by_kind[kind] = [steps[max(steps)]]
        elif len(paths) > 1:
            names = ", ".join(path.name for path in paths)
            raise OutputError(f"{folder} holds {len(paths)} files of the kind {kind} ({names}); name one of them")
    return [by_kind[kind][0] for kind in _READERS if kind in by_kind]


def _only_gpw(folder: Path) -> Path | None:
    """Return the one GPAW file of a folder that holds no result file of VASP under its usual name.

    Raises
    ------
    OutputError
        There are several.
    """
    found = sorted(path for path in folder.glob("*.gpw") if is_gpw(path))
    if not found or any(present(folder, name) for name in (VASPRUN, OUTCAR, VASPOUT)):
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise OutputError(f"{folder} holds {len(found)} files of GPAW ({names}); name one of them")
    return found[0]


def _kind_or_none(path: Path) -> str | None:
    try:
        return file_kind(path)
    except OutputError:
        return None


def present(folder: Path, name: str) -> Path | None:
    """Return the file of a folder that has one of VASP's names, plain or compressed."""
    return next((folder / (name + suffix) for suffix in _SUFFIXES if (folder / (name + suffix)).is_file()), None)


def _unfinished(reading: Reading) -> str:
    return (
        f"{reading.path} is not complete: {reading.ends}. The run was killed or is still going on, or the file was cut "
        f"when it was copied; {reading.steps_done} ionic steps were completed. --allow-unconverged, in Python "
        "read_outputs(path, partial=True), takes the last of them, marked as not converged"
    )


def _nothing(folder: Path) -> str:
    broken = [name for name in (VASPRUN, OUTCAR, VASPOUT) if (folder / name).is_symlink()]
    if broken:
        return f"{folder / broken[0]} is a link to {(folder / broken[0]).readlink()}, which is no file"
    below = [entry.name for entry in sorted(folder.iterdir()) if entry.is_dir() and result_names(entry)]
    hint = f"; its subfolders {', '.join(below[:5])} do" if below else ""
    return f"{folder} holds no vasprun.xml, OUTCAR, vaspout.h5 or outputs.json, and no .gpw file{hint}"


def result_names(folder: Path) -> bool:
    """Return whether a folder holds a result file under its usual name."""
    return any(present(folder, name) for name in (OUTPUTS_JSON, VASPRUN, OUTCAR, VASPOUT))
