"""How fast results are read, and in how much memory, against pymatgen and ASE on the same files in the same run.

``uv run python tests/benchmarks/bench_reading.py``. The files are the third-party ones beside the repository; every
time is the best of three, every peak that of a fresh process beyond its imports.
"""

import gzip
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vasp"
DENSITY = "09_Si_static_full_output_set/CHGCAR.gz"
PROCAR = "17_procar_eigenval_doscar/PROCAR.SOC.gz"
PROJECTED = ("14_Na12Pd4_large_vasprun_vasp621/vasprun.xml.gz", "12_YTOS_F_on_O_defect_large/Bulk/vasprun.xml.gz")
OUTCAR = "06_H_on_Ir100_adsorption/ads_site1/OUTCAR.gz"
SMALL = "07_V2O5_oxygen_vacancies/V2O5_bulk/vasprun.xml.gz"
FOLDERS = 100
REPEATS = 3


def ours_energies(path: str) -> None:
    from qddft.engines.vasp.read import read_outputs

    read_outputs(path)


def ours_projected(path: str) -> None:
    from qddft.engines.vasp.read import read_dos, read_outputs, read_projected

    read_outputs(path)
    read_dos(path)
    read_projected(path)


def ours_trajectory(path: str) -> None:
    from qddft.engines.vasp.read import read_trajectory

    read_trajectory(path)


def pymatgen_default(path: str) -> None:
    from pymatgen.io.vasp import Vasprun

    Vasprun(path, parse_potcar_file=False)


def pymatgen_least(path: str) -> None:
    from pymatgen.io.vasp import Vasprun

    Vasprun(path, parse_potcar_file=False, parse_dos=False, parse_eigen=False)


def pymatgen_projected(path: str) -> None:
    from pymatgen.io.vasp import Vasprun

    Vasprun(path, parse_potcar_file=False, parse_projected_eigen=True)


def pymatgen_outcar(path: str) -> None:
    from pymatgen.io.vasp import Outcar

    Outcar(path)


def ours_procar(path: str) -> None:
    from qddft.engines.vasp.read import read_projected

    read_projected(path)


def pymatgen_procar(path: str) -> None:
    from pymatgen.io.vasp.outputs import Procar

    Procar(path)


def ours_density(path: str) -> None:
    from qddft.outputs.grid_files import read_grid

    read_grid(path, quantity="density")


def pymatgen_density(path: str) -> None:
    from pymatgen.io.vasp.outputs import Chgcar

    Chgcar.from_file(path)


def ase_last(path: str) -> None:
    from ase.io import read

    read(path, index=-1)


def ase_all(path: str) -> None:
    from ase.io import read

    read(path, index=":")


READERS: dict[str, Callable[[str], None]] = {
    reader.__name__: reader
    for reader in (
        ours_energies, ours_projected, ours_trajectory, pymatgen_default, pymatgen_least, pymatgen_projected,
        pymatgen_outcar, ours_procar, pymatgen_procar, ours_density, pymatgen_density, ase_last, ase_all,
    )
}  # fmt: skip


def seconds(name: str, path: Path) -> float:
    """Return the best of three times of a reader, s, after one reading that pays for its imports."""
    READERS[name](str(path))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        READERS[name](str(path))
        times.append(time.perf_counter() - start)
    return min(times)


def peak(name: str, path: Path) -> float:
    """Return the memory of one reading beyond that of the imports, MB, in a fresh process."""
    script = (
        "import sys, warnings; warnings.simplefilter('ignore'); sys.path.insert(0, sys.argv[1]);"
        "import bench_reading as b, numpy, ase.io, h5py, pymatgen.io.vasp, qddft.engines.vasp.read;"
        "before = b.memory('VmRSS'); open('/proc/self/clear_refs', 'w').write('5');"
        "b.READERS[sys.argv[2]](sys.argv[3]); sys.stdout.write(str(b.memory('VmHWM') - before))"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent), name, str(path)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def memory(kind: str) -> float:
    """Return the present (VmRSS) or highest (VmHWM) memory of this process, MB; Linux."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def compare(title: str, path: Path, names: tuple[str, ...]) -> None:
    """Write one line a reader: time, memory, and both relative to ours, the first."""
    size = path.stat().st_size / 1e6
    rows = [(name, seconds(name, path), peak(name, path)) for name in names]
    write(f"\n{title}: {path.parent.name}/{path.name}, {size:.1f} MB")
    for name, duration, memory in rows:
        ratio = f"{duration / rows[0][1]:6.1f} x time  {memory / max(rows[0][2], 0.1):5.1f} x memory"
        write(f"  {name:20s} {duration * 1e3:9.1f} ms {size / duration:7.0f} MB/s {memory:7.0f} MB  {ratio}")


def write(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def unpacked(name: str, folder: Path) -> Path:
    """Return a plain copy of a shared file."""
    target = folder / name.replace("/", "_") / Path(name).stem
    target.parent.mkdir()
    target.write_bytes(gzip.decompress((SHARED / name).read_bytes()))
    return target


def long_outcar(folder: Path) -> Path:
    """Return an OUTCAR of a long relaxation: the steps of a real one many times over."""
    text = gzip.decompress((SHARED / OUTCAR).read_bytes())
    first = text.rindex(b"\n", 0, text.index(b" Iteration "))
    last = text.index(b" reached required accuracy")
    path = folder / "OUTCAR"
    path.write_bytes(text[:first] + text[first:last] * 14 + text[last:])
    return path


def packed(path: Path) -> Path:
    """Return a packed copy of a file."""
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes(), 6))
    return target


def long_procar(folder: Path) -> Path:
    """Return a PROCAR of forty times the k-points of a real one."""
    head, _, rest = gzip.decompress((SHARED / PROCAR).read_bytes()).partition(b"\n k-point ")
    points = (b"\n k-point " + rest).split(b"\n k-point ")[1:]
    # pymatgen passes over points that come again
    place = re.compile(rb"\d+ :\s+-?\d+\.\d+")
    many = [
        place.sub(b"%d :    %.8f" % (n + 1, n / 10000), points[n % len(points)], count=1)
        for n in range(40 * len(points))
    ]
    path = folder / "PROCAR"
    counted = re.sub(rb"(k-points:\s*)\d+", rb"\g<1>%d" % len(many), head, count=1)
    path.write_bytes(counted + b"".join(b"\n k-point " + point for point in many))
    return path


def remembered(folder: Path) -> None:
    """Write how much faster unchanged folders are read again."""
    from qddft.engines.vasp.read import cached_outputs

    text = gzip.decompress((SHARED / SMALL).read_bytes())
    folders = [folder / f"run-{number:03d}" for number in range(FOLDERS)]
    for run in folders:
        run.mkdir()
        (run / "vasprun.xml").write_bytes(text)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        for run in folders:
            cached_outputs(run)
        times.append((time.perf_counter() - start) / FOLDERS)
    first, again = (1e3 * duration for duration in times)
    write(f"\nunchanged folders: {first:.2f} ms each at first, {again:.2f} ms again: {first / again:.1f} x")


def main() -> None:
    """Run all comparisons."""
    if not SHARED.is_dir():
        write("the third-party files (../shared/vasp beside the repository) are not on this machine")
        return
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp())
    try:
        for name in PROJECTED:
            path = unpacked(name, folder)
            compare("projections", path, ("ours_projected", "pymatgen_projected"))
            compare("energies only", path, ("ours_energies", "pymatgen_default", "pymatgen_least", "ase_last"))
            path = packed(path)
            compare("projections, packed", path, ("ours_projected", "pymatgen_projected"))
            compare("energies only, packed", path, ("ours_energies", "pymatgen_default", "pymatgen_least", "ase_last"))
        outcar = long_outcar(folder)
        compare("OUTCAR", outcar, ("ours_energies", "pymatgen_outcar", "ase_last"))
        compare("OUTCAR, all steps", outcar, ("ours_trajectory", "pymatgen_outcar", "ase_all"))
        compare("OUTCAR, packed", packed(outcar), ("ours_energies", "pymatgen_outcar", "ase_last"))
        compare("PROCAR", long_procar(folder), ("ours_procar", "pymatgen_procar"))
        compare("CHGCAR, packed", SHARED / DENSITY, ("ours_density", "pymatgen_density"))
        remembered(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
