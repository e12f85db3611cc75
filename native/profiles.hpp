// What an operand's rows need before a measure's own pass: sums, maxima, and the logsumexp of logits. Eight rows wide.

struct Side {                 // what is known of one operand's eight rows
    Lane8 sum, sum_low, min;  // probabilities, counts; log-probabilities: of e^l
    Lane8 max, nan;           // log forms
    Lane8 lse, lse_low;       // logits: log(1 + S), the logsumexp above the maximum
    Lane8 total, total_low;   // logits: 1 + S
};

static const Lane8 kZeros[kMaxParams] = {};

static void profile_labels(Group& g, int i, int64_t K) {
    for (int r = 0; r < kLanes; ++r) {
        int64_t y = label_at(g.job->in[i].dtype, g.ptr[i][r]);
        g.label[i][r] = y >= 0 && y < K ? y : -1;
    }
}

static void profile_logits(Group& g, int i, bool exact, Side& s, double (*moment)[kLanes]) {
    Lane8 out[kMaxStates], shift;
    pass<Top>(g, i, i, kZeros, out);
    for (int r = 0; r < kLanes; ++r) {
        s.max[r] = out[0][r];
        s.nan[r] = out[3][r];
        g.leave_at[r] = out[1][r];
        shift[r] = out[0][r] - out[0][r] == 0 ? out[0][r] : 0.0;
    }
    g.leave_operand = i;
    if (exact) pass<SumExpWide>(g, i, i, &shift, out);
    else if (moment) pass<SumExp<true>>(g, i, i, &shift, out);
    else pass<SumExp<false>>(g, i, i, &shift, out);
    g.leave_operand = -1;
    for (int j = 0; j < kLanes; j += W) {
        dd S = {load(out[0] + j), load(out[1] + j)}, lse = log1p(S), total = add(S, splat(1.0));
        store(s.lse + j, lse.h), store(s.lse_low + j, lse.l);
        store(s.total + j, total.h), store(s.total_low + j, total.l);
        if (moment) store(moment[0] + j, load(out[2] + j)), store(moment[1] + j, load(out[3] + j));
    }
}

// The passes an operand needs before the measure's own; `fused` says that the measure's pass brings sum and minimum
// itself.
static void profile(Group& g, int i, bool exact, bool fused, Side& s) {
    const Operand& o = g.job->in[i];
    Lane8 out[kMaxStates];
    if (o.kind == LOGITS) {
        profile_logits(g, i, exact, s, nullptr);
    } else if (o.kind == LOGPROBS) {
        pass<Top>(g, i, i, kZeros, out);
        for (int r = 0; r < kLanes; ++r) s.max[r] = out[0][r], s.nan[r] = out[3][r], s.sum[r] = 1.0;
        if (o.tol >= 0) {
            pass<SumExp<false>>(g, i, i, kZeros, out);
            for (int r = 0; r < kLanes; ++r) s.sum[r] = out[0][r];
        }
    } else if (o.kind == COUNTS || (o.kind == PROBS && !fused)) {
        pass<Stats>(g, i, i, kZeros, out);
        for (int r = 0; r < kLanes; ++r) s.sum[r] = out[0][r], s.sum_low[r] = out[1][r], s.min[r] = out[2][r];
    }
}

// Is row r of this operand nothing a measure is defined on (its value is NaN), and does it fail the check?
XENT_INLINE bool undefined_row(const Operand& o, const Side& s, int64_t label, int r) {
    switch (o.kind) {
        case LABELS: return label < 0;
        case LOGITS:
        case LOGPROBS: return s.nan[r] > 0 || !(s.max[r] - s.max[r] == 0);
        case COUNTS: return !(s.min[r] >= 0) || !(s.sum[r] - s.sum[r] == 0) || s.sum[r] == 0;
        default: return !(s.min[r] >= 0) || !(s.sum[r] - s.sum[r] == 0);
    }
}

XENT_INLINE bool fails(const Operand& o, const Side& s, int64_t label, int r) {
    if (!(o.tol >= 0)) return false;
    if (undefined_row(o, s, label, r)) return true;
    double off = s.sum[r] - 1.0;
    return (o.kind == PROBS || o.kind == LOGPROBS) && !((off < 0 ? -off : off) <= o.tol);
}

// Finite shifts only: a row whose maximum is infinite gives NaN whatever is computed here.
XENT_INLINE double finite(double x) { return x - x == 0 ? x : 0.0; }
