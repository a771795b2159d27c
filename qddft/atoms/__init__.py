"""Structures: bulk, slab, ligand, sites, placement, charges, checks; ASE atoms in, ASE atoms out."""
