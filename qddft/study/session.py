"""From a study to a plan, to job folders, to a finished run: one function for each step."""

import shlex
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from qddft.core.errors import StudyError
from qddft.engines.registry import get_engine
from qddft.jobs.job import Given, Job
from qddft.jobs.plan import Plan
from qddft.jobs.run_folder import RUN, Run, create_run_of
from qddft.study.execute import Event, RunReport
from qddft.study.execute import run as execute
from qddft.study.expand import choose_level, expand
from qddft.study.load import load_study
from qddft.study.naming import slug
from qddft.study.portions import portions
from qddft.study.pose_request import is_search
from qddft.study.refresh import refresh
from qddft.study.schema import Study


def plan(study: Study | str | Path, *, engine: str | None = None, level: str | Path | None = None) -> Plan:
    """Return the jobs of a study, parents first; nothing is written.

    Parameters
    ----------
    study
        From ``load_study``, or its path.
    engine
        Name of an engine; the first of the study if not given.
    level
        Preset or file of a level; the one that the study gives for the engine if not given.

    Raises
    ------
    QddftError
        The study has mistakes, or a structure cannot be built.
    """
    return expand(_loaded(study), engine=engine, level=level).plan


def write(
    study: Study | str | Path, run: str | Path, *, engine: str | None = None, level: str | Path | None = None
) -> Run:
    """Write the job folders of a study; folders that are there with the same content keep their files.

    They get what could not be written before: the start of jobs whose parent is done now, data sets of a library.

    Parameters
    ----------
    study, engine, level
        As in ``plan``.
    run
        Folder of the run.

    Raises
    ------
    FolderError
        The folder holds something else, or cannot be written to.
    """
    loaded = _loaded(study)
    name = choose_level(loaded, engine, level)[0]
    program = get_engine(name)

    def fill(job: Job, folder: Path) -> None:
        program.write(job, job.start.atoms if isinstance(job.start, Given) else None, folder)

    made = create_run_of(
        (
            (part.plan, [recipe.record() for recipe in part.recipes])
            for part in portions(loaded, engine=engine, level=level)
        ),
        Path(run),
        engine=name,
        title=loaded.title,
        study_text=loaded.text,
        fill=fill,
    )
    refresh(made)
    return made


def run(
    study: Study | str | Path,
    run: str | Path | None = None,
    *,
    engine: str | None = None,
    level: str | Path | None = None,
    workers: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    executor: Executor | None = None,
) -> RunReport:
    """Compute a study, or go on with a run folder.

    Parameters
    ----------
    study
        A study, its path, or the path of a run folder.
    run
        Where the run goes; ``run-NAME`` beside the current folder if not given.
    engine, level
        As in ``plan``; a run folder has its own.
    workers, on_event, executor
        As in ``qddft.study.execute.run``.

    Raises
    ------
    QddftError
        The input has to be fixed, or the engine is not installed.
    """
    folder = prepare(study, run, engine=engine, level=level)
    return execute(folder, workers=workers, on_event=on_event, executor=executor)


def prepare(
    study: Study | str | Path,
    run: str | Path | None = None,
    *,
    engine: str | None = None,
    level: str | Path | None = None,
) -> Path:
    """Return the run folder of a study, written if it is a study; a run folder is returned as it is.

    Raises
    ------
    StudyError
        Options that belong to a study were given with a run folder, or the folder is that of a search.
    """
    if not isinstance(study, Study) and is_run(Path(study)):
        if is_search(Path(study)):
            raise StudyError(f"{study} is a search of poses; go on with: qddft search {shlex.quote(str(study))}")
        if run is not None or engine is not None or level is not None:
            raise StudyError(f"{study} is a run folder and keeps its engine, level and place; leave these options out")
        return Path(study)
    loaded = _loaded(study)
    target = Path(run) if run is not None else default_run(loaded)
    return write(loaded, target, engine=engine, level=level).path


def default_run(study: Study) -> Path:
    """Return ``run-NAME`` in the current folder, NAME from the study file: ``run-demo`` for ``demo.yaml``."""
    stem = study.folder.resolve().name if study.path.stem == "study" else study.path.stem
    return Path(f"run-{slug(stem)}")


def is_run(path: Path) -> bool:
    """Tell a run folder from a study."""
    return (path / RUN).is_file()


def _loaded(study: Study | str | Path) -> Study:
    return study if isinstance(study, Study) else load_study(study)
