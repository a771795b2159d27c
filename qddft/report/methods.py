"""The paragraphs for the methods section of a paper, made from what was computed and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qddft.analysis.reaction import SCHEMES
from qddft.report.convergence_table import only_series, series_title, without_series
from qddft.report.quantities import VACANCIES, Record, by_quantity, conventions
from qddft.report.references import Reference, is_lcao, references_for
from qddft.report.run_data import RunData
from qddft.study.vacancies import BARE

_SMEARING = {
    "gaussian": "Gaussian smearing",
    "fermi-dirac": "Fermi-Dirac smearing",
    "methfessel-paxton": "Methfessel-Paxton smearing",
    "tetrahedron": "the tetrahedron method",
}
_PROGRAMS = {"vasp": "VASP", "gpaw": "GPAW"}
_LATTICES = {"pbe": "PBE", "pbesol": "PBEsol", "hse06": "HSE06"}
_SCHEMES_WITH_MOLECULE = ("neutral", "ion-pair")


def methods_text(data: RunData) -> str:
    """Return the methods section as Markdown, with the keys of ``references.bib`` in brackets."""
    paragraphs = [
        _models(data),
        _level(data),
        _energies(data.records),
        _software(data),
    ]
    return "# Methods\n\n" + "\n\n".join(text.strip() for text in paragraphs if text) + "\n"


def cited(data: RunData) -> list[Reference]:
    """Return the references of a run."""
    return references_for(
        data.run.engine,
        data.settings,
        conformers=bool(data.complexes),
        one_sided=_is_one_sided(data),
        lcao=is_lcao(data.run.engine, data.level),
    )


def _is_one_sided(data: RunData) -> bool:
    """Tell whether a slab carries ligands on one face only and is therefore dipolar."""
    return any(len(_faces(job.atoms.info.get("qddft", {}))) == 1 for job in data.complexes)


def _models(data: RunData) -> str:
    slab = data.slab
    if not slab:
        return ""
    bulk = slab["bulk"]
    faces = slab["termination"]
    formula = str(bulk["formula"])
    both = faces["top"] == faces["bottom"]
    face = (
        f"{_face(faces['top'], formula)} on both faces"
        if both
        else f"{_face(faces['top'], formula)} above and {_face(faces['bottom'], formula)} below"
    )
    lattice = _LATTICES.get(bulk["lattice"], bulk["lattice"])
    text = (
        f"The surface was modeled by an (001) slab of {bulk['phase']} {formula} with {face}, {slab['layers']} atomic "
        f"layers in a {slab['supercell']} lateral cell and at least {data.vacuum:.1f} Å of vacuum above the highest "
        f"atom. The lattice constant was {bulk['a']:.3f} Å ({lattice}; {bulk['source']}). "
    )
    return text + _held(data) + _ligands(data)


def _face(name: str, formula: str) -> str:
    """Return the termination with the halide of the crystal: PbX2 of CsPbBr3 is PbBr2."""
    halide = formula.removeprefix("CsPb").rstrip("0123456789")
    return name.replace("X", halide)


def _held(data: RunData) -> str:
    if data.settings.get("frozen") == "slab":
        return "All atoms of the inorganic slab were held at their bulk positions; only ligands moved. "
    held = int(data.slab.get("fixed_layers", 0))
    return f"The lowest {held} layers were held. " if held else "No slab layer was held. "


def _ligands(data: RunData) -> str:
    notes = [job.atoms.info.get("qddft", {}) for job in data.complexes]
    entries = [entry for note in notes for entry in note.get("fragments", [])[1:] if "mode" in entry]
    if not entries:
        return ""
    placed = {f"{entry['name']} ({entry['mode']})" for entry in entries}
    where = "on one face" if {entry["face"] for entry in entries} == {"top"} else "mirrored on both faces"
    cut = {f"{entry['name']}: {entry['truncated_from']['rule']}" for entry in entries if entry.get("truncated_from")}
    text = (
        f"Ligand conformers were generated with ETKDG [@etkdg] and placed {where} by their anchor atoms: "
        f"{', '.join(sorted(placed))}. "
    )
    return text + (f"Chains were shortened ({'; '.join(sorted(cut))}). " if cut else "")


def _faces(note: Mapping[str, Any]) -> set[str]:
    return {entry["face"] for entry in note.get("fragments", [])[1:] if "face" in entry}


def _level(data: RunData) -> str:
    level, settings = data.level, data.settings
    method = _method(settings)
    parts = [f"Energies and forces were computed with {_engine(data)} at the level '{level['name']}': {method}"]
    parts.append(_basis(data))
    parts.append(_kpoints(level.get("relax_at", level)["settings"]))
    parts.append(f"{_SMEARING[settings['smearing']]} ({settings['sigma_eV']:g} eV)")
    parts.append(_dispersion(settings["dispersion"]))
    text = ", ".join(part for part in parts if part) + ". "
    text += f"The electronic cycle was converged to {settings['energy_tol_eV']:g} eV and {_relaxed(level)}. "
    text += _open_shells(data)
    if any(item.key == "dipole" for item in cited(data)):
        text += "A dipole correction was applied along the surface normal [@dipole]. "
    if settings.get("static_after_relax"):
        text += f"Final energies are static calculations on the {_mesh(settings['kpoints_static'])} mesh. "
    return text + f"Source of the level: {str(level['source']).rstrip('.')}."


def _relaxed(level: Mapping[str, Any]) -> str:
    before = level.get("relax_at", level)
    settings = before["settings"]
    until = f"until the largest force on a free atom was below {settings['force_tol_eV_per_A']:g} eV/Å"
    if before is level:
        return f"atoms were relaxed {until}"
    return f"atoms were relaxed at the level '{before['name']}' ({_method(settings)}) {until}"


def _basis(data: RunData) -> str:
    """Say what wave functions are expanded in; plane waves where nothing else is set."""
    if not is_lcao(data.run.engine, data.level):
        cutoff = data.settings.get("cutoff_eV")
        return f"plane waves up to {cutoff:g} eV" if cutoff else ""
    raw = data.level["engines"]["gpaw"]
    grid = f" on a grid with a spacing of {raw['h']:g} Å" if raw.get("h") else ""
    return f"a basis of atomic orbitals ({raw.get('basis', 'dzp')}, LCAO [@gpawlcao]){grid}"


def _engine(data: RunData) -> str:
    key = {"vasp": " [@vasp; @vasppaw]", "gpaw": " [@gpaw]"}.get(data.run.engine, "")
    return (" and ".join(data.engine_versions) or _PROGRAMS.get(data.run.engine, data.run.engine)) + key


def _method(settings: Mapping[str, Any]) -> str:
    key = {"PBE": " [@pbe]", "GFN2-xTB": " [@gfn2xtb]"}.get(settings["xc"], "")
    core = " with the projector augmented-wave method [@paw]" if settings.get("core") == "PAW" else ""
    return f"{settings['xc']}{key}{core}"


def _kpoints(settings: Mapping[str, Any]) -> str:
    relax = settings["kpoints_relax"]
    if list(relax) == [1, 1, 1] and list(settings["kpoints_static"]) == [1, 1, 1]:
        return "the Gamma point"
    scheme = "Gamma-centered" if settings["kpoint_scheme"] == "gamma" else "Monkhorst-Pack [@monkhorstpack]"
    cell = "of the 1x1 cell, divided by the supercell" if settings["kpoints_refer_to"] == "1x1" else "of the cell used"
    return f"a {scheme} {_mesh(relax)} mesh {cell} for relaxations"


def _mesh(mesh: Sequence[int]) -> str:
    return "x".join(map(str, mesh))


def _dispersion(kind: str) -> str:
    return {
        "none": "no dispersion correction",
        "D3(BJ)": "D3(BJ) dispersion [@d3; @d3bj]",
        "built-in": "the method's own dispersion",
    }.get(kind, kind)


def _energies(records: Sequence[Mapping[str, Any]]) -> str:
    texts = []
    for quantity, group in by_quantity(without_series(records)).items():
        if quantity.name == "E_ads":
            texts.append(_adsorption(group))
        elif quantity.title == VACANCIES:
            texts.append(_vacancies(group))
        else:
            texts += [f"{quantity.title}: {text}." for text in conventions(group)]
    return " ".join([*texts, *map(_series, only_series(records))])


def _series(record: Mapping[str, Any]) -> str:
    details = record["details"]
    labels = ", ".join(str(point["label"]) for point in details["points"])
    return f"Convergence of {series_title(record)} was tested with {labels}: {details['verdict']}."


def _adsorption(records: Sequence[Mapping[str, Any]]) -> str:
    schemes = sorted({str(record["reference"]) for record in records})
    equations = "; ".join(f"{name}: {SCHEMES[name].equation}" for name in schemes if name in SCHEMES)
    text = (
        "Adsorption energies are E_ads = [E(complex) - E(slab) - sum of references]/n for n ligands, negative = bound, "
        f"with energies extrapolated to zero smearing. Reference schemes ({equations}). "
    )
    if set(schemes) & set(_SCHEMES_WITH_MOLECULE):
        text += "Free molecules were relaxed in a box of their own."
    return text


def _vacancies(records: Sequence[Record]) -> str:
    """Say what is missing where, under which ligands, and define the energy."""
    places: dict[str, list[str]] = {}
    for record in records:
        missing = str(record["quantity"]).removeprefix("E_f(V_").rstrip(")")
        # a place names its species, where a recipe gave one
        place = str(record["details"].get("place") or missing)
        places.setdefault(place, []).append(
            "on the bare face" if record["ligand"] == BARE else f"under {record['ligand']}"
        )
    listed = "; ".join(f"{place}: {'; '.join(found)}" for place, found in places.items())
    text = f"Vacancy formation energies: {'; '.join(conventions(records))}. Neutral vacancies were made at {listed}."
    if any(len(found) > 1 for record in records for found in _starts(record)):
        text += " Of several starting geometries of a vacancy the lowest energy counts."
    return text


def _starts(record: Record) -> Iterable[Sequence[Any]]:
    """Return the energies of the starting geometries of each term that has several."""
    energies: Mapping[str, Sequence[Any]] = record["details"].get("candidate_energies_eV") or {}
    return energies.values()


def _open_shells(data: RunData) -> str:
    """Say how systems with an odd number of electrons were treated, where there are any."""
    if not any(job.job.unpaired for job in data.jobs):
        return ""
    # GFN2-xTB as tblite runs it fills orbitals for the spin but has no term for the polarization
    way = ", without a term for spin polarization" if data.settings["xc"] == "GFN2-xTB" else ""
    return f"Systems with an odd number of electrons were computed with one unpaired electron{way}. "


def _software(data: RunData) -> str:
    return (
        f"Structures, jobs and results were handled by qddft {data.run.version} on top of the Atomic Simulation "
        "Environment [@ase]. All terms of every difference share one level; a difference between jobs with "
        "different settings is refused."
    )
