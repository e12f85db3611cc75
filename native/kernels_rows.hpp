// The kernels that `pass` runs: what is summed over a row's outcomes.

struct Narrow {  // kernels over plain doubles
    template <class K>
    static void go(const Stretch* part, Lane8* state, const Lane8* par) {
        run<K>(part, state, par);
    }
};
#define XENT_NARROW(K)                                                                               \
    static void run(Group&, int, int, const Stretch* part, Lane8* state, const Lane8* par) {         \
        Narrow::go<K>(part, state, par);                                                             \
    }

struct Stats {  // sum and minimum
    static constexpr const char* spec = "Ddm";
    static constexpr int states = 3, params = 0;
    XENT_INLINE_MEMBER static void body(vd a, vd, vd* q, const vd*) {
        accumulate(q[0], q[1], a, vd{});
        q[2] = min(q[2], a);
    }
    XENT_NARROW(Stats)
};

struct Top {  // the largest and where it is; whether there is a NaN
    static constexpr const char* spec = "xicf";
    static constexpr int states = 4, params = 0;
    XENT_INLINE_MEMBER static void body(vd a, vd, vd* q, const vd*) {
        vl better = a > q[0];
        q[0] = sel(better, a, q[0]);
        q[1] = sel(better, q[2], q[1]);
        q[2] += 1.0;
        q[3] = sel(a != a, splat(1.0), q[3]);
    }
    XENT_NARROW(Top)
};

XENT_INLINE dd gap(vd a, vd b) {  // a - b exactly, a = -inf included
    return tied(two_sum(a, -b));
}

XENT_INLINE void add_product(vd& h, vd& l, dd a, dd b) {
    dd t = two_prod(a.h, b.h);
    accumulate(h, l, t.h, t.l + (a.h * b.l + a.l * b.h));
}

template <bool Moment>
struct SumExp {  // S = sum e^(a - m), and sum e^(a - m) (m - a)
    static constexpr const char* spec = Moment ? "DdDd" : "Dd";
    static constexpr int states = Moment ? 4 : 2, params = 1;
    XENT_INLINE_MEMBER static void body(vd a, vd, vd* q, const vd* r) {
        dd x = gap(a, r[0]), e = exp(x.h, x.l);
        accumulate(q[0], q[1], e.h, e.l);
        if (Moment) {
            vl some = e.h > 0.0;
            add_product(q[2], q[3], e, {only(some, -x.h), only(some, -x.l)});
        }
    }
    XENT_NARROW(SumExp)
};

XENT_INLINE dd exp_or_zero(dd x) {  // wide exp for x in [-700, 700], 0 below
    vl some = x.h > -700.0;
    dd e = exp_wide({only(some, x.h), only(some, x.l)}).e;
    return sel(some, e, wide(vd{}));
}

struct SumExpWide {  // S to about 2^-95
    static constexpr const char* spec = "Dd";
    static constexpr int states = 2, params = 1;
    XENT_INLINE_MEMBER static void body(vd a, vd, vd* q, const vd* r) {
        dd e = exp_or_zero(gap(a, r[0]));
        accumulate(q[0], q[1], e.h, e.l);
    }
    XENT_NARROW(SumExpWide)
};

// Cross-entropy: sum of w s, with weights w = a (probabilities, counts) or e^(a - r0), and surprisals s = log(N / b), N
// = r1 + r2, or r3 - b. The sum of the weights is needed to all digits unless both operands are probabilities as given.
template <int Weight, int Form, bool Same>
struct Cross {
    static constexpr bool whole_weight = Weight != PROBS || Form == LOGITS;
    static constexpr const char* spec = whole_weight ? (Same ? "DdmDd" : "DdmDdfsm") : (Same ? "Ddmsc" : "Ddmscfsm");
    static constexpr int states = Same ? 5 : 8, params = 4;
    XENT_INLINE_MEMBER static void body(vd a, vd b, vd* q, const vd* r) {
        if (Same) b = a;
        dd w = wide(a);
        if (Weight == LOGITS) {
            dd x = gap(a, r[0]);
            w = exp(x.h, x.l);
        }
        dd s;
        if (Form == PROBS) s = neg(whole(log_ratio(b, Plain{})));
        else if (Form == COUNTS) s = whole(log_ratio(dd{r[1], r[2]}, wide(b)));
        else s = gap(r[3], b);
        vl none = w.h == 0.0;
        if (Form == LOGITS) s = sel(none | (b == -kInf), wide(vd{}), s);
        dd t = split_product(w.h, s.h, s.l);
        accumulate(q[0], q[1], t.h, Weight == LOGITS ? t.l + w.l * s.h : t.l);
        q[2] = min(q[2], w.h);
        if (whole_weight) accumulate(q[3], q[4], w.h, w.l);
        else q[3] += w.h;
        if (!Same) {
            vl absent = Weight == LOGITS ? a == -kInf : a == 0.0;  // an underflowed weight is not an impossible one
            q[5] = sel(~absent & (Form == LOGITS ? b == -kInf : b == 0.0), splat(1.0), q[5]);
            q[6] += b;
            q[7] = min(q[7], b);
        }
    }
    XENT_NARROW(Cross)
};

struct Divergence {  // KL of probabilities, in Bregman terms
    static constexpr const char* spec = "Ddsmsmf";
    static constexpr int states = 7, params = 0;
    XENT_INLINE_MEMBER static void body(vd a, vd b, vd* q, const vd*) {
        dd t = kl_term(a, b);
        accumulate(q[0], q[1], t.h, t.l);
        q[2] += a;
        q[3] = min(q[3], a);
        q[4] += b;
        q[5] = min(q[5], b);
        q[6] = sel((b == 0.0) & (a > 0.0), splat(1.0), q[6]);
    }
    XENT_NARROW(Divergence)
};

// KL of logits: u = sum w psi(d), v = sum w expm1(d), W = sum w, with w = e^(a - r0), d = b - a - (r3 + r4), and w e^d
// = e^(b - r5) (r1 + r2).
struct LogDivergence {
    static constexpr const char* spec = "DdDdDdf";
    static constexpr int states = 7, params = 6;
    XENT_INLINE_MEMBER static void body(vd a, vd b, vd* q, const vd* r) {
        dd x = gap(a, r[0]), y = gap(b, r[5]);
        dd w = exp(x.h, x.l), v = mul(exp(y.h, y.l), dd{r[1], r[2]});
        vl both = (a > -kInf) & (b > -kInf);
        dd d = gap(sel(both, b, vd{}), sel(both, a, vd{}));
        d = sub(d, dd{r[3], r[4]});
        vl near = both & (abs(d.h) <= 0.5), huge = d.h > 32.0;
        dd cut_d = {sel(near | huge, vd{}, d.h), sel(near | huge, vd{}, d.l)};
        dd e = exp(cut_d.h, cut_d.l);
        dd far = sub(add(e, splat(-1.0)), cut_d);
        dd psi = psi_near({only(near, d.h), only(near, d.l)});
        dd term = mul(w, sel(near, psi, far)), gain = sel(near, mul(w, add(d, psi)), sub(v, w));
        dd over = sub(v, mul(w, add(d, splat(1.0))));
        term = sel(huge & both, over, term);
        term = sel(both, term, v);
        accumulate(q[0], q[1], term.h, term.l);
        accumulate(q[2], q[3], gain.h, gain.l);
        accumulate(q[4], q[5], w.h, w.l);
        q[6] = sel((a > -kInf) & (b == -kInf), splat(1.0), q[6]);
    }
    XENT_NARROW(LogDivergence)
};

// Operands as double-doubles: probabilities as they are, counts over N = r0 + r1, e^a, or e^(a - r0) / (r1 + r2) with
// log(r1 + r2) = r3.
static void to_num(int kind, const double* a, int64_t steps, const Lane8* par, double (*num)[kBlock]) {
    for (int j = 0; j < kVecs; ++j) {
        vd r0 = load(&par[0][j * W]), r1 = load(&par[1][j * W]), r2 = load(&par[2][j * W]), r3 = load(&par[3][j * W]);
        for (int64_t s = 0; s < steps; ++s) {
            const int64_t at = s * kLanes + j * W;
            vd x = load(a + at), log_extra = vd{}, tiny = vd{};
            dd v = wide(x);
            if (kind == COUNTS) v = div(v, dd{r0, r1});
            if (kind == LOGPROBS || kind == LOGITS) {
                dd d = gap(x, r0);
                vl under = (d.h - r3 < kUnder) & (d.h > -kInf);
                v = exp_or_zero(d);
                if (kind == LOGITS) v = div(v, dd{r1, r2});
                dd log_p = {d.h - r3, d.l};
                tiny = only(under, exp(log_p.h, log_p.l).h);
                v = sel(under, wide(splat(1.0)), v);
                log_extra = only(under, log_p.h);
            }
            store(num[0] + at, v.h);
            store(num[1] + at, v.l);
            store(num[2] + at, log_extra);
            store(num[3] + at, tiny);
        }
    }
}

template <class K>
static void run_wide(Group& g, int ia, int ib, const double* a, const double* b, int64_t steps, Lane8* state,
                     const Lane8* par) {
    to_num(g.job->in[ia].kind, a, steps, par, g.num);
    to_num(g.job->in[ib].kind, b, steps, par + 4, g.num + 4);
    for (int j = 0; j < kVecs; ++j) {
        vd q[kMaxStates];
        for (int i = 0; i < K::states; ++i) q[i] = load(&state[i][j * W]);
        for (int64_t s = 0; s < steps; ++s) {
            const int64_t at = s * kLanes + j * W;
            Num p = {{load(g.num[0] + at), load(g.num[1] + at)}, load(g.num[2] + at), load(g.num[3] + at)};
            Num m = {{load(g.num[4] + at), load(g.num[5] + at)}, load(g.num[6] + at), load(g.num[7] + at)};
            K::body(p, m, q);
        }
        for (int i = 0; i < K::states; ++i) store(&state[i][j * W], q[i]);
    }
}

template <class K>
static void run_wide(Group& g, int ia, int ib, const Stretch* part, Lane8* state, const Lane8* par) {
    for (int i = 0; i < 2; ++i)
        if (part[i].steps) run_wide<K>(g, ia, ib, part[i].a, part[i].b, part[i].steps, state, par);
}
#define XENT_WIDE(K)                                                                               \
    static void run(Group& g, int ia, int ib, const Stretch* part, Lane8* state, const Lane8* par) { \
        run_wide<K>(g, ia, ib, part, state, par);                                                  \
    }

struct DivergenceWide {
    static constexpr const char* spec = "Ddf";
    static constexpr int states = 3, params = 8;
    XENT_INLINE_MEMBER static void body(Num p, Num m, vd* q) {
        dd t = kl_term(p, m);
        accumulate(q[0], q[1], t.h, t.l);
        q[2] = sel((m.v.h == 0.0) & (p.v.h > 0.0), splat(1.0), q[2]);
    }
    XENT_WIDE(DivergenceWide)
};

struct JensenShannon {
    static constexpr const char* spec = "DdDdDd";
    static constexpr int states = 6, params = 8;
    XENT_INLINE_MEMBER static void body(Num p, Num m, vd* q) {
        JsTerm t = js_term(p, m);
        accumulate(q[0], q[1], t.value.h, t.value.l);
        accumulate(q[2], q[3], t.sum.h, t.sum.l);
        accumulate(q[4], q[5], t.difference.h, t.difference.l);
    }
    XENT_WIDE(JensenShannon)
};
