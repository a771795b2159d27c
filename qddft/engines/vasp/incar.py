"""All INCAR tags of a case, and INCAR as text with the reasons beside the tags."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from qddft.engines.vasp.case import Case
from qddft.engines.vasp.kpoints import irreducible_points
from qddft.engines.vasp.moments import even_moments, unpaired_electrons
from qddft.engines.vasp.polarity import center, dipole_kind
from qddft.engines.vasp.potcar import potentials
from qddft.engines.vasp.tags import Tag, Tags, electron_tags, ion_tags, method_tags, output_tags

if TYPE_CHECKING:
    from ase import Atoms

_GROUPS = {
    "method": (
        "PREC",
        "ENCUT",
        "GGA",
        "GGA_COMPAT",
        "LASPH",
        "LREAL",
        "LHFCALC",
        "AEXX",
        "HFSCREEN",
        "PRECFOCK",
        "IVDW",
        "VDW_S8",
        "VDW_A1",
        "VDW_A2",
    ),
    "electrons": ("ALGO", "NELM", "NELMIN", "EDIFF", "ISMEAR", "SIGMA", "LMAXMIX", "AMIN", "NELECT", "NBANDS"),
    "spin": ("LSORBIT", "LNONCOLLINEAR", "ISPIN", "MAGMOM", "NUPDOWN"),
    "start": ("ISTART", "ICHARG"),
    "ions": ("IBRION", "ISIF", "NSW", "EDIFFG", "ISYM"),
    "dipole correction": ("IDIPOL", "LDIPOL", "DIPOL"),
    "FFT grid": ("NGX", "NGY", "NGZ", "NGXF", "NGYF", "NGZF"),
}
_OTHER = "output"
_COMMENT_COLUMN = 24


def incar_tags(case: Case, atoms: "Atoms", moments: Iterable[float] | None = None) -> dict[str, Tag]:
    """Return every tag of a case.

    Parameters
    ----------
    case
        Role, task and level.
    atoms
        Atoms grouped by species, in the cell of the calculation.
    moments
        Starting magnetic moment of each atom, Bohr magnetons; ``None`` spreads the unpaired electrons evenly.

    Raises
    ------
    LevelError
        The level asks for something that VASP, or this charge, does not allow.
    """
    tags = method_tags(case) | electron_tags(case, atoms, irreducible_points(case, atoms)) | _charge_tags(case, atoms)
    tags |= _spin_tags(case, atoms, moments) | ion_tags(case) | output_tags(case)
    correction = _dipole_tags(case, atoms)
    tags |= _start_tags(case, corrected="LDIPOL" in correction) | correction
    raw = {key: Tag(value, tags[key].why if _is_same(tags, key, value) else "set by the level", f"vasp.incar.{key}")
           for key, value in case.incar.items()}  # fmt: skip
    tags |= raw
    if case.pins_grid:
        tags |= {key: tag for key, tag in _grid_tags(atoms, tags).items() if key not in raw}
    return tags


def _is_same(tags: Tags, key: str, value: Any) -> bool:
    return key in tags and tags[key].value == value


def preconverges(tags: Tags) -> bool:
    """Tell whether a run without dipole correction and exact exchange comes first."""
    return any(key in tags and tags[key].value is True for key in ("LDIPOL", "LHFCALC"))


def preconvergence_tags(tags: Tags) -> dict[str, Tag]:
    """Return the tags of the run before: the same electrons, atoms at rest, without what disturbs a start."""
    dropped = ("EDIFFG", "LORBIT", "EMIN", "EMAX", "NEDOS", "LVHAR", "LAECHG", "AEXX", "HFSCREEN", "PRECFOCK")
    kept = {key: tag for key, tag in tags.items() if key not in dropped}
    for key in ("LDIPOL", "LHFCALC"):
        if key in kept:
            kept[key] = Tag(value=False, why="switched on in the main run, once the density is converged")
    if "LHFCALC" in kept:
        kept["ALGO"] = Tag("Normal", "blocked Davidson")
    return kept | {
        "IBRION": Tag(-1, "atoms stay"),
        "NSW": Tag(0),
        "LWAVE": Tag(value=True, why="the main run starts from these orbitals"),
        "LCHARG": Tag(value=False),
        "ISTART": Tag(0, "from scratch"),
        "ICHARG": Tag(2, "from atomic densities"),
    }


def _spin_tags(case: Case, atoms: "Atoms", moments: Iterable[float] | None) -> dict[str, Tag]:
    unpaired = unpaired_electrons(case, atoms)
    if case.spin_orbit:
        return _spinor_tags(case, atoms, list(moments) if moments is not None else even_moments(atoms, unpaired))
    if not unpaired and case.settings.spin != "polarized":
        return {"ISPIN": Tag(1, "closed shell, an even number of electrons", "spin")}
    start = [round(float(moment), 3) for moment in moments] if moments is not None else even_moments(atoms, unpaired)
    tags = {
        "ISPIN": Tag(2, f"{unpaired} unpaired electron(s)" if unpaired else "asked for by the level", "spin"),
        "MAGMOM": Tag(start, "starting moments, in the order of POSCAR"),
    }
    if unpaired and case.role == "molecule" and not case.part_of_complex:
        tags["NUPDOWN"] = Tag(unpaired, "the spin of an isolated radical is known")
    return tags


def _spinor_tags(case: Case, atoms: "Atoms", moments: list[float]) -> dict[str, Tag]:
    magnetic = unpaired_electrons(case, atoms) > 0
    along_z = [[0.0, 0.0, round(float(moment), 3) if magnetic else 0.0] for moment in moments]
    n_electrons = _n_electrons(case, atoms)
    return {
        "LSORBIT": Tag(value=True, why="spin-orbit coupling, to be run with vasp_ncl", key="vasp.spin_orbit"),
        "LNONCOLLINEAR": Tag(value=True, why="comes with it"),
        "ISPIN": Tag(1, "no meaning for spinors, and VASP 6.5 stops when it is 2"),
        "MAGMOM": Tag(along_z, "x, y, z of each atom, in the order of POSCAR"),
        "GGA_COMPAT": Tag(value=False, why="gradients with the full symmetry of the lattice"),
        "NBANDS": Tag(int(n_electrons) + len(atoms), "twice as many as without spin-orbit coupling, one electron each"),
    }


def _n_electrons(case: Case, atoms: "Atoms") -> float:
    symbols = atoms.get_chemical_symbols()
    valence = {item.element: item.n_electrons for item in potentials(sorted(set(symbols)), case.potcar)}
    return sum(valence[symbol] for symbol in symbols) - case.charge


def _charge_tags(case: Case, atoms: "Atoms") -> dict[str, Tag]:
    if not case.charge:
        return {}
    return {"NELECT": Tag(_n_electrons(case, atoms), f"sum of ZVAL minus the charge {case.charge:+d}")}


def _start_tags(case: Case, *, corrected: bool) -> dict[str, Tag]:
    if corrected or case.hybrid:
        without = " and ".join(["LDIPOL"] * corrected + ["exact exchange"] * case.hybrid)
        return {"ISTART": Tag(1, f"from the orbitals of INCAR.pre, converged without {without}")}
    return {"ISTART": Tag(0, "from scratch"), "ICHARG": Tag(2, "from atomic densities")}


def _dipole_tags(case: Case, atoms: "Atoms") -> dict[str, Tag]:
    kind = dipole_kind(case, atoms)
    if kind == "none":
        return {}
    x, y, z = (round(along, 4) for along in (case.dipole_center or center(atoms)))
    if kind == "slab":
        # only the height counts, a slab has no center in its plane
        direction, where = Tag(3, "the two faces differ, images feel a dipole along z", "dipole"), [0.5, 0.5, z]
    else:
        direction, where = Tag(4, "isolated molecule in a cubic box", "dipole"), [x, y, z]
    return {
        "IDIPOL": direction,
        "LDIPOL": Tag(value=True, why="corrects potential and forces, not only the energy", key="dipole"),
        "DIPOL": Tag(where, "opposite the middle of the vacuum, fractional"),
    }


def _grid_tags(atoms: "Atoms", tags: Tags) -> dict[str, Tag]:
    """Return the FFT grids that VASP 6 takes by itself, written out: complex and parts must share them.

    Source of the rule: VASP, main.F, as repeated by pymatgen's ``VaspInputSet.calculate_ng``.
    """
    from pymatgen.core.units import Ry_to_eV, bohr_to_angstrom
    from pymatgen.io.vasp.sets import next_num_with_prime_factors

    fine = str(tags["PREC"].value)[0].lower() in "as"
    cutoff = float(tags["ENCUT"].value)
    sizes = []
    for length in atoms.cell.lengths():
        radius = (cutoff / Ry_to_eV) ** 0.5 / (2 * 3.141592653589793) * float(length) / bohr_to_angstrom
        sizes.append(next_num_with_prime_factors(int((4 if fine else 3) * radius + 0.5), 7, must_inc_2=True))
    coarse = {f"NG{axis}": Tag(size) for axis, size in zip("XYZ", sizes, strict=True)}
    double = {f"NG{axis}F": Tag(2 * size) for axis, size in zip("XYZ", sizes, strict=True)}
    return {
        **coarse,
        **double,
        "NGX": Tag(sizes[0], "one FFT grid for all static runs in this cell, so that densities subtract"),
    }


def incar_text(tags: Mapping[str, Tag], title: str, system: str) -> str:
    """Return INCAR: tags in groups, the reason of each behind it."""
    placed = {key for keys in _GROUPS.values() for key in keys}
    groups = {**_GROUPS, _OTHER: tuple(key for key in tags if key not in placed)}
    lines = [f"# {title}", f"SYSTEM = {system}"]
    for heading, keys in groups.items():
        rows = [_row(key, tags[key]) for key in keys if key in tags]
        lines += ["", f"# {heading}", *rows] if rows else []
    return "\n".join(lines) + "\n"


def _row(key: str, tag: Tag) -> str:
    setting = f"{key:<8}= {format_value(tag.value)}"
    return f"{setting:<{_COMMENT_COLUMN}}  # {tag.why}" if tag.why else setting


def format_value(value: Any) -> str:
    """Return a value as it stands in INCAR."""
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], list | tuple):
            value = [number for vector in value for number in vector]
        # three numbers are a vector, more are one per atom: VASP reads 12*0.0 as twelve zeros
        runs = [(item, len(list(same))) for item, same in groupby(value)] if len(value) > 3 else [(x, 1) for x in value]
        return " ".join(f"{count}*{format_value(item)}" if count > 1 else format_value(item) for item, count in runs)
    return f"{value:.10g}".upper() if isinstance(value, float) else str(value)
