"""Surface energies of folders."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines" / "vasp"))
from shared_vasp import FOLDER, derived, present

from qddft.atoms.bulk import build_bulk
from qddft.atoms.slab import build_slab
from qddft.core.errors import ReferenceSchemeError
from qddft.outputs.outputs import Outputs
from qddft.recipes.surface_of_folders import surface_energies, thickness_series

SETTINGS = {"xc": "PBE", "cutoff_eV": 400.0, "dispersion": "none"}
BULK, SALT, HALIDE = -14.5, -8.3, -6.0


def output(atoms, energy, **changes):
    facts = {"atoms": atoms, "energy": energy, "electronically_converged": True, "ionically_converged": True}
    return Outputs(**(facts | {"settings": SETTINGS, "engine": "vasp"} | changes))


def slab(termination, excess, layers=5):
    return output(build_slab("CsPbBr3", termination=termination, layers=layers, supercell=(1, 1), vacuum=15.0), excess)


def solid(formula, energy):
    from ase import Atoms

    atoms = Atoms(formula, cell=[5, 5, 5], pbc=True)
    atoms.positions[:, 0] = range(len(atoms))
    return output(atoms, energy)


REFERENCES = (output(build_bulk("CsPbBr3", phase="cubic"), BULK), solid("PbBr2", SALT), solid("CsBr", HALIDE))
SLABS = (slab("PbX2", 2 * BULK + SALT + 0.5), slab("CsX", 2 * BULK + HALIDE + 0.4))


def test_both_terminations():
    found = surface_energies(SLABS, *REFERENCES)
    assert found.window == (pytest.approx(-0.2), 0.0)
    lead, cesium = found.results
    assert lead.details["termination"] == "PbBr2"
    assert lead.value == pytest.approx(1000 * 0.5 / (2 * lead.details["area_A2"]))
    at_cesium = cesium.details["meV_per_A2"]["AX-rich"]
    assert at_cesium == pytest.approx(1000 * 0.4 / (2 * cesium.details["area_A2"]))
    sums = [lead.details["meV_per_A2"][end] + cesium.details["meV_per_A2"][end] for end in ("BX2-rich", "AX-rich")]
    assert sums[0] == pytest.approx(sums[1])
    assert lead.warnings == ()
    assert json.dumps(lead.record())


def test_an_unstable_bulk_and_unequal_faces_are_told():
    unstable = replace(REFERENCES[0], energy=SALT + HALIDE + 0.07)
    odd = slab(("PbX2", "CsX"), -29.0, layers=4)
    (result,) = surface_energies([odd], unstable, *REFERENCES[1:]).results
    assert any("0.070 eV above AX + BX2: there is no stable region" in text for text in result.warnings)
    assert any("the faces differ" in text for text in result.warnings)


def test_different_settings_give_no_number_unless_asked():
    other = replace(REFERENCES[0], settings=SETTINGS | {"cutoff_eV": 300.0})
    assert surface_energies(SLABS, other, *REFERENCES[1:]).results[0].value is None
    assert surface_energies(SLABS, other, *REFERENCES[1:], allow_differences=True).results[0].value is not None


def test_references_of_another_composition_are_refused():
    with pytest.raises(ReferenceSchemeError, match="BX2: BrCs is no BX2"):
        surface_energies(SLABS, REFERENCES[0], REFERENCES[2])


def test_a_series_needs_one_composition_and_one_cell():
    with pytest.raises(ReferenceSchemeError, match="need one composition"):
        thickness_series(SLABS)
    wide = build_slab("CsPbBr3", termination=("PbX2", "CsX"), layers=4, supercell=(2, 1), vacuum=15.0)
    with pytest.raises(ReferenceSchemeError, match="faces of"):
        thickness_series([slab(("PbX2", "CsX"), -29.0, layers=4), output(wide, -58.0)])


@present
@pytest.mark.parametrize(("vacuum", "published"), [(20, 0.41614), (30, 0.41701), (50, 0.41680)])
def test_slabs_of_yttrium_titanium_oxysulfide(vacuum, published):
    folder = FOLDER / "19_Y2Ti2S2O5_001_slabs"
    result = thickness_series([folder / f"{thickness}_{vacuum}_15" for thickness in (20, 30)], allow_unconverged=True)
    known = derived()["Y2Ti2S2O5_001_surface"][f"fiorentini_methfessel_vac{vacuum}"]
    assert result.details["J_per_m2"] == pytest.approx(known["surface_energy_J_m2"], abs=1e-6)
    # the paper converts with fewer digits
    assert result.details["J_per_m2"] == pytest.approx(published, abs=1e-4)
    assert result.details["bulk_energy_per_atom_eV"] == pytest.approx(known["bulk_e_per_atom_from_slope"], abs=1e-7)
