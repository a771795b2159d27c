"""Starting poses of a study that a search of poses found."""

from typing import TYPE_CHECKING

from qddft.atoms.ligand import Ligand
from qddft.core.errors import PlacementError
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.study.ligands import Adsorbate
from qddft.study.naming import ligand_label
from qddft.study.pose_files import KeptPose, KeptPoses, read_poses
from qddft.study.pose_request import slab_key, slab_words
from qddft.study.pose_results import with_held_layers
from qddft.study.schema import LigandSpec

if TYPE_CHECKING:
    from ase import Atoms


# keys of a row that say where a ligand sits; a search has decided that
_DECIDED = ("distance", "site", "conformer", "count", "per_nm2")


def searched_poses(slab: "Atoms", adsorbate: Adsorbate) -> "tuple[Atoms, ...]":
    """Return the best poses of a finished search as starting structures of a row.

    Parameters
    ----------
    slab
        The slab of the study; its held layers are held.
    adsorbate
        The row: ``poses_from`` names the folder, ``poses`` how many are taken.

    Returns
    -------
    tuple of Atoms
        Lowest energy first; ``info["qddft"]["pose_search"]`` says which pose of which search each is.

    Raises
    ------
    FolderError
        There is no finished search in the folder.
    PlacementError
        The search was of another slab or ligand or of other faces, or kept fewer poses.
    """
    spec = adsorbate.spec
    where = f"poses_from {spec.poses_from}"
    found = read_poses(adsorbate.folder / str(spec.poses_from))
    given = [name for name in _DECIDED if getattr(spec, name) is not None]
    if given:
        raise PlacementError(f"{where}: the search has decided where the ligand sits; leave {', '.join(given)} out.")
    _check_request(found, slab, adsorbate.ligand, spec, where)
    if len(found.poses) < spec.poses:
        raise PlacementError(
            f"{where}: the search kept {len(found.poses)} poses, not {spec.poses}; ask for fewer, or keep more: "
            f"qddft search {spec.poses_from} --keep {spec.poses}"
        )
    chosen = found.poses[: spec.poses]
    for kept in chosen:
        _check_mode(kept, adsorbate, where)
    return tuple(_started(kept, found, slab, str(spec.poses_from)) for kept in chosen)


def _check_request(found: KeptPoses, slab: "Atoms", ligand: Ligand, spec: LigandSpec, where: str) -> None:
    """Refuse a search of something else."""
    request = found.request
    if slab_key(request["slab"]) != slab_key(structure_to_dict(slab)):
        searched = slab_words(structure_from_dict(request["slab"]))
        raise PlacementError(
            f"{where}: the search was on {searched}, this study's slab is {slab_words(slab)}; its atoms have to be the "
            "same but for the vacuum and the held layers. Search on this slab."
        )
    ligands = request["ligands"]
    if len(ligands) != 1 or (ligands[0]["smiles"], ligands[0]["charge"]) != (ligand.smiles, ligand.charge):
        names = " + ".join(str(item["label"]) for item in ligands)
        raise PlacementError(f"{where}: the search was of {names}, not of {ligand_label(ligand)}.")
    if request["faces"] != spec.faces:
        raise PlacementError(f"{where}: the search was on faces {request['faces']}, the row says {spec.faces}.")


def _check_mode(kept: KeptPose, adsorbate: Adsorbate, where: str) -> None:
    """Refuse a pose that the reference scheme does not belong to."""
    mode = str(kept.atoms.info["qddft"]["fragments"][-1]["mode"])
    scheme = adsorbate.scheme
    if not scheme.suits(mode, adsorbate.ligand.charge):
        raise PlacementError(
            f"{where}: its pose {kept.record['rank']} has the mode {mode}, but the reference scheme {scheme.name!r} "
            f"goes with {' or '.join(scheme.modes)}; search with one of these, or change the reference."
        )


def _started(kept: KeptPose, found: KeptPoses, slab: "Atoms", folder: str) -> "Atoms":
    """Return a pose with the held layers of the study and a note of where it comes from."""
    atoms = with_held_layers(kept.atoms, slab)
    about = {key: value for key, value in atoms.info["qddft"].items() if key != "pose"}
    request, record = found.request, kept.record
    about["fixed_layers"] = slab.info["qddft"].get("fixed_layers", 0)
    about["pose_search"] = {
        "folder": folder,
        "rank": record["rank"],
        "above_best_eV": record["above_best_eV"],
        "start": record["start"],
        "places": record["places"],
        "engine": request["engine"],
        "level": request["level"]["name"],
        "seed": request["seed"],
    }
    atoms.info["qddft"] = about
    return atoms
