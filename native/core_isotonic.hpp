// The binding of the isotonic map.
#pragma once

#include <nanobind/nanobind.h>

namespace xent {
void bind_isotonic(nanobind::module_& m);
}
