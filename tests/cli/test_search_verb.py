"""``qddft search`` as a user types it, with the quickest engine there is."""

import json
from pathlib import Path

import pytest

from qddft.cli.main import DONE, FIX_INPUT, main

SEARCH = ["search", "CsPbBr3", "--ligand", "CN", "--supercell", "sqrt2", "--vacuum", "12"]
SMALL = [
    "--single-points", "3", "--relaxations", "2", "--steps", "1", "--keep", "2", "--workers", "2",
    "--engine", "ase:ase.calculators.lj:LennardJones",
]  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A finished search; its folder and what was printed."""
    folder = tmp_path_factory.mktemp("search") / "found"
    assert main([*SEARCH, *SMALL, "-o", str(folder)]) == DONE
    return folder


def test_a_search_tells_its_cost_its_progress_and_what_it_found(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*SEARCH, *SMALL, "-o", "amine"]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 single points of 23 atoms, then 2 relaxations, the best up to 1 steps: at most 7 ")
    assert sum(" done " in line for line in lines) == 5
    assert any("above best (eV)" in line for line in lines)
    assert any("0.000" in line and "Pb-top" in line for line in lines)
    assert "poses    amine/poses: 2 as .vasp and .extxyz" in lines
    assert (Path("amine") / "poses" / "pose-1.vasp").exists()


def test_the_folder_alone_shows_it_again(found, capsys):
    assert main(["search", str(found), "--keep", "1", "--json"]) == DONE
    shown = capsys.readouterr()
    data = json.loads(shown.out)
    assert len(data["poses"]) == 1
    assert data["poses"][0]["energy_eV"] == data["minima"][0]["energy_eV"]
    assert {"rank", "above_best_eV", "places", "intact", "bound", "contacts", "job"} <= set(data["poses"][0])
    assert "custom calculator" in data["caution"]
    assert "single points" in shown.err


def test_status_and_run_point_at_the_search(found, capsys):
    assert main(["status", str(found)]) == DONE
    assert f"qddft search {found}" in capsys.readouterr().out
    assert main(["run", str(found)]) == FIX_INPUT
    assert f"is a search of poses; go on with: qddft search {found}" in capsys.readouterr().err


def test_a_dry_run_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*SEARCH, "--dry-run", "--single-points", "5"]) == DONE
    assert "5 single points of 23 atoms" in capsys.readouterr().out
    assert main([*SEARCH, "--dry-run", "--json"]) == DONE
    guess = json.loads(capsys.readouterr().out)
    assert guess["relaxations"] == 12
    assert guess["seconds"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search", "CsPbBr3"], "a search needs a ligand; give --ligand"),
        (SEARCH, "a search needs a folder: give -o DIR, or --dry-run"),
        ([*SEARCH, "--mode", "bidentate", "-o", "x"], "bidentate: CN has no two anchors"),
        ([*SEARCH, "--mode", "atpo", "-o", "x"], "Did you mean 'atop'"),
        ([*SEARCH, "--keep", "13", "-o", "x"], "13 poses are to be kept, but 12 are relaxed"),
        ([*SEARCH, "--truncate", "4", "--truncate", "5", "-o", "x"], "2 truncations for 1 ligands"),
        (["search", "CsPbBr3", "--ligand", "acetate", "--mode", "atop", "-o", "x"], "the formal charges add up to -1"),
        ([*SEARCH, "--engine", "tblit", "-o", "x"], "Did you mean 'tblite'"),
    ],
)
def test_mistakes_cost_one_line(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(words) == FIX_INPUT
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert not list(tmp_path.iterdir())


def test_another_slab_in_the_same_folder_is_refused(found, capsys):
    other = ["2x1" if word == "sqrt2" else word for word in SEARCH]
    assert main([*other, *SMALL, "-o", str(found)]) == FIX_INPUT
    assert "holds another search: its slab is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--ligand", "CCN"], "leave --ligand out"),
        (["--steps", "200", "--seed", "3"], "leave --steps, --seed out"),
        (["-o", "elsewhere", "--keep", "1"], "leave --output out"),
        (["--dry-run"], "leave --dry-run out"),
        (["--supercell", "2x2"], "leave --supercell out"),
    ],
)
def test_a_search_folder_keeps_what_it_was_asked_for(found, capsys, words, named):
    assert main(["search", str(found), *words]) == FIX_INPUT
    shown = capsys.readouterr().err
    assert "keeps its ligand, place and effort" in shown
    assert named in shown


def test_the_help_shows_how(capsys):
    assert main(["search", "--help"]) == DONE
    shown = capsys.readouterr().out
    assert 'qddft search CsPbBr3 --ligand "acetic acid" --supercell 2x2 --keep 3 -o search-acetic-acid' in shown
