/* A layer between one process and its disk, for tests of power cuts. Loaded by LD_PRELOAD.
 *
 * Every change to a file or name under SUYUAN_LAYER_DIR is done, and then written to the journal
 * SUYUAN_LAYER_JOURNAL; so is every sync that was asked for. Nothing is really synced: what a
 * power cut leaves is worked out from the journal (disk.rs). One lock makes the order of the
 * journal the order of what happened.
 *
 * Faults, each by its own variable:
 *   SUYUAN_LAYER_SYNC       off: a sync returns 0 and does nothing; off-db: only below db/
 *   SUYUAN_LAYER_FAIL_SYNC  n: the n-th sync of a file fails with EIO, once, and does nothing
 *   SUYUAN_LAYER_SPACE      n: after n bytes, writes and allocations fail with ENOSPC
 *
 * A record is: operation (1), inode (8), offset or length (8), two byte strings, each a length (4)
 * and bytes; integers big-endian. Paths are relative to the directory.
 *   C created: inode, path        W written: inode, offset, bytes   T length set: inode, length
 *   S synced: inode               R renamed: path, path             U unlinked: path
 *   M directory made: inode, path X directory removed: path         F sync failed: inode
 *   ? not modelled: what
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name, ...)                                       \
    static type (*real)(__VA_ARGS__);                               \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX];
static size_t dir_length;
static int journal = -1;
static enum { SYNC_ON, SYNC_OFF, SYNC_OFF_DB } syncing;
static long sync_to_fail, syncs;
static int64_t space = INT64_MAX;

/* Files seen under the directory. A test makes some hundreds; more end the process. */
enum { FILES_MAX = 65536 };
static struct seen { dev_t dev; ino_t ino; int below_db; } seen[FILES_MAX];
static size_t seen_count;

static void stop(const char *why) {
    dprintf(2, "write layer: %s\n", why);
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("SUYUAN_LAYER_DIR"), *path = getenv("SUYUAN_LAYER_JOURNAL");
    const char *sync = getenv("SUYUAN_LAYER_SYNC"), *fail = getenv("SUYUAN_LAYER_FAIL_SYNC");
    const char *bytes = getenv("SUYUAN_LAYER_SPACE");
    if (!where || !path) return;
    if (!realpath(where, dir)) stop("no such directory");
    dir_length = strlen(dir);
    if (sync) syncing = strcmp(sync, "off-db") ? SYNC_OFF : SYNC_OFF_DB;
    if (fail) sync_to_fail = atol(fail);
    if (bytes) space = atoll(bytes);
    journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) stop("cannot open the journal");
}

/* The part of `path` below the directory, or NULL where it is elsewhere. */
static const char *inside(const char *path) {
    if (journal < 0 || strncmp(path, dir, dir_length)) return NULL;
    if (path[dir_length] == 0) return path + dir_length;
    return path[dir_length] == '/' ? path + dir_length + 1 : NULL;
}

static void record(char operation, uint64_t inode, uint64_t number, const void *first,
                   size_t first_length, const char *second) {
    uint8_t head[21];
    uint32_t second_length = second ? (uint32_t)strlen(second) : 0;
    uint64_t big;
    uint32_t small;
    head[0] = (uint8_t)operation;
    big = htobe64(inode), memcpy(head + 1, &big, 8);
    big = htobe64(number), memcpy(head + 9, &big, 8);
    small = htobe32((uint32_t)first_length), memcpy(head + 17, &small, 4);
    small = htobe32(second_length);
    struct iovec parts[] = {{head, sizeof head}, {(void *)first, first_length},
                            {&small, 4}, {(void *)second, second_length}};
    size_t length = sizeof head + first_length + 4 + second_length;
    if (syscall(SYS_writev, journal, parts, 4) != (long)length) stop("cannot write the journal");
}

static void record_path(char operation, uint64_t inode, const char *path, const char *second) {
    record(operation, inode, 0, path, strlen(path), second);
}

/* As inside(), for the calls that take a directory: relative paths are not modelled. */
static const char *inside_at(int at, const char *path) {
    if (journal < 0) return NULL;
    if (path[0] == '/' || at == AT_FDCWD) return inside(path);
    struct stat meta;
    if (fstat(at, &meta)) return NULL;
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].dev == meta.st_dev && seen[i].ino == meta.st_ino)
            record_path('?', 0, "a path relative to a directory", NULL);
    return NULL;
}

static struct seen *find(const struct stat *meta) {
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].dev == meta->st_dev && seen[i].ino == meta->st_ino) return &seen[i];
    return NULL;
}

/* The file behind `fd` if it is one of ours. */
static struct seen *file_of(int fd, struct stat *meta) {
    return journal < 0 || fstat(fd, meta) ? NULL : find(meta);
}

static void see(const char *path, const struct stat *meta) {
    struct seen *one = find(meta);
    if (!one) {
        if (seen_count == FILES_MAX) stop("too many files");
        one = &seen[seen_count++];
    }
    *one = (struct seen){meta->st_dev, meta->st_ino, !strncmp(path, "db", 2)};
}

/* An inode's number may be given out again once its file is gone. */
static void forget(const struct stat *meta) {
    struct seen *one = find(meta);
    if (one) *one = seen[--seen_count];
}

/* ---- names ---- */

static int opened(int at, const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&lock);
    const char *name = inside_at(at, path);
    struct stat meta;
    int was_there = name && syscall(SYS_newfstatat, at, path, &meta, 0) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode), why = errno;
    if (fd >= 0 && fstat(fd, &meta) == 0) {
        if (name) {
            see(name, &meta);
            if (!was_there) record_path('C', meta.st_ino, name, NULL);
            else if (flags & O_TRUNC) record('T', meta.st_ino, 0, "", 0, NULL);
        } else if (journal >= 0) {
            forget(&meta);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return fd;
}

#define OPEN_MODE(flags)                               \
    mode_t mode = 0;                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {             \
        va_list arguments;                             \
        va_start(arguments, flags);                    \
        mode = (mode_t)va_arg(arguments, int);         \
        va_end(arguments);                             \
    }

int open(const char *path, int flags, ...) { OPEN_MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return opened(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static int renamed(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    pthread_mutex_lock(&lock);
    const char *old = inside_at(from_at, from), *new = inside_at(to_at, to);
    int outcome = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags), why = errno;
    if (outcome == 0 && (old || new)) {
        if (old && new && !flags) record_path('R', 0, old, new);
        else record_path('?', 0, "a rename over the border or with flags", NULL);
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return renamed(a, from, b, to, flags);
}

static int removed(int at, const char *path, int flags) {
    pthread_mutex_lock(&lock);
    const char *name = inside_at(at, path);
    int outcome = (int)syscall(SYS_unlinkat, at, path, flags), why = errno;
    if (outcome == 0 && name) record_path(flags & AT_REMOVEDIR ? 'X' : 'U', 0, name, NULL);
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}

int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int at, const char *path, int flags) { return removed(at, path, flags); }
int remove(const char *path) {
    int outcome = removed(AT_FDCWD, path, 0);
    return outcome && errno == EISDIR ? removed(AT_FDCWD, path, AT_REMOVEDIR) : outcome;
}

static int made(int at, const char *path, mode_t mode) {
    pthread_mutex_lock(&lock);
    const char *name = inside_at(at, path);
    int outcome = (int)syscall(SYS_mkdirat, at, path, mode), why = errno;
    struct stat meta;
    if (outcome == 0 && name && syscall(SYS_newfstatat, at, path, &meta, 0) == 0) {
        see(name, &meta);
        record_path('M', meta.st_ino, name, NULL);
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}

int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return made(at, path, mode); }

static int linked(int a, const char *from, int b, const char *to, int flags) {
    pthread_mutex_lock(&lock);
    if (inside_at(a, from) || inside_at(b, to)) record_path('?', 0, "a hard link", NULL);
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_linkat, a, from, b, to, flags);
}

int link(const char *from, const char *to) { return linked(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return linked(a, from, b, to, flags); }

/* ---- bytes ---- */

/* How many of `wanted` bytes there is room for; 0 is a full disk. */
static size_t room_for(size_t wanted) {
    size_t given = space < (int64_t)wanted ? (size_t)space : wanted;
    space -= (int64_t)given;
    return given;
}

/* Writes at `at`, or where the file stands if that is negative. */
static ssize_t put(int fd, const void *bytes, size_t length, off_t at) {
    pthread_mutex_lock(&lock);
    struct stat meta;
    struct seen *file = file_of(fd, &meta);
    ssize_t done = -1;
    int why = ENOSPC;
    if (file) length = length ? room_for(length) : 0;
    if (!file || length) {
        off_t start = at;
        if (file && at < 0) {
            int flags = fcntl(fd, F_GETFL);
            start = flags & O_APPEND ? meta.st_size : lseek(fd, 0, SEEK_CUR);
        }
        done = at < 0 ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, at);
        why = errno;
        if (file && done > 0) record('W', meta.st_ino, (uint64_t)start, bytes, (size_t)done, NULL);
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return done;
}

/* One lock around a terminal, a pipe or a socket would hold up everybody else. */
static int is_ours(int fd) {
    struct stat meta;
    pthread_mutex_lock(&lock);
    int ours = file_of(fd, &meta) != NULL;
    pthread_mutex_unlock(&lock);
    return ours;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return length && is_ours(fd) ? put(fd, bytes, length, -1) : syscall(SYS_write, fd, bytes, length);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return length && is_ours(fd) ? put(fd, bytes, length, at) : syscall(SYS_pwrite64, fd, bytes, length, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return pwrite(fd, bytes, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_ours(fd)) return syscall(SYS_writev, fd, parts, count);
    /* A short write is a right answer to a long one. */
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return put(fd, parts[i].iov_base, parts[i].iov_len, -1);
    return 0;
}

static void unknown(int fd, const char *what) {
    struct stat meta;
    pthread_mutex_lock(&lock);
    if (file_of(fd, &meta)) record_path('?', 0, what, NULL);
    pthread_mutex_unlock(&lock);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    unknown(fd, "pwritev");
    return real(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return pwritev(fd, parts, count, at); }

ssize_t copy_file_range(int from, off_t *a, int to, off_t *b, size_t length, unsigned flags) {
    unknown(to, "copy_file_range");
    return syscall(SYS_copy_file_range, from, a, to, b, length, flags);
}

ssize_t sendfile64(int to, int from, off_t *at, size_t length) {
    unknown(to, "sendfile");
    return syscall(SYS_sendfile, to, from, at, length);
}

void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t at) {
    if (fd >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED)) unknown(fd, "a shared writable map");
    return (void *)syscall(SYS_mmap, where, length, protection, flags, fd, at);
}
void *mmap64(void *where, size_t length, int protection, int flags, int fd, off_t at) {
    return mmap(where, length, protection, flags, fd, at);
}

int ftruncate(int fd, off_t length) {
    pthread_mutex_lock(&lock);
    struct stat meta;
    struct seen *file = file_of(fd, &meta);
    int outcome = (int)syscall(SYS_ftruncate, fd, length), why = errno;
    if (file && outcome == 0) record('T', meta.st_ino, (uint64_t)length, "", 0, NULL);
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int outcome = ftruncate(fd, length), why = errno;
    close(fd);
    errno = why;
    return outcome;
}
int truncate64(const char *path, off_t length) { return truncate(path, length); }

int fallocate(int fd, int mode, off_t at, off_t length) {
    pthread_mutex_lock(&lock);
    struct stat meta;
    struct seen *file = file_of(fd, &meta);
    int outcome = -1, why = ENOSPC;
    /* Room that is only set aside is not counted as used, but a full disk has none. */
    if (!file || space > 0) {
        outcome = (int)syscall(SYS_fallocate, fd, mode, at, length);
        why = errno;
        if (file && outcome == 0) {
            if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) record_path('?', 0, "fallocate", NULL);
            /* A hole punched behind the end of a file frees room that was set aside. */
            else if (mode & FALLOC_FL_PUNCH_HOLE && at < meta.st_size) record_path('?', 0, "a hole", NULL);
            else if (!mode && at + length > meta.st_size)
                record('T', meta.st_ino, (uint64_t)(at + length), "", 0, NULL);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}
int fallocate64(int fd, int mode, off_t at, off_t length) { return fallocate(fd, mode, at, length); }
int posix_fallocate(int fd, off_t at, off_t length) { return fallocate(fd, 0, at, length) ? errno : 0; }
int posix_fallocate64(int fd, off_t at, off_t length) { return posix_fallocate(fd, at, length); }

/* ---- syncs ---- */

static int synced(int fd, long call) {
    pthread_mutex_lock(&lock);
    struct stat meta;
    struct seen *file = file_of(fd, &meta);
    int outcome = 0, why = 0;
    if (!file) {
        pthread_mutex_unlock(&lock);
        return (int)syscall(call, fd);
    }
    if (S_ISREG(meta.st_mode) && ++syncs == sync_to_fail) {
        outcome = -1, why = EIO;
        record('F', meta.st_ino, 0, "", 0, NULL);
    } else if (syncing == SYNC_ON || (syncing == SYNC_OFF_DB && !file->below_db))
        record('S', meta.st_ino, 0, "", 0, NULL);
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
/* Starts or awaits writing, and by its manual page promises nothing after a crash. */
int sync_file_range(int fd, off_t at, off_t length, unsigned flags) {
    return is_ours(fd) ? 0 : (int)syscall(SYS_sync_file_range, fd, at, length, flags);
}
int syncfs(int fd) { unknown(fd, "syncfs"); return (int)syscall(SYS_syncfs, fd); }
int msync(void *where, size_t length, int flags) { return (int)syscall(SYS_msync, where, length, flags); }
