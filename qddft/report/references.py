"""What a paper has to cite for a calculation, as BibTeX.

Volume, page and DOI of each entry were compared with the publisher's DOI as other projects print it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """One article.

    Attributes
    ----------
    key
        Of the BibTeX entry.
    authors
        As BibTeX wants them, ``Last, First and Last, First``.
    title, journal, volume, pages, year, doi
        As printed.
    """

    key: str
    authors: str
    title: str
    journal: str
    volume: str
    pages: str
    year: int
    doi: str

    def bibtex(self) -> str:
        """Return the entry."""
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages,
            "year": str(self.year),
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@article{{{self.key},\n" + ",\n".join(lines) + "\n}\n"

    def short(self) -> str:
        """Return the article in a few words: first author, journal, volume, page, year."""
        first = self.authors.split(",")[0]
        others = " et al." if " and " in self.authors else ""
        return f"{first}{others}, {self.journal} {self.volume}, {self.pages} ({self.year})"


_ALL = (
    Reference(
        "gfn2xtb",
        "Bannwarth, Christoph and Ehlert, Sebastian and Grimme, Stefan",
        "GFN2-xTB: An Accurate and Broadly Parametrized Self-Consistent Tight-Binding Quantum Chemical Method with "
        "Multipole Electrostatics and Density-Dependent Dispersion Contributions",
        "J. Chem. Theory Comput.",
        "15",
        "1652--1671",
        2019,
        "10.1021/acs.jctc.8b01176",
    ),
    Reference(
        "ase",
        "Larsen, Ask Hjorth and Mortensen, Jens J{\\o}rgen and Blomqvist, Jakob and others",
        "The atomic simulation environment: a Python library for working with atoms",
        "J. Phys.: Condens. Matter",
        "29",
        "273002",
        2017,
        "10.1088/1361-648X/aa680e",
    ),
    Reference(
        "etkdg",
        "Riniker, Sereina and Landrum, Gregory A.",
        "Better Informed Distance Geometry: Using What We Know To Improve Conformation Generation",
        "J. Chem. Inf. Model.",
        "55",
        "2562--2574",
        2015,
        "10.1021/acs.jcim.5b00654",
    ),
    Reference(
        "pbe",
        "Perdew, John P. and Burke, Kieron and Ernzerhof, Matthias",
        "Generalized Gradient Approximation Made Simple",
        "Phys. Rev. Lett.",
        "77",
        "3865--3868",
        1996,
        "10.1103/PhysRevLett.77.3865",
    ),
    Reference(
        "paw",
        'Bl{\\"o}chl, Peter E.',
        "Projector augmented-wave method",
        "Phys. Rev. B",
        "50",
        "17953--17979",
        1994,
        "10.1103/PhysRevB.50.17953",
    ),
    Reference(
        "vasp",
        'Kresse, Georg and Furthm{\\"u}ller, J{\\"u}rgen',
        "Efficient iterative schemes for ab initio total-energy calculations using a plane-wave basis set",
        "Phys. Rev. B",
        "54",
        "11169--11186",
        1996,
        "10.1103/PhysRevB.54.11169",
    ),
    Reference(
        "vasppaw",
        "Kresse, Georg and Joubert, Daniel",
        "From ultrasoft pseudopotentials to the projector augmented-wave method",
        "Phys. Rev. B",
        "59",
        "1758--1775",
        1999,
        "10.1103/PhysRevB.59.1758",
    ),
    Reference(
        "gpaw",
        "Mortensen, Jens J{\\o}rgen and Larsen, Ask Hjorth and Kuisma, Mikael and others",
        "GPAW: An open Python package for electronic structure calculations",
        "J. Chem. Phys.",
        "160",
        "092503",
        2024,
        "10.1063/5.0182685",
    ),
    Reference(
        "gpawlcao",
        "Larsen, Ask Hjorth and Vanin, Marco and Mortensen, Jens J{\\o}rgen and Thygesen, Kristian Sommer and "
        "Jacobsen, Karsten Wedel",
        "Localized atomic basis set in the projector augmented wave method",
        "Phys. Rev. B",
        "80",
        "195112",
        2009,
        "10.1103/PhysRevB.80.195112",
    ),
    Reference(
        "d3",
        "Grimme, Stefan and Antony, Jens and Ehrlich, Stephan and Krieg, Helge",
        "A consistent and accurate ab initio parametrization of density functional dispersion correction (DFT-D) for "
        "the 94 elements H-Pu",
        "J. Chem. Phys.",
        "132",
        "154104",
        2010,
        "10.1063/1.3382344",
    ),
    Reference(
        "d3bj",
        "Grimme, Stefan and Ehrlich, Stephan and Goerigk, Lars",
        "Effect of the damping function in dispersion corrected density functional theory",
        "J. Comput. Chem.",
        "32",
        "1456--1465",
        2011,
        "10.1002/jcc.21759",
    ),
    Reference(
        "dipole",
        'Neugebauer, J{\\"o}rg and Scheffler, Matthias',
        "Adsorbate-substrate and adsorbate-adsorbate interactions of Na and K adlayers on Al(111)",
        "Phys. Rev. B",
        "46",
        "16067--16080",
        1992,
        "10.1103/PhysRevB.46.16067",
    ),
    Reference(
        "monkhorstpack",
        "Monkhorst, Hendrik J. and Pack, James D.",
        "Special points for Brillouin-zone integrations",
        "Phys. Rev. B",
        "13",
        "5188--5192",
        1976,
        "10.1103/PhysRevB.13.5188",
    ),
)
REFERENCES: Mapping[str, Reference] = {item.key: item for item in _ALL}
_OF_ENGINE = {"vasp": ("vasp", "vasppaw"), "gpaw": ("gpaw",), "tblite": ()}
_OF_XC = {"GFN2-xTB": ("gfn2xtb",), "PBE": ("pbe",)}


def references_for(
    engine: str, settings: Mapping[str, object], *, conformers: bool, one_sided: bool, lcao: bool = False
) -> list[Reference]:
    """Return what has to be cited for a run, each once.

    Parameters
    ----------
    engine
        Name of the engine.
    settings
        Engine-neutral settings of the level.
    conformers
        Whether ligands came from the conformer search.
    one_sided
        Whether a slab carries ligands on one face only, so that a dipole correction was used.
    lcao
        Whether wave functions were expanded in atomic orbitals of GPAW.
    """
    keys = ["ase", *(["etkdg"] if conformers else []), *_OF_ENGINE.get(engine, ())]
    keys += ["gpawlcao"] if lcao else []
    keys += _OF_XC.get(str(settings.get("xc")), ())
    if settings.get("core") == "PAW":
        keys.append("paw")
    if settings.get("dispersion") == "D3(BJ)":
        keys += ["d3", "d3bj"]
    if one_sided and engine in ("vasp", "gpaw") and settings.get("dipole") == "auto":
        keys.append("dipole")
    if settings.get("kpoint_scheme") == "monkhorst-pack":
        keys.append("monkhorstpack")
    return [REFERENCES[key] for key in dict.fromkeys(keys)]


def is_lcao(engine: str, level: Mapping[str, Any]) -> bool:
    """Tell whether a level of GPAW expands wave functions in atomic orbitals; its other modes do not."""
    mode = level.get("engines", {}).get("gpaw", {}).get("mode", "pw")
    name = mode.get("name") if isinstance(mode, Mapping) else mode
    return engine == "gpaw" and str(name).lower() == "lcao"


def bibtex(references: Iterable[Reference]) -> str:
    """Return a BibTeX file."""
    return "\n".join(reference.bibtex() for reference in references)
