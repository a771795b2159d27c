"""What a recipe is: jobs before, evaluation after, no engine in sight."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from qddft.jobs.job import Job
from qddft.outputs.outputs import Outputs
from qddft.recipes.result import Result


@runtime_checkable
class Recipe(Protocol):
    """One physical quantity of one system; a frozen value."""

    @property
    def name(self) -> str:
        """Name, unique in its study."""

    def jobs(self) -> Mapping[str, Job]:
        """Return the jobs that are needed, each under the label that ``evaluate`` asks for."""

    def evaluate(self, outputs: Mapping[str, Outputs]) -> tuple[Result, ...]:
        """Return the results from the outputs under the same labels; a missing label means: not finished."""

    def record(self) -> dict[str, Any]:
        """Return the recipe as JSON types, jobs by id; ``qddft.recipes.recipe_of`` reads it."""
