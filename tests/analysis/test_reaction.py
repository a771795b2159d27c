import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.analysis.reaction import SCHEMES, Reaction, Species, composition_of, get_scheme, schemes_for
from qddft.core.errors import ReferenceSchemeError

SLAB = {"Cs": 4, "Pb": 8, "Br": 20}
ACID = {"C": 2, "H": 4, "O": 2}


def exchange(acid=ACID, charge=0):
    return Reaction(
        (
            Species("slab·acetate", 1, {"Cs": 4, "Pb": 8, "Br": 19, "C": 2, "H": 3, "O": 2}, charge),
            Species("HBr", 1, {"H": 1, "Br": 1}),
            Species("slab·Br", -1, SLAB),
            Species("acetic acid", -1, acid),
        )
    )


def test_acid_exchange_reads_as_a_reaction():
    assert exchange().text == "slab·Br + acetic acid -> slab·acetate + HBr"


def test_energy_is_products_minus_reactants():
    energies = {"slab·acetate": -101.0, "HBr": -7.0, "slab·Br": -60.0, "acetic acid": -46.5}
    assert exchange().energy(energies) == pytest.approx(-101 - 7 + 60 + 46.5)


def test_a_missing_proton_is_refused_and_both_sides_are_shown():
    with pytest.raises(ReferenceSchemeError, match=r"does not balance: H \+1 on the right") as caught:
        exchange(acid={"C": 2, "H": 3, "O": 2})
    message = str(caught.value)
    assert "left: slab·Br + acetic acid = Br20 C2 Cs4 H3 O2 Pb8, charge +0" in message
    assert "right: slab·acetate + HBr = Br20 C2 Cs4 H4 O2 Pb8, charge +0" in message
    assert "acid-exchange" in message


def test_a_charge_out_of_nowhere_is_refused():
    with pytest.raises(ReferenceSchemeError, match=r"charge -1 on the right"):
        exchange(charge=-1)


def test_coefficients_are_written_and_counted():
    pair = Reaction(
        (
            Species("slab·2 X", 1, {"Pb": 2, "H": 2}),
            Species("slab", -1, {"Pb": 2}),
            Species("X", -2, {"H": 1}),
        )
    )
    assert pair.text == "slab + 2 X -> slab·2 X"


COMPOSITION = st.dictionaries(st.sampled_from(["H", "C", "O", "Br", "Pb"]), st.integers(1, 40), min_size=1)


@given(slab=COMPOSITION, ligand=COMPOSITION, n=st.integers(1, 4), charge=st.integers(-2, 2))
def test_putting_ligands_on_a_slab_always_balances(slab, ligand, n, charge):
    together = {element: slab.get(element, 0) + n * ligand.get(element, 0) for element in {**slab, **ligand}}
    species = (
        Species("complex", 1, together, n * charge),
        Species("slab", -1, slab),
        Species("ligand", -n, ligand, charge),
    )
    assert Reaction(species).energy({"complex": 0.0, "slab": 0.0, "ligand": 1.0}) == -n


@given(slab=COMPOSITION, ligand=COMPOSITION, extra=st.sampled_from(["H", "Br", "Xe"]), number=st.integers(1, 3))
def test_one_atom_too_many_never_balances(slab, ligand, extra, number):
    together = {element: slab.get(element, 0) + ligand.get(element, 0) for element in {**slab, **ligand}}
    together[extra] = together.get(extra, 0) + number
    with pytest.raises(ReferenceSchemeError, match=rf"{extra} \+{number} on the right"):
        Reaction((Species("complex", 1, together), Species("slab", -1, slab), Species("ligand", -1, ligand)))


def test_compositions_are_read_only():
    with pytest.raises(TypeError):
        exchange().species[0].composition["H"] = 7


def test_composition_counts_symbols():
    assert composition_of(["C", "H", "H"]) == {"C": 1, "H": 2}


@pytest.mark.parametrize(
    ("charge", "components", "names"),
    [
        (0, 1, {"neutral"}),
        (0, 2, {"neutral", "ion-pair"}),
        (-1, 1, {"acid-exchange", "salt-exchange", "vacancy-filling", "fragment"}),
        (1, 1, {"salt-exchange", "fragment"}),
        (-2, 1, {"fragment"}),
    ],
)
def test_which_schemes_fit_which_ligand(charge, components, names):
    assert {scheme.name for scheme in schemes_for(charge, components)} == names


def test_open_shell_schemes_carry_a_caution():
    assert {name for name, scheme in SCHEMES.items() if scheme.caution} == {"fragment", "vacancy-filling"}


def test_unknown_schemes_are_refused():
    assert get_scheme("neutral").equation == "slab + L -> slab·L"
    with pytest.raises(ReferenceSchemeError, match=r"no reference scheme 'acid-xchange'. Did you mean 'acid-exchange'"):
        get_scheme("acid-xchange")
