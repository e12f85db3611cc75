// One pass over eight rows. Up to kSmall outcomes the eight lanes are the rows; above, element i of a row goes to lane
// i mod 8 and the lanes are merged at the end, always in the same order. Either way a result depends on the row's
// values alone, not on layout, tile or thread.

constexpr int64_t kBlock = 512;  // elements of a row at a time
constexpr int64_t kSmall = 32;
constexpr int kMaxStates = 10;
constexpr int kMaxParams = 8;

typedef double Lane8[kLanes];

struct Group {
    const Job* job;
    int64_t first;
    int n;  // rows in use; the rest repeat the first
    const char* ptr[2][kLanes];
    int64_t label[2][kLanes];  // label operands: the label, -1 where it is out of range
    Lane8 leave_at;            // the element of each row that `leave_operand` is read without (as -inf), or -1
    int leave_operand = -1;
    alignas(64) double buffer[2][kLanes * kBlock];
    double tail[2][kLanes];
    double num[8][kBlock];  // double-double operands: h, l, x, tiny of each
};

XENT_INLINE double pad_of(int kind) { return kind == LOGITS || kind == LOGPROBS ? -kInf : 0.0; }

template <class T>
static void gather_tile(const char* const* p, int rows, int64_t stride, int64_t n, double* out) {
    for (int64_t i = 0; i < n; ++i)
        for (int r = 0; r < rows; ++r) out[r * kBlock + i] = (double)*(const T*)(p[r] + i * stride);
}

// Elements [start, start + n) of every row at once, where a row's own elements lie far apart and the rows close
// together.
static void gather_tile(const Operand& o, const char* const* rows, int count, int64_t start, int64_t n, double* out) {
    const char* p[kLanes];
    for (int r = 0; r < count; ++r) p[r] = rows[r] + start * o.kstride;
    switch (o.dtype) {
        case F64: return gather_tile<double>(p, count, o.kstride, n, out);
        case F32: return gather_tile<float>(p, count, o.kstride, n, out);
        case F16: return gather_tile<Half>(p, count, o.kstride, n, out);
        case BF16: return gather_tile<Brain>(p, count, o.kstride, n, out);
        default:
            for (int r = 0; r < count; ++r) gather(o.dtype, p[r], o.kstride, n, out + r * kBlock, 1);
    }
}

XENT_INLINE bool direct(const Group& g, int i) {
    const Operand& o = g.job->in[i];
    return o.dtype == F64 && o.kstride == 8 && o.kind != LABELS && g.leave_operand != i;
}

static void fetch_row(Group& g, int i, int r, int64_t start, int64_t n, double* out, int64_t step) {
    const Operand& o = g.job->in[i];
    if (o.kind == LABELS) {
        for (int64_t k = 0; k < n; ++k) out[k * step] = 0.0;
        int64_t at = g.label[i][r] - start;
        if (at >= 0 && at < n) out[at * step] = 1.0;
    } else {
        gather(o.dtype, g.ptr[i][r] + start * o.kstride, o.kstride, n, out, step);
    }
}

static void leave_out(Group& g, int i, int r, int64_t start, int64_t n, double* out, int64_t step) {
    if (g.leave_operand != i) return;
    int64_t at = (int64_t)g.leave_at[r] - start;
    if (g.leave_at[r] >= 0 && at >= 0 && at < n) out[at * step] = -kInf;
}

// The kernels. K::spec names each state and how lanes merge: Dd a sum and its low part, s a plain sum, m minimum, x
// maximum, i index of it, c a counter, f a flag.
struct Stretch {  // steps of eight elements each
    const double *a, *b;
    int64_t steps;
};

template <class K>
static void run(const Stretch* part, Lane8* state, const Lane8* par) {  // two stretches, one after the other
    for (int j = 0; j < kVecs; ++j) {
        vd q[kMaxStates], r[kMaxParams];
        for (int i = 0; i < K::states; ++i) q[i] = load(&state[i][j * W]);
        for (int i = 0; i < K::params; ++i) r[i] = load(&par[i][j * W]);
        for (const Stretch* p = part; p < part + 2; ++p) {
            const double *a = p->a + j * W, *b = p->b + j * W;
            for (int64_t s = p->steps; s > 0; --s, a += kLanes, b += kLanes) K::body(load(a), load(b), q, r);
        }
        for (int i = 0; i < K::states; ++i) store(&state[i][j * W], q[i]);
    }
}

static void start_state(const char* spec, int n, Lane8* state) {
    for (int i = 0; i < n; ++i)
        for (int l = 0; l < kLanes; ++l)
            state[i][l] = spec[i] == 'm' ? kInf : spec[i] == 'x' ? -kInf : spec[i] == 'i' ? -1.0 : 0.0;
}

static void merge_sum(const Lane8* h, const Lane8* l, double* out_h, double* out_l) {
    for (int j = 0; j < kLanes; j += W) {
        vd sum = load(h[0] + j), low = load(l[0] + j);
        for (int k = 1; k < kLanes; ++k) accumulate(sum, low, load(h[k] + j), load(l[k] + j));
        dd s = fast_two_sum(sum, low);
        store(out_h + j, s.h);
        store(out_l + j, s.l);
    }
}

// State i of eight rows, lanes first.
XENT_INLINE void turn(const double (*state)[kMaxStates][kLanes], int i, Lane8* out) {
    for (int r = 0; r < kLanes; ++r)
        for (int k = 0; k < kLanes; ++k) out[k][r] = state[r][i][k];
}

static void merge_top(const Lane8* value, const Lane8* index, Lane8* out) {
    for (int j = 0; j < kLanes; j += W) {
        vd best = load(value[0] + j), at = load(index[0] + j) * kLanes;
        for (int k = 1; k < kLanes; ++k) {
            vd x = load(value[k] + j);
            vl better = x > best;
            best = sel(better, x, best);
            at = sel(better, load(index[k] + j) * kLanes + k, at);
        }
        store(out[0] + j, best);
        store(out[1] + j, at);
    }
}

static void merge_plain(char how, const Lane8* t, double* out) {
    for (int j = 0; j < kLanes; j += W) {
        vd x = load(t[0] + j);
        for (int k = 1; k < kLanes; ++k) {
            vd y = load(t[k] + j);
            x = how == 's' ? x + y : how == 'm' ? min(x, y) : max(x, y);
        }
        store(out + j, x);
    }
}

// Lanes of each row into one value a row; out[i][r].
static void merge(const char* spec, int n, const double (*state)[kMaxStates][kLanes], Lane8* out) {
    Lane8 t[kLanes], u[kLanes];
    for (int i = 0; i < n; ++i) {
        if (spec[i] == 'c') continue;
        turn(state, i, t);
        if (spec[i] == 'D' || spec[i] == 'x') {
            turn(state, i + 1, u);
            if (spec[i] == 'D') merge_sum(t, u, out[i], out[i + 1]);
            else merge_top(t, u, out + i);
            ++i;
        } else {
            merge_plain(spec[i], t, out[i]);
        }
    }
}

XENT_INLINE void spread(const Lane8* par, int n, int r, Lane8* out) {
    for (int i = 0; i < n; ++i)
        for (int l = 0; l < kLanes; ++l) out[i][l] = par[i][r];
}

template <class K>
static void pass_small(Group& g, int a, int b, const Lane8* par, Lane8* out) {
    const int64_t n = g.job->K;
    for (int i = a;; i = b) {
        for (int r = 0; r < kLanes; ++r) {
            fetch_row(g, i, r, 0, n, g.buffer[i] + r, kLanes);
            leave_out(g, i, r, 0, n, g.buffer[i] + r, kLanes);
        }
        if (i == b) break;
    }
    start_state(K::spec, K::states, out);
    const Stretch part[2] = {{g.buffer[a], g.buffer[b], n}, {}};
    K::run(g, a, b, part, out, par);
    for (int i = 0; i < K::states; ++i)
        if (K::spec[i] == 'D')
            for (int j = 0; j < kLanes; j += W) {
                dd s = fast_two_sum(load(out[i] + j), load(out[i + 1] + j));
                store(out[i] + j, s.h);
                store(out[i + 1] + j, s.l);
            }
}

// One block of one row: whole steps straight from memory where they lie as doubles, the rest from a padded copy.
template <class K>
static void block(Group& g, int a, int b, int r, int64_t start, int64_t n, bool tiled, Lane8* state, const Lane8* par) {
    const int64_t steps = n / kLanes, rest = n % kLanes;
    const double *p[2] = {}, *t[2] = {};
    for (int i = a;; i = b) {
        double* own = g.buffer[i] + r * kBlock;
        if (direct(g, i)) {
            p[i] = (const double*)g.ptr[i][r] + start;
            for (int64_t k = 0; k < kLanes; ++k)
                g.tail[i][k] = k < rest ? p[i][steps * kLanes + k] : pad_of(g.job->in[i].kind);
            t[i] = g.tail[i];
        } else {
            if (!tiled || g.job->in[i].kind == LABELS) fetch_row(g, i, r, start, n, own, 1);
            leave_out(g, i, r, start, n, own, 1);
            for (int64_t k = n; k % kLanes; ++k) own[k] = pad_of(g.job->in[i].kind);
            p[i] = own;
            t[i] = own + steps * kLanes;
        }
        if (i == b) break;
    }
    const Stretch part[2] = {{p[a], p[b], steps}, {t[a], t[b], rest ? 1 : 0}};
    K::run(g, a, b, part, state, par);
}

template <class K>
static void pass_large(Group& g, int a, int b, const Lane8* par, Lane8* out) {
    alignas(64) double state[kLanes][kMaxStates][kLanes];
    Lane8 mine[kMaxParams];
    const int64_t n = g.job->K;
    bool tiled = false;
    for (int i = a;; i = b) {
        int64_t s = g.job->in[i].kstride;
        tiled = tiled || (g.job->in[i].kind != LABELS && (s > 64 || s < -64));
        if (i == b) break;
    }
    start_state(K::spec, K::states, state[0]);
    for (int r = 1; r < kLanes; ++r) __builtin_memcpy(state[r], state[0], K::states * sizeof(Lane8));
    if (tiled) {
        for (int64_t at = 0; at < n; at += kBlock) {
            int64_t m = n - at < kBlock ? n - at : kBlock;
            for (int i = a;; i = b) {
                if (!direct(g, i) && g.job->in[i].kind != LABELS)
                    gather_tile(g.job->in[i], g.ptr[i], g.n, at, m, g.buffer[i]);
                if (i == b) break;
            }
            for (int r = 0; r < g.n; ++r) {
                spread(par, K::params, r, mine);
                block<K>(g, a, b, r, at, m, true, state[r], mine);
            }
        }
    } else {
        for (int r = 0; r < g.n; ++r) {
            spread(par, K::params, r, mine);
            for (int64_t at = 0; at < n; at += kBlock)
                block<K>(g, a, b, r, at, n - at < kBlock ? n - at : kBlock, false, state[r], mine);
        }
    }
    merge(K::spec, K::states, state, out);
}

// Run kernel K over operands a and b of the group's rows; par[i][row] are its parameters, out[i][row] its merged
// states.
template <class K>
static void pass(Group& g, int a, int b, const Lane8* par, Lane8* out) {
    if (g.job->K <= kSmall) pass_small<K>(g, a, b, par, out);
    else pass_large<K>(g, a, b, par, out);
}
