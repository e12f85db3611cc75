// The binding of the isotonic map: addresses and counts in, whole numbers out.
#include "core_isotonic.hpp"

#include <numeric>
#include <vector>

#include "isotonic.hpp"

namespace nb = nanobind;

namespace xent {
namespace {

template <class T>
T* at(uintptr_t address) {
    return reinterpret_cast<T*>(address);
}

int64_t pool_sets(uintptr_t happened, uintptr_t masses, int64_t sets, int64_t n, uintptr_t end, uintptr_t yes,
                  uintptr_t count) {
    nb::gil_scoped_release unlocked;
    const int64_t* mass = at<const int64_t>(masses);
    const bool narrow = std::accumulate(mass, mass + n, int64_t{0}) < int64_t{1} << 31;
    const auto one = narrow ? pool<int64_t> : pool<__int128>;
    std::vector<int64_t> every(n);
    int64_t used = 0;
    for (int64_t s = 0; s < sets; ++s) {
        const int64_t blocks = one(at<const int64_t>(happened) + s * n, mass, n, at<int64_t>(end) + used,
                                   at<int64_t>(yes) + used, every.data());
        at<int64_t>(count)[s] = blocks;
        used += blocks;
    }
    return used;
}

void draw_sets(uintptr_t copies, uintptr_t q, uintptr_t key, int64_t units, uintptr_t salt, int64_t sets,
               uintptr_t drawn) {
    nb::gil_scoped_release unlocked;
    draw(at<const int64_t>(copies), at<const double>(q), at<const uint64_t>(key), units, at<const uint64_t>(salt), sets,
         at<int64_t>(drawn));
}

}

void bind_isotonic(nb::module_& m) {
    m.def("isotonic_pool", pool_sets);
    m.def("isotonic_draw", draw_sets);
}

}
