import warnings

import numpy as np
import pytest
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st

import qddft
from qddft.atoms.bulk import build_bulk
from qddft.atoms.electrons import n_valence_electrons
from qddft.atoms.slab import build_slab, with_vacuum
from qddft.core.errors import StructureError
from qddft.core.structure_json import structure_from_dict, structure_to_dict

CHARGES = {"Cs": 1, "Pb": 2, "Cl": -1, "Br": -1, "I": -1}
HALIDES = {"CsPbCl3": "Cl", "CsPbBr3": "Br", "CsPbI3": "I"}


# FACTS 6.2, slab bookkeeping
@pytest.mark.parametrize(
    ("termination", "layers", "supercell", "formula", "electrons"),
    [
        ("PbX2", 7, "sqrt2", "Br22Cs6Pb8", 320),
        ("PbX2", 7, (2, 2), "Br44Cs12Pb16", 640),
        ("PbX2", 9, "sqrt2", "Br28Cs8Pb10", 408),
        ("PbX2", 9, (2, 2), "Br56Cs16Pb20", 816),
        ("CsX", 7, "sqrt2", "Br20Cs8Pb6", 296),
        ("CsX", 7, (2, 2), "Br40Cs16Pb12", 592),
        ("CsX", 9, "sqrt2", "Br26Cs10Pb8", 384),
        ("CsX", 9, (2, 2), "Br52Cs20Pb16", 768),
    ],
)
def test_stoichiometry_and_valence_electrons(termination, layers, supercell, formula, electrons):
    slab = build_slab("CsPbBr3", termination=termination, layers=layers, supercell=supercell)
    assert slab.get_chemical_formula() == formula
    assert n_valence_electrons(slab) == electrons


def pymatgen_slabs(formula, layers):
    from pymatgen.core.surface import SlabGenerator
    from pymatgen.io.ase import AseAtomsAdaptor

    bulk = AseAtomsAdaptor.get_structure(build_bulk(formula))
    a = bulk.lattice.a
    # symmetrize strips layers off an asymmetric slab, so a thicker one is asked for
    height = (layers + 1) / 2 * a - 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = SlabGenerator(bulk, (0, 0, 1), height, 15.0, primitive=False, center_slab=False).get_slabs(
            symmetrize=True
        )
    return list(made)


@pytest.mark.parametrize("formula", HALIDES)
@pytest.mark.parametrize("layers", [3, 4, 5, 6, 7, 8, 9])
def test_same_slabs_as_pymatgen(formula, layers):
    """SlabGenerator(symmetrize=True) gives unnamed slabs; the one of our stoichiometry is the same structure."""
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.io.ase import AseAtomsAdaptor

    terminations = ("PbX2", "CsX") if layers % 2 else (("PbX2", "CsX"),)
    theirs = pymatgen_slabs(formula, layers) + asymmetric_pymatgen_slabs(formula, layers)
    matcher = StructureMatcher(primitive_cell=False, scale=False, ltol=1e-3, stol=1e-3, angle_tol=0.1)
    for termination in terminations:
        ours = build_slab(formula, termination=termination, layers=layers)
        same_size = [slab for slab in theirs if len(slab) == len(ours) and formula_of(slab) == formula_of_atoms(ours)]
        assert same_size, f"pymatgen made no slab of {ours.symbols}"
        thick = with_vacuum(AseAtomsAdaptor.get_atoms(same_size[0]), 15.0)
        assert matcher.fit(AseAtomsAdaptor.get_structure(ours), AseAtomsAdaptor.get_structure(thick))


def asymmetric_pymatgen_slabs(formula, layers):
    from pymatgen.core.surface import SlabGenerator
    from pymatgen.io.ase import AseAtomsAdaptor

    bulk = AseAtomsAdaptor.get_structure(build_bulk(formula))
    made = SlabGenerator(bulk, (0, 0, 1), layers / 2 * bulk.lattice.a - 0.1, 15.0, primitive=False).get_slabs()
    return list(made)


def formula_of(slab):
    return slab.composition.formula


def formula_of_atoms(atoms):
    from pymatgen.io.ase import AseAtomsAdaptor

    return AseAtomsAdaptor.get_structure(atoms).composition.formula


@settings(max_examples=40, deadline=None)
@given(
    formula=st.sampled_from(sorted(HALIDES)),
    top=st.sampled_from(["PbX2", "CsX"]),
    bottom=st.sampled_from(["PbX2", "CsX"]),
    pairs=st.integers(1, 5),
    supercell=st.one_of(st.tuples(st.integers(1, 3), st.integers(1, 3)), st.sampled_from(["sqrt2", "2sqrt2"])),
    vacuum=st.floats(4.0, 40.0),
)
def test_every_slab_is_neutral_whole_and_as_high_as_asked(formula, top, bottom, pairs, supercell, vacuum):
    layers = 2 * pairs + (1 if top == bottom else 0)
    slab = build_slab(formula, termination=(top, bottom), layers=layers, supercell=supercell, vacuum=vacuum)
    symbols = slab.get_chemical_symbols()
    assert sum(CHARGES[symbol] for symbol in symbols) == 0
    a = slab.info["qddft"]["bulk"]["a"]
    heights = slab.positions[:, 2]
    assert np.ptp(heights) == pytest.approx((layers - 1) * a / 2)
    assert slab.cell[2] == pytest.approx([0, 0, (layers - 1) * a / 2 + vacuum])
    assert heights.min() == pytest.approx(1.0)
    # layer numbers follow the heights, each a/2 apart
    assert slab.arrays["layer"] == pytest.approx((heights - 1.0) / (a / 2) + 1)
    assert set(slab.arrays["fragment"]) == {0}
    faces = {
        number: {s for s, n in zip(symbols, slab.arrays["layer"], strict=True) if n == number} for number in (1, layers)
    }
    assert faces == {n: {"Pb" if t == "PbX2" else "Cs", HALIDES[formula]} for n, t in ((1, bottom), (layers, top))}
    # nearest neighbors are Pb-X at a/2: the slab is whole across its lateral boundary
    distances = slab.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() == pytest.approx(a / 2)
    # nothing wraps: scaled positions lie in the cell
    scaled = slab.get_scaled_positions(wrap=False)
    assert scaled.min() >= -1e-9
    assert scaled.max() < 1.0
    again = structure_from_dict(structure_to_dict(slab))
    assert again.info == slab.info
    assert again.positions == pytest.approx(slab.positions)
    assert (again.arrays["layer"] == slab.arrays["layer"]).all()


@pytest.mark.parametrize("termination", ["PbX2", "CsX"])
def test_equal_faces_are_mirror_images(termination):
    slab = build_slab("CsPbI3", termination=termination, layers=7, supercell="sqrt2")
    middle = (slab.positions[:, 2].max() + slab.positions[:, 2].min()) / 2
    mirrored = slab.positions * [1, 1, -1] + [0, 0, 2 * middle]
    distances = np.linalg.norm(mirrored[:, None] - slab.positions[None], axis=2)
    assert distances.min(axis=1).max() < 1e-8
    assert (slab.numbers[distances.argmin(axis=1)] == slab.numbers).all()


def test_fixed_layers_are_the_lowest():
    slab = build_slab("CsPbBr3", layers=7, supercell=(2, 2), fixed_layers=3)
    (constraint,) = slab.constraints
    assert isinstance(constraint, FixAtoms)
    assert set(slab.arrays["layer"][constraint.index]) == {1, 2, 3}
    assert len(constraint.index) == int((slab.arrays["layer"] <= 3).sum())
    assert slab.info["qddft"]["fixed_layers"] == 3
    held = build_slab("CsPbBr3", layers=5, fixed_layers="all")
    assert len(held.constraints[0].index) == len(held)
    assert not build_slab("CsPbBr3", layers=5).constraints


def test_names_with_the_halide_are_understood():
    slab = build_slab("CsPbBr3", termination=("PbBr2", "csbr"), layers=4)
    assert slab.info["qddft"]["termination"] == {"top": "PbX2", "bottom": "CsX"}


def test_the_same_slab_from_given_atoms():
    ours = build_slab("CsPbBr3", layers=5, supercell=(2, 1))
    crystal = build_bulk("CsPbBr3")
    before = crystal.copy()
    given_atoms = build_slab(crystal, layers=5, supercell=(2, 1))
    assert given_atoms == ours
    assert given_atoms.info == ours.info
    assert crystal == before
    doubled = build_slab(crystal * (2, 2, 2), layers=5, supercell=(2, 2))
    assert doubled.positions == pytest.approx(build_slab("CsPbBr3", layers=5, supercell=(2, 2)).positions)


def test_a_turned_crystal_gives_the_same_slab():
    crystal = build_bulk("CsPbBr3")
    crystal.rotate(37, (1, 2, 3), rotate_cell=True)
    turned = build_slab(crystal, layers=5, supercell="sqrt2")
    ours = build_slab("CsPbBr3", layers=5, supercell="sqrt2")
    assert turned.cell.array == pytest.approx(ours.cell.array)
    assert np.sort(turned.positions[:, 2]) == pytest.approx(np.sort(ours.positions[:, 2]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": -3}, "layers -3: .* at least 3"),
        ({"layers": 0}, "at least 3"),
        ({"layers": 1}, "at least 3"),
        ({"layers": 2.5}, "whole number of atomic layers"),
        ({"layers": True}, "whole number of atomic layers"),
        ({"layers": 8}, "odd number of layers.*Take 7 or 9, or two different faces"),
        ({"layers": 4, "termination": "CsX"}, "both faces CsX has an odd.*Take 3 or 5"),
        ({"layers": 5, "termination": ("PbX2", "CsX")}, "PbX2 above and CsX below has an even.*Take 4 or 6"),
        ({"termination": "PbX3"}, "unknown termination 'PbX3'. Did you mean 'PbX2'"),
        ({"termination": "PbBr3"}, "Did you mean 'PbBr2'"),
        ({"termination": "PbI2"}, "termination 'PbI2': .* its halide is Br"),
        ({"termination": ("PbX2", "CsX", "CsX")}, "a pair \\(top, bottom\\)"),
        ({"supercell": (0, 2)}, "supercell"),
        ({"supercell": (2, -1)}, "positive whole numbers"),
        ({"supercell": (2, 2, 2)}, "supercell"),
        ({"supercell": "sqrt3"}, "supercell 'sqrt3'"),
        ({"supercell": "2xsqrt2"}, "supercell"),
        ({"supercell": 1.5}, "supercell 1.5"),
        ({"vacuum": 0}, "vacuum 0: give a positive thickness"),
        ({"vacuum": -15.0}, "positive thickness"),
        ({"vacuum": float("inf")}, "positive thickness"),
        ({"fixed_layers": 10}, "fixed_layers 10: give a whole number from 0 to 9, or 'all'"),
        ({"fixed_layers": -1}, "from 0 to 9"),
        ({"fixed_layers": "most"}, "or 'all'"),
    ],
)
def test_wrong_options_say_what_to_do(options, message):
    with pytest.raises(StructureError, match=message):
        build_slab("CsPbBr3", **options)


SPELLINGS = {
    "2x3": "2x3",
    "2 X 3": "2x3",
    "2x2x1": "2x2",
    2: "2x2",
    (1, 2): "1x2",
    "SQRT2xSQRT2": "sqrt2",
    "√2": "sqrt2",
    "sqrt(2)": "sqrt2",
    "2sqrt2": "2sqrt2",
    "2√2×2√2": "2sqrt2",
}


@pytest.mark.parametrize(("given_text", "label"), SPELLINGS.items())
def test_spellings_of_a_supercell(given_text, label):
    assert build_slab("CsPbBr3", layers=3, supercell=given_text).info["qddft"]["supercell"] == label


def test_crystals_that_have_no_pseudocubic_faces_are_refused():
    from ase.build import bulk

    with pytest.raises(StructureError, match="no Pb, Sn or Ge"):
        build_slab(bulk("NaCl", "rocksalt", a=5.6))
    with pytest.raises(StructureError, match="do not form a simple-cubic lattice"):
        build_slab(bulk("PbS", "rocksalt", a=5.9))
    broken = build_bulk("CsPbBr3") * (2, 2, 1)
    del broken[next(atom.index for atom in broken if atom.symbol == "Br")]
    with pytest.raises(StructureError, match="no complete ABX3 perovskite"):
        build_slab(broken, supercell=(2, 2))


def test_vacuum_is_counted_above_the_ligand_tip():
    from ase import Atoms

    slab = build_slab("CsPbBr3", layers=5, fixed_layers=2)
    top = slab.positions[:, 2].max()
    with_ligand = slab + Atoms("CO", positions=[[0, 0, top + 2.5], [0, 0, top + 3.7]])
    raised = with_vacuum(with_ligand, 20.0)
    assert raised.cell[2, 2] == pytest.approx(12.0 + 3.7 + 20.0)
    assert raised.positions == pytest.approx(with_ligand.positions)
    assert raised.constraints[0].index == pytest.approx(slab.constraints[0].index)
    below = slab + Atoms("C", positions=[[0, 0, -3.0]])
    assert with_vacuum(below, 10.0).positions[:, 2].min() == pytest.approx(1.0)
    assert raised.info["qddft"]["vacuum"] == 20.0
    assert slab.info["qddft"]["vacuum"] == 15.0


def test_with_vacuum_refuses_what_it_cannot_do():
    from ase import Atoms

    with pytest.raises(StructureError, match="there are no atoms"):
        with_vacuum(Atoms(), 10.0)
    tilted = build_bulk("CsPbBr3")
    tilted.set_cell([[6, 0, 0], [0, 6, 0], [1, 0, 6]])
    with pytest.raises(StructureError, match="third along z"):
        with_vacuum(tilted, 10.0)


@pytest.mark.parametrize(
    ("cell", "area"), [("sqrt5", 5), ("sqrt10", 10), ("2sqrt5", 20), ("√13×√13", 13), ("sqrt17", 17)]
)
def test_turned_cells_hold_so_many_units_and_the_same_crystal(cell, area):
    unit = qddft.build_slab("CsPbBr3", layers=3)
    turned = qddft.build_slab("CsPbBr3", layers=3, supercell=cell)
    assert len(turned) == area * len(unit)
    a, b, _ = turned.cell.lengths()
    assert (a, b) == (pytest.approx(6.0 * area**0.5), pytest.approx(6.0 * area**0.5))
    assert turned.cell.angles() == pytest.approx([90, 90, 90])
    sites, others = ([(s.kind, s.multiplicity) for s in qddft.find_sites(slab)] for slab in (unit, turned))
    assert sites == others
    found = qddft.find_vacancies(turned, "Br")
    assert [item.multiplicity for item in found] == [
        area * item.multiplicity for item in qddft.find_vacancies(unit, "Br")
    ]


def test_turned_cells_that_do_not_exist_or_do_not_hold_the_tilts():
    with pytest.raises(StructureError, match="turned cells are 'sqrt2', 'sqrt5'"):
        qddft.build_slab("CsPbBr3", layers=3, supercell="sqrt7")
    with pytest.raises(StructureError, match="does not repeat"):
        qddft.build_slab("CsPbBr3", layers=3, supercell="sqrt5", phase="orthorhombic", lattice="experiment")
