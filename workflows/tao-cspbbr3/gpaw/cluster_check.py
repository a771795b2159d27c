"""Does a finite, neutral cluster bring GFN2-xTB closer to PBE? The acid of complex.xyz on clusters of several sizes.

The acid keeps its place above its Pb (GFN2-xTB geometry of the periodic cell, slab fixed at the ideal lattice of 6.0
Angstrom), the clusters are cut by ``qddft.cut_cluster``. Energies against molecule.xyz, as in pbe_check.py.

    uv run python workflows/tao-cspbbr3/gpaw/cluster_check.py
"""

import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from ase.io import read
from tblite.ase import TBLite

import qddft

HERE = Path(__file__).parent
N_SLAB = 16
SIZES = (((1, 1), 2), ((2, 2), 2), ((3, 3), 2), ((1, 1), 3), ((2, 2), 3))


def energy(atoms: Atoms) -> float:
    """Return the GFN2-xTB energy, eV."""
    alone = Atoms(atoms.get_chemical_symbols(), atoms.positions)
    alone.calc = TBLite(method="GFN2-xTB", verbosity=0)
    return float(alone.get_potential_energy())


def acid_on_lead() -> Atoms:
    """Return the acid with its Pb at the origin, turned so that the halides lie along x and y."""
    whole = read(HERE / "complex.xyz")
    slab, acid = whole[:N_SLAB], whole[N_SLAB:]
    lead = slab.positions[(slab.symbols == "Pb") & (slab.positions[:, 2] > slab.positions[:, 2].max() - 1.0)]
    donors = acid.positions[acid.symbols == "O"]
    steps = (lead[None, :, :] - donors[:, None, :]).reshape(-1, 3)
    steps = find_mic(steps, whole.cell, (True, True, False))[0]
    nearest = int(np.linalg.norm(steps, axis=1).argmin())
    acid.positions -= donors[nearest // len(lead)] + steps[nearest]
    # the lateral cell of complex.xyz is turned by 45 degrees
    acid.rotate(45, "z", center=(0.0, 0.0, 0.0))
    return acid


def main() -> None:
    """Print E_ads for every size."""
    acid, molecule = acid_on_lead(), energy(read(HERE / "molecule.xyz"))
    slab = qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(4, 4))
    for cells, layers in SIZES:
        bare = qddft.cut_cluster(slab, cells=cells, layers=layers)
        lead = np.flatnonzero((bare.symbols == "Pb") & (np.abs(bare.positions[:, 2]) < 0.1))
        place = bare.positions[lead[np.linalg.norm(bare.positions[lead, :2], axis=1).round(2).argmin()]]
        whole = Atoms(
            bare.get_chemical_symbols() + acid.get_chemical_symbols(),
            np.vstack([bare.positions, acid.positions + place]),
        )
        bound = energy(whole) - energy(bare) - molecule
        sys.stdout.write(f"{cells[0]} x {cells[1]} Pb, {layers} layers, {len(whole)} atoms: E_ads {bound:+.3f} eV\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
