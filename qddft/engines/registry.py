"""Engines by name; the module of an engine is loaded when it is asked for."""

from importlib import import_module

from qddft.core.errors import EngineError
from qddft.core.suggest import did_you_mean
from qddft.engines.base import Engine

# name -> module and class
_ENGINES = {
    "tblite": ("qddft.engines.tblite", "Tblite"),
    "vasp": ("qddft.engines.vasp.engine", "Vasp"),
    "gpaw": ("qddft.engines.gpaw.engine", "Gpaw"),
}
_ASE = "ase"


def list_engines() -> tuple[str, ...]:
    """Return the names of the engines; any ASE calculator is one more."""
    return (*_ENGINES, "ase:MODULE:FACTORY")


def get_engine(name: str) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name
        ``tblite``, ``vasp``, ``gpaw``, or ``ase:MODULE:FACTORY`` for any ASE calculator.

    Raises
    ------
    EngineError
        There is no such engine.
    """
    if name.partition(":")[0] == _ASE:
        from qddft.engines.ase_calculator import AseCalculator

        return AseCalculator(name)
    if name not in _ENGINES:
        raise EngineError(f"there is no engine {name!r}. {did_you_mean(name, list_engines())}")
    module, cls = _ENGINES[name]
    engine: Engine = getattr(import_module(module), cls)()
    return engine
