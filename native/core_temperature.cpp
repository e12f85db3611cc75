// The binding of tempering: arrays in, rows dealt to threads, whole numbers out.
#include "core_temperature.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "threads.hpp"

namespace nb = nanobind;

namespace xent {
namespace {

using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Vector = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Places = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Sums = nb::ndarray<int64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

TemperatureKernel g_kernel = nullptr;
int g_threads = 1;

constexpr int64_t kShareRows = 1024;
constexpr int64_t kLargest = 8;  // lanes
constexpr int64_t kLimb = 32;

// Sums over surprisal[row] into (nodes, 8, 2): low limbs below 2^32, and high ones.
void sums(Matrix surprisal, Vector target, Vector shrink, std::optional<Vector> mantissa, Places row, Vector base,
          Sums out) {
    const int64_t rows = surprisal.shape(0), n = row.shape(0), K = surprisal.shape(1);
    const auto covers = [&](const Vector& v) { return static_cast<int64_t>(v.shape(0)) == rows; };
    if (!covers(target) || !covers(shrink) || (mantissa && !covers(*mantissa)))
        throw std::invalid_argument("one number a row");
    if (base.shape(0) != kFamilies || out.shape(0) != kNodes || out.shape(1) != kTempered || out.shape(2) != 2)
        throw std::invalid_argument("the nodes are others here");
    if (std::any_of(row.data(), row.data() + n, [&](int64_t i) { return i < 0 || i >= rows; }))
        throw std::invalid_argument("a row is not one of the rows");
    TemperatureJob job{surprisal.data(), K, target.data(), shrink.data(), mantissa ? mantissa->data() : nullptr,
                       row.data()};
    std::copy(base.data(), base.data() + kFamilies, job.base);
    nb::gil_scoped_release unlocked;
    static_assert(kShareRows <= kTemperedRows);
    const int64_t shares = (n + kShareRows - 1) / kShareRows, width = kNodes * kTempered;
    const int most = static_cast<int>(std::clamp<int64_t>(shares, 1, g_threads));
    std::vector<int64_t> found(shares * width);
    std::vector<double> room(most * 3 * K * kLargest);
    deal(most, shares, [&](int thread, int64_t share) {
        const int64_t begin = share * kShareRows;
        g_kernel(job, begin, std::min(begin + kShareRows, n), room.data() + thread * 3 * K * kLargest,
                 found.data() + share * width);
    });
    for (int64_t i = 0; i < width; ++i) {
        int64_t low = 0, high = 0;
        for (int64_t share = 0; share < shares; ++share) {
            low += found[share * width + i] & 0xffffffff;
            high += found[share * width + i] >> kLimb;
        }
        out.data()[2 * i] = low & 0xffffffff;
        out.data()[2 * i + 1] = high + (low >> kLimb);
    }
}

}  // namespace

void bind_temperature(nb::module_& m, TemperatureKernel kernel, int threads) {
    g_kernel = kernel;
    g_threads = threads;
    m.def("temperature_sums", &sums, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(),
          nb::arg());
}

}  // namespace xent
