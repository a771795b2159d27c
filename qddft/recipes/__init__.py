"""One physical quantity a file: its jobs, and its evaluation."""

from collections.abc import Callable, Mapping
from typing import Any

from qddft.core.errors import PlanError
from qddft.core.suggest import did_you_mean
from qddft.jobs.job import Job
from qddft.recipes.base import Recipe
from qddft.recipes.binding_energy import BindingEnergy
from qddft.recipes.convergence import Convergence
from qddft.recipes.ligand_exchange import LigandExchange
from qddft.recipes.slab_energy import SlabEnergy
from qddft.recipes.vacancy_energy import VacancyEnergy

Builder = Callable[[Mapping[str, Any], Mapping[str, Job]], Recipe]

# name in a record -> what makes the recipe of it; a new quantity is one line here
RECIPES: Mapping[str, Builder] = {
    "binding_energy": BindingEnergy.from_record,
    "ligand_exchange": LigandExchange.from_record,
    "vacancy_energy": VacancyEnergy.from_record,
    "slab_energy": SlabEnergy.from_record,
    "convergence": Convergence.from_record,
}


def recipe_of(record: Mapping[str, Any], jobs: Mapping[str, Job]) -> Recipe:
    """Return the recipe of its record, as kept in a run folder; ``jobs`` by id.

    Raises
    ------
    PlanError
        No such recipe, or one of its jobs is missing.
    """
    name = str(record.get("recipe"))
    if name not in RECIPES:
        raise PlanError(f"there is no recipe {name!r}. {did_you_mean(name, RECIPES)}")
    try:
        return RECIPES[name](record, jobs)
    except KeyError as error:
        raise PlanError(
            f"the recipe {record.get('name', name)} lacks {error}; write the study into the run again"
        ) from error
