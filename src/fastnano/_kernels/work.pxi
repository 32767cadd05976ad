# What a thread does of a recorded step: one block through all calls of a phase, one chunk of rows through a chain.

cdef inline char *at(const Operand *operand, char *own, char *copy, Py_ssize_t block) noexcept nogil:
    if operand.home == FIXED:
        return operand.base
    if operand.home == ARENA:
        return own + <Py_ssize_t> operand.base
    if operand.home == BATCH:
        return operand.base + block * operand.stride
    return copy + <Py_ssize_t> operand.base


cdef void run_kernel(
    const Entry *entry, const Phase *phase, char *own, char *copy, Py_ssize_t block, Py_ssize_t some, Py_ssize_t live,
    int strip
) noexcept nogil:
    cdef const Program *program = entry.call.program
    cdef Py_ssize_t lanes = phase.run.lanes, whole
    cdef const Routine *routine = &program.single if lanes == 1 and program.mode == BLOCKS else &program.main
    cdef const Operand *operand
    cdef void *pointers[MAX_ARRAYS + 1]
    cdef int k
    for k in range(program.arrays):
        operand = &entry.operand[k]
        pointers[beside_scratch(routine, k)] = at(operand, own, copy, block) + strip * operand.strip
    if routine.scratch_at >= 0:
        pointers[routine.scratch_at] = own + phase.scratch_offset
    if program.mode == RANGE:
        whole = entry.call.extent * lanes * some
        run_routine(routine, &entry.call, pointers, whole * strip // entry.strips, whole * (strip + 1) // entry.strips,
                    block * lanes)
    elif entry.call.fold == 1 and program.merge == NULL:
        run_routine(routine, &entry.call, pointers, some, live, block * lanes)
    else:
        run_folded(entry, phase, routine, pointers, copy, block, some, live)


# Design: what a network folds into the batch, [n, t, i] to [n t, i], lies in blocks as it did: one block of [t, i] is t
# blocks of [i].  So a kernel gets `fold` times as many; where it must know its dead lanes, which then are those of every
# block, it gets them one by one.
cdef void run_folded(
    const Entry *entry, const Phase *phase, const Routine *routine, void **pointers, char *copy, Py_ssize_t block,
    Py_ssize_t some, Py_ssize_t live
) noexcept nogil:
    cdef const Call *call = &entry.call
    cdef const Program *program = call.program
    cdef Py_ssize_t lanes = phase.run.lanes, fold = call.fold, count = some * fold, together = count, b, alive, before
    cdef int k
    before = (block * lanes - first_of(phase, copy) * lanes) * fold
    if lanes == 1 or (routine.counts_live and live < some * lanes):
        together = 1
    for b from 0 <= b < count by together:
        alive = live * fold if together > 1 else min(lanes, live - b // fold * lanes)
        if program.merge == NULL or before == 0:
            run_routine(routine, call, pointers, together, alive, block * lanes)
        else:
            run_merged(call, routine, pointers, phase.copy_bytes * WORKERS, together, alive, before)
        before += alive
        for k in range(program.arrays):
            if program.array[k].kind != PLAIN:
                pointers[beside_scratch(routine, k)] = <char *> pointers[beside_scratch(routine, k)] + (
                    4 * lanes * together * (call.count[k] // fold))


cdef inline Py_ssize_t first_of(const Phase *phase, const char *copy) noexcept nogil:
    """The first block of the virtual worker that such a copy is for."""
    return phase.run.blocks * ((copy - phase.copies) // max(phase.copy_bytes, 1)) // phase.items


cdef void run_merged(
    const Call *call, const Routine *routine, void **pointers, Py_ssize_t beside, Py_ssize_t blocks, Py_ssize_t live,
    Py_ssize_t before
) noexcept nogil:
    """A call whose sums are merged into those of the blocks before; its own lie so many bytes beside them."""
    cdef const Program *program = call.program
    cdef void *own[MAX_ARRAYS + 1]
    cdef void *sums[2 * MAX_ARRAYS]
    cdef int k, at, count = 0
    memcpy(own, pointers, sizeof(own))
    for k in range(program.arrays):
        if program.array[k].summed:
            at = beside_scratch(routine, k)
            own[at] = <char *> pointers[at] + beside
            memset(own[at], 0, 4 * call.count[k])
            sums[count], sums[program.sums + count] = pointers[at], own[at]
            count += 1
    run_routine(routine, call, own, blocks, live, 0)
    merge(call, sums, before, live)


cdef void change_images(
    const Input *input, const Run *run, const void **rows, char *room, Py_ssize_t first, Py_ssize_t live
) noexcept nogil:
    """Every change of the images of a block, whose first is at such a place of the epoch.

    ``room`` is where the block will lie: bytes for floats leave it room for two copies of the images, which take turns,
    and as much again to work in.
    """
    cdef const Change *change
    cdef const float *drawn[BLOCK]
    cdef Py_ssize_t k, n, half = BLOCK * input.features
    for k in range(input.changes):
        change = &input.change[k]
        for n in range(BLOCK):
            drawn[n] = <const float *> change.drawn + (first + min(n, live - 1)) * change.numbers
        run.change(<int> change.kind, rows, room + (k & 1) * half, drawn,
                   input.channels, input.height, input.width, room + 2 * half)


cdef void gather_samples(
    const Entry *entry, Run *run, char *own, Py_ssize_t block, Py_ssize_t some, Py_ssize_t live
) noexcept nogil:
    """Operand 0 takes the blocks, operand 1 the plain samples (of 16 at a time, or of the whole batch), which blocks of
    one sample are themselves."""
    cdef const Input *input = &run.input[entry.input]
    cdef const void *rows[BLOCK]
    cdef char *to
    cdef float *plain
    cdef Py_ssize_t b, k, sample, features = input.features, lanes = run.lanes
    for b in range(some):
        for k in range(lanes):
            sample = run.first + (block + b) * lanes + min(k, live - b * lanes - 1)
            if run.order != NULL:
                sample = run.order[sample]
            rows[k] = input.data + sample * input.bytes
        to = at(&entry.operand[0], own, NULL, block) + b * lanes * 4 * features
        if input.kind == 2:
            run.labels(rows, to, features)
            continue
        change_images(input, run, rows, to, run.first + (block + b) * BLOCK, live - b * BLOCK)
        plain = <float *> (to if lanes == 1 else at(&entry.operand[1], own, NULL, block))
        if lanes > 1 and entry.operand[1].home == BATCH:
            plain += b * BLOCK * features
        if input.kind == 0:
            run.convert(rows, lanes, plain, features, input.plane, input.scale, input.shift)
        else:
            run.copy(rows, lanes, plain, features)
        if lanes > 1:
            run.pack(plain, to, features, BLOCK, False)


cdef void unpack_samples(
    const Entry *entry, Run *run, char *own, Py_ssize_t block, Py_ssize_t some, Py_ssize_t live
) noexcept nogil:
    cdef Py_ssize_t b, bytes = 4 * BLOCK * entry.call.extent
    cdef char *source = at(&entry.operand[0], own, NULL, block)
    cdef char *to = at(&entry.operand[1], own, NULL, block)
    for b in range(some):
        run.unpack(source + b * bytes, to + b * bytes, entry.call.extent, min(live - b * BLOCK, BLOCK))


cdef inline void run_task(
    const Entry *entry, Phase *phase, char *own, char *copy, Py_ssize_t block, Py_ssize_t some, Py_ssize_t live, int strip
) noexcept nogil:
    if entry.task == RUN:
        run_kernel(entry, phase, own, copy, block, some, live, strip)
    elif entry.task == GATHER:
        gather_samples(entry, phase.run, own, block, some, live)
    else:
        unpack_samples(entry, phase.run, own, block, some, live)


cdef void block_part(void *context, Py_ssize_t item, int thread) noexcept nogil:
    """One virtual worker: all calls on its blocks, `step` at a time."""
    cdef Phase *phase = <Phase *> context
    cdef Run *run = phase.run
    cdef char *own = run.threads + thread * run.thread_bytes
    cdef char *copy = phase.copies + item * phase.copy_bytes
    cdef Py_ssize_t block = run.blocks * item // phase.items, last = run.blocks * (item + 1) // phase.items, some, live
    cdef long long begun
    cdef int first, strip, k
    memset(copy, 0, phase.copy_bytes)
    while block < last:
        some = min(phase.step, last - block)
        live = min(some * run.lanes, run.n - block * run.lanes)
        if DEBUGGING:
            memset(run.owner + thread * run.thread_bytes // LINE, 0, run.thread_bytes // LINE * sizeof(Py_ssize_t))
        first = phase.block_begin
        while first < phase.block_end:
            for strip in range(run.entry[first].strips):
                for k in range(first, first + run.entry[first].together):
                    if DEBUGGING:
                        guard_entry(&run.entry[k], phase, own, copy, block, some, strip)
                    begun = pool_now() if run.spent != NULL else 0
                    run_task(&run.entry[k], phase, own, copy, block, some, live, strip)
                    if run.spent != NULL:
                        run.spent[thread * run.entries + k] += pool_now() - begun
            first += run.entry[first].together
        block += some


cdef void run_rows(const Run *run, const Entry *entry, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """A call of a chain, or of what one thread does alone, on rows."""
    cdef const Program *program = entry.call.program
    cdef const Phase *phase
    cdef const Routine *routine
    cdef void *pointers[MAX_ARRAYS + 1]
    cdef double values[MAX_NUMBERS]
    cdef int k
    begin, end = begin * entry.per_row, end * entry.per_row
    if entry.task == REDUCE:
        phase = &run.phase[entry.phase]
        run.add(<float *> entry.operand[0].base, phase.copies + <Py_ssize_t> entry.operand[1].base,
                      phase.copy_bytes, phase.items, begin, end)
        return
    for k in range(program.arrays):
        pointers[beside_scratch(&program.main, k)] = entry.operand[k].base
    if program.mode != BLOCKS:
        run_routine(&program.main, &entry.call, pointers, begin, end, 0)
        return
    routine = &program.main  # all blocks, a part of a letter
    fill(&entry.call, routine.number, routine.numbers, run.blocks * entry.call.fold, run.n * entry.call.fold, 0, values)
    for k in range(routine.numbers):
        if routine.number[k].source == PART_BEGIN:
            values[k] = <double> begin
        elif routine.number[k].source == PART_END:
            values[k] = <double> end
    routine.run(pointers, values)


cdef void chain_part(void *context, Py_ssize_t item, int thread) noexcept nogil:
    cdef Phase *phase = <Phase *> context
    cdef Run *run = phase.run
    cdef const Chain *chain = &phase.chain[phase.item[item].chain]
    cdef long long begun
    cdef int k
    for k in range(chain.begin, chain.end):
        begun = pool_now() if run.spent != NULL else 0
        run_rows(run, &run.entry[k], phase.item[item].begin, phase.item[item].end)
        if run.spent != NULL:
            run.spent[thread * run.entries + k] += pool_now() - begun
