"""Write DOSCAR, EIGENVAL and PROCAR texts from known numbers, in the formats of VASP 5 and 6."""

import numpy as np

LM = ("s", "py", "pz", "px", "dxy", "dyz", "dz2", "dxz", "x2-y2")
CELL = (6.0, 6.5, 20.0)
POSCAR = "made up\n1.0\n6.0 0 0\n0 6.5 0\n0 0 20.0\nPb Br\n1 1\nDirect\n0 0 0\n0.5 0.5 0.25\n"


def _head(n_atoms: int, fourth: int) -> str:
    lengths = "".join(f"{length * 1e-10:15.7E}" for length in CELL)
    first = f"{n_atoms:4d}{n_atoms:4d}   1{fourth:4d}\n  0.3900000E+03{lengths}  0.5000000E-15\n"
    return first + "  1.0E-004\n  CAR \n made up\n"


def doscar(total: np.ndarray, projected: np.ndarray | None, ends: tuple[float, float], fermi: float) -> str:
    """Return a DOSCAR; total is (2 n_spins, n_energies), projected (n_components, n_atoms, n_orbitals, n_energies)."""
    n_energies = total.shape[1]
    line = f"{ends[1]:16.8f}{ends[0]:16.8f}{n_energies:5d}{fermi:16.8f}{1.0:16.8f}\n"
    grid = np.linspace(*ends, n_energies)
    tables = [total.T] if projected is None else [total.T, *projected.transpose(1, 3, 2, 0)]
    text = _head(2, 0)
    for rows in tables:
        numbers = rows.reshape(n_energies, -1)
        text += line + "".join(
            f"{e:11.3f}" + "".join(f"{x:12.4E}" for x in row) + "\n" for e, row in zip(grid, numbers, strict=True)
        )
    return text


def eigenval(points: np.ndarray, energies: np.ndarray, occupations: np.ndarray | None, electrons: int) -> str:
    """Return an EIGENVAL; points are (n, 4) with weights, the others (n_spins, n, n_bands)."""
    spins, _, n_bands = energies.shape
    text = _head(2, spins) + f"{electrons:7d}{len(points):7d}{n_bands:7d}\n"
    for k, point in enumerate(points):
        text += " \n" + "".join(f"{x:15.7E}" for x in point) + "\n"
        for band in range(n_bands):
            columns = [f"{energies[s, k, band]:15.6f}" for s in range(spins)]
            if occupations is not None:
                columns += [f"{occupations[s, k, band]:11.6f}" for s in range(spins)]
            text += f"{band + 1:5d}    {''.join(columns)}\n"
    return text


def procar(
    points: np.ndarray, energies: np.ndarray, occupations: np.ndarray, weights: np.ndarray, phases: str = ""
) -> str:
    """Return a PROCAR; weights are (n_components, n, n_bands, n_atoms, n_orbitals), phases ``new``, ``old`` or none."""
    spins, n_points, n_bands = energies.shape
    n_atoms = weights.shape[3]
    names = ("s", "p", "d") if weights.shape[4] == 3 else LM
    title = "ion " + "".join(f"{name:>7}" for name in names)
    text = f"PROCAR lm decomposed{' + phase' if phases else ''}\n"
    for spin in range(spins):
        text += f"# of k-points: {n_points:4d}         # of bands: {n_bands:4d}         # of ions: {n_atoms:4d}\n"
        for k, point in enumerate(points):
            place = "".join(f"{x:11.8f}" for x in point[:3])
            text += f"\n k-point {k + 1:5d} :    {place}     weight = {point[3]:10.8f}\n\n"
            for band in range(n_bands):
                text += f"band {band + 1:5d} # energy {energies[spin, k, band]:13.8f}"
                text += f" # occ. {occupations[spin, k, band]:11.8f}\n \n{title}    tot\n"
                tables = weights[[spin] if spins == 2 else slice(None), k, band]
                for table in tables:
                    rows = [*table, table.sum(axis=0)] if n_atoms > 1 else list(table)
                    for number, row in enumerate(rows):
                        label = f"{number + 1:5d}" if number < n_atoms else "tot  "
                        text += label + "".join(f"{x:7.3f}" for x in (*row, row.sum())) + "\n"
                if phases:
                    text += title + "\n"
                    for atom in range(n_atoms):
                        row = f"{atom + 1:5d}" + "  0.100 -0.200" * len(names) + "\n"
                        text += row if phases == "new" else row * 2
                    text += "charge  0.5\n" if phases == "new" else ""
                text += " \n"
    return text
