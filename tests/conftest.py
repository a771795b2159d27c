"""Things that tests of several folders share."""

import signal
import threading
from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from qddft.jobs import FinalOf, Given, Job

LJ = "ase:ase.calculators.lj:LennardJones"


def _lennard_jones_level(*, force_tol: float, max_steps: int, engine: str) -> dict:
    return {
        "name": "test",
        "engine": engine,
        "settings": {"xc": "calculator", "force_tol_eV_per_A": force_tol, "max_ionic_steps": max_steps},
        "raw": {},
    }


@pytest.fixture
def lj_job() -> Callable[..., Job]:
    """Return a function that makes small jobs for the Lennard-Jones calculator of ASE."""

    def make(
        name="cluster", *, parent=None, atoms=4, spread=1.2, task="relax", fixed=(), force_tol=0.01, max_steps=100,
        engine=LJ, kept=None, role="molecule",
    ) -> Job:  # fmt: skip
        level = _lennard_jones_level(force_tol=force_tol, max_steps=max_steps, engine=engine)
        if parent is not None:
            return Job(name=name, role=role, task=task, start=FinalOf(parent, kept), level=level)
        corners = [(0, 0, 0), (1, 0.1, 0), (0.2, 1, 0), (0.3, 0.2, 1), (1, 1, 0.1), (1, 0.1, 1)][:atoms]
        built = Atoms("Ar" * atoms, [[spread * x for x in corner] for corner in corners])
        built.set_array("fragment", np.array([0, *[1] * (atoms - 1)]))
        built.set_constraint(FixAtoms(indices=list(fixed)))
        return Job(name=name, role=role, task=task, start=Given.of(built), level=level)

    return make


def pytest_configure() -> None:
    """Let Ctrl-C reach what tests start: what a shell runs in the background ignores it, and passes that on."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
