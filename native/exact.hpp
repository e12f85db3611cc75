// Sums without rounding: a double is an integer multiple of 2^-1074, and a product of two one of 2^-2148. An integer is
// held in limbs of 32 bits, each in an int64 with room for many terms, so that carries wait until the end. Nothing is
// lost, so neither order nor threads show in a result.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace xent {
namespace exact {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;

struct Digits {  // mantissa * 2^(place - 1074)
    int64_t mantissa;
    int place;
    bool finite;
};

inline Digits digits(double x) {
    int64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const int field = static_cast<int>(bits >> 52) & 2047;
    const int64_t size = (bits & 0x000fffffffffffffLL) | static_cast<int64_t>(field > 0) << 52, sign = bits >> 63;
    return {(size ^ sign) - sign, field - (field > 0), field != 2047};
}

// A sum of multiples of 2^-Unit.
template <int Unit, int Limbs>
class Sum {
public:
    static constexpr int limbs = Limbs;

    void clear() {
        std::memset(limb_, 0, sizeof limb_);
        terms_ = 0;
    }

    bool add(double x) {  // false where x is not finite
        const Digits d = digits(x);
        if (!d.finite) return false;
        const int place = d.place + Unit - 1074;
        const Wide v = static_cast<Wide>(d.mantissa) * (int64_t{1} << (place & 31));
        int64_t* limb = limb_ + (place >> 5);
        limb[0] += static_cast<uint32_t>(v);
        limb[1] += static_cast<uint32_t>(v >> 32);
        limb[2] += static_cast<int64_t>(v >> 64);
        count();
        return true;
    }

    bool add_product(double a, double b) {
        static_assert(Unit == 2148, "a product is a multiple of 2^-2148");
        const Digits x = digits(a), y = digits(b);
        if (!x.finite || !y.finite) return false;
        Wide v = static_cast<Wide>(x.mantissa) * y.mantissa;
        const int place = x.place + y.place;
        int64_t* limb = limb_ + (place >> 5);
        const int64_t factor = int64_t{1} << (place & 31);
        for (int i = 0; i < 3; ++i, v >>= 32) add_piece(limb + i, static_cast<uint32_t>(v) * factor);
        add_piece(limb + 3, static_cast<int64_t>(v) * factor);  // below 2^63: the sign's piece
        count();
        return true;
    }

    void add(Sum& other) {
        other.carry();
        for (int i = 0; i < Limbs; ++i) limb_[i] += other.limb_[i];
        count();
    }

    void carry() {
        for (int i = 0; i + 1 < Limbs; ++i) {
            limb_[i + 1] += limb_[i] >> 32;
            limb_[i] &= 0xffffffff;
        }
        terms_ = 0;
    }

    // In two's complement, little-endian.
    void write(uint32_t* out) {
        carry();
        for (int i = 0; i < Limbs; ++i) out[i] = static_cast<uint32_t>(limb_[i]);
    }

    // Rounded to the nearest double, ties to even; infinite beyond the largest.
    double rounded() {
        static_assert(Unit == 1074, "a subnormal result is rounded once only where it is exact");
        carry();
        const bool negative = limb_[Limbs - 1] < 0;
        if (negative) {
            for (int64_t& limb : limb_) limb = -limb;
            carry();
        }
        int high = Limbs - 1;
        while (high > 0 && limb_[high] == 0) --high;
        const int low = std::max(high - 2, 0);
        UnsignedWide head = 0;
        for (int i = high; i >= low; --i) head = head << 32 | static_cast<uint64_t>(limb_[i]);
        const bool more = std::any_of(limb_, limb_ + low, [](int64_t limb) { return limb != 0; });
        int drop = 0;
        while (head >> drop >= UnsignedWide{1} << 53) ++drop;
        uint64_t kept = static_cast<uint64_t>(head >> drop);
        if (drop > 0) {
            const UnsignedWide half = UnsignedWide{1} << (drop - 1), rest = head & (2 * half - 1);
            kept += rest > half || (rest == half && (more || (kept & 1)));
        }
        const double size = std::ldexp(static_cast<double>(kept), drop + 32 * low - Unit);
        return negative ? -size : size;
    }

private:
    static void add_piece(int64_t* limb, int64_t piece) {
        limb[0] += static_cast<uint32_t>(piece);
        limb[1] += piece >> 32;
    }
    void count() {  // a term adds less than 2^33 to a limb
        if (++terms_ == 1 << 29) carry();
    }

    int64_t limb_[Limbs] = {};
    int64_t terms_ = 0;
};

using Total = Sum<1074, 68>;          // a double's 2098 bits, for more than 2^40 terms
using ProductTotal = Sum<2148, 136>;  // 4198 bits

}  // namespace exact
}  // namespace xent
