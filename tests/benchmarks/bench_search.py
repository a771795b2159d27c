"""The lowest pose found by ``qddft.search_poses`` against pymatgen's AdsorbateSiteFinder and autoadsorbate.

``uv run python tests/benchmarks/bench_search.py [FOLDER]``; twenty minutes of one core for three ligands. Each gives up
to 24 starting poses of the same molecule on the same slab. From there on everything is the same: cell, engine
(tblite, GFN2-xTB), frozen slab, the rule by which starts are chosen and relaxed, and the most energies with forces that
may be spent. Besides the lowest pose as it was placed and the lowest after relaxation, what each one spent is printed.
The results of a folder that is there already are read, not computed again; a run that was stopped goes on.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ase import Atoms
from peers import autoadsorbate_complexes, pymatgen_complexes

import qddft
from qddft.atoms.pose_candidates import Candidate, Place, pose_candidates
from qddft.core.errors import EngineError
from qddft.engines.worker import work
from qddft.jobs.run_folder import load_run
from qddft.study.pose_effort import SearchEffort
from qddft.study.pose_request import make_request, settle_request
from qddft.study.pose_stages import Driving, carried_out, cell_height, planned, write_starts

# starts of each program, how many of them are relaxed, and ionic steps of those that go on to the end
BUDGET = SearchEffort(single_points=24, relaxations=8, steps=100)
# our name, and what autoadsorbate needs: the lone pair that binds marked by a chlorine, one SMILES a donor atom
LIGANDS = {
    "acetic acid": ("acetic acid", ("Cl[O+]=C(O)C", "Cl[OH+]C(=O)C")),
    "methylamine": ("CN", ("Cl[NH2+]C",)),
    "methylphosphonic acid": ("CP(=O)(O)O", ("Cl[O+]=P(O)(O)C", "Cl[OH+]P(=O)(O)C")),
    "methanethiol": ("CS", ("Cl[SH+]C",)),
    "glycine zwitterion": ("[NH3+]CC(=O)[O-]", ("ClOC(=O)C[NH3+]",)),
    "2-naphthalenesulfonic acid": (
        "OS(=O)(=O)c1ccc2ccccc2c1",
        ("Cl[O+]=S(O)(=O)c1ccc2ccccc2c1", "Cl[OH+]S(=O)(=O)c1ccc2ccccc2c1"),
    ),
}
METHODS = ("qddft", "pymatgen", "autoadsorbate")


class InThisProcess(Driving):
    """Works on one job after the other without starting processes: half of the time of a single point."""

    def run(self, folder: Path) -> None:
        """Do the jobs of a folder that are not done."""
        run = load_run(folder)
        for entry in run.entries:
            with contextlib.suppress(EngineError), contextlib.redirect_stderr(io.StringIO()):
                work(run.folder(entry))


def clean_slab(supercell: str) -> Atoms:
    """Return the slab of all comparisons."""
    return qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=supercell, vacuum=15.0)


def labeled(slab: Atoms, symbols: list[str], positions: np.ndarray, ligand: qddft.Ligand) -> Candidate:
    """Return what another program placed as one of our candidates, labels and description added."""
    if sorted(symbols) != sorted(ligand.symbols):
        raise SystemExit(f"{ligand.name}: the other program placed {''.join(symbols)}")
    atoms = slab.copy()
    molecule = Atoms(symbols, positions)
    molecule.set_array("fragment", np.ones(len(symbols), dtype=int))
    molecule.set_array("layer", np.zeros(len(symbols), dtype=int))
    atoms.extend(molecule)
    description = dict(slab.info["qddft"])
    atoms.info["qddft"] = description | {
        "kind": "complex",
        "fragments": [*description["fragments"], ligand.record(mode="atop", face="top", anchors=[], sites=[])],
    }
    return Candidate(atoms, (Place(ligand.name, "atop", "of the other program", None, 0.0, 0.0, 0.0),))


def by_pymatgen(slab: Atoms, ligand: qddft.Ligand, count: int) -> list[Candidate]:
    """Return poses of AdsorbateSiteFinder: its sites with the head down, then as drawn, at 2.0 Å first."""
    drawn = ligand.atoms
    head = ligand.anchors[0][0]
    down = drawn.copy()
    down.rotate(drawn.positions.mean(axis=0) - drawn.positions[head], "z")
    found = [
        positions
        for distance in (2.0, 2.5, 3.0)
        for molecule in (down, drawn)
        for positions in pymatgen_complexes(slab, [molecule], [distance])
    ]
    n = len(slab)
    return [labeled(slab, list(ligand.symbols), positions[n:], ligand) for positions in found[:count]]


def by_autoadsorbate(slab: Atoms, ligand: qddft.Ligand, marked: tuple[str, ...], count: int) -> list[Candidate]:
    """Return the budget of poses of autoadsorbate: every donor atom on both distinct tops, as many turns on each."""
    n = len(slab)
    lots = [autoadsorbate_complexes(slab, [smiles], per_site=count // (2 * len(marked))) for smiles in marked]
    found = [item for lot in lots for item in lot]
    return [labeled(slab, symbols[n:], positions[n:], ligand) for symbols, positions in found[:count]]


def compared(folder: Path, name: str, supercell: str, effort: SearchEffort) -> dict[str, dict[str, float]]:
    """Return the lowest rigid and the lowest relaxed energy of each program for one ligand, eV."""
    known, marked = LIGANDS[name]
    slab, ligand = clean_slab(supercell), qddft.get_ligand(known)
    count = effort.single_points
    request = make_request(
        slab, ligand, mode="any", faces="top", seed=0, effort=effort, engine="tblite", level="screening"
    )
    candidates = {
        "qddft": lambda: pose_candidates(slab, [ligand], request.modes, request.extent),
        "pymatgen": lambda: by_pymatgen(slab, ligand, count),
        "autoadsorbate": lambda: by_autoadsorbate(slab, ligand, marked, count),
    }
    folders = {method: folder / f"{name.replace(' ', '-')}-{method}" for method in METHODS}
    if not all(planned(path) for path in folders.values()):
        laid = {method: list(make()) for method, make in candidates.items()}
        # one cell for all three: its height is that of the tallest pose
        height = cell_height(slab, [item for lot in laid.values() for item in lot])
        for method, path in folders.items():
            path.mkdir(parents=True, exist_ok=True)
            settle_request(path, request)
            write_starts(path, request, laid[method], height)
    found = {}
    for method, path in folders.items():
        search = carried_out(planned(path), request, keep=1, driving=InThisProcess(1, None))
        energies = [start.energy for start in search.starts if start.energy is not None]
        found[method] = {
            "starts": len(search.starts),
            "failed": len(search.starts) - len(energies),
            "rigid": min(energies),
            "relaxed": search.best.energy,
            "evaluations": search.evaluations,
            "converged": search.best.converged,
            "still moving": search.best.max_force,
            "held": ", ".join(search.best.contacts[:3]),
            "intact": search.best.intact,
        }
    return found


def write(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Compare the ligands and write one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, help="where the runs go, or are")
    parser.add_argument("--supercell", default="sqrt2", help="lateral cell; 2x2 takes ten times as long")
    parser.add_argument("--only", action="append", choices=list(LIGANDS), help="these; the naphthalene needs 2x2")
    parser.add_argument("--starts", type=int, default=BUDGET.single_points, help="of each program")
    parser.add_argument("--relaxations", type=int, default=BUDGET.relaxations, help="how many of them are relaxed")
    parser.add_argument("--steps", type=int, default=BUDGET.steps, help="of those that go on to the end")
    given = parser.parse_args()
    effort = SearchEffort(single_points=given.starts, relaxations=given.relaxations, steps=given.steps)
    folder = given.folder or Path(tempfile.mkdtemp())
    results = {}
    for name in given.only or list(LIGANDS)[:3]:
        results[name] = compared(folder, name, given.supercell, effort)
        ours = results[name]["qddft"]
        write(f"\n{name}: energies above ours, eV")
        for method, row in results[name].items():
            rigid, relaxed = row["rigid"] - ours["rigid"], row["relaxed"] - ours["relaxed"]
            spent = f"{row['starts']:3d} starts {row['evaluations']:4d} energies"
            state = f"force {row['still moving']:.2f} eV/Å, {row['held']}" + ("" if row["intact"] else ", not intact")
            write(f"  {method:14s} rigid {rigid:+8.3f}  relaxed {relaxed:+8.3f}  {spent}  {state}")
    (folder / "compared.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
