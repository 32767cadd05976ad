# Arenas that no call is using; the interpreter's lock guards them.
cdef enum:
    MAX_IDLE = 64
    MAX_IDLE_BYTES = 1 << 28  # of all
cdef struct Arena:
    char *memory
    Py_ssize_t size
cdef Arena idle[MAX_IDLE]
cdef int idle_count = 0
cdef Py_ssize_t idle_size = 0


cdef Arena take_arena(Py_ssize_t size) except *:
    global idle_count, idle_size
    cdef Arena arena
    arena.memory, arena.size = NULL, 0
    if idle_count:
        idle_count -= 1
        arena = idle[idle_count]
        idle_size -= arena.size
    if arena.size < size:
        free(arena.memory)
        arena.size = size + size // 4
        arena.memory = allocate(arena.size)
        if arena.memory == NULL:
            raise MemoryError(f"{size} bytes for the blocks of a native kernel")
    allow(arena.memory, arena.size)
    return arena


cdef void give_back(Arena arena) noexcept:
    global idle_count, idle_size
    if idle_count < MAX_IDLE and idle_size + arena.size <= MAX_IDLE_BYTES:
        forbid(arena.memory, arena.size)
        idle[idle_count] = arena
        idle_count += 1
        idle_size += arena.size
    else:
        free(arena.memory)


def idle_bytes():
    """Bytes kept for the blocks of calls to come."""
    return idle_size
