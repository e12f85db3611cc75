// The kernels of losses against soft targets, binary and of distributions, for one instruction set, under the rules of kernels.cpp.
#include "soft_api.hpp"

#include "constants.hpp"
#include "loss_api.hpp"

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
#include "passes.hpp"
#include "exponentials.hpp"
#include "brief.hpp"
#include "stream.hpp"
#include "binary_loss.hpp"
#include "distill.hpp"
}  // namespace
SoftLosses soft_losses() { return {binary_share, distill}; }
}  // namespace XENT_NS
}  // namespace xent
