"""How a study of a thousand ligands becomes job folders, and how they are looked through, in one run.

``uv run python tests/benchmarks/bench_scale.py [LIGANDS] [FOLDER]``. Written are the VASP folders of LIGANDS ligands
(1000 if not given: heads of every kind on chains of many lengths) and of a quarter of them, in a process each, whose
peak memory tells whether it grows with the number of folders. The peer writes its standard set for the same structures,
one after the other, with ``MPRelaxSet(...).write_input``. Looking through is timed on jobs that are all done, with
made-up energies, against reading every output again.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

HEADS = (
    "C(=O)O", "N", "O", "S", "P(=O)(O)O", "S(=O)(=O)O", "C(=O)N", "C#N", "P(C)C", "P(=O)(C)C", "S(=O)C", "C=O", "N(C)C",
    "NC", "OC", "SC", "c1ccncc1", "c1cccs1", "c1ccc(cc1)C(=O)O", "C(=O)OC", "C(=N)N", "NC(N)=O", "NC(N)=S",
    "C(F)(F)C(=O)O", "C(O)C(=O)O",
)  # fmt: skip
CHAINS = tuple("C" * length + branch for length in range(2, 13) for branch in ("", "C(C)", "C(C)C", "CC(C)CC"))
PEER_FOLDERS = 200
SLAB = (
    "{formula: CsPbBr3, termination: PbX2, layers: 3, supercell: [2, 2], vacuum: 15.0, lattice: pbe, fixed_layers: 2}"
)

# in a process of its own, for its peak memory
WRITE = """
import json, resource, sys, time
from qddft.study.load import load_study
from qddft.study.session import write
start = time.perf_counter()
study = load_study(sys.argv[1])
loaded = time.perf_counter()
run = write(study, sys.argv[2], engine="vasp")
end = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"folders": len(run.entries), "load": loaded - start, "write": end - loaded, "peak": peak}))
"""


def write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def study_text(count: int) -> str:
    rows = [chain + head for chain, head in islice(product(CHAINS, HEADS), count)]
    lines = [f'  - {{ligand: "{row}", mode: atop, reference: neutral}}' for row in rows]
    head = f"title: A study of {count} ligands\nlevels: {{vasp: tao-pbe}}\nslab: {SLAB}\nligands:\n"
    return head + "\n".join(lines) + "\n"


def write_folders(count: int, where: Path) -> dict[str, float]:
    study = where / f"study-{count}.yaml"
    study.write_text(study_text(count), encoding="utf-8")
    command = [sys.executable, "-c", WRITE, str(study), str(where / f"run-{count}")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def write_jobs(run: Path, where: Path) -> float:
    """Return folders a second of our sets, for the jobs whose structures the peer writes."""
    from qddft.engines.registry import get_engine
    from qddft.jobs.folder import load_job

    jobs = [load_job(path) for path in with_poscar(run)]
    start = time.perf_counter()
    for number, job in enumerate(jobs):
        folder = where / f"ours-{number}"
        folder.mkdir()
        get_engine("vasp").write(job, job.built_atoms, folder)
    return len(jobs) / (time.perf_counter() - start)


def with_poscar(run: Path) -> list[Path]:
    return sorted(path for path in (run / "jobs").iterdir() if (path / "POSCAR").exists())[:PEER_FOLDERS]


def write_by_peer(run: Path, where: Path) -> float:
    """Return folders a second of pymatgen's own set."""
    import warnings

    from pymatgen.core import Structure
    from pymatgen.io.vasp.sets import MPRelaxSet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structures = [Structure.from_file(path / "POSCAR") for path in with_poscar(run)]
        start = time.perf_counter()
        for number, structure in enumerate(structures):
            MPRelaxSet(structure).write_input(where / f"peer-{number}", potcar_spec=True)
    return len(structures) / (time.perf_counter() - start)


def finish(run: Path) -> None:
    """Give every job outputs, so that nothing is left to do."""
    from qddft.engines.registry import get_engine
    from qddft.jobs.folder import OUTPUTS
    from qddft.jobs.run_folder import load_run
    from qddft.outputs.outputs import Outputs
    from qddft.outputs.store import save_outputs

    loaded = load_run(run)
    engine = get_engine("vasp")
    for entry in loaded.entries:
        atoms = loaded.job(entry).built_atoms
        energy = -3.0 * len(atoms)
        made_up = Outputs(
            atoms=atoms, energy=energy, free_energy=energy, forces=0.0 * atoms.positions, fermi_level=0.0,
            n_electrons=None, engine=engine.name, engine_version="made up", settings={"xc": "PBE", "cutoff_eV": 400.0},
            electronically_converged=True, ionically_converged=True,
        )  # fmt: skip
        save_outputs(loaded.folder(entry) / OUTPUTS, replace(made_up, source=str(loaded.folder(entry))))


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([str(Path(sys.executable).with_name("qddft")), *command], capture_output=True, check=False)
    return time.perf_counter() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        where = Path(name)
        few, many = write_folders(count // 4, where), write_folders(count, where)
        write("ligands  folders  load (s)  plan and write (s)  peak (MB)")
        for number, row in ((count // 4, few), (count, many)):
            line = f"{number:7d}  {row['folders']:7.0f}  {row['load']:8.1f}  {row['write']:18.1f}  {row['peak']:9.0f}"
            write(line)
        rate = (many["folders"] - few["folders"]) / (many["write"] - few["write"])
        write(f"planned and written beyond the first: {rate:.1f} folders/s")
        grown = 1024 * (many["peak"] - few["peak"]) / (many["folders"] - few["folders"])
        write(f"memory by folder: {grown:.1f} kB")
        run = where / f"run-{count}"
        peer, ours = write_by_peer(run, where), write_jobs(run, where)
        write(
            f"folders/s: MPRelaxSet.write_input {peer:.1f}, ours {ours:.1f} ({ours / peer:.2f} of it, nine files each)"
        )
        finish(run)
        empty = seconds(["--version"])
        first, again, look = (seconds([verb, str(run), "--json"]) - empty for verb in ("collect", "collect", "status"))
        write(
            f"collect, reading everything: {first:.1f} s; unchanged: {again:.2f} s ({again / first:.3f} of the first)"
        )
        write(f"status: {look:.2f} s ({look / first:.3f} of the first collect)")


if __name__ == "__main__":
    main()
