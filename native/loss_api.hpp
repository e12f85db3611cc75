// What the binding and the kernels of the training losses agree on: rows of logits and what is wanted of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xent {

enum LossTask : int { LOSS, LOSS_GRADIENT, STATISTICS, STATISTICS_GRADIENT };
enum TargetKind : int { CLASSES, DENSE, TOP_K };
enum BadRow : int { GOOD, BAD_LABEL, BAD_VALUE, BAD_SUM, BAD_INDEX, BAD_DUPLICATE };

constexpr int kRowState = 4;  // doubles a row: the largest logit as given (its tanh under a softcap), S, and two more

struct LossJob {
    int task = LOSS, dtype = 0, kind = CLASSES, target_dtype = 0, wide_results = 0;
    int64_t rows = 0, V = 0, k = 0;
    const char* logits = nullptr;
    int64_t logits_stride = 0;  // all strides in bytes, from row to row
    const char* target = nullptr;
    int64_t target_stride = 0;
    const double* probs = nullptr;  // (rows, k)
    bool spread = false;
    bool keep = false;  // the exponentials of a row, for its gradient
    double tolerance = 0;            // how far a target's sum may lie off 1
    const double* weight = nullptr;  // (V)
    double weight_sum = 0;           // V without weights
    const double* token_weight = nullptr;
    int64_t ignore = 0;
    double smoothing = 0, z_loss = 0, cap = 0, temperature = 1;  // cap 0: none
    double scale = 1;                                            // upstream / denominator, for all rows alike
    const double* upstream = nullptr;                            // and one for each row
    double* state = nullptr;                                     // (rows, kRowState)
    char* losses = nullptr;                                      // (rows), float64 or float32
    char* gradient = nullptr;
    int64_t gradient_stride = 0;
    // statistics and their upstream gradients
    char *log_prob = nullptr, *logsumexp = nullptr, *entropy = nullptr;
    int64_t* argmax = nullptr;
    const double *g_log_prob = nullptr, *g_logsumexp = nullptr, *g_entropy = nullptr;
};

struct LossBlock {
    double sum = 0;       // of the rows' losses
    double* scratch;      // kLossScratch doubles
    unsigned char* seen;  // V zeros, for top-k targets
    int bad = GOOD;
    int64_t bad_row = -1;
};

constexpr int64_t kLossBlock = 1024;  // values of a row worked on at a time
constexpr int64_t kLossScratch = 4 * kLossBlock;

// Rows [begin, end): the first bad row ends the block.
using LossKernel = void (*)(const LossJob&, int64_t begin, int64_t end, LossBlock&);

}  // namespace xent
