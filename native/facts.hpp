// What each row of forecasts says about itself, in one read: its loss, its likeliest outcome, its Brier score, how far
// its sum is off 1, and a key of what it holds. Eight rows at a time, one a lane; each row's sums run from its first
// outcome to its last.

constexpr int64_t kTile = 64;  // outcomes at a time

struct Rows8 {
    const FactsJob* job;
    int64_t first;
    int n;  // rows in use; the rest repeat the first
    const char* ptr[kLanes];
    Lane8 label;  // as a number; -1 without labels
    Lane8 top, lse, lse_low;  // of logits
    alignas(64) double x[kTile * kLanes];  // as given, outcome by outcome
    alignas(64) double p[kTile * kLanes];  // as probabilities
};

struct Tally8 {  // over a row's outcomes, in doubles
    Lane8 sum, squares, best, at, last, bad;
    uint64_t key[kLanes];
};

static void open_rows(const FactsJob& job, Rows8& g, int64_t row, int64_t end) {
    g.job = &job;
    g.first = row;
    g.n = (int)(end - row < kLanes ? end - row : kLanes);
    for (int r = 0; r < kLanes; ++r) {
        const int64_t at = r < g.n ? row + r : row;
        g.ptr[r] = job.data + at * job.stride;
        g.label[r] = job.labels ? (double)job.labels[at] : -1.0;
    }
}

template <class T>
static void fetch_across(const char* p, int64_t kstride, int64_t n, double* out) {  // eight rows side by side
    for (int64_t k = 0; k < n; ++k, p += kstride)
        for (int r = 0; r < kLanes; ++r) out[k * kLanes + r] = (double)((const T*)p)[r];
}

static void fetch(Rows8& g, int64_t start, int64_t n) {
    const FactsJob& job = *g.job;
    const char* p = g.ptr[0] + start * job.kstride;
    if (g.n == kLanes && job.dtype == F64 && job.stride == 8) return fetch_across<double>(p, job.kstride, n, g.x);
    if (g.n == kLanes && job.dtype == F32 && job.stride == 4) return fetch_across<float>(p, job.kstride, n, g.x);
    for (int r = 0; r < kLanes; ++r)
        gather(job.dtype, g.ptr[r] + start * job.kstride, job.kstride, n, g.x + r, kLanes);
}

static void profile_rows(Rows8& g) {  // as the surprisal of logits is computed
    Job job;
    job.K = g.job->K;
    job.in[0].kind = LOGITS;
    job.in[0].dtype = g.job->dtype;
    job.in[0].kstride = g.job->kstride;
    Group group;
    group.job = &job;
    group.first = g.first;
    group.n = g.n;
    for (int r = 0; r < kLanes; ++r) group.ptr[0][r] = g.ptr[r];
    Side s;
    for (int r = 0; r < kLanes; ++r) s.max[r] = s.lse[r] = s.lse_low[r] = 0;
    profile(group, 0, false, false, s);
    for (int r = 0; r < kLanes; ++r) {
        g.top[r] = s.max[r];
        g.lse[r] = s.lse[r];
        g.lse_low[r] = s.lse_low[r];
    }
}

XENT_INLINE vd rounded(dd v) { return v.h + 0.0 + only(abs(v.h) < kInf, v.l); }

// -log of the probability of the outcome with value x, in lanes j.
template <int Kind>
XENT_INLINE vd loss_of(const Rows8& g, vd x, int j) {
    if (Kind == LOGPROBS) return 0.0 - x;
    if (Kind == PROBS) return rounded(sel(x == 0.0, wide(splat(kInf)), neg(whole(log_ratio(x, Plain{})))));
    double shift[W];
    for (int r = 0; r < W; ++r) shift[r] = finite(g.top[j + r]);
    const dd v = add(dd{load(g.lse + j), load(g.lse_low + j)}, gap(load(shift), x));
    return rounded(sel(x == -kInf, wide(splat(kInf)), v));
}

template <int Kind>
XENT_INLINE vd probability(const Rows8& g, vd x, int j) {
    if (Kind == PROBS) return x;
    return exp(Kind == LOGPROBS ? x : -loss_of<Kind>(g, x, j), vd{}).h;
}

template <int Kind>
static void tally(Rows8& g, int64_t start, int64_t n, Tally8& t) {
    const vd limit = splat(g.job->limit);
    for (int j = 0; j < kLanes; j += W) {
        vd sum = load(t.sum + j), squares = load(t.squares + j), best = load(t.best + j), at = load(t.at + j);
        vd last = load(t.last + j), bad = load(t.bad + j), label = load(g.label + j), place = splat((double)start);
        for (int64_t k = 0; k < n; ++k, place += 1.0) {
            const vd x = load(g.x + k * kLanes + j), p = probability<Kind>(g, x, j);
            const vl fine = Kind == PROBS ? (x >= 0.0) & (x <= limit) : Kind == LOGPROBS ? x <= limit : x < kInf;
            bad = sel(fine, bad, splat(1.0));
            if (Kind != PROBS) store(g.p + k * kLanes + j, p);
            sum += p;
            const vd miss = sel(place == label, 1.0 - p, p);
            squares += miss * miss;
            const vl better = p > best;
            best = sel(better, p, best);
            at = sel(better, place, at);
            last = p;
        }
        store(t.sum + j, sum), store(t.squares + j, squares), store(t.best + j, best), store(t.at + j, at);
        store(t.last + j, last), store(t.bad + j, bad);
    }
}

XENT_INLINE uint64_t mixed(uint64_t x) {  // SplitMix64, as the folds use it
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static void add_keys(const Rows8& g, int64_t start, int64_t n, uint64_t* key) {
    for (int64_t k = 0; k < n; ++k) {
        const uint64_t salt = g.job->salts[start + k];
        for (int r = 0; r < kLanes; ++r) key[r] += mixed(to_bits(g.x[k * kLanes + r] + 0.0) ^ salt);
    }
}

static void write_probs(const Rows8& g, int64_t start, int64_t n) {
    const double* p = g.job->kind == PROBS ? g.x : g.p;
    for (int r = 0; r < g.n; ++r) {
        double* out = g.job->probs + (g.first + r) * g.job->K + start;
        for (int64_t k = 0; k < n; ++k) out[k] = p[k * kLanes + r];
    }
}

template <int Kind>
static void write(const Rows8& g, const Tally8& t) {
    const FactsJob& job = *g.job;
    double label[kLanes] = {}, loss[kLanes], given[kLanes];
    for (int r = 0; r < g.n && job.labels; ++r)
        gather(job.dtype, g.ptr[r] + job.labels[g.first + r] * job.kstride, job.kstride, 1, label + r, 1);
    for (int j = 0; j < kLanes; j += W) {
        store(loss + j, loss_of<Kind>(g, load(label + j), j));
        store(given + j, probability<Kind>(g, load(label + j), j));
    }
    for (int r = 0; r < g.n; ++r) {
        const int64_t row = g.first + r;
        job.said[row] = (int64_t)t.at[r];
        job.top[row] = t.best[r];
        const double off = t.sum[r] - 1.0;
        job.off[row] = Kind == LOGITS ? 0.0 : off < 0 ? -off : off;
        if (job.keys) job.keys[row] = t.key[r];
        if (!job.labels) continue;
        const double one = t.last[r] - g.label[r];  // of two outcomes: the label is 0 or 1
        job.loss[row] = loss[r];
        job.given[row] = given[r];
        job.brier[row] = job.K == 2 ? one * one : t.squares[r];
    }
}

template <int Kind>
static int64_t facts_of(const FactsJob& job, int64_t begin, int64_t end) {
    Rows8 g;
    int64_t first_bad = -1;
    for (int64_t row = begin; row < end; row += kLanes) {
        open_rows(job, g, row, end);
        if (Kind == LOGITS) profile_rows(g);
        Tally8 t = {};
        for (int r = 0; r < kLanes; ++r) t.best[r] = -1.0;
        for (int64_t at = 0; at < job.K; at += kTile) {
            const int64_t n = job.K - at < kTile ? job.K - at : kTile;
            fetch(g, at, n);
            tally<Kind>(g, at, n, t);
            if (job.keys) add_keys(g, at, n, t.key);
            if (job.probs) write_probs(g, at, n);
        }
        for (int r = 0; r < g.n && first_bad < 0; ++r)
            if (t.bad[r] > 0 || (Kind == LOGITS && g.top[r] == -kInf)) first_bad = row + r;
        write<Kind>(g, t);
    }
    return first_bad;
}

static int64_t facts(const FactsJob& job, int64_t begin, int64_t end) {
    if (job.kind == LOGITS) return facts_of<LOGITS>(job, begin, end);
    return job.kind == LOGPROBS ? facts_of<LOGPROBS>(job, begin, end) : facts_of<PROBS>(job, begin, end);
}
