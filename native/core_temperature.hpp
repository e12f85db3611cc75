// The binding of the sums that tempering is computed from.
#pragma once

#include <nanobind/nanobind.h>

#include "temperature_api.hpp"

namespace xent {
void bind_temperature(nanobind::module_& m, TemperatureKernel kernel, int threads);
}
