"""Geometry of rigid poses: anchors where they belong, bond lengths kept, refusals."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qddft.atoms.poses import COARSE, bridge_ends, chelate_ends, poses_on_axis, poses_on_point
from qddft.core.errors import PlacementError

LENGTHS = st.floats(2.0, 4.0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(first=LENGTHS, second=LENGTHS, span=st.floats(1.5, 4.0), azimuth=st.floats(0, 6.3))
def test_a_chelate_keeps_both_distances(first, second, span, azimuth):
    assume(abs(first - second) < span - 0.2 < first + second - 0.4)
    point = np.array([1.0, 2.0, 3.0])
    assume(first**2 > ((second**2 - first**2) / (2 * span) - span / 2) ** 2)
    ends = chelate_ends(point, (first, second), span, azimuth)
    assert np.linalg.norm(ends - point, axis=1) == pytest.approx([first, second])
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(span)
    assert ends[:, 2].min() >= 3.0 - 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(first=LENGTHS, second=LENGTHS, span=st.floats(1.5, 8.0), apart=st.floats(4.0, 8.0))
def test_a_bridge_keeps_both_distances(first, second, span, apart):
    points = np.array([[0.0, 0.0, 0.0], [apart, 0.0, 0.3]])
    try:
        ends = bridge_ends(points, (first, second), span)
    except PlacementError:
        return
    assert np.linalg.norm(ends - points, axis=1) == pytest.approx([first, second], abs=1e-6)
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(span, abs=1e-3)


def test_anchors_out_of_reach_are_refused():
    with pytest.raises(PlacementError, match=r"4\.00 Å apart and cannot both lie"):
        chelate_ends(np.zeros(3), (1.5, 1.5), 4.0, 0.0)
    with pytest.raises(PlacementError, match=r"do not reach both. Ask for a distance above 2\.00"):
        bridge_ends(np.array([[0.0, 0, 0], [6.0, 0, 0]]), (1.5, 1.5), 2.0)


@pytest.fixture
def molecule():
    return np.random.default_rng(3).normal(size=(7, 3)) * 2


def _distances(positions):
    return np.linalg.norm(positions[..., :, None, :] - positions[..., None, :, :], axis=-1)


def test_poses_on_a_point_are_rigid(molecule):
    point = np.array([1.0, 2.0, 3.0])
    poses = poses_on_point(molecule, molecule[0], point, molecule.mean(axis=0) - molecule[0], (0.3, 0.7), COARSE)
    np.testing.assert_allclose(poses.positions[:, 0], np.broadcast_to(point, (len(poses.positions), 3)), atol=1e-9)
    np.testing.assert_allclose(
        _distances(poses.positions), np.broadcast_to(_distances(molecule), (len(poses.tilts), 7, 7)), atol=1e-9
    )
    up = poses.positions.mean(axis=1) - point
    tilt = np.arccos(up[:, 2] / np.linalg.norm(up, axis=1))
    np.testing.assert_allclose(tilt, poses.tilts, atol=1e-6)
    assert np.degrees(poses.tilts.max()) == pytest.approx(75.0)


def test_poses_keep_their_handedness(molecule):
    def volume(positions):
        return np.linalg.det(positions[1:4] - positions[0])

    poses = poses_on_point(molecule, molecule[0], np.zeros(3), np.array([0.0, 1.0, 0.0]), (0.0, 0.0), COARSE)
    assert {round(float(volume(p)), 6) for p in poses.positions} == {round(float(volume(molecule)), 6)}


def test_a_molecule_without_direction_is_turned_all_ways(molecule):
    poses = poses_on_point(molecule, molecule.mean(axis=0), np.zeros(3), np.zeros(3), (0.0, 0.0), COARSE)
    assert (poses.tilts == 0).all()
    assert poses.positions[:, 0, 2].min() < 0 < poses.positions[:, 0, 2].max()
    single = poses_on_point(molecule[:1], molecule[0], np.ones(3), np.zeros(3), (0.0, 0.0), COARSE)
    np.testing.assert_allclose(single.positions, np.ones((1, 1, 3)))


def test_poses_on_an_axis_hold_both_ends(molecule):
    ends = np.array([[0.0, 0.0, 2.0], [np.linalg.norm(molecule[1] - molecule[0]), 0.0, 2.0]])
    about = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    poses = poses_on_axis(molecule, (0, 1), ends, molecule.mean(axis=0) - molecule[:2].mean(axis=0), about, COARSE)
    np.testing.assert_allclose(
        _distances(poses.positions), np.broadcast_to(_distances(molecule), (len(poses.tilts), 7, 7)), atol=1e-9
    )
    radii = np.linalg.norm(poses.positions[:, :2] * [0, 1, 1], axis=2)
    np.testing.assert_allclose(radii, 2.0, atol=1e-9)
    upright = poses.positions[poses.tilts == 0]
    assert (upright.mean(axis=1)[:, 2] > 2.0).all()
