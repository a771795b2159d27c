"""What a search of poses was asked for; the file ``search.json`` of its folder."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.atoms.contacts import MIN_CONTACT
from qddft.atoms.ligand import Ligand
from qddft.atoms.pose_candidates import Extent
from qddft.atoms.pose_heads import modes_of
from qddft.core.errors import FolderError, LevelError, PlacementError
from qddft.core.files import write_json
from qddft.core.hashing import content_hash
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.engines.registry import get_engine
from qddft.jobs.folder import read_object
from qddft.jobs.run_folder import PLAN, RUN, SEARCH, SEARCH_LOCK
from qddft.levels.load import load_level
from qddft.study.naming import ligand_label

if TYPE_CHECKING:
    from ase import Atoms

# 2: relaxations in rungs
FORMAT = 2
_LEVELS = {"tblite": "screening", "ase": "calculator"}
_FACES = ("top", "bottom", "both")
# of the steps to the end, the first rung of relaxations goes a twelfth and the second a third, but no fewer than these
_FIRST_SHARE, _SECOND_SHARE, _LEAST_STEPS = 12, 3, 8


@dataclass(frozen=True)
class Rung:
    """How many starts are relaxed up to how many ionic steps, those of the rungs before included."""

    count: int
    steps: int


@dataclass(frozen=True)
class SearchEffort:
    """How much is computed.

    Attributes
    ----------
    single_points
        Starting poses whose energy is computed, at most.
    relaxations
        How many of them are relaxed, for a few steps at first; the slab is frozen.
    steps
        Ionic steps of those that go on to the end, at most; ``rungs`` says how many do.
    conformers
        Conformers of each ligand, lowest force-field energy first.
    heights
        Bonds at the start: how much longer than the shortest that fits, Angstrom.
    max_tilt
        Largest angle of a ligand from upright at the start, degrees. Chains that lie flat gain dispersion that they
        would not in a shell of ligands: 60 leaves them out.
    """

    single_points: int = 48
    relaxations: int = 12
    steps: int = 120
    conformers: int = 4
    heights: tuple[float, ...] = (0.0, 0.3)
    max_tilt: float = 180.0

    def __post_init__(self) -> None:
        for name, most in (("single_points", 9999), ("relaxations", 999), ("steps", 9999), ("conformers", 400)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
                raise PlacementError(f"{name} {value!r}: give a whole number from 1 to {most}.")
        object.__setattr__(self, "heights", _heights(self.heights))
        if not _is_number(self.max_tilt) or not 0 < self.max_tilt <= 180:
            raise PlacementError(f"max_tilt {self.max_tilt!r}: give an angle above 0 and up to 180 degrees.")

    def rungs(self, keep: int) -> tuple[Rung, ...]:
        """Return how many starts are relaxed how far: many for a few steps, the best of them on and on.

        Successive halving (K. Jamieson, A. Talwalkar, Proc. AISTATS 51 (2016) 240): the lowest rigid start seldom leads
        to the lowest minimum, and which start does shows long before its relaxation has converged.

        Parameters
        ----------
        keep
            Poses that will be written; all of them are relaxed to the end.
        """
        shares = ((1, _FIRST_SHARE), (2, _SECOND_SHARE), (4, 1))
        found: list[Rung] = []
        for part, share in shares:
            count = min(self.relaxations, max(keep, math.ceil(self.relaxations / part)))
            reach = min(self.steps, max(_LEAST_STEPS, self.steps // share))
            if found and reach == found[-1].steps:
                # too few steps to divide: all that came so far have gone all the way
                continue
            found.append(Rung(count, reach))
        return tuple(found)

    def evaluations(self, starts: int, keep: int) -> int:
        """Return the energies with forces that a search with so many starting poses needs at most."""
        count, before = starts, 0
        for rung in self.rungs(keep):
            count += min(rung.count, starts) * (1 + rung.steps - before)
            before = rung.steps
        return count


@dataclass(frozen=True)
class SearchRequest:
    """Everything that decides what a search finds.

    Attributes
    ----------
    slab
        The clean slab as JSON.
    ligands
        Name, label, formula, charge and fingerprint of each ligand.
    modes
        Binding modes that are tried for each of them.
    faces, seed, effort
        As in ``search_poses``.
    engine
        Name of the engine.
    level
        Resolved level.
    """

    slab: Mapping[str, Any]
    ligands: tuple[Mapping[str, Any], ...]
    modes: tuple[tuple[str, ...], ...]
    faces: str
    seed: int
    effort: SearchEffort
    engine: str
    level: Mapping[str, Any]

    @property
    def atoms(self) -> "Atoms":
        """The clean slab."""
        return structure_from_dict(dict(self.slab))

    @property
    def extent(self) -> Extent:
        """How widely starting poses are laid out."""
        effort = self.effort
        return Extent(
            count=effort.single_points,
            conformers=effort.conformers,
            heights=effort.heights,
            max_tilt=effort.max_tilt,
            faces=self.faces,
            min_contact=MIN_CONTACT,
            seed=self.seed,
        )

    @property
    def title(self) -> str:
        """The search in words."""
        labels = " + ".join(str(ligand["label"]) for ligand in self.ligands)
        return f"Poses of {labels} on {slab_words(self.atoms)}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "format": FORMAT,
            "slab": dict(self.slab),
            "ligands": [dict(ligand) for ligand in self.ligands],
            "modes": [list(names) for names in self.modes],
            "faces": self.faces,
            "seed": self.seed,
            "effort": asdict(self.effort) | {"heights": list(self.effort.heights)},
            "engine": self.engine,
            "level": dict(self.level),
        }


def make_request(
    slab: "Atoms",
    ligand: Ligand | Sequence[Ligand],
    *,
    mode: str | Sequence[str],
    faces: str,
    seed: int,
    effort: SearchEffort,
    engine: str,
    level: str | Path | None,
) -> SearchRequest:
    """Check what a search is asked for.

    Raises
    ------
    PlacementError
        No ligand, an unknown mode or face, as many modes as there are not ligands, or a slab that is not clean.
    EngineError
        There is no such engine.
    LevelError
        An engine without a default level and no level given.
    """
    ligands = (ligand,) if isinstance(ligand, Ligand) else tuple(ligand)
    if not ligands or not all(isinstance(item, Ligand) for item in ligands):
        raise PlacementError(
            f"search_poses: {ligand!r} is no Ligand; get one with get_ligand, e.g. get_ligand('oleic acid')."
        )
    if faces not in _FACES:
        raise PlacementError(f"unknown faces {faces!r}; give top, bottom or both.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**31:
        raise PlacementError(f"seed {seed!r}: give a whole number from 0 to 2147483647.")
    if (np.asarray(slab.arrays.get("fragment", 0)) > 0).any():
        raise PlacementError("search_poses: give the clean slab; several ligands are searched together as a list.")
    return SearchRequest(
        slab=structure_to_dict(slab),
        ligands=tuple(_described(item) for item in ligands),
        modes=tuple(modes_of(item, names) for item, names in zip(ligands, _each(mode, ligands), strict=True)),
        faces=faces,
        seed=int(seed),
        effort=effort,
        engine=engine,
        level=_level(engine, level),
    )


def load_request(folder: Path) -> SearchRequest:
    """Read the request of a search folder.

    Raises
    ------
    FolderError
        Not a folder of a search, or its ``search.json`` is damaged or of another format.
    """
    path = folder / SEARCH
    data = read_object(
        path, missing=f"no {SEARCH} in {folder}; make a search with: qddft search CRYSTAL --ligand NAME -o {folder}"
    )
    if data.get("format") != FORMAT:
        raise FolderError(f"{path} has format {data.get('format')}, not {FORMAT}; search again in a new folder")
    try:
        return SearchRequest(
            slab=data["slab"],
            ligands=tuple(data["ligands"]),
            modes=tuple(tuple(names) for names in data["modes"]),
            faces=data["faces"],
            seed=data["seed"],
            effort=SearchEffort(**data["effort"]),
            engine=data["engine"],
            level=data["level"],
        )
    except (KeyError, TypeError, PlacementError) as error:
        raise FolderError(f"{path} is damaged ({error}); search again in a new folder") from error


def is_search(path: Path) -> bool:
    """Tell the folder of a search, finished or not, from others."""
    return (path / SEARCH).is_file()


def settle_request(folder: Path, request: SearchRequest) -> None:
    """Write the request into a folder, or check that the folder belongs to the same one.

    A search that was killed before anything was laid out gives way.

    Raises
    ------
    FolderError
        The folder holds another search; the message says what differs.
    """
    path = folder / SEARCH
    foreign = [item.name for item in folder.iterdir() if item.name != SEARCH_LOCK]
    if not path.exists() and foreign:
        what = "is the run of a study" if RUN in foreign else f"holds other files ({min(foreign)}, ...)"
        raise FolderError(f"{folder} {what}; give a new or empty folder for the search")
    if not path.exists() or not (folder / PLAN).exists():
        write_json(path, request.as_dict())
        return
    differing = _differences(load_request(folder), request)
    if differing:
        raise FolderError(
            f"{folder} holds another search: {'; '.join(differing)}. Give another folder with -o, or the options of "
            "that search"
        )


def slab_key(slab: Mapping[str, Any]) -> str:
    """Return equal text for equal slabs, whatever their vacuum, labels and held atoms."""
    atoms = structure_from_dict(dict(slab))
    positions = atoms.positions - [0.0, 0.0, float(atoms.positions[:, 2].min())]
    lateral = np.round(atoms.cell.array[:2], 3) + 0.0
    return content_hash({"symbols": slab["symbols"], "positions": np.round(positions, 3) + 0.0, "lateral": lateral})


def slab_words(slab: "Atoms") -> str:
    """Return a slab in words."""
    about = slab.info.get("qddft", {})
    if "termination" not in about:
        return str(slab.get_chemical_formula())
    bulk = about.get("bulk", {})
    return (
        f"{bulk.get('formula', '')} {bulk.get('phase', '')} (001)/{about['termination']['top']}, "
        f"{about.get('supercell', '')}, {about.get('layers', '')} layers"
    )


def _differences(known: SearchRequest, asked: SearchRequest) -> list[str]:
    """Say how two requests differ."""
    found = []
    if slab_key(known.slab) != slab_key(asked.slab) or known.slab["cell"] != asked.slab["cell"]:
        one, other = slab_words(known.atoms), slab_words(asked.atoms)
        same = " (the same words, but other coordinates or another vacuum)" if one == other else ""
        found.append(f"its slab is {one}, not {other}{same}")
    labels = [" + ".join(str(ligand["label"]) for ligand in each.ligands) for each in (known, asked)]
    if [ligand["key"] for ligand in known.ligands] != [ligand["key"] for ligand in asked.ligands]:
        found.append(f"its ligand is {labels[0]}, not {labels[1]}")
    plain: dict[str, list[Any]] = {
        "modes": [[" ".join(names) for names in each.modes] for each in (known, asked)],
        "faces": [known.faces, asked.faces],
        "seed": [known.seed, asked.seed],
        "engine": [known.engine, asked.engine],
        "level": [known.level["name"], asked.level["name"]],
        **{name: [value, getattr(asked.effort, name)] for name, value in asdict(known.effort).items()},
    }
    found += [f"its {name} is {one}, not {other}" for name, (one, other) in plain.items() if one != other]
    if not found and dict(known.level) != dict(asked.level):
        found.append(f"its level {known.level['name']} has other settings")
    return found


def _described(ligand: Ligand) -> dict[str, Any]:
    # coordinates from a file are part of the question, those of RDKit follow from SMILES and seed
    given = np.round(np.array(ligand.positions), 4) if ligand.conformer is None or ligand.conformer else None
    key = {"smiles": ligand.smiles, "symbols": ligand.symbols, "charge": ligand.charge, "given": given}
    return {
        "name": ligand.name,
        "label": ligand_label(ligand),
        "formula": ligand.formula,
        "smiles": ligand.smiles,
        "charge": ligand.charge,
        "key": content_hash(key | {"anchors": ligand.anchors, "seed": ligand.seed}),
    }


def _each(mode: str | Sequence[str], ligands: Sequence[Ligand]) -> list[str | Sequence[str]]:
    """Return the modes of each ligand: of one ligand all that are tried, of several one for each."""
    if isinstance(mode, str):
        return [mode] * len(ligands)
    names = list(mode)
    if len(ligands) == 1:
        return [names]
    if len(names) != len(ligands):
        raise PlacementError(f"{len(names)} modes for {len(ligands)} ligands: give one for all, or one for each.")
    return list(names)


def _level(engine: str, level: str | Path | None) -> dict[str, Any]:
    get_engine(engine)
    name = level or _LEVELS.get(engine.partition(":")[0])
    if name is None:
        raise LevelError(f"a search with the engine {engine!r} needs a level; poses are meant to be ranked by tblite")
    return load_level(name).resolved(engine)


def _heights(values: Sequence[float]) -> tuple[float, ...]:
    listed = tuple(values)
    if not listed or not all(_is_number(value) and 0 <= value <= 3 for value in listed):
        raise PlacementError(f"heights {values!r}: give one or more lengths from 0 to 3 Å.")
    return tuple(dict.fromkeys(float(value) for value in listed))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
