/* A small pool of threads for jobs of some microseconds.
 *
 * Design: the caller works too, and everyone takes the next item from a counter, so that a busy core holds nobody up.
 * Idle threads spin for a bounded time (training calls every few microseconds), then sleep.  Rejected: OpenMP, whose
 * barrier took 12 to 16 ms instead of 4 us beside other processes, or 30 us when told to sleep at once.
 * No thread starts before the first job; a forked child starts with none and makes its own.
 */
#ifndef FASTNANO_THREADS_H
#define FASTNANO_THREADS_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#define MAX_THREADS 256
#define SPIN_NANOSECONDS 50000

typedef void (*pool_task)(void *context, ptrdiff_t item, int thread);

static struct {
    pthread_mutex_t busy;  /* held by the caller whose job is running */
    pthread_mutex_t sleep; /* guards the wish to sleep */
    pthread_cond_t wake, done;
    int wanted, started;  /* threads, the caller included; helpers that exist */
    int limit;            /* threads that may take part in the job */
    int sleeping, inside; /* helpers asleep; helpers that may touch the job */
    int waiting;          /* whether the caller sleeps until nobody is inside */
    unsigned job, last;   /* number of the open job, 0 when none is; number of the last job */
    pool_task task;
    void *context;
    ptrdiff_t items, next;
} pool = {.busy = PTHREAD_MUTEX_INITIALIZER, .sleep = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
     .done = PTHREAD_COND_INITIALIZER, .wanted = 1, .limit = 1};

static inline void pool_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static inline long long pool_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void pool_work(int thread) {
    for (;;) {
        ptrdiff_t item = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED);
        if (item >= pool.items) return;
        pool.task(pool.context, item, thread);
    }
}

/* Wait until a job other than `seen` is open: first spinning, then asleep. */
static unsigned pool_await(unsigned seen) {
    unsigned job;
    long long end = pool_now() + SPIN_NANOSECONDS;
    do
        for (int i = 0; i < 32; i++) {
            job = __atomic_load_n(&pool.job, __ATOMIC_SEQ_CST);
            if (job && job != seen) return job;
            pool_pause();
        }
    while (pool_now() < end);
    pthread_mutex_lock(&pool.sleep);
    __atomic_fetch_add(&pool.sleeping, 1, __ATOMIC_SEQ_CST); /* before the look: the caller opens, then counts us */
    while (job = __atomic_load_n(&pool.job, __ATOMIC_SEQ_CST), !job || job == seen)
        pthread_cond_wait(&pool.wake, &pool.sleep);
    __atomic_fetch_sub(&pool.sleeping, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&pool.sleep);
    return job;
}

static void *pool_helper(void *number) {
    int thread = (int)(ptrdiff_t)number;
    unsigned seen = 0;
    for (;;) {
        pool_await(seen);
        __atomic_fetch_add(&pool.inside, 1, __ATOMIC_SEQ_CST); /* then look again: the caller closes, then waits */
        unsigned job = __atomic_load_n(&pool.job, __ATOMIC_SEQ_CST);
        if (job && job != seen) {
            seen = job;
            if (thread < pool.limit) pool_work(thread);
        }
        int left = __atomic_sub_fetch(&pool.inside, 1, __ATOMIC_SEQ_CST); /* then look whether somebody waits */
        if (!left && __atomic_load_n(&pool.waiting, __ATOMIC_SEQ_CST)) {
            pthread_mutex_lock(&pool.sleep);
            pthread_cond_signal(&pool.done);
            pthread_mutex_unlock(&pool.sleep);
        }
    }
    return NULL;
}

static void pool_after_fork(void) { /* helpers do not survive a fork, and a lock may have been held */
    static const pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static const pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pool.busy = pool.sleep = mutex;
    pool.wake = pool.done = condition;
    pool.started = pool.sleeping = pool.inside = pool.waiting = 0;
    pool.job = 0;
}

static void pool_start(int threads) {
    static int registered;
    if (!registered) registered = !pthread_atfork(NULL, NULL, pool_after_fork);
    while (pool.started < threads - 1) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, pool_helper, (void *)(ptrdiff_t)(pool.started + 1))) break;
        pthread_detach(thread);
        pool.started++;
    }
}

/* Wait until no helper is inside: first spinning, then asleep.  A helper that has lost its core to another process can
 * only be given this one when it is idle: sched_yield instead made a step beside one busy core slower than on one
 * thread. */
static void pool_finish(void) {
    long long end = pool_now() + SPIN_NANOSECONDS;
    do
        for (int i = 0; i < 32; i++) {
            if (!__atomic_load_n(&pool.inside, __ATOMIC_SEQ_CST)) return;
            pool_pause();
        }
    while (pool_now() < end);
    pthread_mutex_lock(&pool.sleep);
    __atomic_store_n(&pool.waiting, 1, __ATOMIC_SEQ_CST); /* before the look: helpers leave, then look */
    while (__atomic_load_n(&pool.inside, __ATOMIC_SEQ_CST)) pthread_cond_wait(&pool.done, &pool.sleep);
    __atomic_store_n(&pool.waiting, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&pool.sleep);
}

/* Run task(context, item, thread) for every item; thread is below `threads` and nobody else's meanwhile.
 * A second caller, and a task that calls in turn, run theirs alone. */
static void pool_run(pool_task task, void *context, ptrdiff_t items, int threads) {
    if (items < 2 || threads < 2 || pthread_mutex_trylock(&pool.busy)) {
        for (ptrdiff_t item = 0; item < items; item++) task(context, item, 0);
        return;
    }
    if (pool.started < threads - 1) pool_start(threads);
    pool.task = task, pool.context = context, pool.items = items, pool.limit = threads;
    __atomic_store_n(&pool.next, 0, __ATOMIC_RELAXED);
    pool.last += pool.last + 1 ? 1 : 2; /* 0 means none */
    __atomic_store_n(&pool.job, pool.last, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&pool.sleeping, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&pool.sleep);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.sleep);
    }
    pool_work(0);
    __atomic_store_n(&pool.job, 0, __ATOMIC_SEQ_CST);
    pool_finish();
    pthread_mutex_unlock(&pool.busy);
}

static int pool_threads(void) { return __atomic_load_n(&pool.wanted, __ATOMIC_RELAXED); }

static void pool_set_threads(int threads) {
    __atomic_store_n(&pool.wanted, threads < MAX_THREADS ? threads : MAX_THREADS, __ATOMIC_RELAXED);
}
#endif
