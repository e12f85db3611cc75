// The binding of the grids of logits that every class is counted in.
#pragma once

#include <nanobind/nanobind.h>

#include "evaluation_api.hpp"

namespace xent {
void bind_grids(nanobind::module_& m, EvaluationKernels kernels);
}
