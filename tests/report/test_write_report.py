"""The whole report of a run with made-up energies."""

import html.parser
import json
import re

import pytest
from made_up_run import make_run

from qddft.core.errors import FolderError, OutputError
from qddft.report.methods import methods_text
from qddft.report.references import REFERENCES, bibtex, references_for
from qddft.report.run_data import load_run_data
from qddft.report.write import write_report
from qddft.study.collect import collect


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("made-up") / "run")
    return run, write_report(run.path)


@pytest.fixture(scope="module")
def text(reported):
    return reported[1].page.read_text(encoding="utf-8")


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.links, self.headings = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_page_is_well_formed_and_complete(text):
    reader = _Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.headings == [
        "What was computed", "Results", "Comparison with published values", "Structures", "Warnings", "Jobs",
        "Settings", "Formulas", "How to cite", "How to reproduce",
    ]  # fmt: skip


def test_page_needs_no_network(text):
    reader = _Reader()
    reader.feed(text)
    assert reader.links
    assert all(link.startswith(("data:image/png;base64,", "https://doi.org/")) for link in reader.links)
    assert "<script" not in text


def test_page_says_the_numbers_and_their_sign(text):
    assert "negative = bound" in text
    assert "−0.330" in text
    assert "not comparable with PBE numbers" in text
    assert "slab + molecule-methanol" in text


def test_hostile_titles_are_text(tmp_path):
    run = make_run(tmp_path / "run")
    about = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(about | {"title": "<script>alert(1)</script>"}))
    page = write_report(run.path).page.read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_figures_are_there(reported):
    names = {path.name for path in reported[1].figures}
    assert {"binding.png", "binding.svg", "relaxation.png", "relaxation.svg"} <= names
    assert sum(name.startswith("complex-") for name in names) == 4
    assert reported[1].figures[0].name == "binding.png"


def test_second_report_replaces_the_first(reported):
    run, first = reported
    before = first.page.read_bytes()
    assert write_report(run.path).page.read_bytes() == before


def test_methods_cite_what_is_in_the_references(reported):
    methods = reported[1].methods.read_text()
    keys = set(re.findall(r"@([a-z0-9]+)", methods))
    assert keys <= set(re.findall(r"@article\{([a-z0-9]+),", reported[1].references.read_text()))
    assert {"gfn2xtb", "ase", "etkdg"} <= keys


def test_methods_say_what_was_done(reported):
    methods = reported[1].methods.read_text()
    for words in (
        "cubic CsPbBr3",
        "PbBr2 on both faces",
        "3 atomic layers",
        "2x2",
        "6.000 Å",
        "0.05 eV/Å",
        "tblite 0.8.0",
    ):
        assert words in methods


def test_report_of_a_run_that_is_not_finished(tmp_path):
    run = make_run(tmp_path / "run", leave_out=("complex-methylamine",))
    page = write_report(run.path).page.read_text()
    assert "not finished: complex-methylamine" in page
    assert "as built of complex-methylamine" in page


def test_report_of_a_run_of_which_nothing_is_done(tmp_path):
    names = ("slab", "molecule-methanol", "complex-methanol", "ligand-of-methanol", "molecule-methylamine")
    run = make_run(tmp_path / "run", leave_out=(*names, "complex-methylamine"))
    made = write_report(run.path)
    assert not any(path.name.startswith("binding") for path in made.figures)
    assert "methanol" in made.page.read_text()


def test_results_are_read_only_when_collected(tmp_path):
    run = make_run(tmp_path / "run")
    with pytest.raises(OutputError, match="qddft collect"):
        load_run_data(run.path)
    collect(run.path)
    assert "tblite" in methods_text(load_run_data(run.path))


def test_damaged_results(tmp_path):
    run = make_run(tmp_path / "run")
    (run.path / "results.json").write_text("[{")
    with pytest.raises(OutputError, match="damaged"):
        load_run_data(run.path)


def test_no_run(tmp_path):
    with pytest.raises(FolderError, match="is this a run folder"):
        write_report(tmp_path)


def test_references_of_a_pbe_run():
    settings = {"xc": "PBE", "core": "PAW", "dispersion": "D3(BJ)", "dipole": "auto", "kpoint_scheme": "gamma"}
    keys = [item.key for item in references_for("vasp", settings, conformers=True, one_sided=True)]
    assert keys == ["ase", "etkdg", "vasp", "vasppaw", "pbe", "paw", "d3", "d3bj", "dipole"]
    both = references_for("vasp", settings, conformers=True, one_sided=False)
    assert "dipole" not in [item.key for item in both]


def test_literal_mesh_cites_its_authors():
    settings = {"xc": "PBE", "kpoint_scheme": "monkhorst-pack"}
    keys = [item.key for item in references_for("gpaw", settings, conformers=False, one_sided=False)]
    assert keys == ["ase", "gpaw", "pbe", "monkhorstpack"]


def test_bibtex_is_balanced():
    text = bibtex(REFERENCES.values())
    assert text.count("{") == text.count("}")
    assert text.count("@article{") == len(REFERENCES)
    assert all(re.fullmatch(r"10\.\d{4}/\S+", item.doi) for item in REFERENCES.values())
