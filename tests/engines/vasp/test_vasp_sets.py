"""Input sets: every tag against the level, the paper and the system; use from pymatgen alone."""

import warnings

import pytest
from ase import Atoms

from qddft.atoms.bulk import build_bulk
from qddft.core.errors import ChargeError, EngineError, LevelError
from qddft.engines.vasp.box import in_cubic_box
from qddft.engines.vasp.incar import format_value, incar_text, preconvergence_tags
from qddft.engines.vasp.job_set import set_for
from qddft.engines.vasp.prepared import Prepared
from qddft.engines.vasp.selective import to_structure
from qddft.engines.vasp.sets import (
    BulkRelaxSet,
    BulkStaticSet,
    MoleculeRelaxSet,
    SlabRelaxSet,
    SlabStaticSet,
)
from qddft.jobs.job import FinalOf, Given, Job
from qddft.levels.load import load_level

LDAU = {"LDAU", "LDAUTYPE", "LDAUL", "LDAUU", "LDAUJ"}
ALWAYS = {
    "ENCUT", "PREC", "LASPH", "LREAL", "ISPIN", "ISMEAR", "SIGMA", "EDIFF", "ALGO", "NELM", "NELMIN", "GGA", "ISTART",
    "IBRION", "ISIF", "NSW", "ISYM", "LWAVE", "LCHARG",
}  # fmt: skip
COMMON = ("ENCUT", "PREC", "LASPH", "LREAL", "ISMEAR", "SIGMA", "EDIFF", "ALGO", "GGA", "NELM", "ISYM")


def _values(job, atoms=None):
    return {key: tag.value for key, tag in Prepared.of(job, atoms).tags.items()}


def _level(**settings):
    level = load_level("tao-pbe").resolved("vasp")
    return level | {"settings": level["settings"] | settings}


def _molecule(symbols, positions, level, **fields):
    return Job("molecule", "molecule", "relax", Given.of(Atoms(symbols, positions=positions)), level, **fields)


def test_paper_tag_by_tag(jobs):
    """Tao et al.: VASP, PBE, PAW, 400 eV, 8x8x1 for the electronic structure, 0.02 eV/Angstrom, 1e-5 eV."""
    relax, static = _values(jobs.complex), _values(jobs.static)
    assert relax["GGA"] == static["GGA"] == "PE"
    assert relax["ENCUT"] == static["ENCUT"] == 400
    assert relax["EDIFFG"] == -0.02
    assert relax["EDIFF"] == static["EDIFF"] == 1e-5
    one_by_one = Job("slab", "slab", "static", Given.of(_primitive_slab()), jobs.slab.level)
    assert Prepared.of(one_by_one, None).kpoints.kpts == [(8, 8, 1)]
    assert not {"IVDW", "LSORBIT", "LHFCALC", "METAGGA", "NKRED"} & {*relax, *static}


def _primitive_slab():
    from qddft.atoms.slab import build_slab

    return build_slab("CsPbBr3", layers=3, supercell=(1, 1))


@pytest.mark.parametrize("kind", ["bulk", "molecule", "slab", "complex", "static", "slab_at_ads", "ligand_at_ads"])
def test_every_deciding_tag_is_written_and_no_machine_tag(kind, jobs):
    values = _values(getattr(jobs, kind))
    assert set(values) >= ALWAYS
    assert not LDAU & set(values)
    assert not {"NCORE", "NPAR", "KPAR", "NELECT"} & set(values)


def test_all_terms_of_a_binding_energy_share_what_decides_energies(jobs):
    terms = [_values(job) for job in (jobs.complex, jobs.slab, jobs.molecule)]
    for key in COMMON:
        assert len({str(term[key]) for term in terms}) == 1, key


def test_bulk_relaxes_its_cell_at_the_higher_cutoff_and_keeps_symmetry(jobs):
    values = _values(jobs.bulk)
    assert (values["ISIF"], values["ENCUT"], values["ISYM"]) == (3, 520, 2)


def test_static_bulk_uses_the_cutoff_of_the_slabs(tao):
    values = _values(Job("bulk", "bulk", "static", Given.of(build_bulk("CsPbBr3")), tao))
    assert (values["ISIF"], values["ENCUT"], values["NSW"], values["IBRION"]) == (2, 400, 0, -1)


def test_slab_relaxes_atoms_only(jobs):
    values = _values(jobs.slab)
    assert (values["ISIF"], values["IBRION"], values["NSW"]) == (2, 2, 300)
    assert not values["LCHARG"]


def test_static_slab_gives_density_of_states_and_potential(jobs):
    values = _values(jobs.static)
    assert (values["LORBIT"], values["NEDOS"], values["LVHAR"], values["LCHARG"]) == (11, 3501, True, True)
    assert (values["EMAX"] - values["EMIN"]) / (values["NEDOS"] - 1) == pytest.approx(0.01)


def test_molecule_at_gamma_with_molecular_dipole_in_a_cubic_box(jobs):
    prepared = Prepared.of(jobs.molecule, None)
    values = _values(jobs.molecule)
    assert (values["IDIPOL"], values["LDIPOL"], values["ISYM"]) == (4, True, 0)
    lengths = prepared.atoms.cell.lengths()
    assert lengths == pytest.approx([lengths[0]] * 3)
    assert values["DIPOL"] == pytest.approx([0.5, 0.5, 0.5], abs=0.05)


def test_box_keeps_the_padding_on_every_side(acetic_acid):
    boxed = in_cubic_box(acetic_acid, 7.5)
    assert boxed.positions.min() >= 7.5 - 1e-9
    assert (boxed.cell.lengths() - boxed.positions.max(axis=0)).min() >= 7.5 - 1e-9
    assert boxed.get_all_distances() == pytest.approx(acetic_acid.get_all_distances())


@pytest.mark.parametrize(("symbols", "positions"), [("I2", [[0, 0, 0], [0, 0, 2.68]]), ("Cs", [[0, 0, 0]])])
def test_molecule_without_a_dipole_needs_no_correction(symbols, positions, tao):
    assert "IDIPOL" not in _values(_molecule(symbols, positions, tao))


def test_the_jump_of_the_potential_lies_in_the_middle_of_the_vacuum(jobs, complex_atoms):
    values = _values(jobs.complex)
    assert (values["IDIPOL"], values["LDIPOL"], values["ISTART"]) == (3, True, 1)
    heights = complex_atoms.get_scaled_positions()[:, 2]
    jump = (values["DIPOL"][2] + 0.5) % 1.0
    assert jump - heights.max() == pytest.approx(heights.min() + 1.0 - jump, abs=1e-3)


def test_symmetric_slab_needs_no_correction(tao):
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", termination="PbX2", layers=5, supercell=(2, 2), fixed_layers=0)
    values = _values(Job("slab", "slab", "relax", Given.of(slab), tao))
    assert not {"IDIPOL", "LDIPOL", "DIPOL"} & set(values)
    assert (values["ISTART"], values["ICHARG"]) == (0, 2)


def test_slab_held_on_one_side_becomes_one_sided_like_its_complex(jobs):
    assert _values(jobs.slab)["IDIPOL"] == 3


def test_unequal_terminations_are_corrected(tao):
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", termination=("PbX2", "CsX"), layers=4)
    assert _values(Job("slab", "slab", "static", Given.of(slab), tao))["IDIPOL"] == 3


def test_ligands_mirrored_on_both_faces_need_no_correction(tao, acetic_acid):
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2))
    middle = (slab.positions[:, 2].max() + slab.positions[:, 2].min()) / 2
    top = acetic_acid.copy()
    top.positions += slab.positions[-1] + [0, 0, 2.6]
    bottom = top.copy()
    bottom.positions[:, 2] = 2 * middle - top.positions[:, 2]
    bottom.arrays["fragment"][:] = 2
    both = slab + top + bottom
    assert "IDIPOL" not in _values(Job("complex", "complex", "relax", Given.of(both), tao))
    assert "IDIPOL" in _values(Job("complex", "complex", "relax", Given.of(slab + top), tao))


def test_no_correction_when_the_level_says_so(complex_atoms):
    job = Job("complex", "complex", "relax", Given.of(complex_atoms), _level(dipole="none"))
    assert "IDIPOL" not in _values(job)


def test_parts_of_a_complex_share_cell_mesh_grid_dipole_and_symmetry(jobs):
    whole = Prepared.of(Job("density", "complex", "static", jobs.static.start, jobs.static.level,
                            wanted=frozenset({"density"})), None)  # fmt: skip
    for job in (jobs.slab_at_ads, jobs.ligand_at_ads):
        part = Prepared.of(job, None)
        assert part.atoms.cell.array == pytest.approx(whole.atoms.cell.array)
        assert part.kpoints.kpts == whole.kpoints.kpts
        for key in ("NGX", "NGY", "NGZ", "NGXF", "NGYF", "NGZF", "IDIPOL", "LDIPOL", "DIPOL", "ISYM", *COMMON):
            assert part.tags[key].value == whole.tags[key].value, key
        assert part.tags["ISYM"].value == 0


def test_parts_have_no_correction_where_the_complex_has_none(jobs, complex_atoms):
    level = _level(dipole="none")
    whole = Job("complex", "complex", "static", Given.of(complex_atoms), level)
    assert "IDIPOL" not in _values(Job("ligand", "molecule", "static", FinalOf(whole, (1,)), level))


def test_grid_is_what_pymatgen_computes(jobs):
    prepared = Prepared.of(jobs.slab_at_ads, None)
    coarse, fine = prepared.inputs.calculate_ng(custom_encut=400, custom_prec="Accurate")
    assert [prepared.tags[f"NG{axis}"].value for axis in "XYZ"] == coarse
    assert [prepared.tags[f"NG{axis}F"].value for axis in "XYZ"] == fine


def test_odd_electrons_imply_spin(tao):
    values = _values(_molecule("OH", [[0, 0, 0], [0, 0, 0.97]], tao))
    assert (values["ISPIN"], values["NUPDOWN"]) == (2, 1)
    assert sum(values["MAGMOM"]) == pytest.approx(1.5)
    assert values["MAGMOM"][0] == 0.0  # hydrogen comes first in POSCAR and carries no spin


def test_triplet_oxygen(tao):
    values = _values(_molecule("O2", [[0, 0, 0], [0, 0, 1.2]], tao, unpaired=2))
    assert (values["ISPIN"], values["NUPDOWN"], values["MAGMOM"]) == (2, 2, [1.5, 1.5])


def test_closed_shell_has_no_moments(jobs):
    values = _values(jobs.molecule)
    assert values["ISPIN"] == 1
    assert not {"MAGMOM", "NUPDOWN"} & set(values)


def test_level_can_polarize_everything(complex_atoms):
    values = _values(Job("complex", "complex", "relax", Given.of(complex_atoms), _level(spin="polarized")))
    assert values["ISPIN"] == 2
    assert 0 < max(values["MAGMOM"]) < 0.5
    assert "NUPDOWN" not in values


def test_unpaired_electron_of_a_bound_radical_starts_where_it_touches_the_slab(tao, complex_atoms):
    radical = complex_atoms[[i for i in range(len(complex_atoms)) if i != len(complex_atoms) - 4]]
    job = Job("radical", "complex", "relax", Given.of(radical), tao)
    prepared = Prepared.of(job, None)
    moments = prepared.tags["MAGMOM"].value
    carriers = [prepared.sorted_atoms[i].symbol for i, moment in enumerate(moments) if moment]
    assert carriers == ["O"]
    assert sum(moments) == pytest.approx(1.5)
    assert "NUPDOWN" not in prepared.tags


def test_wrong_number_of_unpaired_electrons_is_refused(tao):
    with pytest.raises(LevelError, match="1 unpaired electrons are impossible with an even number"):
        _values(_molecule("I2", [[0, 0, 0], [0, 0, 2.7]], tao, unpaired=1))


def test_level_without_spin_refuses_odd_electrons():
    with pytest.raises(LevelError, match=r"level tao-pbe forbids spin polarization.*set spin: auto"):
        _values(_molecule("OH", [[0, 0, 0], [0, 0, 0.97]], _level(spin="none")))


def test_charged_molecule_has_nelect_and_no_dipole_correction(tao):
    # acetate: 2 C, 3 H, 2 O = 23 electrons, one more with the charge
    acetate = Atoms("C2H3O2", positions=[[0, 0, 0], [1.5, 0, 0], [-0.6, 1, 0], [-0.6, -1, 0],
                                         [-0.4, 0, 1], [2.1, 1.1, 0], [2.1, -1.1, 0]])  # fmt: skip
    values = _values(Job("acetate", "molecule", "relax", Given.of(acetate), tao, charge=-1))
    assert values["NELECT"] == 24
    assert values["ISPIN"] == 1
    assert "IDIPOL" not in values


def test_neutral_jobs_leave_nelect_to_vasp(jobs):
    assert "NELECT" not in _values(jobs.complex)


def test_charged_slab_is_refused_with_the_remedies(tao, slab):
    with pytest.raises(ChargeError, match=r"cannot carry the charge -1.*acid-exchange"):
        _values(Job("slab", "slab", "relax", Given.of(slab), tao, charge=-1))


def test_dispersion_only_when_asked(slab):
    tight = load_level("tight").resolved("vasp")
    values = _values(Job("slab", "slab", "relax", Given.of(slab), tight))
    assert (values["IVDW"], values["ENCUT"], values["EDIFF"]) == (12, 520, 1e-6)


def test_tetrahedra_only_where_there_are_enough_points(slab):
    level = _level(smearing="tetrahedron")
    assert _values(Job("slab", "slab", "static", Given.of(slab), level))["ISMEAR"] == -5
    assert _values(Job("slab", "slab", "relax", Given.of(slab), level))["ISMEAR"] == 0


def test_very_long_cell_gets_amin(tao):
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", layers=3, vacuum=50.0)
    assert _values(Job("slab", "slab", "relax", Given.of(slab), tao))["AMIN"] == 0.01


def test_raw_tags_of_the_level_win_and_say_so(slab):
    level = _level() | {"raw": {"incar": {"ALGO": "All", "LREAL": False}}}
    tags = Prepared.of(Job("slab", "slab", "relax", Given.of(slab), level), None).tags
    assert (tags["ALGO"].value, tags["ALGO"].why) == ("All", "set by the level")
    assert tags["LREAL"].why.startswith("projection in reciprocal space")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xc": "PBEsoll"}, "cannot compute xc 'PBEsoll'.*Did you mean 'PBEsol'"),
        ({"cutoff_eV": None}, "has no cutoff_eV"),
        ({"core": "all-electron"}, "treats cores by PAW"),
        ({"dispersion": "built-in"}, "no built-in dispersion"),
    ],
)
def test_level_that_vasp_cannot_do_is_refused(change, message, slab):
    with pytest.raises(LevelError, match=message):
        _values(Job("slab", "slab", "relax", Given.of(slab), _level(**change)))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"incar": {"NCORE": 4}}, "NCORE says how to use a computer"),
        ({"incar": {"LDAU": True}}, "LDAU is never on"),
        ({"incars": {}}, "unknown key engines.vasp.incars. Did you mean 'incar'"),
    ],
)
def test_raw_block_that_does_not_belong_in_a_level_is_refused(raw, message, slab):
    with pytest.raises(LevelError, match=message):
        _values(Job("slab", "slab", "relax", Given.of(slab), _level() | {"raw": raw}))


def test_preconvergence_run_is_the_same_without_ldipol_and_without_moving(jobs):
    tags = Prepared.of(jobs.complex, None).tags
    before = preconvergence_tags(tags)
    assert (before["LDIPOL"].value, before["NSW"].value, before["LWAVE"].value) == (False, 0, True)
    for key in (*COMMON, "IDIPOL", "DIPOL", "ISPIN"):
        assert before[key].value == tags[key].value


# use from pymatgen, as atomate2 does -------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [BulkRelaxSet, BulkStaticSet])
def test_set_takes_its_structure_later_like_a_generator(cls):
    inputs = cls().get_input_set(to_structure(build_bulk("CsPbBr3")), potcar_spec=True)
    assert inputs["POTCAR.spec"].split() == ["Cs_sv", "Pb_d", "Br"]
    assert inputs["KPOINTS"].kpts == [(8, 8, 8)]
    assert inputs["INCAR"]["ENCUT"] == (520 if cls is BulkRelaxSet else 400)


def test_set_writes_its_files(tmp_path, slab):
    SlabRelaxSet(to_structure(slab), supercell="2x2").write_input(tmp_path, potcar_spec=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"]


def test_set_survives_its_dictionary(complex_atoms):
    inputs = SlabStaticSet(to_structure(complex_atoms), supercell="2x2", wanted=("density",), level="tight")
    again = SlabStaticSet.from_dict(inputs.as_dict())
    assert again.incar == inputs.incar
    assert again.kpoints == inputs.kpoints
    assert again.potcar_symbols == inputs.potcar_symbols


def test_user_settings_come_last(slab):
    inputs = SlabStaticSet(to_structure(slab), user_incar_settings={"NCORE": 4, "ENCUT": 500, "LVHAR": None})
    assert (inputs.incar["NCORE"], inputs.incar["ENCUT"]) == (4, 500)
    assert "LVHAR" not in inputs.incar


def test_static_set_writes_what_pymatgen_would_drop(slab):
    incar = SlabStaticSet(to_structure(slab)).incar
    assert (incar["IBRION"], incar["ISIF"]) == (-1, 2)


def test_incar_passes_the_checks_of_pymatgen(jobs):
    for job in vars(jobs).values():
        incar = Prepared.of(job, None).inputs.incar
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            incar.check_params()


def test_set_with_another_potential(slab):
    with pytest.warns(UserWarning, match="Overriding POTCARs is generally not recommended"):
        inputs = SlabRelaxSet(to_structure(slab), user_potcar_settings={"Pb": "Pb"})
    assert inputs.potcar_symbols == ["Cs_sv", "Pb", "Br"]


def test_unknown_level_of_a_set_is_named(slab):
    with pytest.raises(LevelError, match=r"there is no level 'tao'. Did you mean 'tao-pbe'"):
        SlabRelaxSet(to_structure(slab), level="tao").incar  # noqa: B018


def test_set_of_a_level_with_an_impossible_potential(slab):
    level = _level() | {"raw": {"potcar": {"Pb": "Pb_pv"}}}
    inputs = SlabRelaxSet(to_structure(slab), level=level)
    with pytest.raises(EngineError, match="no single PBE_54 data set 'Pb_pv'"):
        inputs.potcar_symbols  # noqa: B018


def test_molecule_set_alone(acetic_acid):
    inputs = MoleculeRelaxSet(to_structure(in_cubic_box(acetic_acid, 7.5)))
    assert inputs.incar["IDIPOL"] == 4
    assert inputs.kpoints.kpts == [(1, 1, 1)]


def test_set_for_a_job_gives_the_class(jobs, complex_atoms):
    assert isinstance(set_for(jobs.complex, complex_atoms), SlabRelaxSet)
    assert isinstance(set_for(jobs.static, complex_atoms), SlabStaticSet)


# text ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, ".TRUE."),
        (False, ".FALSE."),
        (1e-5, "1E-05"),
        (1.5e-4, "0.00015"),
        (-0.02, "-0.02"),
        (520.0, "520"),
        ([0.0, 0.0, 0.0, 1.5, 1.5], "3*0 2*1.5"),
        ([0.5, 0.5, 0.25], "0.5 0.5 0.25"),
        ("PE", "PE"),
    ],
)
def test_values_as_they_stand_in_incar(value, text):
    assert format_value(value) == text


def test_text_means_the_same_as_the_set(jobs):
    from pymatgen.io.vasp.inputs import Incar

    for job in vars(jobs).values():
        prepared = Prepared.of(job, None)
        parsed = Incar.from_str(incar_text(prepared.tags, "title", "system"))
        assert parsed.pop("SYSTEM") == "system"
        assert parsed == prepared.inputs.incar


def test_comments_cannot_be_mistaken_for_tags(jobs):
    """Old versions of VASP look for tags without regard to comments."""
    for job in vars(jobs).values():
        prepared = Prepared.of(job, None)
        for line in incar_text(prepared.tags, prepared.title, job.folder_name).splitlines():
            comment = line.partition("#")[2]
            assert not set(comment) & set("=;\\!\"'"), line
            assert line.isascii()
