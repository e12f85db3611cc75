// The binding of losses against soft targets.
#pragma once

#include <nanobind/nanobind.h>

#include "soft_api.hpp"

namespace xent {
void bind_soft_losses(nanobind::module_& m, SoftLosses kernels, int threads);
}
