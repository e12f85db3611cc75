// The binding of losses against soft targets: tensors come as (address, dtype code, strides in elements), None where
// not given.
#include "core_soft_losses.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "threads.hpp"

namespace nb = nanobind;

namespace xent {
namespace {

SoftLosses g_kernels;
int g_threads = 1;

constexpr int64_t kWorthThreads = 2 << 20;  // bytes of input
constexpr int64_t kWorthOne = 1 << 19;

int threads_for(int64_t bytes, int64_t shares) {
    if (bytes < kWorthThreads) return 1;
    return static_cast<int>(std::min<int64_t>({g_threads, bytes / kWorthOne, shares}));
}

int64_t size_of(int dtype) {
    switch (dtype) {
        case F64:
        case I64: return 8;
        case F32:
        case I32: return 4;
        case F16:
        case BF16:
        case I16: return 2;
        case I8:
        case U8: return 1;
        default: throw std::invalid_argument("unknown dtype code");
    }
}

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
    const int n = threads_for(job.count * (size_of(job.input.dtype) + size_of(job.target.dtype)), shares);
    std::vector<std::array<int64_t, 2>> found(n, {INT64_MAX, INT64_MAX});
    {
        nb::gil_scoped_release unlocked;
        deal(n, shares, [&](int thread, int64_t share) { g_kernels.binary(job, share, found[thread].data()); });
    }
    int64_t bad[2] = {INT64_MAX, INT64_MAX};
    for (const auto& f : found)
        for (int i = 0; i < 2; ++i) bad[i] = std::min(bad[i], f[i]);
    if (reduce && !loss.is_none()) {
        const double total = total_of(sums);
        store_loss(nb::cast<nb::tuple>(loss), reduce == 1 && job.count ? total / static_cast<double>(job.count) : total);
    }
    return nb::make_tuple(bad[0] == INT64_MAX ? int64_t{-1} : bad[0], bad[1] == INT64_MAX ? int64_t{-1} : bad[1]);
}

template <class T>
T* at(uintptr_t address) {
    return reinterpret_cast<T*>(address);
}

// What a mean divides by: the sum of the rows' weights; 0 where no row counts.
double weight_of(const DistillJob& job) {
    if (!job.token_weight) return static_cast<double>(job.rows);
    double sum = 0;
    for (int64_t i = 0; i < job.rows; ++i) sum += job.token_weight[i];
    return sum;
}

bool some_row(const DistillJob& job) {
    if (!job.token_weight) return job.rows > 0;
    return std::any_of(job.token_weight, job.token_weight + job.rows, [](double w) { return w != 0.0; });
}

// `reduce`: 0 writes every row's loss to `loss`, 1 their mean (over `divide`, or the sum of weights where that is NaN),
// 2 their sum. The gradient is of `factor` times that, or of the sum of `upstream` times the rows' losses.
void distill_loss(int kind, int reduce, int64_t rows, int64_t V, double temperature, uintptr_t student,
                  int student_dtype, int64_t student_stride, uintptr_t teacher, int teacher_dtype,
                  int64_t teacher_stride, int64_t k, uintptr_t indices, uintptr_t probs, int tail,
                  uintptr_t token_weight, double divide, uintptr_t upstream, double factor, uintptr_t loss,
                  uintptr_t gradient, int64_t gradient_stride) {
    DistillJob job;
    job.kind = kind;
    job.rows = rows, job.V = V, job.k = k;
    job.temperature = temperature;
    job.student_dtype = student_dtype, job.teacher_dtype = teacher_dtype;
    job.student = at<const char>(student), job.teacher = at<const char>(teacher);
    job.student_stride = student_stride, job.teacher_stride = teacher_stride;
    job.indices = at<const int64_t>(indices), job.probs = at<const double>(probs);
    job.tail = tail;
    job.token_weight = at<const double>(token_weight), job.upstream = at<const double>(upstream);
    job.losses = reduce ? nullptr : at<char>(loss);
    job.gradient = at<char>(gradient), job.gradient_stride = gradient_stride;
    const int64_t step = std::clamp<int64_t>(kShare / std::max<int64_t>(V, 1), 1, 4096);
    const int64_t shares = (rows + step - 1) / step;
    const int n = threads_for(rows * V * (size_of(student_dtype) + size_of(teacher_dtype)), shares);
    nb::gil_scoped_release unlocked;
    const bool some = some_row(job);
    const double over = reduce != 1 ? 1.0 : std::isnan(divide) ? weight_of(job) : divide;
    job.factor = some ? factor / over : 0.0;
    std::vector<double> sums(2 * shares);
    const int64_t scratch = kPairScratch + (probs ? V : 0);
    std::vector<double> room(n * scratch);
    deal(n, shares, [&](int thread, int64_t share) {
        g_kernels.distill(job, share * step, std::min(share * step + step, rows), room.data() + thread * scratch,
                          sums.data() + 2 * share);
    });
    if (reduce && loss) {
        const double total = some ? total_of(sums) / over : 0.0;
        if (student_dtype == F64) *at<double>(loss) = total;
        else *at<float>(loss) = static_cast<float>(total);
    }
}

}  // namespace

void bind_soft_losses(nb::module_& m, SoftLosses kernels, int threads) {
    g_kernels = kernels;
    g_threads = threads;
    m.def("binary_loss", &binary_loss, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
          nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg().none());
    m.def("distill_loss", &distill_loss);
}

}  // namespace xent
