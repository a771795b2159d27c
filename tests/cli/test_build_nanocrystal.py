"""``qddft build nanocrystal``: what is printed, which files are written, and one message for what cannot be."""

import numpy as np
import pytest
from ase.io import read

from qddft.cli.build.nanocrystal import _part
from qddft.cli.main import DONE, FIX_INPUT, main

DOT = ["build", "nanocrystal", "CsPbI3", "--size"]
SHELL = ["--ligand", "acetate:X-site", "--ligand", "guanidinium:A-site:0.5", "--coverage", "1.0"]


def test_a_bare_nanocrystal_says_its_size_and_what_was_left_out(tmp_path, capsys):
    path = tmp_path / "dot.xyz"
    assert main([*DOT, "2nm", "-o", str(path)]) == DONE
    shown = capsys.readouterr().out
    assert "size        1.92 x 1.92 x 1.92 nm between outermost planes, 3 x 3 x 3 cells" in shown
    assert "8 x Cs removed (charge balance, corner of the cuboid)" in shown
    assert "2 x Cs removed (charge balance, edge of the cuboid)" in shown
    assert "27 x Pb of the nanocrystal" in shown
    assert "Cs : Pb : X = 1 : 0.50 : 2.00" in shown
    assert "total formal charge +0" in shown
    atoms = read(path)
    assert len(atoms) == 189
    assert not atoms.pbc.any()


def test_a_shell_says_what_was_reached(tmp_path, capsys):
    path = tmp_path / "dot.xyz"
    assert main([*DOT, "3x2x2", *SHELL, "-o", str(path), "--published"]) == DONE
    shown = capsys.readouterr().out
    assert "(X-site), " in shown
    assert "ligands per nm² on 13.1 nm²" in shown
    assert "with shell" in shown
    assert "Guo et al., Small 2025" in shown
    atoms = read(path)
    assert set(np.unique(atoms.arrays["fragment"])) == set(range(atoms.arrays["fragment"].max() + 1))


def test_a_poscar_gets_a_box(tmp_path):
    path = tmp_path / "POSCAR"
    assert main([*DOT, "2x2x2", "-o", str(path)]) == DONE
    atoms = read(path)
    assert (atoms.cell.lengths() - np.ptp(atoms.positions, axis=0) == pytest.approx(15.0)) is True


def test_more_than_fits_is_said_or_refused(tmp_path, capsys):
    path = tmp_path / "dot.xyz"
    much = [*DOT, "1x1x1", "--ligand", "oleate", "--truncate", "4", "--coverage", "20", "-o", str(path)]
    assert main(much) == DONE
    assert "without clashes" in capsys.readouterr().err
    assert main([*much, "--strict"]) == FIX_INPUT
    assert "no room for all ligands" in capsys.readouterr().err


def test_options_without_a_ligand_are_mentioned(tmp_path, capsys):
    assert main([*DOT, "1x1x1", "--coverage", "1.0", "-o", str(tmp_path / "dot.xyz")]) == DONE
    assert "no --ligand was given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["20nm"], "built up to 15 nm"),
        (["0"], "all of them positive"),
        (["2nm", "--faces", "PbBr2"], "no such face"),
        (["2nm", "--ligand", "oleat"], "Did you mean"),
        (["2nm", "--ligand", "oleate:Xsite"], "Did you mean 'X-site'"),
        (["2nm", "--ligand", "oleate:A-site"], "no cation that could take the place of Cs"),
        (["2nm", "--ligand", "acetate", "--coverage", "-1"], "positive number"),
    ],
)
def test_errors(arguments, message, tmp_path, capsys):
    assert main([*DOT, *arguments, "-o", str(tmp_path / "dot.xyz")]) == FIX_INPUT
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "mode", "share", "formula"),
    [
        ("acetate", None, 1.0, "C2H3O2"),
        ("acetate:X-site", "X-site", 1.0, "C2H3O2"),
        ("acetate:x-site:2.5", "x-site", 2.5, "C2H3O2"),
        ("CC(=O)[O-]:X-site", "X-site", 1.0, "C2H3O2"),
        ("[O:1]=S1CCCC1", None, 1.0, "C4H8OS"),
        ("[O:1]=S1CCCC1:atop:3", "atop", 3.0, "C4H8OS"),
    ],
)
def test_ligands_are_read_with_mode_and_share(text, mode, share, formula):
    ligand, found, part = _part(text, None, 0)
    assert (found, part, ligand.formula) == (mode, share, formula)
