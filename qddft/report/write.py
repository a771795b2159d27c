"""``RUN/report``: page, figures, methods and references, written whole."""

from dataclasses import dataclass
from pathlib import Path

from qddft.core.files import write_text
from qddft.jobs.disk import disk_errors
from qddft.report.methods import cited, methods_text
from qddft.report.page import page, report_figures, structure_figures
from qddft.report.references import bibtex
from qddft.report.run_data import load_run_data
from qddft.report.style import save_figure
from qddft.study.collect import collect

REPORT, FIGURES = "report", "figures"


@dataclass(frozen=True)
class Report:
    """Where the parts of a report are.

    Attributes
    ----------
    page
        ``index.html``.
    figures
        All figures; ``binding.png`` first where there is one.
    methods, references
        ``methods.md`` and ``references.bib``.
    """

    page: Path
    figures: tuple[Path, ...]
    methods: Path
    references: Path


def write_report(run: str | Path) -> Report:
    """Collect the results of a run and write its report.

    Parameters
    ----------
    run
        A run folder; jobs that are not done are shown as such.

    Raises
    ------
    FolderError
        Not a run folder, or one that cannot be written to.
    """
    path = Path(run)
    collect(path)
    data = load_run_data(path)
    figures, structures = report_figures(data), structure_figures(data)
    folder = path / REPORT
    with disk_errors(folder):
        (folder / FIGURES).mkdir(parents=True, exist_ok=True)
        named = [*figures.items(), *((job.entry.folder, figure) for job, figure in structures)]
        paths = [file for name, figure in named for file in save_figure(figure, folder / FIGURES, name)]
        methods, references, index = folder / "methods.md", folder / "references.bib", folder / "index.html"
        write_text(methods, methods_text(data))
        write_text(references, bibtex(cited(data)))
        write_text(index, page(data, figures, structures))
    return Report(index, tuple(paths), methods, references)
