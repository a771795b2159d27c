"""Which small ligand binds best to CsPbBr3? Ten lines, two minutes, a table and a page."""

import sys
from pathlib import Path

import qddft

study = qddft.load_study(Path(__file__).with_name("small-ligands.yaml"))
run = Path(sys.argv[1] if len(sys.argv) > 1 else "run-small-ligands")
qddft.run(study, run)
table = qddft.collect(run).sort_values("value")
print(table[["ligand", "value", "unit", "reference", "level"]].to_string(index=False))
