"""Job folders for VASP from a study: POSCAR, INCAR, KPOINTS, POTCAR.spec and a job script in each."""

import sys
from pathlib import Path

import qddft

study = qddft.load_study(Path(__file__).with_name("small-ligands-vasp.yaml"))
run = qddft.write(study, sys.argv[1] if len(sys.argv) > 1 else "run-small-ligands-vasp", engine="vasp")
for entry in run.entries:
    print(entry.folder, sorted(path.name for path in run.folder(entry).iterdir()))
