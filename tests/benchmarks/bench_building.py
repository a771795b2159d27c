"""How fast complexes are built, and in how much memory, against pymatgen and autoadsorbate in the same run.

``uv run python tests/benchmarks/bench_building.py [FIGURE.png]``. One complex is a 3x3 slab cut from the crystal with
oleic acid on it; ours is labelled, placed by its anchors and checked for contacts, charges and chain length. The
others do less: pymatgen sets the molecule on its sites as it is, autoadsorbate turns it by a marked donor. Every time
is the best of three, every peak that of a fresh process beyond its imports. The growth is told by slopes of log(time)
against log(atoms) of supercells from 2x2 to 8x8.
"""

import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

REPEATS = 3
LAYERS, VACUUM = 3, 15.0
SUPERCELLS = ((2, 2), (3, 3), (4, 4), (6, 6), (8, 8))
# oleic acid with the lone pair of its carbonyl oxygen marked
MARKED = "Cl[O+]=C(O)CCCCCCC/C=C\\CCCCCCCC"


def our_slab(supercell=(3, 3)):
    from qddft.atoms.slab import build_slab

    return build_slab("CsPbBr3", termination="PbX2", layers=LAYERS, supercell=supercell, vacuum=VACUUM)


def our_ligand():
    from qddft.library.ligands import get_ligand

    return get_ligand("oleic acid")


def ours(supercell=(3, 3)) -> int:
    """Cut the slab, place the acid, check it: one complex."""
    from qddft.atoms.binding import attach
    from qddft.atoms.charge import charge_ledger
    from qddft.atoms.checks import check_complex

    complex_ = attach(our_slab(supercell), our_ligand())
    charge_ledger(complex_)
    check_complex(complex_, complex_)
    return 1


def ours_many(supercell=(3, 3)) -> int:
    """Lay out the starting poses of a search: many complexes that differ."""
    from qddft.atoms.pose_candidates import Extent, pose_candidates

    return len(pose_candidates(our_slab(supercell), [our_ligand()], ["any"], Extent(count=48)))


def pymatgen_slab(supercell=(3, 3)):
    """Cut a slab with SlabGenerator, make its terminations symmetric, take the one with more Pb, repeat it."""
    from pymatgen.core import Lattice, Structure
    from pymatgen.core.surface import SlabGenerator

    crystal = Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(6.0), ["Cs", "Pb", "Br"], [[0.5] * 3, [0] * 3, [0.5, 0, 0]]
    )
    generator = SlabGenerator(crystal, (0, 0, 1), 2, VACUUM / 6.0, in_unit_planes=True, center_slab=True)
    slabs = generator.get_slabs(symmetrize=True)
    slab = max(slabs, key=lambda item: item.composition["Pb"] / item.composition["Cs"])
    slab.make_supercell([*supercell, 1])
    return slab


def pymatgen_all(supercell=(3, 3)) -> int:
    """Cut the slab and set the molecule, as it comes, on all distinct sites."""
    from pymatgen.core import Molecule
    from pymatgen.core.adsorption import AdsorbateSiteFinder

    acid = our_ligand()
    molecule = Molecule(acid.symbols, acid.positions)
    return len(AdsorbateSiteFinder(pymatgen_slab(supercell)).generate_adsorption_structures(molecule))


def autoadsorbate_all(supercell=(3, 3)) -> int:
    """Set the molecule on the two distinct tops, eight turns each; our slab, because it cuts none."""
    from peers import autoadsorbate_complexes

    return len(autoadsorbate_complexes(our_slab(supercell), [MARKED], per_site=8))


BUILDERS: dict[str, Callable[..., int]] = {
    function.__name__: function for function in (ours, ours_many, pymatgen_all, autoadsorbate_all)
}


def seconds(function: Callable[..., int], *arguments: object, repeats: int = REPEATS) -> tuple[float, int]:
    """Return the best time of a builder, s, and how many complexes it built."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        count = function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), count


def peak(name: str) -> float:
    """Return the memory of one call beyond that of the imports, MB, in a fresh process."""
    script = (
        "import sys, warnings; warnings.simplefilter('ignore'); sys.path.insert(0, sys.argv[1]);"
        "import bench_building as b, numpy, scipy.spatial, scipy.optimize, spglib, ase.build, rdkit.Chem.AllChem;"
        "import pandas, pymatgen.core.adsorption, qddft.atoms.pose_candidates, autoadsorbate; b.our_ligand();"
        "before = b.memory('VmRSS'); open('/proc/self/clear_refs', 'w').write('5');"
        "b.BUILDERS[sys.argv[2]](); sys.stdout.write('\\n' + str(b.memory('VmHWM') - before))"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent), name]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return float(out.splitlines()[-1])


def memory(kind: str) -> float:
    """Return the present (VmRSS) or highest (VmHWM) memory of this process, MB; Linux."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def write(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def compare() -> None:
    """Write one line a builder: time of a call, complexes in a second, memory, and the ratio to ours."""
    our_ligand()
    rows = []
    for name, function in BUILDERS.items():
        slow = name == "autoadsorbate_all"
        if not slow:
            function()
        duration, count = seconds(function, repeats=1 if slow else REPEATS)
        rows.append((name, duration, count, peak(name)))
        write(f"  {name}: {count} in {duration:.3f} s")
    base = rows[0][2] / rows[0][1]
    write("3x3 slab with oleic acid                 s a call  complexes  complexes/s   ours/it      MB")
    for name, duration, count, megabytes in rows:
        rate = count / duration
        write(f"  {name:36s} {duration:9.3f} {count:10d} {rate:12.2f} {base / rate:9.2f} {megabytes:7.0f}")


def growth() -> dict[str, tuple[list[int], list[float]]]:
    """Return the number of atoms and the time of a call for growing supercells."""
    found = {}
    for name in ("ours", "pymatgen_all"):
        BUILDERS[name]()
        sizes, times = [], []
        for supercell in SUPERCELLS:
            sizes.append(len(our_slab(supercell)) + 54)
            times.append(seconds(BUILDERS[name], supercell, repeats=1 if name == "pymatgen_all" else REPEATS)[0])
        found[name] = (sizes, times)
    return found


def slope(sizes: list[int], times: list[float]) -> float:
    """Return the slope of log(time) against log(atoms)."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def draw(found: dict[str, tuple[list[int], list[float]]], path: Path) -> None:
    """Draw time against atoms, both logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, (sizes, times) in found.items():
        axes.loglog(sizes, times, "o-", label=f"{name.replace('_', ' ')}: slope {slope(sizes, times):.2f}")
    sizes, times = found["ours"]
    straight = [times[0] * size / sizes[0] for size in sizes]
    axes.loglog(sizes, straight, "--", color="0.6", label="linear")
    axes.set(xlabel="atoms of the complex", ylabel="seconds a call", title="slab and oleic acid, 2x2 to 8x8")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Run all comparisons."""
    warnings.simplefilter("ignore")
    found = growth()
    write("\ngrowth with the supercell, s a call")
    for name, (sizes, times) in found.items():
        listed = "  ".join(f"{size}: {duration:.3f}" for size, duration in zip(sizes, times, strict=True))
        write(f"  {name:14s} slope {slope(sizes, times):5.2f}   {listed}")
    largest = [
        slope(sizes[k : k + 2], times[k : k + 2]) for sizes, times in [found["ours"]] for k in range(len(sizes) - 1)
    ]
    write(f"  ours, between neighbors: {', '.join(f'{value:.2f}' for value in largest if math.isfinite(value))}")
    if len(sys.argv) > 1:
        draw(found, Path(sys.argv[1]))
        write(f"figure {sys.argv[1]}")
    write("")
    compare()


if __name__ == "__main__":
    main()
