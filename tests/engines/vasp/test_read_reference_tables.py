"""The large tables of the third-party files against reference.json: levels, gaps, densities of states, projections."""

import numpy as np
import pytest
from shared_vasp import FOLDER, derived, of_kind, present, reference

from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_outputs, read_projected
from qddft.outputs.tables import MissingTableError

REFERENCE = reference()
pytestmark = present


def values_of(name, reading):
    return REFERENCE[name]["reference"].get(reading)


@pytest.mark.parametrize("name", of_kind("doscar"))
def test_doscar(name):
    raw, dos = values_of(name, "raw"), read_dos(FOLDER / name)
    assert len(dos.atoms) == raw["n_atoms"]
    assert dos.total.shape == ((raw["columns"] - 1) // 2, raw["NEDOS"])
    np.testing.assert_allclose(dos.energies[[0, -1]], [raw["emin"], raw["emax"]], atol=1e-9)
    assert dos.fermi_level == raw["efermi"]
    assert dos.integrated[:, -1].tolist() == raw["idos_last"]
    if not raw["n_site_blocks"]:
        assert dos.projected is None
        return
    components, atoms, orbitals, energies = dos.projected.shape
    assert (atoms, components * orbitals, energies) == (raw["n_site_blocks"], raw["site_columns"] - 1, raw["NEDOS"])
    assert len(dos.orbitals) == orbitals


@pytest.mark.parametrize("name", of_kind("eigenval"))
def test_eigenval(name):
    theirs, levels = values_of(name, "pymatgen"), read_eigenvalues(FOLDER / name)
    assert levels.energies.shape == (theirs["ispin"], theirs["nkpt"], theirs["nbands"])
    electrons = (levels.occupations.sum(axis=(0, 2)) * levels.weights).sum() * levels.electrons_per_level
    assert electrons == pytest.approx(theirs["nelect"], abs=1e-4)
    check_edges(levels, theirs["gap_cbm_vbm_direct"])


@pytest.mark.parametrize("name", of_kind("procar"))
def test_procar(name):
    theirs, found = values_of(name, "pymatgen"), read_projected(FOLDER / name)
    spins = len(theirs["spins"])
    assert found.weights.shape[1:4] == (theirs["nkpoints"], theirs["nbands"], theirs["nions"])
    assert found.orbitals == tuple(
        "dx2-y2" if orbital in ("dx2", "x2-y2") else orbital for orbital in theirs["orbitals"]
    )
    assert len(found.eigenvalues.energies) == spins
    sums = found.weights.sum(axis=(1, 2, 3, 4))[:spins]
    np.testing.assert_allclose(sums, [theirs["sum_all"][spin] for spin in theirs["spins"]], atol=1e-6)


def test_the_tables_of_one_run_agree_with_each_other():
    folder = FOLDER / "09_Si_static_full_output_set"
    xml, dos, text = (
        read(folder / name)
        for read, name in (
            (read_projected, "vasprun.xml.gz"),
            (read_dos, "DOSCAR.gz"),
            (read_projected, "PROCAR.gz"),
        )
    )
    np.testing.assert_allclose(text.weights, xml.weights, atol=5.1e-4)
    for name, digits in (("PROCAR.gz", 1e-4), ("EIGENVAL.gz", 1e-4), ("OUTCAR.gz", 1e-4)):
        levels = read_eigenvalues(folder / name)
        np.testing.assert_allclose(levels.energies, xml.eigenvalues.energies, atol=digits)
        np.testing.assert_allclose(levels.occupations, xml.eigenvalues.occupations, atol=digits)
        np.testing.assert_allclose(levels.weights, xml.eigenvalues.weights, atol=1e-3)
        np.testing.assert_allclose(levels.kpoints, xml.eigenvalues.kpoints, atol=1e-6)
        assert levels.fermi_level == pytest.approx(xml.eigenvalues.fermi_level, abs=1e-4)
    theirs = read_dos(folder / "vasprun.xml.gz")
    np.testing.assert_allclose(dos.energies, theirs.energies, atol=1e-3)
    np.testing.assert_allclose(dos.total, theirs.total, atol=1e-3)
    np.testing.assert_allclose(dos.projected, theirs.projected, atol=1e-3)
    assert dos.atoms.get_chemical_formula() == text.atoms.get_chemical_formula() == "Si2"


@pytest.mark.parametrize("name", ["PBEsol", "PBEsol_SoC"])
def test_levels_of_outcar(name):
    expected = derived()["MAPbI3_gaps"][name]
    levels = read_eigenvalues(FOLDER / "03_MAPbI3_bands_pbesol_and_soc" / name)
    assert levels.energies.shape == (1, expected["n_k"], expected["n_bands"])
    assert levels.electrons_per_level == expected["occ_max"]
    full = levels.occupations > 0.5
    assert levels.energies[full].max() == expected["vbm"]
    assert levels.energies[~full].min() == expected["cbm"]


def check_edges(levels, expected):
    """Compare with pymatgen's edges, which count a level as occupied from 1e-8 on, and tell spins apart nowhere."""
    gap, cbm, vbm, direct = expected
    full = levels.occupations * levels.electrons_per_level > 1e-8
    highest = np.where(full, levels.energies, -np.inf).max(axis=(0, 2))
    lowest = np.where(full, np.inf, levels.energies).min(axis=(0, 2))
    assert (highest.max(), lowest.min()) == pytest.approx((vbm, cbm), abs=1e-8)
    assert max(lowest.min() - highest.max(), 0) == pytest.approx(gap, abs=1e-8)
    if gap > 0:
        assert (highest.argmax() == lowest.argmin()) == direct


@pytest.mark.parametrize("name", [n for n in of_kind("vasprun") if values_of(n, "pymatgen")])
def test_tables_of_vasprun(name):
    theirs = values_of(name, "pymatgen")
    if theirs["n_kpoints"] is None or theirs["tdos"] is None or "efermi" not in theirs["tdos"]:
        with pytest.raises(MissingTableError):
            read_dos(FOLDER / name)
        return
    levels, dos = read_eigenvalues(FOLDER / name), read_dos(FOLDER / name)
    assert levels.energies.shape == (2 if theirs["is_spin"] else 1, theirs["n_kpoints"], theirs["nbands"])
    assert levels.fermi_level == dos.fermi_level == theirs["tdos"]["efermi"]
    check_edges(levels, theirs["gap_cbm_vbm_direct"])
    assert len(dos.energies) == theirs["tdos"]["n"]
    np.testing.assert_allclose(dos.energies[[0, -1]], [theirs["tdos"]["emin"], theirs["tdos"]["emax"]])
    spins = ("up", "down")[: len(theirs["idos_last"])]
    assert len(dos.total) == len(spins)
    integrals = np.trapezoid(dos.total, dos.energies, axis=1)
    np.testing.assert_allclose(integrals, [theirs["tdos"][f"integral_trapz_{spin}"] for spin in spins], rtol=1e-9)
    np.testing.assert_allclose(dos.integrated[:, -1], [theirs["idos_last"][spin] for spin in spins])
    check_projected(dos, theirs.get("pdos_element_integral_to_efermi_trapz"), spins)


def check_projected(dos, expected, spins):
    if expected is None:
        return
    below = dos.energies <= dos.fermi_level
    symbols = np.array(dos.atoms.get_chemical_symbols())
    for element, by_spin in expected.items():
        for number, spin in enumerate(spins):
            # theirs is zero above the Fermi level, and integrated over the whole grid
            density = np.where(below, dos.projected[number, symbols == element].sum(axis=(0, 1)), 0.0)
            assert np.trapezoid(density, dos.energies) == pytest.approx(by_spin[spin], rel=1e-8, abs=1e-9)


def polarized():
    sums = derived()["occupation_sums_spin_polarised"] if REFERENCE else {}
    return {name: (entry["n_up"], entry["n_down"]) for name, entry in sums.items() if isinstance(entry, dict)}


@pytest.mark.parametrize(("name", "sums"), polarized().items())
def test_occupations_of_polarized_runs_add_up(name, sums):
    levels = read_eigenvalues(FOLDER / name)
    # the weights that VASP prints add up to 1 within seven digits, ours exactly
    assert tuple((levels.occupations.sum(axis=2) * levels.weights).sum(axis=1)) == pytest.approx(sums, rel=1e-6)


@pytest.mark.parametrize("name", of_kind("vaspout.h5"))
def test_vaspout(name):
    theirs, path = values_of(name, "h5py"), FOLDER / name
    outputs, levels, dos = read_outputs(path), read_eigenvalues(path), read_dos(path)
    assert outputs.engine_version == theirs["vasp_version"]
    free, without_entropy, sigma0 = theirs["energies"][-1]
    assert (outputs.free_energy, outputs.energy) == (free, sigma0)
    assert outputs.extra["energy_without_entropy"] == without_entropy
    assert outputs.fermi_level == theirs["efermi"]
    assert outputs.n_electrons == theirs["nelectrons"]
    assert np.linalg.norm(outputs.forces, axis=1).max() == pytest.approx(theirs["max_force_norm"], abs=1e-15)
    assert list(levels.energies.shape) == theirs["eigenvalues_shape"]
    full = levels.occupations > 0.5
    assert levels.energies[full].max() == theirs["vbm_from_occ"]
    assert levels.energies[~full].min() == theirs["cbm_from_occ"]
    assert list(dos.projected.shape) == theirs["dospar_shape"]
    assert len(dos.energies) == theirs["nedos"]
    counts = zip(theirs["ion_types"], theirs["number_ion_types"], strict=True)
    assert outputs.atoms.get_chemical_symbols() == [symbol for symbol, count in counts for _ in range(count)]
