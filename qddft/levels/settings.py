"""The engine-neutral keys of a level of theory."""

from copy import deepcopy
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Mesh = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# a level's name appears in tables and file names
NAME_PATTERN = r"^[a-z0-9][a-z0-9.-]{0,63}$"


class Settings(BaseModel):
    """What decides and controls a calculation, under names that every engine translates.

    Attributes
    ----------
    xc
        Density functional or semi-empirical method, for instance ``PBE`` or ``GFN2-xTB``.
    core
        How core electrons are treated (``PAW``); ``None`` where the method leaves no choice.
    cutoff_eV
        Plane-wave cutoff, eV.
    bulk_cutoff_eV
        Plane-wave cutoff where the cell relaxes (Pulay stress), eV.
    kpoints_relax, kpoints_static
        Meshes of slabs for relaxation and for the final electronic structure; molecules always use Gamma.
    kpoints_bulk
        Mesh of the five-atom cubic cell.
    kpoints_refer_to
        ``1x1``: the meshes belong to the primitive lateral cell and are divided by the supercell;
        ``cell``: they are used as written.
    kpoint_scheme
        ``gamma`` (Gamma-centered) or ``monkhorst-pack``.
    smearing, sigma_eV
        Kind and width of the smearing.
    energy_tol_eV
        Convergence of the self-consistent cycle, eV.
    force_tol_eV_per_A
        A relaxation has converged when the largest force on a free atom is below, eV/Angstrom.
    max_ionic_steps, max_scf_steps
        Limits; a calculation that reaches one has not converged.
    dispersion
        ``none`` or ``D3(BJ)``; ``built-in`` where the method contains it.
    spin
        ``auto`` polarizes when the number of electrons is odd or unpaired electrons are asked for.
    dipole
        ``auto`` corrects one-sided slabs and dipolar molecules where the engine can.
    frozen
        ``study``: the atoms that the study fixes; ``slab``: the whole inorganic slab.
    static_after_relax
        Final energies come from a static calculation at ``kpoints_static`` after the relaxation.
    molecule_padding_A
        Empty space around a molecule in its box, Angstrom, on each side.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    xc: str
    core: str | None = None
    cutoff_eV: Positive | None = None
    bulk_cutoff_eV: Positive | None = None
    kpoints_relax: Mesh = (1, 1, 1)
    kpoints_static: Mesh = (1, 1, 1)
    kpoints_bulk: Mesh = (8, 8, 8)
    kpoints_refer_to: Literal["1x1", "cell"] = "1x1"
    kpoint_scheme: Literal["gamma", "monkhorst-pack"] = "gamma"
    smearing: Literal["gaussian", "fermi-dirac", "methfessel-paxton", "tetrahedron"] = "gaussian"
    sigma_eV: Positive = 0.05
    energy_tol_eV: Positive = 1e-5
    force_tol_eV_per_A: Positive = 0.02
    max_ionic_steps: Annotated[int, Field(ge=1)] = 200
    max_scf_steps: Annotated[int, Field(ge=1)] = 200
    dispersion: Literal["none", "D3(BJ)", "built-in"] = "none"
    spin: Literal["auto", "polarized", "none"] = "auto"
    dipole: Literal["auto", "none"] = "auto"
    frozen: Literal["study", "slab"] = "study"
    static_after_relax: bool = False
    molecule_padding_A: Positive = 7.5

    @model_validator(mode="after")
    def _one_mesh_for_all_energies(self) -> "Settings":
        if not self.static_after_relax and self.kpoints_relax != self.kpoints_static:
            raise ValueError(
                "kpoints_relax and kpoints_static differ although static_after_relax is off, so that terms of one "
                "difference would come from two meshes; make them equal or set static_after_relax: true"
            )
        return self


class Level(BaseModel):
    """A named level of theory.

    Attributes
    ----------
    name, description, source
        What it is called, what it is for, and where its values were stated.
    parent
        Name of the preset it started from.
    settings
        Engine-neutral keys.
    choices
        Key -> why: every value that the source does not state and that is ours.
    engines
        Raw keys for one engine, passed on as they are, for instance ``{"vasp": {"incar": {...}}}``.
    caution
        Sentence that travels as a warning with every number of this level; empty where none is needed.
    relax_at
        Name of the preset that geometries are relaxed at, where this level is too costly for it and gives the final
        energies only; ``None`` relaxes at this level.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    description: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    parent: str | None = None
    settings: Settings
    choices: dict[str, str] = Field(default_factory=dict)
    engines: dict[str, dict[str, Any]] = Field(default_factory=dict)
    caution: str = ""
    relax_at: str | None = None

    @model_validator(mode="after")
    def _static_where_relaxed_elsewhere(self) -> "Level":
        if self.relax_at is not None and not self.settings.static_after_relax:
            raise ValueError(
                f"relax_at: {self.relax_at} relaxes, so that energies of this level need static_after_relax: true"
            )
        return self

    def resolved(self, engine: str) -> dict[str, Any]:
        """Return the level for one engine as plain JSON types: what a job carries and its id hashes."""
        found = self._own(engine)
        if self.relax_at is not None:
            # levels are read by the module that needs this one
            from qddft.levels.load import load_level

            found["relax_at"] = load_level(self.relax_at).resolved(engine)
        return found

    def _own(self, engine: str) -> dict[str, Any]:
        return {
            "name": self.name,
            "parent": self.parent,
            "description": self.description,
            "source": self.source,
            "choices": dict(self.choices),
            "caution": self.caution,
            "engine": engine,
            "settings": self.settings.model_dump(mode="json"),
            "raw": deepcopy(self.engines.get(engine.partition(":")[0], {})),
        }
