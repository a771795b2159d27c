import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.analysis.audit import compare, compare_settings
from qddft.analysis.mesh import lateral_multiplicity, periodic_axes, same_sampling, sampling
from qddft.outputs.outputs import Outputs
from qddft.outputs.run_settings import RunSettings

SETTINGS = {
    "xc": "PBE", "gga": "PBE", "cutoff_eV": 400.0, "dispersion": "none", "prec": "accurate", "lreal": False,
    "lasph": True, "soc": False, "ispin": 1, "smearing": "gaussian", "sigma_eV": 0.05, "energy_tol_eV": 1e-5,
    "force_tol_eV_per_A": 0.02,
    "kpoints": [4, 4, 1], "kpoint_scheme": "gamma", "potentials": ["PAW_PBE Pb_d 06Sep2000"], "n_frozen": 0,
    "nelect": 40.0,
}  # fmt: skip
SLAB = Atoms("PbCs", cell=[6.0, 6.0, 25.0], scaled_positions=[[0, 0, 0.4], [0.5, 0.5, 0.52]], pbc=True)


def run(source, atoms=SLAB, magnetization=None, engine="vasp", version="6.3.0", **changes):
    return RunSettings(
        source, SETTINGS | changes, tuple(atoms.get_chemical_symbols()), atoms.cell.array, atoms.get_scaled_positions(),
        magnetization, engine, version,
    )  # fmt: skip


def test_equal_settings_have_no_differences():
    audit = compare([run("a"), run("b")])
    assert audit.compatible
    assert (audit.differences, audit.unknown) == ((), ())
    assert audit.table() == "no differences"


@pytest.mark.parametrize(
    ("change", "importance"),
    [
        ({"xc": "RPBE"}, "decides energies"),
        ({"cutoff_eV": 520.0}, "decides energies"),
        ({"dispersion": "D3(BJ)"}, "decides energies"),
        ({"prec": "normal"}, "decides energies"),
        ({"lreal": True}, "decides energies"),
        ({"lasph": False}, "decides energies"),
        ({"soc": True}, "decides energies"),
        ({"ispin": 2}, "decides energies"),
        ({"kpoints": [2, 2, 1]}, "decides energies"),
        ({"kpoint_scheme": "monkhorst-pack"}, "changes accuracy"),
        ({"smearing": "tetrahedron"}, "changes accuracy"),
        ({"sigma_eV": 0.2}, "changes accuracy"),
        ({"energy_tol_eV": 1e-4}, "changes accuracy"),
        ({"energy_tol_eV": 2e-5}, "harmless"),
        ({"force_tol_eV_per_A": 0.05}, "harmless"),
        ({"isym": 0}, "harmless"),
    ],
)
def test_every_difference_has_its_importance(change, importance):
    first = run("a", isym=2)
    audit = compare([first, replace(first, source="b", settings={**first.settings, **change})])
    assert [(item.key, item.importance) for item in audit.differences] == [(next(iter(change)), importance)]
    assert audit.compatible == (importance != "decides energies")
    assert set(audit.differences[0].values) == {"a", "b"}


def test_spin_polarization_without_a_moment_is_harmless():
    audit = compare([run("a"), run("b", ispin=2, magnetization=0.0004)])
    assert audit.differences[0].importance == "harmless"
    assert "have no moment" in audit.differences[0].text
    assert not compare([run("a"), run("b", ispin=2, magnetization=1.0)]).compatible


@pytest.mark.parametrize(
    ("without", "polarized", "importance"),
    [(40.0, 41.0, "harmless"), (41.0, 41.0, "decides energies"), (40.0, 40.0, "decides energies")],
)
def test_spin_has_to_follow_the_number_of_electrons(without, polarized, importance):
    audit = compare([run("a", nelect=without), run("b", nelect=polarized, ispin=2, magnetization=1.0)])
    assert [(item.key, item.importance) for item in audit.differences] == [("ispin", importance)]


def test_the_parity_of_an_unstarted_calculation_follows_from_its_atoms():
    radical, molecule_ = Atoms("OH", cell=[9, 9, 9], pbc=True), Atoms("OH2", cell=[9, 9, 9], pbc=True)
    common = {"nelect": None, "kpoints": [1, 1, 1]}
    audit = compare([run("closed", molecule_, **common), run("open", radical, ispin=2, **common)])
    assert audit.differences[0].importance == "harmless"
    audit = compare([run("closed", molecule_, ispin=2, **common), run("open", radical, **common)])
    assert "an odd number of electrons was computed without spin" in audit.differences[0].text


def test_a_closed_shell_molecule_needs_no_spin():
    slab = run("slab", Atoms("Ni4", cell=[2.5, 2.5, 20], pbc=True), nelect=40.0, ispin=2, magnetization=2.5)
    water, oxygen = (Atoms(name, cell=[12, 12, 12], pbc=True) for name in ("OH2", "O2"))
    audit = compare([slab, run("water", water, nelect=8.0, kpoints=[1, 1, 1])])
    assert [item.importance for item in audit.differences if item.key == "ispin"] == ["changes accuracy"]
    audit = compare([slab, run("oxygen", oxygen, nelect=12.0, kpoints=[1, 1, 1])])
    assert [item.importance for item in audit.differences if item.key == "ispin"] == ["decides energies"]


def test_another_potential_of_the_same_element_decides():
    other = run("b", potentials=["PAW_PBE Pb 08Apr2002"])
    audit = compare([run("a"), other])
    assert audit.differences[0].key == "potential of Pb"
    assert not audit.compatible
    assert compare([run("a"), run("b", potentials=["Pb_d"])]).compatible
    assert compare([run("a"), run("b", potentials=["PAW_PBE Cl 06Sep2000"])]).compatible


def test_a_hubbard_term_on_a_shared_element_decides():
    audit = compare([run("a", hubbard={}), run("b", hubbard={"Pb": [2, 4.0, 0.0]})])
    assert [item.key for item in audit.differences] == ["hubbard of Pb"]
    assert compare([run("a", hubbard={}), run("b", hubbard={"V": [2, 4.0, 0.0]})]).compatible


def test_what_cannot_be_known_is_listed_not_assumed():
    audit = compare([run("a"), run("b", dispersion="unknown", cutoff_eV=None)])
    assert audit.compatible
    assert {(item.key, item.sources) for item in audit.unknown} == {("dispersion", ("b",)), ("cutoff_eV", ("b",))}
    assert "vasprun.xml does not echo IVDW" in next(item.text for item in audit.unknown if item.key == "dispersion")
    assert "cannot be known" in audit.table()


def test_tight_binding_has_no_cutoff_to_know():
    one, other = (run(name, engine="tblite", xc="GFN2-xTB", cutoff_eV=None) for name in "ab")
    assert "cutoff_eV" not in [gap.key for gap in compare([one, other]).unknown]


def test_a_level_is_compared_in_what_it_states():
    level = RunSettings("level x", {"xc": "PBE", "cutoff_eV": 520.0})
    audit = compare([run("a")], level)
    assert [(item.key, dict(item.values)) for item in audit.differences] == [
        ("cutoff_eV", {"a": 400.0, "level x": 520.0})
    ]
    assert audit.unknown == ()


def test_the_same_mesh_on_a_supercell_has_to_be_divided():
    double = SLAB.repeat((2, 2, 1))
    assert compare([run("1x1", kpoints=[18, 18, 1]), run("2x2", double, kpoints=[9, 9, 1])]).compatible
    assert not compare([run("1x1", kpoints=[18, 18, 1]), run("2x2", double, kpoints=[18, 18, 1])]).compatible


def test_thickness_vacuum_and_molecules_need_no_points():
    thick = SLAB.copy()
    thick.set_cell([6.0, 6.0, 60.0], scale_atoms=False)
    box = molecule("H2O", vacuum=7.5)
    box.pbc = True
    audit = compare([run("a"), run("thick", thick), run("molecule", box, kpoints=[1, 1, 1])])
    assert audit.compatible
    assert not any(item.key == "kpoints" for item in audit.differences)


def test_strained_slabs_are_found():
    strained = SLAB.copy()
    strained.set_cell([6.1, 6.0, 25.0], scale_atoms=True)
    audit = compare([run("a"), run("b", strained)])
    assert [item.key for item in audit.of_importance("decides energies")] == ["lateral cell"]


def test_supercells_of_one_crystal_with_other_lattice_vectors_are_found():
    host = bulk("MgO", "rocksalt", a=4.2, cubic=True).repeat(2)
    defect = host[1:]
    kpoints = {"kpoints": [2, 2, 2]}
    assert compare([run("host", host, **kpoints), run("defect", defect, **kpoints)]).compatible
    defect.set_cell(defect.cell * 1.01, scale_atoms=True)
    audit = compare([run("host", host, **kpoints), run("defect", defect, **kpoints)])
    assert [item.key for item in audit.differences] == ["cell"]


def test_frozen_against_relaxed_slabs_are_found():
    audit = compare([run("free"), run("held", n_frozen=1)])
    assert audit.differences[0].key == "frozen atoms"
    assert dict(audit.differences[0].values) == {"free": "0 of 2", "held": "1 of 2"}


def test_the_same_frozen_layers_under_more_atoms_or_in_a_supercell_are_no_difference():
    covered = SLAB.copy()
    covered.append("H")
    large = SLAB.repeat((2, 2, 1))
    slabs = [
        run("a", n_frozen=1),
        run("covered", covered, n_frozen=1),
        run("2x2", large, n_frozen=4, kpoints=[2, 2, 1]),
    ]
    assert compare(slabs).differences == ()


def test_different_materials_have_meshes_of_their_own():
    salt, metal = bulk("MgO", "rocksalt", a=4.2), bulk("Ag", "fcc", a=4.1)
    meshes = {"salt": [4, 4, 4], "metal": [16, 16, 16]}
    runs = [run(name, atoms, kpoints=meshes[name]) for name, atoms in (("salt", salt), ("metal", metal))]
    assert compare(runs).differences[0].importance == "changes accuracy"
    same = [run(name, salt, kpoints=mesh) for name, mesh in meshes.items()]
    assert not compare(same).compatible


def test_engines_and_versions():
    assert not compare([run("a"), run("b", engine="tblite")]).compatible
    assert compare([run("a"), run("b", version="6.4.1")]).differences[0].importance == "harmless"
    assert compare([run("a"), run("b", version="5.4.4")]).differences[0].importance == "changes accuracy"


def test_a_fixed_charge_density_decides():
    audit = compare([run("a", icharg=2), run("b", icharg=11)])
    assert not audit.compatible
    assert "gives no total energy" in audit.differences[0].text


def test_finished_calculations_compare_as_outputs():
    one = Outputs(SLAB.copy(), settings=SETTINGS, engine="vasp", source="here")
    other = Outputs(SLAB.copy(), settings=SETTINGS | {"lreal": True}, engine="vasp", source="here")
    audit = compare_settings(one, other)
    assert audit.sources == ("here", "here (2)")
    assert [item.key for item in audit.differences] == ["lreal"]
    assert compare_settings(one, other, names=("slab", "complex")).sources == ("slab", "complex")


def test_the_record_is_json_and_the_table_is_aligned():
    first = run("a")
    audit = compare([replace(first, warnings=("POSCAR does not belong",)), run("b", cutoff_eV=520.0)])
    record = json.loads(json.dumps(audit.record()))
    assert record["compatible"] is False
    assert record["notes"] == {"a": ["POSCAR does not belong"]}
    head, row, note = audit.table().splitlines()
    assert head.split() == ["setting", "importance", "a", "b"]
    assert row.split() == ["cutoff_eV", "decides", "energies", "400", "520"]
    assert note == "a: POSCAR does not belong"


def test_vacuum_is_found_in_any_direction():
    slab = fcc111("Ir", (1, 1, 4), vacuum=10.0)
    slab.pbc = True
    assert periodic_axes(slab.cell.array, slab.get_scaled_positions()) == (True, True, False)
    turned = slab.cell.array[[2, 0, 1]], slab.get_scaled_positions()[:, [2, 0, 1]]
    assert periodic_axes(*turned) == (False, True, True)


@settings(max_examples=40, deadline=None)
@given(
    n=st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 3), (4, 2)]),
    angle=st.floats(0, 6.28),
    gamma=st.sampled_from([60.0, 90.0, 120.0]),
)
def test_folded_meshes_sample_equally_however_the_cell_is_turned(n, angle, gamma):
    mesh = (12, 12, 1)
    slab = Atoms("Pb", cell=[4.0, 4.0, 25.0, 90, 90, gamma], pbc=True)
    large = slab.repeat((*n, 1))
    large.rotate(np.degrees(angle), "z", rotate_cell=True)
    one = sampling(slab.cell.array, slab.get_scaled_positions(), mesh)
    other = sampling(large.cell.array, large.get_scaled_positions(), (12 // n[0], 12 // n[1], 1))
    assert same_sampling(one, other) is True
    assert lateral_multiplicity(slab.cell.array[:2], large.cell.array[:2]) == pytest.approx(n[0] * n[1])


def test_the_sqrt2_cell_is_recognized_and_a_strained_one_is_not():
    a = np.array([[6.0, 0, 0], [0, 6.0, 0]])
    root2 = np.array([[6.0, 6.0, 0], [-6.0, 6.0, 0]])
    assert lateral_multiplicity(a, root2) == pytest.approx(2.0)
    assert lateral_multiplicity(root2, a) == pytest.approx(0.5)
    assert lateral_multiplicity(a, root2 * 1.01) is None
