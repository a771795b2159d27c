"""Linear response, hybrids without forces, pressure, tiny criteria, and files that potentials were cut out of."""

import numpy as np
import pytest
from made_up_vasp import outcar, two_steps, vasprun
from test_read_outcar_levels import POINTS, text

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_outputs, read_projected, read_trajectory

WRITERS = {"vasprun.xml": vasprun, "OUTCAR": outcar}
RESPONSE = """  <varray name="kpointlist" >
   <v>       0.50000000       0.50000000       0.00000000 </v>
  </varray>
  <scstep>
   <energy>
    <i name="e_fr_energy">     -3.33333333 </i>
    <i name="e_wo_entrp">     -3.33333333 </i>
    <i name="e_0_energy">     -3.33333333 </i>
   </energy>
  </scstep>
  <varray name="epsilon" >
   <v>       7.50000000       0.00000000       0.00000000 </v>
  </varray>
"""


def put(folder, name, content):
    (folder / name).write_text(content)
    return folder / name


def changed(content, old, new):
    assert old in content
    return content.replace(old, new)


@pytest.mark.parametrize("version", ["5.4.4", "6.3.2"])
def test_loops_of_linear_response_behind_the_ground_state_do_not_count(tmp_path, version):
    run = two_steps(version=version)
    head, last = vasprun(run).rsplit("  <eigenvalues>", 1)
    path = put(tmp_path, "vasprun.xml", head + RESPONSE * 3 + "  <eigenvalues>" + last)
    plain = put(tmp_path, "plain.xml", vasprun(run))
    outputs, expected = read_outputs(path), read_outputs(plain)
    assert (
        (outputs.energy, outputs.free_energy)
        == (expected.energy, expected.free_energy)
        == (run.sigma0(run.steps[1]), -10.25)
    )
    assert outputs.extra["n_scf_steps_last"] == 3
    assert (outputs.converged, outputs.warnings) == (True, ())
    np.testing.assert_array_equal(outputs.forces, run.steps[1].forces)
    np.testing.assert_array_equal(read_eigenvalues(path).energies, read_eigenvalues(plain).energies)
    np.testing.assert_array_equal(read_dos(path).total, read_dos(plain).total)
    np.testing.assert_array_equal(read_trajectory(path).energies, read_trajectory(plain).energies)


def test_a_step_whose_energy_was_left_out_does_not_take_one_of_the_response(tmp_path):
    content = vasprun(two_steps())
    begin = content.index("  <energy>\n", content.rindex("  </scstep>"))
    end = content.index("  </energy>\n", begin) + len("  </energy>\n")
    path = put(tmp_path, "vasprun.xml", content[:begin] + RESPONSE + content[end:])
    with pytest.raises(OutputError, match="there is no final energy"):
        read_outputs(path)


def test_iterations_of_linear_response_in_outcar_begin_no_ionic_step(tmp_path):
    content = outcar(two_steps())
    more = "".join(f"----------------------------------------- Iteration {n:6d}(   1)  ----\n" for n in (3, 4, 5))
    footer = " General timing"
    path = put(
        tmp_path, "OUTCAR", changed(content, footer, " Linear response to external field, progress :\n" + more + footer)
    )
    outputs = read_outputs(path)
    assert (outputs.free_energy, outputs.n_ionic_steps, outputs.converged) == (-10.25, 2, True)
    (tmp_path / "cut").write_text(changed(content, footer, more + footer))
    with pytest.raises(OutputError, match="ionic step 5 begins here, but the file holds 2 final energies"):
        read_outputs(tmp_path / "cut")


@pytest.mark.parametrize("version", ["5.4.4", "6.0.8", "6.3.0"])
@pytest.mark.parametrize("kilobar", [1.0, -50.0, 1000.0])
def test_under_pressure_energies_are_no_enthalpies(tmp_path, version, kilobar):
    run = two_steps(version=version, parameters={"PSTRESS": kilobar})
    for name, writer in WRITERS.items():
        put(tmp_path, name, writer(run))
    outputs = read_outputs(tmp_path)
    assert outputs.free_energy == pytest.approx(-10.25, abs=2e-8)
    assert outputs.energy == pytest.approx(run.sigma0(run.steps[1]), abs=2e-8)
    assert outputs.warnings == ()
    np.testing.assert_allclose(read_trajectory(tmp_path).free_energies, [-10.2, -10.25], atol=2e-8)


def test_final_energies_that_are_those_of_the_loop_hold_no_pressure(tmp_path):
    content = vasprun(two_steps())
    path = put(tmp_path, "vasprun.xml", changed(content, 'name="PSTRESS">      0.0', 'name="PSTRESS">     10.0'))
    assert read_outputs(path).free_energy == -10.25


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_forces_that_are_nan_are_none_and_said_to_be(tmp_path, name):
    run = two_steps(parameters={"NSW": 0, "IBRION": -1})
    lost = run.steps[1].forces * np.nan
    run = two_steps(parameters={"NSW": 0, "IBRION": -1})
    content = WRITERS[name](
        type(run)(**vars(run) | {"steps": (type(run.steps[1])(**vars(run.steps[1]) | {"forces": lost}),)})
    )
    content = content.replace("nan", "NaN")
    outputs = read_outputs(put(tmp_path, name, content))
    assert (outputs.free_energy, outputs.forces, outputs.max_force) == (-10.25, None, None)
    assert [warning for warning in outputs.warnings if "NaN" in warning]
    assert np.isnan(read_trajectory(tmp_path / name).forces).all()


@pytest.mark.parametrize("mark", ["fractional coordinates (direct lattice)", "TOTAL-FORCE (eV/Angst)"])
def test_a_position_that_is_nan_is_refused(tmp_path, mark):
    lines = outcar(two_steps()).splitlines()
    at = max(i for i, line in enumerate(lines) if mark in line) + (2 if "FORCE" in mark else 1)
    lines[at] = "          NaN" + lines[at][13:]
    with pytest.raises(OutputError, match=r"line \d+ .*: a position is NaN"):
        read_outputs(put(tmp_path, "OUTCAR", "\n".join([*lines, ""])))


@pytest.mark.parametrize("again", [True, False])
def test_an_outcar_without_its_potentials_still_names_them(tmp_path, again):
    run = two_steps(parameters={"NELECT": 27.0})
    kept = [line for line in outcar(run).splitlines() if "TITEL" not in line and "POMASS" not in line]
    named = [line for line in kept if line.startswith(" POTCAR:")]
    at = kept.index(" KPOINTS: made up")
    kept[at:at] = named if again else []
    at = next(i for i, line in enumerate(kept) if "NELECT" in line)
    kept[at:at] = ["  Ionic Valenz", "   ZVAL   =  14.00  7.00", "  Atomic Wigner-Seitz radii"]
    outputs = read_outputs(put(tmp_path, "OUTCAR", "\n".join([*kept, ""])))
    assert outputs.atoms.get_chemical_symbols() == ["Pb", "Br", "Br"]
    assert outputs.settings["potentials"] == ["PAW_PBE Pb_d 06Sep2000", "PAW_PBE Br 06Sep2000"]
    assert (outputs.n_electrons, outputs.charge) == (27.0, 1.0)


def test_an_ediff_smaller_than_its_digits_can_be_reached(tmp_path):
    run = two_steps(parameters={"EDIFF": 1e-9, "NELM": 15})
    content = changed(vasprun(run), "-10.24999900", "-10.25000000")
    assert 'name="EDIFF">      0.00000000' in content
    assert read_outputs(put(tmp_path, "vasprun.xml", content)).electronically_converged is True
    moved = content.replace("-10.25000000", "-10.24990000", 1)
    assert read_outputs(put(tmp_path, "vasprun.xml", moved)).electronically_converged is False


@pytest.mark.parametrize("empty", ["\n", " \n", "\r\n"])
@pytest.mark.parametrize("fine", [True, False])
def test_lists_of_k_points_end_at_any_empty_line(tmp_path, empty, fine):
    content = text(np.array([[[-1.0, 0.0, 1.0, 2.0]] * 2]), 2, fine=fine)
    tail = " position of ions in fractional coordinates\n 0.0 0.0 0.0 1.0\n"
    levels = read_eigenvalues(put(tmp_path, "OUTCAR", changed(content, "0.750\n \n", "0.750\n" + empty + tail)))
    np.testing.assert_allclose(levels.weights, POINTS[:, 3])


def test_weights_too_small_for_their_digits_come_from_the_other_list(tmp_path):
    content = text(np.array([[[-1.0, 0.0, 1.0, 2.0]] * 2]), 2)
    content = content.replace("0.250\n", "0.000\n").replace("0.750\n", "0.000\n")
    np.testing.assert_allclose(read_eigenvalues(put(tmp_path, "OUTCAR", content)).weights, POINTS[:, 3])


def test_the_last_mesh_that_fits_counts_where_displacements_changed_it(tmp_path):
    content = text(np.array([[[-1.0, 0.0, 1.0, 2.0]] * 2]), 2)
    begin, end = content.index(" Following reciprocal"), content.index(" k-points in reciprocal")
    other = content[begin:end].replace("  1.000000\n", "  9.000000\n")
    levels = read_eigenvalues(put(tmp_path, "OUTCAR", content[:end] + content[begin:end] + content[end:]))
    np.testing.assert_allclose(levels.weights, POINTS[:, 3])
    levels = read_eigenvalues(put(tmp_path, "OUTCAR", content[:begin] + other + content[begin:]))
    np.testing.assert_allclose(levels.weights, POINTS[:, 3])


def test_without_any_list_the_k_points_are_missing(tmp_path):
    content = text(np.array([[[-1.0, 0.0, 1.0, 2.0]] * 2]), 2, fine=False)
    path = put(tmp_path, "OUTCAR", changed(content, "and weights:", "and nothing:"))
    with pytest.raises(OutputError, match="the k-points with their weights are missing"):
        read_eigenvalues(path)


def test_files_that_were_joined_are_refused_or_warned_about(tmp_path):
    run = two_steps()
    path = put(tmp_path, "vasprun.xml", vasprun(run) + vasprun(run))
    for reader in (read_outputs, read_eigenvalues, read_dos, read_trajectory):
        with pytest.raises(OutputError, match=r"line \d+ .*a second run begins behind here"):
            reader(path)
    outputs = read_outputs(put(tmp_path, "OUTCAR", outcar(run) + outcar(run)))
    assert outputs.n_ionic_steps == 4
    assert [text for text in outputs.warnings if "4 ionic steps end in the file, the last one has the number 2" in text]


def test_the_zeros_behind_a_file_in_an_archive_do_not_cut_it(tmp_path):
    content = vasprun(two_steps()).encode()
    (tmp_path / "vasprun.xml").write_bytes(content + bytes(10240))
    assert read_outputs(tmp_path).converged
    (tmp_path / "vasprun.xml").write_bytes(content.replace(b"</modeling>\n", b"") + bytes(10240))
    with pytest.raises(OutputError, match="is not complete"):
        read_outputs(tmp_path)


def site_table(title, values):
    rows = [f"{n:5d}    {x:8.3f}{0:8.3f}{0:8.3f}{x:8.3f}" for n, x in enumerate(values, start=1)]
    line = "-" * 48
    return "\n".join(
        ["", f" {title}", " ", "# of ion       s       p       d       tot", line, *rows, line, "tot   9.999", ""]
    )


@pytest.mark.parametrize("axes", ["", "x", "xyz"])
def test_the_last_charges_and_moments_of_atoms_come_back(tmp_path, axes):
    def tables(scale):
        lot = [site_table("total charge     ", scale * np.array([8.5, 6.25, 6.125]))]
        lot += [
            site_table(f"magnetization ({a})", scale * (n + np.array([0.5, -0.25, 0.0]))) for n, a in enumerate(axes)
        ]
        return "\n total charge-density along one line\n" + "\n".join(lot)

    footer = "\n General timing"
    content = changed(outcar(two_steps()), footer, tables(0.5) + tables(1.0) + footer)
    extra = read_outputs(put(tmp_path, "OUTCAR", content)).extra
    assert extra["site_charges"] == [8.5, 6.25, 6.125]
    expected = {"": None, "x": [0.5, -0.25, 0.0], "xyz": [[0.5, 1.5, 2.5], [-0.25, 0.75, 1.75], [0.0, 1.0, 2.0]]}
    assert extra.get("site_moments") == expected[axes]


@pytest.mark.parametrize(
    ("old", "new"), [("6.250\n", "*****\n"), ("    2    ", "    4    "), ("total charge     ", "charge")]
)
def test_a_damaged_table_of_atoms_is_not_taken(tmp_path, old, new):
    table = changed(site_table("total charge     ", [8.5, 6.25, 6.125]), old, new)
    footer = "\n General timing"
    path = put(tmp_path, "OUTCAR", changed(outcar(two_steps()), footer, table + footer))
    outputs = read_outputs(path)
    assert outputs.energy is not None
    assert "site_charges" not in outputs.extra


def test_lists_of_k_points_are_the_same_in_both_files_whatever_digits_they_print(tmp_path):
    points = np.array([[0.0, 0.0, 0.0], [0.37179487, 0.37179487, 0.74358974], [0.41935484, -0.0, 0.00000049]])
    rows = ["  ".join(f"{x:11.8f}" for x in point) for point in points]
    run = two_steps()
    content = outcar(run)
    begin, end = content.index("Automatic generation of k-mesh."), content.index(" Following cartesian")
    coarse = ["  ".join(f"{x:10.6f}" for x in point) + "   0.333333" for point in points]
    content = "\n".join(
        [
            content[:begin] + "Read explicit list of k-points.",
            " Following reciprocal coordinates:",
            *coarse,
            content[end:],
        ]
    )
    fine = (
        " k-points in reciprocal lattice and weights: path\n" + "".join(f" {row}       0.333\n" for row in rows) + "\n"
    )
    mark = " position of ions in fractional"
    put(tmp_path, "OUTCAR", changed(content, mark, fine + mark))
    xml = vasprun(run)
    begin, end = xml.index("  <generation"), xml.index(" </kpoints>")
    listed = [f'  <varray name="kpointlist" >\n{"".join(f"   <v> {row} </v>" + chr(10) for row in rows)}  </varray>']
    listed += ['  <varray name="weights" >\n' + "   <v>       0.33333333 </v>\n" * 3 + "  </varray>\n"]
    put(tmp_path, "vasprun.xml", xml[:begin] + "\n".join(listed) + xml[end:])
    one, other = (read_outputs(tmp_path / name).settings for name in ("vasprun.xml", "OUTCAR"))
    assert one["kpoint_list"] is not None
    assert (one["kpoint_list"], one["n_kpoints"]) == (other["kpoint_list"], other["n_kpoints"])


OPT = """  <dos comment="kpoints_opt">
   <i name="efermi">      9.99000000 </i>
   <total>
    <array>
     <set>
      <set comment="spin 1">
       <r>    -5.0000     9.0000     9.0000 </r>
      </set>
     </set>
    </array>
   </total>
  </dos>
  <eigenvalues_kpoints_opt comment="kpoints_opt">
   <kpoints>
    <varray name="kpointlist" >
     <v>       0.50000000       0.50000000       0.50000000 </v>
    </varray>
   </kpoints>
   <eigenvalues>
    <array>
     <field>eigene</field>
     <set>
      <set comment="spin 1">
       <set comment="kpoint 1">
        <r>  -99.0000 </r>
       </set>
      </set>
     </set>
    </array>
   </eigenvalues>
  </eigenvalues_kpoints_opt>
  <projected_kpoints_opt>
   <eigenvalues>
    <array>
    </array>
   </eigenvalues>
   <array>
    <field>  s</field>
    <set>
     <r>  9.0000 </r>
    </set>
   </array>
  </projected_kpoints_opt>
"""


@pytest.mark.parametrize("spins", [1, 2])
def test_the_levels_of_kpoints_opt_are_not_those_of_the_mesh(tmp_path, spins):
    run = two_steps(projected="last", parameters={"ISPIN": spins}, moment=0.5 * (spins - 1))
    plain = put(tmp_path, "plain.xml", vasprun(run))
    head, tail = vasprun(run).split("  <eigenvalues>", 1)
    path = put(tmp_path, "vasprun.xml", head + OPT + "  <eigenvalues>" + tail)
    outputs, expected = read_outputs(path), read_outputs(plain)
    assert (outputs.fermi_level, outputs.magnetization) == (expected.fermi_level, expected.magnetization)
    assert outputs.energy == expected.energy
    np.testing.assert_array_equal(read_eigenvalues(path).energies, read_eigenvalues(plain).energies)
    np.testing.assert_array_equal(read_projected(path).weights, read_projected(plain).weights)
    np.testing.assert_array_equal(read_dos(path).total, read_dos(plain).total)


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
def test_atoms_of_a_virtual_crystal_count_with_their_share(tmp_path, name):
    run = two_steps(parameters={"NELECT": 0.25 * 14 + 0.75 * 14}, incar={"VCA": "0.25 0.75"})
    content = WRITERS[name](run)
    if name == "OUTCAR":
        content = changed(content, "   NELECT", "  virtual crystal weights\n   VCA    =   0.25  0.75\n   NELECT")
    else:
        content = changed(
            content, '<i type="string" name="VCA">0.25 0.75</i>', '<v name="VCA">  0.25000000  0.75000000</v>'
        )
    assert read_outputs(put(tmp_path, name, content)).charge == 0.0


def test_the_folder_of_a_band_says_that_its_file_is_that_of_one_image(tmp_path):
    put(tmp_path, "vasprun.xml", vasprun(two_steps()))
    assert read_outputs(tmp_path).warnings == ()
    for image in ("01", "02"):
        (tmp_path / image).mkdir()
        put(tmp_path / image, "OUTCAR", outcar(two_steps()))
    assert any("is that of a band of images (01, 02)" in warning for warning in read_outputs(tmp_path).warnings)
    assert read_outputs(tmp_path / "01").warnings == ()
