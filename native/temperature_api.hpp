// What the binding and the kernel of tempering agree on: sums over rows at fixed inverse temperatures.
#pragma once

#include <cstdint>

namespace xent {

constexpr int kFamilies = 4, kDoublings = 13;
constexpr int kNodes = 2 + kFamilies * kDoublings;  // one below 0, 0, and then rising: evaluation/_grid_nodes.py
constexpr int kTempered = 8;                        // numbers a row and node
constexpr int64_t kTemperedRows = 4096;             // whose whole numbers, below 2^51 each, are added up at a time

struct TemperatureJob {
    const double* surprisal = nullptr;  // (rows, K)
    int64_t K = 0;
    const double* target = nullptr;    // the loss of each row as given
    const double* shrink = nullptr;    // 1 / the power of two that d is measured in
    const double* mantissa = nullptr;  // of each row's weight; null: 1
    const int64_t* row = nullptr;      // which rows
    double base[kFamilies] = {};       // the lowest node of each family
};

// The rows row[begin..end), at most kTemperedRows; room for 3 K kLanes doubles. Sums go to (kNodes, kTempered).
using TemperatureKernel = void (*)(const TemperatureJob&, int64_t begin, int64_t end, double* room, int64_t* sums);

}  // namespace xent
