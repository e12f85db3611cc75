// Joint tables: marginals in double-double, then one pass against them. Element j of a table's row goes to lane j
// mod 8.

struct Table {
    double *row_h, *row_l, *col_h, *col_l;  // marginals; the columns padded to a multiple of the lanes
    double total_h, total_l;
    double max, min, nan;  // of the cells as given; nan > 0: there is one
    double shift, factor;  // cells of log forms are e^(x - shift), all others x times factor, a power of two
    alignas(64) double cell_h[kBlock], cell_l[kBlock];
};

// Cells [at, at + n) of row i as given, padded with impossible ones.
static void read_cells(const Job& job, const char* p, int64_t i, int64_t at, int64_t n, double* out) {
    const Operand& o = job.in[0];
    gather(o.dtype, p + i * o.k2stride + at * o.kstride, o.kstride, n, out, 1);
    for (; n % kLanes; ++n) out[n] = pad_of(o.kind);
}

// The same as numbers in proportion to the probabilities.
static void load_cells(const Job& job, const char* p, int64_t i, int64_t at, int64_t n, Table& t) {
    const int kind = job.in[0].kind;
    read_cells(job, p, i, at, n, t.cell_h);
    for (int64_t k = 0; k < n; k += W) {
        vd x = load(t.cell_h + k);
        dd v = wide(x * t.factor);
        if (kind == LOGITS || kind == LOGPROBS) {
            dd d = gap(x, splat(t.shift));
            v = sel(d.h > -700.0, exp_or_zero(d), exp(d.h, d.l));
        }
        store(t.cell_h + k, v.h), store(t.cell_l + k, v.l);
    }
}

// Extremes, and from them shift and factor: counts are brought where neither their sum overflows nor a quotient of
// them loses digits.
static void extent(const Job& job, const char* p, Table& t) {
    t.max = -kInf, t.min = kInf, t.nan = 0;
    for (int64_t i = 0; i < job.K2; ++i)
        for (int64_t at = 0; at < job.K; at += kBlock) {
            int64_t n = job.K - at < kBlock ? job.K - at : kBlock;
            read_cells(job, p, i, at, n, t.cell_h);
            for (int64_t k = 0; k < n; ++k) {
                double x = t.cell_h[k];
                t.max = x > t.max ? x : t.max;
                t.min = x < t.min ? x : t.min;
                t.nan = x == x ? t.nan : 1.0;
            }
        }
    t.shift = finite(t.max);
    t.factor = 1;
    if (job.in[0].kind != COUNTS || !(t.max > 0 && t.max < kInf)) return;
    while (t.max * t.factor > 0x1p500) t.factor *= 0x1p-100;
    while (t.max * t.factor < 0x1p-500) t.factor *= 0x1p100;
}

static void merge_lanes(const Lane8 h, const Lane8 l, double& out_h, double& out_l) {  // the same order as everywhere
    Lane8 a[kLanes], b[kLanes];
    for (int k = 0; k < kLanes; ++k)
        for (int r = 0; r < kLanes; ++r) a[k][r] = h[k], b[k][r] = l[k];
    Lane8 sum, low;
    merge_sum(a, b, sum, low);
    out_h = sum[0];
    out_l = low[0];
}

static void marginals(const Job& job, const char* p, Table& t) {
    Lane8 all_h = {}, all_l = {};
    for (int64_t k = 0; k < job.K + kLanes; ++k) t.col_h[k] = t.col_l[k] = 0;
    for (int64_t i = 0; i < job.K2; ++i) {
        Lane8 row_h = {}, row_l = {};
        for (int64_t at = 0; at < job.K; at += kBlock) {
            int64_t n = job.K - at < kBlock ? job.K - at : kBlock;
            load_cells(job, p, i, at, n, t);
            for (int64_t k = 0; k < n; k += W) {
                vd x = load(t.cell_h + k), xl = load(t.cell_l + k);
                double *rh = row_h + k % kLanes, *rl = row_l + k % kLanes, *ch = t.col_h + at + k,
                       *cl = t.col_l + at + k;
                vd h = load(rh), l = load(rl), c = load(ch), d = load(cl);
                accumulate(h, l, x, xl);
                accumulate(c, d, x, xl);
                store(rh, h), store(rl, l), store(ch, c), store(cl, d);
            }
        }
        merge_lanes(row_h, row_l, t.row_h[i], t.row_l[i]);
        vd h = load(all_h), l = load(all_l);
        accumulate(h, l, splat(t.row_h[i]), splat(t.row_l[i]));
        store(all_h, h), store(all_l, l);
    }
    dd s = fast_two_sum(load(all_h), load(all_l));
    t.total_h = first(s.h), t.total_l = first(s.l);
}

XENT_INLINE dd cell(int op, dd x, dd row, dd col, dd total) {
    if (op == MUTUAL_INFORMATION) {  // of x/r against c/N, times r/N: r c/N^2 could underflow
        dd p = div(x, sel(row.h > 0.0, row, wide(splat(1.0)))), q = div(col, total);
        return mul(div(row, total), kl_term(Num{p, vd{}, vd{}}, Num{q, vd{}, vd{}}));
    }
    dd whole_of = op == JOINT_ENTROPY ? total : op == CONDITIONAL_ENTROPY_0 ? row : col;
    vl some = x.h > 0.0;
    dd one = wide(splat(1.0)), s = whole(log_ratio(sel(some, whole_of, one), sel(some, x, one)));
    return mul(div(x, total), s);
}

static void table_value(const Job& job, const char* p, Table& t, double& out_h, double& out_l) {
    Lane8 sum = {}, low = {};
    const dd total = {splat(t.total_h), splat(t.total_l)};
    for (int64_t i = 0; i < job.K2; ++i) {
        const dd row = norm({splat(t.row_h[i]), splat(t.row_l[i])});
        for (int64_t at = 0; at < job.K; at += kBlock) {
            int64_t n = job.K - at < kBlock ? job.K - at : kBlock;
            load_cells(job, p, i, at, n, t);
            for (int64_t k = 0; k < n; k += W) {
                dd col = norm({load(t.col_h + at + k), load(t.col_l + at + k)});
                dd v = cell(job.op, {load(t.cell_h + k), load(t.cell_l + k)}, row, col, total);
                vd h = load(sum + k % kLanes), l = load(low + k % kLanes);
                accumulate(h, l, v.h, v.l);
                store(sum + k % kLanes, h), store(low + k % kLanes, l);
            }
        }
    }
    merge_lanes(sum, low, out_h, out_l);
}

static int joint(const Job& job, int64_t begin, int64_t end, int64_t bad[2]) {
    const int64_t cols = job.K + kLanes;
    double* room = (double*)__builtin_malloc((std::size_t)(2 * (cols + job.K2)) * sizeof(double));
    if (!room) return 1;
    Table t;
    t.col_h = room, t.col_l = room + cols, t.row_h = room + 2 * cols, t.row_l = t.row_h + job.K2;
    Walk w;
    seek(job, w, begin);
    const int64_t size = item_size(job.out_dtype);
    const Operand& o = job.in[0];
    for (int64_t i = begin; i < end; ++i, next(job, w)) {
        extent(job, w.ptr[0], t);
        marginals(job, w.ptr[0], t);
        Side s = {};
        s.sum[0] = t.total_h, s.min[0] = t.min, s.max[0] = t.max, s.nan[0] = t.nan;
        if (o.kind == LOGPROBS) s.sum[0] *= first(exp(splat(t.shift), vd{}).h);
        Result v;
        for (int r = 0; r < kLanes; ++r) v.h[r] = v.l[r] = v.inf[r] = 0;
        bool undefined[kLanes] = {undefined_row(o, s, 0, 0) || t.total_h == 0};
        if (fails(o, s, 0, 0) && i < bad[0]) bad[0] = i;
        if (!undefined[0]) table_value(job, w.ptr[0], t, v.h[0], v.l[0]);
        if (v.h[0] < 0) v.h[0] = v.l[0] = 0;  // rounding of a sum that is not negative
        finish(job, v, undefined);
        put(job.out_dtype, job.out + i * size, v.h[0], v.l[0]);
    }
    __builtin_free(room);
    return 0;
}
