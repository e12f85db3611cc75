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

enum Divergence : int { FORWARD, REVERSE, JENSEN_SHANNON };

// Rows of student logits beside the teacher's: logits too, or the k outcomes that hold most of its mass.
struct DistillJob {
    int kind = FORWARD;
    int64_t rows = 0, V = 0, k = 0;
    double temperature = 1;
    int student_dtype = F32, teacher_dtype = F32;
    const char* student = nullptr;
    const char* teacher = nullptr;
    int64_t student_stride = 0, teacher_stride = 0;  // bytes from row to row
    const int64_t* indices = nullptr;                // (rows, k) with `probs`, in place of the teacher's logits
    const double* probs = nullptr;
    int tail = 0;                          // where mass below 1 is: 0 nowhere (rescaled), 1 dropped, 2 spread
    const double* token_weight = nullptr;  // a row of weight 0 is not read
    const double* upstream = nullptr;      // of each row's loss
    double factor = 1;                     // multiplies the gradient
    char* losses = nullptr;                // each row's, where wanted: float64 for a float64 student, else float32
    char* gradient = nullptr;              // of the student, where wanted; may be the student's own memory
    int64_t gradient_stride = 0;
};

constexpr int64_t kPairBlock = 1024;  // outcomes of a row worked on at a time
constexpr int64_t kPairScratch = 5 * kPairBlock;

// Rows [begin, end); `sum` takes the sum of their losses. `scratch` holds kPairScratch doubles, and V more for top-k.
using DistillKernel = void (*)(const DistillJob&, int64_t begin, int64_t end, double* scratch, double* sum);

struct SoftLosses {
    BinaryKernel binary;
    DistillKernel distill;
};

}  // namespace xent
