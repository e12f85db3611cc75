// The kernels for one instruction set: XENT_NS names it. Nothing of the standard library may be called here, not even
// inline: the linker keeps one copy of an inline function for everyone, and it may be the one compiled for a processor
// this machine does not have.
#include "api.hpp"
#include "constants.hpp"

#define XENT_INLINE_MEMBER inline __attribute__((always_inline))

namespace xent {
namespace XENT_NS {
namespace {
// Their order matters: each file uses those above it.
#include "vectors.hpp"
#include "lanes.hpp"
#include "elementary.hpp"
#include "load.hpp"
#include "passes.hpp"
#include "kernels_rows.hpp"
#include "profiles.hpp"
#include "reduce.hpp"
#include "elementwise.hpp"
#include "map.hpp"
#include "joint.hpp"
}  // namespace
Kernels kernels() { return {reduce, map, elementwise, joint}; }
}  // namespace XENT_NS
}  // namespace xent
