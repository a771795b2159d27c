"""Density of states of real third-party runs, where they are on this machine, and of outputs without files."""

import json
from pathlib import Path

import numpy as np
import pytest

from qddft.cli.main import DONE, FIX_INPUT, main
from qddft.core.errors import ConvergenceError, OutputError
from qddft.outputs.outputs import Outputs
from qddft.recipes.density_of_states import density_of_states, with_labels
from qddft.recipes.electronic_structure import electronic_structure
from qddft.report.dos_figure import dos_figure
from qddft.report.dos_table import dos_lines, dos_table

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vasp"
present = pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party VASP files are not on this machine")
SN = SHARED / "02_Cs2SnBr6_hse06_soc_relax"
IR = SHARED / "06_H_on_Ir100_adsorption" / "ads_site0"


@present
@pytest.mark.parametrize(
    ("name", "gap", "electrons"),
    [
        # gaps of the table in README.md; of these runs no occupation lies near the edges
        ("02_Cs2SnBr6_hse06_soc_relax", 2.5408, 74),
        ("07_V2O5_oxygen_vacancies/V2O5_bulk", 2.2243, 1008),
        ("08_GaN_Mg_Ga_charged_defect/bulk_sc", 3.8432, 288),
        ("04_Cs2AgBiBr6_competing_phases/Bulk_Supercell_Rattled", 2.3112, 608),
    ],
)
def test_gaps_of_real_runs(name, gap, electrons):
    dos = density_of_states(SHARED / name)
    assert dos.edges.gap == pytest.approx(gap, abs=2e-4)
    assert dos.integral == pytest.approx(dos.n_states, rel=1e-6)
    assert dos.edges.n_electrons == pytest.approx(electrons, abs=1e-3)


@present
def test_real_halide_perovskite():
    found = electronic_structure(SN)
    edges = found.dos.edges
    assert next(iter(edges.vbm.character)) == "Br p"
    assert list(edges.cbm.character)[:2] == ["Sn s", "Br p"]
    assert found.dos.zero.kind == "vbm"
    record = found.results()[0].record()
    assert record["quantity"] == "band_gap"
    assert list(record["inputs"]) == [str(SN / "vasprun.xml.gz")]
    assert len(next(iter(record["inputs"].values()))) == 64
    json.dumps(record)


@present
@pytest.mark.parametrize("zero", ["vbm", "fermi", -1.0])
def test_zero_only_shifts_real_curves(zero):
    dos = density_of_states(SN, zero=zero)
    np.testing.assert_allclose(dos.energies + dos.zero.value, density_of_states(SN, zero=0).energies)


@present
def test_a_metal_is_counted_from_its_fermi_level_and_has_no_band_edges():
    found = electronic_structure(IR)
    assert found.dos.zero.kind == "fermi"
    assert found.dos.fermi_level == pytest.approx(0.0)
    lines = "\n".join(dos_lines(found))
    assert "gap: metal" in lines
    assert "VBM: " not in lines
    assert density_of_states(IR, zero="vbm").zero.kind == "vbm"


@present
def test_core_level_as_zero():
    dos = density_of_states(SHARED / "09_Si_static_full_output_set", zero="core")
    assert dos.zero.value == pytest.approx(-83.4851)
    assert "2 Si atoms" in dos.zero.source


@present
def test_zero_that_the_files_do_not_hold():
    with pytest.raises(OutputError, match="holds no OUTCAR"):
        density_of_states(SN, zero="core")
    with pytest.raises(OutputError, match="holds no LOCPOT"):
        density_of_states(SN, zero="vacuum")


@present
def test_as_computed_beside_broadened():
    computed, broadened = (density_of_states(SN, broadening=kind) for kind in ("as computed", "gaussian"))
    assert computed.sigma is None
    area = np.trapezoid(computed.curve("element", "Br"), computed.energies)
    assert np.trapezoid(broadened.curve("element", "Br"), broadened.energies) == pytest.approx(area, rel=0.08)
    assert "too coarse" in " ".join(computed.warnings)


@present
def test_tetrahedra_only_where_the_engine_used_them():
    found = density_of_states(SHARED / "09_Si_static_full_output_set", broadening="tetrahedron")
    assert (found.broadening, found.sigma) == ("as computed", None)
    with pytest.raises(OutputError, match=r"computed with the smearing .*ISMEAR = -5"):
        density_of_states(IR, broadening="tetrahedron")


@present
def test_metal_is_called_one():
    dos = density_of_states(IR)
    assert dos.edges.metallic
    assert len(dos.total) == 2


@present
def test_figure_table_and_lines():
    found = electronic_structure(SN)
    figure = dos_figure(found.dos)
    (axes,) = figure.axes
    assert axes.get_xlabel() == r"$E - E_\mathrm{VBM}$ (eV)"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["total", "Cs", "Sn", "Br"]
    table = dos_table(found.dos)
    assert {"energy_eV", "total", "element:Br", "element_orbital:Br p"} <= set(table.columns)
    assert "gap: 2.5408 eV, direct" in dos_lines(found)


@present
def test_program(capsys, tmp_path):
    arguments = ["analyze", "dos", str(SN), "--figure", str(tmp_path / "dos"), "--csv", str(tmp_path / "dos.csv")]
    assert main(arguments) == DONE
    assert "gap: 2.5408 eV" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"dos.png", "dos.svg", "dos.csv"}
    assert main(["analyze", "dos", str(SN), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)[0]["value"] == pytest.approx(2.5408, abs=1e-3)


@present
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--zero", "vmb"], "Did you mean 'vbm'"),
        (["--broadening", "gausian"], "Did you mean 'gaussian'"),
        (["--sigma", "0"], "is no width"),
        (["--figure", "nowhere/dos"], "does not exist; make it first"),
        (["--window", "-5", "-3"], "nothing tells which atoms of Br6Cs2Sn are ligand: give --labels"),
        (["--labels", "nothing.xyz"], "cannot be read as a structure"),
    ],
)
def test_what_the_user_can_fix(options, message, capsys):
    assert main(["analyze", "dos", str(SN), *options]) == FIX_INPUT
    assert message in capsys.readouterr().err


@present
def test_unconverged_electrons_are_refused():
    path = SHARED / "21_exit_codes_Si" / "elec-unconverged" / "vasprun.xml"
    with pytest.raises(ConvergenceError, match="have not converged: its density of states means nothing"):
        density_of_states(path)
    assert any("NOT CONVERGED" in text for text in density_of_states(path, allow_unconverged=True).warnings)


@present
def test_run_without_a_table():
    dos = density_of_states(SHARED / "07_V2O5_oxygen_vacancies" / "V2O5_bulk")
    assert dos.projected == {}
    assert "nothing was projected on atoms" in " ".join(dos.warnings)


def test_outputs_without_a_source(acetic_like):
    with pytest.raises(OutputError, match="do not say which files"):
        density_of_states(Outputs(acetic_like))


@pytest.fixture
def acetic_like():
    from ase.build import molecule

    atoms = molecule("CH3COOH", vacuum=5)
    atoms.pbc = True
    atoms.set_array("fragment", np.arange(len(atoms)) % 2)
    return atoms


def test_labels_in_another_order(acetic_like):
    order = np.argsort(acetic_like.get_chemical_symbols())
    bare = acetic_like[order]
    del bare.arrays["fragment"]
    bare.positions += 0.01
    labeled = with_labels(bare, acetic_like)
    np.testing.assert_array_equal(labeled.arrays["fragment"], acetic_like.arrays["fragment"][order])
    assert "fragment" not in bare.arrays


def test_labels_of_something_else(acetic_like):
    from ase.build import molecule

    with pytest.raises(OutputError, match="both have to be the same structure"):
        with_labels(molecule("H2O"), acetic_like)
