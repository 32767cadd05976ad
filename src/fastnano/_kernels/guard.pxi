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
    lend_scratch(call, own + call.scratch_offset, some, False)


cdef void guard_entry(
    const Entry *entry, const Phase *phase, char *own, char *copy, Py_ssize_t block, Py_ssize_t some, int strip
) noexcept nogil:
    """Before a call of a plan's block part, on one of its strips."""
    cdef Run *run = phase.run
    cdef int k, count = entry.call.program.arrays if entry.task == RUN else 2
    cdef bint late, single
    cdef char *scratch = own + phase.scratch_offset
    forbid(own, run.thread_bytes)
    forbid(copy, phase.copy_bytes)
    for late in range(2):  # what is read first: a result may take its place
        for k in range(count):
            if writes(entry, k) == late:
                lend_operand(entry, k, run, at(&entry.operand[k], own, copy, block), some, strip)
    if entry.task == RUN:
        single = run.lanes == 1 and entry.call.program.mode == BLOCKS
        own_lines(run, scratch, lend_scratch(&entry.call, scratch, some, single), 0)


cdef inline bint writes(const Entry *entry, int k) noexcept nogil:
    return entry.call.program.array[k].written if entry.task == RUN else k == 1 or entry.task == GATHER


cdef void lend_operand(
    const Entry *entry, int k, Run *run, char *place, Py_ssize_t some, int strip
) noexcept nogil:
    cdef const Operand *operand = &entry.operand[k]
    cdef Py_ssize_t bytes = 4 * entry.call.count[k] * (1 if operand.home == WORKER else run.lanes * some), begin = 0
    cdef bint fresh = writes(entry, k) and operand.home != WORKER
    cdef int j
    if operand.home == FIXED:
        return
    if operand.strip or (entry.task == RUN and entry.call.program.mode == RANGE):
        begin, bytes = bytes // 4 * strip // entry.strips * 4, bytes // 4 * (strip + 1) // entry.strips * 4
        place, bytes = place + begin, bytes - begin
    if operand.home == ARENA and not writes(entry, k) and not owns(run, place, bytes, operand.stride):
        fprintf(stderr, "operand %d of the next call holds another value\n", k)
        return
    if operand.home == ARENA and writes(entry, k):
        own_lines(run, place, bytes, operand.stride)
        for j in range(k if entry.task == RUN else 0):
            fresh &= writes(entry, j) or entry.operand[j].home != ARENA or entry.operand[j].base != operand.base
    lend(place, bytes, fresh)


# A line is what its first byte is: strips of an elementwise call may part within one.

cdef inline Py_ssize_t line_of(const Run *run, const char *place) noexcept nogil:
    return (place - run.threads + LINE - 1) // LINE


cdef void own_lines(Run *run, const char *place, Py_ssize_t bytes, Py_ssize_t whose) noexcept nogil:
    cdef Py_ssize_t line
    for line in range(line_of(run, place), line_of(run, place + bytes)):
        run.owner[line] = whose


cdef bint owns(const Run *run, const char *place, Py_ssize_t bytes, Py_ssize_t whose) noexcept nogil:
    cdef Py_ssize_t line
    for line in range(line_of(run, place), line_of(run, place + bytes)):
        if run.owner[line] != whose:
            return False
    return True


cdef void lend(char *place, Py_ssize_t bytes, bint fresh) noexcept nogil:
    allow(place, bytes)
    if fresh:
        memset(place, 0xFF, bytes)


cdef Py_ssize_t lend_scratch(const Call *call, char *place, Py_ssize_t some, bint single) noexcept nogil:
    """Bytes of what a kernel needs besides its arrays."""
    cdef Py_ssize_t bytes = scratch_bytes(call, &call.program.single if single else &call.program.main, some)
    lend(place, bytes, True)
    return bytes
