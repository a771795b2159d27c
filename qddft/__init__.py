"""Set up, run and analyze DFT studies of ligands and vacancies on lead-halide perovskite surfaces.

Importing this package loads nothing heavy: every public name is fetched from its module when it is first used.

Examples
--------
>>> import qddft
>>> slab = qddft.build_slab("CsPbBr3", termination="PbX2", layers=3, supercell=(2, 2), vacuum=15.0)
>>> slab.get_chemical_formula()
'Br28Cs4Pb8'
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> module that defines it
_PUBLIC = {
    "QddftError": "qddft.core.errors",
    "Outputs": "qddft.outputs.outputs",
    "Result": "qddft.recipes.result",
    "Ligand": "qddft.atoms.ligand",
    "build_bulk": "qddft.atoms.bulk",
    "build_slab": "qddft.atoms.slab",
    "build_alloy": "qddft.atoms.alloy",
    "build_nanocrystal": "qddft.atoms.nanocrystal",
    "passivate": "qddft.atoms.shell",
    "cut_cluster": "qddft.atoms.cluster",
    "ion_ratios": "qddft.atoms.stoichiometry",
    "with_vacuum": "qddft.atoms.slab",
    "with_normal": "qddft.atoms.pseudocubic",
    "tolerance_factors": "qddft.atoms.tolerance",
    "starting_points": "qddft.atoms.starting_points",
    "get_ligand": "qddft.library.ligands",
    "list_ligands": "qddft.library.ligands",
    "protonated": "qddft.library.ligands",
    "deprotonated": "qddft.library.ligands",
    "dissociated": "qddft.library.ligands",
    "ions_of": "qddft.library.ligands",
    "conformers": "qddft.atoms.conformers",
    "truncate": "qddft.atoms.truncation",
    "attach": "qddft.atoms.binding",
    "search_poses": "qddft.study.pose_search",
    "SearchEffort": "qddft.study.pose_effort",
    "attach_pattern": "qddft.atoms.patterns",
    "distinct_patterns": "qddft.atoms.patterns",
    "Placement": "qddft.atoms.covering",
    "cover": "qddft.atoms.covering",
    "find_sites": "qddft.atoms.sites",
    "check_complex": "qddft.atoms.checks",
    "find_vacancies": "qddft.atoms.vacancy",
    "charge_ledger": "qddft.atoms.charge",
    "coverage": "qddft.atoms.coverage",
    "load_level": "qddft.levels.load",
    "load_study": "qddft.study.load",
    "plan": "qddft.study.session",
    "write": "qddft.study.session",
    "run": "qddft.study.session",
    "pilot_executor": "qddft.study.pilots",
    "collect": "qddft.study.collect",
    "read_outputs": "qddft.engines.vasp.read",
    "convert_gpw": "qddft.engines.gpaw.convert",
    "read_dos": "qddft.engines.vasp.read",
    "read_eigenvalues": "qddft.engines.vasp.read",
    "read_projected": "qddft.engines.vasp.read",
    "read_trajectory": "qddft.engines.vasp.read",
    "cached_outputs": "qddft.engines.vasp.read",
    "audit": "qddft.study.audit",
    "binding_energy": "qddft.recipes.of_folders",
    "coverage_series": "qddft.recipes.coverage_series",
    "exchange_energy": "qddft.recipes.exchange_of_folders",
    "results_table": "qddft.recipes.export",
    "write_results": "qddft.recipes.export",
    "vacancy_formation_energy": "qddft.recipes.vacancy_of_folders",
    "charge_states": "qddft.recipes.charge_states",
    "ChargeScheme": "qddft.recipes.charge_states",
    "ChargeState": "qddft.analysis.vacancy",
    "transitions": "qddft.analysis.transition_levels",
    "passivation_energy": "qddft.recipes.passivation",
    "surface_preference": "qddft.recipes.passivation",
    "competing_phases": "qddft.recipes.competing_phases",
    "stability_results": "qddft.recipes.stability_results",
    "stability_region": "qddft.analysis.phase_stability",
    "named_limit": "qddft.analysis.limits",
    "surface_energies": "qddft.recipes.surface_of_folders",
    "stoichiometric_surfaces": "qddft.recipes.stoichiometric_surface",
    "thickness_series": "qddft.recipes.surface_of_folders",
    "geometry": "qddft.recipes.geometry_of_folders",
    "density_of_states": "qddft.recipes.density_of_states",
    "electronic_structure": "qddft.recipes.electronic_structure",
    "charge_difference": "qddft.recipes.charge_difference",
    "spin_density": "qddft.recipes.spin_density",
    "grid_profile": "qddft.recipes.grid_profile",
    "planar_average": "qddft.analysis.profile",
    "work_function": "qddft.recipes.work_function",
    "read_grid": "qddft.outputs.grid_files",
}

__all__ = sorted([*_PUBLIC, "__version__"])  # noqa: PLE0605  (built from the table above)


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qddft' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
