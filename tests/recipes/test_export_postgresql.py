"""Results in a real PostgreSQL server, started for the test where its programs are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ase import Atoms
from ase.db import connect

from qddft.cli.main import DONE, main
from qddft.core.errors import OutputError
from qddft.outputs.outputs import Outputs
from qddft.outputs.store import save_outputs
from qddft.recipes.export import Row, write_results, write_rows
from qddft.recipes.of_folders import binding_energy

pytest.importorskip("ase_db_backends.postgresql")


def program(name: str) -> str | None:
    """Return a program of PostgreSQL; Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed on this machine"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start a private server that listens on a socket in its own folder only, and give the URL of its database."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        data = Path(folder) / "data"
        # PostgreSQL refuses to run as root
        user = "postgres" if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(folder, user)
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off"
        commands = (
            [program("initdb"), "-D", str(data), "-A", "trust", "-U", "tester", "--no-sync"],
            [program("pg_ctl"), "-D", str(data), "-w", "-l", f"{folder}/log", "-o", settings, "start"],
            [program("createdb"), "-h", folder, "-U", "tester", "results"],
        )
        for command in commands:
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            yield f"postgresql://tester@/results?host={folder}"
        finally:
            stop = [program("pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)


def outputs(formula, energy):
    atoms = Atoms(formula, cell=[12, 12, 30], pbc=True)
    return Outputs(
        atoms=atoms, energy=energy, electronically_converged=True, ionically_converged=True, charge=0.0,
        engine="vasp", settings={"xc": "PBE", "cutoff_eV": 400.0},
    )  # fmt: skip


def test_results_are_stored_once_and_found_again(server):
    result = binding_energy(outputs("Pb4I8CH3NH2", -131.2), outputs("Pb4I8", -100.0), outputs("CH3NH2", -30.0))
    assert write_results([result], server) == write_results([result], server) == 1
    (row,) = connect(server).select(quantity="E_ads")
    assert row.value == row.E_ads == pytest.approx(-1.2)
    assert row.energy == pytest.approx(-131.2)
    assert row.natoms == 19
    assert row.data["result"]["convention"] == result.convention
    assert [found.id for found in connect(server).select("E_ads<-1")] == [row.id]
    connect(server).delete([row.id])


def test_names_that_look_like_numbers(server):
    write_rows([Row("job-1", Atoms("H"), {"job": "12345678"}), Row("job-2", Atoms("H"), {"job": "1e5"})], server)
    database = connect(server)
    assert {row.job for row in database.select(formula="H")} == {"'12345678'", "'1e5'"}
    database.delete([row.id for row in database.select(formula="H")])


def test_the_program_writes_to_it(server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    systems = {"complex": ("Pb4I8CH3NH2", -131.2), "slab": ("Pb4I8", -100.0), "ligand": ("CH3NH2", -30.0)}
    for name, (formula, energy) in systems.items():
        (tmp_path / name).mkdir()
        save_outputs(tmp_path / name / "outputs.json", outputs(formula, energy))
    words = [word for name in systems for word in (f"--{name}", name)]
    assert main(["analyze", "binding", *words, "--db", server]) == DONE
    assert "1 rows in" in capsys.readouterr().out
    (row,) = connect(server).select(quantity="E_ads", engine="vasp")
    assert sorted(row.data["result"]["inputs"]) == [f"{name}/outputs.json" for name in sorted(systems)]


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(OutputError, match=r"the database postgresql://me:\*\*\*@127\.0\.0\.1:1/x cannot be written to"):
        write_rows([], "postgresql://me:secret@127.0.0.1:1/x")
