// The losses' side of the binding: tensors come as (address, dtype code, strides in elements), None where not given.
// Included by core.cpp, whose choice of instruction set and threads it shares.

Stream stream_of(nb::handle tensor, const std::vector<int64_t>& shape) {
    Stream s;
    if (tensor.is_none()) return s;
    nb::tuple t = nb::cast<nb::tuple>(tensor);
    s.data = reinterpret_cast<char*>(nb::cast<uintptr_t>(t[0]));
    s.dtype = nb::cast<int>(t[1]);
    const int64_t item = size_of(s.dtype);
    nb::tuple strides = nb::cast<nb::tuple>(t[2]);
    if (strides.size() != shape.size()) throw std::invalid_argument("a tensor has another number of axes");
    for (size_t d = 0; d < shape.size(); ++d) {
        const int64_t stride = nb::cast<int64_t>(strides[d]) * item;
        if (shape[d] == 1) continue;
        if (s.ndim > 0 && s.stride[s.ndim - 1] == stride * shape[d]) {
            s.shape[s.ndim - 1] *= shape[d];
            s.stride[s.ndim - 1] = stride;
        } else {
            s.shape[s.ndim] = shape[d];
            s.stride[s.ndim++] = stride;
        }
    }
    if (s.ndim == 0) {  // one element
        s.shape[0] = 1;
        s.stride[s.ndim++] = item;
    }
    return s;
}

std::vector<int64_t> shape_of(nb::tuple sizes) {
    std::vector<int64_t> shape;
    for (nb::handle n : sizes) shape.push_back(nb::cast<int64_t>(n));
    if (shape.size() > kMaxDims) throw std::invalid_argument("too many axes");
    return shape;
}

// work(begin, end, bad) over [0, shares), dealt to threads where `bytes` are worth it; bad[] is the least of all.
template <class Work>
void deal(int64_t shares, int64_t bytes, int64_t bad[2], Work work) {
    const int n =
        bytes < kWorthThreads ? 1 : static_cast<int>(std::min<int64_t>({g_threads, bytes / kWorthOne, shares}));
    if (n <= 1) return work(int64_t{0}, shares, bad);
    std::atomic<int64_t> taken{0};
    std::vector<std::array<int64_t, 2>> found(n, {INT64_MAX, INT64_MAX});
    auto loop = [&](int i) {
        for (int64_t at; (at = taken.fetch_add(1)) < shares;) work(at, at + 1, found[i].data());
    };
    std::vector<std::thread> others;
    others.reserve(n);
    try {
        for (int i = 1; i < n; ++i) others.emplace_back(loop, i);
    } catch (const std::system_error&) {
        // No thread to be had: those there are, and this one, take all shares.
    }
    loop(0);
    for (std::thread& t : others) t.join();
    for (const auto& f : found)
        for (int i = 0; i < 2; ++i) bad[i] = std::min(bad[i], f[i]);
}

// Sums of the shares, in their order and with what rounding leaves.
double total_of(const std::vector<double>& sums) {
    double h = 0, l = 0;
    for (size_t i = 0; i < sums.size(); i += 2) {
        const double s = h + sums[i], t = s - h;
        l += ((h - (s - t)) + (sums[i] - t)) + sums[i + 1];
        h = s;
    }
    return std::isfinite(h) ? h + l : h;
}

void store_loss(nb::tuple tensor, double value) {
    void* p = reinterpret_cast<void*>(nb::cast<uintptr_t>(tensor[0]));
    if (nb::cast<int>(tensor[1]) == F64) *static_cast<double*>(p) = value;
    else *static_cast<float*>(p) = static_cast<float>(value);
}

// `reduce`: 0 writes every element's loss to `loss`, 1 their mean, 2 their sum. The gradient, where wanted, is of
// `factor` times that, or of the sum of `upstream` times the elements' losses.
nb::object binary_loss(bool logits, int reduce, nb::tuple sizes, nb::handle input, nb::handle target,
                       nb::handle weight, nb::handle pos_weight, nb::handle upstream, double factor, nb::handle loss,
                       nb::handle gradient) {
    const std::vector<int64_t> shape = shape_of(sizes);
    BinaryJob job;
    job.logits = logits;
    job.count = 1;
    for (int64_t n : shape) job.count *= n;
    job.input = stream_of(input, shape);
    job.target = stream_of(target, shape);
    job.weight = stream_of(weight, shape);
    job.pos_weight = stream_of(pos_weight, shape);
    job.upstream = stream_of(upstream, shape);
    job.gradient = stream_of(gradient, shape);
    job.factor = reduce == 1 ? factor / static_cast<double>(job.count) : factor;
    const int64_t shares = (job.count + kShare - 1) / kShare;
    std::vector<double> sums(reduce && !loss.is_none() ? 2 * shares : 0);
    if (!sums.empty()) job.sums = sums.data();
    else if (!reduce) job.loss = stream_of(loss, shape);
    int64_t bad[2] = {INT64_MAX, INT64_MAX};
    {
        nb::gil_scoped_release unlocked;
        const BinaryKernel kernel = g_isa.losses().binary;
        deal(shares, job.count * (size_of(job.input.dtype) + size_of(job.target.dtype)), bad,
             [&](int64_t begin, int64_t end, int64_t* found) { kernel(job, begin, end, found); });
    }
    if (reduce && !loss.is_none()) {
        const double total = total_of(sums);
        store_loss(nb::cast<nb::tuple>(loss), reduce == 1 && job.count ? total / static_cast<double>(job.count) : total);
    }
    return nb::make_tuple(bad[0] == INT64_MAX ? int64_t{-1} : bad[0], bad[1] == INT64_MAX ? int64_t{-1} : bad[1]);
}
