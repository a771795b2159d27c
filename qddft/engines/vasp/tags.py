"""INCAR tags of a case, each with its reason: what does not depend on spin, dipole or grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.core.errors import LevelError
from qddft.core.suggest import did_you_mean
from qddft.engines.vasp.case import Case

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Tag:
    """One INCAR tag.

    Attributes
    ----------
    value
        As pymatgen's ``Incar`` takes it.
    why
        Why the value is what it is, where an expert might ask; no ``=``, ``;`` or line break, since old versions of
        VASP look for tags in comments.
    key
        Key of the level that decides it.
    """

    value: Any
    why: str = ""
    key: str = ""


Tags = Mapping[str, Tag]

_EXACT = Tag(value=True, why="part of the exchange is exact", key="xc")
_QUARTER = Tag(0.25, "a quarter of it", "xc")
_FUNCTIONALS: Mapping[str, Tags] = {
    "PBE": {"GGA": Tag("PE", "PBE, written out so that it does not hang on the POTCAR", "xc")},
    "PBEsol": {"GGA": Tag("PS", "PBEsol", "xc")},
    "RPBE": {"GGA": Tag("RP", "RPBE", "xc")},
    "revPBE": {"GGA": Tag("RE", "revPBE", "xc")},
    "HSE06": {
        "GGA": Tag("PE", "HSE06 mixes exact exchange into PBE", "xc"),
        "LHFCALC": _EXACT,
        "AEXX": _QUARTER,
        "HFSCREEN": Tag(0.2, "at short range only, inverse Angstrom", "xc"),
    },
    "PBE0": {
        "GGA": Tag("PE", "PBE0 mixes exact exchange into PBE", "xc"),
        "LHFCALC": _EXACT,
        "AEXX": _QUARTER,
        "HFSCREEN": Tag(0.0, "at all ranges", "xc"),
    },
}
# functionals for which VASP has D3(BJ) parameters of its own; source: VASP wiki, DFT-D3
_HAS_D3 = ("PBE", "PBEsol", "RPBE", "revPBE")
_SMEARING = {"gaussian": 0, "fermi-dirac": -1, "methfessel-paxton": 1, "tetrahedron": -5}
_LONG_CELL = 50.0


def method_tags(case: Case) -> dict[str, Tag]:
    """Return functional, cutoff, precision and dispersion."""
    settings, name = case.settings, case.level.get("name", "given")
    if settings.xc not in _FUNCTIONALS:
        raise LevelError(
            f"level {name}: VASP cannot compute xc {settings.xc!r} here. {did_you_mean(settings.xc, _FUNCTIONALS)} "
            "Take another level or another engine"
        )
    if settings.core not in (None, "PAW"):
        raise LevelError(f"level {name}: VASP treats cores by PAW, not by {settings.core!r}")
    tags: dict[str, Tag] = {"PREC": Tag("Accurate", "no aliasing errors in forces", "vasp.incar.PREC")}
    tags |= {"ENCUT": _cutoff(case), **_FUNCTIONALS[settings.xc]}
    tags["LASPH"] = Tag(value=True, why="aspherical terms inside the PAW spheres", key="vasp.incar.LASPH")
    tags["LREAL"] = Tag(value=False, why="projection in reciprocal space, exact in every cell", key="vasp.incar.LREAL")
    return tags | _exact_exchange(case) | _dispersion(case)


def _exact_exchange(case: Case) -> dict[str, Tag]:
    """Return the grid for exact exchange; source: VASP wiki, PRECFOCK."""
    if not case.hybrid:
        return {}
    if case.task == "relax":
        return {"PRECFOCK": Tag("Normal", "the coarser grid, Fast, adds noise to forces")}
    return {"PRECFOCK": Tag("Fast", "the coarse grid for exact exchange, good for energies at a fraction of the cost")}


def _cutoff(case: Case) -> Tag:
    settings, name = case.settings, case.level.get("name", "given")
    if settings.cutoff_eV is None:
        raise LevelError(f"level {name} has no cutoff_eV, so it is not made for VASP; take tao-pbe or tight")
    if case.cell_relaxes:
        cutoff = settings.bulk_cutoff_eV or settings.cutoff_eV
        return Tag(cutoff, "the cell relaxes at a fixed basis, higher against Pulay stress", "bulk_cutoff_eV")
    return Tag(settings.cutoff_eV, "the same in every term of an energy difference", "cutoff_eV")


def _dispersion(case: Case) -> dict[str, Tag]:
    settings, name = case.settings, case.level.get("name", "given")
    if settings.dispersion == "none":
        return {}
    if settings.dispersion == "built-in":
        raise LevelError(f"level {name}: {settings.xc} has no built-in dispersion; set dispersion to none or D3(BJ)")
    if settings.xc not in _HAS_D3 and not {"VDW_S8", "VDW_A1", "VDW_A2"} <= set(case.incar):
        raise LevelError(
            f"level {name}: VASP has no D3(BJ) parameters for {settings.xc}; give VDW_S8, VDW_A1 and VDW_A2, with "
            "their source, under engines.vasp.incar"
        )
    return {"IVDW": Tag(12, "D3 with Becke-Johnson damping, parameters of the functional built in", "dispersion")}


def electron_tags(case: Case, atoms: "Atoms", n_kpoints: int) -> dict[str, Tag]:
    """Return the self-consistent cycle and the smearing."""
    settings = case.settings
    tags = {
        "ALGO": _algorithm(case),
        "NELM": Tag(settings.max_scf_steps, "a cycle that gets there has not converged", "max_scf_steps"),
        "NELMIN": Tag(5, "at least five steps, so that forces settle"),
        "EDIFF": Tag(settings.energy_tol_eV, "total energy of the cell, eV", "energy_tol_eV"),
        **(_METAL if is_metal(case, atoms) else _smearing(case, n_kpoints)),
        "LMAXMIX": Tag(4, _why_lmaxmix(atoms)),
    }
    if max(atoms.cell.lengths()) > _LONG_CELL:
        tags["AMIN"] = Tag(0.01, "a cell longer than 50 Angstrom lets charge slosh")
    return tags


def _why_lmaxmix(atoms: "Atoms") -> str:
    if "Pb" in atoms.get_chemical_symbols():
        return "Pb 5d is in the valence, its density has to be mixed and stored with the rest"
    return "as in every term, which the d electrons of lead need"


def _algorithm(case: Case) -> Tag:
    if case.hybrid:
        return Tag("All", "all bands at once, Davidson and mixing are unsafe with exact exchange")
    return Tag("Normal", "blocked Davidson, robust for gapped slabs")


# source: VASP wiki, ISMEAR
_METAL = {
    "ISMEAR": Tag(1, "Methfessel-Paxton, since the crystal is a metal", "smearing"),
    "SIGMA": Tag(0.2, "the extrapolation to zero width removes it from the energy", "sigma_eV"),
}


def is_metal(case: Case, atoms: "Atoms") -> bool:
    """Tell whether a crystal holds metallic elements only, such as the Cs and Pb of chemical potentials."""
    from pymatgen.core import Element

    symbols = set(atoms.get_chemical_symbols())
    return case.role == "bulk" and all(Element(symbol).is_metal for symbol in symbols)


def _smearing(case: Case, n_kpoints: int) -> dict[str, Tag]:
    settings = case.settings
    kind, why = _SMEARING[settings.smearing], ""
    if kind == -5 and (case.task == "relax" or n_kpoints < 4):
        kind, why = 0, "Gaussian, tetrahedra need four irreducible k-points and give no reliable forces"
    elif kind == 0:
        why = "Gaussian, safe with a gap, at Gamma only and for forces"
    return {
        "ISMEAR": Tag(kind, why, "smearing"),
        "SIGMA": Tag(settings.sigma_eV, "narrow against the gap", "sigma_eV"),
    }


def ion_tags(case: Case) -> dict[str, Tag]:
    """Return what moves and how far, and the symmetry that is used."""
    return {**(_relax(case) if case.task == "relax" else _static()), "ISYM": _symmetry(case)}


def _relax(case: Case) -> dict[str, Tag]:
    settings = case.settings
    if case.cell_relaxes:
        cell = Tag(3, "atoms and cell relax")
    elif case.role == "bulk":
        cell = Tag(2, "atoms only, a vacancy is embedded in the lattice of the perfect crystal")
    elif case.role == "molecule":
        cell = Tag(2, "the box stays")
    else:
        cell = Tag(2, "atoms only, a relaxing cell would lose its vacuum")
    return {
        "IBRION": Tag(2, "conjugate gradients"),
        "ISIF": cell,
        "NSW": Tag(settings.max_ionic_steps, "a limit, a relaxation that gets there has not converged"),
        "EDIFFG": Tag(-settings.force_tol_eV_per_A, "largest force on a free atom, eV/Angstrom", "force_tol_eV_per_A"),
    }


def _static() -> dict[str, Tag]:
    return {"IBRION": Tag(-1, "atoms stay"), "ISIF": Tag(2), "NSW": Tag(0)}


def _symmetry(case: Case) -> Tag:
    if case.spin_orbit:
        return Tag(-1, "spin-orbit coupling couples spin to the lattice, no symmetry is used")
    if case.role == "bulk" and case.defective:
        return Tag(0, "atoms around a vacancy have to be free to lower the symmetry")
    if case.role == "bulk" and case.hybrid:
        return Tag(3, "symmetry kept, in the form that exact exchange allows")
    if case.role == "bulk":
        return Tag(2, "symmetry kept, a cubic crystal would tilt without it")
    if case.part_of_complex:
        return Tag(0, "as in the whole complex, removed atoms must not add symmetry")
    if case.role == "molecule":
        return Tag(0, "the symmetry of a molecule in a box is accidental")
    return Tag(0, "the same for slab with and without ligand, so that both may lower their symmetry")


def _why_density(*, part: bool) -> str:
    return "to be subtracted from the density of the complex" if part else "charge density for later analysis"


def output_tags(case: Case) -> dict[str, Tag]:
    """Return what is written beside energies and forces."""
    periodic = case.role != "molecule" and not case.part_of_complex
    static = case.task == "static"
    part = case.part_of_complex
    density = static and (periodic or part or not case.wanted.isdisjoint({"density", "bader"}))
    tags = {
        "LWAVE": Tag(value=False, why="large, and nothing starts from it"),
        "LCHARG": Tag(value=density, why=_why_density(part=part) if density else ""),
    }
    if static and "bader" in case.wanted:
        tags["LAECHG"] = Tag(value=True, why="core and valence densities, AECCAR0 and AECCAR2 are the Bader reference")
    if static and (periodic or "dos" in case.wanted):
        tags |= {
            "LORBIT": Tag(11, "density of states by atom and orbital"),
            "EMIN": Tag(-25.0, "window of the density of states on the energy scale of VASP, eV, wide on purpose"),
            "EMAX": Tag(10.0, "since the Fermi level of a slab is not known beforehand"),
            "NEDOS": Tag(3501, "one point every 0.01 eV"),
        }
    if static and ((periodic and case.role != "bulk") or "potential" in case.wanted):
        tags["LVHAR"] = Tag(value=True, why="Hartree potential without xc, for the vacuum level")
    return tags
