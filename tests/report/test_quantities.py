"""Reports of several quantities: each with its own sign, table and figure."""

import json
from dataclasses import replace

import pytest
from made_up_run import make_run

from qddft.report.methods import cited, methods_text
from qddft.report.page import page, report_figures
from qddft.report.quantities import by_quantity, quantity_of
from qddft.report.result_tables import overview_table, results_table, short_table
from qddft.report.run_data import load_run_data
from qddft.study.collect import collect


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A run whose records were completed by those of an exchange and of a vacancy."""
    run = make_run(tmp_path_factory.mktemp("made-up") / "run")
    collect(run.path)
    path = run.path / "results.json"
    records = json.loads(path.read_text())
    exchange = records[0] | {
        "quantity": "E_exchange", "ligand": "methanol -> methylamine", "value": 0.74, "source_value": None,
        "convention": "E_exchange = E_ads(after) - E_ads(before)", "details": {"n_ligands": 1},
    }  # fmt: skip
    vacancy = records[0] | {
        "quantity": "E_f(V_Br)", "ligand": "none", "value": 2.4, "reference": "Br-rich",
        "convention": "E_f = E(defect) - E(pristine) + mu_Br", "details": {"place": "equatorial Br of layer 3"},
        "source_value": {"value": 2.8, "tolerance": 0.2, "unit": "eV", "source": "Somebody else, text"},
    }  # fmt: skip
    covered = vacancy | {
        "ligand": "methanol + methylamine",
        "details": vacancy["details"] | {"candidate_energies_eV": {"defect": [-1.0, -1.2]}},
    }
    path.write_text(json.dumps([*records, exchange, vacancy, covered]))
    return load_run_data(run.path)


def test_quantities_are_told_apart(data):
    assert [quantity.name for quantity in by_quantity(data.records)] == ["E_ads", "E_exchange", "E_f(V_Br)"]


def label_of(figure):
    return figure.axes[0].get_xlabel().replace("\n", " ")


def test_every_quantity_has_its_figure(data):
    figures = report_figures(data)
    assert list(figures) == ["binding", "exchange", "vacancy-Br", "relaxation"]
    assert "Br-rich" in label_of(figures["vacancy-Br"])
    assert "new ligand stays" in label_of(figures["exchange"])


def test_tables_leave_out_what_does_not_apply(data):
    (adsorption, exchange, vacancy) = (results_table(group) for group in by_quantity(data.records).values())
    assert "place" not in adsorption.headers
    assert "E_bind (eV)" not in exchange.headers
    assert "place" in vacancy.headers
    assert any("negative = bound" in header for header in adsorption.headers)
    assert not any("negative = bound" in header for header in vacancy.headers)


def test_terminal_tables_say_the_sign(data):
    notes = [short_table(group).note for group in by_quantity(data.records).values()]
    assert notes == [
        "E_ads: negative = bound; E_bind = −E_ads.",
        "E_exchange: negative = the new ligand stays.",
        "E_f(V_Br): energy that a vacancy costs, Br-rich limit.",
    ]


def test_page_has_a_section_for_each(data):
    html = page(data, report_figures(data), [])
    for words in ("Adsorption energies", "Exchange energies", "Vacancy formation energies", "+2.400", "Somebody else"):
        assert words in html


def test_methods_define_each(data):
    methods = methods_text(data)
    assert "Exchange energies: E_exchange = " in methods
    assert "Vacancy formation energies: E_f = " in methods


def test_methods_say_where_vacancies_are_and_under_what(data):
    methods = methods_text(data)
    assert "made at equatorial Br of layer 3: on the bare face; under methanol + methylamine." in methods
    assert "Of several starting geometries of a vacancy the lowest energy counts." in methods


def test_methods_say_how_odd_electrons_were_treated(data):
    assert "unpaired" not in methods_text(data)
    first, *others = data.jobs
    odd = replace(first, job=replace(first.job, unpaired=1))
    text = methods_text(replace(data, jobs=(odd, *others)))
    assert "with one unpaired electron, without a term for spin polarization." in text


def test_methods_count_no_terms(data):
    # a binding energy has three, an acid exchange four, a vacancy three
    assert "All terms of every difference share one level" in methods_text(data)


def test_rearranged_ligands_are_marked(data):
    vacancy = data.records[-1] | {"warnings": ["LIGANDS REARRANGED: a ligand atom lies 3.0 Å apart"]}
    assert "ligands rearranged" in short_table([vacancy]).rows[0][-1]


def test_the_overview_names_each_ligand_once(data):
    rows = dict(overview_table(data).rows)
    assert rows["ligands"] == "methanol; methylamine"


def test_unknown_quantity_goes_by_its_name():
    quantity = quantity_of("gap (HSE06)")
    assert quantity.title == "gap (HSE06)"
    assert quantity.file == "gap--hse06-"


def test_a_missing_group_is_measured_against_its_molecule():
    assert quantity_of("E_f(V_CsBr)").sign == "energy that a vacancy costs, against a CsBr molecule"
    assert quantity_of("E_f(V_PbI2)").sign.endswith("against a PbI2 molecule")
    assert quantity_of("E_f(V_I)").sign.endswith("I-rich limit")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            {"mode": "lcao", "basis": "dzp", "h": 0.2},
            "a basis of atomic orbitals (dzp, LCAO [@gpawlcao]) on a grid with a ",
        ),
        ({"mode": {"name": "lcao"}}, "a basis of atomic orbitals (dzp, LCAO [@gpawlcao]), "),
        ({}, "plane waves up to 400 eV"),
    ],
)
def test_methods_name_the_basis(data, raw, words):
    level = {**data.level, "engines": {"gpaw": raw}, "settings": {**data.settings, "cutoff_eV": 400.0}}
    jobs = tuple(replace(view, job=replace(view.job, level=level)) for view in data.jobs)
    changed = replace(data, jobs=jobs, run=replace(data.run, engine="gpaw"))
    assert words in methods_text(changed)
    assert ("gpawlcao" in {item.key for item in cited(changed)}) == ("LCAO" in words)
