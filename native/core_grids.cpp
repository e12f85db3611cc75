// The binding of the grids of logits that every class is counted in: forecasts in, whole numbers out. They are counted
// by the thread that calls: batches are dealt to threads before they come here.
#include "core_grids.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

namespace nb = nanobind;

namespace xent {
namespace {

using Numbers = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Forecasts = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Labels = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Results = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Finite = nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

EvaluationKernels g_kernels;

constexpr int64_t kAtOnce = 2048;  // logits made before they are counted: they stay in the nearest cache

// The bins of evaluation/_class_grids.py.
struct Bins {
    int octaves, position, shift;
    int64_t half, first;
    double farthest;

    Bins(int64_t per_octave, int octaves_, int position_, double farthest_)
        : octaves(octaves_), position(position_), shift(52), half(octaves_ * per_octave), farthest(farthest_) {
        for (int64_t n = 1; n < per_octave; n *= 2) --shift;
        first = int64_t{0x400} << (52 - shift);
    }
    int64_t width() const { return 2 * half + 2; }

    void find(double z, int64_t& bin, int64_t& place) const {
        const double size = std::fabs(z), shown = (size < farthest ? size : farthest) + 2.0;
        uint64_t bits;
        std::memcpy(&bits, &shown, sizeof bits);
        const int64_t number = static_cast<int64_t>(bits >> shift) - first;
        place = static_cast<int64_t>(bits >> (shift - position)) & ((int64_t{1} << position) - 1);
        bin = z < 0.0 ? half - number : half + 1 + number;
        if (size > std::numeric_limits<double>::max()) bin = z < 0.0 ? 0 : 2 * half + 1;
    }
};

struct Grids {
    Bins bins;
    int64_t *rows, *place, *hits;

    // Where it fell into: counted in one grid, and in that of the top label too.
    void count(int64_t grid, int64_t bin, int64_t place_in, int64_t copies, bool hit) const {
        const int64_t cell = grid * bins.width() + bin;
        rows[cell] += copies;
        place[cell] += place_in * copies;
        if (hit) hits[cell] += copies;
    }
};

void logits(Numbers probs, Numbers surprisal, Results out) {
    const auto n = static_cast<int64_t>(probs.shape(0));
    if (surprisal.shape(0) != probs.shape(0) || out.shape(0) != probs.shape(0))
        throw std::invalid_argument("one number a forecast");
    nb::gil_scoped_release unlocked;
    g_kernels.logits(probs.data(), surprisal.data(), n, out.data());
}

int64_t likeliest(const double* probs, int64_t K) {
    return std::max_element(probs, probs + K) - probs;
}

void count_all(const Grids& grids, const double* probs, const double* surprisal, const int64_t* labels,
               const int64_t* copies, int64_t n, int64_t K) {
    const int64_t height = std::max<int64_t>(1, kAtOnce / K);
    std::vector<double> z(height * K);
    for (int64_t at = 0; at < n; at += height) {
        const int64_t some = std::min(height, n - at);
        g_kernels.logits(probs + at * K, surprisal + at * K, some * K, z.data());
        for (int64_t i = 0; i < some; ++i) {
            const int64_t row = at + i, label = labels[row], times = copies ? copies[row] : 1;
            const int64_t top = likeliest(probs + row * K, K);
            for (int64_t k = 0; k < K; ++k) {
                int64_t bin, place;
                grids.bins.find(z[i * K + k], bin, place);
                grids.count(1 + k, bin, place, times, k == label);
                if (k == top) grids.count(0, bin, place, times, k == label);
            }
        }
    }
}

void count_top(const Grids& grids, const double* probs, const double* surprisal, const int64_t* labels,
               const int64_t* copies, int64_t n, int64_t K) {
    std::vector<double> p(kAtOnce), s(kAtOnce), z(kAtOnce);
    std::vector<int64_t> top(kAtOnce);
    for (int64_t at = 0; at < n; at += kAtOnce) {
        const int64_t some = std::min(kAtOnce, n - at);
        for (int64_t i = 0; i < some; ++i) {
            top[i] = likeliest(probs + (at + i) * K, K);
            p[i] = probs[(at + i) * K + top[i]];
            s[i] = surprisal[(at + i) * K + top[i]];
        }
        g_kernels.logits(p.data(), s.data(), some, z.data());
        for (int64_t i = 0; i < some; ++i) {
            int64_t bin, place;
            grids.bins.find(z[i], bin, place);
            grids.count(0, bin, place, copies ? copies[at + i] : 1, top[i] == labels[at + i]);
        }
    }
}

// Rows with hard labels of one weight, added to grids (1 + K or 1, bins): how many, the sum of their places within
// the bin, and how many where it happened.
void counts(Forecasts probs, Forecasts surprisal, Labels labels, std::optional<Labels> copies, int64_t per_octave,
            int octaves, int position, double farthest, Counts rows, Counts place, Counts hits) {
    const auto n = static_cast<int64_t>(probs.shape(0)), K = static_cast<int64_t>(probs.shape(1));
    const bool one_each = labels.shape(0) == probs.shape(0) && (!copies || copies->shape(0) == probs.shape(0));
    if (surprisal.shape(0) != probs.shape(0) || surprisal.shape(1) != probs.shape(1) || !one_each || K < 1)
        throw std::invalid_argument("forecasts, surprisals and labels are of different rows");
    if (per_octave < 1 || octaves < 1 || position < 1 || position > 31 || !(farthest > 0.0))
        throw std::invalid_argument("there are no such bins");
    const Grids grids{Bins(per_octave, octaves, position, farthest), rows.data(), place.data(), hits.data()};
    const auto number = static_cast<int64_t>(rows.shape(0));
    for (const Counts* grid : {&rows, &place, &hits})
        if (static_cast<int64_t>(grid->shape(0)) != number || static_cast<int64_t>(grid->shape(1)) != grids.bins.width())
            throw std::invalid_argument("the grids have another shape");
    if (number != 1 && number != 1 + K) throw std::invalid_argument("there is a grid for each class or for none");
    if (!std::isfinite(farthest) || farthest + 2.0 >= std::ldexp(2.0, octaves))
        throw std::invalid_argument("the farthest logit lies beyond the bins");
    nb::gil_scoped_release unlocked;
    (number == 1 ? count_top : count_all)(grids, probs.data(), surprisal.data(), labels.data(),
                                          copies ? copies->data() : nullptr, n, K);
}

// Of each row the least number, the largest finite one and how many are finite.
void ranges(Forecasts values, Results least, Results most, Finite finite) {
    const auto n = static_cast<int64_t>(values.shape(0)), K = static_cast<int64_t>(values.shape(1));
    if (least.shape(0) != values.shape(0) || most.shape(0) != values.shape(0) || finite.shape(0) != values.shape(0))
        throw std::invalid_argument("one number a row");
    nb::gil_scoped_release unlocked;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < n; ++i) {
        const double* row = values.data() + i * K;
        double low = infinity, high = -infinity;
        int64_t found = 0;
        for (int64_t k = 0; k < K; ++k) {
            const bool there = row[k] < infinity;
            low = row[k] < low ? row[k] : low;
            high = there && row[k] > high ? row[k] : high;
            found += there;
        }
        least.data()[i] = low;
        most.data()[i] = high;
        finite.data()[i] = found;
    }
}

}  // namespace

void bind_grids(nb::module_& m, EvaluationKernels kernels) {
    g_kernels = kernels;
    m.def("class_logits", &logits);
    m.def("row_ranges", &ranges);
    m.def("class_counts", &counts, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(),
          nb::arg(), nb::arg(), nb::arg(), nb::arg());
}

}  // namespace xent
