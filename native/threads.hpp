// Shares of work dealt to threads: each takes the next one as it is done, so that a neighbour's load does not hold
// everyone up. What a share computes must not depend on who computes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace xent {

// work(thread, share) for every share in [0, shares), on `n` threads at most, this one among them.
template <class Work>
void deal(int n, int64_t shares, Work work) {
    std::atomic<int64_t> taken{0};
    auto run = [&](int thread) {
        for (int64_t share; (share = taken.fetch_add(1)) < shares;) work(thread, share);
    };
    std::vector<std::thread> others;
    if (n > 1) others.reserve(n - 1);
    try {
        for (int i = 1; i < n; ++i) others.emplace_back(run, i);
    } catch (const std::system_error&) {
        // No thread to be had: those there are, and this one, take all shares.
    }
    run(0);
    for (std::thread& t : others) t.join();
}

}  // namespace xent
