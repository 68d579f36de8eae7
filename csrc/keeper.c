#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* madvise */
#endif
#include "keeper.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const double FASTEST = 4e10; /* bytes that a process touches in a second */
static const double SHORTEST = 5e-4, LONGEST = 2e-2; /* s, between two looks */
enum { MOST_PLACES = 64 }; /* visited between two looks: the system brings in 64 kB for each */

static const size_t STEP = (size_t) 16 << 20; /* when letting go does not help, after so much more */

typedef struct {
    void *memory;
    size_t bytes;
} mapping;

struct jc_keeper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int statm;                   /* the system's account of the process */
    int is_stopping;
    size_t most, page;
    size_t grown;                /* what was left resident after letting go, and a step; or 0 */
    mapping *mappings;
    size_t n, room;
};

size_t jc_keeper_resident(jc_keeper *k)
{
    char text[128];
    unsigned long pages = 0;
    const ssize_t length = pread(k->statm, text, sizeof text - 1, 0);
    if (length <= 0) return 0;
    text[length] = '\0';
    return sscanf(text, "%*u %lu", &pages) == 1 ? (size_t) pages * k->page : 0;
}

static void let_go(jc_keeper *k)
{
    for (size_t i = 0; i < k->n; i++)
        madvise(k->mappings[i].memory, k->mappings[i].bytes, MADV_DONTNEED);
}

/* Under the lock. Returns the bytes that may still come in. */
static size_t look(jc_keeper *k)
{
    size_t resident = jc_keeper_resident(k), most = k->most > k->grown ? k->most : k->grown;
    if (resident > most) {
        let_go(k);
        resident = jc_keeper_resident(k);
        k->grown = resident + STEP;
        most = k->most > k->grown ? k->most : k->grown;
    } else if (k->grown > k->most && resident + STEP < k->most) {
        k->grown = 0;
    }
    return most > resident ? most - resident : 0;
}

static jc_keeper *_Atomic in_use;

void jc_keeper_use(jc_keeper *keeper)
{
    in_use = keeper;
}

int jc_is_kept(void)
{
    return in_use != NULL;
}

void jc_settle(int places)
{
    static _Thread_local int visited = 0;
    jc_keeper *k = in_use;
    if (!k) return;
    visited += places;
    if (visited < MOST_PLACES) return;
    visited = 0;
    pthread_mutex_lock(&k->lock);
    look(k);
    pthread_mutex_unlock(&k->lock);
}

static void wait_for(jc_keeper *k, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const double nanoseconds = (double) until.tv_nsec + 1e9 * seconds;
    until.tv_sec += (time_t) (nanoseconds / 1e9);
    until.tv_nsec = (long) (nanoseconds - 1e9 * (double) (time_t) (nanoseconds / 1e9));
    pthread_cond_timedwait(&k->wake, &k->lock, &until);
}

static void *watch(void *keeper)
{
    jc_keeper *k = keeper;
    pthread_mutex_lock(&k->lock);
    while (!k->is_stopping) {
        const double time = (double) look(k) / FASTEST;
        wait_for(k, time < SHORTEST ? SHORTEST : time > LONGEST ? LONGEST : time);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* Signals are for the other threads. */
static int start(jc_keeper *k)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&k->thread, NULL, watch, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

jc_status jc_keeper_new(size_t most, jc_keeper **keeper)
{
    jc_keeper *k = calloc(1, sizeof *k);
    *keeper = NULL;
    if (!k) return JC_NO_MEMORY;
    k->most = most;
    k->page = (size_t) sysconf(_SC_PAGESIZE);
    k->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (k->statm < 0 || jc_keeper_resident(k) == 0) {
        if (k->statm >= 0) close(k->statm);
        free(k);
        return JC_BAD_ARGUMENT;
    }
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->wake, NULL);
    if (!start(k)) {
        close(k->statm);
        free(k);
        return JC_NO_MEMORY;
    }
    *keeper = k;
    return JC_OK;
}

void jc_keeper_free(jc_keeper *k)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    k->is_stopping = 1;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->wake);
    pthread_mutex_destroy(&k->lock);
    close(k->statm);
    free(k->mappings);
    free(k);
}

void jc_keeper_set(jc_keeper *k, size_t most)
{
    pthread_mutex_lock(&k->lock);
    k->most = most;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
}

void jc_keeper_let_go(jc_keeper *k)
{
    pthread_mutex_lock(&k->lock);
    let_go(k);
    pthread_mutex_unlock(&k->lock);
}

static int make_room(jc_keeper *k)
{
    if (k->n < k->room) return 1;
    const size_t room = k->room ? 2 * k->room : 16;
    mapping *mappings = realloc(k->mappings, room * sizeof *mappings);
    if (!mappings) return 0;
    k->mappings = mappings;
    k->room = room;
    return 1;
}

jc_status jc_keeper_map(jc_keeper *k, int file, size_t bytes, int writable, void **memory)
{
    jc_status status = JC_OK;
    *memory = NULL;
    if (bytes == 0) return JC_BAD_ARGUMENT;
    pthread_mutex_lock(&k->lock);
    if (!make_room(k)) {
        status = JC_NO_MEMORY;
    } else {
        void *found = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                           file, 0);
        if (found == MAP_FAILED)
            status = JC_BAD_ARGUMENT;
        else {
#ifdef MADV_NOHUGEPAGE
            madvise(found, bytes, MADV_NOHUGEPAGE); /* a touch must not bring in 2 MB */
#endif
            /* pages on their own: those of large groups of pages are dear to write first */
            if (writable) madvise(found, bytes, MADV_RANDOM);
            k->mappings[k->n++] = (mapping){*memory = found, bytes};
        }
    }
    pthread_mutex_unlock(&k->lock);
    return status;
}

/* Under the lock: the thread must not let go of memory that may be someone else's by then. */
void jc_keeper_unmap(jc_keeper *k, void *memory)
{
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->n; i++)
        if (k->mappings[i].memory == memory) {
            munmap(memory, k->mappings[i].bytes);
            k->mappings[i] = k->mappings[--k->n];
            break;
        }
    pthread_mutex_unlock(&k->lock);
}

int jc_reserve(int file, size_t bytes)
{
#ifdef __linux__
    return fallocate(file, 0, 0, (off_t) bytes) == 0;
#else
    (void) file, (void) bytes;
    return 0;
#endif
}

void *jc_pages(size_t bytes)
{
    const size_t page = (size_t) 2 << 20, rounded = (bytes / page + 1) * page;
    if (bytes < page)
        return malloc(bytes + (bytes == 0));
    void *room = aligned_alloc(page, rounded);
#ifdef MADV_HUGEPAGE
    if (room) madvise(room, rounded, MADV_HUGEPAGE); /* at worst it changes nothing */
#endif
    return room;
}
