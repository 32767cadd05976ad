"""Recycled memory: arrays as any other, whose memory serves again."""

import gc
import threading

import numpy as np
import pytest
from fastnano._memory import empty, idle_bytes

import fastnano
from fastnano import nn
from fastnano._kernels import _executor

F32 = np.dtype(np.float32)
LARGE = (64, 1024)
MOST = 1 << 28  # bytes that may be idle


@pytest.mark.parametrize("shape", [(), (0,), (3,), (5, 0, 2), LARGE, (1, 2**17), (257, 129)])
def test_arrays_are_ordinary(shape):
    array = empty(shape, F32)
    assert array.shape == shape
    assert array.dtype == F32
    assert array.base is None
    assert array.flags.carray
    assert array.flags.owndata


def test_memory_of_a_dead_array_serves_the_next_of_its_size():
    first = empty(LARGE, F32)
    address = first.ctypes.data
    del first
    gc.collect()
    assert empty(LARGE, F32).ctypes.data == address


def test_sizes_no_longer_used_leave_room_for_others():
    for rows in range(64, 464):
        first = empty((rows, 1024), F32)
        address = first.ctypes.data
        del first
        assert empty((rows, 1024), F32).ctypes.data == address


def test_what_has_been_idle_longest_is_given_up_first():
    arrays = [empty((MOST // 256,), F32) for _ in range(80)]  # of 4 MB
    last = arrays[-1].ctypes.data
    while arrays:
        del arrays[0]
    assert idle_bytes() == MOST
    other = empty((MOST // 512,), F32)
    address = other.ctypes.data
    del other
    assert MOST // 2 < idle_bytes() < MOST
    assert empty((MOST // 512,), F32).ctypes.data == address
    assert empty((MOST // 256,), F32).ctypes.data == last
    huge = empty((MOST // 4 + 1,), F32)
    del huge
    assert idle_bytes() < MOST


def test_the_blocks_of_a_huge_call_are_not_kept():
    nn.MaxPool2d(2)(fastnano.zeros(5, 1, 1536, 1536))  # 16 samples in blocks, and a quarter more
    assert _executor.idle_bytes() <= MOST


def test_living_arrays_share_nothing():
    arrays = [empty(LARGE, F32) for _ in range(40)]  # more than are kept idle
    for i, array in enumerate(arrays):
        array.fill(i)
    assert [array[0, 0] for array in arrays] == list(range(40))
    assert all((array == array[0, 0]).all() for array in arrays)


def test_an_array_can_be_resized_and_freed_again():
    array = empty(LARGE, F32)
    array[:] = 7
    array.resize((256, 1024), refcheck=False)
    assert (array[:64] == 7).all()
    array[:] = 1
    del array
    again = empty((256, 1024), F32)
    again[:] = 2
    assert (again == 2).all()


def test_arrays_made_elsewhere_do_not_come_from_here():
    empty(LARGE, F32)
    assert np._core.multiarray.get_handler_name(np.empty(LARGE, F32)) == "default_allocator"
    assert np._core.multiarray.get_handler_name(empty(LARGE, F32)) == "fastnano_recycling"


def test_several_threads_make_and_drop_arrays():
    wrong = []

    def work(value):
        for _ in range(200):
            array = empty(LARGE, F32)
            array.fill(value)
            if not (array == value).all():
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
