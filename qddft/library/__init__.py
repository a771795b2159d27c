"""Data files under structures/ turned into bulk cells and ligands."""
