"""How time and memory of nanocrystals grow with the number of atoms: bare ones, and the shell of oleate/oleylammonium.

``uv run python tests/benchmarks/bench_nanocrystal.py [FIGURE.png]``. Every size runs in a process of its own, so that
its peak memory is its own. Seconds are of the processor, for building without imports: on a machine that others use
they say more than the clock, which stands beside them. The exponent is the slope of log(seconds) over log(atoms): 1 is
linear growth. A shell has a cost that no size changes (conformers, poses of each kind of place), which the last column
takes out: the seconds each atom adds to those of the next smaller size.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

BARE_NM = (2.0, 3.0, 5.0, 7.0, 10.0, 13.0)
SHELL_NM = (2.0, 3.0, 4.0, 5.0, 7.0)
COVERAGE = 2.0


def bare(size: float) -> dict[str, float]:
    """Build a CsPbBr3 nanocrystal without ligands."""
    from qddft.atoms.nanocrystal import build_nanocrystal

    build_nanocrystal("CsPbBr3", size=1)
    clock = _Clock()
    dot = build_nanocrystal("CsPbBr3", size=size)
    return clock.read() | {"atoms": len(dot)}


def shell(size: float) -> dict[str, float]:
    """Cover a CsPbI3 nanocrystal with oleate and oleylammonium, conformer search included."""
    from qddft.atoms.nanocrystal import build_nanocrystal
    from qddft.atoms.shell import passivate
    from qddft.library.ligands import get_ligand

    oleate, oleylammonium = get_ligand("oleate"), get_ligand("oleylammonium")
    passivate(build_nanocrystal("CsPbI3", size=1), get_ligand("acetate"))
    clock = _Clock()
    dot = passivate(
        build_nanocrystal("CsPbI3", size=size), (oleate, "X-site"), (oleylammonium, "A-site"), coverage=COVERAGE
    )
    return clock.read() | {"atoms": len(dot), "ligands": len(dot.info["qddft"]["fragments"]) - 1}


class _Clock:
    """Seconds and memory since it was made."""

    def __init__(self) -> None:
        self._wall, self._own, self._before = time.perf_counter(), time.process_time(), _peak()

    def read(self) -> dict[str, float]:
        """Return seconds of the processor and of the clock, the peak memory and how much of it is new, MB."""
        return {
            "seconds": time.process_time() - self._own,
            "wall": time.perf_counter() - self._wall,
            "MB": _peak(),
            "new MB": _peak() - self._before,
        }


def _peak() -> float:
    """Return the peak memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure(kind: str, size: float) -> dict[str, float]:
    """Run one size in a process of its own."""
    done = subprocess.run([sys.executable, __file__, kind, str(size)], check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def exponent(rows: list[dict[str, float]]) -> float:
    """Return the slope of log(seconds) over log(atoms)."""
    import numpy as np

    return float(np.polyfit(np.log([row["atoms"] for row in rows]), np.log([row["seconds"] for row in rows]), 1)[0])


def table(kind: str, sizes: tuple[float, ...]) -> list[dict[str, float]]:
    """Measure and print all sizes of one kind."""
    heads = ("nm", "atoms", "ligands", "seconds", "clock", "ms/atom", "peak MB", "new MB", "ms/new atom")
    say(f"{kind}\n" + " ".join(f"{head:>11}" for head in heads))
    rows: list[dict[str, float]] = []
    for size in sizes:
        row = measure(kind, size)
        added = 1e3 * (row["seconds"] - rows[-1]["seconds"]) / (row["atoms"] - rows[-1]["atoms"]) if rows else 0.0
        cells = (
            f"{size:g}",
            f"{row['atoms']:.0f}",
            f"{row.get('ligands', 0):.0f}",
            f"{row['seconds']:.2f}",
            f"{row['wall']:.2f}",
            f"{1e3 * row['seconds'] / row['atoms']:.3f}",
            f"{row['MB']:.0f}",
            f"{row['new MB']:.0f}",
            f"{added:.3f}",
        )
        say(" ".join(f"{cell:>11}" for cell in cells))
        rows.append(row)
    ratio = (rows[-1]["seconds"] / rows[-1]["atoms"]) / (rows[0]["seconds"] / rows[0]["atoms"])
    say(f"seconds ~ atoms^{exponent(rows):.2f}; per atom, the largest takes {ratio:.2f} of the smallest\n")
    return rows


def figure(rows: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Draw seconds over atoms, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    drawn, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
    marks = {"bare": ("o", "#0072b2"), "shell": ("s", "#d55e00")}
    labels = {"bare": "bare CsPbBr$_3$", "shell": "CsPbI$_3$ with shell"}
    for kind, measured in rows.items():
        atoms, seconds = (np.array([row[key] for row in measured]) for key in ("atoms", "seconds"))
        mark, color = marks[kind]
        axes.loglog(atoms, seconds, mark, color=color, label=f"{labels[kind]}: atoms$^{{{exponent(measured):.2f}}}$")
        axes.loglog(atoms, seconds[-1] * atoms / atoms[-1], ":", color=color, linewidth=1)
    axes.set(xlabel="atoms", ylabel="seconds of the processor")
    axes.legend(title="dotted: linear growth", frameon=False)
    drawn.savefig(path, dpi=200)


def main(arguments: list[str]) -> None:
    """Measure everything, or one size in a process of its own."""
    if arguments[:1] in (["bare"], ["shell"]):
        say(json.dumps({"bare": bare, "shell": shell}[arguments[0]](float(arguments[1]))))
        return
    rows = {"bare": table("bare", BARE_NM), "shell": table("shell", SHELL_NM)}
    if arguments:
        figure(rows, Path(arguments[0]))
        say(f"wrote {arguments[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
