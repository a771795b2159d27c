import pytest
from hypothesis import given
from hypothesis import strategies as st

from qddft.analysis.balance import balanced_reaction
from qddft.core.errors import ReferenceSchemeError

SLAB = ("slab", {"Pb": 2, "Br": 5, "Cs": 1})
ACID = ("acid", {"C": 2, "H": 4, "O": 2})


def times(n, *items):
    total = {}
    for number, item in zip(n, items, strict=True):
        for element, count in item.items():
            total[element] = total.get(element, 0) + number * count
    return {element: count for element, count in total.items() if count}


def coefficients(reaction):
    return {item.name: item.coefficient for item in reaction.species}


def test_adsorption():
    reaction = balanced_reaction(("complex", times((1, 1), SLAB[1], ACID[1])), (SLAB, ACID))
    assert reaction.text == "slab + acid -> complex"


def test_a_small_slab_is_used_as_often_as_the_complex_needs():
    reaction = balanced_reaction(("complex", times((4, 2), SLAB[1], ACID[1])), (SLAB, ACID))
    assert reaction.text == "4 slab + 2 acid -> complex"


def test_the_product_of_an_exchange_comes_out_on_the_right():
    whole = times((1, 1), SLAB[1], ACID[1])
    whole["Br"] -= 1
    whole["H"] -= 1
    reaction = balanced_reaction(("complex", whole), (SLAB, ACID, ("HBr", {"H": 1, "Br": 1})))
    assert reaction.text == "slab + acid -> complex + HBr"


def test_half_a_molecule_doubles_the_reaction():
    reaction = balanced_reaction(("Ir16H", {"Ir": 16, "H": 1}), (("Ir4", {"Ir": 4}), ("H2", {"H": 2})))
    assert reaction.text == "8 Ir4 + H2 -> 2 Ir16H"


@given(n=st.integers(1, 9), m=st.integers(1, 4))
def test_numbers_are_found_again(n, m):
    reaction = balanced_reaction(("complex", times((n, m), SLAB[1], ACID[1])), (SLAB, ACID))
    assert coefficients(reaction) == {"complex": 1, "slab": -n, "acid": -m}


def test_what_cannot_balance_is_refused():
    whole = times((1, 1), SLAB[1], ACID[1]) | {"N": 1}
    with pytest.raises(ReferenceSchemeError, match=r"no numbers of slab, acid add up.*Nothing but the complex holds N"):
        balanced_reaction(("complex", whole), (SLAB, ACID))
    whole = times((1, 1), SLAB[1], ACID[1])
    whole["Br"] -= 1
    with pytest.raises(ReferenceSchemeError, match="needs HL and HX"):
        balanced_reaction(("complex", whole), (SLAB, ACID))


def test_references_that_stand_for_each_other_are_refused():
    whole = times((1, 1), SLAB[1], ACID[1])
    with pytest.raises(ReferenceSchemeError, match="can be exchanged for each other"):
        balanced_reaction(("complex", whole), (SLAB, ACID, ("dimer", times((2,), ACID[1]))))


def test_charges_have_to_balance():
    whole = times((1, 1), SLAB[1], ACID[1])
    with pytest.raises(ReferenceSchemeError, match=r"charge \+1 on the right"):
        balanced_reaction(("complex", whole), (SLAB, ACID), {"acid": -1})
