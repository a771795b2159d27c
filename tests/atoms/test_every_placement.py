"""Every ligand of the library in every mode that makes sense, on both terminations of the three halides."""

import numpy as np
import pytest

from qddft.atoms.anchors import role_of
from qddft.atoms.binding import attach
from qddft.atoms.charge import charge_ledger
from qddft.atoms.contacts import ligand_contacts
from qddft.atoms.slab import build_slab
from qddft.core.errors import PlacementError
from qddft.library.ligands import get_ligand, list_ligands

MODES = ("atop", "bidentate", "bridging", "X-site", "A-site", "ion-pair")
NAMES = [record.name for record in list_ligands()]


def sensible(ligand, mode, termination):
    """Tell which modes a chemist would ask for."""
    roles = {role_of(kind) for kind in ligand.anchor_kinds}
    if mode in ("bidentate", "bridging"):
        return any(len(group) == 2 for group in ligand.anchors)
    return {
        "atop": True,
        "X-site": ligand.charge < 0,
        "A-site": ligand.charge > 0 and "cation" in roles and termination == "CsX",
        "ion-pair": len(ligand.components) == 2,
    }[mode]


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["CsPbCl3", "CsPbBr3", "CsPbI3"])
@pytest.mark.parametrize("name", NAMES)
def test_every_mode_on_every_face(name, formula):
    ligand = get_ligand(name)
    for termination in ("PbX2", "CsX"):
        slab = build_slab(formula, termination=termination, layers=3, supercell="4x4")
        for mode in MODES:
            for faces in ("top", "both"):
                if not sensible(ligand, mode, termination):
                    with pytest.raises(PlacementError):
                        attach(slab, ligand, mode=mode, faces=faces)
                    continue
                check(slab, attach(slab, ligand, mode=mode, faces=faces), ligand, (termination, mode, faces))


def check(slab, complex_, ligand, what):
    """Distances as recorded, no contact, whole molecules, charges added up."""
    listed = complex_.info["qddft"]["fragments"][1:]
    fragment = complex_.arrays["fragment"]
    own = np.flatnonzero(fragment == 0).tolist()
    bound = []
    for number, entry in enumerate(listed, start=1):
        members = np.flatnonzero(fragment == number)
        for anchor, atoms, row in zip(entry["anchors"], entry["sites"], entry["distances"], strict=True):
            measured = [complex_.get_distance(anchor, atom, mic=True) for atom in atoms]
            assert measured == pytest.approx(row, abs=1e-4), what
        # whatever can bind may be near the surface
        bound += [(int(members[i]), atom) for group in ligand.anchors for i in group for atom in own]
        # what is bonded to an anchor is as near its surface atom as the bond brings it (C...Pb of a chelate)
        anchors = [
            (int(anchor - members[0]), atoms) for anchor, atoms in zip(entry["anchors"], entry["sites"], strict=True)
        ]
        bound += [
            (int(members[b if a == anchor else a]), atom)
            for anchor, atoms in anchors
            for a, b in sorted(ligand.graph)
            if anchor in (a, b)
            for atom in atoms
        ]
        lengths = [np.linalg.norm(np.subtract(*complex_.positions[members[[i, j]]])) for i, j in sorted(ligand.graph)]
        assert all(0.6 < length < 2.4 for length in lengths), what
    assert ligand_contacts(complex_, ignored=bound) == (), what
    removed = sum(item["charge"] for item in complex_.info["qddft"]["removed"])
    assert charge_ledger(complex_).total == len(listed) * ligand.charge - removed, what
