"""INCAR, KPOINTS, POSCAR and OSZICAR of other people, and the settings that their runs echo, against reference.json."""

import gzip

import numpy as np
import pytest
from shared_vasp import FOLDER, of_kind, present, reference

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_outputs, read_trajectory
from qddft.engines.vasp.read.incar import read_incar
from qddft.engines.vasp.read.kpoints import read_kpoints
from qddft.engines.vasp.read.poscar import read_poscar
from qddft.engines.vasp.steps import energies_of_steps

REFERENCE = reference()
pytestmark = present
TAGS = ("NELECT", "ISPIN", "LSORBIT", "LNONCOLLINEAR", "NBANDS", "ENMAX", "ISMEAR", "SIGMA", "EDIFF", "EDIFFG", "NELM",
        "NSW", "IBRION", "ISIF", "IDIPOL", "LDIPOL", "LHFCALC", "AEXX", "GGA", "LDAU", "NGXF", "NGYF", "NGZF", "LREAL",
        "PREC")  # fmt: skip


def entry(name):
    return REFERENCE[name]["reference"]


def same(ours, theirs):
    """Compare two values of a tag: pymatgen keeps the words behind a value, and 0.50 where a number stands."""
    if isinstance(theirs, bool) or ours is None:
        return ours is theirs
    if isinstance(theirs, list):
        return np.allclose(ours if isinstance(ours, tuple | list) else [ours], theirs)
    if isinstance(theirs, str):
        first = theirs.split()[0]
        if isinstance(ours, bool):
            return ours == (first.strip(".").upper()[:1] == "T")
        return float(first) == ours if isinstance(ours, int | float) else ours.upper().startswith(first.upper())
    return ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("name", of_kind("incar"))
def test_incar(name):
    tags, theirs = dict(read_incar(FOLDER / name).tags), entry(name)["pymatgen"]
    # pymatgen loses one tag of one file, whose text has NPAR = 4 with a comment in parentheses
    assert set(tags) - set(theirs) == ({"NPAR"} if name.endswith("PBEsol/INCAR") else set())
    assert set(theirs) <= set(tags)
    assert {tag: (tags[tag], theirs[tag]) for tag in theirs if not same(tags[tag], theirs[tag])} == {}


@pytest.mark.parametrize("name", of_kind("kpoints"))
def test_kpoints(name):
    mesh, theirs = read_kpoints(FOLDER / name), entry(name)["pymatgen"]
    scheme = {"Gamma": "gamma", "Monkhorst": "monkhorst-pack", "Reciprocal": "list", "Automatic": "gamma"}
    if theirs["style"] != "Reciprocal":
        assert mesh.scheme == scheme[theirs["style"]]
        # a length leaves the subdivisions to VASP
        assert mesh.divisions == (None if theirs["style"] == "Automatic" else tuple(theirs["first"]))
    else:
        assert mesh.n_points == theirs["num_kpts"]


@pytest.mark.parametrize("name", of_kind("poscar"))
def test_poscar(name):
    theirs = entry(name).get("pymatgen")
    if theirs is None:
        with pytest.raises(OutputError, match=r"CONTCAR ends after line 0"):
            read_poscar(FOLDER / name)
        return
    structure = read_poscar(FOLDER / name)
    atoms = structure.to_atoms()
    counts = {f"{symbol}{count}" for symbol, count in atoms.symbols.formula.count().items()}
    assert counts == set(theirs["formula"].split())
    assert len(atoms) == theirs["n"]
    assert atoms.get_volume() == pytest.approx(theirs["volume"], rel=1e-10)
    assert atoms.cell.lengths() == pytest.approx(theirs["abc"], abs=1e-5)
    assert (structure.movable is not None and not structure.movable.all()) <= theirs["selective_dynamics"]
    assert bool(atoms.constraints) == bool(entry(name)["ase"]["n_constraints"])
    distances = atoms.get_all_distances(mic=True)[np.triu_indices(len(atoms), 1)]
    if len(distances) and theirs["min_distance"] is not None and min(theirs["abc"]) > 2 * distances.min():
        assert distances.min() == pytest.approx(theirs["min_distance"], abs=1e-6)


@pytest.mark.parametrize("name", of_kind("oszicar"))
def test_oszicar(name, tmp_path):
    raw, data = entry(name)["raw"], (FOLDER / name).read_bytes()
    (tmp_path / "OSZICAR").write_bytes(gzip.decompress(data) if name.endswith(".gz") else data)
    steps = energies_of_steps(tmp_path)
    assert len(steps) == raw["n_ionic"]
    assert (steps[-1][1] if steps else None) == raw["E0_last"]


@pytest.mark.parametrize("name", [n for n in of_kind("vasprun") if entry(n)["raw"]["n_complete_calculation_blocks"]])
def test_settings_that_a_run_echoes(name):
    raw, outputs = entry(name)["raw"], read_outputs(FOLDER / name, partial=True)
    effective = outputs.settings["effective"]
    wrong = {}
    for tag in TAGS:
        value, ours = raw[tag], effective["ENCUT" if tag == "ENMAX" else tag]
        if isinstance(ours, bool):
            fits = ours == (value == "T")
        elif isinstance(ours, int | float):
            fits = ours == float(value)
        else:
            # VASP echoes the first letters only: accura, or a
            fits = str(ours).upper().startswith(value.upper()[:4])
        if not fits:
            wrong[tag] = (ours, value)
    assert wrong == {}
    theirs = entry(name).get("pymatgen")
    if theirs is not None:
        counts = {f"{symbol}{count}" for symbol, count in outputs.atoms.symbols.formula.count().items()}
        assert counts == set(theirs["formula"].split())
        # of a cut file pymatgen gives the structure of the step that was not completed
        if raw["closed_properly"]:
            assert outputs.atoms.get_volume() == pytest.approx(theirs["volume"], rel=1e-9)
        assert list(outputs.settings["potentials"]) == theirs["potcar_titel"]


@pytest.mark.parametrize("name", [n for n in of_kind("outcar") if entry(n)["raw"]["TOTEN_last"] is not None])
def test_rest_of_outcar(name):
    raw, path = entry(name)["raw"], FOLDER / name
    outputs = read_outputs(path, partial=True)
    assert outputs.engine_version.startswith(raw["vasp_version"])
    assert len(read_trajectory(path).free_energies) == raw["n_position_force_blocks"]
    if outputs.stress is not None:
        # one kB is 1e-3 / 1.602176634 eV/Angstrom^3, and the pressure pushes where the stress pulls
        pressure = -np.trace(outputs.stress) / 3 * 1602.176634 - (outputs.settings["pressure_kB"] or 0)
        assert pressure == pytest.approx(raw["pressure_kB_last"], abs=0.011)
    formula = entry(name).get("ase", {}).get("formula")
    if formula is not None:
        assert outputs.atoms.get_chemical_formula(mode="hill") == formula


# from the text of each file: electronic loop, ionic loop, what the warning or the error says
VERDICTS = {
    "20_failed_vasprun/vasprun.bad.xml.gz": (True, False, "is not complete"),
    "20_failed_vasprun/vasprun.bad_fermi.xml.gz": (True, True, None),
    "20_failed_vasprun/vasprun.bad_random_seed.xml.gz": (True, None, "molecular dynamics"),
    "20_failed_vasprun/vasprun.electronic_unconverged.xml.gz": (False, None, None),
    "20_failed_vasprun/vasprun.ionic_unconverged.xml.gz": (True, False, None),
    "20_failed_vasprun/vasprun.killed_relaxation_MgO.xml.gz": (True, False, "is not complete"),
    "20_failed_vasprun/vasprun.max_force.xml.gz": (True, True, None),
    "20_failed_vasprun/vasprun.relax_truncated.xml.gz": (True, False, "is not complete"),
    "20_failed_vasprun/vasprun.sc_overflow.xml.gz": (True, True, None),
    "20_failed_vasprun/vasprun.truncated_bad.xml.gz": (False, False, "is not complete"),
    "21_exit_codes_Si/converged/vasprun.xml": (True, True, None),
    "21_exit_codes_Si/converged/OUTCAR.gz": (True, True, None),
    "21_exit_codes_Si/elec-unconverged/vasprun.xml": (False, True, None),
    "21_exit_codes_Si/elec-unconverged/OUTCAR.gz": (False, True, None),
    "22_failed_outcar/OUTCAR.bad_core_poten.gz": (True, True, None),
    "22_failed_outcar/OUTCAR.stopped.gz": (False, False, None),
    "22_failed_outcar/OUTCAR_auto_nbands": (True, True, None),
    "22_failed_outcar/OUTCAR_merged_numbers": (True, True, None),
    "22_failed_outcar/OUTCAR_merged_numbers2.gz": (True, True, None),
    "22_failed_outcar/large_sigma/OUTCAR_fail_sigma_check.gz": (True, True, None),
    "22_failed_outcar/large_sigma/OUTCAR_pass_sigma_check.gz": (True, True, None),
}


@pytest.mark.parametrize(("name", "verdict"), VERDICTS.items())
def test_verdicts_on_failed_runs(name, verdict):
    outputs = read_outputs(FOLDER / name, partial=True)
    assert (outputs.electronically_converged, outputs.ionically_converged) == verdict[:2]
    if verdict[2] is not None:
        assert any(verdict[2] in warning for warning in outputs.warnings)
    theirs = entry(name).get("pymatgen", {})
    if theirs.get("is_stopped"):
        assert not outputs.converged
    if theirs.get("converged_electronic") is False:
        assert outputs.electronically_converged is False


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("20_failed_vasprun/vasprun.died_at_start_real_optlay.xml", "not complete|no ionic step was completed"),
        ("21_exit_codes_Si/unfinished", "no ionic step was completed|0 ionic steps were completed"),
        ("21_exit_codes_Si/unfinished/OUTCAR", "no ionic step was completed|0 ionic steps were completed"),
        ("22_failed_outcar/large_cell_real_optlay", "no ionic step was completed|0 ionic steps were completed"),
    ],
)
def test_runs_that_died_before_their_first_step_give_no_number(name, why):
    for partial in (False, True):
        with pytest.raises(OutputError, match=why):
            read_outputs(FOLDER / name, partial=partial)
