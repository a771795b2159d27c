"""Has it converged? Decided from what the files prove, never assumed; ``None`` where they prove nothing."""

import numpy as np

from qddft.engines.vasp.read.readings import Reading, Structure

# molecular dynamics, phonons, linear response, improved dimer: their last step is no minimum, whatever the forces
_NOT_RELAXATIONS = frozenset({0, 5, 6, 7, 8, 11, 12, 40, 44})
_MOVES_CELL = 3
# vasprun.xml prints energies, and EDIFF itself, with eight decimals: two energies and the criterion are rounded
_ROUNDING = 1.5e-8


def electronically_converged(reading: Reading) -> bool | None:
    """Return whether the last electronic loop reached EDIFF.

    A loop that used all NELM steps counts as unconverged even when OUTCAR says ``EDIFF is reached``: VASP 5 prints
    that line there as well. Where the program says nothing (vasprun.xml), the last change of the energy decides.
    """
    scf = reading.scf
    limit, threshold = reading.parameters.get("NELM"), reading.parameters.get("EDIFF")
    if scf.announced is False:
        return False
    if scf.steps is not None and isinstance(limit, int) and scf.steps >= limit:
        return False
    if scf.last_change is not None and threshold is not None and abs(scf.last_change) > abs(threshold) + _ROUNDING:
        return False
    if scf.steps is None or limit is None or scf.last_change is None or threshold is None:
        return None
    return True


def ionically_converged(reading: Reading) -> bool | None:
    """Return whether the structure reached EDIFFG; a static calculation has nothing to reach.

    The program's own word comes first (OUTCAR), then the forces on the coordinates that were free to move, then the
    change of the free energy. Nothing follows from a run that merely ended.
    """
    steps, method = reading.parameters.get("NSW"), reading.parameters.get("IBRION")
    if not isinstance(steps, int) or reading.final is None:
        return None
    if steps <= 0 or method == -1:
        return True if reading.complete is not False else None
    if method in _NOT_RELAXATIONS:
        return None
    if reading.complete is False or reading.stopped or reading.moved_on:
        return False
    if reading.reached_accuracy:
        return True
    by_criterion = _criterion_met(reading, steps)
    if reading.reached_accuracy is False:
        return by_criterion is True
    return by_criterion


def _criterion_met(reading: Reading, steps: int) -> bool | None:
    criterion = reading.parameters.get("EDIFFG")
    in_time = reading.steps_done < steps
    cell_moves = (reading.parameters.get("ISIF") or 0) >= _MOVES_CELL
    if not isinstance(criterion, float) or criterion == 0:
        return None
    if criterion < 0:
        force = max_free_force(reading)
        if force is None:
            return None
        if force > -criterion:
            return False
        # a run that moves the cell also has to bring the stress down, which only shows in having stopped by itself
        return True if in_time or not cell_moves else None
    if reading.previous_free is None or reading.energies is None:
        return None if in_time else False
    change = abs(reading.energies.free - reading.previous_free)
    if change < criterion:
        return True
    # near the criterion the program judges by the steps it tried, which are not printed
    return None if in_time or change < 4 * criterion + _ROUNDING else False


def max_free_force(reading: Reading) -> float | None:
    """Return the largest force on what was free to move, eV/Angstrom."""
    if reading.forces is None or reading.final is None:
        return None
    return float(np.linalg.norm(free_forces(reading.forces, reading.final), axis=1).max(initial=0.0))


def free_forces(forces: np.ndarray, structure: Structure) -> np.ndarray:
    """Return forces without their components along frozen lattice directions, shape (n_atoms, 3), eV/Angstrom.

    Selective dynamics refers to fractional coordinates: the force is written in lattice vectors, frozen components
    are set to zero.
    """
    if structure.movable is None or structure.movable.all():
        return forces
    along = np.linalg.solve(structure.cell.T, forces.T).T
    return np.asarray(np.where(structure.movable, along, 0.0) @ structure.cell)
