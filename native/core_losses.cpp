// The binding of the training losses: addresses and plain numbers in, the rows dealt to threads, the reduction.
#include "core_losses.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <stdexcept>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "api.hpp"
#include "threads.hpp"

namespace nb = nanobind;

namespace xent {
namespace {

LossKernel g_kernel = nullptr;
int g_threads = 1;

constexpr int64_t kWorthThreads = 2 << 20;  // bytes read and written
constexpr int64_t kWorthOne = 1 << 19;
constexpr int64_t kShare = 1 << 15;  // logits in a share of rows
constexpr int64_t kSpare = 8;  // slopes are written in whole groups
constexpr int64_t kMostKept = 1 << 18;  // exponentials of a row, 8 bytes each, that a thread keeps for the gradient

struct Outcome {
    double sum = 0;
    int bad = GOOD;
    int64_t bad_row = -1;
};

int64_t bytes_of(int dtype) { return dtype == F64 ? 8 : dtype == F32 ? 4 : 2; }

// A row's results depend on that row alone, and the shares on the number of rows alone.
Outcome run(const LossJob& job) {
    const int64_t step = std::clamp<int64_t>(kShare / std::max<int64_t>(job.V, 1), 1, 4096);
    const int64_t shares = (job.rows + step - 1) / step;
    const int64_t bytes = job.rows * job.V * bytes_of(job.dtype) * (job.gradient ? 2 : 1);
    int n = 1;
    if (bytes >= kWorthThreads)
        n = static_cast<int>(std::min<int64_t>({g_threads, bytes / kWorthOne, std::max<int64_t>(shares, 1)}));
    std::vector<LossBlock> blocks(shares);
    const int64_t room = kLossScratch + job.k + (!job.keep ? 0 : job.cap > 0 ? 2 * job.V + kSpare : job.V);
    const std::unique_ptr<double[]> scratch(new double[n * room]);
    std::vector<unsigned char> seen(job.kind == TOP_K ? n * job.V : 0);
    deal(n, shares, [&](int thread, int64_t share) {
        LossBlock& block = blocks[share];
        block.scratch = scratch.get() + thread * room;
        block.seen = seen.data() + (job.kind == TOP_K ? thread * job.V : 0);
        g_kernel(job, share * step, std::min(share * step + step, job.rows), block);
    });
    Outcome all;
    double low = 0;  // what rounding the sum so far left
    for (const LossBlock& b : blocks) {
        if (b.bad != GOOD) return {0, b.bad, b.bad_row};
        const double sum = all.sum + b.sum, part = sum - all.sum, rest = (all.sum - (sum - part)) + (b.sum - part);
        low += std::isfinite(rest) ? rest : 0.0;
        all.sum = sum;
    }
    all.sum += low;
    return all;
}

// What "mean" divides by: the sum of class weight x token weight over the rows that are kept; `kept` of them weigh
// something.
template <class Label>
Outcome sum_weights(const LossJob& job, int64_t& kept) {
    Outcome all;
    const bool weighed = job.weight || job.token_weight;
    for (int64_t i = 0; i < job.rows; ++i) {
        const int64_t y = *reinterpret_cast<const Label*>(job.target + i * job.target_stride);
        if (y == job.ignore) continue;
        if (y < 0 || y >= job.V) return {0, BAD_LABEL, i};
        if (weighed) {
            const double w = (job.weight ? job.weight[y] : 1.0) * (job.token_weight ? job.token_weight[i] : 1.0);
            kept += w != 0;
            all.sum += w;
        } else {
            ++kept;
        }
    }
    if (!weighed) all.sum = static_cast<double>(kept);
    return all;
}

Outcome denominator(const LossJob& job, int64_t& kept) {
    kept = 0;
    if (job.kind == CLASSES) {
        return job.target_dtype == I64   ? sum_weights<int64_t>(job, kept)
               : job.target_dtype == I32 ? sum_weights<int32_t>(job, kept)
                                         : sum_weights<uint8_t>(job, kept);
    }
    Outcome all;
    kept = job.rows;
    all.sum = static_cast<double>(kept);
    if (job.token_weight) {
        const double* end = job.token_weight + job.rows;
        all.sum = std::accumulate(job.token_weight, end, 0.0);
        kept -= std::count(job.token_weight, end, 0.0);
    }
    return all;
}

template <class T>
T* at(uintptr_t address) {
    return reinterpret_cast<T*>(address);
}

void put(const LossJob& job, uintptr_t to, double value) {
    if (job.wide_results) *at<double>(to) = value;
    else *at<float>(to) = static_cast<float>(value);
}

void set_rows(LossJob& job, uintptr_t logits, int dtype, int64_t rows, int64_t V, int64_t stride, uintptr_t target,
              int target_dtype, int64_t target_stride, int64_t ignore, double cap, double temperature) {
    if (dtype < F64 || dtype > BF16 || rows < 0 || V < 0) throw std::invalid_argument("no rows of logits");
    job.logits = at<const char>(logits);
    job.dtype = dtype;
    job.wide_results = dtype == F64;
    job.rows = rows;
    job.V = V;
    job.logits_stride = stride;
    job.target = at<const char>(target);
    job.target_dtype = target_dtype;
    job.target_stride = target_stride;
    job.ignore = ignore;
    job.cap = cap;
    job.temperature = temperature;
}

// (kind, row) of the first bad row, or (0, -1). `reduction` 0 none, 1 mean, 2 sum; a NaN `divide` is the mean's own.
nb::object loss(int task, uintptr_t logits, int dtype, int64_t rows, int64_t V, int64_t stride, int kind,
                uintptr_t target, int target_dtype, int64_t target_stride, int64_t k, uintptr_t probs, bool spread,
                double tolerance, uintptr_t weight, uintptr_t token_weight, int64_t ignore, int reduction,
                double smoothing, double z_loss, double cap, double temperature, double divide, uintptr_t state,
                double scale, uintptr_t upstream, uintptr_t result, uintptr_t gradient, int64_t gradient_stride) {
    LossJob job;
    set_rows(job, logits, dtype, rows, V, stride, target, target_dtype, target_stride, ignore, cap, temperature);
    job.task = task;
    job.kind = kind;
    job.k = k;
    job.probs = at<const double>(probs);
    job.spread = spread;
    job.tolerance = tolerance;
    job.weight = at<const double>(weight);
    job.token_weight = at<const double>(token_weight);
    job.smoothing = smoothing;
    job.z_loss = z_loss;
    job.state = at<double>(state);
    job.upstream = at<const double>(upstream);
    job.gradient = at<char>(gradient);
    job.gradient_stride = gradient_stride;
    job.keep = task == LOSS && gradient && V <= kMostKept;
    job.losses = reduction == 0 ? at<char>(result) : nullptr;
    Outcome outcome;
    {
        nb::gil_scoped_release unlocked;
        job.weight_sum = static_cast<double>(V);
        if (job.weight) {
            job.weight_sum = 0;
            for (int64_t j = 0; j < V; ++j) job.weight_sum += job.weight[j];
        }
        double over = 1;
        int64_t kept = 1;
        if (reduction == 1) {
            outcome = denominator(job, kept);
            over = std::isnan(divide) ? outcome.sum : divide;
        }
        const bool nothing = kept == 0 && std::isnan(divide);
        job.scale = nothing ? 0.0 : scale / over;
        if (outcome.bad == GOOD) outcome = run(job);
        if (nothing && job.gradient)  // zero times what a row holds may be NaN
            for (int64_t i = 0; i < job.rows; ++i)
                std::memset(job.gradient + i * job.gradient_stride, 0,
                            static_cast<size_t>(V) * (dtype == F64 ? 8 : dtype == F32 ? 4 : 2));
        if (outcome.bad == GOOD && reduction != 0 && task == LOSS)
            put(job, result, nothing ? 0.0 : reduction == 1 ? outcome.sum / over : outcome.sum);
    }
    return nb::make_tuple(outcome.bad, outcome.bad_row);
}

// Per row, or with `gradient` what comes back through log_prob, logsumexp and entropy.
nb::object statistics(uintptr_t logits, int dtype, int64_t rows, int64_t V, int64_t stride, uintptr_t target,
                      int target_dtype, int64_t target_stride, int64_t ignore, double cap, double temperature,
                      uintptr_t state, uintptr_t log_prob, uintptr_t logsumexp, uintptr_t entropy, uintptr_t argmax,
                      uintptr_t gradient, int64_t gradient_stride) {
    LossJob job;
    set_rows(job, logits, dtype, rows, V, stride, target, target_dtype, target_stride, ignore, cap, temperature);
    job.state = at<double>(state);
    if (gradient) {
        job.task = STATISTICS_GRADIENT;
        job.g_log_prob = at<const double>(log_prob);
        job.g_logsumexp = at<const double>(logsumexp);
        job.g_entropy = at<const double>(entropy);
        job.gradient = at<char>(gradient);
        job.gradient_stride = gradient_stride;
    } else {
        job.task = STATISTICS;
        job.log_prob = at<char>(log_prob);
        job.logsumexp = at<char>(logsumexp);
        job.entropy = at<char>(entropy);
        job.argmax = at<int64_t>(argmax);
    }
    Outcome outcome;
    {
        nb::gil_scoped_release unlocked;
        outcome = run(job);
    }
    return nb::make_tuple(outcome.bad, outcome.bad_row);
}

// Asks for large pages under fresh memory that is about to be filled; a system that has none is left as it is.
void large_pages(uintptr_t address, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    constexpr uintptr_t page = 4096;
    const uintptr_t from = (address + page - 1) / page * page, to = (address + bytes) / page * page;
    if (to > from) madvise(at<void>(from), to - from, MADV_HUGEPAGE);
#else
    (void)address, (void)bytes;
#endif
}

}  // namespace

void bind_losses(nb::module_& m, LossKernel kernel, int threads) {
    g_kernel = kernel;
    g_threads = threads;
    m.def("loss_rows", &loss);
    m.def("statistics_rows", &statistics);
    m.def("large_pages", &large_pages);
}

}  // namespace xent
