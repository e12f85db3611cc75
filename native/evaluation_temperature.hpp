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

// As a whole number, with the bits of kMagic above it: they are taken off the sums.
XENT_INLINE vl whole_number(vd x) { return as_bits(x * kWhole + kMagic); }

struct Mass {
    vd log, share;  // log m and 1 / m
};

// m in [1, K], absolute error 2^-50: enough for multiples of 2^-30. Both need one division.
XENT_INLINE Mass log_mass(vd m) {
    const Parts p = parts_of_small(m);
    const vd t = p.m + 1.0, y = 1.0 / (t * m), s = (p.m - 1.0) * (y * m), z = s * s;
    const vd log = p.k * 0x1.62e42fefa39efp-1 + (2.0 * s + s * z * polynomial(z, xent_constants::kLog));
    return {log, y * t};
}

// Of rows that all weigh the same the last two numbers are the first two.
template <bool Weighted>
XENT_INLINE void put_node(const Lanes& lanes, int node, double b, Moments m) {
    const double s = b > 1.0 ? b : 1.0;
    const Mass mass = log_mass(m.mass);
    const vd m1 = m.first * mass.share, m2 = m.second * mass.share, m3 = m.third * mass.share;
    const vd delta = (b * lanes.origin + (mass.log * lanes.shrink - lanes.target)) * (1.0 / s);
    const vd slope = lanes.origin + m1, bent = max(m2 - m1 * m1, vd{});
    const vd third = m3 - m1 * (3.0 * m2 - 2.0 * m1 * m1);
    vd values[kTempered] = {delta, slope, bent, third, delta * delta, delta * slope, delta, slope};
    for (int q = 0; Weighted && q < kTempered; ++q) values[q] = (q < 4 ? lanes.one : lanes.two) * values[q];
    vl* sums = lanes.sums + node * kTempered;
    for (int q = 0; q < (Weighted ? kTempered : kTempered - 2); ++q)
        sums[q] = plus_bits(sums[q], whole_number(values[q]));
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

template <bool Weighted>
static void temper_lanes(Lanes& lanes, double* v, const double* base, vd bottom, vd top) {
    const vd grow = 1.0 / lanes.shrink;
    Moments found[2];
    measure_from(lanes, v, bottom);
    fill_exponentials(lanes, -base[0], grow);
    add_moments<1>(lanes, found);
    put_node<Weighted>(lanes, 0, -base[0], found[0]);
    measure_from(lanes, v, top);
    fill_exponentials(lanes, 0.0, grow);
    add_moments<1>(lanes, found);
    put_node<Weighted>(lanes, 1, 0.0, found[0]);
    // Their sums fit the registers of any machine.
    static_assert(kDoublings % 2 == 1, "two at a time and one");
    for (int r = 0; r < kFamilies; ++r) {
        double b = base[r];
        fill_exponentials(lanes, b, grow);
        for (int i = 0; i < kDoublings; i += 2) {
            const int n = i + 2 <= kDoublings ? 2 : 1;
            if (n == 2) add_moments<2>(lanes, found);
            else add_moments<1>(lanes, found);
            for (int j = 0; j < n; ++j, b *= 2.0) put_node<Weighted>(lanes, 2 + (i + j) * kFamilies + r, b, found[j]);
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
        if (job.mantissa || i + W > end) temper_lanes<true>(lanes, v, job.base, bottom, top);
        else temper_lanes<false>(lanes, v, job.base, bottom, top);
    }
    const uint64_t above = to_bits(kMagic) * (uint64_t)((end - begin + W - 1) / W * W);
    for (int n = 0; n < kNodes * kTempered; ++n) {
        long long parts[W];
        __builtin_memcpy(parts, &all[n], sizeof parts);
        uint64_t sum = 0;
        for (int l = 0; l < W; ++l) sum += (uint64_t)parts[l];
        sums[n] = (int64_t)(sum - above);
        if (!job.mantissa && n % kTempered >= kTempered - 2) sums[n] = sums[n - (kTempered - 2)];
    }
}
