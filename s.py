import time, numpy as np
import scipy.stats as st, mpmath as mp
from xent.distributions._view import View
from xent.distributions._integrands import *
from xent.distributions._summation import summate
def view(d, name="p", quant=True):
    lo, hi = d.support()
    return View(name, d, "numpy", "float64", None, np.shape(lo), (), True, np.asarray(lo,float), np.asarray(hi,float), d.logpmf, d.ppf if quant else None, None, False, None)
def show(label, integrand, p, q=None, truth=None, quant=True, **kw):
    P, Q = view(p,quant=quant), view(q,"q",quant=quant) if q is not None else None
    try:
        t=time.perf_counter(); r=summate(integrand,P,Q,**kw); t=time.perf_counter()-t
        ok = "" if truth is None else ("OK " if np.all(np.abs(r.value-truth)<=r.error_bound) or r.value==truth else "BAD ")+f"err {np.max(np.abs(r.value-truth)):.1e}"
        print(f"{label:28s} {np.ravel(r.value)[:3]} ±{np.max(r.error_bound):.1e} n={r.n} {t*1e3:.1f}ms {ok}")
    except Exception as e:
        if "rdin" in label: raise
        print(label, type(e).__name__, e)
def pkl(a,b): return b-a+a*np.log(a/b)
def zipfH(a):
    mp.mp.dps=30; z=mp.zeta(a); return float(mp.log(z)-a*mp.zeta(a,derivative=1)/z)
for quant in (True,):
    show("poisson 3||4", KL_DIVERGENCE, st.poisson(3), st.poisson(4), pkl(3,4),quant)
    show("poisson 1e6", KL_DIVERGENCE, st.poisson(1e6), st.poisson(1e6+1), float(mp.mpf(1)-mp.mpf(10)**6*mp.log1p(mp.mpf(10)**-6)),quant)
    show("poisson 1e6 H", ENTROPY, st.poisson(1e6), None, 8.326693649,quant)
    show("poisson 1e12", ENTROPY, st.poisson(1e12), None, .5*np.log(2*np.pi*np.e*1e12),quant)
    show("binom 1e9 H", ENTROPY, st.binom(10**9,.3), None, .5*np.log(2*np.pi*np.e*1e9*.21),quant)
    show("geom 1e-9 H", ENTROPY, st.geom(1e-9), None, 1-np.log(1e-9)-5e-10,quant)
    show("geom", KL_DIVERGENCE, st.geom(.3), st.geom(.5), np.log(.3/.5)+(1/.3-1)*np.log(.7/.5),quant)
    show("zipf 3", ENTROPY, st.zipf(3), None, zipfH(3),quant)
    show("zipf 2", ENTROPY, st.zipf(2), None, zipfH(2),quant)
    show("zipf 1.5", ENTROPY, st.zipf(1.5), None, zipfH(1.5),quant)
    show("zipf 1.1", ENTROPY, st.zipf(1.1), None, zipfH(1.1),quant)
    show("zipf 1.01", ENTROPY, st.zipf(1.01), None, zipfH(1.01),quant)
    show("zipf 1.5||poisson", KL_DIVERGENCE, st.zipf(1.5), st.poisson(3,loc=1),None,quant)
    show("bernoulli", KL_DIVERGENCE, st.bernoulli(.3), st.bernoulli(.4),.3*np.log(.3/.4)+.7*np.log(.7/.6),quant)
    show("poisson||binom", KL_DIVERGENCE, st.poisson(3), st.binom(10,.3),np.inf,quant)
    show("binom||poisson", KL_DIVERGENCE, st.binom(10,.3), st.poisson(3),None,quant)
    show("randint", ENTROPY, st.randint(0,10**7), None,np.log(1e7),quant)
    show("randint", ENTROPY, st.randint(5,6), None,0.,quant)
    show("zipfian", ENTROPY, st.zipfian(1.2,10**8), None,None,quant)
    show("js", JS_DIVERGENCE, st.randint(0,5), st.randint(7,9),np.log(2),quant)
    show("far", KL_DIVERGENCE, st.poisson(5), st.poisson(1e7),pkl(5,1e7),quant)
    show("far", KL_DIVERGENCE, st.poisson(1e7), st.poisson(5),pkl(1e7,5),quant)
    show("skellam", ENTROPY, st.skellam(5,3), None,None,quant)
    show("batch", ENTROPY, st.poisson(np.arange(1,200.)), None,None,quant)
