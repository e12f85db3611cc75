// What the binding and the kernels of evaluation agree on. Plain data only, as in api.hpp.
#pragma once

#include <cstdint>

namespace xent {

constexpr int64_t kSumBlock = 2048;  // doubles added up at a time: they stay in the nearest cache
constexpr int kMostSums = 64;        // layers of a block: 40 bits and more each, of at most 2098
constexpr int kNoSums = -1;          // a value is too large for layers, infinite or NaN

struct FactsJob {  // forecasts, and what each row says about itself; null where it is not wanted
    const char* data = nullptr;
    int dtype = 0, kind = 0;
    int64_t rows = 0, K = 0;
    int64_t stride = 0, kstride = 0;  // bytes, from row to row and from outcome to outcome
    double limit = 1;                 // the largest value that is allowed
    const int64_t* labels = nullptr;
    const uint64_t* salts = nullptr;  // one an outcome, for the keys
    double *loss = nullptr, *given = nullptr, *top = nullptr, *brier = nullptr, *off = nullptr;
    int64_t* said = nullptr;
    uint64_t* keys = nullptr;
    double* probs = nullptr;  // (rows, K)
};

struct EvaluationKernels {
    // The sum of x[0..n), n <= kSumBlock, as that of a few doubles: how many, or kNoSums. There is room for n rounded up
    // to eight. x is not kept, save where it holds too large a value; a NaN stays one.
    int (*sums)(double* x, int64_t n, double* sums);
    // a * b as the sum of two doubles each; false where a product or its error may leave the range of a double.
    bool (*products)(const double* a, const double* b, int64_t n, double* product, double* error);
    // Rows [begin, end): the first that holds a value its form does not allow, or -1.
    int64_t (*facts)(const FactsJob&, int64_t begin, int64_t end);
    // log(q / (1 - q)) of forecasts q, which are given as they are and as -log q; -inf and inf for 0 and 1.
    void (*logits)(const double* probs, const double* surprisal, int64_t n, double* logits);
};

}  // namespace xent
