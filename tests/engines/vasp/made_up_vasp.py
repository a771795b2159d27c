"""Write vasprun.xml and OUTCAR texts of made-up runs from known numbers, in the formats of VASP 5 and 6."""

from dataclasses import dataclass, field

import numpy as np

GRID = np.linspace(-5, 5, 11)
STRESS_KB = np.array([[-12.5, 0.25, 0.5], [0.25, -13.0, 0.75], [0.5, 0.75, -14.0]])


@dataclass(frozen=True)
class Step:
    """One ionic step: energies, forces, fractional positions, electronic energies."""

    free: float
    entropy: float
    forces: np.ndarray
    scaled: np.ndarray
    scf: tuple[float, ...] = (-9.0, -10.0, -10.2000005, -10.2)
    cell: np.ndarray | None = None

    @property
    def without_entropy(self) -> float:
        return round(self.free - self.entropy, 8)


@dataclass(frozen=True)
class Run:
    """A whole made-up run; every number of the files follows from here."""

    steps: tuple[Step, ...]
    version: str = "6.3.0"
    types: tuple[tuple[str, int, float, str], ...] = (
        ("Pb", 1, 14.0, "PAW_PBE Pb_d 06Sep2000"),
        ("Br", 2, 7.0, "PAW_PBE Br 06Sep2000"),
    )
    cell: np.ndarray = field(default_factory=lambda: np.diag([6.0, 6.0, 20.0]))
    parameters: dict = field(default_factory=dict)
    incar: dict = field(default_factory=dict)
    divisions: tuple[int, int, int] = (4, 4, 1)
    movable: np.ndarray | None = None
    fermi: float = 1.25
    moment: float = 0.0
    closed: bool = True
    final_message: str = "EDIFF"
    dispersion: tuple[str, float] | None = None
    final_scaled: np.ndarray | None = None
    projected: str = ""

    @property
    def symbols(self) -> list[str]:
        return [name for name, count, *_ in self.types for _ in range(count)]

    @property
    def neutral(self) -> float:
        return sum(count * valence for _, count, valence, _ in self.types)

    @property
    def tags(self) -> dict:
        """Effective values."""
        return {
            "PREC": "accura",
            "ENMAX": 400.0,
            "EDIFF": 1e-5,
            "NELM": 60,
            "NSW": 50,
            "IBRION": 2,
            "ISIF": 2,
            "EDIFFG": -0.02,
            "ISMEAR": 0,
            "SIGMA": 0.05,
            "ISPIN": 1,
            "LREAL": False,
            "LASPH": True,
            "LSORBIT": False,
            "LNONCOLLINEAR": False,
            "GGA": "PE",
            "LHFCALC": False,
            "AEXX": 0.0,
            "HFSCREEN": 0.0,
            "NELECT": self.neutral,
            "LDAU": False,
            "IDIPOL": 0,
            "LDIPOL": False,
            "NGXF": 60,
            "NGYF": 60,
            "NGZF": 200,
            "ISYM": 2,
            "LUSE_VDW": False,
            "ICHARG": 2,
            "NEDOS": len(GRID),
            "PSTRESS": 0.0,
        } | self.parameters

    def sigma0(self, step: Step) -> float:
        order = max(self.tags["ISMEAR"], 0)
        return round(((order + 1) * step.free + step.without_entropy) / (order + 2), 8)


def two_steps(**changes) -> Run:
    """Return a relaxation of PbBr2 in two steps that converges."""
    scaled = np.array([[0.0, 0.0, 0.25], [0.5, 0.0, 0.25], [0.0, 0.5, 0.25]])
    first = Step(-10.2, -0.001, np.array([[0.0, 0.1, -0.3], [0.0, 0.0, 0.2], [0.0, -0.1, 0.1]]), scaled)
    second = Step(
        -10.25,
        -0.0004,
        np.array([[0.001, 0.002, -0.003], [0.0, 0.0, 0.004], [-0.001, -0.002, -0.001]]),
        scaled + np.array([0, 0, 0.001]),
        scf=(-10.24, -10.249999, -10.25),
    )
    return Run(steps=(first, second), **changes)


def vasprun(run: Run) -> str:
    """Return the text of vasprun.xml."""
    lines = ['<?xml version="1.0" encoding="ISO-8859-1"?>', "<modeling>", " <generator>"]
    lines += [f'  <i name="{n}" type="string">{v} </i>' for n, v in (("program", "vasp"), ("version", run.version))]
    lines += [" </generator>", " <incar>", *_tags(run.incar, "  "), " </incar>", *_kpoints(run)]
    lines += [
        " <parameters>",
        '  <separator name="electronic" >',
        *_tags(run.tags, "   "),
        "  </separator>",
        " </parameters>",
    ]
    lines += [*_atominfo(run), *_structure(run, run.steps[0], ' <structure name="initialpos" >')]
    for step in run.steps:
        lines += [
            " <calculation>",
            *_scsteps(step),
            *_structure(run, step, " <structure>"),
            *_rows("forces", step.forces),
        ]
        lines += [*_rows("stress", STRESS_KB), *_energy(run, step)]
        if step is run.steps[-1]:
            lines += [*_eigenvalues(run), *_dos(run)]
        if run.projected == "everywhere" or (run.projected and step is run.steps[-1]):
            lines += _projected(run)
        lines.append(" </calculation>")
    last = run.steps[-1]
    if run.final_scaled is not None:
        last = Step(last.free, last.entropy, last.forces, run.final_scaled, cell=last.cell)
    lines += _structure(run, last, ' <structure name="finalpos" >')
    return "\n".join([*lines, "</modeling>", ""]) if run.closed else "\n".join([*lines, ""])


def _tags(tags: dict, indent: str) -> list[str]:
    lines = []
    for name, value in tags.items():
        if isinstance(value, bool):
            lines.append(f'{indent}<i type="logical" name="{name}"> {"T" if value else "F"}  </i>')
        elif isinstance(value, int):
            lines.append(f'{indent}<i type="int" name="{name}">{value:6d}</i>')
        elif isinstance(value, str):
            lines.append(f'{indent}<i type="string" name="{name}">{value}</i>')
        else:
            lines.append(f'{indent}<i name="{name}">{value:16.8f}</i>')
    return lines


def _kpoints(run: Run) -> list[str]:
    a, b, c = run.divisions
    return [
        " <kpoints>",
        '  <generation param="Gamma">',
        f'   <v type="int" name="divisions">{a:8d} {b:8d} {c:8d} </v>',
        '   <v name="usershift">      0.00000000       0.00000000       0.00000000 </v>',
        "  </generation>",
        '  <varray name="kpointlist" >',
        "   <v>       0.00000000       0.00000000       0.00000000 </v>",
        "   <v>       0.25000000       0.00000000       0.00000000 </v>",
        "  </varray>",
        '  <varray name="weights" >',
        "   <v>       0.25000000 </v>",
        "   <v>       0.75000000 </v>",
        "  </varray>",
        " </kpoints>",
    ]


def _atominfo(run: Run) -> list[str]:
    lines = [" <atominfo>", f"  <atoms>{len(run.symbols):8d} </atoms>", '  <array name="atoms" >', "   <set>"]
    for number, (name, count, *_) in enumerate(run.types, start=1):
        lines += [f"    <rc><c>{name:<2s}</c><c>{number:4d}</c></rc>"] * count
    lines += ["   </set>", "  </array>", '  <array name="atomtypes" >', "   <set>"]
    for name, count, valence, title in run.types:
        lines.append(
            f"    <rc><c>{count:4d}</c><c>{name:<2s}</c><c>    100.00000000</c>"
            f"<c>{valence:16.8f}</c><c> {title:<38s} </c></rc>"
        )
    return [*lines, "   </set>", "  </array>", " </atominfo>"]


def _structure(run: Run, step: Step, opening: str) -> list[str]:
    cell = run.cell if step.cell is None else step.cell
    lines = [
        opening,
        "  <crystal>",
        *_rows("basis", cell, "   "),
        f'   <i name="volume">{abs(np.linalg.det(cell)):16.8f} </i>',
        "  </crystal>",
        *_rows("positions", step.scaled, "  "),
    ]
    if run.movable is not None and "name" in opening:
        flags = ["  ".join("T" if flag else "F" for flag in row) for row in run.movable]
        lines += ['  <varray name="selective"  type="logical" >']
        lines += [f'   <v type="logical" >  {row} </v>' for row in flags]
        lines += ["  </varray>"]
    return [*lines, " </structure>"]


def _rows(name: str, values: np.ndarray, indent: str = " ") -> list[str]:
    rows = [f"{indent} <v>{''.join(f' {x:16.8f}' for x in row)[1:]} </v>" for row in values]
    return [f'{indent}<varray name="{name}" >', *rows, f"{indent}</varray>"]


def _scsteps(step: Step) -> list[str]:
    lines = []
    for energy in step.scf:
        lines += [
            "  <scstep>",
            "   <energy>",
            f'    <i name="e_fr_energy">{energy:16.8f} </i>',
            "   </energy>",
            "  </scstep>",
        ]
    return lines


def _energy(run: Run, step: Step) -> list[str]:
    old = tuple(int(n) for n in run.version.split(".")[:2]) < (6, 1)
    # under pressure VASP writes enthalpies here; 1 kB Angstrom^3 = 1 / 1602.176634 eV
    work = run.tags["PSTRESS"] * abs(np.linalg.det(run.cell if step.cell is None else step.cell)) / 1602.176634
    second = (run.sigma0(step) if old else step.without_entropy) + work
    third = step.free - step.without_entropy if old else run.sigma0(step) + work
    names = (("e_fr_energy", step.free + work), ("e_wo_entrp", second), ("e_0_energy", third))
    return ["  <energy>", *(f'   <i name="{name}">{value:16.8f} </i>' for name, value in names), "  </energy>"]


def levels(run: Run) -> np.ndarray:
    """Return eigenvalues and occupations, shape (n_spins, 2, 3, 2); occupations differ by the moment between spins."""
    spins = run.tags["ISPIN"]
    energies = np.array([[-3.0, -0.5, 2.0], [-2.5, -0.25, 2.5]])
    occupations = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    table = np.stack([np.stack([energies + 0.5 * spin, occupations], axis=-1) for spin in range(spins)])
    if spins == 2:
        table[0, :, 2, 1] = run.moment
    return table


def _eigenvalues(run: Run) -> list[str]:
    lines = ["  <eigenvalues>", "   <array>", "    <field>eigene</field>", "    <field>occ</field>", "    <set>"]
    for spin, table in enumerate(levels(run), start=1):
        lines.append(f'     <set comment="spin {spin}">')
        for k, rows in enumerate(table, start=1):
            lines.append(f'      <set comment="kpoint {k}">')
            lines += [f"       <r>{energy:10.4f}{occupation:10.4f} </r>" for energy, occupation in rows]
            lines.append("      </set>")
        lines.append("     </set>")
    return [*lines, "    </set>", "   </array>", "  </eigenvalues>"]


def _dos(run: Run) -> list[str]:
    lines = ["  <dos>", f'   <i name="efermi">{run.fermi:16.8f} </i>', "   <total>", "    <array>", "     <set>"]
    for spin in range(1, run.tags["ISPIN"] + 1):
        lines.append(f'      <set comment="spin {spin}">')
        lines += [f"       <r>{e:11.4f}{spin * 0.5:11.4f}{spin * 0.5 * (e + 5):11.4f} </r>" for e in GRID]
        lines.append("      </set>")
    lines += ["     </set>", "    </array>", "   </total>"]
    return [*lines, *(_partial(run) if run.projected else []), "  </dos>"]


def densities(run: Run) -> np.ndarray:
    """Return projected densities of states, shape (n_spins, n_atoms, 2 orbitals, 11 energies)."""
    shape = (run.tags["ISPIN"], len(run.symbols), 2, len(GRID))
    return np.round(np.arange(np.prod(shape)).reshape(shape) / 100 - 0.5, 2)


def weights(run: Run) -> np.ndarray:
    """Return weights of orbitals in levels, shape (n_spins, 2 k-points, 3 bands, n_atoms, 2 orbitals)."""
    shape = (run.tags["ISPIN"], 2, 3, len(run.symbols), 2)
    return np.arange(np.prod(shape)).reshape(shape) / 1000


def _partial(run: Run) -> list[str]:
    lines = ["   <partial>", "    <array>", "     <field>energy</field>", "     <field>  s</field>"]
    lines += ["     <field>dx2</field>", "     <set>"]
    for atom in range(len(run.symbols)):
        lines.append(f'      <set comment="ion {atom + 1}">')
        for spin, table in enumerate(densities(run)[:, atom], start=1):
            lines.append(f'       <set comment="spin {spin}">')
            lines += [f"        <r>{e:11.4f}{s:11.4f}{d:11.4f} </r>" for e, s, d in zip(GRID, *table, strict=True)]
            lines.append("       </set>")
        lines.append("      </set>")
    return [*lines, "     </set>", "    </array>", "   </partial>"]


def _projected(run: Run) -> list[str]:
    lines = ["  <projected>", *_eigenvalues(run), "   <array>", "    <field>  s</field>", "    <field>dx2</field>"]
    lines.append("    <set>")
    for spin, kpoints in enumerate(weights(run), start=1):
        lines.append(f'     <set comment="spin{spin}">')
        for k, bands in enumerate(kpoints, start=1):
            lines.append(f'      <set comment="kpoint {k}">')
            for band, atoms in enumerate(bands, start=1):
                lines.append(f'       <set comment="band {band}">')
                lines += [f"        <r>{s:8.4f}{d:8.4f} </r>" for s, d in atoms]
                lines.append("       </set>")
            lines.append("      </set>")
        lines.append("     </set>")
    return [*lines, "    </set>", "   </array>", "  </projected>"]


def outcar(run: Run) -> str:
    """Return the text of OUTCAR."""
    build = "(build Nov 08 2019) complex"
    lines = [
        f" vasp.{run.version} 18Apr17 {build}",
        "  ",
        " executed on             LinuxIFC date 2020.01.01  12:00:00",
        "",
    ]
    lines += [" INCAR:", *(f"   {name} = {_plain(value)}" for name, value in run.incar.items())]
    lines += [f" POTCAR:    {title}" for *_, title in run.types]
    for *_, valence, title in run.types:
        lines += [f"   TITEL  = {title}", f"   POMASS =  100.000; ZVAL   = {valence:8.3f}    mass and valenz"]
    lines += ["", " KPOINTS: made up", "", "Automatic generation of k-mesh."]
    lines += [
        f" generate k-points for: {' '.join(f'{n:4d}' for n in run.divisions)}",
        " Found      2 irreducible k-points:",
    ]
    lines += [" Following reciprocal coordinates:", "            Coordinates               Weight"]
    lines += ["  0.000000  0.000000  0.000000      4.000000", "  0.250000  0.000000  0.000000     12.000000"]
    lines += [" Following cartesian coordinates:", "", *_dimensions(run), *_lattice(run, run.steps[0])]
    lines += [" position of ions in fractional coordinates (direct lattice) "]
    lines += [f" {x:12.8f}{y:12.8f}{z:12.8f}" for x, y, z in run.steps[0].scaled]
    previous = run.steps[0].scf[0] + 1
    for number, step in enumerate(run.steps, start=1):
        lines += _ionic_step(run, number, step, previous)
        previous = step.scf[-1]
    if run.closed:
        lines += ["", " General timing and accounting informations for this job:", " " + 56 * "=", ""]
        lines += ["                 Voluntary context switches:         1795"]
    return "\n".join([*lines, ""])


def _plain(value) -> str:
    return {True: ".TRUE.", False: ".FALSE."}[value] if isinstance(value, bool) else str(value)


def _dimensions(run: Run) -> list[str]:
    t = run.tags

    def flag(name: str) -> str:
        return "T" if t[name] else "F"

    return [
        " Dimension of arrays:",
        f"   number of dos      NEDOS =    301   number of ions     NIONS = {len(run.symbols):6d}",
        f"   dimension x,y,z NGXF= {t['NGXF']:5d} NGYF= {t['NGYF']:4d} NGZF= {t['NGZF']:4d}",
        f"   ions per type =            {''.join(f'{count:4d}' for _, count, *_ in run.types)}",
        " Startparameter for this run:",
        f"   PREC   = {t['PREC']}    normal or accurate",
        f"   ICHARG = {t['ICHARG']:6d}",
        f"   ISPIN  = {t['ISPIN']:6d}",
        f"   LSORBIT =      {flag('LSORBIT')}",
        f"   LASPH  =      {flag('LASPH')}",
        f"   ENCUT  = {t['ENMAX']:6.1f} eV",
        f"   NELM   = {t['NELM']:6d};   NELMIN=  2; NELMDL= -5     # of ELM steps ",
        f"   EDIFF  = {t['EDIFF']:.1E}",
        f"   LREAL  =      {flag('LREAL')}",
        f"   EDIFFG = {t['EDIFFG']:.1E}",
        f"   NSW    = {t['NSW']:6d}",
        f"   IBRION = {t['IBRION']:6d}",
        f"   ISIF   = {t['ISIF']:6d}",
        f"   ISYM   = {t['ISYM']:6d}",
        f"   NELECT = {t['NELECT']:12.4f}",
        f"   ISMEAR = {t['ISMEAR']:5d};   SIGMA  = {t['SIGMA']:6.2f}",
        f"   LDIPOL =      {flag('LDIPOL')}",
        f"   IDIPOL = {t['IDIPOL']:6d}",
        f"   GGA     =    {t['GGA']}",
        f"   LHFCALC =     {flag('LHFCALC')}",
        f"   AEXX    = {t['AEXX']:9.4f}",
    ]


def _lattice(run: Run, step: Step) -> list[str]:
    cell = run.cell if step.cell is None else step.cell
    reciprocal = np.linalg.inv(cell).T
    lines = ["      direct lattice vectors                 reciprocal lattice vectors"]
    for a, b in zip(cell, reciprocal, strict=True):
        lines.append("   " + "".join(f"{x:13.9f}" for x in a) + "   " + "".join(f"{x:13.9f}" for x in b))
    return lines


def _ionic_step(run: Run, number: int, step: Step, previous: float) -> list[str]:
    lines = []
    for scf, energy in enumerate(step.scf, start=1):
        lines += [f"----------------------------------------- Iteration {number:6d}({scf:4d})  ------------------", ""]
        lines += [f" number of electron {run.tags['NELECT']:14.7f} magnetization {run.moment:15.7f}"]
        lines += [f"  total energy-change (2. order) :{energy - previous:.7E}  (-0.1E-03)"]
        previous = energy
    fermi = run.fermi - 0.5 * (len(run.steps) - number)
    lines += [f" E-fermi : {fermi:8.4f}     XC(G=0):  -9.3860     alpha+bet :-11.7317"]
    if run.final_message == "EDIFF":
        lines += ["------------------------ aborting loop because EDIFF is reached -------------------------------"]
    if run.final_message == "not reached":
        lines += ["------------------------ aborting loop EDIFF was not reached (unconverged)  ---------------------"]
    if run.dispersion is not None:
        name, energy = run.dispersion
        lines += [f" IVDW         = {name}", f" Edisp (eV)   {energy:.5f}"]
    xx, yy, zz = np.diag(STRESS_KB)
    xy, yz, zx = STRESS_KB[0, 1], STRESS_KB[1, 2], STRESS_KB[0, 2]
    lines += [
        "  in kB  " + "".join(f"{x:12.5f}" for x in (xx, yy, zz, xy, yz, zx)),
        " VOLUME and BASIS-vectors are now :",
    ]
    lines += [
        *_lattice(run, step),
        " POSITION                                       TOTAL-FORCE (eV/Angst)",
        " " + 83 * "-",
    ]
    cell = run.cell if step.cell is None else step.cell
    for position, force in zip(step.scaled @ cell, step.forces, strict=True):
        lines.append("".join(f"{x:13.5f}" for x in position) + "   " + "".join(f"{x:14.6f}" for x in force))
    lines += [
        " " + 83 * "-",
        "    total drift:                                0.000000      0.000000      0.000000",
        "",
    ]
    lines += ["  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)", "  ---------------------------------------------------"]
    lines += [f"  free  energy   TOTEN  = {step.free:18.8f} eV", ""]
    lines += [
        f"  energy  without entropy= {step.without_entropy:18.8f}  energy(sigma->0) ={run.sigma0(step):18.8f}",
        "",
    ]
    if step is run.steps[-1] and run.closed and run.tags["NSW"] > len(run.steps):
        lines += ["", " reached required accuracy - stopping structural energy minimisation"]
    return lines
