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
    arena.memory, arena.size = NULL, 0
    if idle_count:
        idle_count -= 1
        arena = idle[idle_count]
    if arena.size < size:
        free(arena.memory)
        arena.size = size + size // 4
        arena.memory = allocate(arena.size)
        if arena.memory == NULL:
            raise MemoryError(f"{size} bytes for the blocks of a native kernel")
    allow(arena.memory, arena.size)
    return arena


cdef void give_back(Arena arena) noexcept:
    global idle_count
    if idle_count < MAX_IDLE:
        forbid(arena.memory, arena.size)
        idle[idle_count] = arena
        idle_count += 1
    else:
        free(arena.memory)
