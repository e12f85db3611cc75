// What the binding and the kernels of losses against soft targets agree on. Plain data only, as in api.hpp.
#pragma once

#include "api.hpp"

namespace xent {

// A tensor's elements in C order of the call's shape; axes it walks through evenly are one.
struct Stream {
    char* data = nullptr;  // nullptr: not given
    int dtype = F64;
    int ndim = 0;
    int64_t shape[kMaxDims];
    int64_t stride[kMaxDims];  // bytes, 0 where broadcast
};

constexpr int64_t kShare = 1 << 15;  // elements that are summed on their own, whatever the number of threads

struct BinaryJob {
    bool logits = false;
    int64_t count = 0;
    Stream input, target, weight, pos_weight;
    Stream upstream;    // of each element's loss, when it is not `factor` alone
    double factor = 1;  // multiplies the gradient
    Stream loss;        // each element's, where wanted
    Stream gradient;    // of the input, where wanted
    double* sums = nullptr;  // of each share's losses: two doubles a share, where wanted
};

// bad[0] and bad[1] are lowered to the share's first element whose input or target lies outside its range.
using BinaryKernel = void (*)(const BinaryJob&, int64_t share, int64_t bad[2]);

struct SoftLosses {
    BinaryKernel binary;
};

}  // namespace xent
