import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from qddft.analysis.bader import bader_charges, read_acf, same_places
from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import EngineError, OutputError
from qddft.engines.baderkit import find_basins
from qddft.engines.vasp.read import read_outputs
from qddft.outputs.grid import Grid
from qddft.outputs.store import save_outputs
from qddft.recipes.bader_of_folders import bader_of_run

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vasp"
SI = SHARED / "09_Si_static_full_output_set"
present = pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party VASP files are not on this machine")


def complex_():
    atoms = Atoms("PbBr2OH", [(0, 0, 0), (3, 0, 0), (0, 3, 0), (0, 0, 2.5), (0, 0, 3.5)], cell=[6, 6, 20], pbc=True)
    atoms.set_array("fragment", np.array([0, 0, 0, 1, 1]))
    return atoms


VALENCES = {"Pb": 14, "Br": 7, "O": 6, "H": 1}
ELECTRONS = np.array([12.9, 7.6, 7.6, 6.5, 0.4])


def acf(atoms, electrons, vacuum=0.0):
    rows = [
        f"{i + 1:5d} {x:11.4f} {y:11.4f} {z:11.4f} {n:11.6f} 1.0 9.0"
        for i, ((x, y, z), n) in enumerate(zip(atoms.positions, electrons, strict=True))
    ]
    line = " " + "-" * 70
    foot = ["    VACUUM CHARGE:  " + f"{vacuum:.4f}", "    VACUUM VOLUME:  0.0", "    NUMBER OF ELECTRONS:  8.0"]
    return "\n".join(["    #  X  Y  Z  CHARGE  MIN DIST  ATOMIC VOL", line, *rows, line, *foot]) + "\n"


def test_charges_and_sums():
    found = bader_charges(complex_(), ELECTRONS, VALENCES, n_electrons=35.0)
    np.testing.assert_allclose(found.charges, [1.1, -0.6, -0.6, -0.5, 0.6])
    assert found.by_part["ligand"] == pytest.approx(0.1)
    assert found.by_part["dot"] == pytest.approx(-0.1)
    assert found.charges.sum() == pytest.approx(0.0)
    assert found.warnings == ()


def test_coarse_grid_and_lost_hydrogen_are_told():
    electrons = ELECTRONS.copy()
    electrons[4] = 0.0
    text = " ".join(bader_charges(complex_(), electrons, VALENCES, n_electrons=35.0).warnings)
    assert "hold -0.4000 electrons beyond" in text
    assert "H atoms [5] hold no electrons" in text


def test_unknown_valence():
    with pytest.raises(OutputError, match=r"valence \(ZVAL\) of Pb is unknown"):
        bader_charges(complex_(), ELECTRONS, {"Br": 7, "O": 6, "H": 1}, n_electrons=35.0)


def test_table_round_trip(tmp_path):
    (tmp_path / "ACF.dat").write_text(acf(complex_(), ELECTRONS, 0.1))
    electrons, vacuum = read_acf(tmp_path / "ACF.dat", complex_())
    np.testing.assert_allclose(electrons, ELECTRONS)
    assert vacuum == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:300], "or was cut|row of atom|is no number"),
        (lambda text: text.replace("12.900000", "*********"), "is no number"),
        (lambda text: text.replace("12.900000", "nan"), "is no finite number"),
        (lambda text: text.replace("     2 ", "     7 ").replace("    2 ", "    7 "), "row of atom 2 was expected"),
        (lambda text: text.replace("2.5000", "2.9000"), "table of another structure"),
        (lambda _: "", "0 of 5 atoms"),
    ],
)
def test_damaged_table(change, message, tmp_path):
    (tmp_path / "ACF.dat").write_text(change(acf(complex_(), ELECTRONS)))
    with pytest.raises(OutputError, match=message):
        read_acf(tmp_path / "ACF.dat", complex_())


@present
def test_program(tmp_path, capsys):
    from qddft.engines.vasp.read import read_outputs

    shutil.copy(SI / "vasprun.xml.gz", tmp_path)
    shutil.copy(SI / "CHGCAR.gz", tmp_path)
    assert main(["analyze", "bader", str(tmp_path)]) == FIX_INPUT
    assert "LAECHG" in capsys.readouterr().err
    (tmp_path / "ACF.dat").write_text(acf(read_outputs(tmp_path).atoms, [3.9, 4.1]))
    assert main(["analyze", "bader", str(tmp_path), "--json"]) == DONE
    (shown,) = json.loads(capsys.readouterr().out)
    assert [charge for _, charge in shown["details"]["atoms"]] == pytest.approx([0.1, -0.1])
    assert shown["inputs"].keys() >= {str(tmp_path / "ACF.dat"), str(tmp_path / "vasprun.xml.gz")}


@present
def test_density_of_another_structure(tmp_path):
    from qddft.engines.vasp.read import read_outputs

    atoms = read_outputs(SI).atoms
    same_places(atoms, atoms, "CHGCAR")
    moved = atoms.copy()
    moved.positions[1, 2] += 0.5
    with pytest.raises(OutputError, match=r"atom 2 lies 0\.500 Angstrom away.*density of another structure"):
        same_places(moved, atoms, "CHGCAR")
    with pytest.raises(OutputError, match="in another order"):
        same_places(complex_(), atoms, "CHGCAR")


def two_blobs(n=36, edge=9.0):
    """Six electrons and two in gaussians far apart: the basins hold exactly these."""
    ticks = np.arange(n) * edge / n
    x, y, z = np.meshgrid(ticks, ticks, ticks, indexing="ij")
    atoms = Atoms("OHe", [(2.25, 4.5, 4.5), (6.75, 4.5, 4.5)], cell=[edge] * 3, pbc=True)
    width = 0.7
    values = np.zeros((n, n, n))
    for electrons, (a, b, c) in zip((6.0, 2.0), atoms.positions, strict=True):
        blob = np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / (2 * width**2))
        values += electrons * blob / (blob.mean() * edge**3)
    return Grid(atoms, values, "density")


@pytest.mark.slow
def test_basins_of_two_gaussians():
    density = two_blobs()
    found = find_basins(density, density)
    np.testing.assert_allclose(found.electrons, [6.0, 2.0], atol=0.02)
    assert found.electrons.sum() + found.vacuum == pytest.approx(8.0, abs=1e-6)


@pytest.mark.slow
@present
def test_basins_of_silicon_are_equal():
    found = bader_of_run(SI)
    np.testing.assert_allclose(found.charges.charges, [0.0, 0.0], atol=1e-3)
    assert found.program.startswith("baderkit")


def test_no_python_with_baderkit(monkeypatch, tmp_path):
    density = two_blobs(8)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="install uv"):
        find_basins(density, density)
    monkeypatch.setenv("QDDFT_BADERKIT_PYTHON", str(tmp_path / "python"))
    with pytest.raises(EngineError, match="is no program"):
        find_basins(density, density)
    monkeypatch.setenv("QDDFT_BADERKIT_PYTHON", sys.executable)
    with pytest.raises(OutputError, match="No module named 'baderkit'"):
        find_basins(density, density)


def test_grids_that_share_no_basins():
    with pytest.raises(OutputError, match="cannot share basins"):
        find_basins(two_blobs(8), two_blobs(6))
    with pytest.raises(OutputError, match="unknown method"):
        find_basins(two_blobs(6), two_blobs(6), method="far")


GPAW = Path(__file__).resolve().parents[1] / "data" / "gpaw_cspbbr3" / "complex"


def test_gpaw_runs_have_no_basins_of_their_own(capsys):
    assert main(["analyze", "bader", str(GPAW)]) == FIX_INPUT
    message = capsys.readouterr().err
    assert "pseudo density with compensation charges" in message
    assert "get_all_electron_density" in message
    assert "--acf" in message


@pytest.mark.parametrize("length", [1.0, 0.529177210903])
@pytest.mark.parametrize("core", [False, True])
def test_table_of_a_gpaw_run_counts_against_setups_or_nuclei(tmp_path, length, core):
    atoms = read_outputs(GPAW).atoms
    setups = {"Cs": 9, "Pb": 14, "Br": 7, "C": 4, "H": 1, "O": 6}
    whole = atoms.numbers if core else np.array([setups[symbol] for symbol in atoms.get_chemical_symbols()])
    written = atoms.copy()
    # a table from a cube file is in Bohr
    written.positions = atoms.positions / length
    (tmp_path / "ACF.dat").write_text(acf(written, whole - np.where(atoms.symbols == "Pb", 0.8, -0.8 * 4 / 20)))
    found = bader_of_run(GPAW, acf=tmp_path / "ACF.dat")
    np.testing.assert_allclose(found.charges.charges[atoms.symbols == "Pb"], 0.8, atol=1e-5)
    assert found.charges.charges.sum() == pytest.approx(0.0, abs=1e-4)
    assert found.charges.warnings == ()


def test_setups_that_are_not_named(tmp_path):
    outputs = read_outputs(GPAW)
    save_outputs(tmp_path / "outputs.json", replace(outputs, settings={**outputs.settings, "potentials": []}))
    (tmp_path / "ACF.dat").write_text(acf(outputs.atoms, np.ones(len(outputs.atoms))))
    with pytest.raises(OutputError, match="does not say how many valence electrons its setups of"):
        bader_of_run(tmp_path)
