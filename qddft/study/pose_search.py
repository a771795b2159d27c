"""Search the poses of a ligand on a face: rigid starts, their energies, short relaxations of the best, distinct minima.

A search is a run folder with jobs like any other: it shows its progress, may be killed at any moment and goes on where
it was. Starting poses are laid out once and then read from the folder.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qddft.core.errors import EngineError, FolderError, PlacementError
from qddft.engines.registry import get_engine
from qddft.jobs.disk import disk_errors
from qddft.jobs.lock import hold
from qddft.jobs.run_folder import SEARCH_LOCK, Run
from qddft.study.estimate import seconds_of_step
from qddft.study.pose_effort import SearchEffort
from qddft.study.pose_request import (
    SearchRequest,
    is_search,
    load_request,
    make_request,
    settle_request,
)
from qddft.study.pose_results import PoseSearch
from qddft.study.pose_stages import (
    Driving,
    OnEvent,
    carried_out,
    cell_height,
    laid_out,
    planned,
    starting_entries,
    write_starts,
)

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.atoms.ligand import Ligand

# a process for each job: starting Python and loading the engine, s
_STARTUP = 1.5


@dataclass(frozen=True)
class SearchEstimate:
    """What a search will compute.

    Attributes
    ----------
    single_points
        Starting poses.
    relaxations
        How many of them are relaxed.
    steps
        Ionic steps of those that go on to the end, at most.
    atoms
        Atoms of a complex.
    evaluations
        Energies with forces at most.
    seconds
        On one core, rough; ``None`` for engines whose speed is not known.
    """

    single_points: int
    relaxations: int
    steps: int
    atoms: int
    evaluations: int
    seconds: float | None

    @property
    def words(self) -> str:
        """The estimate as a sentence."""
        cost = "" if self.seconds is None else f"; about {_hours(self.seconds)} of one core at most"
        return (
            f"{self.single_points} single points of {self.atoms} atoms, then {self.relaxations} relaxations, the best "
            f"up to {self.steps} steps: at most {self.evaluations} energies with forces{cost}"
        )


def _hours(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


OnEstimate = Callable[[SearchEstimate], None]


def search_poses(  # noqa: PLR0913  (every choice a person makes about one search)
    slab: "Atoms",
    ligand: "Ligand | Sequence[Ligand]",
    *,
    run: str | Path,
    mode: str | Sequence[str] = "any",
    faces: str = "top",
    keep: int = 3,
    seed: int = 0,
    effort: SearchEffort | None = None,
    engine: str = "tblite",
    level: str | Path | None = None,
    workers: int | None = None,
    on_event: OnEvent | None = None,
    on_estimate: OnEstimate | None = None,
) -> PoseSearch:
    """Return the lowest poses of a ligand on a face; the same call again goes on where it was interrupted.

    Conformers at all distinct places, in many orientations and at several heights, are filtered by contacts; doubles by
    the symmetry of the clean face and by exchange of equal atoms are left out. The lowest of these rigid starts of
    every kind of contact are relaxed for a few steps with the slab frozen, the best of those further, the best of all
    to the end; distinct minima are ranked, and the best are written as structures.

    Parameters
    ----------
    slab
        A clean slab from ``build_slab``.
    ligand
        From ``get_ligand``; an ion pair (both ions are placed on neighboring sites); or several ligands that sit beside
        each other.
    run
        Folder of the search.
    mode
        Binding mode, or several that are tried; ``any`` for all that suit the ligand. For several ligands one for all,
        or one for each.
    faces
        ``top``, ``bottom``, or ``both`` with one ligand on each.
    keep
        How many of the lowest minima are written.
    seed
        Equal seeds give equal starting poses.
    effort
        How much is computed; ``SearchEffort()`` if not given.
    engine
        ``tblite`` or ``ase:MODULE:FACTORY``.
    level
        Level of theory; ``screening`` for tblite if not given.
    workers
        Jobs at once; as many as there are cores if not given.
    on_event
        Called with everything that happens to a job.
    on_estimate
        Called once, before anything is computed, with what there is to compute.

    Raises
    ------
    PlacementError, ChargeError
        Nothing fits, the mode makes no sense, or the cell would be charged.
    FolderError
        The folder holds another search or something else.
    EngineError
        The engine is not installed, or no starting pose could be computed.
    """
    request = make_request(
        slab, ligand, mode=mode, faces=faces, seed=seed, effort=effort or SearchEffort(), engine=engine, level=level
    )
    _check_keep(keep, request)
    _check_engine(engine)
    ligands = ligand if isinstance(ligand, Sequence) else (ligand,)
    folder = Path(run)
    # what does not fit leaves no folder behind
    candidates = () if is_search(folder) else laid_out(request, ligands)
    with _alone(folder):
        settle_request(folder, request)
        starts = planned(folder)
        if starts is None:
            candidates = candidates or laid_out(request, ligands)
            starts = write_starts(folder, request, candidates, cell_height(slab, candidates))
        _foretell(starts, request, keep, on_estimate)
        return carried_out(starts, request, keep=keep, driving=Driving(workers, on_event))


def resume_search(
    run: str | Path,
    *,
    keep: int = 3,
    workers: int | None = None,
    on_event: OnEvent | None = None,
    on_estimate: OnEstimate | None = None,
) -> PoseSearch:
    """Go on with a search whose starting poses are laid out, from its folder alone.

    Raises
    ------
    FolderError
        Not the folder of a search.
    """
    folder = Path(run)
    request = load_request(folder)
    _check_keep(keep, request)
    _check_engine(request.engine)
    with _alone(folder):
        starts = planned(folder)
        if starts is None:
            raise PlacementError(
                f"{folder} was interrupted before its starts were laid out; give the crystal and the ligand again"
            )
        _foretell(starts, request, keep, on_estimate)
        return carried_out(starts, request, keep=keep, driving=Driving(workers, on_event))


def estimate_search(
    slab: "Atoms",
    ligand: "Ligand | Sequence[Ligand]",
    *,
    mode: str | Sequence[str] = "any",
    faces: str = "top",
    keep: int = 3,
    seed: int = 0,
    effort: SearchEffort | None = None,
    engine: str = "tblite",
) -> SearchEstimate:
    """Lay out the starting poses of a search and return what it will compute; nothing is written.

    Raises
    ------
    PlacementError, ChargeError
        As ``search_poses``.
    """
    request = make_request(
        slab, ligand, mode=mode, faces=faces, seed=seed, effort=effort or SearchEffort(), engine=engine, level=None
    )
    _check_keep(keep, request)
    candidates = laid_out(request, ligand if isinstance(ligand, Sequence) else (ligand,))
    return _estimate(len(candidates), len(candidates[0].atoms), request, keep)


def _foretell(run: Run, request: SearchRequest, keep: int, on_estimate: OnEstimate | None) -> None:
    if on_estimate is not None:
        entries = starting_entries(run)
        on_estimate(_estimate(len(entries), entries[0].atoms, request, keep))


def _estimate(count: int, atoms: int, request: SearchRequest, keep: int) -> SearchEstimate:
    relaxations = min(request.effort.relaxations, count)
    evaluations = request.effort.evaluations(count, keep)
    step = seconds_of_step(request.engine, atoms)
    processes = count + sum(min(rung.count, count) for rung in request.effort.rungs(keep))
    seconds = None if step is None else evaluations * step + processes * _STARTUP
    return SearchEstimate(count, relaxations, request.effort.steps, atoms, evaluations, seconds)


def _check_keep(keep: int, request: SearchRequest) -> None:
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
        raise PlacementError(f"keep {keep!r}: give a whole number from 1.")
    if keep > request.effort.relaxations:
        raise PlacementError(
            f"{keep} poses are to be kept, but {request.effort.relaxations} are relaxed; relax at least as many."
        )


def _check_engine(name: str) -> None:
    if (missing := get_engine(name).available()) is not None:
        raise EngineError(missing)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second process out of the folder of a search."""
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file; give a folder for the search")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with hold(folder / SEARCH_LOCK):
            yield
