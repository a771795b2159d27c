"""Flags of relaxed structures in tables: one mark a kind, never silent."""

from qddft.report.checks_table import checks_table, structural_marks

GOOD = {
    "molecule_intact": True,
    "bound": True,
    "desorbed": [],
    "left_site": [],
    "contacts": [{"fragment": 1, "atoms": "O9-Pb3", "kind": "coordination", "distance_A": 2.543}],
    "proton_transferred": False,
    "proton_transfers": [],
    "surface_intact": True,
    "coordination_changes": [],
    "pb_x_range_A": [2.9, 3.1],
    "farthest_moved_A": 0.1,
}


def record(**changes):
    return {"details": {"checks": {"slab·L": GOOD | changes}}}


def test_marks():
    assert structural_marks(record()) == []
    assert structural_marks(record(bound=False, desorbed=[1])) == ["desorbed"]
    assert structural_marks(record(proton_transferred=True, molecule_intact=False)) == ["proton transferred"]
    assert structural_marks(record(molecule_intact=False)) == ["molecule broken"]
    assert structural_marks(record(left_site=[1], surface_intact=False)) == ["left its site", "surface changed"]
    assert structural_marks(record(too_close=["O9-Cs3"])) == ["contact too short"]
    assert structural_marks({"details": {}}) == []


def test_table():
    table = checks_table([record(desorbed=[1], bound=False, contacts=[])])
    assert table.rows[0][1:] == ("intact", "stayed", "DESORBED", "–", "perovskite", "2.90 to 3.10")
    assert "bound, TOO CLOSE" in checks_table([record(too_close=["O9-Cs3"])]).rows[0]
    # of a slab that was held there is one length
    assert checks_table([record(pb_x_range_A=[3.195, 3.195])]).rows[0][-1] in ("3.19", "3.20")
    assert "O9-Pb3 2.54" in checks_table([record()]).rows[0]
    assert checks_table([{"details": {}}]) is None
