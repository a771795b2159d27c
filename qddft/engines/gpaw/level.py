"""A job at a level of theory to the input parameters of GPAW."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qddft.core.errors import ChargeError, EngineError, LevelError, StructureError
from qddft.core.suggest import did_you_mean
from qddft.engines.vasp.case import Case, case_of
from qddft.engines.vasp.kpoints import mesh_of
from qddft.engines.vasp.moments import start_moments, unpaired_electrons

if TYPE_CHECKING:
    from ase import Atoms

    from qddft.jobs.job import Job

# those that gpaw-data has PAW setups for
FUNCTIONALS = ("LDA", "PBE", "RPBE", "revPBE")
WANTED = ("dos", "density", "potential")
MODES = ("pw", "lcao")
# parameters of GPAW that a level may set; all others follow from the neutral keys
RAW_KEYS = (
    "mode", "basis", "h", "gpts", "setups", "nbands", "convergence", "mixer", "eigensolver", "experimental",
    "charged_slabs", "point_group",
)  # fmt: skip
_OURS = ("charged_slabs", "point_group")
_SMEARING: Mapping[str, Mapping[str, Any]] = {
    "fermi-dirac": {"name": "fermi-dirac"},
    # Methfessel and Paxton's zeroth order is Gaussian smearing
    "gaussian": {"name": "methfessel-paxton", "order": 0},
    "methfessel-paxton": {"name": "methfessel-paxton", "order": 1},
}


def check_job(job: "Job", atoms: "Atoms") -> None:
    """Refuse what this engine does not compute, before anything starts.

    Raises
    ------
    LevelError
        A functional, smearing, dispersion, core or raw key that it does not know.
    ChargeError
        A charged periodic cell.
    StructureError
        A periodic system without a cell.
    EngineError
        Quantities that it does not give.
    """
    settings, raw = job.level["settings"], job.level.get("raw", {})
    label = f"job {job.name}, level {job.level.get('name', 'without a name')!r}"
    if settings["xc"] not in FUNCTIONALS:
        raise LevelError(
            f"{label}: the engine gpaw computes {', '.join(FUNCTIONALS)}, not {settings['xc']!r}; take the level "
            "'gpaw-pbe' or 'tao-pbe'"
        )
    if settings.get("core") not in (None, "PAW"):
        raise LevelError(f"{label}: gpaw treats cores by PAW, not {settings['core']!r}; set 'core: PAW'")
    if raw.get("spin_orbit"):
        raise LevelError(
            f"{label}: this engine has no spin-orbit coupling in its cycle; take vasp, or a level without it"
        )
    for key in raw:
        if key not in (*RAW_KEYS, "spin_orbit"):
            raise LevelError(f"{label}: unknown key engines.gpaw.{key}. {did_you_mean(key, RAW_KEYS)}")
    if settings.get("smearing", "gaussian") not in _SMEARING:
        raise LevelError(
            f"{label}: gpaw gives no forces with {settings['smearing']!r} occupations; take {', '.join(_SMEARING)}"
        )
    if settings.get("dispersion", "none") not in ("none", "D3(BJ)"):
        raise LevelError(f"{label}: gpaw adds D3(BJ) or none, not {settings['dispersion']!r}; set 'dispersion'")
    for quantity in sorted(job.wanted):
        if quantity not in WANTED:
            raise EngineError(f"{label}: gpaw does not give {quantity!r}. {did_you_mean(quantity, WANTED)}")
    _check_mode(job, label)
    _check_system(job, atoms, label)


def parameters(job: "Job", atoms: "Atoms") -> dict[str, Any]:
    """Return the keyword arguments of ``gpaw.GPAW`` for a job, JSON types only, without ``txt``.

    Raises
    ------
    LevelError
        The unpaired electrons do not fit the number of electrons, or spin polarization is forbidden.
    """
    case = neutral_case(job)
    settings, raw = job.level["settings"], job.level.get("raw", {})
    occupations = {**_SMEARING[settings.get("smearing", "gaussian")], "width": settings.get("sigma_eV", 0.05)}
    moments = start_moments(case, atoms)
    if moments is not None and job.role == "molecule" and sum(moments) > 0:
        # smearing would else spread the unpaired electrons of a molecule over both spins
        occupations["fixmagmom"] = True
    mode = mode_of(job)
    found: dict[str, Any] = {
        "mode": mode,
        "xc": settings["xc"],
        "kpts": _mesh(case, atoms),
        "occupations": occupations,
        "spinpol": moments is not None,
        "symmetry": {"point_group": bool(raw.get("point_group", False)), "time_reversal": True},
        "maxiter": settings.get("max_scf_steps", 200),
        "convergence": {"energy": {"name": "energy", "tol": settings.get("energy_tol_eV", 1e-5), "relative": False}},
    }
    if mode["name"] == "lcao":
        found |= {"basis": "dzp", "h": 0.2}
    if has_dipole_layer(job):
        found["poissonsolver"] = {"dipolelayer": "xy"}
    if job.charge:
        found["charge"] = job.charge
    given = {key: value for key, value in raw.items() if key not in (*_OURS, "mode", "convergence")}
    found["convergence"] |= raw.get("convergence", {})
    return found | given


def mode_of(job: "Job") -> dict[str, Any]:
    """Return the representation of the wave functions: plane waves at the level's cutoff unless it says otherwise."""
    settings, raw = job.level["settings"], job.level.get("raw", {})
    given = raw.get("mode", "pw")
    mode = dict(given) if isinstance(given, Mapping) else {"name": given}
    if mode.get("name") == "pw":
        mode.setdefault("ecut", settings.get("cutoff_eV"))
    return mode


def neutral_case(job: "Job") -> Case:
    """Return what decides mesh and spin of a job; the rules are those of every plane-wave engine here."""
    return case_of(replace(job, level={**job.level, "raw": {"charged_slabs": True}}))


def in_cell_of_slab(job: "Job") -> bool:
    """Tell whether the cell is that of a slab: slabs, complexes, and frozen parts of complexes."""
    return job.role in ("slab", "complex") or neutral_case(job).part_of_complex


def has_dipole_layer(job: "Job") -> bool:
    """Tell whether the potential may jump in the vacuum: in every neutral slab, unless the level forbids it.

    A slab with two equal faces has no dipole moment, and the correction is then zero.
    """
    return in_cell_of_slab(job) and job.level["settings"].get("dipole", "auto") == "auto" and not job.charge


def start_magnetization(job: "Job", atoms: "Atoms") -> list[float] | None:
    """Return the moment that each atom starts with, Bohr magnetons; ``None`` without spin polarization.

    Where the total is held (molecules), they add up to it.
    """
    case = neutral_case(job)
    moments = start_moments(case, atoms)
    if moments is None or job.role != "molecule" or not sum(moments):
        return moments
    share = unpaired_electrons(case, atoms) / sum(moments)
    return [share * moment for moment in moments]


def _mesh(case: Case, atoms: "Atoms") -> dict[str, Any]:
    mesh = mesh_of(case, atoms)
    return {"size": list(mesh), "gamma": case.settings.kpoint_scheme == "gamma" or mesh == (1, 1, 1)}


def _check_mode(job: "Job", label: str) -> None:
    mode = mode_of(job)
    if mode.get("name") not in MODES:
        raise LevelError(
            f"{label}: engines.gpaw.mode is {mode.get('name')!r}. {did_you_mean(str(mode.get('name')), MODES)}"
        )
    if mode["name"] == "pw" and not mode.get("ecut"):
        raise LevelError(f"{label}: plane waves need a cutoff; set 'cutoff_eV' (400 for PBE with these elements)")


def _check_system(job: "Job", atoms: "Atoms", label: str) -> None:
    allowed = job.level.get("raw", {}).get("charged_slabs", False)
    if job.charge and job.role != "molecule" and not allowed:
        raise ChargeError(
            f"{label}: the periodic cell has the charge {job.charge:+d}; the energy of a charged slab depends on the "
            "vacuum. Use a neutral reference scheme (acid-exchange, salt-exchange, ion-pair), or, with a correction of "
            "your own, set engines.gpaw.charged_slabs in the level"
        )
    if (job.role != "molecule" or in_cell_of_slab(job)) and atoms.cell.rank < 3:
        raise StructureError(f"{label}: a {job.role} needs a cell with three vectors")
