"""Set up, run and analyze DFT studies of ligands and vacancies on lead-halide perovskite surfaces."""
