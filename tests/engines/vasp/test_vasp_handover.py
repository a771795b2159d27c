"""The judge of finished folders and the maker of POSCAR that every job.sh carries."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from qddft.engines.vasp import handover
from qddft.study.advice import advice

OUTCAR = """   NELM   =     60;   NELMIN=  5; NELMDL= -5     # of ELM steps
   EDIFF  = 0.1E-04   stopping-criterion for ELM
   NSW    =    {nsw}    number of steps for IOM
   IBRION =      {ibrion}    ionic relax: 0-MD 1-quasi-New 2-CG
----------------------------------------- Iteration    1(   1)  ---------------------------------------
----------------------------------------- Iteration    {ionic}(  {electronic})  ---------------------------------------
{loop}
{middle}
{end}
"""
REACHED = "------------------------ aborting loop because EDIFF is reached ----------------------------------------"
REFUSED = "------------------------ aborting loop EDIFF was not reached (unconverged)  ----------------------------"
RELAXED = " reached required accuracy - stopping structural energy minimisation"
END = " General timing and accounting informations for this job:"

POSCAR = """made by a test
1.0
  10.0 0.0 0.0
  0.0 10.0 0.0
  0.0 0.0 10.0
Cs Br O
1 2 1
Selective dynamics
Direct
  0.0 0.0 0.0 F F F
  0.5 0.0 0.0 T T T
  0.0 0.5 0.0 T T T
  0.0 0.0 0.5 T T T
"""


def _outcar(nsw=0, ibrion=-1, ionic=1, electronic=12, loop=REACHED, middle="", end=END):
    return OUTCAR.format(nsw=nsw, ibrion=ibrion, ionic=ionic, electronic=electronic, loop=loop, middle=middle, end=end)


def _folder(path, outcar, contcar=POSCAR, poscar=POSCAR):
    path.mkdir(exist_ok=True)
    (path / "OUTCAR").write_text(outcar)
    (path / "POSCAR").write_text(poscar)
    (path / "CONTCAR").write_text(contcar)
    return path


@pytest.mark.parametrize(
    "outcar", [_outcar(), _outcar(nsw=100, ibrion=2, ionic=17, middle=RELAXED), _outcar(nsw=0, ibrion=2)]
)
def test_converged_folder_passes(outcar, tmp_path):
    handover.judge(_folder(tmp_path, outcar))


@pytest.mark.parametrize(
    ("outcar", "why"),
    [
        (_outcar(end=""), "cut short"),
        (_outcar(electronic=60), r"ionic step 1 did not converge \(NELM\)"),
        (_outcar(loop=REFUSED), r"did not converge \(NELM\)"),
        (_outcar(nsw=100, ibrion=2), "relaxation did not converge in NSW 100 steps"),
        (_outcar(nsw=100, ibrion=2, middle="soft stop encountered!  aborting job ..."), "stopped by STOPCAR"),
        ("", "cut short"),
    ],
)
def test_what_did_not_converge_is_named(outcar, why, tmp_path):
    with pytest.raises(handover.NotReadyError, match=why):
        handover.judge(_folder(tmp_path, outcar))


WORDS = [
    ("slurmstepd: error: *** STEP 7.0 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***", "time limit"),
    ("srun: error: Node failure on n17", "node failure"),
    ("forrtl: No space left on device", "the disk is full"),
    ("slurmstepd: error: Detected 1 oom_kill event in StepId=7.0", "memory ran out"),
    ("Operating system error: Cannot allocate memory", "memory ran out"),
    ("srun: error: nid00668: tasks 0-31: Killed", "memory ran out"),
    ("could not check out a license for feature x", "license: could not check out"),
    ("VASP license server does not answer, licence denied", "license: VASP license server"),
    ("vasp_std: error while loading shared libraries: libmkl.so: cannot open", "not installed: vasp_std: error"),
    ("forrtl: severe (174): SIGSEGV, segmentation fault occurred", "segmentation fault"),
    ("ZBRENT: fatal error in bracketing\n please rerun with smaller EDIFF", "ZBRENT: the line minimization failed"),
    ("Error EDDDAV: Call to ZHEGV failed. Returncode =   7 1   8", "EDDDAV: the diagonalization failed"),
    ("BRMIX: very serious problems", "BRMIX: "),
    ("|     PRICELV: current lattice and primitive lattice are incommensurate   |", "symmetry: PRICELV: current"),
    ("|     Error reading item EFERMI from file INCAR.    |", "INCAR: Error reading item EFERMI"),
    ("something else\n went wrong  here \n\n", "went wrong here"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "reason"), WORDS)
def test_what_a_program_said_is_understood(text, reason, tmp_path):
    (tmp_path / "vasp.out").write_text(f"running on 8 total cores\n{text}\n" if text else "")
    assert reason in handover.said(tmp_path)
    assert len(handover.said(tmp_path)) <= 160


@pytest.mark.parametrize(("text", "reason"), WORDS[:-2])
def test_there_is_advice_for_what_a_program_said(text, reason, tmp_path):
    (tmp_path / "vasp.out").write_text(text)
    assert not advice(handover.said(tmp_path)).startswith("look at the log")


def test_words_beside_a_result_cut_short(tmp_path):
    folder = _folder(tmp_path, _outcar(end=""))
    (folder / "vasp.out").write_text("ZBRENT: fatal error in bracketing\n")
    with pytest.raises(handover.NotReadyError, match=r"cut short: VASP did not come to its end \(ZBRENT"):
        handover.judge(folder)


def test_a_license_that_nobody_missed_is_no_reason(tmp_path):
    (tmp_path / "vasp.out").write_text("this program is under license of its authors\nZBRENT: fatal error\n")
    assert handover.said(tmp_path).startswith("ZBRENT")


def test_folder_without_outcar(tmp_path):
    with pytest.raises(handover.NotReadyError, match="VASP has not run there"):
        handover.judge(tmp_path)


# a collection of public VASP runs that may lie beside the checkout; it is not part of the project
REAL = Path(__file__).parents[4] / "shared" / "vasp"


@pytest.mark.skipif(not REAL.is_dir(), reason="the collection of real VASP runs is not here")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("std_err.txt.oom", "memory ran out"),
        ("vasp.brmix", "BRMIX"),
        ("vasp.edddav", "EDDDAV"),
        ("vasp.ibzkpt", "symmetry"),
        ("vasp.posmap", "symmetry"),
        ("vasp.pricelv", "symmetry"),
        ("vasp.read_error", "INCAR: Error reading item"),
        ("vasp.real_optlay", "REAL_OPTLAY"),
        ("vasp.zbrent", "ZBRENT"),
        ("vasp.set_core_wf", "SET_CORE_WF"),
        ("vasp.nicht_konvergent", "SBESSELITER"),
        ("vasp.algo_tet_only", "ALGO = All or Damped tends to fail with tetrahedra"),
        ("vasp.eddrmm", "EDDRMM"),
        ("vasp.subspace", "EDDDAV: the subspace matrix"),
        ("vasp.point_group", "symmetry: Error: point group operation missing"),
        ("vasp.rhosyg", "symmetry: RHOSYG"),
        ("vasp.too_few_bands_round_error", "too few bands"),
        ("vasp.ztrtri", "LAPACK ZPOTRF"),
    ],
)
def test_real_words_are_understood(name, reason, tmp_path):
    (tmp_path / "vasp.out").write_bytes((REAL / "23_failed_stdout" / name).read_bytes())
    assert handover.said(tmp_path).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("WARNING in EDDRMM: call to ZHEGV failed, returncode =   8  4  1", "EDDRMM: the diagonalization failed"),
        ("WARNING: Sub-Space-Matrix is not hermitian in DAV", "EDDDAV: the subspace matrix is not Hermitian"),
        ("ALGO=A and IALGO=5X tend to fail with the tetrahedron method", "ALGO = All or Damped tends to fail"),
    ],
)
def test_each_diagonalization_is_called_by_its_name(text, reason, tmp_path):
    (tmp_path / "vasp.out").write_text(f"{text}\n")
    assert handover.said(tmp_path).startswith(reason)


@pytest.mark.skipif(not REAL.is_dir(), reason="the collection of real VASP runs is not here")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("21_exit_codes_Si/converged", None),
        ("21_exit_codes_Si/elec-unconverged", "NELM"),
        ("21_exit_codes_Si/unfinished", "cut short"),
        ("15_Si_relax_vasp642", None),
    ],
)
def test_real_runs(name, why, tmp_path):
    packed = REAL / name / "OUTCAR.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (REAL / name / "OUTCAR").read_bytes()
    (tmp_path / "OUTCAR").write_bytes(text)
    if why is None:
        handover.judge(tmp_path)
    else:
        with pytest.raises(handover.NotReadyError, match=why):
            handover.judge(tmp_path)


def test_poscar_from_contcar_without_velocities(tmp_path):
    moved = POSCAR.replace("0.5 0.0 0.0 T T T", "0.51 0.0 0.0 T T T") + "\n  0.0 0.0 0.0\n" * 4
    parent = _folder(tmp_path / "parent", _outcar(), contcar=moved)
    handover.make_poscar(parent, tmp_path / "POSCAR", "all", "child")
    lines = (tmp_path / "POSCAR").read_text().splitlines()
    assert lines[0] == "child"
    assert lines[1:] == moved.splitlines()[1:13]
    assert not (tmp_path / "POSCAR.tmp").exists()


def test_some_atoms_only_with_their_flags(tmp_path):
    parent = _folder(tmp_path / "parent", _outcar())
    handover.make_poscar(parent, tmp_path / "POSCAR", "1,3-4", "child")
    lines = (tmp_path / "POSCAR").read_text().splitlines()
    assert lines[5:7] == ["Cs Br O", "1 1 1"]
    assert [line.split()[3] for line in lines[9:]] == ["F", "T", "T"]


def test_whole_species_can_go(tmp_path):
    parent = _folder(tmp_path / "parent", _outcar())
    handover.make_poscar(parent, tmp_path / "POSCAR", "4", "child")
    assert (tmp_path / "POSCAR").read_text().splitlines()[5:7] == ["O", "1"]


@pytest.mark.parametrize(
    ("contcar", "why"),
    [
        ("", "cut short or damaged"),
        ("\n".join(POSCAR.splitlines()[:11]), "cut short or damaged"),
        (POSCAR.replace("0.5 0.0 0.0 T T T", "0.5 0.0 *** T T T"), "cut short or damaged"),
        (POSCAR.replace("0.5 0.0 0.0 T T T", "0.5 0.0 nan T T T"), "cut short or damaged"),
        (POSCAR.replace("0.0 0.0 0.5 T T T", "0.0 0.0 0.5 T"), "cut short or damaged"),
        (POSCAR.replace("1 2 1", "1 1 2"), "hold different atoms"),
    ],
)
def test_damaged_contcar_is_refused(contcar, why, tmp_path):
    parent = _folder(tmp_path / "parent", _outcar(), contcar=contcar)
    with pytest.raises(handover.NotReadyError, match=why):
        handover.make_poscar(parent, tmp_path / "POSCAR", "all", "child")
    assert not (tmp_path / "POSCAR").exists()


def test_atoms_that_the_parent_does_not_have(tmp_path):
    parent = _folder(tmp_path / "parent", _outcar())
    with pytest.raises(handover.NotReadyError, match="has 4 atoms, fewer than this job takes"):
        handover.make_poscar(parent, tmp_path / "POSCAR", "2-9", "child")


def test_command_line_answers_with_its_exit_code(tmp_path, capsys):
    parent = _folder(tmp_path / "parent", _outcar())
    target = tmp_path / "POSCAR"
    assert handover.main(["judge", str(parent)]) == 0
    assert handover.main(["whole", str(parent / "CONTCAR")]) == 0
    assert handover.main(["poscar", str(parent), str(target), "all", "child"]) == 0
    assert target.is_file()
    assert handover.main(["judge", str(tmp_path)]) == 1
    assert "VASP has not run there" in capsys.readouterr().err


def test_runs_without_any_package():
    """Compute nodes have a bare Python; -I -S hides every installed package."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", handover.__file__, "judge", "/nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
