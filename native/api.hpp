// What the binding and the kernels agree on. Plain data only: the kernels are compiled once for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xent {

enum DType : int { F64, F32, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64 };
enum Kind : int { PROBS, LOGPROBS, LOGITS, COUNTS, LABELS };
enum Op : int {
    ENTROPY,
    CROSS_ENTROPY,
    KL,
    JS,
    LOGSUMEXP,  // one value a row
    SURPRISAL,
    NORMALIZE,  // a row for a row
    BIN_SURPRISAL,
    BIN_ENTROPY,
    BIN_CROSS_ENTROPY,
    BIN_KL,  // one value an element
    JOINT_ENTROPY,
    CONDITIONAL_ENTROPY_0,
    CONDITIONAL_ENTROPY_1,
    MUTUAL_INFORMATION  // one value a table
};
enum Post : int { NATS, BITS, BANS, EXP };

constexpr int kMaxDims = 64;

struct Operand {
    const char* data = nullptr;
    int dtype = F64;
    int kind = PROBS;
    double tol = -1;                // checked when >= 0
    int64_t kstride = 0;            // bytes along the outcome axis
    int64_t k2stride = 0;           // bytes along the first of a table's two axes
    int64_t stride[kMaxDims] = {};  // bytes along the outer axes, 0 where broadcast
};

struct Job {
    int op = 0, post = 0, nops = 1;
    int ndim = 0;  // outer axes
    int64_t shape[kMaxDims] = {};
    int64_t rows = 0;       // their product
    int64_t K = 0, K2 = 0;  // outcomes; rows of a table
    Operand in[2];
    char* out = nullptr;  // C order over the rows, then the outcomes
    int out_dtype = F64;
    int64_t out_kstride = 0;  // bytes, when a row gives a row
    int64_t out_stride[kMaxDims] = {};
};

// Rows (or elements, or tables) [begin, end); bad[i] is lowered to the first row that operand i fails at. 0, or 1 where
// memory ran out.
using Kernel = int (*)(const Job&, int64_t begin, int64_t end, int64_t bad[2]);

struct Kernels {
    Kernel reduce, map, elementwise, joint;
};

}  // namespace xent
