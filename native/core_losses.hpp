// The binding of the training losses.
#pragma once

#include <nanobind/nanobind.h>

#include "loss_api.hpp"

namespace xent {
void bind_losses(nanobind::module_& m, LossKernel kernel, int threads);
}
