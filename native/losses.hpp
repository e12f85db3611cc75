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

struct Label {
    int64_t y;
    bool ignored, good;
};

XENT_INLINE Label label_of(const LossJob& job, int64_t i) {
    const int64_t y = label_at(job.target_dtype, job.target + i * job.target_stride);
    const bool ignored = y == job.ignore;
    return {y, ignored, ignored || (y >= 0 && y < job.V)};
}

XENT_INLINE void zero_row(const LossJob& job, int64_t i) {
    __builtin_memset(job.gradient + i * job.gradient_stride, 0, (size_t)(job.V * item_size(job.dtype)));
}

struct Peak {  // what a row's maximum and S say
    double S, q, l, lse;
};

XENT_INLINE Peak peak_of(const Row& row, double S) {
    const double l = first(log1p(wide(splat(S))).h);
    const double z = row.m * (row.job->cap > 0 ? row.job->cap : 1.0) / row.job->temperature;
    return {S, 1.0 / (1.0 + S), l, z + l};
}

XENT_INLINE double x_at(const Row& row, int64_t j) { return (logit_at(row, j) - row.m) * row.scale; }

XENT_INLINE double slope_at(const Row& row, int64_t j) {
    if (!(row.job->cap > 0)) return 1.0;
    double a;
    gather(row.job->dtype, row.logits + j * item_size(row.job->dtype), 0, 1, &a, 1);
    return first(tanh_of(splat(a / row.job->cap)).slope);
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
        if (!(part > 0)) gradient_row<SOFTMAX>(row, nullptr, out, k0, 0.0, 0.0, false);
        else if (job.weight) gradient_row<LESS_WEIGHTS>(row, nullptr, out, k0, s * part, 0.0, false);
        else gradient_row<LESS_BASE>(row, nullptr, out, k0, s * part, 0.0, false);
        put(job.dtype, out + y * item_size(job.dtype), at_y, 0.0);
    }
    return loss;
}

static void loss_rows(const LossJob& job, int64_t begin, int64_t end, LossBlock& block) {
    for (int64_t i = begin; i < end; ++i) {
        double loss = 0;
        const Label label = label_of(job, i);
        if (!label.good) {
            block.bad = BAD_LABEL;
            block.bad_row = i;
            return;
        }
        if (label.ignored) {
            if (job.gradient) zero_row(job, i);
            if (job.state && job.task == LOSS) __builtin_memset(job.state + i * kRowState, 0, kRowState * 8);
        } else {
            loss = class_row(job, i, label.y, block.scratch);
        }
        block.sum += loss;
        if (job.losses) put_result(job, job.losses, i, loss);
    }
}
