"""How far VASP is, from made-up OSZICAR and OUTCAR."""

import math

import pytest

from qddft.engines.vasp.engine import Vasp
from qddft.engines.vasp.steps import energies_of_steps, last_max_force, last_step

OSZICAR = """\
       N       E                     dE             d eps       ncg     rms          rms(c)
DAV:   1    -0.100000000000E+02   -0.10000E+02   -0.10000E+02  1000   0.1E+01
   1 F= -.10000000E+02 E0= -.10500000E+02  d E =-.100000E+02
DAV:   1    -0.110000000000E+02   -0.10000E+01   -0.10000E+01  1000   0.1E+01
   2 F= -.11000000E+02 E0= -.11500000E+02  d E =-.100000E+01
DAV:   1    -0.110000000000E+02   -0.100
"""


def block(*forces):
    rows = "\n".join(f" 0.0 0.0 0.0 {x} {y} {z}" for x, y, z in forces)
    return f" POSITION                 TOTAL-FORCE (eV/Angst)\n ----\n{rows}\n ----\n"


def test_steps_are_read_and_a_torn_one_is_not(tmp_path):
    assert energies_of_steps(tmp_path) == ()
    (tmp_path / "OSZICAR").write_text(OSZICAR)
    assert energies_of_steps(tmp_path) == ((1, -10.5), (2, -11.5))


def test_the_last_whole_block_of_forces_counts(tmp_path):
    import numpy as np

    free = np.array([False, True])
    assert math.isnan(last_max_force(tmp_path, free))
    whole = block((9, 9, 9), (0.3, 0.4, 0.0))
    (tmp_path / "OUTCAR").write_text(block((1, 1, 1), (2, 2, 2)) + whole + block((5, 5, 5), (6, 6, 6))[:60])
    assert last_max_force(tmp_path, free) == pytest.approx(0.5)


def test_the_last_step_has_energy_force_and_rate(tmp_path, jobs):
    job = jobs.slab
    assert last_step(job, tmp_path) is None
    (tmp_path / "OSZICAR").write_text(OSZICAR)
    found = Vasp().last_step(job, tmp_path)
    assert (found.step, found.energy, found.seconds) == (1, -11.5, 0.0)
    assert math.isnan(found.max_force)
    loop = "     LOOP+:  cpu time   11.0: real time   12.5\n"
    (tmp_path / "OUTCAR").write_text(block(*[(0, 0, 0.25)] * len(job.built_atoms)) + loop)
    found = Vasp().last_step(job, tmp_path)
    assert found.max_force == pytest.approx(0.25)
    assert found.seconds == pytest.approx(25.0)


def test_oszicar_of_dynamics_and_of_overflow(tmp_path):
    (tmp_path / "OSZICAR").write_text(
        "       N       E                     dE             d eps       ncg     rms          rms(c)\n"
        "DAV:   1    -0.104212345678E+02   -0.10421E+02   -0.1E+03   320   0.1E+02\n"
        "      1 T=   300. E= -.10350000E+02 F= -.10420000E+02 E0= -.10410000E+02  EK= 0.7E-01 SP= 0.0E+00\n"
        "      2 T=   310. E= ************** F= ************** E0= **************  EK= 0.7E-01 SP= 0.0E+00\n"
        "   3 F= -.10430000E+02 E0= -.10430000E+02  d E =-.104300E+02  mag=     1.0000\n"
    )
    assert energies_of_steps(tmp_path) == ((1, -10.41), (3, -10.43))
