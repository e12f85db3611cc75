// A row for a row: surprisal of logits and counts, and normalising.

static void map_block(int op, const Operand& o, const double* a, int64_t n, const Side& s, int r, int post, double* h,
                      double* l) {
    const dd total = {splat(s.sum[r]), splat(s.sum_low[r])}, lse = {splat(s.lse[r]), splat(s.lse_low[r])};
    const vd top = splat(finite(s.max[r]));
    for (int64_t i = 0; i < n; i += W) {
        vd x = load(a + i);
        dd v;
        if (op == NORMALIZE) v = div(wide(x), total);
        else if (o.kind == COUNTS) v = sel(x == 0.0, wide(splat(kInf)), whole(log_ratio(total, wide(x))));
        else v = sel(x == -kInf, wide(splat(kInf)), add(lse, gap(top, x)));
        v = in_unit(v, post);
        store(h + i, v.h);
        store(l + i, only(abs(v.h) < kInf, v.l));
    }
}

static int map(const Job& job, int64_t begin, int64_t end, int64_t bad[2]) {
    Group g;
    g.job = &job;
    Walk w;
    seek(job, w, begin);
    alignas(64) double h[kBlock], l[kBlock];
    for (int64_t row = begin; row < end;) {
        char* out[kLanes];
        Walk start = w;
        int64_t stop = open_group(job, g, w, row, end);
        for (int r = 0; r < g.n; ++r, next(job, start)) out[r] = start.out;
        Side s;
        for (int r = 0; r < kLanes; ++r) s.sum[r] = s.sum_low[r] = s.lse[r] = s.lse_low[r] = s.max[r] = 0;
        profile(g, 0, false, false, s);
        for (int r = 0; r < g.n; ++r) {
            if (out_of_scale(job.in[0], s, r)) {
                int64_t faults[2] = {1, 1};
                int outcome = run_scaled(job, g, &s, r, map, out[r], faults);
                if (outcome > 0) return 1;
                if (outcome == 0) continue;
            }
            const bool undefined = undefined_row(job.in[0], s, 0, r);
            if (fails(job.in[0], s, 0, r) && row + r < bad[0]) bad[0] = row + r;
            for (int64_t at = 0; at < job.K; at += kBlock) {
                int64_t n = job.K - at < kBlock ? job.K - at : kBlock;
                fetch_row(g, 0, r, at, n, g.buffer[0], 1);
                int64_t padded = (n + kLanes - 1) / kLanes * kLanes;
                for (int64_t k = n; k < padded; ++k) g.buffer[0][k] = 0.0;
                map_block(job.op, job.in[0], g.buffer[0], padded, s, r, job.post, h, l);
                for (int64_t k = 0; k < n; ++k)
                    put(job.out_dtype, out[r] + (at + k) * job.out_kstride, undefined ? kNan : h[k],
                        undefined ? 0.0 : l[k]);
            }
        }
        row = stop;
    }
    return 0;
}
