import numpy as np
import pytest

from qddft.atoms.slab import build_slab
from qddft.atoms.starting_points import can_dimerize, dimerize, rattle, starting_points
from qddft.atoms.vacancy import find_vacancies
from qddft.core.errors import StructureError


@pytest.fixture(scope="module")
def slab():
    return build_slab("CsPbBr3", layers=5, supercell=(2, 2), fixed_layers=2)


def test_the_pair_is_drawn_together_and_nothing_else_moves(slab):
    vacancy = find_vacancies(slab, "Br")[0]
    before = vacancy.atoms.positions.copy()
    moved = dimerize(vacancy, 3.6)
    steps = np.linalg.norm(moved.positions - before, axis=1)
    pair = np.flatnonzero(steps > 1e-9)
    assert list(moved.symbols[pair]) == ["Pb", "Pb"]
    assert moved.get_distance(*pair, mic=True) == pytest.approx(3.6)
    assert steps[pair] == pytest.approx([1.2, 1.2])
    assert (vacancy.atoms.positions == before).all()
    assert moved.info == vacancy.atoms.info


def test_default_pair_distance_is_near_a_bond(slab):
    vacancy = find_vacancies(slab, "Br")[0]
    moved = dimerize(vacancy)
    pair = np.flatnonzero(np.linalg.norm(moved.positions - vacancy.atoms.positions, axis=1) > 1e-9)
    assert moved.get_distance(*pair, mic=True) == pytest.approx(1.2 * 2 * 1.46)


def test_a_held_neighbor_stays(slab):
    vacancy = next(q for q in find_vacancies(slab, "Br") if q.layer == 2)
    moved = dimerize(vacancy, 4.0)
    pair = np.flatnonzero(np.linalg.norm(moved.positions - vacancy.atoms.positions, axis=1) > 1e-9)
    assert len(pair) == 1
    assert moved.arrays["layer"][pair[0]] == 3
    frozen = next(q for q in find_vacancies(slab, "Br") if q.layer == 1)
    assert not can_dimerize(frozen)
    with pytest.raises(StructureError, match="both neighbors of the vacancy are held"):
        dimerize(frozen)


def test_sites_without_a_pair_are_refused(slab):
    apical = find_vacancies(build_slab("CsPbBr3", termination="CsX", layers=3, supercell=(2, 2)), "Br")[0]
    assert not can_dimerize(apical)
    with pytest.raises(StructureError, match="there is no pair to form"):
        dimerize(apical)
    with pytest.raises(StructureError, match="there is no pair to form"):
        dimerize(find_vacancies(slab, "Cs")[0])
    with pytest.raises(StructureError, match=r"dimer distance 9.0: the two B cations are 6.00 Angstrom apart"):
        dimerize(find_vacancies(slab, "Br")[0], 9.0)


def test_starting_points_are_reproducible_and_respect_held_atoms(slab):
    vacancy = find_vacancies(slab, "Br")[0]
    first, second = (starting_points(vacancy, n_rattled=3, seed=5) for _ in range(2))
    assert [p.name for p in first] == ["ideal", "dimer", "rattled-1", "rattled-2", "rattled-3"]
    held = vacancy.atoms.constraints[0].index
    for one, other in zip(first, second, strict=True):
        assert (one.atoms.positions == other.atoms.positions).all()
        assert (one.atoms.positions[held] == vacancy.atoms.positions[held]).all()
        assert one.atoms.info == vacancy.atoms.info
    assert not np.allclose(first[2].atoms.positions, first[3].atoms.positions)
    other_seed = starting_points(vacancy, n_rattled=1, seed=6)
    assert not np.allclose(other_seed[2].atoms.positions, first[2].atoms.positions)


def test_rattle_has_the_asked_width():
    slab = build_slab("CsPbBr3", layers=9, supercell=(3, 3))
    moved = rattle(slab, amplitude=0.1, seed=1)
    assert (moved.positions - slab.positions).std() == pytest.approx(0.1, rel=0.1)
    assert rattle(slab, amplitude=0.0).positions == pytest.approx(slab.positions)


@pytest.mark.parametrize("amplitude", [-0.1, 3.0, float("nan"), True])
def test_rattle_refuses_amplitudes_that_destroy_the_structure(slab, amplitude):
    with pytest.raises(StructureError, match="rattle amplitude"):
        rattle(slab, amplitude=amplitude)


def test_seeds_and_counts_are_checked(slab):
    with pytest.raises(StructureError, match=r"seed 1\.5"):
        rattle(slab, seed=1.5)
    with pytest.raises(StructureError, match="n_rattled -1"):
        starting_points(find_vacancies(slab, "Br")[0], n_rattled=-1)
