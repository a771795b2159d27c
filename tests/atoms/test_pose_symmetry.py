import numpy as np
import pytest

import qddft
from qddft.atoms.pose_selection import Kind, azimuth_of, choose, tilt_of, twins
from qddft.atoms.pose_symmetry import Album, face_symmetry, no_symmetry, pose_distance, shape_of

ACID = qddft.get_ligand("acetic acid")


def slab(supercell=(2, 2), **options):
    return qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=supercell, vacuum=12.0, **options)


def shape(positions):
    return shape_of(ACID.atoms.numbers, np.asarray(positions))


def moved(positions, x, y, z):
    return positions + np.array([x, y, z])


def standing(clean):
    """Return an acid somewhere over a face, without any symmetry of its own."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    return ACID.atoms.positions @ turn.T + clean.cell.array[:2].sum(axis=0) * [0.31, 0.42, 0] + [0, 0, 12.0]


@pytest.mark.parametrize("supercell", [(1, 1), (2, 2), (3, 2), "sqrt2", "2sqrt2"])
def test_the_square_face_has_eight_operations_in_every_cell(supercell):
    symmetry = face_symmetry(slab(supercell))
    assert len(symmetry.rotations) == 8
    assert abs(np.linalg.det(symmetry.primitive[:, :2])) == pytest.approx(36.0, abs=0.3)
    assert np.allclose([r @ r.T for r in symmetry.rotations], np.eye(3), atol=1e-6)


def test_held_layers_leave_the_face_its_symmetry():
    assert len(face_symmetry(slab(fixed_layers=1)).rotations) == 8


def test_operations_bring_the_slab_onto_itself():
    clean = slab()
    symmetry = face_symmetry(clean)
    inverse = np.linalg.inv(clean.cell.array)
    for rotation, shift in zip(symmetry.rotations, symmetry.shifts, strict=True):
        moved = clean.positions @ rotation.T + shift
        apart = (moved[:, None] - clean.positions[None]) @ inverse
        apart = np.linalg.norm((apart - np.round(apart)) @ clean.cell.array, axis=2)
        assert apart.min(axis=1).max() < 1e-3
        assert (clean.numbers[apart.argmin(axis=1)] == clean.numbers).all()


def test_images_by_symmetry_translation_and_exchange_are_the_same_pose():
    clean = slab()
    symmetry = face_symmetry(clean)
    pose = standing(clean)
    a = symmetry.primitive[0]
    hydrogens = np.flatnonzero(ACID.atoms.numbers == 1)[:3]
    swapped = pose.copy()
    swapped[hydrogens] = pose[np.roll(hydrogens, 1)]
    for rotation, shift in zip(symmetry.rotations, symmetry.shifts, strict=True):
        assert pose_distance(shape(pose), shape(swapped @ rotation.T + shift + a), symmetry) < 1e-3


def test_a_shift_that_is_no_symmetry_is_another_pose():
    clean = slab()
    symmetry = face_symmetry(clean)
    pose = standing(clean)
    for shift in ([0.3, 0, 0], [0, 0, 0.3], [0.2, 0.2, 0.1]):
        distance = pose_distance(shape(pose), shape(pose + shift), symmetry)
        assert distance == pytest.approx(np.linalg.norm(shift), abs=0.01)
    # without the symmetry of the clean face a turned pose is far away
    turned = pose @ symmetry.rotations[1].T + symmetry.shifts[1]
    assert pose_distance(shape(pose), shape(turned), no_symmetry(clean)) > 0.5


def test_the_distance_is_symmetric_and_grows_with_a_turn():
    clean = slab()
    symmetry = face_symmetry(clean)
    pose = standing(clean)
    middle = pose.mean(axis=0)
    distances = []
    for angle in (0.05, 0.1, 0.2):
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        other = (pose - middle) @ turn.T + middle
        distances.append(pose_distance(shape(pose), shape(other), symmetry))
        assert distances[-1] == pytest.approx(pose_distance(shape(other), shape(pose), symmetry), abs=2e-4)
    assert distances == sorted(distances)
    assert distances[0] > 0.01


def test_two_molecules_are_compared_across_the_cell():
    clean = slab()
    symmetry = face_symmetry(clean)
    numbers = np.tile(ACID.atoms.numbers, 2)
    one = standing(clean)
    both = np.vstack([one, one + clean.cell.array[0] / 2])
    # the second one a cell away: the same arrangement in the periodic crystal
    across = np.vstack([one, one - clean.cell.array[0] / 2])
    first, second = shape_of(numbers, both), shape_of(numbers, across)
    assert pose_distance(first, second, symmetry, whole=False) < 1e-3
    apart = shape_of(numbers, np.vstack([one, moved(one + clean.cell.array[0] / 2, 0, 1.0, 0)]))
    assert pose_distance(first, apart, symmetry, whole=False) > 0.3


def test_far_poses_are_infinitely_far():
    clean = slab()
    pose = standing(clean)
    assert pose_distance(shape(pose), shape(moved(pose, 0, 0, 60.0)), face_symmetry(clean)) == np.inf


def test_an_album_names_the_double():
    clean = slab()
    symmetry = face_symmetry(clean)
    album = Album(symmetry)
    pose = standing(clean)
    assert album.closer(shape(pose), 0.5) is None
    album.add(shape(moved(pose, 0, 0, 3.0)))
    album.add(shape(pose))
    assert album.closer(shape(moved(pose, 0.1, 0, 0)), 0.5) == 1
    assert album.closer(shape(moved(pose, 0.1, 0, 0)), 0.05) is None


def test_twins_point_at_the_first_of_them():
    clean = slab()
    symmetry = face_symmetry(clean)
    pose = standing(clean)
    shapes = [shape(p) for p in (pose, moved(pose, 0, 0, 2.0), pose + symmetry.primitive[1], moved(pose, 0, 0.1, 2.0))]
    assert twins(shapes, symmetry, 0.5, whole=True) == [None, None, 0, 1]


def test_poses_are_chosen_in_turn_and_differ():
    clean = slab()
    symmetry = face_symmetry(clean)
    pose = standing(clean)
    lots = [[moved(pose, 0, 0, 0.1 * k) for k in range(30)], [moved(pose, 0, 0, 20 + 0.1 * k) for k in range(30)]]
    asked = []

    def laid(number):
        asked.append(number)
        return lots[number]

    kinds = [Kind(lambda n=n: laid(n), shape, lambda _: True) for n in (0, 1)]
    chosen = choose(kinds, symmetry, 1)
    assert asked == [0], "a kind that is not needed is not laid out"
    chosen = choose(kinds, symmetry, 8)
    heights = [round(p[0, 2] - pose[0, 2], 1) for p in chosen]
    assert heights == [0.0, 20.0, 1.0, 21.0, 2.0, 22.0, 0.5, 20.5]
    everything = choose(kinds, symmetry, 100)
    heights = np.array([p[0, 2] - pose[0, 2] for p in everything])
    apart = np.abs(heights[:, None] - heights[None]) + np.eye(len(heights))
    assert apart.min() >= 0.25 - 1e-6, "nothing closer than 0.25 Å is taken"
    left = np.array([p[0, 2] - pose[0, 2] for lot in lots for p in lot])
    assert np.abs(left[:, None] - heights[None]).min(axis=1).max() < 0.25 + 1e-6, "and nothing farther is left"
    assert not choose([Kind(lambda: lots[0], shape, lambda _: False)], symmetry, 5)


def test_angles_of_a_molecule():
    head = np.zeros(3)
    assert tilt_of(np.array([[0, 0, 0], [0, 0, 2.0]]), head) == pytest.approx(0.0)
    assert tilt_of(np.array([[0, 0, 0], [2.0, 0, 2.0]]), head) == pytest.approx(45.0)
    assert tilt_of(np.array([[0, 0, 0], [0, 0, -2.0]]), head) == pytest.approx(180.0)
    assert tilt_of(np.zeros((1, 3)), head) == 0.0
    assert azimuth_of(np.array([[0, 0, 0], [0, -2.0, 1.0]]), head) == pytest.approx(270.0)
    assert azimuth_of(np.zeros((1, 3)), head) == 0.0
