"""Recycled memory: arrays as any other, whose memory serves again."""

import gc
import threading

import numpy as np
import pytest
from fastnano._memory import empty

F32 = np.dtype(np.float32)
LARGE = (64, 1024)


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
