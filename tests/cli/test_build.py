"""``qddft build``: files that hold what was asked for, and one message for what cannot be built."""

import re

import numpy as np
import pytest
from ase.io import read

from qddft.cli.main import DONE, FIX_INPUT, main

SLAB = ["build", "slab", "CsPbBr3", "--termination", "PbX2", "--layers", "5", "--supercell", "2x2", "--vacuum", "15"]


def test_slab_to_poscar_keeps_selective_dynamics(tmp_path, capsys):
    path = tmp_path / "POSCAR"
    assert main([*SLAB, "--fixed-layers", "2", "-o", str(path)]) == DONE
    assert "Selective dynamics" in path.read_text()
    atoms = read(path)
    assert len(atoms.constraints[0].index) == 4 * 3 + 4 * 2
    assert (
        atoms.positions[atoms.constraints[0].index, 2].max()
        < np.delete(atoms.positions[:, 2], atoms.constraints[0].index).min()
    )
    shown = capsys.readouterr().out
    assert "816" not in shown
    assert "Pb12 Br32 Cs8" in shown
    assert "total formal charge +0, 464 valence electrons" in shown


def test_poscar_groups_species(tmp_path):
    path = tmp_path / "POSCAR"
    main([*SLAB, "-o", str(path)])
    assert path.read_text().splitlines()[5].split() == ["Cs", "Pb", "Br"]


@pytest.mark.parametrize("name", ["slab.xyz", "slab.cif", "slab.json", "slab.vasp", "slab.traj"])
def test_any_format_of_ase(name, tmp_path):
    assert main([*SLAB, "-o", str(tmp_path / name)]) == DONE
    assert len(read(tmp_path / name)) == 52


def test_two_terminations(tmp_path, capsys):
    path = tmp_path / "s.vasp"
    assert main(["build", "slab", "CsPbI3", "--termination", "PbX2,CsX", "--layers", "4", "-o", str(path)]) == DONE
    assert "PbX2 above, CsX below" in capsys.readouterr().out


def test_bulk_at_a_given_lattice_constant(tmp_path):
    assert main(["build", "bulk", "CsPbI3", "--lattice", "6.2", "-o", str(tmp_path / "b.cif")]) == DONE
    assert read(tmp_path / "b.cif").cell.lengths() == pytest.approx([6.2] * 3)


def test_ligand_truncated(tmp_path):
    path = tmp_path / "l.xyz"
    assert main(["build", "ligand", "oleic acid", "--truncate", "4", "-o", str(path)]) == DONE
    assert read(path).get_chemical_formula() == "C4H8O2"


def test_ligand_in_a_box_where_the_format_needs_a_cell(tmp_path):
    assert main(["build", "ligand", "acetic acid", "-o", str(tmp_path / "POSCAR")]) == DONE
    atoms = read(tmp_path / "POSCAR")
    reach = np.ptp(atoms.positions, axis=0)
    assert atoms.cell.lengths() == pytest.approx(reach + 15.0)


def test_complex(tmp_path, capsys):
    path = tmp_path / "c.vasp"
    line = ["build", "complex", "CsPbBr3", "--ligand", "acetic acid", "--mode", "atop", "--supercell", "2x2", "-o"]
    assert main([*line, str(path)]) == DONE
    assert read(path).get_chemical_formula(mode="hill") == "C2H4Br20Cs4O2Pb8"
    assert "1 x acetic acid" in re.sub(" +", " ", capsys.readouterr().out)


def test_vacancies_are_listed_and_one_is_written(tmp_path, capsys):
    line = ["build", "vacancy", "CsPbI3", "--species", "I", "--layers", "3", "--supercell", "2x2"]
    assert main(line) == DONE
    names = re.findall(r"^v-\S+", capsys.readouterr().out, re.MULTILINE)
    assert len(names) == 2
    assert main([*line, "--name", names[1], "-o", str(tmp_path / "POSCAR")]) == DONE
    assert len(read(tmp_path / "POSCAR")) == 31
    assert "total formal charge +1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["slab", "CsPbBr4", "-o", "a.vasp"], "CsPbBr3"),
        (["slab", "CsPbBr3", "--layers", "-3", "-o", "a.vasp"], "at least 3"),
        (["slab", "CsPbBr3", "--layers", "4", "-o", "a.vasp"], "odd number of layers"),
        (["slab", "CsPbBr3", "--vacuum", "-1", "-o", "a.vasp"], "positive thickness"),
        (["slab", "CsPbBr3", "--supercell", "two", "-o", "a.vasp"], "supercell 'two'"),
        (["slab", "CsPbBr3", "--termination", "Pbbromide", "-o", "a.vasp"], "unknown termination"),
        (["slab", "CsPbBr3", "-o", "a.docx"], "no format that can be written"),
        (["slab", "CsPbBr3", "-o", "a.xzy"], "Did you mean '.xyz'"),
        (["slab", "CsPbBr3", "-o", "missing/POSCAR"], "does not exist"),
        (["slab", "CsPbBr3"], "Missing option"),
        (["slab", "CsPbBr3", "--layers", "many", "-o", "a.vasp"], "--layers"),
        (["ligand", "olic acid", "-o", "a.xyz"], "oleic acid"),
        (["ligand", "CC(=O", "-o", "a.xyz"], "does not parse"),
        (["ligand", "oleic acid", "--truncate", "0", "-o", "a.xyz"], "keep 1 or more"),
        (["complex", "CsPbBr3", "--ligand", "olic acid", "-o", "a.vasp"], "oleic acid"),
        (["complex", "CsPbBr3", "--ligand", "acetate", "--mode", "ontop", "-o", "a.vasp"], "atop"),
        (
            ["complex", "CsPbBr3", "--ligand", "2-hexyldecanoic acid", "--supercell", "1x1", "-o", "a.vasp"],
            "smallest supercell that is large enough is 1x2",
        ),
        (["vacancy", "CsPbI3", "--species", "Br"], "no 'Br'"),
        (["vacancy", "CsPbI3", "--species", "I", "-o", "a.vasp"], "choose one with --name"),
        (["vacancy", "CsPbI3", "--species", "I", "--name", "v-i-equatoral-9", "-o", "a.vasp"], "Did you mean"),
    ],
)
def test_what_cannot_be_built(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["build", *arguments]) == FIX_INPUT
    shown = capsys.readouterr().err
    assert re.search(message, shown), shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []
