# One eager call of a native kernel: checks arrays, packs samples into blocks, deals the work out, sums up.

cdef enum:
    CHUNK = 16384           # elements of an elementwise item
    ROWS = 8                # rows of a split letter go together, to fill register tiles
    CACHE = 196608          # bytes of packed blocks that a thread works on at a time
cpdef enum:
    FEW = 4                 # samples that go one by one where a kernel has a companion for that; in a block of sixteen
                            # dense layers are faster from three on, pooling from four, convolutions from ten
cdef Py_ssize_t serial_work = 32768  # elements read or written below which waking a thread costs more than it saves

cdef struct Call:
    Program *program
    void *data[MAX_ARRAYS]
    Py_ssize_t count[MAX_ARRAYS]   # elements: of a sample where packed, of the array otherwise
    Py_ssize_t offset[MAX_ARRAYS]  # bytes: of a packed array among a thread's, of a sum in its copy
    Py_ssize_t sizes[MAX_SIZES]
    double scalars[MAX_NUMBERS]
    Py_ssize_t extent, blocks, items, chunk, step, work
    Py_ssize_t features            # of a sample, where an elementwise call works on blocks; else 0
    Py_ssize_t fold                # how many times the batch the letter n is
    bint in_place                  # the arrays are blocks as they are
    bint one_by_one                # samples go by the companion for one
    Py_ssize_t scratch_offset, thread_bytes, copy_bytes
    char *copies
    char *threads


# ---- one item of a call ---------------------------------------------------------------------------------------------

cdef inline void fill(
    const Call *call, const Number *numbers, int count, Py_ssize_t first, Py_ssize_t second, Py_ssize_t sample,
    double *values
) noexcept nogil:
    """The numbers of one call of a kernel; first and second are what is dealt out, of the batch's sample `sample` on."""
    cdef int k, source
    for k in range(count):
        source = numbers[k].source
        if source == SIZE:
            values[k] = <double> call.sizes[numbers[k].index]
        elif source == SCALAR:
            values[k] = call.scalars[numbers[k].index]
        elif source == PART_BEGIN:
            values[k] = 0
        elif source == PART_END:
            values[k] = <double> call.sizes[numbers[k].index]
        elif source == SAMPLE:
            values[k] = <double> sample
        elif source == FEATURES:
            values[k] = <double> call.features
        elif source in (DEALT_BLOCKS, DEALT_BEGIN, BEFORE):
            values[k] = <double> first
        else:
            values[k] = <double> second


cpdef inline Py_ssize_t aligned(Py_ssize_t size) noexcept nogil:
    """The size rounded up to whole lines."""
    return (size + LINE - 1) // LINE * LINE


cdef inline void run_routine(
    const Routine *routine, const Call *call, void **pointers, Py_ssize_t first, Py_ssize_t second, Py_ssize_t sample
) noexcept nogil:
    cdef double values[MAX_NUMBERS]
    fill(call, routine.number, routine.numbers, first, second, sample, values)
    routine.run(pointers, values)


cdef inline int beside_scratch(const Routine *routine, int k) noexcept nogil:
    """Which of a routine's pointers array k is."""
    return k + (routine.scratch_at >= 0 and k >= routine.scratch_at)


cdef Py_ssize_t scratch_bytes(const Call *call, const Routine *routine, Py_ssize_t blocks) noexcept nogil:
    """What a routine wants besides its arrays; -1: it cannot serve such sizes."""
    cdef double values[MAX_NUMBERS]
    cdef Py_ssize_t floats
    if routine.scratch == NULL:
        return 0
    fill(call, routine.scratch_number, routine.scratch_numbers, blocks * call.fold, 0, 0, values)
    floats = routine.scratch(NULL, values)
    return aligned(4 * floats) if floats >= 0 else -1


cdef void range_item(void *context, Py_ssize_t item, int thread) noexcept nogil:
    """An elementwise kernel on a chunk, or one split by a letter on some of its rows."""
    cdef Call *call = <Call *> context
    cdef Py_ssize_t begin = item * call.chunk
    run_routine(&call.program.main, call, call.data, begin, min(begin + call.chunk, call.extent), 0)


cdef void single_item(void *context, Py_ssize_t item, int thread) noexcept nogil:
    """One sample, where it lies."""
    cdef Call *call = <Call *> context
    cdef const Program *program = call.program
    cdef const Routine *single = &program.single
    cdef void *pointers[MAX_ARRAYS + 1]
    cdef int k
    for k in range(program.arrays):
        pointers[beside_scratch(single, k)] = <char *> call.data[k] + (
            0 if program.array[k].kind == PLAIN else item * call.count[k] * program.array[k].itemsize)
    if single.scratch_at >= 0:
        pointers[single.scratch_at] = call.threads + thread * call.thread_bytes
    run_routine(single, call, pointers, 0, 0, item)


cdef void pack_blocks(
    Call *call, const Array *array, int k, char *to, Py_ssize_t first, Py_ssize_t live
) noexcept nogil:
    """Packs `live` samples from number `first` on into blocks."""
    cdef Py_ssize_t block, sample, f, features = call.count[k], some
    cdef const char *source = <const char *> call.data[k] + first * features * array.itemsize
    for block in range((live + BLOCK - 1) // BLOCK):
        some = min(live - block * BLOCK, BLOCK)
        if array.kind == PACKED:
            call.program.pack(
                source + block * BLOCK * features * 4, to + block * BLOCK * features * 4,
                features, some, array.zero_dead
            )
            continue
        for f in range(features):
            for sample in range(BLOCK):
                (<int *> to)[(block * features + f) * BLOCK + sample] = <int> (
                    (<const long long *> source)[(block * BLOCK + min(sample, some - 1)) * features + f])


cdef void unpack_blocks(Call *call, int k, char *source, Py_ssize_t first, Py_ssize_t live) noexcept nogil:
    cdef Py_ssize_t block, features = call.count[k]
    cdef char *to = <char *> call.data[k] + first * features * 4
    for block in range((live + BLOCK - 1) // BLOCK):
        call.program.unpack(
            source + block * BLOCK * features * 4, to + block * BLOCK * features * 4,
            features, min(live - block * BLOCK, BLOCK)
        )


cdef void block_item(void *context, Py_ssize_t item, int thread) noexcept nogil:
    """One virtual worker: its blocks, `step` at a time, through pack, kernel and unpack."""
    cdef Call *call = <Call *> context
    cdef Program *program = call.program
    cdef Array *array
    cdef void *pointers[MAX_ARRAYS + 1]
    cdef char *own = call.threads + thread * call.thread_bytes
    cdef char *copy = call.copies + item * call.copy_bytes
    cdef Py_ssize_t block = call.blocks * item // call.items, last = call.blocks * (item + 1) // call.items
    cdef Py_ssize_t some, first, live
    cdef int k, at
    if program.sums and call.items > 1:
        allow(copy, call.copy_bytes)
        memset(copy, 0, call.copy_bytes)
    while block < last:
        some = min(call.step, last - block)
        first, live = block * BLOCK, min(some * BLOCK, call.extent - block * BLOCK)
        if DEBUGGING:
            guard_blocks(call, own, copy, some)
        for k in range(program.arrays):
            array = &program.array[k]
            at = beside_scratch(&program.main, k)
            if array.kind != PLAIN and call.in_place:
                pointers[at] = <char *> call.data[k] + 4 * first * call.count[k]
            elif array.kind != PLAIN:
                pointers[at] = own + call.offset[k]
                if not array.written:
                    pack_blocks(call, array, k, own + call.offset[k], first, live)
            elif array.summed and call.items > 1:
                pointers[at] = copy + call.offset[k]
            else:
                pointers[at] = call.data[k]
        if program.main.scratch_at >= 0:
            pointers[program.main.scratch_at] = own + call.scratch_offset
        run_routine(&program.main, call, pointers, some, live, first)
        for k in range(program.arrays):
            if program.array[k].kind != PLAIN and program.array[k].written and not call.in_place:
                unpack_blocks(call, k, own + call.offset[k], first, live)
        block += some


cdef void merge(const Call *call, void **pointers, Py_ssize_t before, Py_ssize_t added) noexcept nogil:
    """The results of so many more samples into those of the samples before, where these are not plain sums."""
    cdef const Program *program = call.program
    cdef double values[MAX_NUMBERS]
    fill(call, program.merge_number, program.merge_numbers, before, added, 0, values)
    program.merge(pointers, values)


cdef void gather(Call *call) noexcept nogil:
    """The results of the items, in their order, into the outputs summed over the batch."""
    cdef Program *program = call.program
    cdef void *pointers[2 * MAX_ARRAYS]
    cdef Py_ssize_t item, before, added, i
    cdef float *out
    cdef const float *copy
    cdef int k, sums
    for item in range(call.items):
        sums = 0
        for k in range(program.arrays):
            if not program.array[k].summed:
                continue
            out = <float *> call.data[k]
            copy = <const float *> (call.copies + item * call.copy_bytes + call.offset[k])
            pointers[sums], pointers[program.sums + sums] = out, <void *> copy
            sums += 1
            if item == 0:
                memcpy(out, copy, 4 * call.count[k])
            elif program.merge == NULL:
                for i in range(call.count[k]):
                    out[i] += copy[i]
        if item and program.merge != NULL:
            before = call.blocks * item // call.items * BLOCK
            added = min(call.blocks * (item + 1) // call.items * BLOCK, call.extent) - before
            merge(call, pointers, before * call.fold, added * call.fold)


# ---- a call ---------------------------------------------------------------------------------------------------------

# Design: where lanes are independent and the places of a plane divide by 16, sixteen places of one sample are as good a
# block as one place of sixteen samples, and the array is in that layout already: [n, c, s] is read as 16 n samples of
# s / 16 places.  It spares batch normalisation of 64 x 16 x 28 x 28 all its packing.
cdef void take_in_place(Call *call) noexcept nogil:
    cdef Program *program = call.program
    cdef int k
    call.in_place = program.places >= 0 and call.sizes[program.places] and call.sizes[program.places] % BLOCK == 0
    if call.in_place:
        call.sizes[program.places] //= BLOCK
        call.sizes[program.batch] *= BLOCK
        call.extent *= BLOCK
        for k in range(program.arrays):
            if program.array[k].kind != PLAIN:
                call.count[k] //= BLOCK


cdef Py_ssize_t lay_out(Call *call, int *threads) noexcept nogil:
    """Divides a block kernel into items and lays out the arena; returns its size in bytes, or -1: no kernel for it."""
    cdef Program *program = call.program
    cdef Py_ssize_t block_bytes = 0, scratch
    cdef int k
    call.blocks = (call.extent + BLOCK - 1) // BLOCK
    if not call.blocks:  # nothing to run; sums become zero
        call.items = call.copy_bytes = 0
        return 0
    for k in range(program.arrays):
        if program.array[k].kind != PLAIN:
            block_bytes += 4 * BLOCK * call.count[k]
    call.step = max(1, min(CACHE // max(block_bytes, 1), call.blocks))
    if program.merge != NULL or not program.sums:
        call.items = (call.blocks + call.step - 1) // call.step
        if not program.sums:
            call.items = max(call.items, min(call.blocks, threads[0]))
    else:
        call.items = min(call.blocks, WORKERS)
    call.step = min(call.step, (call.blocks + call.items - 1) // call.items)
    call.thread_bytes = call.copy_bytes = 0
    for k in range(program.arrays):
        if program.array[k].kind != PLAIN:
            call.offset[k] = call.thread_bytes
            call.thread_bytes += 0 if call.in_place else aligned(4 * BLOCK * call.count[k] * call.step)
        elif program.array[k].summed:
            call.offset[k] = call.copy_bytes
            call.copy_bytes += aligned(4 * call.count[k])
    call.scratch_offset = call.thread_bytes
    scratch = scratch_bytes(call, &program.main, call.step)
    if scratch < 0:
        return -1
    call.thread_bytes += scratch
    threads[0] = <int> min(threads[0], call.items)
    return call.copy_bytes * call.items + call.thread_bytes * threads[0]


cdef Py_ssize_t lay_out_single(Call *call, int *threads) noexcept nogil:
    """The same for samples that go one by one; -1: they go in blocks."""
    if call.program.single.run == NULL or not 0 < call.extent <= FEW:
        return -1
    call.thread_bytes = scratch_bytes(call, &call.program.single, 0)
    if call.thread_bytes < 0:
        return -1
    threads[0] = <int> min(threads[0], call.extent)
    return call.thread_bytes * threads[0]


cdef void run_blocks(Call *call, char *arena, int threads) noexcept nogil:
    cdef int k
    call.copies, call.threads = arena, arena + call.copy_bytes * call.items
    if call.program.sums and call.items < 2:  # straight into the outputs
        for k in range(call.program.arrays):
            if call.program.array[k].summed:
                memset(call.data[k], 0, 4 * call.count[k])
    pool_run(block_item, call, call.items, threads)
    if call.program.sums and call.items > 1:
        gather(call)


cdef Py_ssize_t lay_out_call(Call *call, int *threads) noexcept nogil:
    """Lays out a block kernel for its samples, which are counted; bytes of the arena, or -1: no kernel for it."""
    cdef Py_ssize_t bytes = lay_out_single(call, threads)
    call.one_by_one = bytes >= 0
    if not call.one_by_one:
        take_in_place(call)
        bytes = lay_out(call, threads)
    return bytes


cdef void run_call(Call *call, char *arena, int threads) noexcept nogil:
    """A block kernel that has been laid out."""
    if call.one_by_one:
        call.threads = arena
        pool_run(single_item, call, call.extent, threads)
    else:
        run_blocks(call, arena, threads)


cdef void run_ranges(Call *call, int threads) noexcept nogil:
    """Elementwise kernels, and those split by a letter."""
    if call.program.mode == RANGE:
        call.chunk = CHUNK if threads > 1 else call.extent
    else:
        call.chunk = (call.extent + 2 * threads - 1) // (2 * threads) if threads > 1 else call.extent
        call.chunk = (call.chunk + ROWS - 1) // ROWS * ROWS
    call.items = (call.extent + call.chunk - 1) // call.chunk if call.extent else 0
    pool_run(range_item, call, call.items, threads)


cdef class Kernel:
    """A native kernel: ``kernel(reads..., writes..., scalars...)`` on C-contiguous float32 arrays."""

    cdef Program program
    cdef readonly str name
    cdef readonly object contract
    cdef readonly str isa

    def __init__(self, contract, dict table, tuple packing, str isa):
        self.name, self.contract, self.isa = contract.name, contract, isa
        self.program = compile_program(contract, table, packing)

    def __repr__(self):
        return f"<native kernel {self.name} ({self.isa})>"

    # How it is driven, for those who lay out plans

    @property
    def mode(self):
        """``once``, ``blocks``, ``range`` (elementwise) or ``split`` (by a letter)."""
        return ("once", "blocks", "range", "split")[self.program.mode]

    @property
    def letters(self):
        """The letters of the row, in the order of their sizes."""
        return row_letters(self.contract)

    @property
    def split(self):
        """The letter by which it is split, or may be."""
        return self.letters[self.program.split] if self.program.split >= 0 else ""

    @property
    def merges(self):
        """Whether its sums over the batch are not plain sums."""
        return self.program.merge != NULL

    @property
    def plain(self):
        """Of each array, whether it is taken as it is rather than in blocks."""
        return tuple([self.program.array[k].kind == PLAIN for k in range(self.program.arrays)])

    @property
    def single(self):
        """Whether it can run on one sample as it lies: by a companion, or element by element wherever that is."""
        cdef int k
        for k in range(self.program.main.numbers):
            if self.program.mode == RANGE and self.program.main.number[k].source == SAMPLE:
                return False
        return self.program.mode == RANGE or self.program.single.run != NULL

    def scratch(self, list sizes, tuple numbers, Py_ssize_t blocks):
        """Bytes that it needs besides its arrays for so many blocks, or (0) for one sample; -1: it cannot serve such
        sizes."""
        cdef Call call
        cdef int k
        call.fold = 1
        for k in range(len(sizes)):
            call.sizes[k] = sizes[k]
        for k in range(len(numbers)):
            call.scalars[k] = numbers[k]
        return scratch_bytes(&call, &self.program.main if blocks else &self.program.single, blocks)

    def __call__(self, *arguments, **scalars):
        cdef Program *program = &self.program
        cdef Call call
        cdef int k, threads
        cdef Arena arena
        cdef Py_ssize_t bytes
        if scalars:
            arguments += tuple(scalars[name] for name in self.contract.scalars[len(arguments) - program.arrays:])
        if len(arguments) != program.arrays + program.scalars:
            raise TypeError(f"{self.name}: takes {', '.join(self.contract.arguments)}, got {len(arguments)} arguments")
        call.program, call.work, call.features, call.fold = program, 0, 0, 1
        for k in range(program.sizes):
            call.sizes[k] = -1
        for k in range(program.arrays):
            self.bind(&call, k, arguments[k])
        for k in range(program.scalars):
            call.scalars[k] = arguments[program.arrays + k]
        if program.mode == ONCE:
            call.extent = call.chunk = 1
            if call.work < serial_work:  # a few numbers, such as a key that no two threads may draw
                range_item(&call, 0, 0)
            else:
                with nogil:
                    range_item(&call, 0, 0)
            return
        threads = pool_threads()
        if program.mode == BLOCKS:
            call.extent = call.sizes[program.batch]
            if call.work * call.extent < serial_work:
                threads = 1
            bytes = lay_out_call(&call, &threads)
            if bytes < 0:
                raise ValueError(f"{self.name}: a sample is too large for native code; try use_backend('numpy')")
            arena = take_arena(bytes)
            with nogil:
                run_call(&call, arena.memory, threads)
            give_back(arena)
        else:
            call.extent = call.sizes[program.split]
            if call.work < serial_work:
                threads = 1
            with nogil:
                run_ranges(&call, threads)

    cdef int bind(self, Call *call, int k, object value) except -1:
        """Notes an array's address and sizes; the shapes are checked too, since a kernel cannot."""
        cdef const Array *array = &self.program.array[k]
        cdef np.ndarray given
        cdef np.npy_intp *shape
        cdef Py_ssize_t count
        cdef int axis, letter
        if not isinstance(value, np.ndarray):
            self.refuse(k, value)
        given = value
        if np.PyArray_TYPE(given) != array.dtype or not (
            np.PyArray_ISCARRAY(given) if array.written else np.PyArray_ISCARRAY_RO(given)
        ):
            self.refuse(k, value)
        call.data[k] = np.PyArray_DATA(given)
        count = np.PyArray_SIZE(given)
        if array.axes < 0:
            if call.sizes[array.letters[0]] < 0:
                call.sizes[array.letters[0]] = count
            elif call.sizes[array.letters[0]] != count:
                self.refuse(k, value)
        else:
            if np.PyArray_NDIM(given) != array.axes:
                self.refuse(k, value)
            shape = np.PyArray_DIMS(given)
            for axis in range(array.axes):
                letter = array.letters[axis]
                if letter < 0:
                    if shape[axis] != -1 - letter:
                        self.refuse(k, value)
                elif call.sizes[letter] < 0:
                    call.sizes[letter] = shape[axis]
                elif call.sizes[letter] != shape[axis]:
                    self.refuse(k, value)
        if array.kind != PLAIN and call.sizes[self.program.batch] > 0:
            count //= call.sizes[self.program.batch]
        call.count[k] = count
        call.work += count
        return 0

    def refuse(self, int k, value):
        """Raises for an array that a kernel cannot take."""
        argument = self.contract.arrays[k]
        expected = argument.dtype or "float32"
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{self.name}: {argument} must be a NumPy array, got {type(value).__name__}")
        if np.PyArray_TYPE(value) != self.program.array[k].dtype:
            raise TypeError(f"{self.name}: {argument} must be {expected}, got {value.dtype}")
        if not np.PyArray_ISCARRAY_RO(value):
            raise TypeError(f"{self.name}: {argument} must be C-contiguous; use numpy.ascontiguousarray")
        if argument in self.contract.writes and not value.flags.writeable:
            raise TypeError(f"{self.name}: {argument} is written, but the array is read-only")
        raise TypeError(f"{self.name}: {argument} has shape {value.shape}, which does not fit the other arrays")
