"""VASP: input sets, job folders, readers of its output."""
