// The kernel of tempering for one instruction set: XENT_NS names it. As in kernels.cpp, nothing of the standard library
// may be called here.
#include "api.hpp"
#include "constants.hpp"
#include "temperature_api.hpp"

#define XENT_INLINE_MEMBER inline __attribute__((always_inline))

namespace xent {
namespace XENT_NS {
namespace {
// Their order matters: each file uses those above it.
#include "vectors.hpp"
#include "lanes.hpp"
#include "elementary.hpp"
#include "load.hpp"
#include "floats.hpp"
#include "exponentials.hpp"
#include "evaluation_temperature.hpp"
}  // namespace
TemperatureKernel temperature() { return temper; }
}  // namespace XENT_NS
}  // namespace xent
