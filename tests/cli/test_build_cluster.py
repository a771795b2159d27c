"""``qddft build cluster``: the cluster, the same without its ligand, and one message for what cannot be."""

import numpy as np
import pytest
from ase.io import read

from qddft.cli.main import DONE, FIX_INPUT, main

CLUSTER = ["build", "cluster", "CsPbBr3"]


def test_a_clean_cluster_is_neutral(tmp_path, capsys):
    path = tmp_path / "clean.xyz"
    assert main([*CLUSTER, "--cells", "2x2", "--keep-layers", "2", "-o", str(path)]) == DONE
    shown = capsys.readouterr().out
    assert "1 x Cs removed (charge balance, corner of the cluster)" in shown
    assert "total formal charge +0" in shown
    assert len(read(path)) == 28


@pytest.mark.parametrize(("ligand", "mode", "difference"), [("acetic acid", "atop", 8), ("acetate", "X-site", 6)])
def test_the_bare_cluster_is_the_one_under_the_ligand(ligand, mode, difference, tmp_path):
    path, bare = tmp_path / "complex.xyz", tmp_path / "clean.xyz"
    asked = ["--ligand", ligand, "--mode", mode, "--cells", "2x2", "-o", str(path), "--bare", str(bare)]
    assert main([*CLUSTER, *asked]) == DONE
    whole, clean = read(path), read(bare)
    assert len(whole) - len(clean) == difference
    own = whole.positions[whole.arrays["fragment"] == 0]
    assert np.linalg.norm(own[:, None] - clean.positions[None], axis=2).min(axis=1).max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "2x2x2"], "two whole numbers"),
        (["--cells", "0x2"], "from 1 to 12"),
        (["--keep-layers", "7"], "the slab has 3"),
        (["--bare", "clean.xyz"], "give a --ligand"),
    ],
)
def test_errors(arguments, message, tmp_path, capsys):
    assert main([*CLUSTER, *arguments, "-o", str(tmp_path / "c.xyz")]) == FIX_INPUT
    assert message in capsys.readouterr().err
