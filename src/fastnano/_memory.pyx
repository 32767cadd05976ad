# cython: language_level=3, boundscheck=False, wraparound=False
"""Uninitialised arrays whose memory is kept for the next array of that size when they die.

What has been idle longest is given up first, so that sizes which are no longer used leave room for others.

# Design: a training step makes and drops the same arrays again and again; the C library gives large ones back to the
# system, which must clear every page once more: 1,700 page faults and half the time of an eager LeNet step.  NumPy lets
# an allocator be set for the arrays made while it is set, so they are ordinary arrays that own their data.  Rejected:
# mallopt, which changes the whole process, and arrays with a base object, which own nothing.
"""

from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset, strcpy
from cpython.pycapsule cimport PyCapsule_New
cimport numpy as np
import numpy

np.import_array()

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void **memory, size_t alignment, size_t bytes)

cdef extern from "debug.h" nogil:
    void forbid(const void *place, size_t bytes)
    void allow(const void *place, size_t bytes)

cdef extern from "numpy/ndarraytypes.h":
    ctypedef struct PyDataMemAllocator:
        void *ctx
        void *(*malloc)(void *ctx, size_t size) noexcept
        void *(*calloc)(void *ctx, size_t count, size_t size) noexcept
        void *(*realloc)(void *ctx, void *memory, size_t size) noexcept
        void (*free)(void *ctx, void *memory, size_t size) noexcept
    ctypedef struct PyDataMem_Handler:
        char name[127]
        unsigned char version
        PyDataMemAllocator allocator

cdef extern from "numpy/arrayobject.h":
    object PyDataMem_SetHandler(object handler)


cdef enum:
    SMALLEST = 65536        # bytes; the C library keeps smaller blocks itself
    MOST = 256              # blocks kept
    MOST_BYTES = 1 << 28    # of them all

cdef struct Block:
    void *memory
    size_t size

# The interpreter's lock guards them: arrays are made and freed under it.
cdef Block idle[MOST]  # those that have waited longest first
cdef int idle_count = 0
cdef size_t idle_size = 0


cdef inline size_t rounded(size_t size) noexcept:
    return (size + 4095) // 4096 * 4096


cdef void *remove(int k) noexcept:
    """The memory of an idle block, which it no longer is."""
    global idle_count, idle_size
    cdef void *memory = idle[k].memory
    idle_size -= idle[k].size
    idle_count -= 1
    memmove(&idle[k], &idle[k + 1], (idle_count - k) * sizeof(Block))
    return memory


cdef void *take(void *ctx, size_t size) noexcept:
    cdef void *memory = NULL
    cdef size_t whole = rounded(size)
    cdef int k = idle_count - 1
    while k >= 0 and idle[k].size != whole:
        k -= 1
    if k >= 0:
        memory = remove(k)
    elif posix_memalign(&memory, 64, whole):
        return NULL
    forbid(memory, whole)
    allow(memory, size)
    return memory


cdef void give_back(void *ctx, void *memory, size_t size) noexcept:
    global idle_count, idle_size
    size = rounded(size)
    if memory == NULL or size > MOST_BYTES:
        free(memory)
        return
    while idle_count == MOST or idle_size + size > MOST_BYTES:
        free(remove(0))
    forbid(memory, size)
    idle[idle_count].memory, idle[idle_count].size = memory, size
    idle_count += 1
    idle_size += size


cdef void *take_cleared(void *ctx, size_t count, size_t size) noexcept:
    cdef void *memory = take(ctx, count * size)
    return memory if memory == NULL else memset(memory, 0, count * size)


cdef void *resize(void *ctx, void *memory, size_t size) noexcept:
    return realloc(memory, rounded(size))


cdef PyDataMem_Handler handler
strcpy(handler.name, b"fastnano_recycling")
handler.version = 1
handler.allocator.ctx = NULL
handler.allocator.malloc = take
handler.allocator.calloc = take_cleared
handler.allocator.realloc = resize
handler.allocator.free = give_back
cdef object capsule = PyCapsule_New(&handler, b"mem_handler", NULL)


def empty(tuple shape, np.dtype dtype):
    """``numpy.empty``, from recycled memory where the array is large."""
    cdef size_t size = dtype.itemsize
    for extent in shape:
        size *= <size_t> extent
    if size < SMALLEST:
        return numpy.empty(shape, dtype)
    outer = PyDataMem_SetHandler(capsule)
    try:
        return numpy.empty(shape, dtype)
    finally:
        PyDataMem_SetHandler(outer)


def idle_bytes():
    """Bytes kept for arrays to come."""
    return idle_size
