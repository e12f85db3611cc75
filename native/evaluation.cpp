// The kernels of evaluation for one instruction set: XENT_NS names it. As in kernels.cpp, nothing of the standard
// library may be called here.
#include "api.hpp"
#include "constants.hpp"
#include "evaluation_api.hpp"

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
#include "layers.hpp"
#include "facts.hpp"
#include "class_logits.hpp"
}  // namespace
EvaluationKernels evaluation() { return {sums, products, facts, class_logits}; }
}  // namespace XENT_NS
}  // namespace xent
