/* Preloaded into redis-server: a slow disk, a full disk, a clock that jumps. What is wrong is read
   from the file of VULTUS_BAD_LUCK, three 64-bit numbers that a test changes at any time:
     0  milliseconds that each fsync takes longer
     1  not 0: regular files take no more bytes (ENOSPC)
     2  milliseconds by which the wall clock is ahead */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *luck(void) {
    static const volatile int64_t *shared;
    static const int64_t none[3];
    if (shared) return shared;
    const char *path = getenv("VULTUS_BAD_LUCK");
    int file = path ? open(path, O_RDONLY) : -1;
    void *at = file < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    shared = at == MAP_FAILED ? none : at;
    return shared;
}

static void sleep_ms(int64_t ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (ms > 0 && nanosleep(&time, &time) != 0 && errno == EINTR) {}
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    sleep_ms(luck()[0]);
    return real(file);
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    sleep_ms(luck()[0]);
    return real(file);
}

ssize_t write(int file, const void *bytes, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    struct stat what;
    if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (luck()[1] && file > 2 && fstat(file, &what) == 0 && S_ISREG(what.st_mode)) {
        static int torn; /* the first half still fits */
        torn = !torn && size > 1;
        if (torn) return real(file, bytes, size / 2);
        errno = ENOSPC;
        return -1;
    }
    return real(file, bytes, size);
}

int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int outcome = real(clock, now);
    if (outcome == 0 && clock == CLOCK_REALTIME) {
        int64_t ms = luck()[2] + now->tv_nsec / 1000000;
        int64_t seconds = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
        now->tv_sec += seconds;
        now->tv_nsec = (ms - seconds * 1000) * 1000000 + now->tv_nsec % 1000000;
    }
    return outcome;
}
