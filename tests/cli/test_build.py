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


def _built(capsys, *arguments):
    """Run `qddft build` and return what it printed, runs of blanks as one."""
    assert main(["build", *arguments]) == DONE
    return re.sub(" +", " ", capsys.readouterr().out)


def test_mixtures_say_what_was_reached(tmp_path, capsys):
    shown = _built(capsys, "bulk", "CsPb(Br0.67I0.33)3", "--order", "ordered", "-o", str(tmp_path / "b.cif"))
    assert "asked CsPb(Br0.67I0.33)3, reached CsPb(Br0.6667I0.3333)3; ordered" in shown
    assert "Vegard" in shown
    assert "t = 0.858" in shown
    line = ["slab", "GA0.25Cs0.75PbI3", "--layers", "5", "--supercell", "sqrt2", "-o", str(tmp_path / "s.vasp")]
    shown = _built(capsys, *line)
    assert "A sites Cs 0.75, GA 0.25" in shown
    assert "1 x guanidinium of the slab +1 +1" in shown


def test_normal_of_a_tilted_phase(tmp_path, capsys):
    line = ["slab", "CsPbBr3", "--phase", "orthorhombic", "--lattice", "experiment", "--supercell", "2x2"]
    cells = [_built(capsys, *line, "--normal", axis, "-o", str(tmp_path / "s.vasp")) for axis in "ac"]
    assert "11.626 x 11.735" in cells[0]
    assert "11.626 x 11.735" not in cells[1]


def test_ion_pair(tmp_path, capsys):
    line = ["complex", "CsPbI3", "--ligand", "GAI", "--mode", "ion-pair", "-o", str(tmp_path / "c.vasp")]
    assert "ion-pair, top face: I76-Pb49 3.39" in _built(capsys, *line)


def test_two_ligands_each_in_its_own_mode(tmp_path, capsys):
    pair = ["--ligand", "guanidinium", "--mode", "A-site", "--ligand", "oleate", "--mode", "X-site"]
    line = ["complex", "CsPbI3", "--termination", "CsX", *pair, "--truncate", "0", "--truncate", "4"]
    shown = _built(capsys, *line, "-o", str(tmp_path / "c.vasp"))
    assert "1 x guanidinium +1 +1" in shown
    assert "1 x oleate (C4) -1 -1" in shown
    assert "total formal charge +0" in shown


def test_a_proton_that_leaves_goes_to_a_named_halide(tmp_path, capsys):
    pair = ["--ligand", "acetate", "--mode", "bridging", "--ligand", "proton", "--mode", "atop"]
    sites = ["--site", "49", "--site", "64"]
    shown = _built(capsys, "complex", "CsPbBr3", *pair[:4], *sites[:2], "-o", str(tmp_path / "a.vasp"))
    assert "total formal charge -1" in shown
    shown = _built(capsys, "complex", "CsPbBr3", *pair, "--site", "49", "--site", "64", "-o", str(tmp_path / "b.vasp"))
    assert "Br64" in shown
    assert "total formal charge +0" in shown


def test_coverages_are_listed_and_one_is_written(tmp_path, capsys):
    line = ["complex", "CsPbBr3", "--ligand", "acetic acid", "--per-nm2", "0.9"]
    shown = _built(capsys, *line)
    # 3 of the 9 Pb of a 3x3 face: a row, a diagonal, and two more; the multiplicities add up to 9 over 3
    assert sum(int(row.split()[-1]) for row in shown.splitlines() if row.strip()[:2].rstrip().isdecimal()) == 84
    shown = _built(capsys, *line, "--pattern", "3", "-o", str(tmp_path / "c.vasp"))
    assert "3 x acetic acid" in shown


def test_sites_are_listed(capsys):
    assert re.findall(r"^(\S+-top|hollow|bridge) ", _built(capsys, "sites", "CsPbBr3"), re.MULTILINE) == [
        "Pb-top",
        "X-top",
        "hollow",
        "bridge",
    ]


def test_vacancy_under_a_ligand_with_a_start_and_a_charge(tmp_path, capsys):
    line = ["vacancy", "CsPbI3", "--species", "I", "--layers", "3", "--ligand", "acetic acid"]
    shown = _built(capsys, *line)
    assert "to ligand" in shown
    name = re.search(r"^(v-\S+)", shown, re.MULTILINE)[1]
    shown = _built(capsys, *line, "--name", name, "--start", "dimer", "--charge", "0", "-o", str(tmp_path / "POSCAR"))
    assert "1 x I removed (vacancy) +1 +1" in shown
    assert re.search(r"\+0 NELECT = \d*[13579] \(odd: spin-polarized\) <- asked for", shown)


def test_neutral_groups(capsys):
    for group, parts in (("PbX2", "B-site+equatorial"), ("CsX", "A-site+apical")):
        shown = _built(capsys, "vacancy", "CsPbI3", "--species", group, "--layers", "3")
        assert parts in shown
        assert "ideal rattled-1" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["slab", "CsPb(Br0.5I0.4)3", "-o", "a.vasp"], "adds up to 2.7"),
        (["slab", "CsPb(Br0.5I0.5)3", "--order", "rnd", "-o", "a.vasp"], "Did you mean 'random'"),
        (["slab", "CsPbBr3", "--normal", "z", "-o", "a.vasp"], "pseudo-cubic axes a, b, c"),
        (["bulk", "CsPbBr3", "--cells", "2", "-o", "a.vasp"], "three positive whole numbers"),
        (["complex", "CsPbBr3", "--ligand", "acetate", "--mode", "A-site", "-o", "a.vasp"], "is no cation"),
        (["complex", "CsPbBr3", "--ligand", "acetic acid", "--site", "999", "-o", "a.vasp"], "atom 999 is no place"),
        (["complex", "CsPbBr3", "--ligand", "acetic acid", "--site", "top", "-o", "a.vasp"], "or a kind"),
        (["complex", "CsPbBr3", "--ligand", "acetic acid", "--site", "Cs-top", "-o", "a.vasp"], "has no Cs-top site"),
        (["complex", "CsPbBr3", "--ligand", "acetic acid", "--conformer", "9", "-o", "a.vasp"], "distinct conformers"),
        (["complex", "CsPbBr3", "--ligand", "acetic acid"], "give a file with -o"),
        (
            ["complex", "CsPbBr3", "--ligand", "CN", "--faces", "both", "--fixed-layers", "1", "-o", "a.vasp"],
            "faces unequal",
        ),
        (["complex", "CsPbBr3", "--ligand", "CC(=O)[O-]", "--charge", "0", "-o", "a.vasp"], "formal charge -1 by its"),
        (["ligand", "CC(=O)[O-]", "--charge", "1", "-o", "a.xyz"], "formal charge -1 by its SMILES"),
        (["complex", "CsPbBr3", "--ligand", "acetic acid", "--pattern", "2", "-o", "a.vasp"], "--count or --per-nm2"),
        (["complex", "CsPbBr3", "--ligand", "CN", "--count", "2", "--pattern", "9", "-o", "a.vasp"], "no pattern 9"),
        (["complex", "CsPbBr3", "--ligand", "CN", "--per-nm2", "99", "-o", "a.vasp"], "this cell has 9"),
        (
            ["complex", "CsPbBr3", "--ligand", "CN", "--count", "2", "--site", "49", "-o", "a.vasp"],
            "leave the site out",
        ),
        (
            ["complex", "CsPbBr3", "--ligand", "CN", "--mode", "atop", "--mode", "atop", "-o", "a.vasp"],
            "2 --mode for 1",
        ),
        (
            ["complex", "CsPbBr3", "--ligand", "CN", "--mode", "ion-pair", "-o", "a.vasp"],
            "not one anion and one cation",
        ),
        (["complex", "CsPbBr3", "--ligand", "[NH4+].[NH4+]", "--mode", "ion-pair", "-o", "a.vasp"], "neutral ion pair"),
        (["vacancy", "CsPbI3", "--species", "I", "--from", "top"], "Did you mean|one"),
        (
            ["vacancy", "CsPbI3", "--species", "I", "--name", "v-i-equatorial-9", "--start", "x", "-o", "a"],
            "no start is",
        ),
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
