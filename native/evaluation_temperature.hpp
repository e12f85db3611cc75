// Rows side by side, one a lane: what tempering does to each at every node, as evaluation/_grid_nodes.py says. A row's
// numbers depend on that row alone, and sums are of whole numbers: neither width nor threads show.

constexpr double kWhole = 0x1p30, kMagic = 0x1.8p52;  // multiples of 2^-30, rounded by adding what leaves no room

struct Moments {
    vd mass, first, second, third;
};

struct Lanes {
    const double *u, *v;  // d, and d from the class it is measured from; (K, W)
    double* e;
    int64_t K;
    vd origin, target, shrink, one, two;
    vl* sums;  // (kNodes, kTempered)
};

XENT_INLINE vl whole_number(vd x) { return minus_bits(as_bits(x * kWhole + kMagic), as_bits(splat(kMagic))); }

static void put_node(const Lanes& lanes, int node, double b, Moments m) {
    const double s = b > 1.0 ? b : 1.0;
    const vd share = 1.0 / m.mass, m1 = m.first * share, m2 = m.second * share, m3 = m.third * share;
    const vd log = whole(log_ratio(m.mass, Plain{})).h;
    const vd delta = (b * lanes.origin + (log * lanes.shrink - lanes.target)) * (1.0 / s);
    const vd slope = lanes.origin + m1, bent = max(m2 - m1 * m1, vd{});
    const vd third = m3 - m1 * (3.0 * m2 - 2.0 * m1 * m1);
    const vd values[kTempered] = {lanes.one * delta,           lanes.one * slope,           lanes.one * bent,
                                  lanes.one * third,           lanes.two * (delta * delta), lanes.two * (delta * slope),
                                  lanes.two * delta,           lanes.two * slope};
    vl* sums = lanes.sums + node * kTempered;
    for (int q = 0; q < kTempered; ++q) sums[q] = plus_bits(sums[q], whole_number(values[q]));
}

// M nodes, each at twice the b of the one before: the exponentials are squared in between.
template <int M>
XENT_INLINE void add_moments(const Lanes& lanes, Moments* found) {
    Moments m[M] = {};
    for (int64_t k = 0; k < lanes.K; ++k) {
        vd e = load(lanes.e + k * W);
        const vd v = load(lanes.v + k * W);
        for (int i = 0; i < M; ++i) {
            m[i].mass += e;
            vd t = e * v;
            m[i].first += t;
            t = t * v;
            m[i].second += t;
            m[i].third += t * v;
            e = e * e;
        }
        store(lanes.e + k * W, e);
    }
    for (int i = 0; i < M; ++i) found[i] = m[i];
}

XENT_INLINE void fill_exponentials(const Lanes& lanes, double b, vd grow) {
    for (int64_t k = 0; k < lanes.K; ++k) {
        const vd possible = load(lanes.u + k * W);
        store(lanes.e + k * W, only(possible > -kInf, e_to(b * (grow * load(lanes.v + k * W)))));
    }
}

XENT_INLINE void measure_from(Lanes& lanes, double* v, vd origin) {
    lanes.origin = origin;
    for (int64_t k = 0; k < lanes.K; ++k) {
        const vd u = load(lanes.u + k * W);
        store(v + k * W, only(u > -kInf, u - origin));
    }
}

static void temper_lanes(Lanes& lanes, double* v, const double* base, vd bottom, vd top) {
    const vd grow = 1.0 / lanes.shrink;
    Moments found[3];
    measure_from(lanes, v, bottom);
    fill_exponentials(lanes, -base[0], grow);
    add_moments<1>(lanes, found);
    put_node(lanes, 0, -base[0], found[0]);
    measure_from(lanes, v, top);
    fill_exponentials(lanes, 0.0, grow);
    add_moments<1>(lanes, found);
    put_node(lanes, 1, 0.0, found[0]);
    static_assert(kDoublings % 3 == 1, "three at a time and one");
    for (int r = 0; r < kFamilies; ++r) {
        double b = base[r];
        fill_exponentials(lanes, b, grow);
        for (int i = 0; i < kDoublings; i += 3) {
            const int n = i + 3 <= kDoublings ? 3 : 1;
            if (n == 3) add_moments<3>(lanes, found);
            else add_moments<1>(lanes, found);
            for (int j = 0; j < n; ++j, b *= 2.0) put_node(lanes, 2 + (i + j) * kFamilies + r, b, found[j]);
        }
    }
}

static void temper(const TemperatureJob& job, int64_t begin, int64_t end, double* room, int64_t* sums) {
    const int64_t K = job.K;
    double *u = room, *v = room + K * W, *e = v + K * W;
    vl all[kNodes * kTempered];
    for (vl& sum : all) sum = vl{};
    for (int64_t i = begin; i < end; i += W) {
        double target[W], shrink[W], one[W];
        const double* from[W];
        for (int l = 0; l < W; ++l) {
            // Lanes beyond the end hold the last row, and count for nothing.
            const int64_t row = job.row[i + l < end ? i + l : end - 1];
            from[l] = job.surprisal + row * K;
            target[l] = job.target[row];
            shrink[l] = job.shrink[row];
            one[l] = i + l < end ? (job.mantissa ? job.mantissa[row] : 1.0) : 0.0;
        }
        Lanes lanes{u, v, e, K, vd{}, load(target) * load(shrink), load(shrink), load(one), vd{}, all};
        lanes.two = lanes.one * lanes.one;
        vd bottom = splat(kInf), top = splat(-kInf);
        for (int64_t k = 0; k < K; ++k) {
            double s[W];
            for (int l = 0; l < W; ++l) s[l] = from[l][k];
            const vd d = (load(target) - load(s)) * lanes.shrink;
            store(u + k * W, d);
            top = max(d, top);
            bottom = sel(d > -kInf, min(d, bottom), bottom);
        }
        temper_lanes(lanes, v, job.base, bottom, top);
    }
    for (int n = 0; n < kNodes * kTempered; ++n) {
        long long parts[W];
        __builtin_memcpy(parts, &all[n], sizeof parts);
        int64_t sum = 0;
        for (int l = 0; l < W; ++l) sum += parts[l];
        sums[n] = sum;
    }
}
