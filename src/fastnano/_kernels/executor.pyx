# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Drives the native kernels: checks arrays, packs samples into blocks, deals the work to the threads, sums up.

# Design: everything a call needs is worked out from the row and the kernel's own signature when the kernel is loaded
# (a Program), so that a call costs about a microsecond and allocates nothing.  Work is dealt in items whose number
# does not depend on the threads wherever a sum does, and sums are taken in the items' order: the same bits for any
# number of threads.
"""

from cpython.ref cimport PyObject
from libc.stdlib cimport free
from libc.string cimport memcpy, memset
cimport numpy as np
import numpy

np.import_array()


cdef extern from "threads.h" nogil:
    ctypedef void (*pool_task)(void *context, Py_ssize_t item, int thread) noexcept nogil
    void pool_run(pool_task task, void *context, Py_ssize_t items, int threads)
    int pool_threads()
    void pool_set_threads(int threads)

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void **memory, size_t alignment, size_t bytes)

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

cdef enum:
    MAX_ARRAYS = 12
    MAX_NUMBERS = 32
    MAX_AXES = 6
    MAX_SIZES = 16
    BLOCK = 16
    WORKERS = 8             # items of a sum over the batch, each with its own copy
    CHUNK = 16384           # elements of an elementwise item
    ROWS = 8                # rows of a split letter go together, to fill register tiles
    CACHE = 196608          # bytes of packed blocks that a thread works on at a time

cdef Py_ssize_t serial_work = 32768  # elements read or written below which waking a thread costs more than it saves

cdef enum Mode:
    ONCE, BLOCKS, RANGE, SPLIT

cdef enum Kind:
    PLAIN, PACKED, NARROWED  # as it is; blocks of 32-bit words; blocks of int32 made from int64

cdef enum Source:  # where a number comes from
    SIZE, SCALAR, DEALT_BLOCKS, DEALT_LIVE, DEALT_BEGIN, DEALT_END, BEFORE, ADDED

ctypedef void (*kernel_function)(void **pointers, const double *numbers) noexcept nogil
ctypedef Py_ssize_t (*scratch_function)(void **pointers, const double *numbers) noexcept nogil
ctypedef void (*pack_function)(const void *source, void *to, Py_ssize_t features, Py_ssize_t live, Py_ssize_t zero_dead) noexcept nogil
ctypedef void (*unpack_function)(const void *source, void *to, Py_ssize_t features, Py_ssize_t live) noexcept nogil

cdef struct Array:
    int kind, dtype, itemsize
    int axes                # -1: any shape, the size of `...`
    int letters[MAX_AXES]   # which size; below 0: a fixed extent, -1 - letter
    bint written, summed, zero_dead

cdef struct Number:
    int source, index

cdef struct Program:
    int mode, arrays, numbers, scratch_numbers, merge_numbers, scalars, sizes, batch, split, scratch_at, sums
    Array array[MAX_ARRAYS]
    Number number[MAX_NUMBERS]
    Number scratch_number[MAX_NUMBERS]
    Number merge_number[MAX_NUMBERS]
    kernel_function run, merge
    scratch_function scratch
    pack_function pack
    unpack_function unpack

cdef struct Call:
    Program *program
    void *data[MAX_ARRAYS]
    Py_ssize_t count[MAX_ARRAYS]   # elements: of a sample where packed, of the array otherwise
    Py_ssize_t offset[MAX_ARRAYS]  # bytes: of a packed array among a thread's, of a sum in its copy
    Py_ssize_t sizes[MAX_SIZES]
    double scalars[MAX_NUMBERS]
    Py_ssize_t extent, blocks, items, chunk, step, work
    Py_ssize_t scratch_offset, thread_bytes, copy_bytes
    char *copies
    char *threads


# ---- one item of a call ---------------------------------------------------------------------------------------------

cdef inline void fill(
    const Call *call, const Number *numbers, int count, Py_ssize_t first, Py_ssize_t second, double *values
) noexcept nogil:
    """The numbers of one call of a kernel; first and second are what is dealt out."""
    cdef int k, source
    for k in range(count):
        source = numbers[k].source
        if source == SIZE:
            values[k] = <double> call.sizes[numbers[k].index]
        elif source == SCALAR:
            values[k] = call.scalars[numbers[k].index]
        elif source in (DEALT_BLOCKS, DEALT_BEGIN, BEFORE):
            values[k] = <double> first
        else:
            values[k] = <double> second


cdef void range_item(void *context, Py_ssize_t item, int thread) noexcept nogil:
    """An elementwise kernel on a chunk, or one split by a letter on some of its rows."""
    cdef Call *call = <Call *> context
    cdef double values[MAX_NUMBERS]
    cdef Py_ssize_t begin = item * call.chunk
    fill(call, call.program.number, call.program.numbers, begin, min(begin + call.chunk, call.extent), values)
    call.program.run(call.data, values)


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
                source + block * BLOCK * features * 4, to + block * BLOCK * features * 4, features, some, array.zero_dead
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
    cdef double values[MAX_NUMBERS]
    cdef char *own = call.threads + thread * call.thread_bytes
    cdef char *copy = call.copies + item * call.copy_bytes
    cdef Py_ssize_t block = call.blocks * item // call.items, last = call.blocks * (item + 1) // call.items
    cdef Py_ssize_t some, first, live
    cdef int k, at
    if program.sums and call.items > 1:
        memset(copy, 0, call.copy_bytes)
    while block < last:
        some = min(call.step, last - block)
        first, live = block * BLOCK, min(some * BLOCK, call.extent - block * BLOCK)
        at = 0
        for k in range(program.arrays):
            array = &program.array[k]
            at = k + (program.scratch_at >= 0 and k >= program.scratch_at)
            if array.kind != PLAIN:
                pointers[at] = own + call.offset[k]
                if not array.written:
                    pack_blocks(call, array, k, own + call.offset[k], first, live)
            elif array.summed and call.items > 1:
                pointers[at] = copy + call.offset[k]
            else:
                pointers[at] = call.data[k]
        if program.scratch_at >= 0:
            pointers[program.scratch_at] = own + call.scratch_offset
        fill(call, program.number, program.numbers, some, live, values)
        program.run(pointers, values)
        for k in range(program.arrays):
            if program.array[k].kind != PLAIN and program.array[k].written:
                unpack_blocks(call, k, own + call.offset[k], first, live)
        block += some


cdef void gather(Call *call) noexcept nogil:
    """The results of the items, in their order, into the outputs summed over the batch."""
    cdef Program *program = call.program
    cdef void *pointers[2 * MAX_ARRAYS]
    cdef double values[MAX_NUMBERS]
    cdef Py_ssize_t item, before, i
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
            fill(call, program.merge_number, program.merge_numbers, before,
                 min(call.blocks * (item + 1) // call.items * BLOCK, call.extent) - before, values)
            program.merge(pointers, values)


# ---- a call ---------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t aligned(Py_ssize_t size) noexcept nogil:
    return (size + 63) // 64 * 64


cdef Py_ssize_t lay_out(Call *call, int *threads) noexcept nogil:
    """Divides a block kernel into items and lays out the arena; returns its size in bytes."""
    cdef Program *program = call.program
    cdef Py_ssize_t block_bytes = 0
    cdef double values[MAX_NUMBERS]
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
            call.thread_bytes += aligned(4 * BLOCK * call.count[k] * call.step)
        elif program.array[k].summed:
            call.offset[k] = call.copy_bytes
            call.copy_bytes += aligned(4 * call.count[k])
    call.scratch_offset = call.thread_bytes
    if program.scratch != NULL:
        fill(call, program.scratch_number, program.scratch_numbers, call.step, 0, values)
        call.thread_bytes += aligned(4 * program.scratch(NULL, values))
    threads[0] = <int> min(threads[0], call.items)
    return call.copy_bytes * call.items + call.thread_bytes * threads[0]


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


cdef void run_ranges(Call *call, int threads) noexcept nogil:
    """Elementwise kernels, and those split by a letter."""
    if call.program.mode == RANGE:
        call.chunk = CHUNK if threads > 1 else call.extent
    else:
        call.chunk = (call.extent + 2 * threads - 1) // (2 * threads) if threads > 1 else call.extent
        call.chunk = (call.chunk + ROWS - 1) // ROWS * ROWS
    call.items = (call.extent + call.chunk - 1) // call.chunk if call.extent else 0
    pool_run(range_item, call, call.items, threads)


# Arenas that no call is using; the interpreter's lock guards them.
cdef enum:
    MAX_IDLE = 64
cdef struct Arena:
    char *memory
    Py_ssize_t size
cdef Arena idle[MAX_IDLE]
cdef int idle_count = 0


cdef Arena take_arena(Py_ssize_t size) except *:
    global idle_count
    cdef Arena arena
    cdef void *memory
    arena.memory, arena.size = NULL, 0
    if idle_count:
        idle_count -= 1
        arena = idle[idle_count]
    if arena.size < size:
        free(arena.memory)
        if posix_memalign(&memory, 64, size + size // 4):
            raise MemoryError(f"{size} bytes for the blocks of a native kernel")
        arena.memory, arena.size = <char *> memory, size + size // 4
    return arena


cdef void give_back(Arena arena) noexcept:
    global idle_count
    if idle_count < MAX_IDLE:
        idle[idle_count] = arena
        idle_count += 1
    else:
        free(arena.memory)


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
        call.program, call.work = program, 0
        for k in range(program.sizes):
            call.sizes[k] = -1
        for k in range(program.arrays):
            self.bind(&call, k, arguments[k])
        for k in range(program.scalars):
            call.scalars[k] = arguments[program.arrays + k]
        if program.mode == ONCE:
            call.extent = call.chunk = 1
            range_item(&call, 0, 0)
            return
        threads = pool_threads()
        if program.mode == BLOCKS:
            call.extent = call.sizes[program.batch]
            if call.work * call.extent < serial_work:
                threads = 1
            bytes = lay_out(&call, &threads)
            arena = take_arena(bytes)
            with nogil:
                run_blocks(&call, arena.memory, threads)
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


# ---- loading a kernel -----------------------------------------------------------------------------------------------

cdef Program compile_program(contract, dict table, tuple packing) except *:
    """What the row and the kernel's signature say, in C."""
    cdef Program program
    cdef int k
    memset(&program, 0, sizeof(Program))
    name = contract.name
    address, parameters = table[name]
    pointers, numbers = split_parameters(parameters)
    program.scratch_at = -1
    for k, (kind, word) in enumerate(pointers):
        if word == "scratch":
            program.scratch_at = k
    arrays = [(kind, word) for kind, word in pointers if word != "scratch"]
    names = [a.name for a in contract.arrays]
    if [word for _, word in arrays] != names:
        raise ValueError(f"{name}: the native kernel takes {[word for _, word in arrays]}, its row has {names}")
    letters = list(dict.fromkeys(letter for a in contract.arrays for letter in a.letters if not letter.isdigit()))
    program.arrays, program.scalars, program.sizes = len(arrays), len(contract.scalars), len(letters)
    if len(arrays) > MAX_ARRAYS or len(letters) > MAX_SIZES or len(numbers) > MAX_NUMBERS:
        raise ValueError(f"{name}: more arrays, letters or numbers than the executor holds")
    program.mode, program.split = find_mode(name, numbers, letters)
    program.batch = letters.index("n") if "n" in letters else 0
    for k, (kind, _) in enumerate(arrays):
        program.array[k] = describe(name, contract.arrays[k], kind, letters, contract.arrays[k] in contract.writes)
        program.sums += program.array[k].summed and program.mode == BLOCKS
    program.run = <kernel_function> <size_t> address
    program.pack, program.unpack = <pack_function> <size_t> packing[0], <unpack_function> <size_t> packing[1]
    program.numbers = resolve(name, numbers, letters, contract.scalars, program.number)
    if f"{name}_scratch" in table:
        address, parameters = table[f"{name}_scratch"]
        program.scratch = <scratch_function> <size_t> address
        numbers = split_parameters(parameters)[1]
        program.scratch_numbers = resolve(name, numbers, letters, contract.scalars, program.scratch_number)
    if f"{name}_merge" in table:
        address, parameters = table[f"{name}_merge"]
        program.merge = <kernel_function> <size_t> address
        numbers = split_parameters(parameters)[1]
        program.merge_numbers = resolve(name, numbers, letters, contract.scalars, program.merge_number)
    return program


def split_parameters(parameters):
    """Pointers and numbers of a signature, each as (type, name)."""
    pairs = [tuple(parameter.rsplit(" ", 1)) for parameter in parameters]
    return [p for p in pairs if p[0].endswith("*")], [p for p in pairs if not p[0].endswith("*")]


def find_mode(name, numbers, letters):
    """How a kernel is driven, and by which letter it is split."""
    words = {word for _, word in numbers}
    if "blocks" in words:
        return BLOCKS, 0
    if "begin" in words:
        return RANGE, letters.index("...")
    for k, letter in enumerate(letters):
        if f"{letter}_begin" in words:
            return SPLIT, k
    return ONCE, 0


cdef Array describe(name, argument, str kind, list letters, bint written) except *:
    cdef Array array
    cdef int axis
    dtype = argument.dtype or numpy.dtype(numpy.float32)
    plain = kind.replace("const ", "").rstrip(" *")
    memset(&array, 0, sizeof(Array))
    array.dtype, array.itemsize = dtype.num, dtype.itemsize
    array.written, array.summed = written, argument.mark == "+"
    array.zero_dead = argument.name.startswith("d")
    if plain in ("vec", "ivec"):
        array.kind = PACKED if dtype.itemsize == 4 else NARROWED
        fits = argument.letters[0] == "n" and dtype.kind == ("f" if plain == "vec" else "i")
    else:
        fits = numpy.dtype({"float": "f4", "double": "f8"}.get(plain, plain.removesuffix("_t"))) == dtype
    if not fits:
        raise ValueError(f"{name}: the native kernel takes {argument} as {kind!r}, its row has {dtype}")
    if argument.letters == ("...",):
        array.axes, array.letters[0] = -1, letters.index("...")
    else:
        array.axes = len(argument.letters)
        for axis, letter in enumerate(argument.letters):
            array.letters[axis] = -1 - int(letter) if letter.isdigit() else letters.index(letter)
    return array


cdef int resolve(name, list numbers, list letters, tuple scalars, Number *into) except -1:
    """Where each number of a signature comes from."""
    cdef int k
    dealt = {"blocks": DEALT_BLOCKS, "live": DEALT_LIVE, "begin": DEALT_BEGIN, "end": DEALT_END,
             "before": BEFORE, "added": ADDED}
    for letter in letters:
        dealt |= {f"{letter}_begin": DEALT_BEGIN, f"{letter}_end": DEALT_END}
    for k, (_, word) in enumerate(numbers):
        if word in scalars:
            into[k].source, into[k].index = SCALAR, scalars.index(word)
        elif word in letters:
            into[k].source, into[k].index = SIZE, letters.index(word)
        elif word in dealt:
            into[k].source = dealt[word]
        else:
            raise ValueError(f"{name}: the native kernel takes {word!r}, which is no size, scalar or share of its row")
    return len(numbers)


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
