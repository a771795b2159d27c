"""A SMILES that survives text formats in which a backslash is an escape character."""

from functools import lru_cache

_ATTEMPTS = 400
_SEED = 1


@lru_cache(maxsize=1024)
def without_backslash(smiles: str) -> str:
    r"""Return a SMILES of the same molecule without a backslash, the given one if there is none.

    The extended XYZ reader of ASE takes a backslash inside a nested description for an escape character, so that a
    file with the usual SMILES of a cis double bond, ``F/C=C\F``, cannot be read back. The same molecule can be written
    ``C(/F)=C/F``. Where several double bonds leave no such spelling, their marks are left out: the coordinates beside
    the SMILES tell cis from trans.
    """
    if "\\" not in smiles:
        return smiles
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return smiles
    spellings = {Chem.MolToSmiles(mol, rootedAtAtom=atom.GetIdx()) for atom in mol.GetAtoms()}
    spellings.update(Chem.MolToRandomSmilesVect(mol, _ATTEMPTS, randomSeed=_SEED))
    plain = sorted((item for item in spellings if "\\" not in item), key=lambda item: (len(item), item))
    return plain[0] if plain else _without_bond_marks(smiles)


def _without_bond_marks(smiles: str) -> str:
    return smiles.replace("/", "").replace("\\", "")
