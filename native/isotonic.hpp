// Pool-adjacent-violators and the label sets it is tried on, in whole numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace xent {

// The stack of blocks lies in `end` and `yes`; `every` is room for their masses. Returns how many there are. `Wide` holds
// the product of two masses.
template <class Wide>
int64_t pool(const int64_t* happened, const int64_t* masses, int64_t n, int64_t* end, int64_t* yes, int64_t* every) {
    int64_t top = 0;
    for (int64_t i = 0; i < n; ++i) {
        int64_t a = happened[i], m = masses[i];
        while (top && static_cast<Wide>(yes[top - 1]) * m >= static_cast<Wide>(a) * every[top - 1]) {
            --top;
            a += yes[top];
            m += every[top];
        }
        end[top] = i + 1;
        yes[top] = a;
        every[top] = m;
        ++top;
    }
    return top;
}

inline uint64_t mixed(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

inline double uniform(uint64_t x) { return static_cast<double>(static_cast<int64_t>(mixed(x) >> 11)) * 0x1p-53; }

// A binomial distribution function times a constant: `until[k]` is that of the outcome low + k.
struct Binomial {
    int64_t low = 0;
    std::vector<double> until;

    // Ratios of neighbours outwards from the mode: + - * / and a root, which round alike everywhere.
    void set(int64_t n, double q) {
        const double odds = q / (1.0 - q), size = static_cast<double>(n);
        const int64_t mode = std::min(static_cast<int64_t>((size + 1.0) * q), n);
        const int64_t reach = static_cast<int64_t>(8.0 * std::sqrt(size * q * (1.0 - q))) + 12;
        low = std::max<int64_t>(mode - reach, 0);
        const int64_t high = std::min(mode + reach, n);
        until.resize(high - low + 1);
        double part = 1.0;
        until[mode - low] = part;
        for (int64_t k = mode; k > low; --k) {
            part = part * (static_cast<double>(k) / (size - static_cast<double>(k) + 1.0)) / odds;
            until[k - 1 - low] = part;
        }
        part = 1.0;
        for (int64_t k = mode; k < high; ++k) {
            part = part * ((size - static_cast<double>(k)) / (static_cast<double>(k) + 1.0)) * odds;
            until[k + 1 - low] = part;
        }
        double whole = 0.0;
        for (double& value : until) value = whole += value;
    }

    int64_t at(double u) const {
        const double x = u * until.back();
        const int64_t last = static_cast<int64_t>(until.size()) - 1;
        return low + std::min<int64_t>(std::upper_bound(until.begin(), until.end(), x) - until.begin(), last);
    }
};

// Units are taken a few at a time, so that the numbers of a set are written side by side.
inline void draw(const int64_t* copies, const double* q, const uint64_t* key, int64_t units, const uint64_t* salt,
                 int64_t sets, int64_t* drawn) {
    constexpr int64_t kTile = 64;
    std::vector<Binomial> tile(kTile);
    double below[kTile], whole[kTile];  // of units that are one row each
    for (int64_t first = 0; first < units; first += kTile) {
        const int64_t count = std::min(kTile, units - first);
        bool single = true;
        for (int64_t j = 0; j < count; ++j) {
            const int64_t i = first + j;
            if (q[i] > 0.0 && q[i] < 1.0) {
                tile[j].set(copies[i], q[i]);
            } else {
                tile[j].low = q[i] >= 1.0 ? copies[i] : 0;
                tile[j].until.assign(1, 1.0);
            }
            single = single && copies[i] == 1;
            below[j] = tile[j].until.size() == 2 ? tile[j].until[0] : q[i] >= 1.0 ? 0.0 : 2.0;
            whole[j] = tile[j].until.back();
        }
        for (int64_t s = 0; s < sets; ++s) {
            int64_t* to = drawn + s * units + first;
            const uint64_t* of = key + first;
            if (single)
                for (int64_t j = 0; j < count; ++j) to[j] = uniform(of[j] ^ salt[s]) * whole[j] >= below[j];
            else
                for (int64_t j = 0; j < count; ++j) to[j] = tile[j].at(uniform(of[j] ^ salt[s]));
        }
    }
}

}
