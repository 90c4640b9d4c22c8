/* Preloaded into the ledger's child: counts syncs, and plays a slower disk.
 *
 * SYNC_COUNTS names a file of at least 16 bytes: the first 64-bit number counts syncs of files
 * whose name ends in "-wal", the second all other syncs. SYNC_US, if set, is waited for after each
 * sync, in microseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t *counts;
static long wait_us;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SYNC_COUNTS"), *us = getenv("SYNC_US");
    if (us) wait_us = atol(us);
    if (!path) return;
    int fd = open(path, O_RDWR);
    if (fd < 0) return;
    void *map = mmap(0, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) counts = map;
    close(fd);
}

static void count(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    int wal = n > 4 && !memcmp(path + n - 4, "-wal", 4);
    if (counts) __sync_fetch_and_add(&counts[wal ? 0 : 1], 1);
    if (wait_us) {
        struct timespec pause = { wait_us / 1000000, wait_us % 1000000 * 1000 };
        nanosleep(&pause, 0);
    }
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    int r = real(fd);
    count(fd);
    return r;
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    int r = real(fd);
    count(fd);
    return r;
}

int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned int flags) {
    static int (*real)(int, off64_t, off64_t, unsigned int);
    if (!real) real = dlsym(RTLD_NEXT, "sync_file_range");
    int r = real(fd, offset, bytes, flags);
    count(fd);
    return r;
}
