// Reductions: the pass of each measure, and what is made of its sums. Everything here is eight rows wide.

struct Walk {  // over the outer axes, in C order
    int64_t index[kMaxDims] = {};
    const char* ptr[2];
    char* out;
};

static void seek(const Job& job, Walk& w, int64_t row) {
    w.ptr[0] = job.in[0].data;
    w.ptr[1] = job.in[1].data;
    w.out = job.out;
    for (int d = job.ndim - 1; d >= 0; --d) {
        int64_t i = job.shape[d] ? row % job.shape[d] : 0;
        row = job.shape[d] ? row / job.shape[d] : 0;
        w.index[d] = i;
        for (int o = 0; o < job.nops; ++o) w.ptr[o] += i * job.in[o].stride[d];
        w.out += i * job.out_stride[d];
    }
}

static void next(const Job& job, Walk& w) {
    for (int d = job.ndim - 1; d >= 0; --d) {
        for (int o = 0; o < job.nops; ++o) w.ptr[o] += job.in[o].stride[d];
        w.out += job.out_stride[d];
        if (++w.index[d] < job.shape[d]) return;
        for (int o = 0; o < job.nops; ++o) w.ptr[o] -= job.in[o].stride[d] * job.shape[d];
        w.out -= job.out_stride[d] * job.shape[d];
        w.index[d] = 0;
    }
}

struct Result {
    Lane8 h, l, inf;  // inf > 0: the value is infinite
};

XENT_INLINE dd at(const Lane8& h, const Lane8& l, int j) { return {load(h + j), load(l + j)}; }
XENT_INLINE void keep(Result& v, int j, dd x) { store(v.h + j, x.h), store(v.l + j, x.l); }

// Surprisal of values b, one a row.
static void surprisal_of(const Operand& o, const Side& s, const double* b, Result& v) {
    for (int j = 0; j < kLanes; j += W) {
        vd x = load(b + j);
        dd t;
        vl none = x == 0.0;
        if (o.kind == PROBS) t = neg(whole(log_ratio(x, Plain{})));
        else if (o.kind == COUNTS) t = whole(log_ratio(at(s.sum, s.sum_low, j), wide(x)));
        else {
            none = x == -kInf;
            t = wide(-x);
            if (o.kind == LOGITS) t = add(at(s.lse, s.lse_low, j), gap(load(s.max + j), x));
        }
        if (o.kind == PROBS || o.kind == COUNTS) t.h = sel(x >= 0.0, t.h, splat(kNan));
        keep(v, j, t);
        store(v.inf + j, only(none, splat(1.0)));
    }
}

static void of_label(Group& g, int labels, int model, Side* s, Result& v) {
    const Operand& o = g.job->in[model];
    profile_labels(g, labels, g.job->K);
    if (o.kind == COUNTS || o.kind == LOGITS || o.tol >= 0) profile(g, model, false, false, s[model]);
    else
        for (int r = 0; r < kLanes; ++r) s[model].sum[r] = 1, s[model].min[r] = s[model].max[r] = s[model].nan[r] = 0;
    double b[kLanes];
    for (int r = 0; r < kLanes; ++r) {
        b[r] = kNan;
        int64_t y = g.label[labels][r];
        if (y >= 0) gather(o.dtype, g.ptr[model][r] + y * o.kstride, o.kstride, 1, b + r, 1);
    }
    surprisal_of(o, s[model], b, v);
}

static void entropy_of_logits(Group& g, Side& s, Result& v) {
    double moment[2][kLanes];
    profile_logits(g, 0, false, s, moment);
    for (int j = 0; j < kLanes; j += W)
        keep(v, j, add(at(s.lse, s.lse_low, j), div(at(moment[0], moment[1], j), at(s.total, s.total_low, j))));
}

template <int Weight, bool Same>
static void cross_pass(Group& g, int b, int form, const Lane8* par, Lane8* out) {
    if (form == PROBS) pass<Cross<Weight, PROBS, Same>>(g, 0, b, par, out);
    else if (form == COUNTS) pass<Cross<Weight, COUNTS, Same>>(g, 0, b, par, out);
    else pass<Cross<Weight, LOGITS, Same>>(g, 0, b, par, out);
}

// Entropy is the cross-entropy of an operand with itself: its form is that of its weights.
static void cross_pass(Group& g, bool same, int form, const Lane8* par, Lane8* out) {
    const int weight = g.job->in[0].kind;
    if (same && weight == PROBS) return pass<Cross<PROBS, PROBS, true>>(g, 0, 0, par, out);
    if (same && weight == COUNTS) return pass<Cross<COUNTS, COUNTS, true>>(g, 0, 0, par, out);
    if (same) return pass<Cross<LOGITS, LOGITS, true>>(g, 0, 0, par, out);
    if (weight == PROBS) return cross_pass<PROBS, false>(g, 1, form, par, out);
    if (weight == COUNTS) return cross_pass<COUNTS, false>(g, 1, form, par, out);
    cross_pass<LOGITS, false>(g, 1, form, par, out);
}

// The cross-entropy or divergence of a row whose logits lie so far apart that their difference, or a sum of them,
// overflowed: the same sums, 2^-32 of them at a time. NaN where a value is undefined.
static double far_apart(Group& g, int r, const Side* s, bool divergence) {
    constexpr double down = 0x1p-32;
    const int weight = g.job->in[0].kind, model = g.job->in[1].kind;
    const bool log_weight = weight == LOGITS || weight == LOGPROBS;
    const bool normalised = divergence || weight == LOGITS || weight == COUNTS;
    const double top_p = log_weight && normalised ? finite(s[0].max[r]) : 0.0;
    const double top_q = model == LOGITS || divergence ? finite(s[1].max[r]) : 0.0;
    double sum = 0, total = 0;
    for (int64_t at = 0; at < g.job->K; at += kBlock) {
        int64_t n = g.job->K - at < kBlock ? g.job->K - at : kBlock;
        for (int i = 0; i < 2; ++i) fetch_row(g, i, r, at, n, g.buffer[i], 1);
        for (int64_t k = 0; k < n; ++k) {
            const double a = g.buffer[0][k], b = g.buffer[1][k];
            const double w = log_weight ? first(exp(splat(a - top_p), vd{}).h) : a;
            if (w == 0) continue;
            sum += w * (top_q * down - b * down);
            if (divergence) sum -= w * (top_p * down - a * down);
            total += w;
        }
    }
    const double rest = divergence ? s[1].lse[r] - s[0].lse[r] : model == LOGITS ? s[1].lse[r] : 0.0;
    return normalised ? sum / total / down + rest : sum / down + total * rest;
}

static void mend_far_apart(Group& g, const Side* s, bool divergence, Result& v) {
    for (int r = 0; r < g.n; ++r)
        if (!(v.h[r] - v.h[r] == 0) && !(v.inf[r] > 0)) {
            v.h[r] = far_apart(g, r, s, divergence);
            v.l[r] = 0;
            v.inf[r] = v.h[r] == kInf;
        }
}

static void cross_entropy(Group& g, bool same, Side* s, Result& v) {
    const int b = same ? 0 : 1;
    const Operand &p = g.job->in[0], &m = g.job->in[b];
    const bool log_weight = p.kind == LOGPROBS || p.kind == LOGITS;
    Lane8 par[4] = {}, out[kMaxStates] = {};
    if (!(p.kind == PROBS || (p.kind == COUNTS && !same))) profile(g, 0, false, false, s[0]);
    if (!same && m.kind != PROBS) profile(g, 1, false, false, s[1]);
    for (int r = 0; r < kLanes; ++r) {
        par[0][r] = p.kind == LOGITS ? finite(s[0].max[r]) : 0.0;
        par[1][r] = m.kind == COUNTS ? s[b].sum[r] : 1.0;
        par[2][r] = m.kind == COUNTS ? s[b].sum_low[r] : 0.0;
        par[3][r] = m.kind == LOGITS ? finite(s[b].max[r]) : 0.0;
    }
    cross_pass(g, same, m.kind, par, out);
    for (int r = 0; r < kLanes; ++r) {
        if (!log_weight) s[0].sum[r] = out[3][r], s[0].sum_low[r] = out[4][r], s[0].min[r] = out[2][r];
        if (!same && m.kind == PROBS) s[1].sum[r] = out[6][r], s[1].min[r] = out[7][r];
        v.inf[r] = same ? 0.0 : out[5][r];
    }
    for (int j = 0; j < kLanes; j += W) {
        dd t = at(out[0], out[1], j), weight = at(out[3], out[4], j);
        if (m.kind == LOGITS) t = add(t, mul(weight, at(s[b].lse, s[b].lse_low, j)));
        if (p.kind == COUNTS || p.kind == LOGITS) t = div(t, weight);
        keep(v, j, t);
    }
    if (!same && (m.kind == LOGITS || m.kind == LOGPROBS)) mend_far_apart(g, s, false, v);
    if (!same && p.kind == PROBS && !(p.tol >= 0))  // unchecked weights are taken as given
        for (int r = 0; r < kLanes; ++r) s[0].min[r] = 0;
}

static void kl_probs(Group& g, Side* s, Result& v) {
    Lane8 out[kMaxStates];
    pass<Divergence>(g, 0, 1, kZeros, out);
    for (int r = 0; r < kLanes; ++r) {
        v.h[r] = out[0][r], v.l[r] = out[1][r];
        s[0].sum[r] = out[2][r], s[0].min[r] = out[3][r];
        s[1].sum[r] = out[4][r], s[1].min[r] = out[5][r];
        v.inf[r] = out[6][r];
    }
}

static void kl_logs(Group& g, Side* s, Result& v) {
    Lane8 par[6], out[kMaxStates];
    const bool given = g.job->in[0].kind == LOGPROBS && g.job->in[1].kind == LOGPROBS;
    for (int i = 0; i < 2; ++i) {
        profile(g, i, false, false, s[i]);
        if (given || g.job->in[i].kind == LOGITS) continue;
        Side checked =
            s[i];  // a log-probability beside a logit is normalised like one; its own sum stays for the check
        profile_logits(g, i, false, s[i], nullptr);
        __builtin_memcpy(s[i].sum, checked.sum, sizeof checked.sum);
    }
    for (int j = 0; j < kLanes; j += W) {
        dd c = wide(vd{}), k = wide(splat(1.0));
        vd shift[2] = {vd{}, vd{}};
        if (!given) {
            for (int i = 0; i < 2; ++i) {
                vd m = load(s[i].max + j);
                shift[i] = only(abs(m) < kInf, m);
            }
            dd d = two_sum(shift[1], -shift[0]);
            c = add(d, sub(at(s[1].lse, s[1].lse_low, j), at(s[0].lse, s[0].lse_low, j)));
            dd e = sub(d, c);
            k = exp(e.h, e.l);
        }
        store(par[0] + j, shift[0]), store(par[1] + j, k.h), store(par[2] + j, k.l);
        store(par[3] + j, c.h), store(par[4] + j, c.l), store(par[5] + j, shift[1]);
    }
    pass<LogDivergence>(g, 0, 1, par, out);
    for (int j = 0; j < kLanes; j += W) {
        dd u = at(out[0], out[1], j);
        if (!given) {  // w is what the rounding of c left: phi(w) = w^2/2 - w^3/3 + ...
            dd total = at(out[4], out[5], j);
            vd w = (load(out[2] + j) + load(out[3] + j)) / total.h;
            u = sub(div(u, total), wide(w * w * (0.5 - w * (1.0 / 3.0))));
        }
        keep(v, j, sel(u.h > 0.0, u, sel(u.h == u.h, wide(vd{}), u)));
        store(v.inf + j, load(out[6] + j));
    }
    mend_far_apart(g, s, true, v);
}

static void wide_params(Group& g, Side* s, Lane8* par) {
    for (int i = 0; i < 2; ++i) {
        const int kind = g.job->in[i].kind;
        if (kind == LABELS) profile_labels(g, i, g.job->K);
        else profile(g, i, true, false, s[i]);
        for (int r = 0; r < kLanes; ++r) {
            par[4 * i][r] = kind == COUNTS ? s[i].sum[r] : kind == LOGITS ? finite(s[i].max[r]) : 0.0;
            par[4 * i + 1][r] = kind == COUNTS ? s[i].sum_low[r] : kind == LOGITS ? s[i].total[r] : 1.0;
            par[4 * i + 2][r] = kind == LOGITS ? s[i].total_low[r] : 0.0;
            par[4 * i + 3][r] = kind == LOGITS ? s[i].lse[r] : 0.0;
        }
    }
}

static void kl_wide(Group& g, Side* s, Result& v) {
    Lane8 par[8], out[kMaxStates];
    wide_params(g, s, par);
    pass<DivergenceWide>(g, 0, 1, par, out);
    for (int r = 0; r < kLanes; ++r) v.h[r] = out[0][r], v.l[r] = out[1][r], v.inf[r] = out[2][r];
}

static void js(Group& g, Side* s, Result& v) {
    Lane8 par[8], out[kMaxStates];
    wide_params(g, s, par);
    pass<JensenShannon>(g, 0, 1, par, out);
    for (int j = 0; j < kLanes; j += W) {
        dd sum = at(out[2], out[3], j), d = at(out[4], out[5], j), half = scale(sum, splat(0.5));
        d = sel(d.h < 0.0, neg(d), d);  // |P - Q|, summed apart: P and Q themselves would have rounded it away
        dd t =
            sub(at(out[0], out[1], j), js_term(sum, d, scale(add(sum, d), splat(0.5)), scale(sub(sum, d), splat(0.5))));
        t = sel(t.h < 0.0, wide(vd{}), div(t, half));
        keep(v, j, t);
        store(v.inf + j, vd{});
    }
}

static void logsumexp(Group& g, Side* s, Result& v) {
    profile_logits(g, 0, true, s[0], nullptr);
    for (int j = 0; j < kLanes; j += W) keep(v, j, add(at(s[0].lse, s[0].lse_low, j), load(s[0].max + j)));
    for (int r = 0; r < kLanes; ++r) v.inf[r] = 0;
}

static void measure(Group& g, Side* s, Result& v) {
    const Job& job = *g.job;
    const int p = job.in[0].kind, m = job.in[1].kind;
    const bool log_p = p == LOGITS || p == LOGPROBS, log_m = m == LOGITS || m == LOGPROBS;
    switch (job.op) {
        case ENTROPY:
            if (p == LOGITS) entropy_of_logits(g, s[0], v);
            else cross_entropy(g, true, s, v);
            return;
        case CROSS_ENTROPY: return p == LABELS ? of_label(g, 0, 1, s, v) : cross_entropy(g, false, s, v);
        case KL:
            if (p == LABELS) return of_label(g, 0, 1, s, v);
            if (p == PROBS && m == PROBS) return kl_probs(g, s, v);
            return log_p && log_m ? kl_logs(g, s, v) : kl_wide(g, s, v);
        case JS: return js(g, s, v);
        default: return logsumexp(g, s, v);
    }
}

static void convert(int post, double* h, double* l) {
    for (int j = 0; j < kLanes; j += W) {
        dd x = {load(h + j), load(l + j)};
        x = in_unit(x, post);
        if (post == EXP) x = exp(x.h, x.l);
        store(h + j, x.h);
        store(l + j, x.l);
    }
}

static void finish(const Job& job, Result& v, const bool* undefined) {
    convert(job.post, v.h, v.l);
    for (int r = 0; r < kLanes; ++r) {
        if (undefined[r]) v.h[r] = kNan, v.l[r] = 0;
        else if (v.inf[r] > 0) v.h[r] = kInf, v.l[r] = 0;
    }
}

// Counts whose sum overflows, or is so small that a product would lose digits, are scaled by a power of two.
XENT_INLINE bool out_of_scale(const Operand& o, const Side& s, int r) {
    return o.kind == COUNTS && s.min[r] >= 0 && (!(s.sum[r] - s.sum[r] == 0) || (s.sum[r] < 0x1p-900 && s.sum[r] > 0));
}

// Row r of operand i, scaled so that K of them can be summed, in `room`; false where a value is infinite or NaN.
static bool scaled_row(const Job& job, Group& g, int i, int r, double* room) {
    const Operand& o = job.in[i];
    gather(o.dtype, g.ptr[i][r], o.kstride, job.K, room, 1);
    double most = 0;
    for (int64_t k = 0; k < job.K; ++k) {
        if (!(room[k] < kInf)) return false;
        most = room[k] > most ? room[k] : most;
    }
    double factor = 1;
    while (most * factor * (double)job.K > 0x1p1000) factor *= 0.5;
    while (most * factor < 0x1p-500) factor *= 0x1p200;
    for (int64_t k = 0; k < job.K; ++k) {
        double x = room[k] * factor;
        room[k] = x == 0 && room[k] > 0 ? 0x1p-1074 : x;  // rounded away, but not impossible
    }
    return true;
}

// One row again by kernel `run`, its counts scaled; its failures are written to `bad` as row 0.
static int run_scaled(const Job& job, Group& g, const Side* s, int r, Kernel run, char* out, int64_t bad[2]) {
    Job one = job;
    one.ndim = 0;
    one.rows = 1;
    one.out = out;
    double* room = (double*)__builtin_malloc((std::size_t)(2 * job.K) * sizeof(double));
    if (!room) return 1;
    bool ready = true;
    for (int i = 0; i < job.nops; ++i) {
        one.in[i].data = g.ptr[i][r];
        if (!out_of_scale(job.in[i], s[i], r)) continue;
        ready = ready && scaled_row(job, g, i, r, room + i * job.K);
        one.in[i].data = (const char*)(room + i * job.K);
        one.in[i].dtype = F64;
        one.in[i].kstride = sizeof(double);
    }
    int failed = ready ? run(one, 0, 1, bad) : 0;
    __builtin_free(room);
    return ready ? failed : -1;
}

static int64_t open_group(const Job& job, Group& g, Walk& w, int64_t row, int64_t end) {
    g.first = row;
    g.n = (int)(end - row < kLanes ? end - row : kLanes);
    for (int r = 0; r < kLanes; ++r) {
        for (int i = 0; i < 2; ++i) g.ptr[i][r] = r < g.n ? w.ptr[i] : g.ptr[i][0];
        if (r < g.n) next(job, w);
    }
    return row + g.n;
}

static int reduce(const Job& job, int64_t begin, int64_t end, int64_t bad[2]) {
    Group g;
    g.job = &job;
    Walk w;
    seek(job, w, begin);
    const int64_t size = item_size(job.out_dtype);
    for (int64_t row = begin; row < end;) {
        int64_t stop = open_group(job, g, w, row, end);
        Side s[2] = {};
        Result v;
        for (int r = 0; r < kLanes; ++r) v.inf[r] = 0;
        measure(g, s, v);
        bool undefined[kLanes] = {};
        bool scaled[kLanes] = {};
        for (int r = 0; r < g.n; ++r) {
            if (!out_of_scale(job.in[0], s[0], r) && !(job.nops == 2 && out_of_scale(job.in[1], s[1], r))) continue;
            int64_t faults[2] = {1, 1};
            int outcome = run_scaled(job, g, s, r, reduce, job.out + (row + r) * size, faults);
            if (outcome > 0) return 1;
            scaled[r] = outcome == 0;
            for (int i = 0; i < job.nops; ++i)
                if (scaled[r] && faults[i] == 0 && row + r < bad[i]) bad[i] = row + r;
        }
        for (int i = 0; i < job.nops; ++i)
            for (int r = 0; r < g.n; ++r) {
                if (scaled[r]) continue;
                undefined[r] |= undefined_row(job.in[i], s[i], g.label[i][r], r);
                if (fails(job.in[i], s[i], g.label[i][r], r) && row + r < bad[i]) bad[i] = row + r;
            }
        finish(job, v, undefined);
        for (int r = 0; r < g.n; ++r)
            if (!scaled[r]) put(job.out_dtype, job.out + (row + r) * size, v.h[r], v.l[r]);
        row = stop;
    }
    return 0;
}
