# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Drives the native kernels: checks arrays, packs samples into blocks, deals the work to the threads, sums up.

# Design: everything a call needs is worked out from the row and the kernel's own signature when the kernel is loaded
# (a Program), so that a call costs about a microsecond and allocates nothing.  Work is dealt in items whose number
# does not depend on the threads wherever a sum does, and sums are taken in the items' order: the same bits for any
# number of threads.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.dict cimport PyDict_Next
from cpython.ref cimport PyObject
from libc.math cimport isfinite
from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
cimport numpy as np
import numpy

np.import_array()


cdef extern from "layout.h":
    cpdef enum:
        BLOCK, WORKERS

cdef extern from "threads.h" nogil:
    ctypedef void (*pool_task)(void *context, Py_ssize_t item, int thread) noexcept nogil
    void pool_run(pool_task task, void *context, Py_ssize_t items, int threads)
    int pool_threads()
    void pool_set_threads(int threads)
    long long pool_now()

cdef enum:
    LINE = 64  # bytes, to which all in an arena is aligned

cdef extern from "debug.h" nogil:
    const bint DEBUGGING  # a constant to the C compiler too
    void forbid(const void *place, Py_ssize_t bytes)
    void allow(const void *place, Py_ssize_t bytes)

cdef extern from *:
    """
    #include <stdlib.h>
    #include <sys/mman.h>
    /* 64-byte aligned; in huge pages where that may be asked for, since a block's planes lie on more pages than the
     * first level of the TLB holds. */
    static char *allocate(size_t bytes) {
        const size_t huge = 2 << 20;
        void *memory;
        if (posix_memalign(&memory, bytes < huge ? 64 : huge, bytes)) return NULL;
    #ifdef MADV_HUGEPAGE
        if (bytes >= huge) madvise(memory, bytes, MADV_HUGEPAGE);
    #endif
        return memory;
    }
    """
    char *allocate(size_t bytes) nogil

cdef extern from *:
    """
    static int cpu_has(int set) {
    #if defined(__x86_64__)
        __builtin_cpu_init();
        if (set == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (set == 2) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    #endif
        return set == 0;
    }
    """
    int cpu_has(int set)

include "program.pxi"
include "arena.pxi"
include "call.pxi"
include "replay.pxi"
include "work.pxi"
include "guard.pxi"


def supported():
    """The instruction sets this processor has, of those we build for, worst first."""
    return [isa for k, isa in enumerate(("baseline", "avx2", "avx512")) if cpu_has(k)]


def get_num_threads():
    """Threads that a native kernel may use."""
    return pool_threads()


def set_num_threads(int threads):
    """Sets the threads that native kernels may use, the caller's included."""
    if threads < 1:
        raise ValueError(f"set_num_threads: threads={threads} must be at least 1")
    pool_set_threads(threads)


def set_serial_work(Py_ssize_t elements):
    """Sets the size below which a call stays on one thread; tests set 0."""
    global serial_work
    serial_work = elements
