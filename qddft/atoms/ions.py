"""The ions of lead-halide perovskites and their formal charges."""

HALIDES = ("F", "Cl", "Br", "I")
B_CATIONS = ("Pb", "Sn", "Ge")
A_CATIONS = ("Cs", "Rb", "K")
FORMAL_CHARGES = dict.fromkeys(A_CATIONS, 1) | dict.fromkeys(B_CATIONS, 2) | dict.fromkeys(HALIDES, -1)
