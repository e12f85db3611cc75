exec(open('x.py').read().split("N=st.norm")[0]); N=st.norm
import cProfile,pstats
P,Q=view(N(np.random.rand(1000), 1)), view(N(0,2))
pr=cProfile.Profile(); pr.enable(); integrate(KL_DIVERGENCE,P,Q); pr.disable()
pstats.Stats(pr).sort_stats("tottime").print_stats(14)
