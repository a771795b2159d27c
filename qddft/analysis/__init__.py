"""Pure functions from outputs to physical quantities."""
