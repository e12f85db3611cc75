// The losses and statistics of rows, from a row's sums, and their gradients.
//
// With p = e^x / (1 + S), l = log(1 + S) = logsumexp - max z and t' the smoothed target:
//     loss  = sum_j t'_j w_j (l - x_j) + z_loss lse^2                        all times the row's token weight
//     dz_j  = s [C p_j - t'_j w_j + 2 z_loss lse p_j],  C = sum_j t'_j w_j,  s = upstream x token weight / denominator
//     da_j  = dz_j (1 - tanh^2) / temperature
// Where one logit holds more than half of p, 1 - p there is S / (1 + S): no digit is lost to a difference.

XENT_INLINE void put_result(const LossJob& job, char* to, int64_t i, double value) {
    if (job.wide_results) ((double*)to)[i] = value;
    else ((float*)to)[i] = (float)value;
}

XENT_INLINE double times(double weight, double value) { return weight == 0.0 ? 0.0 : weight * value; }

struct Peak {  // what a row's maximum and S say
    double S, q, l, lse;
};

XENT_INLINE Peak peak_of(const Row& row, double S) {
    const double l = first(log1p(wide(splat(S))).h);
    const double z = row.m * (row.job->cap > 0 ? row.job->cap : 1.0) / row.job->temperature;
    return {S, 1.0 / (1.0 + S), l, z + l};
}

XENT_INLINE double row_scale(const LossJob& job, int64_t i) {
    double s = job.scale;
    if (job.upstream) s *= job.upstream[i];
    return job.token_weight ? s * job.token_weight[i] : s;
}

XENT_INLINE void save(const LossJob& job, int64_t i, const Row& row, double S, double third, double fourth) {
    if (!job.state) return;
    double* state = job.state + i * kRowState;
    state[0] = row.m;
    state[1] = S;
    state[2] = third;
    state[3] = fourth;
}

static double class_row(const LossJob& job, int64_t i, int64_t y, double* scratch) {
    Row row = open_row(job, i, scratch);
    const double part = job.smoothing / (double)job.V, w = job.weight ? job.weight[y] : 1.0;
    Sums sums;
    if (job.task == LOSS_GRADIENT) {
        row.m = job.state[i * kRowState];
        sums.S = job.state[i * kRowState + 1];
    } else if (!(part > 0)) {
        sums = sum_row<SUM>(row, nullptr);
    } else {
        sums = job.weight ? sum_row<SUM_WX>(row, nullptr) : sum_row<SUM_X>(row, nullptr);
    }
    const Peak peak = peak_of(row, sums.S);
    const double x = x_at(row, y), z = job.z_loss * peak.lse, keep = 1.0 - job.smoothing;
    double loss = 0;
    if (job.task == LOSS) {
        save(job, i, row, sums.S, 0, 0);
        loss = times(keep * w, peak.l - x) + z * peak.lse;
        if (part > 0) loss += part * (job.weight_sum * peak.l - sums.X);
        if (job.token_weight) loss *= job.token_weight[i];
    }
    if (job.gradient) {
        const double s = row_scale(job, i) / job.temperature, C = keep * w + part * job.weight_sum;
        const double k0 = s * peak.q * (C + 2.0 * z);
        const double p = first(e_to(splat(x))) * peak.q, less = x == 0.0 ? -peak.S * peak.q : p - 1.0;
        const double at_y = s * (keep * w * less + part * (job.weight_sum * p - w) + 2.0 * z * p) * slope_at(row, y);
        char* out = job.gradient + i * job.gradient_stride;
        if (!(part > 0)) gradient_row<SOFTMAX>(row, nullptr, out, {k0, 0, 0, 1});
        else if (job.weight) gradient_row<LESS_WEIGHTS>(row, nullptr, out, {k0, s * part, 0, 1});
        else gradient_row<LESS_BASE>(row, nullptr, out, {k0, s * part, 0, 1});
        put(job.dtype, out + y * item_size(job.dtype), at_y, 0.0);
    }
    return loss;
}

// A row whose target is a distribution: C and the same without the maximum come from the sums.
static double dense_row(const LossJob& job, int64_t i, double* scratch, int& bad) {
    Row row = open_row(job, i, scratch);
    const char* target = job.target + i * job.target_stride;
    Sums sums;
    double C;
    if (job.task == LOSS_GRADIENT) {
        const double* state = job.state + i * kRowState;
        row.m = state[0];
        sums.S = state[1];
        C = state[2];
        sums.C = state[3];
    } else {
        sums = sum_row<SUM_TX>(row, target);
        if (!sums.good) bad = BAD_VALUE;
        else if (!(sums.total - 1.0 <= job.tolerance && 1.0 - sums.total <= job.tolerance)) bad = BAD_SUM;
        if (bad != GOOD) return 0;
        fill_target(row, target, row.top, 1);
        C = sums.C + row.t[0];
    }
    const Peak peak = peak_of(row, sums.S);
    const double z = job.z_loss * peak.lse;
    double loss = 0;
    if (job.task == LOSS) {
        save(job, i, row, sums.S, C, sums.C);
        loss = C * peak.l - sums.X + z * peak.lse;
        if (job.token_weight) loss *= job.token_weight[i];
    }
    if (job.gradient) {
        const double s = row_scale(job, i) / job.temperature, at_top = s * (sums.C + (2.0 * z - C * peak.S) * peak.q);
        gradient_row<LESS_TARGET>(row, target, job.gradient + i * job.gradient_stride,
                                  {s * peak.q * (C + 2.0 * z), s, at_top, peak.S < 0.5 ? 0.0 : 1.0});
    }
    return loss;
}

// A target of k outcomes t_i on a base of the same t' everywhere else: the smoothing's share and what is spread.
struct Sparse {
    const int64_t* index;
    const double* probs;
    double base, rest, keep;  // t' elsewhere; what is spread to each outcome; 1 - smoothing
};

XENT_INLINE double weight_at(const LossJob& job, int64_t j) { return job.weight ? job.weight[j] : 1.0; }

XENT_INLINE Sparse open_sparse(const LossJob& job, int64_t i, unsigned char* seen, int& bad) {
    Sparse t = {(const int64_t*)job.target + i * job.k, job.probs + i * job.k, 0, 0, 1.0 - job.smoothing};
    double total = 0;
    for (int64_t n = 0; n < job.k && bad == GOOD; ++n) {
        const int64_t j = t.index[n];
        if (j < 0 || j >= job.V) bad = BAD_INDEX;
        else if (!(t.probs[n] >= 0.0 && t.probs[n] < kInf)) bad = BAD_VALUE;
        else if (seen[j]) bad = BAD_DUPLICATE;
        else seen[j] = 1;
        total += t.probs[n];
    }
    for (int64_t n = 0; n < job.k; ++n)
        if (t.index[n] >= 0 && t.index[n] < job.V) seen[t.index[n]] = 0;
    if (bad == GOOD && !(total - 1.0 <= job.tolerance)) bad = BAD_SUM;
    if (job.spread && job.V > job.k && total < 1.0) t.rest = (1.0 - total) / (double)(job.V - job.k);
    t.base = t.keep * t.rest + job.smoothing / (double)job.V;
    return t;
}

// sum of w x over all outcomes but those with their own probability: for where the logit of one of these is so low, a
// mask maybe, that taking its part from the sum over all would leave no digit of the others.
static double sum_elsewhere(const Row& row, const Sparse& t, unsigned char* seen) {
    const LossJob& job = *row.job;
    for (int64_t n = 0; n < job.k; ++n) seen[t.index[n]] = 1;
    double sum = 0;
    for (int64_t j = 0; j < job.V; ++j)
        if (!seen[j]) sum += times(weight_at(job, j), x_at(row, j));
    for (int64_t n = 0; n < job.k; ++n) seen[t.index[n]] = 0;
    return sum;
}

static double sparse_loss(const Row& row, const Sparse& t, const Sums& sums, const Peak& peak, unsigned char* seen) {
    const LossJob& job = *row.job;
    bool apart = t.base > 0 && !(sums.X > -kInf && sums.X < kInf);
    for (int64_t n = 0; n < job.k && t.base > 0; ++n) apart |= x_at(row, t.index[n]) < -1024.0;
    double loss = 0, w = job.weight_sum;
    for (int64_t n = 0; n < job.k; ++n) {
        const int64_t j = t.index[n];
        const double own = t.keep * (t.probs[n] - t.rest) + (apart ? t.base : 0.0);
        loss += times(own * weight_at(job, j), peak.l - x_at(row, j));
        if (apart) w -= weight_at(job, j);
    }
    if (t.base > 0) loss += t.base * (w * peak.l - (apart ? sum_elsewhere(row, t, seen) : sums.X));
    return loss;
}

static void sparse_gradient(const Row& row, const Sparse& t, const Peak& peak, int64_t i) {
    const LossJob& job = *row.job;
    const double z = 2.0 * job.z_loss * peak.lse, s = row_scale(job, i) / job.temperature;
    double C = t.base * job.weight_sum;
    for (int64_t n = 0; n < job.k; ++n) C += t.keep * (t.probs[n] - t.rest) * weight_at(job, t.index[n]);
    double* own = row.g + kLossBlock;  // the gradients at the outcomes, before their logits are overwritten
    char* out = job.gradient + i * job.gradient_stride;
    for (int64_t n = 0; n < job.k; ++n) {
        const int64_t j = t.index[n];
        const double x = x_at(row, j), w = weight_at(job, j), p = first(e_to(splat(x))) * peak.q;
        double less = C * p - (t.keep * t.probs[n] + (t.base - t.keep * t.rest)) * w;
        if (x == 0.0 && peak.S < 0.5) {
            double others = t.base * (job.weight_sum - w);
            for (int64_t o = 0; o < job.k; ++o)
                if (o != n) others += t.keep * (t.probs[o] - t.rest) * weight_at(job, t.index[o]);
            less = others - C * peak.S * peak.q;
        }
        own[n] = s * (less + z * p) * slope_at(row, j);
    }
    const double k0 = s * peak.q * (C + z);
    if (!(t.base > 0)) gradient_row<SOFTMAX>(row, nullptr, out, {k0, 0, 0, 1});
    else if (job.weight) gradient_row<LESS_WEIGHTS>(row, nullptr, out, {k0, s * t.base, 0, 1});
    else gradient_row<LESS_BASE>(row, nullptr, out, {k0, s * t.base, 0, 1});
    for (int64_t n = 0; n < job.k; ++n) put(job.dtype, out + t.index[n] * item_size(job.dtype), own[n], 0.0);
}

static double sparse_row(const LossJob& job, int64_t i, LossBlock& block) {
    Row row = open_row(job, i, block.scratch);
    const Sparse t = open_sparse(job, i, block.seen, block.bad);
    if (block.bad != GOOD) return 0;
    Sums sums;
    if (job.task == LOSS_GRADIENT) {
        row.m = job.state[i * kRowState];
        sums.S = job.state[i * kRowState + 1];
    } else if (!(t.base > 0)) {
        sums = sum_row<SUM>(row, nullptr);
    } else {
        sums = job.weight ? sum_row<SUM_WX>(row, nullptr) : sum_row<SUM_X>(row, nullptr);
    }
    const Peak peak = peak_of(row, sums.S);
    double loss = 0;
    if (job.task == LOSS) {
        save(job, i, row, sums.S, 0, 0);
        loss = sparse_loss(row, t, sums, peak, block.seen) + job.z_loss * peak.lse * peak.lse;
        if (job.token_weight) loss *= job.token_weight[i];
    }
    if (job.gradient) sparse_gradient(row, t, peak, i);
    return loss;
}

static int64_t first_nan(const Row& row) {  // which stands above all numbers; where the maximum is, if there is none
    for (int64_t j = 0; j < row.job->V; ++j)
        if (double b = logit_at(row, j); b != b) return j;
    return row.top;
}

static void statistics_row(const LossJob& job, int64_t i, int64_t y, double* scratch) {
    Row row = open_row(job, i, scratch);
    const Sums sums = sum_row<SUM_EX>(row, nullptr);
    const Peak peak = peak_of(row, sums.S);
    const double mean = sums.X * peak.q;  // of x under p
    save(job, i, row, sums.S, mean, 0);
    put_result(job, job.log_prob, i, x_at(row, y) - peak.l);
    put_result(job, job.logsumexp, i, peak.lse);
    put_result(job, job.entropy, i, peak.l - mean);
    if (sums.S != sums.S) row.top = first_nan(row);
    job.argmax[i] = row.top;
}

// dz_j = g_l (1[j=y] - p_j) + g_L p_j - g_H p_j (log p_j + H), and log p_j + H = x_j - mean of x under p.
static void statistics_gradient_row(const LossJob& job, int64_t i, int64_t y, double* scratch) {
    Row row = open_row(job, i, scratch);
    const double* state = job.state + i * kRowState;
    row.m = state[0];
    const double S = state[1], mean = state[2], q = 1.0 / (1.0 + S), s = 1.0 / job.temperature;
    const double l = job.g_log_prob ? job.g_log_prob[i] : 0.0, L = job.g_logsumexp ? job.g_logsumexp[i] : 0.0;
    const double H = job.g_entropy ? job.g_entropy[i] : 0.0;
    const double x = x_at(row, y), p = first(e_to(splat(x))) * q, more = x == 0.0 ? S * q : 1.0 - p;
    const double bent = x > -kInf ? H * (x - mean) : 0.0;
    const double at_y = s * (l * more + p * (L - bent)) * slope_at(row, y);
    char* out = job.gradient + i * job.gradient_stride;
    if (H == 0.0) gradient_row<SOFTMAX>(row, nullptr, out, {s * q * (L - l), 0, 0, 1});
    else gradient_row<WITH_LOG>(row, nullptr, out, {s * q * (L - l + H * mean), s * q * H, 0, 1});
    put(job.dtype, out + y * item_size(job.dtype), at_y, 0.0);
}

static void ignored_row(const LossJob& job, int64_t i) {
    const size_t size = (size_t)(job.V * item_size(job.dtype));
    if (job.gradient) __builtin_memset(job.gradient + i * job.gradient_stride, 0, size);
    if (job.task == LOSS || job.task == STATISTICS) save(job, i, Row{}, 0, 0, 0);
    if (job.task != STATISTICS) return;
    put_result(job, job.log_prob, i, 0);
    put_result(job, job.logsumexp, i, 0);
    put_result(job, job.entropy, i, 0);
    job.argmax[i] = -1;
}

static double labelled_row(const LossJob& job, int64_t i, LossBlock& block) {
    const int64_t y = label_at(job.target_dtype, job.target + i * job.target_stride);
    if (y == job.ignore) ignored_row(job, i);
    else if (y < 0 || y >= job.V) block.bad = BAD_LABEL;
    else if (job.task == STATISTICS) statistics_row(job, i, y, block.scratch);
    else if (job.task == STATISTICS_GRADIENT) statistics_gradient_row(job, i, y, block.scratch);
    else return class_row(job, i, y, block.scratch);
    return 0;
}
