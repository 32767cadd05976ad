# A recorded step, laid out: phases of calls that run epoch after epoch without Python.
#
# Design: a phase has three parts: what one thread does alone; chains, which are calls split by rows of what they write,
# such as a weight gradient and the optimiser that takes it in; and calls block by block, where a thread runs all of
# them on one block before it takes the next, so that activations stay in its cache, and calls that know no channel but
# their own on one strip of channels before the next.  The last two are one job of the pool each, whose items threads
# take from a counter, so that nobody waits for a thread that has lost its core.  Blocks are dealt to a fixed number of
# virtual workers, each with its own copy of what is summed.
# Where batches are of a few samples only, a block is one sample as it is: nothing is packed, and the kernels are the
# companions for one sample.
# Rejected: threads that own their share and meet at barriers (an epoch took 1.38 s instead of 0.235 s when one of two
# cores was busy with something else).

cdef enum:
    MAX_INPUTS = 4

cpdef enum Home:
    FIXED      # an address
    ARENA      # an offset among a thread's blocks
    BATCH      # an address, and so many bytes for each block of the batch
    WORKER     # an offset among a worker's sums

cpdef enum Task:
    RUN        # a kernel
    GATHER     # samples of an input into blocks, and plain where wanted
    UNPACK     # blocks into the plain layout
    REDUCE     # the workers' sums into one
    MERGE      # the same for what is not a plain sum
    WATCH      # the loss: added up, and not finite: the end

cdef struct Operand:
    int home
    char *base
    Py_ssize_t stride      # where the home is an arena: which value it is
    Py_ssize_t strip       # bytes to the next strip

cdef struct Entry:
    int task
    Call call
    int phase, input       # whose sums; which input
    bint sized             # a size is that of the batch
    Py_ssize_t per_row     # elements of an elementwise call to a row of its chain
    int strips, together   # of a block's channels, and the calls that are done on one strip before the next
    int finite             # the array (float64) that must hold a finite number for the step to go on; below 0: none
    char *alone            # the arena of a block kernel on what are no samples, which one thread calls; else NULL
    Operand operand[MAX_ARRAYS]

cdef struct Chain:
    int begin, end         # entries
    Py_ssize_t rows, chunk

cdef struct Item:
    int chain
    Py_ssize_t begin, end

cdef struct Run

cdef struct Phase:
    Run *run
    int block_begin, block_end, once_begin, once_end
    Chain *chain
    Item *item
    Py_ssize_t chain_items, step, items, copy_bytes, scratch_offset
    char *copies

cdef struct Change:            # a row of an int64 array
    long long kind             # its number in augment.h
    long long drawn            # the address of the numbers it takes: so many for each place of the epoch
    long long numbers

cdef struct Input:
    char *data
    Py_ssize_t bytes, features, plane  # of a sample
    int kind                           # what it is made of: 0 bytes, 1 floats, 2 labels (int64)
    const float *scale
    const float *shift
    const Change *change               # what is done to each image of bytes, one after another
    Py_ssize_t changes, channels, height, width

ctypedef void (*convert_function)(const void **source, Py_ssize_t count, float *plain, Py_ssize_t features,
                                  Py_ssize_t plane, const float *scale, const float *shift) noexcept nogil
ctypedef void (*copy_function)(
    const void **source, Py_ssize_t count, float *plain, Py_ssize_t features) noexcept nogil
ctypedef void (*labels_function)(const void **source, void *to, Py_ssize_t features) noexcept nogil
ctypedef void (*add_function)(float *out, const char *copies, Py_ssize_t step, Py_ssize_t count, Py_ssize_t begin,
                              Py_ssize_t end) noexcept nogil
ctypedef void (*change_function)(int kind, const void **image, void *to, const float **drawn, Py_ssize_t channels,
                                 Py_ssize_t height, Py_ssize_t width, void *room) noexcept nogil

cdef struct Run:
    Entry *entry
    Phase *phase
    int entries, phases
    Input input[MAX_INPUTS]
    const long long *order             # of the samples; NULL: as they lie
    Py_ssize_t samples, batch, lanes   # in all; of a step at most; of a block: 16, or 1
    Py_ssize_t first, n, blocks        # of this step
    Py_ssize_t thread_bytes
    char *threads
    Py_ssize_t *owner                  # in a debug build: the value that each line of the threads' memory holds
    double *progress                   # steps, samples, sum of the losses, right answers, last loss
    long long *spent                   # nanoseconds of each entry on each thread; NULL: not measured
    pack_function pack
    unpack_function unpack
    convert_function convert
    copy_function copy
    labels_function labels
    add_function add
    change_function change


# ---- steps -----------------------------------------------------------------------------------------------------------

cdef void start_step(Run *run, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Tells the calls how many samples there are: at every step, since a child may be forked in the midst of it."""
    cdef int k
    cdef Call *call
    run.first, run.n, run.blocks = first, n, (n + run.lanes - 1) // run.lanes
    for k in range(run.phases):
        run.phase[k].items = min((run.blocks + run.phase[k].step - 1) // run.phase[k].step, WORKERS)
    for k in range(run.entries):
        if run.entry[k].sized:
            call = &run.entry[k].call
            call.sizes[call.program.batch] = n * call.fold


cdef bint alone_part(Run *run, const Phase *phase) noexcept nogil:
    """What one thread does alone; whether to go on."""
    cdef const Phase *summed
    cdef Entry *entry
    cdef float loss
    cdef int k
    for k in range(phase.once_begin, phase.once_end):
        entry = &run.entry[k]
        if entry.task == MERGE:
            summed = &run.phase[entry.phase]
            entry.call.copies, entry.call.copy_bytes, entry.call.items = summed.copies, summed.copy_bytes, summed.items
            entry.call.blocks, entry.call.extent = run.blocks, run.n
            gather(&entry.call)
        elif entry.task == WATCH:
            loss = (<float *> entry.operand[0].base)[0]
            run.progress[4] = loss
            if loss - loss != 0:
                return False
            run.progress[2] += loss * run.n
            if entry.operand[1].base != NULL:
                run.progress[3] += (<float *> entry.operand[1].base)[0]
        elif entry.alone != NULL:
            run_call(&entry.call, entry.alone, 1)
        else:
            run_rows(run, entry, 0, 1)
            if entry.finite >= 0 and not isfinite((<double *> entry.operand[entry.finite].base)[0]):
                return False
    return True


cdef bint run_step(Run *run, int threads) noexcept nogil:
    cdef Phase *phase
    cdef int k
    for k in range(run.phases):
        phase = &run.phase[k]
        if not alone_part(run, phase):
            return False
        if phase.chain_items:
            pool_run(chain_part, phase, phase.chain_items, threads)
        if phase.block_begin < phase.block_end:
            pool_run(block_part, phase, phase.items, threads)
            allow(phase.copies, phase.copy_bytes * WORKERS)
    return True


cdef class Memory:
    """Cleared, 64-byte aligned, a buffer for NumPy; a debug build guards both its ends."""

    cdef char *memory
    cdef Py_ssize_t bytes

    def __cinit__(self, Py_ssize_t bytes):
        self.memory, self.bytes = allocate(bytes), bytes
        if self.memory == NULL:
            raise MemoryError(f"{bytes} bytes for a plan")
        memset(self.memory, 0, bytes)

    def __dealloc__(self):
        free(self.memory)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.memory, self.bytes, False, flags)


cdef class Replay:
    """The native form of a step.

    ``phases`` are tuples (alone, chains, blocks, step, copy_bytes, scratch_offset): lists of entries, chains as
    (rows, chunk, entries).  An entry is (task, kernel, operands, sizes, numbers, extra), an operand
    (home, address or offset, bytes per block, elements).
    """

    cdef Run run
    cdef readonly object progress
    cdef readonly object spent
    cdef object keep
    cdef Arena arena

    def __cinit__(self):
        memset(&self.run, 0, sizeof(Run))
        self.arena.memory = NULL

    def __init__(
        self, list phases, Py_ssize_t batch, Py_ssize_t lanes, Py_ssize_t thread_bytes, tuple packing, keep
    ):
        """Lays everything out; ``keep`` holds on to the arrays whose addresses are in the entries."""
        cdef Run *run = &self.run
        cdef int k
        self.keep = keep
        self.progress = numpy.zeros(5)
        run.progress = <double *> np.PyArray_DATA(self.progress)
        run.batch, run.lanes, run.thread_bytes = batch, lanes, aligned(thread_bytes)
        self.set_packing(packing)
        entries = [entry for phase in phases for entry in entries_of(phase)]
        run.entries, run.phases = len(entries), len(phases)
        run.entry = <Entry *> calloc(run.entries + 1, sizeof(Entry))
        run.phase = <Phase *> calloc(run.phases + 1, sizeof(Phase))
        if run.entry == NULL or run.phase == NULL:
            raise MemoryError("a plan")
        for k, entry in enumerate(entries):
            self.add_entry(&run.entry[k], entry)
        k = 0
        for number, phase in enumerate(phases):
            k = self.add_phase(&run.phase[number], k, phase)

    def __dealloc__(self):
        cdef int k
        for k in range(self.run.entries if self.run.entry != NULL else 0):
            free(self.run.entry[k].alone)
        for k in range(self.run.phases if self.run.phase != NULL else 0):
            free(self.run.phase[k].chain)
            free(self.run.phase[k].item)
            free(self.run.phase[k].copies)
        free(self.run.phase)
        free(self.run.entry)
        free(self.run.owner)
        free(self.arena.memory)

    cdef int set_packing(self, tuple packing) except -1:
        cdef Run *run = &self.run
        run.pack, run.unpack = <pack_function> <size_t> packing[0], <unpack_function> <size_t> packing[1]
        run.convert, run.copy = <convert_function> <size_t> packing[2], <copy_function> <size_t> packing[3]
        run.labels, run.add = <labels_function> <size_t> packing[4], <add_function> <size_t> packing[5]
        run.change = <change_function> <size_t> packing[6]
        return 0

    cdef int add_entry(self, Entry *entry, tuple given) except -1:
        cdef int k, task
        cdef Kernel kernel
        task, kernel, operands, sizes, numbers, extra = given
        entry.task = task
        entry.phase, entry.input = extra.get("phase", 0), extra.get("input", 0)
        entry.per_row, entry.sized = extra.get("per_row", 1), extra.get("sized", False)
        entry.finite = extra.get("finite", -1)
        entry.strips, entry.together = extra.get("strips", 1), extra.get("together", 1)
        entry.call.extent = extra.get("features", 0)
        entry.call.features, entry.call.fold = entry.call.extent, extra.get("fold", 1)
        if kernel is not None:
            entry.call.program = &kernel.program
        for k, size in enumerate(sizes):
            entry.call.sizes[k] = size
        for k, number in enumerate(numbers):
            entry.call.scalars[k] = number
        for k, strip in enumerate(extra.get("strip", ())):
            entry.operand[k].strip = strip
        for k, (home, base, stride, count) in enumerate(operands):
            entry.operand[k].home, entry.operand[k].base = home, <char *> <size_t> base
            entry.operand[k].stride = stride
            entry.call.count[k] = count
            entry.call.offset[k] = stride if task == MERGE else base
            if home == FIXED:
                entry.call.data[k] = entry.operand[k].base
        if extra.get("alone"):
            self.lay_out_alone(entry)
        return 0

    cdef int lay_out_alone(self, Entry *entry) except -1:
        """A block kernel on what are no samples: called as eager steps do, but by one thread."""
        cdef Call *call = &entry.call
        cdef int k, threads = 1
        cdef Py_ssize_t bytes
        call.extent = call.sizes[call.program.batch]
        for k in range(call.program.arrays):
            if call.program.array[k].kind != PLAIN:
                call.count[k] //= max(call.extent, 1)
        bytes = lay_out_call(call, &threads)
        if bytes < 0:
            raise ValueError("a call of a plan: its arrays are too large for native code")
        entry.alone = allocate(max(bytes, LINE))
        if entry.alone == NULL:
            raise MemoryError(f"{bytes} bytes for a call of a plan")
        return 0

    cdef int add_phase(self, Phase *phase, int k, tuple given) except -1:
        """Lays out a phase whose entries begin with number k; returns the number of the next phase's."""
        cdef int c, item = 0
        cdef Py_ssize_t begin
        alone, chains, blocks, phase.step, copy_bytes, phase.scratch_offset = given
        phase.run = &self.run
        phase.copy_bytes = aligned(copy_bytes)
        phase.copies = allocate(max(2 * phase.copy_bytes * WORKERS, LINE))  # as much again for what is to be merged
        phase.once_begin, phase.once_end = k, k + <int> len(alone)
        k = phase.once_end
        phase.chain = <Chain *> calloc(len(chains) + 1, sizeof(Chain))
        for c, (rows, chunk, entries) in enumerate(chains):
            phase.chain[c].begin, phase.chain[c].end = k, k + <int> len(entries)
            phase.chain[c].rows, phase.chain[c].chunk = rows, chunk
            k = phase.chain[c].end
            phase.chain_items += (rows + chunk - 1) // chunk
        phase.block_begin, phase.block_end = k, k + <int> len(blocks)
        phase.item = <Item *> calloc(phase.chain_items + 1, sizeof(Item))
        if phase.copies == NULL or phase.chain == NULL or phase.item == NULL:
            raise MemoryError("a plan")
        for c in range(len(chains)):
            for begin from 0 <= begin < phase.chain[c].rows by phase.chain[c].chunk:
                phase.item[item].chain, phase.item[item].begin = c, begin
                phase.item[item].end = min(begin + phase.chain[c].chunk, phase.chain[c].rows)
                item += 1
        return phase.block_end

    def set_input(self, int number, np.ndarray samples, np.ndarray scale, np.ndarray shift):
        """The samples of an input: bytes, with their scale and shift per channel, float32 or int64."""
        cdef Input *input = &self.run.input[number]
        cdef int type = np.PyArray_TYPE(samples)
        input.data, input.features = <char *> np.PyArray_DATA(samples), np.PyArray_SIZE(samples) // len(samples)
        input.bytes = input.features * np.PyArray_ITEMSIZE(samples)
        input.kind = 0 if type == np.NPY_UINT8 else 1 if type == np.NPY_FLOAT32 else 2
        input.plane = max(input.features // np.PyArray_SIZE(scale), 1)
        input.scale, input.shift = <const float *> np.PyArray_DATA(scale), <const float *> np.PyArray_DATA(shift)

    def measure(self, int threads):
        """Notes the nanoseconds of each entry on each thread in ``spent`` from now on; 0 threads: no more."""
        self.spent = numpy.zeros((threads, self.run.entries), numpy.int64) if threads else None
        self.run.spent = <long long *> np.PyArray_DATA(self.spent) if threads else NULL

    def set_changes(self, int number, address, Py_ssize_t changes, Py_ssize_t channels, Py_ssize_t height,
                    Py_ssize_t width):
        """What is done to the images of an input: the rows of an int64 array (see Change)."""
        cdef Input *input = &self.run.input[number]
        input.change, input.changes = <const Change *> <size_t> address, changes
        input.channels, input.height, input.width = channels, height, width

    def start(self, Py_ssize_t samples, np.ndarray order):
        """Begins an epoch over so many samples, in the order of an int64 array (None: as they lie)."""
        self.run.samples = samples
        self.run.order = <const long long *> np.PyArray_DATA(order) if order is not None else NULL
        memset(self.run.progress, 0, 5 * sizeof(double))

    def advance(self, Py_ssize_t step, targets, table, double seconds, int threads):
        """Runs steps from number ``step`` on until they or the seconds end; returns the number of the next, and
        whether the last one's loss and gradients were finite.

        Before each, row `step` of the table (float64) goes to the target addresses.
        """
        cdef Run *run = &self.run
        cdef Py_ssize_t steps = (run.samples + run.batch - 1) // run.batch, k, width = len(targets)
        cdef const size_t *target = <const size_t *> np.PyArray_DATA(targets) if width else NULL
        cdef const double *values = <const double *> np.PyArray_DATA(table) if width else NULL
        cdef bint fine = True
        cdef long long end = pool_now() + <long long> (seconds * 1e9)
        if self.spent is not None:
            threads = min(threads, <int> len(self.spent))
        if self.arena.size < run.thread_bytes * threads:
            free(self.arena.memory)
            self.arena.size = 0  # until there is memory
            self.arena.memory = allocate(run.thread_bytes * threads)
            if self.arena.memory == NULL:
                raise MemoryError(f"{run.thread_bytes * threads} bytes for the blocks of a plan")
            self.arena.size = run.thread_bytes * threads
            if DEBUGGING:
                free(run.owner)
                run.owner = <Py_ssize_t *> calloc(self.arena.size // LINE, sizeof(Py_ssize_t))
        run.threads = self.arena.memory
        with nogil:
            while step < steps and fine:
                for k in range(width):
                    (<double *> target[k])[0] = values[step * width + k]
                start_step(run, step * run.batch, min(run.batch, run.samples - step * run.batch))
                fine = run_step(run, threads)
                step += 1
                if fine:
                    run.progress[0] += 1
                    run.progress[1] += run.n
                if pool_now() >= end:
                    break
        return step, fine


def are_objects(list dicts, list objects):
    """Whether the values of the dicts, one after the other, are these very objects."""
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t place, k = 0, count = len(objects)
    for values in dicts:
        place = 0
        while PyDict_Next(values, &place, &key, &value):
            if k == count or value != <PyObject *> objects[k]:
                return False
            k += 1
    return k == count


def entries_of(phase):
    """All entries of a phase, in their order."""
    alone, chains, blocks = phase[:3]
    return [*alone, *(entry for _, _, entries in chains for entry in entries), *blocks]
