import mpmath as mp, numpy as np, scipy.stats as st
mp.mp.dps=40
for k in (1e7-3000,1e7,1e7+100,1e7+3001,1e7+9000):
    t=-mp.mpf(10)**7+int(k)*mp.log(10**7)-mp.loggamma(int(k)+1)
    print(k, float(st.poisson(1e7).logpmf(k)-t))
k=np.arange(1e7-30000,1e7+30001); lp=st.poisson(1e7).logpmf(k); print(np.exp(lp).sum()-1)
lq=st.poisson(5).logpmf(k)
for k in (1e7-3000,1e7): 
    t=-mp.mpf(5)+int(k)*mp.log(5)-mp.loggamma(int(k)+1); print(float(st.poisson(5).logpmf(k)-t))
exec(open('s.py').read().split("def pkl")[0])
from xent.distributions._summation import *
from xent.distributions import _summation as S
pr=pose(KL_DIVERGENCE,view(st.poisson(1e7)),view(st.poisson(5),"q"),None)
m,c=landmarks(pr); lo,hi,c=S._windows(pr,m,c); print(np.unique(m),lo,hi,c)
pa=S._tails(pr,lo,hi,c,m); 
for i in range(len(pa.lane)): print([float(a[i]) for a in pa[1:]])
f,*_=S._one_by_one(pr,lo,hi); print(f)
print(np.sum(np.exp(lp)*(lp-lq)-np.exp(lp))+1)
r=summate(KL_DIVERGENCE,pr.p,pr.q); print(repr(r.value), float(mp.mpf(5)-10**7+10**7*mp.log(mp.mpf(10)**7/5)))
