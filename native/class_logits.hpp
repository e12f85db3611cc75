// The logit of each outcome against the rest, log(q / (1 - q)), as evaluation/_class_grids.py bins it: from the surprisal
// where q is near 1. Each number depends on its own forecast alone, so that a vector's width does not show.

XENT_INLINE vd class_logit(vd prob, vd surprisal) {
    vd rest = 1.0 - prob;
    const vl unlikely = prob < 0.5;
    if (!everywhere(unlikely)) rest = sel(unlikely, rest, max(-expm1(-surprisal, vd{}).h, vd{}));
    const vd log = sel(rest > 0.0, whole(log_ratio(rest, Plain{})).h, splat(-kInf));
    return -surprisal - log;
}

static void class_logits(const double* probs, const double* surprisal, int64_t n, double* logits) {
    int64_t i = 0;
    for (; i + W <= n; i += W) store(logits + i, class_logit(load(probs + i), load(surprisal + i)));
    if (i == n) return;
    double p[W] = {}, s[W] = {}, z[W];
    const uint64_t bytes = (uint64_t)(n - i) * sizeof(double);
    __builtin_memcpy(p, probs + i, bytes);
    __builtin_memcpy(s, surprisal + i, bytes);
    store(z, class_logit(load(p), load(s)));
    __builtin_memcpy(logits + i, z, bytes);
}
