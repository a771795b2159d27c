"""Unit conversions; inside qddft: eV, Angstrom, electrons, degrees.

Source of the constants: CODATA 2018 as shipped by ``scipy.constants``, written out here so that importing this
module costs nothing; a test compares them with scipy.
"""

EV_PER_A2_IN_J_PER_M2 = 16.02176634
KJ_PER_MOL_IN_EV = 1.0 / 96.48533212331002
KCAL_PER_MOL_IN_EV = 4.184 * KJ_PER_MOL_IN_EV
HARTREE_IN_EV = 27.211386245988
BOHR_IN_A = 0.529177210903
HC_IN_EV_NM = 1239.841984332
BOLTZMANN_IN_EV_PER_K = 8.617333262e-5
