// The binding of what an evaluation computes over its rows.
#pragma once

#include <nanobind/nanobind.h>

#include "evaluation_api.hpp"

namespace xent {
void bind_evaluation(nanobind::module_& m, EvaluationKernels kernels, int threads);
}
