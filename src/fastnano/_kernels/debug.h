/* Memory that nobody may touch for now: in debug builds the address sanitizer is told, in others this is nothing. */
#ifndef FASTNANO_DEBUG_H
#define FASTNANO_DEBUG_H

#ifdef FASTNANO_DEBUG
#include <sanitizer/asan_interface.h>
#define DEBUGGING 1
#define forbid(place, bytes) __asan_poison_memory_region(place, bytes)
#define allow(place, bytes) __asan_unpoison_memory_region(place, bytes)
#else
#define DEBUGGING 0
#define forbid(place, bytes) ((void)(place), (void)(bytes))
#define allow(place, bytes) ((void)(place), (void)(bytes))
#endif

#endif
