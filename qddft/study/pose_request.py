"""What a search of poses was asked for; the file ``search.json`` of its folder."""

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
from qddft.study.pose_effort import SearchEffort

if TYPE_CHECKING:
    from ase import Atoms

# 2: relaxations in rungs
FORMAT = 2
_LEVELS = {"tblite": "screening", "ase": "calculator"}
_FACES = ("top", "bottom", "both")


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
    found += [f"its {name} {_be(name)} {one}, not {other}" for name, (one, other) in plain.items() if one != other]
    if not found and dict(known.level) != dict(asked.level):
        found.append(f"its level {known.level['name']} has other settings")
    return found


def _be(name: str) -> str:
    return "are" if name.endswith("s") else "is"


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
