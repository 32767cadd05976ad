# A native kernel as the executor sees it: what its row and its own signature say, worked out once, in C.

cdef enum:
    MAX_ARRAYS = 12
    MAX_NUMBERS = 32
    MAX_AXES = 6
    MAX_SIZES = 16

cdef enum Mode:
    ONCE, BLOCKS, RANGE, SPLIT

cdef enum Kind:
    PLAIN, PACKED, NARROWED  # as it is; blocks of 32-bit words; blocks of int32 made from int64

cdef enum Source:  # where a number comes from
    SIZE, SCALAR, DEALT_BLOCKS, DEALT_LIVE, DEALT_BEGIN, DEALT_END, BEFORE, ADDED, SAMPLE, FEATURES
    PART_BEGIN, PART_END  # of a block kernel that may be split

ctypedef void (*kernel_function)(void **pointers, const double *numbers) noexcept nogil
ctypedef Py_ssize_t (*scratch_function)(void **pointers, const double *numbers) noexcept nogil
ctypedef void (*pack_function)(
    const void *source, void *to, Py_ssize_t features, Py_ssize_t live, Py_ssize_t zero_dead) noexcept nogil
ctypedef void (*unpack_function)(
    const void *source, void *to, Py_ssize_t features, Py_ssize_t live) noexcept nogil

cdef struct Array:
    int kind, dtype, itemsize
    int axes                # -1: any shape, the size of `...`
    int letters[MAX_AXES]   # which size; below 0: a fixed extent, -1 - letter
    bint written, summed, zero_dead

cdef struct Number:
    int source, index

cdef struct Routine:        # a kernel's function, what it takes, and what it wants besides
    kernel_function run     # NULL: there is none
    scratch_function scratch
    int numbers, scratch_numbers, scratch_at
    bint counts_live        # it is told how many samples are live
    Number number[MAX_NUMBERS]
    Number scratch_number[MAX_NUMBERS]

cdef struct Program:
    int mode, arrays, merge_numbers, scalars, sizes, batch, split, sums
    int places              # the size `s`, where every array per sample ends in it; else -1
    Array array[MAX_ARRAYS]
    Routine main, single    # the kernel, and its companion for one sample
    Number merge_number[MAX_NUMBERS]
    kernel_function merge
    pack_function pack
    unpack_function unpack


cdef Program compile_program(contract, dict table, tuple packing) except *:
    """What the row and the kernel's signature say, in C."""
    cdef Program program
    cdef int k
    memset(&program, 0, sizeof(Program))
    name = contract.name
    arrays, numbers = split_parameters(table[name][1])
    arrays = [(kind, word) for kind, word in arrays if word != "scratch"]
    letters = row_letters(contract)
    program.arrays, program.scalars, program.sizes = len(arrays), len(contract.scalars), len(letters)
    if len(arrays) > MAX_ARRAYS or len(letters) > MAX_SIZES:
        raise ValueError(f"{name}: {len(arrays)} arrays of {len(letters)} letters, above {MAX_ARRAYS} of {MAX_SIZES}")
    program.mode, program.split = find_mode(name, numbers, letters)
    program.batch = letters.index("n") if "n" in letters else 0
    for k, (kind, _) in enumerate(arrays):
        program.array[k] = describe(name, contract.arrays[k], kind, letters, contract.arrays[k] in contract.writes)
        program.sums += program.array[k].summed and program.mode == BLOCKS
    own = [a for k, a in enumerate(contract.arrays) if program.array[k].kind != PLAIN]
    independent = own and all("s" in a.letters and a.dtype is None for a in own)
    program.places = letters.index("s") if independent else -1
    program.pack, program.unpack = <pack_function> <size_t> packing[0], <unpack_function> <size_t> packing[1]
    fill_routine(&program.main, name, contract, table)
    if f"{name}_single" in table:
        arrays, numbers = split_parameters(table[f"{name}_single"][1])
        if any(kind.replace("const ", "") in ("vec *", "ivec *") for kind, _ in arrays) or ("size", "n") in numbers:
            raise ValueError(f"{name}_single takes blocks, or n: it is for one sample, in plain arrays")
        fill_routine(&program.single, f"{name}_single", contract, table)
    if f"{name}_merge" in table:
        address, parameters = table[f"{name}_merge"]
        program.merge = <kernel_function> <size_t> address
        numbers = split_parameters(parameters)[1]
        program.merge_numbers = resolve(name, numbers, letters, contract.scalars, program.merge_number)
    return program


cdef int fill_routine(Routine *routine, str name, contract, dict table) except -1:
    """A kernel of the row, or a companion of it, and its scratch."""
    letters = row_letters(contract)
    pointers, numbers = split_parameters(table[name][1])
    words = [word for _, word in pointers]
    routine.scratch_at = words.index("scratch") if "scratch" in words else -1
    words, names = [word for word in words if word != "scratch"], [a.name for a in contract.arrays]
    if words != names:
        raise ValueError(f"{name}: the native kernel takes {words}, its row has {names}")
    routine.run = <kernel_function> <size_t> table[name][0]
    routine.numbers = resolve(name, numbers, letters, contract.scalars, routine.number)
    routine.counts_live = any(word == "live" for _, word in numbers)
    if f"{name}_scratch" in table:
        address, parameters = table[f"{name}_scratch"]
        routine.scratch = <scratch_function> <size_t> address
        numbers = split_parameters(parameters)[1]
        routine.scratch_numbers = resolve(name, numbers, letters, contract.scalars, routine.scratch_number)
    return 0


def row_letters(contract):
    """The letters of a row, in order of appearance."""
    return list(dict.fromkeys(letter for a in contract.arrays for letter in a.letters if not letter.isdigit()))


def split_parameters(parameters):
    """Pointers and numbers of a signature, each as (type, name)."""
    pairs = [tuple(parameter.rsplit(" ", 1)) for parameter in parameters]
    return [p for p in pairs if p[0].endswith("*")], [p for p in pairs if not p[0].endswith("*")]


def find_mode(name, numbers, letters):
    """How a kernel is driven, and by which letter it is split."""
    words = {word for _, word in numbers}
    if "blocks" in words:
        return BLOCKS, next((k for k, letter in enumerate(letters) if f"{letter}_begin" in words), -1)
    if "begin" in words:
        return RANGE, letters.index("...")
    for k, letter in enumerate(letters):
        if f"{letter}_begin" in words:
            return SPLIT, k
    return ONCE, -1


cdef Array describe(name, argument, str kind, list letters, bint written) except *:
    cdef Array array
    cdef int axis
    if len(argument.letters) > MAX_AXES:
        raise ValueError(f"{name}: {argument} has {len(argument.letters)} axes, above {MAX_AXES}")
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
    if max(len(numbers), len(scalars)) > MAX_NUMBERS:
        raise ValueError(f"{name}: {len(numbers)} numbers, {len(scalars)} of its row, above {MAX_NUMBERS}")
    dealt = {"blocks": DEALT_BLOCKS, "live": DEALT_LIVE, "begin": DEALT_BEGIN, "end": DEALT_END,
             "before": BEFORE, "added": ADDED, "sample": SAMPLE, "features": FEATURES}
    in_blocks = any(word == "blocks" for _, word in numbers)
    for letter in letters:
        dealt |= {f"{letter}_begin": PART_BEGIN if in_blocks else DEALT_BEGIN,
                  f"{letter}_end": PART_END if in_blocks else DEALT_END}
    for k, (_, word) in enumerate(numbers):
        if word in scalars:
            into[k].source, into[k].index = SCALAR, scalars.index(word)
        elif word in letters:
            into[k].source, into[k].index = SIZE, letters.index(word)
        elif word in dealt:
            into[k].source = dealt[word]
            if into[k].source == PART_END:
                into[k].index = letters.index(word.removesuffix("_end"))
        else:
            raise ValueError(f"{name}: the native kernel takes {word!r}, which is no size, scalar or share of its row")
    return len(numbers)
