"""Sets beyond relaxation and density of states: densities, Bader, vacancies, spin-orbit, hybrids, reference phases."""

import pytest
from ase import Atoms
from ase.build import bulk as ase_bulk
from ase.build import make_supercell

from qddft.atoms.bulk import build_bulk
from qddft.atoms.vacancy import find_vacancies
from qddft.core.errors import ChargeError, LevelError
from qddft.engines.vasp.incar import incar_text, preconvergence_tags, preconverges
from qddft.engines.vasp.prepared import Prepared
from qddft.engines.vasp.selective import to_structure
from qddft.engines.vasp.sets import (
    BaderSet,
    BulkHybridSet,
    BulkSpinOrbitSet,
    BulkVacancyRelaxSet,
    ChargeDensitySet,
    SlabHybridSet,
    SlabSpinOrbitSet,
    VacancyRelaxSet,
    WorkFunctionSet,
)
from qddft.engines.vasp.write import folder_files
from qddft.jobs.job import FinalOf, Given, Job
from qddft.levels.load import load_level


def _prepared(atoms, level="tao-pbe", role="slab", task="static", **fields):
    return Prepared.of(Job("job", role, task, Given.of(atoms), load_level(level).resolved("vasp"), **fields), None)


def _values(*arguments, **fields):
    return {key: tag.value for key, tag in _prepared(*arguments, **fields).tags.items()}


# densities ----------------------------------------------------------------------------------------------------------


def test_three_density_jobs_share_one_grid_and_keep_their_density(jobs, tao):
    wanted = frozenset({"density"})
    whole = Job("whole", "complex", "static", FinalOf(jobs.complex), tao, wanted=wanted)
    parts = [
        Job("slab-part", "slab", "static", FinalOf(whole, (0,)), tao, wanted=wanted),
        Job("ligand-part", "molecule", "static", FinalOf(whole, (1,)), tao, wanted=wanted),
    ]
    prepared = [Prepared.of(job, None) for job in (whole, *parts)]
    grids = {tuple(item.tags[f"NG{axis}F"].value for axis in "XYZ") for item in prepared}
    assert len(grids) == 1
    assert all(item.tags["LCHARG"].value and item.tags["ISYM"].value == 0 for item in prepared)
    assert {len(item.atoms) for item in prepared} == {40, 32, 8}
    assert isinstance(prepared[0].inputs, ChargeDensitySet)


def test_bader_writes_the_reference_density_on_the_fine_grid(slab):
    values = _values(slab, wanted=frozenset({"bader"}))
    assert (values["LAECHG"], values["LCHARG"], values["PREC"]) == (True, True, "Accurate")
    assert values["NGXF"] == 2 * values["NGX"]
    assert isinstance(_prepared(slab, wanted=frozenset({"bader"})).inputs, BaderSet)


def test_work_function_needs_the_hartree_potential(slab):
    values = _values(slab, wanted=frozenset({"potential"}))
    assert (values["LVHAR"], values["IDIPOL"]) == (True, 3)
    assert "LVTOT" not in values


def test_unknown_quantity_is_refused(slab):
    with pytest.raises(LevelError, match=r"VASP cannot give 'densty'. Did you mean 'density'"):
        _values(slab, wanted=frozenset({"densty"}))


# vacancies ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vacancy():
    from qddft.atoms.slab import build_slab

    slab = build_slab("CsPbBr3", termination="PbX2", layers=5, supercell=(2, 2))
    return find_vacancies(slab, "Br")[0].atoms


def test_neutral_halide_vacancy_has_one_electron_on_its_lead(vacancy):
    prepared = _prepared(vacancy, task="relax")
    tags = prepared.tags
    assert (tags["ISPIN"].value, tags["ISYM"].value, tags["ISIF"].value) == (2, 0, 2)
    assert "NUPDOWN" not in tags
    carriers = {prepared.sorted_atoms[i].symbol for i, moment in enumerate(tags["MAGMOM"].value) if moment}
    assert carriers == {"Pb"}
    assert sum(tags["MAGMOM"].value) == pytest.approx(1.5, abs=0.01)
    assert isinstance(prepared.inputs, VacancyRelaxSet)


def test_charged_vacancy_of_a_slab_needs_to_be_allowed(vacancy):
    level = load_level("tao-pbe").resolved("vasp")
    with pytest.raises(ChargeError, match=r"engines\.vasp\.charged_slabs"):
        Prepared.of(Job("v", "slab", "relax", Given.of(vacancy), level, charge=1), None).tags  # noqa: B018
    allowed = level | {"raw": level["raw"] | {"charged_slabs": True}}
    job = Job("v", "slab", "relax", Given.of(vacancy), allowed, charge=1)
    prepared = Prepared.of(job, None)
    neutral = sum({"Cs": 9, "Pb": 14, "Br": 7}[symbol] for symbol in vacancy.get_chemical_symbols())
    assert prepared.tags["NELECT"].value == neutral - 1
    assert prepared.tags["ISPIN"].value == 1
    assert "LDIPOL" not in prepared.tags
    assert "depends on the vacuum without limit" in " ".join(folder_files(job, vacancy, None)["README.txt"].split())


def test_bulk_vacancy_stays_in_the_lattice_of_the_crystal():
    crystal = make_supercell(build_bulk("CsPbBr3"), [[2, 0, 0], [0, 2, 0], [0, 0, 2]])
    bromine = next(i for i, symbol in enumerate(crystal.symbols) if symbol == "Br")
    position = crystal.positions[bromine].tolist()
    del crystal[bromine]
    crystal.info["qddft"] = {"kind": "bulk", "removed": [{"symbol": "Br", "why": "vacancy", "position": position}]}
    prepared = _prepared(crystal, role="bulk", task="relax", charge=1)
    tags = prepared.tags
    assert (tags["ISIF"].value, tags["ISYM"].value, tags["ENCUT"].value) == (2, 0, 400)
    assert tags["NELECT"].value == 8 * (9 + 14 + 3 * 7) - 7 - 1
    assert prepared.kpoints.kpts == [(4, 4, 4)]
    assert isinstance(prepared.inputs, BulkVacancyRelaxSet)


# spin-orbit coupling and exact exchange -----------------------------------------------------------------------------


def test_spin_orbit_slab(slab):
    prepared = _prepared(slab, "tao-pbe-soc")
    values = {key: tag.value for key, tag in prepared.tags.items()}
    assert (values["LSORBIT"], values["LNONCOLLINEAR"], values["ISPIN"], values["ISYM"]) == (True, True, 1, -1)
    assert values["GGA_COMPAT"] is False
    assert values["NBANDS"] == 4 * 9 + 8 * 14 + 20 * 7 + 32
    assert prepared.executable == "vasp_ncl"
    assert "MAGMOM  = 96*0 " in incar_text(prepared.tags, "title", "system")


def test_spin_orbit_moments_point_along_z(vacancy):
    tags = _prepared(vacancy, "tao-pbe-soc").tags
    vectors = tags["MAGMOM"].value
    assert len(vectors) == len(vacancy)
    assert all(x == y == 0 for x, y, _ in vectors)
    assert sum(z for _, _, z in vectors) == pytest.approx(1.5, abs=0.01)


def test_spin_orbit_text_means_the_same_as_the_set(slab):
    from pymatgen.io.vasp.inputs import Incar

    prepared = _prepared(slab, "tao-pbe-soc")
    parsed = Incar.from_str(incar_text(prepared.tags, "title", "system"))
    parsed.pop("SYSTEM")
    assert parsed == prepared.inputs.incar


def test_hybrid_starts_from_pbe_orbitals_without_dipole_correction(slab):
    prepared = _prepared(slab, "hse06")
    values = {key: tag.value for key, tag in prepared.tags.items()}
    assert (values["LHFCALC"], values["AEXX"], values["HFSCREEN"], values["ALGO"]) == (True, 0.25, 0.2, "All")
    assert values["ISTART"] == 1
    assert "exact exchange" in prepared.tags["ISTART"].why
    before = {key: tag.value for key, tag in preconvergence_tags(prepared.tags).items()}
    assert (before["LHFCALC"], before["LDIPOL"], before["ALGO"]) == (False, False, "Normal")
    assert not {"AEXX", "HFSCREEN", "PRECFOCK"} & set(before)
    assert before["ENCUT"] == values["ENCUT"]
    assert prepared.kpoints.kpts == [(2, 2, 1)]


def test_hybrid_crystal_keeps_its_symmetry_and_starts_from_pbe_too():
    prepared = _prepared(build_bulk("CsPbBr3"), "hse06", role="bulk")
    assert prepared.tags["ISYM"].value == 3
    assert preconverges(prepared.tags)


def test_hybrid_with_dispersion_needs_its_parameters(slab):
    level = load_level("hse06").resolved("vasp")
    level = level | {"settings": level["settings"] | {"dispersion": "D3(BJ)"}}
    job = Job("job", "slab", "static", Given.of(slab), level)
    with pytest.raises(LevelError, match=r"no D3\(BJ\) parameters for HSE06; give VDW_S8"):
        Prepared.of(job, None).tags  # noqa: B018
    given = {"VDW_S8": 1.0, "VDW_A1": 0.4, "VDW_A2": 5.0}
    level = level | {"raw": {"incar": given}}
    values = {key: tag.value for key, tag in Prepared.of(Job("job", "slab", "static", Given.of(slab), level), None).tags.items()}  # fmt: skip  # noqa: E501
    assert {key: values[key] for key in given} == given
    assert values["IVDW"] == 12


# references ---------------------------------------------------------------------------------------------------------


def test_dispersion_level_differs_from_tao_pbe_in_ivdw_only(slab):
    plain, with_dispersion = _values(slab), _values(slab, "tao-pbe-d3")
    assert with_dispersion.pop("IVDW") == 12
    assert with_dispersion == plain


@pytest.mark.parametrize("symbols", [["Br", "Br"], ["H", "Br"]])
def test_gas_references_at_gamma_with_the_settings_of_the_slabs(symbols, slab):
    molecule = _values(Atoms(symbols, positions=[[0, 0, 0], [0, 0, 1.8]]), role="molecule", task="relax")
    crystal = _values(slab)
    assert ("IDIPOL" in molecule) == (symbols[0] == "H")
    assert molecule["ISPIN"] == 1
    for key in ("ENCUT", "PREC", "LASPH", "LREAL", "ISMEAR", "SIGMA", "EDIFF", "GGA"):
        assert molecule[key] == crystal[key]


def test_salts_of_the_chemical_potentials_are_crystals():
    salt = _prepared(ase_bulk("CsBr", "cesiumchloride", a=4.29), role="bulk", task="relax")
    assert (salt.tags["ISIF"].value, salt.tags["ISMEAR"].value) == (3, 0)
    assert min(salt.kpoints.kpts[0]) >= 8


def test_metals_of_the_chemical_potentials_are_smeared_as_metals():
    lead = _prepared(ase_bulk("Pb", "fcc", a=5.0), role="bulk", task="relax")
    assert (lead.tags["ISMEAR"].value, lead.tags["SIGMA"].value) == (1, 0.2)
    assert min(lead.kpoints.kpts[0]) >= 12


# alone, from pymatgen -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "tag", "value"),
    [
        (ChargeDensitySet, "LCHARG", True),
        (BaderSet, "LAECHG", True),
        (WorkFunctionSet, "LVHAR", True),
        (SlabSpinOrbitSet, "LSORBIT", True),
        (SlabHybridSet, "LHFCALC", True),
        (VacancyRelaxSet, "ISYM", 0),
    ],
)
def test_slab_sets_alone(cls, tag, value, slab):
    inputs = cls(to_structure(slab), supercell="2x2")
    assert inputs.incar[tag] == value
    assert cls.from_dict(inputs.as_dict()).incar == inputs.incar


@pytest.mark.parametrize(
    ("cls", "tag", "value"),
    [(BulkSpinOrbitSet, "LSORBIT", True), (BulkHybridSet, "AEXX", 0.25), (BulkVacancyRelaxSet, "ISIF", 2)],
)
def test_bulk_sets_alone(cls, tag, value):
    inputs = cls(to_structure(build_bulk("CsPbBr3")))
    assert inputs.incar[tag] == value
    assert cls.from_dict(inputs.as_dict()).incar == inputs.incar


# what every term in one cell shares --------------------------------------------------------------------------------


def test_static_slab_complex_and_parts_share_grid_and_density(jobs):
    """Their densities can be subtracted without computing anything again."""
    clean = Job("slab-static", "slab", "static", jobs.slab.start, jobs.slab.level)
    terms = [Prepared.of(job, None).tags for job in (jobs.static, clean, jobs.slab_at_ads, jobs.ligand_at_ads)]
    assert all(tags["LCHARG"].value for tags in terms)
    for axis in ("NGX", "NGY", "NGXF", "NGYF"):
        assert len({tags[axis].value for tags in terms}) == 1
    assert "NGX" not in _prepared(jobs.slab.built_atoms, task="relax").tags
    assert "NGX" not in Prepared.of(jobs.bulk, None).tags


def test_grid_of_the_level_wins(slab):
    level = load_level("tao-pbe").resolved("vasp")
    level["raw"]["incar"]["NGXF"] = 480
    tags = Prepared.of(Job("slab", "slab", "static", Given.of(slab), level), None).tags
    assert tags["NGXF"].value == 480
    assert tags["NGYF"].value == 2 * tags["NGY"].value


def test_exact_exchange_is_on_the_finer_grid_where_forces_count(slab):
    assert _values(slab, level="hse06")["PRECFOCK"] == "Fast"
    assert _values(slab, level="hse06", task="relax")["PRECFOCK"] == "Normal"


def test_electron_of_a_slab_without_its_ligand_starts_at_the_empty_place(slab):
    """The slab that a radical binds to, and the slab of such a complex, lack a halide."""
    top = int(max((i for i in range(len(slab)) if slab.symbols[i] == "Br"), key=lambda i: slab.positions[i, 2]))
    vacant = slab[[i for i in range(len(slab)) if i != top]]
    vacant.arrays["fragment"] = 0 * vacant.numbers
    removed = {"symbol": "Br", "charge": -1, "layer": 3, "position": slab.positions[top].tolist()}
    vacant.info["qddft"] = slab.info["qddft"] | {"removed": [removed | {"why": "X-site of fragment 1"}]}
    prepared = _prepared(vacant)
    moments = prepared.tags["MAGMOM"].value
    assert {prepared.sorted_atoms[i].symbol for i, moment in enumerate(moments) if moment} == {"Pb"}
    # where the ligand is, its place is not empty
    vacant.arrays["fragment"] = 0 * vacant.numbers
    vacant.arrays["fragment"][0] = 1
    filled = _prepared(vacant).tags["MAGMOM"].value
    assert sum(1 for moment in filled if moment) != sum(1 for moment in moments if moment)
