import pytest

from qddft.core.errors import LevelError
from qddft.levels.load import list_levels, load_level
from qddft.levels.settings import Settings

STATED_BY_TAO = {
    "xc": "PBE",
    "core": "PAW",
    "cutoff_eV": 400.0,
    "kpoints_static": (8, 8, 1),
    "force_tol_eV_per_A": 0.02,
    "energy_tol_eV": 1e-5,
}
HEAD = "name: mine\ndescription: d\nsource: s\n"


def write(tmp_path, text, name="mine.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_presets():
    assert set(list_levels()) >= {"tao-pbe", "tao-pbe-literal-mp", "tight", "screening", "smoke", "calculator"}


@pytest.mark.parametrize("name", list_levels())
def test_every_preset_loads_under_its_own_name_and_explains_itself(name):
    level = load_level(name)
    assert level.name == name
    assert level.description
    assert level.source


def test_tao_pbe_is_what_the_paper_states_and_gives_a_reason_for_everything_else():
    level = load_level("tao-pbe")
    for key, value in STATED_BY_TAO.items():
        assert getattr(level.settings, key) == value, key
    assert not set(STATED_BY_TAO) & set(level.choices)
    assert set(level.choices) - {f"vasp.incar.{tag}" for tag in ("PREC", "LASPH", "LREAL")} == (
        set(Settings.model_fields) - set(STATED_BY_TAO)
    )


def test_the_literal_mesh_differs_from_tao_pbe_in_the_scheme_only():
    ours, literal = load_level("tao-pbe"), load_level("tao-pbe-literal-mp")
    assert literal.settings.kpoint_scheme == "monkhorst-pack"
    assert literal.settings.model_copy(update={"kpoint_scheme": "gamma"}) == ours.settings
    # the parent's reason for its own scheme must not be given for the child's
    assert "kpoint_scheme" not in literal.choices
    assert literal.engines == ours.engines


def test_tight_raises_cutoff_and_convergence_and_adds_dispersion():
    settings = load_level("tight").settings
    assert (settings.cutoff_eV, settings.energy_tol_eV, settings.dispersion) == (520.0, 1e-6, "D3(BJ)")


def test_screening_freezes_the_slab_and_warns_with_every_number():
    level = load_level("screening")
    assert (level.settings.xc, level.settings.frozen, level.settings.kpoints_static) == ("GFN2-xTB", "slab", (1, 1, 1))
    assert level.settings.force_tol_eV_per_A == 0.05
    assert level.caution.startswith("screening")


def test_a_child_file_fills_up_from_its_parents(tmp_path):
    write(tmp_path, HEAD + "parent: tao-pbe\nengines: {vasp: {incar: {NCORE: 4}}}\nsettings: {sigma_eV: 0.02}\n")
    grandchild = write(tmp_path, HEAD + "parent: mine.yaml\nsettings: {spin: polarized}\n", "child.yaml")
    level = load_level(grandchild)
    assert level.settings == load_level("tao-pbe").settings.model_copy(update={"sigma_eV": 0.02, "spin": "polarized"})
    assert level.engines["vasp"]["incar"] == {"PREC": "Accurate", "LASPH": True, "LREAL": False, "NCORE": 4}
    assert "sigma_eV" not in level.choices


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("setings: {}\n", r"mine.yaml:4: unknown key 'setings'. Did you mean 'settings'\?"),
        ("settings: {xc: PBE,\n  cutof_eV: 3}\n", r"mine.yaml:5: unknown key 'cutof_eV'. Did you mean 'cutoff_eV'"),
        ("settings: {xc: PBE, cutoff_eV: -3}\n", "mine.yaml:4: cutoff_eV: should be greater than 0, not -3"),
        ("settings: {xc: PBE, smearing: gausian}\n", "smearing: 'gausian' is not a choice. Did you mean 'gaussian'"),
        ("settings: {xc: PBE, kpoints_static: [2, 2]}\n", "kpoints_static"),
        ("settings: {xc: PBE, kpoints_static: [2, 2, 1]}\n", "kpoints_relax and kpoints_static differ"),
        ("settings: 3\n", "settings has to be a mapping"),
        ("settings: {}\n", "mine.yaml:4: the key 'xc' is missing"),
        ("parent: tao-pb\n", r"mine.yaml:4: parent: there is no level 'tao-pb'. Did you mean 'tao-pbe'"),
        ("parent: mine.yaml\n", "its own ancestor"),
        ("parent: tao-pbe\nchoices: {sigma: why}\n", "choices explains the unknown key 'sigma'"),
        ("source: again\n", "the key 'source' is already there on line 3"),
    ],
)
def test_mistakes_in_a_level_file(tmp_path, text, match):
    with pytest.raises(LevelError, match=match):
        load_level(write(tmp_path, HEAD + text))


def test_a_name_that_is_no_file_name_is_refused(tmp_path):
    text = "name: ../evil\ndescription: d\nsource: s\nsettings: {xc: PBE}\n"
    with pytest.raises(LevelError, match=r"mine\.yaml:1: name: "):
        load_level(write(tmp_path, text))


def test_unknown_levels_are_refused(tmp_path):
    with pytest.raises(LevelError, match=r"there is no level 'tao-bpe'. Did you mean 'tao-pbe'"):
        load_level("tao-bpe")
    with pytest.raises(LevelError, match="there is no level file"):
        load_level(tmp_path / "none.yaml")
    with pytest.raises(LevelError, match="a level is a mapping"):
        load_level(write(tmp_path, "- 1\n"))


def test_a_level_resolves_to_plain_json_types():
    resolved = load_level("tao-pbe").resolved("vasp")
    assert resolved["settings"]["kpoints_static"] == [8, 8, 1]
    assert resolved["raw"]["incar"]["LASPH"] is True
    assert load_level("tao-pbe").resolved("tblite")["raw"] == {}


@pytest.mark.parametrize("name", ["hse06", "tao-pbe-soc"])
def test_costly_levels_relax_at_the_level_they_stand_on(name):
    level = load_level(name)
    assert level.relax_at == level.parent == "tao-pbe"
    assert level.resolved("vasp")["relax_at"] == load_level("tao-pbe").resolved("vasp")
    assert "relax_at" not in load_level("tao-pbe").resolved("vasp")


def test_children_relax_where_their_parent_does_unless_they_say_otherwise(tmp_path):
    text = "name: mine\nparent: hse06\ndescription: x\nsource: y\n"
    assert load_level(write(tmp_path, text)).relax_at == "tao-pbe"
    assert load_level(write(tmp_path, f"{text}relax_at: null\n", "other.yaml")).relax_at is None


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ("relax_at: tao-pb\n", r"mine.yaml:5: relax_at: 'tao-pb' is no preset. Did you mean 'tao-pbe'"),
        ("relax_at: hse06\n", "hse06 does not relax at its own settings either"),
        (
            "settings: {static_after_relax: false, kpoints_static: [6, 6, 1]}\nrelax_at: tight\n",
            "relax_at: tight relaxes, so that energies of this level need static_after_relax: true",
        ),
    ],
)
def test_a_level_for_geometries_has_to_relax(more, match, tmp_path):
    with pytest.raises(LevelError, match=match):
        load_level(write(tmp_path, f"name: mine\nparent: tao-pbe\ndescription: x\nsource: y\n{more}"))


def test_geometries_are_shared_by_levels_that_relax_alike():
    from qddft.atoms.slab import build_slab
    from qddft.recipes.relaxation import relaxation

    atoms = build_slab("CsPbBr3", layers=3, supercell=(1, 1), vacuum=12.0, fixed_layers=1)
    plain, hybrid, spinors = (
        relaxation("slab", "slab", atoms, load_level(name).resolved("vasp"))
        for name in ("tao-pbe", "hse06", "tao-pbe-soc")
    )
    assert plain.relaxed.id == hybrid.relaxed.id == spinors.relaxed.id
    assert len({plain.final.id, hybrid.final.id, spinors.final.id}) == 3
    assert hybrid.final.level["settings"]["xc"] == "HSE06"
