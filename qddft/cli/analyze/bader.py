"""``qddft analyze bader``: charges of atoms and ligands from the basins of a Bader program."""

from pathlib import Path
from typing import Annotated

import typer

from qddft.cli.console import print_json, say
from qddft.cli.verb import add
from qddft.core.errors import OutputError


def register(group: typer.Typer) -> None:
    """Add the analysis."""
    examples = ("qddft analyze bader runs/complex", "qddft analyze bader runs/complex --acf basins/ACF.dat --json")
    add(group, "bader", bader, examples=examples)


def bader(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a finished run with its vasprun.xml.")],
    acf: Annotated[Path | None, typer.Option(help="Table of the Bader program; by default PATH/ACF.dat.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Charges as JSON on stdout.")] = False,
) -> None:
    """Bader charges of atoms and fragments, with the valences of the data sets that the run used.

    The basins are found beforehand by the program bader of the Henkelman group: chgsum.pl AECCAR0 AECCAR2, then bader
    CHGCAR -ref CHGCAR_sum, which writes ACF.dat.
    """
    from qddft.analysis.bader import bader_charges, read_acf
    from qddft.engines.vasp.read import read_outputs
    from qddft.engines.vasp.read.valences import read_valences

    outputs = read_outputs(path)
    if outputs.n_electrons is None:
        raise OutputError(f"{path} does not say how many electrons it has")
    table = acf or (path if path.is_dir() else path.parent) / "ACF.dat"
    electrons, vacuum = read_acf(table, outputs.atoms)
    found = bader_charges(outputs.atoms, electrons, read_valences(path), n_electrons=outputs.n_electrons, vacuum=vacuum)
    symbols = outputs.atoms.get_chemical_symbols()
    if as_json:
        print_json(
            {
                "quantity": "bader_charges",
                "unit": "e",
                "convention": "ZVAL - electrons in the basin; positive = electrons lost",
                "atoms": [{"symbol": s, "charge": float(q)} for s, q in zip(symbols, found.charges, strict=True)],
                "by_part": dict(found.by_part),
                "vacuum_electrons": found.vacuum,
                "warnings": list(found.warnings),
            }
        )
        return
    for index, (symbol, charge) in enumerate(zip(symbols, found.charges, strict=True), start=1):
        say(f"{index:5d} {symbol:3s} {charge:+.4f} e")
    for name, charge in found.by_part.items():
        say(f"{name}: {charge:+.4f} e")
    for text in found.warnings:
        say(f"warning: {text}")
