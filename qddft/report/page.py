"""The report page: one HTML file that needs nothing else and no network."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qddft.recipes.convergence import is_series
from qddft.report.checks_table import checks_table
from qddft.report.compare import caveats, compare, comparison_table, order_sentence
from qddft.report.convergence_figure import convergence_chart
from qddft.report.convergence_table import only_series, series_table, series_title, without_series
from qddft.report.figures import energy_chart, relaxation_chart
from qddft.report.methods import cited
from qddft.report.pictures import structure_picture
from qddft.report.quantities import Quantity, Record, by_quantity, conventions
from qddft.report.result_tables import decomposition_table, jobs_table, overview_table, results_table, settings_table
from qddft.report.run_data import JobView, RunData
from qddft.report.style import png_bytes
from qddft.report.tables import Table
from qddft.study.naming import slug, unique

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_PICTURES = 24
MAX_CURVES = 12
CHART_WIDTH = 480
PICTURE_DPI = 220
FORMULAS = (
    "E_ads = [E(complex) − E(slab) − Σ c_i E(reference_i)]/n for n ligands, from energies extrapolated to zero "
    "smearing; negative = bound.",
    "E_bind = −E_ads.",
    "E_ads = E_int + E_def,slab + E_def,ligand, with E_int = [E(complex) − E(slab at the complex's geometry) − "
    "E(ligands at the complex's geometry)]/n: the distortion/interaction model, Bickelhaupt and Houk, Angew. Chem. "
    "Int. Ed. 56, 10070 (2017).",
    "Coverage = ligands on one face divided by the area of the lateral cell.",
)


@dataclass(frozen=True)
class Picture:
    """A picture inside the page.

    Attributes
    ----------
    source
        Data URI.
    caption
        What it shows.
    """

    source: str
    caption: str


@dataclass(frozen=True)
class Series:
    """One convergence series.

    Attributes
    ----------
    title, formula
        Heading, and what the value is.
    table
        One row a point; the verdict is its note.
    chart, chart_file
        As in ``Section``.
    """

    title: str
    formula: str
    table: Table
    chart: str
    chart_file: str


@dataclass(frozen=True)
class Section:
    """The results of one quantity.

    Attributes
    ----------
    title, formula
        Heading, and the definition with its sign.
    results, comparison
        Tables; no comparison where nothing is published.
    chart, chart_file
        Data URI of the figure and its name, empty where there is no number to draw.
    order
        Whether ours and the published values have the same order.
    """

    title: str
    formula: str
    results: Table
    comparison: Table | None
    chart: str
    chart_file: str
    order: str


def report_figures(data: RunData) -> dict[str, "Figure"]:
    """Return the figures of a run by file name: one a quantity, and ``relaxation``, where there is what to draw."""
    figures = {}
    for quantity, records in by_quantity(without_series(data.records)).items():
        if any(record["value"] is not None for record in records):
            figures[quantity.file] = energy_chart(compare(records), ours=_ours(data), published=_theirs(records))
    for name, record in _named_series(data).items():
        if any(point["value"] is not None for point in record["details"]["points"]):
            figures[name] = convergence_chart(record)
    histories = _histories(data)
    if histories:
        figures["relaxation"] = relaxation_chart(histories, float(data.settings["force_tol_eV_per_A"]))
    return figures


def structure_figures(data: RunData) -> list[tuple[JobView, "Figure"]]:
    """Return a picture of every complex, the first ``MAX_PICTURES`` of them."""
    return [(job, structure_picture(job.atoms)) for job in data.complexes[:MAX_PICTURES]]


def page(data: RunData, figures: Mapping[str, "Figure"], structures: Sequence[tuple[JobView, "Figure"]]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    data
        The run.
    figures
        Of ``report_figures``.
    structures
        Of ``structure_figures``.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("qddft.report")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("report.html.j2").render(**_content(data), **_drawn(data, figures, structures))


def _content(data: RunData) -> dict[str, Any]:
    published = [record for record in data.records if record.get("source_value")]
    return {
        "title": data.run.title,
        "subtitle": f"{', '.join(data.engine_versions) or data.run.engine}, level {data.level['name']}",
        "cautions": _cautions(data.records),
        "overview": overview_table(data),
        "decomposition": decomposition_table(data.records),
        "checks": checks_table(data.records),
        "reactions": list(dict.fromkeys(record["reaction"] for record in data.records if record.get("reaction"))),
        "caveats": caveats(published),
        "warnings": _warnings(data),
        "jobs": jobs_table(data),
        "level": data.level,
        "settings": settings_table(data.level),
        "formulas": FORMULAS,
        "references": cited(data),
        "version": data.run.version,
        "command": f"qddft run study.yaml --engine {data.run.engine} -o run\nqddft report run",
        "study_text": data.study_text,
    }


def _section(quantity: Quantity, records: Sequence[Record], figures: Mapping[str, "Figure"]) -> Section:
    comparisons = compare([record for record in records if record.get("source_value")])
    formulas = conventions(records)
    return Section(
        title=quantity.title,
        formula=FORMULAS[0] if quantity.name == "E_ads" else "; ".join(formulas),
        results=results_table(records),
        comparison=comparison_table(comparisons) if comparisons else None,
        chart=_data_uri(figures[quantity.file]) if quantity.file in figures else "",
        chart_file=quantity.file,
        order=order_sentence(comparisons),
    )


def _series(name: str, record: Record, figures: Mapping[str, "Figure"]) -> Series:
    chart = _data_uri(figures[name]) if name in figures else ""
    return Series(series_title(record), str(record["convention"]), series_table(record), chart, name)


def _named_series(data: RunData) -> dict[str, Record]:
    """Return the series of a run by the names of their figures."""
    series = only_series(data.records)
    names = [
        f"convergence-{slug(record['details']['vary'])}-{slug(record['ligand'] or record['details']['of'])}"
        for record in series
    ]
    return dict(zip(unique(names), series, strict=True))


def _drawn(
    data: RunData, figures: Mapping[str, "Figure"], structures: Sequence[tuple[JobView, "Figure"]]
) -> dict[str, Any]:
    pictures = [Picture(_data_uri(figure, PICTURE_DPI), _caption(job)) for job, figure in structures]
    return {
        "sections": [
            _section(quantity, group, figures) for quantity, group in by_quantity(without_series(data.records)).items()
        ],
        "series": [_series(name, record, figures) for name, record in _named_series(data).items()],
        "convergence": _data_uri(figures["relaxation"]) if "relaxation" in figures else None,
        "chart_width": CHART_WIDTH,
        "pictures": pictures,
        "pictures_left_out": max(0, len(data.complexes) - len(pictures)),
    }


def _data_uri(figure: "Figure", dpi: int = 300) -> str:
    return "data:image/png;base64," + base64.b64encode(png_bytes(figure, dpi=dpi)).decode("ascii")


def _caption(job: JobView) -> str:
    entries = job.atoms.info.get("qddft", {}).get("fragments", [])[1:]
    names = ", ".join(dict.fromkeys(f"{entry['name']}, {entry.get('mode', 'placed')}" for entry in entries))
    return f"{names or job.entry.name}: {job.structure_is} of {job.entry.folder}"


def _histories(data: RunData) -> dict[str, list[float]]:
    """Return the largest force at each step of slabs and complexes, the first ``MAX_CURVES`` of them.

    Free molecules end after a few steps and would only crowd the figure.
    """
    histories = {
        job.entry.name.removeprefix("complex-"): [step.max_force for step in job.steps if step.max_force > 0]
        for job in data.jobs
        if job.entry.task == "relax" and job.entry.role != "molecule" and len(job.steps) > 1
    }
    return dict(list(histories.items())[:MAX_CURVES])


def _ours(data: RunData) -> str:
    name = f"this work, {data.settings['xc']}"
    return f"{name} ({data.level['name']})"


def _theirs(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the sources of the published values, up to the first comma: who, not where."""
    sources = [str((record.get("source_value") or {}).get("source", "")) for record in records]
    names = list(dict.fromkeys(source.partition(",")[0] for source in sources if source))
    return ", ".join(names) or "published"


def _cautions(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return warnings that belong to every number, which have to be read first."""
    if not records:
        return []
    shared = set.intersection(*(set(record["warnings"]) for record in records))
    return [text for text in records[0]["warnings"] if text in shared]


def _warnings(data: RunData) -> list[str]:
    """Return all other warnings, each with the ligand it is about."""
    shared = set(_cautions(data.records))
    found = [
        f"{_about(record)}: {text}" for record in data.records for text in record["warnings"] if text not in shared
    ]
    return list(dict.fromkeys(found))


def _about(record: Record) -> str:
    return series_title(record) if is_series(record) else str(record["ligand"])
