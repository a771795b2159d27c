"""Our values beside published ones, from the records of ``results.json`` alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qddft.analysis.reaction import SCHEMES
from qddft.report.quantities import VACANCIES, Quantity, Record, quantity_of
from qddft.report.tables import Table, number, table_of

AGREES, DIFFERS, OPEN, NOTHING_PUBLISHED = "agrees", "differs", "no tolerance given", "nothing published"
NO_NUMBER = "no number"
# a source that shows its value in a figure, or in words
NOT_PRINTED = "no number printed"
# in the caution of a level that holds the slab
FROZEN = "inorganic slab frozen"
# how a study calls a ligand whose chain was cut
CUT = "truncated to"


@dataclass(frozen=True)
class Comparison:
    """One result beside what a paper prints.

    Attributes
    ----------
    ligand, quantity, unit
        What is compared.
    ours, published
        Values in the same convention; ``None`` where there is no number.
    tolerance
        Difference up to which the study calls them equal.
    source
        Where the published value is printed.
    reference
        Our reference scheme.
    """

    ligand: str
    quantity: str
    unit: str
    ours: float | None
    published: float | None
    tolerance: float | None
    source: str
    reference: str

    @property
    def difference(self) -> float | None:
        """Ours minus published."""
        if self.ours is None or self.published is None:
            return None
        return self.ours - self.published

    @property
    def verdict(self) -> str:
        """One word on the difference."""
        if self.ours is None:
            return NO_NUMBER
        if self.difference is None:
            return NOT_PRINTED if self.source else NOTHING_PUBLISHED
        if self.tolerance is None:
            return OPEN
        # values are printed with two digits, so that a difference of exactly the tolerance must not fail by rounding
        return AGREES if abs(self.difference) <= self.tolerance + 1e-9 else DIFFERS


def compare(records: Sequence[Record]) -> list[Comparison]:
    """Return one comparison for each record, in their order."""
    return [_comparison(record) for record in records]


def _comparison(record: Record) -> Comparison:
    source = record.get("source_value") or {}
    return Comparison(
        ligand=str(record["ligand"]),
        quantity=str(record["quantity"]),
        unit=str(record["unit"]),
        ours=record["value"],
        published=source.get("value"),
        tolerance=source.get("tolerance"),
        source=str(source.get("source") or ""),
        reference=str(record["reference"]),
    )


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Return ours and theirs of one quantity as a table; units and sign stand in its head and note."""
    quantity = quantity_of(comparisons[0].quantity)
    unit = comparisons[0].unit
    return table_of(
        {
            "ligand": [item.ligand for item in comparisons],
            "reference": [item.reference for item in comparisons],
            f"this work ({unit})": [number(item.ours) for item in comparisons],
            f"published ({unit})": [number(item.published) for item in comparisons],
            f"difference ({unit})": [number(item.difference) for item in comparisons],
            "verdict": [item.verdict for item in comparisons],
            "source": [item.source for item in comparisons],
        },
        note=_note(quantity),
    )


def _note(quantity: Quantity) -> str:
    """Say what was done to the published values."""
    if quantity.title == VACANCIES:
        return f"Published values stand as printed. Ours: {quantity.sign}; theirs may be at another limit."
    return f"Published values were converted to {quantity.name}, {quantity.sign}."


def order_sentence(comparisons: Sequence[Comparison]) -> str:
    """Say whether both put the ligands in the same order; empty when fewer than two can be compared.

    Only values against one reference scheme are ranked, the scheme that most ligands have.
    """
    both = [item for item in comparisons if item.ours is not None and item.published is not None]
    schemes = Counter(item.reference for item in both)
    if not schemes or schemes.most_common(1)[0][1] < 2:
        return ""
    scheme = schemes.most_common(1)[0][0]
    ranked = [item for item in both if item.reference == scheme]
    ours = [item.ligand for item in sorted(ranked, key=lambda item: item.ours or 0.0)]
    theirs = [item.ligand for item in sorted(ranked, key=lambda item: item.published or 0.0)]
    among = f"By rising {ranked[0].quantity}, reference '{scheme}': "
    if ours == theirs:
        return f"{among}{' < '.join(ours)}, here and as published."
    return f"{among}{' < '.join(ours)} here, {' < '.join(theirs)} as published."


def caveats(records: Sequence[Record]) -> list[str]:
    """Return why ours and the published values may differ, as far as the records tell."""
    found = []
    if any(record["engine"] == "tblite" for record in records):
        found.append(
            "These energies are a screening with GFN2-xTB on a frozen inorganic slab at the Gamma point. They order "
            "starting structures and ligands roughly; they are not PBE energies."
        )
    if any(CUT in str(record["ligand"]) for record in records):
        found.append(
            "Ligands with a cut chain lack the dispersion of the part that was cut; the papers do not say whether "
            "they cut theirs."
        )
    schemes = sorted(({str(record["reference"]) for record in records} & set(SCHEMES)) - {"neutral"})
    if schemes:
        found.append(
            f"Energies with the references {', '.join(schemes)} are reaction energies of neutral species. The "
            "published values for ions do not state their reference, and different references differ by electronvolts."
        )
    if any(str(record["quantity"]).startswith("E_f") for record in records):
        found.append(
            "The energy of a vacancy depends on its site, its charge and the chemical potential of what was removed. "
            "The papers do not state them; ours is neutral, at the halogen-rich limit."
        )
        if any(FROZEN in text for record in records for text in record["warnings"]):
            found.append(
                "The inorganic slab was held, so that nothing relaxed around a vacancy but the ligands: ours are too "
                "high by the relaxation energy, under ligands that reach into the vacancy less so than on a bare face."
            )
    if any(record.get("source_value") for record in records):
        found.append(
            "The published values state neither the reference energies, nor dispersion, cell, vacuum, fixed layers "
            "or chain length, so that agreement to better than about 0.1 eV would be accidental."
        )
    return found
