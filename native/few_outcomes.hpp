// Labels over few outcomes: a lane is a row, so that eight rows share what a row costs besides its exponentials.

constexpr int64_t kFew = 32;

// Eight rows side by side, element j of row r at [j * kLanes + r].
struct Side8 {
    double y[kLanes], on[kLanes];        // labels; 0 for rows that are ignored or not there
    double weight[kLanes], scale[kLanes];  // of the label; of the gradient
    double token[kLanes], m[kLanes], S[kLanes], loss[kLanes];
    double *b, *slope;                   // logits, then exponentials, then gradients
};

// Element j of W rows: straight into a vector, for what is put together in memory piece by piece is waited for there.
template <class T>
XENT_INLINE vd across_rows(const T* const* p, int64_t j) {
#if defined(__AVX512F__)
    return Doubles{(double)p[0][j], (double)p[1][j], (double)p[2][j], (double)p[3][j],
                   (double)p[4][j], (double)p[5][j], (double)p[6][j], (double)p[7][j]};
#elif defined(__AVX__)
    return Doubles{(double)p[0][j], (double)p[1][j], (double)p[2][j], (double)p[3][j]};
#else
    return {Doubles{(double)p[0][j], (double)p[1][j]}, Doubles{(double)p[2][j], (double)p[3][j]}};
#endif
}

template <class T>
XENT_INLINE void turn_in(const LossJob& job, int64_t at, int n, const Side8& g) {
    const T none[kFew] = {};
    const T* rows[kLanes];
    for (int r = 0; r < kLanes; ++r)
        rows[r] = r < n && g.on[r] != 0.0 ? (const T*)(job.logits + (at + r) * job.logits_stride) : none;
    for (int64_t j = 0; j < job.V; ++j)
        for (int r = 0; r < kLanes; r += W) {
            vd a = across_rows(rows + r, j);
            if (job.cap > 0) {
                Tanh h = under_cap(job, a);
                a = h.value;
                store(g.slope + j * kLanes + r, h.slope);
            }
            store(g.b + j * kLanes + r, a);
        }
}

template <class T>
XENT_INLINE void turn_out(const LossJob& job, int64_t at, int n, const T* tile) {
    for (int r = 0; r < n; ++r) {
        T* p = (T*)(job.gradient + (at + r) * job.gradient_stride);
        for (int64_t j = 0; j < job.V; ++j) p[j] = tile[j * kLanes + r];
    }
}

// Loss and gradient of W rows from lane `at` on; `slim` says that there is neither gradient nor smoothing.
template <class E, bool slim>
static void few_lanes(const LossJob& job, Side8& g, int at) {
    const bool fresh = job.task == LOSS, capped = job.cap > 0;
    const double part = job.smoothing / (double)job.V, keep = 1.0 - job.smoothing;
    const double scale = (capped ? job.cap : 1.0) / job.temperature, rate = scale * E::per_nat;
    double* b = g.b + at;
    vd m = splat(-kInf), top = vd{}, S = vd{}, X = vd{}, x_y = vd{}, e_y = vd{};
    const vd y = load(g.y + at), on = load(g.on + at), w = load(g.weight + at);
    vd k = vd{};  // j, as it is compared with
    if (fresh) {
        for (int64_t j = 0; j < job.V; ++j, k += 1.0) {
            vd a = load(b + j * kLanes);
            top = sel(a > m, k, top);
            m = max(m, a);
        }
        m = m + 0.0;
    } else {
        m = load(g.m + at);
    }
    k = vd{};
    for (int64_t j = 0; j < job.V; ++j, k += 1.0) {
        double* p = b + j * kLanes;
        vd x = (load(p) - m) * rate, e = E::of(x);
        S += only(top != k, e);
        if (slim) continue;
        vl mine = y == k;
        store(p, e);
        x_y = sel(mine, x, x_y);
        e_y = sel(mine, e, e_y);
        if (part > 0) X += job.weight ? (job.weight[j] != 0.0 ? x * job.weight[j] : vd{}) : x;
    }
    if (slim) {
        double own[W];
        for (int r = 0; r < W; ++r) own[r] = b[(g.y[at + r] < 0.0 ? 0 : (int64_t)g.y[at + r]) * kLanes + r];
        x_y = (load(own) - m) * rate;
    }
    S = fresh ? sel(abs(m) < kInf, S, splat(kNan)) : load(g.S + at);
    store(g.m + at, m);
    store(g.S + at, S);
    const vd q = 1.0 / (1.0 + S), l = log1p(wide(S)).h, lse = m * (capped ? job.cap : 1.0) / splat(job.temperature) + l;
    const vd z = job.z_loss * lse;
    if (fresh) {
        vd loss = only(keep * w != 0.0, keep * w * (l - x_y * E::unit)) + z * lse;
        if (part > 0) loss += part * (job.weight_sum * l - X * E::unit);
        store(g.loss + at, sel(on != 0.0, loss * load(g.token + at), vd{}));
    }
    if (!job.gradient) return;
    const vd s = load(g.scale + at), p_y = e_y * q, less = sel(x_y == 0.0, -(S * q), p_y - 1.0);
    vd k0 = s * q * (keep * w + part * job.weight_sum + 2.0 * z), base = s * part;
    k0 = sel(k0 == k0, k0, splat(kNan));
    const vd at_y = s * (keep * w * less + part * (job.weight_sum * p_y - w) + 2.0 * z * p_y);
    k = vd{};
    for (int64_t j = 0; j < job.V; ++j, k += 1.0) {
        double* p = b + j * kLanes;
        vd d = load(p) * k0;
        if (part > 0) d = d - (job.weight ? base * job.weight[j] : base);
        d = sel(y == k, at_y, d);
        if (capped) d = d * load(g.slope + at + j * kLanes);
        store(p, sel(on != 0.0, d, vd{}));
    }
}

// Labels and what goes with them; false at a label that cannot be.
XENT_INLINE bool few_labels(const LossJob& job, int64_t at, int n, Side8& g, LossBlock& block) {
    for (int r = 0; r < kLanes; ++r) {
        g.y[r] = -1.0;
        g.on[r] = g.weight[r] = g.scale[r] = g.token[r] = g.m[r] = g.S[r] = 0.0;
        if (r >= n) continue;
        const int64_t i = at + r, y = label_at(job.target_dtype, job.target + i * job.target_stride);
        if (y == job.ignore) continue;
        if (y < 0 || y >= job.V) {
            block.bad = BAD_LABEL;
            block.bad_row = i;
            return false;
        }
        g.y[r] = (double)y;
        g.on[r] = 1.0;
        g.weight[r] = weight_at(job, y);
        if (job.gradient) g.scale[r] = row_scale(job, i) / job.temperature;
        g.token[r] = job.token_weight ? job.token_weight[i] : 1.0;
        if (job.task == LOSS_GRADIENT) {
            g.m[r] = job.state[i * kRowState];
            g.S[r] = job.state[i * kRowState + 1];
        }
    }
    return true;
}

template <class T>
static bool few_group(const LossJob& job, int64_t at, int n, LossBlock& block) {
    T tile[kFew * kLanes];
    Side8 g;
    g.b = block.scratch;
    g.slope = block.scratch + kFew * kLanes;
    if (!few_labels(job, at, n, g, block)) return false;
    turn_in<T>(job, at, n, g);
    for (int r = 0; r < kLanes; r += W) {
        if (job.cap > 0 || job.smoothing > 0) few_lanes<Exponent<T, false>, false>(job, g, r);
        else if (job.gradient) few_lanes<Exponent<T, true>, false>(job, g, r);
        else few_lanes<Exponent<T, true>, true>(job, g, r);
    }
    if (job.gradient) {
        for (int64_t i = 0; i < job.V * kLanes; i += kLanes) {
            vd d[kVecs];
            for (int j = 0; j < kVecs; ++j) d[j] = load(g.b + i + j * W);
            narrow(tile + i, d);
        }
        turn_out(job, at, n, tile);
    }
    for (int r = 0; r < n && job.task == LOSS; ++r) {
        block.sum += g.loss[r];
        if (job.losses) put_result(job, job.losses, at + r, g.loss[r]);
        if (!job.state) continue;
        double* state = job.state + (at + r) * kRowState;
        state[0] = g.m[r];
        state[1] = g.S[r];
        state[2] = state[3] = 0;
    }
    return true;
}

static void few_outcomes(const LossJob& job, int64_t begin, int64_t end, LossBlock& block) {
    for (int64_t i = begin; i < end; i += kLanes) {
        const int n = end - i < kLanes ? (int)(end - i) : kLanes;
        bool good;
        switch (job.dtype) {
            case F64: good = few_group<double>(job, i, n, block); break;
            case F32: good = few_group<float>(job, i, n, block); break;
            case F16: good = few_group<Half>(job, i, n, block); break;
            default: good = few_group<Brain>(job, i, n, block);
        }
        if (!good) return;
    }
}

// The losses of labels alone: eight rows share what a row costs besides its sum.
static void label_losses(const LossJob& job, int64_t begin, int64_t end, LossBlock& block) {
    for (int64_t at = begin; at < end; at += kLanes) {
        const int n = end - at < kLanes ? (int)(end - at) : kLanes;
        double m[kLanes] = {}, S[kLanes] = {}, x[kLanes] = {}, w[kLanes] = {}, token[kLanes] = {}, loss[kLanes];
        for (int r = 0; r < n; ++r) {
            const int64_t i = at + r, y = label_at(job.target_dtype, job.target + i * job.target_stride);
            Row row = open_row(job, i, block.scratch);
            if (y == job.ignore) {
                save(job, i, Row{}, 0, 0, 0);
                continue;
            }
            if (y < 0 || y >= job.V) {
                block.bad = BAD_LABEL;
                block.bad_row = i;
                return;
            }
            S[r] = sum_row<SUM>(row, nullptr).S;
            m[r] = row.m;
            x[r] = x_at(row, y);
            w[r] = weight_at(job, y);
            token[r] = job.token_weight ? job.token_weight[i] : 1.0;
            save(job, i, row, S[r], 0, 0);
        }
        for (int r = 0; r < kLanes; r += W) {
            const vd l = log1p(wide(load(S + r))).h, weight = load(w + r);
            const vd lse = load(m + r) * (job.cap > 0 ? job.cap : 1.0) / splat(job.temperature) + l;
            const vd own = only(weight != 0.0, weight * (l - load(x + r)));
            store(loss + r, (own + job.z_loss * lse * lse) * load(token + r));
        }
        for (int r = 0; r < n; ++r) {
            block.sum += loss[r];
            if (job.losses) put_result(job, job.losses, at + r, loss[r]);
        }
    }
}

static void loss_rows(const LossJob& job, int64_t begin, int64_t end, LossBlock& block) {
    if (job.kind == CLASSES && job.V <= kFew && (job.task == LOSS || job.task == LOSS_GRADIENT))
        return few_outcomes(job, begin, end, block);
    if (job.kind == CLASSES && job.task == LOSS && !job.gradient && !(job.smoothing > 0))
        return label_losses(job, begin, end, block);
    for (int64_t i = begin; i < end; ++i) {
        double loss;
        if (job.kind == CLASSES) loss = labelled_row(job, i, block);
        else if (job.kind == DENSE) loss = dense_row(job, i, block.scratch, block.bad);
        else loss = sparse_row(job, i, block);
        if (block.bad != GOOD) {
            block.bad_row = i;
            return;
        }
        block.sum += loss;
        if (job.losses) put_result(job, job.losses, i, loss);
    }
}
