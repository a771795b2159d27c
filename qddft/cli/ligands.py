"""``qddft ligands``: the ligand library."""

import typer

from qddft.cli.console import console, print_json, say, show
from qddft.cli.verb import add
from qddft.library.ligands import list_ligands
from qddft.report.tables import table_of

WIDE = 120  # columns of a terminal that has room for SMILES


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "ligands", ligands, examples=("qddft ligands", "qddft ligands --json > ligands.json"))


def ligands(
    as_json: bool = typer.Option(False, "--json", help="One JSON document with everything, sources included."),
) -> None:
    """List the ligand library: names that `--ligand` and studies understand."""
    records = list_ligands()
    if as_json:
        print_json([record.as_dict() for record in records])
        return
    wide = console().width >= WIDE
    columns = {
        "name": [record.name for record in records],
        "also": [", ".join(record.synonyms[: 2 if wide else 1]) for record in records],
        "formula": [record.formula for record in records],
        "charge": [f"{record.charge:+d}" if record.charge else "0" for record in records],
        "SMILES": [record.smiles for record in records],
        "anchors": [" ".join("+".join(map(str, group)) for group in record.anchors) for record in records],
        "source": [_short(record.source) for record in records],
    }
    show(table_of(columns if wide else {key: columns[key] for key in ("name", "also", "formula", "charge", "source")}))
    if wide:
        say("\nAnchors are atom numbers of the SMILES from 0; + joins atoms that bind together.")
    else:
        say("\nSMILES and anchors: in a wider terminal, or with --json.")
    say("Any other SMILES or structure file works in place of a name.")
    say("Full sources: qddft ligands --json")


def _short(source: str) -> str:
    """Return the keys of the citations: S1 to S4, or the first words."""
    parts = [part.strip() for part in source.split("; ")]
    keys = (part.partition(":")[0] for part in parts)
    return " ".join(dict.fromkeys(key if key in ("S1", "S2", "S3", "S4") else "own" for key in keys))
