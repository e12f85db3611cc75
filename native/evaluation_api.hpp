// What the binding and the kernels of evaluation agree on. Plain data only, as in api.hpp.
#pragma once

#include <cstdint>

namespace xent {

constexpr int64_t kSumBlock = 2048;  // doubles added up at a time: they stay in the nearest cache
constexpr int kMostSums = 64;        // layers of a block: 40 bits and more each, of at most 2098
constexpr int kNoSums = -1;          // a value is too large for layers, infinite or NaN

struct EvaluationKernels {
    // The sum of x[0..n), n <= kSumBlock, as that of a few doubles: how many, or kNoSums. There is room for n rounded up
    // to eight. x is not kept, save where it holds too large a value; a NaN stays one.
    int (*sums)(double* x, int64_t n, double* sums);
    // a * b as the sum of two doubles each; false where a product or its error may leave the range of a double.
    bool (*products)(const double* a, const double* b, int64_t n, double* product, double* error);
};

}  // namespace xent
