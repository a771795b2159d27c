"""The files that a search of poses leaves: structures, a table, and ``poses.json``, from which studies start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.core.errors import FolderError
from qddft.core.files import write_json, write_text
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.jobs.disk import disk_errors
from qddft.jobs.folder import read_object
from qddft.study.pose_request import SearchRequest

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.study.pose_results import Pose, PoseSearch

FORMAT = 1
POSES, TABLE, STARTS, STRUCTURES = "poses.json", "poses.csv", "starts.csv", "poses"
_WRITTEN = re.compile(r"pose-\d+\.(vasp|extxyz)")


@dataclass(frozen=True)
class KeptPose:
    """A pose as a finished search wrote it: its structure and the record of the table."""

    atoms: "Atoms"
    record: Mapping[str, Any]


@dataclass(frozen=True)
class KeptPoses:
    """The best poses of a finished search.

    Attributes
    ----------
    folder
        Of the search.
    request
        What was asked for, as in ``search.json``.
    poses
        Lowest energy first.
    """

    folder: Path
    request: Mapping[str, Any]
    poses: tuple[KeptPose, ...]


def write_poses(found: "PoseSearch", request: SearchRequest) -> None:
    """Write the kept poses as ``poses/pose-N.extxyz`` and ``.vasp``, the tables as CSV, and ``poses.json``."""
    folder = found.folder / STRUCTURES
    with disk_errors(found.folder):
        folder.mkdir(exist_ok=True)
        names = {name for pose in found.poses for name in _save(folder, pose)}
        for path in folder.iterdir():
            if _WRITTEN.fullmatch(path.name) and path.name not in names:
                path.unlink()
        write_text(found.folder / TABLE, found.table().to_csv(index=False))
        write_text(found.folder / STARTS, found.starts_table().to_csv(index=False))
        kept = [pose.record() | {"structure": structure_to_dict(pose.atoms)} for pose in found.poses]
        minima = [pose.record() for pose in found.minima]
        about = {"format": FORMAT, "request": request.as_dict(), "caution": found.caution, "notes": list(found.notes)}
        results = {"poses": kept, "minima": minima, "evaluations": found.evaluations}
        write_json(found.folder / POSES, about | results)


def read_poses(folder: Path) -> KeptPoses:
    """Read the poses of a finished search.

    Raises
    ------
    FolderError
        Not the folder of a search, not finished, or damaged.
    """
    data = read_object(folder / POSES, missing=f"no {POSES} in {folder}; finish the search with: qddft search {folder}")
    if data.get("format") != FORMAT:
        raise FolderError(f"{folder / POSES} has format {data.get('format')}, not {FORMAT}; search again")
    try:
        poses = tuple(
            KeptPose(structure_from_dict(item["structure"]), {k: v for k, v in item.items() if k != "structure"})
            for item in data["poses"]
        )
        return KeptPoses(folder, data["request"], poses)
    except (KeyError, TypeError, ValueError) as error:
        raise FolderError(
            f"{folder / POSES} is damaged ({error}); write it again with: qddft search {folder}"
        ) from error


def _save(folder: Path, pose: "Pose") -> list[str]:
    """Write one pose in two formats and return the names of the files."""
    import io

    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    atoms = pose.atoms.copy()
    atoms.calc = SinglePointCalculator(atoms, energy=pose.energy)
    names = []
    for suffix, options in (("extxyz", {}), ("vasp", {"sort": True, "direct": True})):
        text = io.StringIO()
        write(text, atoms, format=suffix, **options)
        names.append(f"pose-{pose.rank}.{suffix}")
        write_text(folder / names[-1], text.getvalue())
    return names
