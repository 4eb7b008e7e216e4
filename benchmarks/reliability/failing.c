/* A disk that fails: calls below FAIL_BELOW fail with FAIL_ERRNO from the FAIL_FROM-th on.

   FAIL_CALLS lists which calls do: open, read, stat. Each of them takes FAIL_SLOW_US longer. At
   its end each process adds the line "opens reads stats failed" to FAIL_LOG. To be preloaded. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 4096

enum call { OPENS, READS, STATS };
static const char *const names[] = {"open", "read", "stat"};

static const char *below, *calls;
static long from, slow;
static int number;
static long counted[3], failed;
static char watched[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
    below = getenv("FAIL_BELOW");
    calls = getenv("FAIL_CALLS") ? getenv("FAIL_CALLS") : "";
    from = getenv("FAIL_FROM") ? atol(getenv("FAIL_FROM")) : 0;
    number = getenv("FAIL_ERRNO") ? atoi(getenv("FAIL_ERRNO")) : 0;
    slow = getenv("FAIL_SLOW_US") ? atol(getenv("FAIL_SLOW_US")) : 0;
}

__attribute__((destructor)) static void end(void) {
    char line[128];
    const char *log = getenv("FAIL_LOG");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int file = log ? real(log, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    int size = snprintf(line, sizeof line, "%ld %ld %ld %ld\n", counted[OPENS], counted[READS],
                        counted[STATS], failed);
    if (file >= 0 && write(file, line, size) == size) close(file);
}

/* Programs that leave by _exit run no destructors. */
void _exit(int code) {
    void (*real)(int) __attribute__((noreturn)) = dlsym(RTLD_NEXT, "_exit");
    end();
    real(code);
}

static int inside(const char *path) {
    size_t length = below ? strlen(below) : 0;
    return length && path && !strncmp(path, below, length) &&
           (path[length] == '/' || !path[length]);
}

/* Count a call; whether it fails. */
static int fails(enum call call) {
    long count = __atomic_add_fetch(&counted[call], 1, __ATOMIC_SEQ_CST);
    if (!strstr(calls, names[call])) return 0;
    if (slow) usleep(slow);
    if (count < from || !number) return 0;
    __atomic_add_fetch(&failed, 1, __ATOMIC_SEQ_CST);
    errno = number;
    return 1;
}

static int opened(const char *path, int flags, int file) {
    if (file >= 0 && file < DESCRIPTORS) watched[file] = inside(path) && !(flags & O_DIRECTORY);
    return file;
}

static int reads(int file) { return file >= 0 && file < DESCRIPTORS && watched[file]; }

#define READ_ONLY(flags) (((flags) & O_ACCMODE) == O_RDONLY)
#define OPEN(name)                                                               \
    int name(const char *path, int flags, ...) {                                 \
        va_list more;                                                            \
        va_start(more, flags);                                                   \
        mode_t mode = va_arg(more, mode_t);                                      \
        va_end(more);                                                            \
        if (inside(path) && READ_ONLY(flags) && fails(OPENS)) return -1;        \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);           \
        return opened(path, flags, real(path, flags, mode));                     \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                             \
    int name(int folder, const char *path, int flags, ...) {                     \
        va_list more;                                                            \
        va_start(more, flags);                                                   \
        mode_t mode = va_arg(more, mode_t);                                      \
        va_end(more);                                                            \
        if (inside(path) && READ_ONLY(flags) && fails(OPENS)) return -1;        \
        int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);      \
        return opened(path, flags, real(folder, path, flags, mode));             \
    }
OPENAT(openat)
OPENAT(openat64)

#define PREAD(name)                                                              \
    ssize_t name(int file, void *into, size_t size, off_t place) {               \
        if (reads(file) && fails(READS)) return -1;                             \
        ssize_t (*real)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, #name);   \
        return real(file, into, size, place);                                    \
    }
PREAD(pread)
PREAD(pread64)

ssize_t read(int file, void *into, size_t size) {
    if (reads(file) && fails(READS)) return -1;
    ssize_t (*real)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
    return real(file, into, size);
}

#define STAT(name, kind)                                                              \
    int name(const char *path, struct kind *into) {                              \
        if (inside(path) && fails(STATS)) return -1;                            \
        int (*real)(const char *, struct kind *) = dlsym(RTLD_NEXT, #name);      \
        return real(path, into);                                                 \
    }
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)

#define FSTATAT(name, kind)                                                           \
    int name(int folder, const char *path, struct kind *into, int flags) {       \
        if (inside(path) && fails(STATS)) return -1;                            \
        int (*real)(int, const char *, struct kind *, int) =                     \
            dlsym(RTLD_NEXT, #name);                                             \
        return real(folder, path, into, flags);                                  \
    }
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

int statx(int folder, const char *restrict path, int flags, unsigned mask,
          struct statx *restrict into) {
    if (inside(path) && fails(STATS)) return -1;
    int (*real)(int, const char *, int, unsigned, struct statx *) =
        dlsym(RTLD_NEXT, "statx");
    return real(folder, path, flags, mask, into);
}
