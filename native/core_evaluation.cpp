// The binding of evaluation: what rows say about themselves, and exact sums of arrays, of groups and of columns. Sums
// go out as integers in two's complement, little-endian, that count 2^-1074, or 2^-2148 for products.
#include "core_evaluation.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <vector>

#include "api.hpp"
#include "exact.hpp"
#include "threads.hpp"

namespace nb = nanobind;

namespace xent {
namespace {

using exact::ProductTotal;
using exact::Total;
using Vector = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::device::cpu>;
using Groups = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

EvaluationKernels g_kernels;
int g_threads = 1;

constexpr int64_t kShare = 1 << 16;   // numbers that a thread takes at a time
constexpr int64_t kFew = 24;          // up to here numbers are added one by one
constexpr int64_t kFewGroups = 4096;  // up to here each group has its own total; beyond, numbers are sorted by group
constexpr int64_t kGroupRoom = 1 << 15;
constexpr int64_t kRows = 256;  // of a matrix, worked on at a time: a column of them stays in the cache

int threads_for(int64_t shares) {
    return static_cast<int>(std::clamp<int64_t>(shares, 1, g_threads));
}

// The numbers of a block, which is not kept; false where one is not finite.
template <class Sum>
bool add_block(double* block, int64_t n, Sum& sum) {
    if (n > kFew) {
        double part[kMostSums];
        const int parts = g_kernels.sums(block, n, part);
        for (int i = 0; i < parts; ++i) sum.add(part[i]);
        if (parts != kNoSums) return true;  // else x is as it was, or holds a NaN still
    }
    bool finite = true;
    for (int64_t i = 0; i < n; ++i) finite &= sum.add(block[i]);
    return finite;
}

bool add_all(const double* x, int64_t n, Total& sum) {
    alignas(64) double block[kSumBlock];
    bool finite = true;
    for (int64_t at = 0; at < n; at += kSumBlock) {
        const int64_t m = std::min(kSumBlock, n - at);
        std::copy(x + at, x + at + m, block);
        finite &= add_block(block, m, sum);
    }
    return finite;
}

bool add_products(const double* a, const double* b, int64_t n, ProductTotal& sum) {
    alignas(64) double product[kSumBlock], error[kSumBlock];
    bool finite = true;
    for (int64_t at = 0; at < n; at += kSumBlock) {
        const int64_t m = std::min(kSumBlock, n - at);
        if (m > kFew && g_kernels.products(a + at, b + at, m, product, error)) {
            add_block(product, m, sum);
            add_block(error, m, sum);
        } else {
            for (int64_t i = at; i < at + m; ++i) finite &= sum.add_product(a[i], b[i]);
        }
    }
    return finite;
}

void require_finite(bool finite) {
    if (!finite) throw std::invalid_argument("only finite numbers have an exact sum");
}

template <class Sum>
nb::bytes packed(Sum* sums, int64_t n) {
    constexpr int64_t words = Sum::limbs;
    std::vector<uint32_t> out(n * words);
    for (int64_t i = 0; i < n; ++i) sums[i].write(out.data() + i * words);
    return nb::bytes(reinterpret_cast<const char*>(out.data()), out.size() * sizeof(uint32_t));
}

// `count` totals of shares dealt to threads: work(totals, share), false where a number is not finite. The first
// thread's totals hold the sum.
template <class Sum, class Work>
std::vector<std::vector<Sum>> dealt(int64_t count, int64_t shares, Work work) {
    const int n = threads_for(shares);
    std::vector<std::vector<Sum>> totals(n, std::vector<Sum>(count));
    std::atomic<bool> finite{true};
    deal(n, shares, [&](int thread, int64_t share) {
        if (!work(totals[thread], share)) finite = false;
    });
    require_finite(finite);
    for (int i = 1; i < n; ++i)
        for (int64_t k = 0; k < count; ++k) totals[0][k].add(totals[i][k]);
    return totals;
}

int64_t shares_of(int64_t n) { return (n + kShare - 1) / kShare; }

// One total for each array.
nb::bytes totals(const std::vector<Vector>& arrays) {
    std::vector<int64_t> first(arrays.size() + 1, 0);  // share of each array
    for (size_t i = 0; i < arrays.size(); ++i) first[i + 1] = first[i] + shares_of(arrays[i].shape(0));
    std::vector<std::vector<Total>> sums;
    {
        nb::gil_scoped_release unlocked;
        sums = dealt<Total>(arrays.size(), first.back(), [&](std::vector<Total>& mine, int64_t share) {
            const int64_t i = std::upper_bound(first.begin(), first.end(), share) - first.begin() - 1;
            const int64_t at = (share - first[i]) * kShare, size = arrays[i].shape(0);
            return add_all(arrays[i].data() + at, std::min(kShare, size - at), mine[i]);
        });
    }
    return packed(sums[0].data(), arrays.size());
}

nb::bytes dot(Vector a, Vector b) {
    if (a.shape(0) != b.shape(0)) throw std::invalid_argument("vectors of different lengths have no product");
    std::vector<std::vector<ProductTotal>> sums;
    {
        nb::gil_scoped_release unlocked;
        const int64_t size = a.shape(0);
        sums = dealt<ProductTotal>(1, shares_of(size), [&](std::vector<ProductTotal>& mine, int64_t share) {
            const int64_t at = share * kShare;
            return add_products(a.data() + at, b.data() + at, std::min(kShare, size - at), mine[0]);
        });
    }
    return packed(sums[0].data(), 1);
}

void require_groups(const Vector& x, const Groups& group, int64_t groups) {
    if (x.shape(0) != group.shape(0)) throw std::invalid_argument("there must be one group a number");
    const int64_t *g = group.data(), *end = g + group.shape(0);
    if (std::any_of(g, end, [&](int64_t k) { return k < 0 || k >= groups; }))
        throw std::invalid_argument("a group is not one of 0..groups-1");
}

// Numbers are collected for each group, and added up when its room is full.
bool add_groups(const double* x, const int64_t* group, int64_t n, std::vector<Total>& sums) {
    const int64_t groups = sums.size(), room = std::clamp<int64_t>(kGroupRoom / groups / 8 * 8, 32, kSumBlock);
    std::vector<double> block(groups * room);
    std::vector<int64_t> held(groups, 0);
    bool finite = true;
    for (int64_t i = 0; i < n; ++i) {
        const int64_t g = group[i];
        double* mine = block.data() + g * room;
        mine[held[g]] = x[i];
        if (++held[g] == room) {
            finite &= add_block(mine, room, sums[g]);
            held[g] = 0;
        }
    }
    for (int64_t g = 0; g < groups; ++g) finite &= add_block(block.data() + g * room, held[g], sums[g]);
    return finite;
}

std::vector<Total> few_groups(const Vector& x, const Groups& group, int64_t groups) {
    const int64_t size = x.shape(0);
    const int64_t step = std::max(kShare, 64 * groups);
    return dealt<Total>(groups, (size + step - 1) / step, [&](std::vector<Total>& mine, int64_t share) {
        const int64_t at = share * step;
        return add_groups(x.data() + at, group.data() + at, std::min(step, size - at), mine);
    })[0];
}

// use(g, total) for every group: the numbers sorted by group, one group after the other.
template <class Use>
void many_groups(const Vector& x, const Groups& group, int64_t groups, Use use) {
    const int64_t size = x.shape(0);
    std::vector<int64_t> end(groups + 1, 0);
    for (int64_t i = 0; i < size; ++i) ++end[group.data()[i] + 1];
    std::partial_sum(end.begin(), end.end(), end.begin());
    std::vector<double> sorted(size);
    for (int64_t i = 0; i < size; ++i) sorted[end[group.data()[i]]++] = x.data()[i];
    bool finite = true;
    Total sum;
    for (int64_t g = 0; g < groups; ++g) {  // end[g] is where group g ends now
        const int64_t start = g ? end[g - 1] : 0;
        sum.clear();
        finite &= add_all(sorted.data() + start, end[g] - start, sum);
        use(g, sum);
    }
    require_finite(finite);
}

nb::bytes group_totals(Vector x, Groups group, int64_t groups) {
    std::vector<Total> sums;
    {
        nb::gil_scoped_release unlocked;
        require_groups(x, group, groups);
        if (groups <= kFewGroups) {
            sums = few_groups(x, group, groups);
        } else {
            sums.resize(groups);
            many_groups(x, group, groups, [&](int64_t g, const Total& sum) { sums[g] = sum; });
        }
    }
    return packed(sums.data(), groups);
}

// The same, each rounded once.
void group_sums(Vector x, Groups group, Doubles out) {
    nb::gil_scoped_release unlocked;
    const int64_t groups = out.shape(0);
    require_groups(x, group, groups);
    if (groups > kFewGroups) {
        many_groups(x, group, groups, [&](int64_t g, Total& sum) { out.data()[g] = sum.rounded(); });
    } else {
        std::vector<Total> sums = few_groups(x, group, groups);
        for (int64_t g = 0; g < groups; ++g) out.data()[g] = sums[g].rounded();
    }
}

// Each column of x, its rows times their weights, which rounds each product once.
nb::bytes column_totals(Matrix x, std::optional<Vector> weight) {
    const int64_t rows = x.shape(0), columns = x.shape(1), down = x.stride(0), along = x.stride(1);
    if (weight && static_cast<int64_t>(weight->shape(0)) != rows) throw std::invalid_argument("one weight a row");
    std::vector<std::vector<Total>> sums;
    {
        nb::gil_scoped_release unlocked;
        const int64_t step = std::max<int64_t>(kShare / std::max<int64_t>(columns, 1) / kRows, 1) * kRows;
        sums = dealt<Total>(columns, (rows + step - 1) / step, [&](std::vector<Total>& mine, int64_t share) {
            alignas(64) double block[kRows];
            bool finite = true;
            for (int64_t at = share * step; at < std::min(share * step + step, rows); at += kRows) {
                const int64_t n = std::min(kRows, rows - at);
                for (int64_t k = 0; k < columns; ++k) {
                    const double* p = x.data() + at * down + k * along;
                    for (int64_t i = 0; i < n; ++i) block[i] = p[i * down];
                    if (weight)
                        for (int64_t i = 0; i < n; ++i) block[i] *= weight->data()[at + i];
                    finite &= add_block(block, n, mine[k]);
                }
            }
            return finite;
        });
    }
    return packed(sums[0].data(), columns);
}

using AnyMatrix = nb::ndarray<nb::ndim<2>, nb::device::cpu, nb::ro>;
using Integers = nb::ndarray<int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Keys = nb::ndarray<uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

using Table = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class Array>
auto* filled(const std::optional<Array>& array, int64_t rows) {
    if (array && static_cast<int64_t>(array->shape(0)) != rows) throw std::invalid_argument("one number a row");
    return array ? array->data() : nullptr;
}

// What each row says about itself (see FactsJob), and the first row with a value that its form does not allow, or -1.
int64_t facts(int kind, int dtype, AnyMatrix values, double limit, std::optional<Groups> labels,
              std::optional<Keys> salts, Doubles loss, Doubles given, Doubles top, Doubles brier, Doubles off,
              Integers said, std::optional<Keys> keys, std::optional<Table> probs) {
    const int64_t size = static_cast<int64_t>(values.itemsize()), rows = values.shape(0);
    if (size != (dtype == F64 ? 8 : dtype == F32 ? 4 : 0)) throw std::invalid_argument("dtype code and array disagree");
    FactsJob job;
    job.data = static_cast<const char*>(values.data());
    job.kind = kind;
    job.dtype = dtype;
    job.rows = rows;
    job.K = values.shape(1);
    job.stride = values.stride(0) * size;
    job.kstride = values.stride(1) * size;
    job.limit = limit;
    job.labels = filled(labels, rows);
    job.salts = filled(salts, job.K);
    job.keys = filled(keys, rows);
    job.probs = filled(probs, rows);
    if (probs && static_cast<int64_t>(probs->shape(1)) != job.K) throw std::invalid_argument("one column an outcome");
    for (const Doubles* out : {&loss, &given, &top, &brier, &off})
        if (static_cast<int64_t>(out->shape(0)) != rows) throw std::invalid_argument("one number a row");
    job.loss = loss.data();
    job.given = given.data();
    job.top = top.data();
    job.brier = brier.data();
    job.off = off.data();
    job.said = filled(std::optional(said), rows);
    if (job.keys && !job.salts) throw std::invalid_argument("keys need salts");
    nb::gil_scoped_release unlocked;
    if (job.labels && std::any_of(job.labels, job.labels + rows, [&](int64_t y) { return y < 0 || y >= job.K; }))
        throw std::invalid_argument("a label is not one of the classes");
    const int64_t step = std::max<int64_t>(kShare / std::max<int64_t>(job.K, 1) / 8, 1) * 8;
    const int64_t shares = (rows + step - 1) / step;
    std::vector<int64_t> bad(shares, -1);
    deal(threads_for(shares), shares, [&](int, int64_t share) {
        bad[share] = g_kernels.facts(job, share * step, std::min(share * step + step, rows));
    });
    const auto first = std::find_if(bad.begin(), bad.end(), [](int64_t row) { return row >= 0; });
    return first == bad.end() ? -1 : *first;
}

}  // namespace

void bind_evaluation(nb::module_& m, EvaluationKernels kernels, int threads) {
    g_kernels = kernels;
    g_threads = threads;
    m.def("exact_totals", &totals);
    m.def("exact_dot", &dot);
    m.def("exact_group_totals", &group_totals);
    m.def("exact_group_sums", &group_sums);
    m.def("exact_column_totals", &column_totals, nb::arg(), nb::arg().none());
    m.def("row_facts", &facts, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(),
          nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
}

}  // namespace xent
