// Sums of a block of doubles without rounding: the numbers are split into layers, multiples of a common power of two
// few enough bits long that a whole layer adds up exactly (Rump, Ogita and Oishi, "Accurate floating-point summation
// I", 2008, algorithm 3.2). Two layers are taken in a pass.

constexpr double kMostLayered = 0x1p900;
constexpr double kSafe = 0x1p450;  // products within its square and their errors are normal doubles

XENT_INLINE double largest(vd x) {
    double p[W], most = 0;
    store(p, x);
    for (int i = 0; i < W; ++i) most = p[i] > most ? p[i] : most;
    return most;
}

// 2^12 times the least power of two that is above |x|, which is below 2^901.
XENT_INLINE double above(double x) {
    const uint64_t field = to_bits(x) >> 52;
    return from_bits((field + 13) << 52);
}

XENT_INLINE double across(vd x) {
    double p[W], sum = 0;
    store(p, x);
    for (int i = 0; i < W; ++i) sum += p[i];
    return sum;
}

static int sums(double* x, int64_t n, double* out) {
    for (; n % kLanes; ++n) x[n] = 0;
    vd most = vd{};
    for (int64_t i = 0; i < n; i += W) most = max(most, abs(load(x + i)));
    double size = largest(most);
    if (!(size <= kMostLayered)) return kNoSums;
    int count = 0;
    do {
        // |x| < 2^-12 sigma, so multiples of 2^-53 sigma add up exactly; what they leave is at most 2^-53 sigma.
        const double sigma = above(size);
        const vd high = splat(sigma), low = splat(sigma * 0x1p-40);
        vd total = vd{}, rest = vd{};
        most = vd{};
        for (int64_t i = 0; i < n; i += W) {
            vd v = load(x + i);
            const vd a = (v + high) - high;
            v = v - a;
            total += a;
            const vd b = (v + low) - low;
            v = v - b;
            rest += b;
            most = max(most, abs(v));
            store(x + i, v);
        }
        out[count] = across(total);
        out[count + 1] = across(rest);
        if (!(out[count] - out[count] == 0)) return kNoSums;
        count += 2;
        size = largest(most);
    } while (size > 0 && count < kMostSums);
    return count;
}

struct Halves {
    vd high, low;
};

XENT_INLINE Halves halves(vd x) {  // Veltkamp: 26 bits each
    const vd scaled = 134217729.0 * x, high = scaled - (scaled - x);
    return {high, x - high};
}

XENT_INLINE vl is_safe(vd x) {
    const vd size = abs(x);
    return ((size >= 1.0 / kSafe) & (size <= kSafe)) | (size == 0.0);
}

// Dekker's product.
static bool products(const double* a, const double* b, int64_t n, double* product, double* error) {
    vl safe = vd{} == vd{};
    double tail[2][kLanes] = {}, out[2][kLanes];
    for (int64_t i = 0; i < n; i += W) {
        const bool whole = i + W <= n;
        for (int64_t k = i; !whole && k < n; ++k) tail[0][k - i] = a[k], tail[1][k - i] = b[k];
        const vd x = load(whole ? a + i : tail[0]), y = load(whole ? b + i : tail[1]), p = x * y;
        const Halves u = halves(x), v = halves(y);
        const vd e = ((u.high * v.high - p) + u.high * v.low + u.low * v.high) + u.low * v.low;
        safe &= is_safe(x) & is_safe(y);
        store(whole ? product + i : out[0], p);
        store(whole ? error + i : out[1], e);
        for (int64_t k = i; !whole && k < n; ++k) product[k] = out[0][k - i], error[k] = out[1][k - i];
    }
    return everywhere(safe);
}
