import time, sys, numpy as np
from ase import Atoms
from ase.build import molecule
from tblite.ase import TBLite
a=6.00
def slab(n,m,L):
    pos=[];sy=[]
    for k in range(L):
        z=k*a/2
        for i in range(n):
            for j in range(m):
                if k%2==0:
                    for s,(x,y) in (("Pb",(0,0)),("Br",(.5,0)),("Br",(0,.5))): sy.append(s);pos.append(((i+x)*a,(j+y)*a,z))
                else:
                    for s,(x,y) in (("Cs",(.5,.5)),("Br",(0,0))): sy.append(s);pos.append(((i+x)*a,(j+y)*a,z))
    at=Atoms(sy,pos,cell=[n*a,m*a,L*a/2+20],pbc=True); return at
n,L=int(sys.argv[1]),int(sys.argv[2])
s=slab(n,n,L)
mol=molecule('CH3COOH'); mol.translate(s.positions[0]+[0.5,0.5,(L-1)*a/2+2.6]-mol.positions[np.argmin(mol.positions[:,2])])
s+=mol
s.calc=TBLite(method="GFN2-xTB",verbosity=0)
t=time.time(); e=s.get_potential_energy(); s.get_forces(); print(len(s),"first",time.time()-t,e,flush=True)
for k in range(3):
    s.positions[-8:]+=0.01*np.random.RandomState(k).randn(8,3)
    t=time.time(); e=s.get_potential_energy(); s.get_forces(); print("next",time.time()-t,e,flush=True)
