# What a debug build watches: a call touches nothing of a thread's blocks and of a worker's sums but its own operands,
# and reads from them only what was written as them.
#
# Design: before a call the address sanitizer learns that all else is forbidden, and so names the kernel that reads or
# writes beyond what it was given; the layout is that of any build.  Every 64 bytes of a plan's blocks remember the value
# that they were last written as, since this block of samples began; what a call would read of another value stays
# forbidden.  What is to be written is filled with NaN first, so that a place read too early or left out shows.

cdef void guard_blocks(Call *call, char *own, char *copy, Py_ssize_t some) noexcept nogil:
    """Before the samples of an eager call are packed."""
    cdef Program *program = call.program
    cdef int k
    forbid(own, call.thread_bytes)
    forbid(copy, call.copy_bytes)
    for k in range(program.arrays):
        if program.array[k].kind != PLAIN and not call.in_place:
            lend(own + call.offset[k], 4 * BLOCK * some * call.count[k], program.array[k].written)
        elif program.array[k].summed and call.items > 1:
            lend(copy + call.offset[k], 4 * call.count[k], False)
    lend_scratch(call, own + call.scratch_offset, some)


cdef void guard_entry(
    const Entry *entry, const Phase *phase, char *own, char *copy, Py_ssize_t block, Py_ssize_t some, int strip
) noexcept nogil:
    """Before a call of a plan's block part."""
    cdef Run *run = phase.run
    cdef int k, count = entry.call.program.arrays if entry.task == RUN else 2
    cdef bint late
    cdef char *scratch = own + phase.scratch_offset
    forbid(own, run.thread_bytes)
    forbid(copy, phase.copy_bytes)
    for late in range(2):  # what is read first: a result may take its place
        for k in range(count):
            if writes(entry, k) == late:
                lend_operand(entry, k, run, at(&entry.operand[k], own, copy, block), some, strip)
    if entry.task == RUN:
        own_lines(run, scratch, lend_scratch(&entry.call, scratch, some), 0)


cdef inline bint writes(const Entry *entry, int k) noexcept nogil:
    return entry.call.program.array[k].written if entry.task == RUN else k == 1 or entry.task == GATHER


cdef void lend_operand(
    const Entry *entry, int k, Run *run, char *place, Py_ssize_t some, int strip
) noexcept nogil:
    """The strip of an operand that a call is given, if it holds what is to be read."""
    cdef const Operand *operand = &entry.operand[k]
    cdef Py_ssize_t bytes = 4 * entry.call.count[k] * (1 if operand.home == WORKER else BLOCK * some)
    cdef bint fresh = writes(entry, k) and operand.home != WORKER
    cdef int j
    if operand.home == FIXED:
        return
    if operand.strip or (entry.strips > 1 and entry.call.program.mode == RANGE):
        bytes //= entry.strips
        place += strip * bytes
    if operand.home == ARENA and not writes(entry, k) and not owns(run, place, bytes, operand.stride):
        fprintf(stderr, "operand %d of the next call holds another value\n", k)
        return
    if operand.home == ARENA and fresh:
        own_lines(run, place, bytes, operand.stride)
        for j in range(k if entry.task == RUN else 0):
            fresh &= writes(entry, j) or entry.operand[j].home != ARENA or entry.operand[j].base != operand.base
    lend(place, bytes, fresh)


cdef void own_lines(Run *run, const char *place, Py_ssize_t bytes, Py_ssize_t whose) noexcept nogil:
    cdef Py_ssize_t line, first = (place - run.threads) // LINE
    for line in range(first, first + bytes // LINE):
        run.owner[line] = whose


cdef bint owns(const Run *run, const char *place, Py_ssize_t bytes, Py_ssize_t whose) noexcept nogil:
    cdef Py_ssize_t line, first = (place - run.threads) // LINE
    for line in range(first, first + bytes // LINE):
        if run.owner[line] != whose:
            return False
    return True


cdef void lend(char *place, Py_ssize_t bytes, bint fresh) noexcept nogil:
    allow(place, bytes)
    if fresh:
        memset(place, 0xFF, bytes)


cdef Py_ssize_t lend_scratch(const Call *call, char *place, Py_ssize_t some) noexcept nogil:
    """Bytes of what a kernel needs besides its arrays."""
    cdef const Program *program = call.program
    cdef double values[MAX_NUMBERS]
    cdef Py_ssize_t bytes = 0
    if program.scratch != NULL:
        fill(call, program.scratch_number, program.scratch_numbers, some, 0, 0, values)
        bytes = 4 * program.scratch(NULL, values)
        lend(place, bytes, True)
    return bytes
