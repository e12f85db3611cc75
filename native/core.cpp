// The binding: operands in from any buffer, the instruction set chosen once, the rows dealt to threads.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "api.hpp"
#include "core_evaluation.hpp"
#include "core_grids.hpp"
#include "core_isotonic.hpp"
#include "core_losses.hpp"
#include "core_soft_losses.hpp"
#include "core_temperature.hpp"
#include "threads.hpp"

namespace nb = nanobind;

namespace xent {

namespace isa_base {
Kernels kernels();
LossKernel losses();
SoftLosses soft_losses();
EvaluationKernels evaluation();
TemperatureKernel temperature();
}
#if defined(XENT_X86_LEVELS)
namespace isa_v3 {
Kernels kernels();
LossKernel losses();
SoftLosses soft_losses();
EvaluationKernels evaluation();
TemperatureKernel temperature();
}
namespace isa_v4 {
Kernels kernels();
LossKernel losses();
SoftLosses soft_losses();
EvaluationKernels evaluation();
TemperatureKernel temperature();
}
#endif

namespace {

struct Isa {
    const char* name;
    Kernels (*kernels)();
    LossKernel (*losses)();
    SoftLosses (*soft_losses)();
    EvaluationKernels (*evaluation)();
    TemperatureKernel (*temperature)();
    bool runs;
};

std::vector<Isa> instruction_sets() {
#if defined(XENT_X86_LEVELS)
    __builtin_cpu_init();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl");
    return {{"x86-64", isa_base::kernels, isa_base::losses, isa_base::soft_losses, isa_base::evaluation,
             isa_base::temperature, true},
            {"x86-64-v3", isa_v3::kernels, isa_v3::losses, isa_v3::soft_losses, isa_v3::evaluation,
             isa_v3::temperature, v3},
            {"x86-64-v4", isa_v4::kernels, isa_v4::losses, isa_v4::soft_losses, isa_v4::evaluation,
             isa_v4::temperature, v4}};
#else
    return {{"baseline", isa_base::kernels, isa_base::losses, isa_base::soft_losses, isa_base::evaluation,
             isa_base::temperature, true}};
#endif
}

std::string names(const std::vector<Isa>& all, bool runnable) {
    std::string joined;
    for (const Isa& isa : all)
        if (isa.runs || !runnable) joined += std::string(joined.empty() ? "" : ", ") + isa.name;
    return joined;
}

Isa choose() {
    const std::vector<Isa> all = instruction_sets();
    if (const char* wanted = std::getenv("XENT_ISA"); wanted && *wanted) {
        for (const Isa& isa : all)
            if (isa.name == std::string(wanted)) {
                if (isa.runs) return isa;
                throw std::runtime_error("XENT_ISA=" + std::string(wanted) + ": this processor runs only " +
                                         names(all, true));
            }
        throw std::runtime_error("XENT_ISA=" + std::string(wanted) + " is not one of " + names(all, false));
    }
    Isa best = all.front();
    for (const Isa& isa : all)
        if (isa.runs) best = isa;
    return best;
}

int processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

constexpr int kMostThreads = 256;

int threads() {
    if (const char* wanted = std::getenv("XENT_NUM_THREADS"); wanted && *wanted) {
        char* end = nullptr;
        long n = std::strtol(wanted, &end, 10);
        if (*end || n < 1)
            throw std::runtime_error("XENT_NUM_THREADS=" + std::string(wanted) + " is not a positive whole number");
        return static_cast<int>(std::min<long>(n, kMostThreads));
    }
    return std::min(processors(), kMostThreads);
}

Isa g_isa;
int g_threads = 1;

// One operand's buffer, given back when it goes out of scope.
struct View {
    Py_buffer buffer{};
    bool held = false;
    View() = default;
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    ~View() {
        if (held) PyBuffer_Release(&buffer);
    }
    void take(nb::handle array, int flags) {
        if (PyObject_GetBuffer(array.ptr(), &buffer, flags) != 0) throw nb::python_error();
        held = true;
    }
};

int64_t size_of(int dtype) {
    switch (dtype) {
        case F64:
        case I64:
        case U64: return 8;
        case F32:
        case I32:
        case U32: return 4;
        case I8:
        case U8: return 1;
        case F16:
        case BF16:
        case I16:
        case U16: return 2;
        default: throw std::invalid_argument("unknown dtype code");
    }
}

// Outer axes align at the last one, as NumPy broadcasts; what is missing or of length 1 has stride 0.
void set_strides(Operand& o, const Py_buffer& b, int inner_axes, int axis, const Job& job) {
    const int outer = b.ndim - inner_axes;
    if (outer < 0 || outer > job.ndim) throw std::invalid_argument("an operand has more axes than the result");
    std::vector<int> axes;
    for (int d = 0; d < b.ndim; ++d) {
        bool inner = inner_axes == 2 ? d >= b.ndim - 2 : inner_axes == 1 && d == b.ndim + axis;
        if (!inner) axes.push_back(d);
    }
    for (int d = 0; d < outer; ++d) {
        const int64_t length = b.shape[axes[d]], at = job.ndim - outer + d;
        if (length != 1 && length != job.shape[at]) throw std::invalid_argument("operands do not broadcast");
        o.stride[at] = length == 1 ? 0 : b.strides[axes[d]];
    }
}

void set_operand(Operand& o, View& view, nb::handle array, int kind, int dtype, double tol) {
    view.take(array, PyBUF_STRIDED_RO);
    if (view.buffer.itemsize != size_of(dtype)) throw std::invalid_argument("dtype code and buffer do not agree");
    if (view.buffer.ndim > kMaxDims) throw std::invalid_argument("too many axes");
    o.data = static_cast<const char*>(view.buffer.buf);
    o.kind = kind;
    o.dtype = dtype;
    o.tol = tol;
}

void set_output(Job& job, View& view, nb::handle out, int dtype) {
    view.take(out, PyBUF_STRIDED | PyBUF_WRITABLE);
    if (view.buffer.itemsize != size_of(dtype) || dtype > BF16)
        throw std::invalid_argument("dtype code and output do not agree");
    if (view.buffer.ndim > kMaxDims) throw std::invalid_argument("too many axes");
    job.out = static_cast<char*>(view.buffer.buf);
    job.out_dtype = dtype;
}

void set_outer(Job& job, const int64_t* shape, int ndim) {
    job.ndim = ndim;
    job.rows = 1;
    for (int d = 0; d < ndim; ++d) {
        job.shape[d] = shape[d];
        job.rows *= shape[d];
    }
}

void require_c_order(const Py_buffer& b) {
    int64_t stride = b.itemsize;
    for (int d = b.ndim - 1; d >= 0; --d) {
        if (b.shape[d] != 1 && b.strides[d] != stride && b.len != 0)
            throw std::invalid_argument("the output is not in C order");
        stride *= b.shape[d];
    }
}

// Neighbouring outer axes that every operand walks through evenly become one.
void collapse(Job& job) {
    int kept = 0;
    for (int d = 0; d < job.ndim; ++d) {
        if (job.shape[d] == 1) continue;
        bool even = kept > 0 && job.out_stride[kept - 1] == job.out_stride[d] * job.shape[d];
        for (int i = 0; i < job.nops; ++i)
            even = even && job.in[i].stride[kept - 1 < 0 ? 0 : kept - 1] == job.in[i].stride[d] * job.shape[d];
        const int to = even ? kept - 1 : kept++;
        job.shape[to] = even ? job.shape[to] * job.shape[d] : job.shape[d];
        job.out_stride[to] = job.out_stride[d];
        for (int i = 0; i < job.nops; ++i) job.in[i].stride[to] = job.in[i].stride[d];
    }
    job.ndim = kept;
}

constexpr int64_t kWorthThreads = 2 << 20;  // bytes of input
constexpr int64_t kWorthOne = 1 << 19;

struct Verdict {
    int64_t bad[2] = {INT64_MAX, INT64_MAX};
    int failed = 0;
};

// A row's value depends on that row alone, so how they are dealt out never shows in the result.
Verdict run(const Job& job, Kernel kernel, int64_t bytes) {
    int n = bytes < kWorthThreads
                ? 1
                : static_cast<int>(std::min<int64_t>({g_threads, bytes / kWorthOne, (job.rows + 7) / 8}));
    if (n <= 1) {
        Verdict v;
        v.failed = kernel(job, 0, job.rows, v.bad);
        return v;
    }
    // Four shares a thread.
    const int64_t shares = std::min<int64_t>(4 * n, (job.rows + 7) / 8);
    const int64_t step = ((job.rows + shares - 1) / shares + 7) / 8 * 8;
    std::vector<Verdict> verdicts(n);
    deal(n, (job.rows + step - 1) / step, [&](int thread, int64_t share) {
        Verdict& v = verdicts[thread];
        v.failed |= kernel(job, share * step, std::min(share * step + step, job.rows), v.bad);
    });
    Verdict all;
    for (const Verdict& v : verdicts) {
        all.failed |= v.failed;
        for (int i = 0; i < 2; ++i) all.bad[i] = std::min(all.bad[i], v.bad[i]);
    }
    return all;
}

nb::object execute(Job& job, Kernel kernel, int64_t elements) {
    Verdict v;
    if (job.rows > 0) {
        int64_t bytes = 0;
        for (int i = 0; i < job.nops; ++i) bytes += elements * size_of(job.in[i].dtype);
        collapse(job);
        nb::gil_scoped_release unlocked;
        v = run(job, kernel, bytes);
    }
    if (v.failed) throw std::bad_alloc();
    auto first = [&](int i) { return v.bad[i] == INT64_MAX ? int64_t{-1} : v.bad[i]; };
    if (job.nops == 1) return nb::make_tuple(first(0));
    return nb::make_tuple(first(0), first(1));
}

void dense_out_strides(Job& job) {
    int64_t stride = 1;
    for (int d = job.ndim - 1; d >= 0; --d) {
        job.out_stride[d] = stride;
        stride *= job.shape[d];
    }
}

// Each operand is (kind, array, dtype code, tolerance or -1).
nb::object reduce(int op, int post, int axis, nb::handle a, int a_kind, int a_dtype, double a_tol, nb::handle b,
                  int b_kind, int b_dtype, double b_tol, nb::handle out, int out_dtype) {
    Job job;
    View in[2], result;
    job.op = op;
    job.post = post;
    job.nops = b.is_none() ? 1 : 2;
    set_output(job, result, out, out_dtype);
    require_c_order(result.buffer);
    set_outer(job, reinterpret_cast<const int64_t*>(result.buffer.shape), result.buffer.ndim);
    dense_out_strides(job);
    set_operand(job.in[0], in[0], a, a_kind, a_dtype, a_tol);
    if (job.nops == 2) set_operand(job.in[1], in[1], b, b_kind, b_dtype, b_tol);
    if (job.nops == 2 && job.in[1].kind == LABELS) throw std::invalid_argument("labels stand for the truth only");
    job.K = -1;
    for (int i = 0; i < job.nops; ++i) {
        const Py_buffer& v = in[i].buffer;
        const bool labels = job.in[i].kind == LABELS;
        if (!labels) {
            if (axis >= 0 || v.ndim + axis < 0) throw std::invalid_argument("`axis` does not lie in an operand");
            const int64_t k = v.shape[v.ndim + axis];
            if (job.K >= 0 && job.K != k) throw std::invalid_argument("operands differ in their number of outcomes");
            job.K = k;
            job.in[i].kstride = v.strides[v.ndim + axis];
        }
        set_strides(job.in[i], v, labels ? 0 : 1, axis, job);
    }
    if (job.K < 1) throw std::invalid_argument("there are no outcomes");
    return execute(job, g_isa.kernels().reduce, job.rows * job.K);
}

nb::object rowwise(int op, int post, int axis, nb::handle a, int kind, int dtype, double tol, nb::handle out,
                   int out_dtype) {
    Job job;
    View in, result;
    job.op = op;
    job.post = post;
    set_output(job, result, out, out_dtype);
    set_operand(job.in[0], in, a, kind, dtype, tol);
    const Py_buffer &v = in.buffer, &r = result.buffer;
    if (axis >= 0 || v.ndim + axis < 0) throw std::invalid_argument("`axis` does not lie in the operand");
    if (r.ndim != v.ndim || !std::equal(v.shape, v.shape + v.ndim, r.shape))
        throw std::invalid_argument("the output has another shape");
    std::vector<int64_t> outer;
    for (int d = 0; d < v.ndim; ++d)
        if (d != v.ndim + axis) {
            job.out_stride[outer.size()] = r.strides[d];
            outer.push_back(v.shape[d]);
        }
    set_outer(job, outer.data(), static_cast<int>(outer.size()));
    job.K = v.shape[v.ndim + axis];
    job.in[0].kstride = v.strides[v.ndim + axis];
    job.out_kstride = r.strides[v.ndim + axis];
    set_strides(job.in[0], v, 1, axis, job);
    return execute(job, g_isa.kernels().map, job.rows * job.K);
}

nb::object elementwise(int op, int post, nb::handle a, int a_kind, int a_dtype, double a_tol, nb::handle b, int b_kind,
                       int b_dtype, double b_tol, nb::handle out, int out_dtype) {
    Job job;
    View in[2], result;
    job.op = op;
    job.post = post;
    job.nops = b.is_none() ? 1 : 2;
    set_output(job, result, out, out_dtype);
    require_c_order(result.buffer);
    set_outer(job, reinterpret_cast<const int64_t*>(result.buffer.shape), result.buffer.ndim);
    dense_out_strides(job);
    set_operand(job.in[0], in[0], a, a_kind, a_dtype, a_tol);
    if (job.nops == 2) set_operand(job.in[1], in[1], b, b_kind, b_dtype, b_tol);
    for (int i = 0; i < job.nops; ++i) set_strides(job.in[i], in[i].buffer, 0, 0, job);
    return execute(job, g_isa.kernels().elementwise, job.rows);
}

nb::object joint(int op, int post, nb::handle a, int kind, int dtype, double tol, nb::handle out, int out_dtype) {
    Job job;
    View in, result;
    job.op = op;
    job.post = post;
    set_output(job, result, out, out_dtype);
    require_c_order(result.buffer);
    set_outer(job, reinterpret_cast<const int64_t*>(result.buffer.shape), result.buffer.ndim);
    dense_out_strides(job);
    set_operand(job.in[0], in, a, kind, dtype, tol);
    const Py_buffer& v = in.buffer;
    if (v.ndim < 2) throw std::invalid_argument("a joint table has two axes");
    job.K2 = v.shape[v.ndim - 2];
    job.K = v.shape[v.ndim - 1];
    if (job.K < 1 || job.K2 < 1) throw std::invalid_argument("there are no outcomes");
    job.in[0].k2stride = v.strides[v.ndim - 2];
    job.in[0].kstride = v.strides[v.ndim - 1];
    set_strides(job.in[0], v, 2, -1, job);
    return execute(job, g_isa.kernels().joint, job.rows * job.K * job.K2);
}

}  // namespace
}  // namespace xent

NB_MODULE(_core, m) {
    using namespace xent;
    static_assert(sizeof(Py_ssize_t) == sizeof(int64_t), "64-bit Python only");
    try {
        g_isa = choose();
        g_threads = threads();
    } catch (const std::runtime_error& e) {  // a wish that cannot be met; an ImportError would read as a missing core
        PyErr_SetString(PyExc_ValueError, e.what());
        throw nb::python_error();
    }
    m.def("reduce", &reduce, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
          nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg());
    m.def("rowwise", &rowwise);
    m.def("elementwise", &elementwise, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
          nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg());
    m.def("joint", &joint);
    bind_isotonic(m);
    bind_losses(m, g_isa.losses(), g_threads);
    bind_soft_losses(m, g_isa.soft_losses(), g_threads);
    bind_evaluation(m, g_isa.evaluation(), g_threads);
    bind_grids(m, g_isa.evaluation());
    bind_temperature(m, g_isa.temperature(), g_threads);
    m.def("isa", [] { return std::string(g_isa.name); });
    m.def("threads", [] { return g_threads; });
    m.def("runnable", [] {
        nb::list names;
        for (const Isa& isa : instruction_sets())
            if (isa.runs) names.append(isa.name);
        return names;
    });
}
