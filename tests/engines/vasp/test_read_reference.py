import re

import numpy as np
import pytest
from shared_vasp import FOLDER, of_kind, present, reference

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_outputs

REFERENCE = reference()
pytestmark = present


def raw(name):
    return REFERENCE[name]["reference"]["raw"]


def energies(values):
    """Return F, E(sigma -> 0) and the energy without entropy; before VASP 6 the tags of the last two are shifted."""
    level = values["energy_calculation_level"]
    free, second, third = (level[key] for key in ("e_fr_energy", "e_wo_entrp", "e_0_energy"))
    return (free, second, free - third) if values["vasp_version"].startswith("5") else (free, third, second)


@pytest.mark.parametrize("name", of_kind("vasprun"))
def test_vasprun_gives_the_reference_values(name):
    values = raw(name)
    if not values["n_complete_calculation_blocks"]:
        for partial in (False, True):
            with pytest.raises(OutputError, match=re.escape(name)):
                read_outputs(FOLDER / name, partial=partial)
        return
    if not values["closed_properly"]:
        with pytest.raises(OutputError, match=r"it ends at line \d+ \(byte \d+\) without </modeling>"):
            read_outputs(FOLDER / name)
    outputs = read_outputs(FOLDER / name, partial=True)
    free, sigma0, without_entropy = energies(values)
    assert outputs.free_energy == pytest.approx(free, abs=1e-8)
    assert outputs.energy == pytest.approx(sigma0, abs=1e-8)
    assert outputs.extra["energy_without_entropy"] == pytest.approx(without_entropy, abs=1e-8)
    assert outputs.fermi_level == values.get("efermi_dos")
    assert outputs.n_electrons == float(values["NELECT"])
    assert outputs.n_ionic_steps == values["n_complete_calculation_blocks"]
    assert outputs.engine_version == values["vasp_version"]
    assert len(outputs.forces) == values["n_force_rows"]
    assert np.linalg.norm(outputs.forces, axis=1).max() == pytest.approx(values["max_force_norm"], abs=1e-8)
    assert outputs.extra["n_scf_steps_last"] == values["n_scf_steps_each"][values["n_complete_calculation_blocks"] - 1]
    settings = outputs.settings
    assert settings["cutoff_eV"] == float(values["ENMAX"])
    assert settings["ispin"] == int(values["ISPIN"])
    assert settings["soc"] == (values["LSORBIT"] == "T")
    assert settings["lreal"] == (values["LREAL"] == "T")
    assert settings["lhfcalc"] == (values["LHFCALC"] == "T")
    assert settings["ismear"] == int(values["ISMEAR"])
    assert settings["fft_grid"] == [int(values[key]) for key in ("NGXF", "NGYF", "NGZF")]
    if not values["closed_properly"]:
        assert not outputs.converged


@pytest.mark.parametrize("name", of_kind("outcar"))
def test_outcar_gives_the_reference_values(name):
    values = raw(name)
    if values.get("TOTEN_last") is None:
        for partial in (False, True):
            with pytest.raises(OutputError, match=re.escape(name)):
                read_outputs(FOLDER / name, partial=partial)
        return
    outputs = read_outputs(FOLDER / name)
    assert outputs.free_energy == values["TOTEN_last"]
    assert outputs.energy == values["energy_sigma0_last"]
    assert outputs.extra["energy_without_entropy"] == values["energy_without_entropy_last"]
    assert outputs.fermi_level == values["efermi_last"]
    assert outputs.n_electrons == values["NELECT"]
    assert outputs.n_ionic_steps == values["n_position_force_blocks"]
    assert len(outputs.atoms) == values["n_atoms"]
    assert np.linalg.norm(outputs.forces, axis=1).max() == pytest.approx(values["max_force_norm"], abs=1e-6)
    if values.get("magnetization_last") is None:
        assert outputs.magnetization is None
    else:
        assert outputs.magnetization == pytest.approx(values["magnetization_last"], abs=1e-4)


@pytest.mark.parametrize("name", of_kind("outcar"))
def test_charges_of_atoms_are_those_of_the_reference(name):
    if raw(name).get("TOTEN_last") is None:
        return
    theirs = REFERENCE[name]["reference"]["pymatgen"]
    charges = read_outputs(FOLDER / name).extra.get("site_charges", [])
    assert len(charges) == theirs["n_charge_rows"]
    assert sum(charges) == pytest.approx(theirs["charge_tot_sum"] or 0.0, abs=1e-9)


@pytest.mark.parametrize("name", of_kind("vasprun"))
def test_projection_and_dispersion_switches_are_those_of_the_reference(name):
    values = raw(name)
    if not values["n_complete_calculation_blocks"]:
        return
    effective = read_outputs(FOLDER / name, partial=True).settings["effective"]
    if values.get("LUSE_VDW") is not None:
        assert effective["LUSE_VDW"] is {"T": True, "F": False}[values["LUSE_VDW"]]
    # VASP before 5.4 echoes a logical here
    if values.get("LORBIT") not in (None, "T", "F"):
        assert effective["LORBIT"] == int(values["LORBIT"])


def folders(kind):
    return {name.rsplit("/", 1)[0] for name in of_kind(kind)}


def same_setting(one, other):
    """Compare two settings; OUTCAR prints cutoffs with one decimal and SIGMA with two."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, abs=0.05 if one > 10 else 5e-3)
    return one == other


@pytest.mark.parametrize("name", sorted(folders("outcar") & folders("vasprun")))
def test_vasprun_and_outcar_of_one_folder_agree(name):
    outcars = [n for n in of_kind("outcar") if n.rsplit("/", 1)[0] == name]
    vaspruns = [n for n in of_kind("vasprun") if n.rsplit("/", 1)[0] == name]
    if len(outcars) != 1 or len(vaspruns) != 1 or raw(outcars[0]).get("TOTEN_last") is None:
        pytest.skip("the folder holds several runs, or none that was finished")
    one, other = read_outputs(FOLDER / vaspruns[0]), read_outputs(FOLDER / outcars[0])
    assert one.energy == pytest.approx(other.energy, abs=1e-8)
    assert one.charge == other.charge
    np.testing.assert_allclose(one.forces, other.forces, atol=1e-6)
    np.testing.assert_allclose(one.atoms.positions, other.atoms.positions, atol=1e-4)
    if one.stress is not None and other.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, atol=1e-7)
    if one.magnetization is not None and other.magnetization is not None:
        assert one.magnetization == pytest.approx(other.magnetization, abs=1e-2)
    unknown = (None, "unknown")
    for key in set(one.settings) - {"effective", "incar", "isif", "isym"}:
        if one.settings[key] not in unknown and other.settings[key] not in unknown:
            assert same_setting(one.settings[key], other.settings[key]), key


def test_vaspout_gives_what_py4vasp_gives():
    outputs = read_outputs(FOLDER / "16_vaspout_h5")
    assert outputs.energy == pytest.approx(-8.953035077096956, abs=1e-12)
    assert outputs.fermi_level == pytest.approx(4.440287798950607, abs=1e-12)
    assert outputs.atoms.get_chemical_formula() == "GaSb"
    assert outputs.settings["xc"] == "HSE06"
    assert outputs.settings["kpoints"] == [6, 6, 6]
    assert outputs.electronically_converged is None
