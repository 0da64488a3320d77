/*
 * Logs the operations of a program on the files of one folder, in their order. Loaded with LD_PRELOAD. DISK_FOLDER is
 * the folder, DISK_LOG the log, DISK_SYNC_MICROS the additional duration of a sync.
 *
 * Each entry is a line. The written bytes follow the line of a write:
 *
 *     C <inode> <name>              a file is created
 *     U <name>                      its name is removed
 *     W <inode> <offset> <length>   bytes are written
 *     T <inode> <length>            it is truncated or extended to a length
 *     S <inode>                     all of it is on disk
 *     D                             the folder's names are on disk
 *     X <call>                      a call that this shim does not model
 *
 * The -shm file is left out, since it is not read after a power failure.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* One operation at a time, so that the log has the order of the disk. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
/* For each file descriptor: the inode of a file in the folder, 1 for the folder itself, or 0. */
static unsigned long tracked[FILES];
static const char *folder;
static useconds_t sync_micros;
static int log_file = -1;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("DISK_FOLDER");
    const char *micros = getenv("DISK_SYNC_MICROS");
    sync_micros = micros ? (useconds_t)atoi(micros) : 0;
    log_file = REAL(open)(getenv("DISK_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (!folder || log_file < 0) abort();
}

static void put(const void *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = REAL(write)(log_file, bytes, length);
        if (written <= 0) abort();
        bytes = (const char *)bytes + written;
        length -= (size_t)written;
    }
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line) abort();
    put(line, (size_t)length);
}

static unsigned long inode_of(int file) { return file >= 0 && file < FILES ? tracked[file] : 0; }

/* The name of a file in the folder. NULL for any other file. */
static const char *name_of(const char *path) {
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
    const char *name = path + length + 1;
    size_t end = strlen(name);
    return end >= 4 && strcmp(name + end - 4, "-shm") == 0 ? NULL : name;
}

static int opened(int directory, const char *path, int flags, mode_t mode) {
    const char *name = name_of(path);
    int is_folder = strcmp(path, folder) == 0;
    if (!name && !is_folder) return REAL(openat)(directory, path, flags, mode);
    pthread_mutex_lock(&turn);
    int is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
    int file = REAL(openat)(directory, path, flags, mode);
    struct stat status;
    if (file >= FILES || (file >= 0 && fstat(file, &status) != 0)) abort();
    if (file >= 0) {
        tracked[file] = is_folder ? 1 : (unsigned long)status.st_ino;
        if (is_new) note("C %lu %s\n", tracked[file], name);
        if (!is_new && (flags & O_TRUNC)) note("T %lu 0\n", tracked[file]);
    }
    pthread_mutex_unlock(&turn);
    return file;
}

#define OPENED(directory)                                                                                              \
    mode_t mode = 0;                                                                                                   \
    if (flags & O_CREAT) {                                                                                             \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode = va_arg(arguments, mode_t);                                                                              \
        va_end(arguments);                                                                                             \
    }                                                                                                                  \
    return opened(directory, path, flags, mode)

int open(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int openat(int directory, const char *path, int flags, ...) { OPENED(directory); }
int openat64(int directory, const char *path, int flags, ...) { OPENED(directory); }

int close(int file) {
    pthread_mutex_lock(&turn);
    if (inode_of(file)) tracked[file] = 0;
    int result = REAL(close)(file);
    pthread_mutex_unlock(&turn);
    return result;
}

static ssize_t written(int file, const void *bytes, size_t length, off_t offset, int is_at) {
    unsigned long inode = inode_of(file);
    if (!inode) return is_at ? REAL(pwrite)(file, bytes, length, offset) : REAL(write)(file, bytes, length);
    pthread_mutex_lock(&turn);
    if (!is_at) offset = lseek(file, 0, SEEK_CUR);
    ssize_t result = REAL(pwrite)(file, bytes, length, offset);
    if (result > 0) {
        if (!is_at) lseek(file, offset + result, SEEK_SET);
        note("W %lu %lld %zd\n", inode, (long long)offset, result);
        put(bytes, (size_t)result);
    }
    pthread_mutex_unlock(&turn);
    return result;
}

ssize_t write(int file, const void *bytes, size_t length) { return written(file, bytes, length, 0, 0); }
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { return written(file, bytes, length, offset, 1); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset) { return written(file, bytes, length, offset, 1); }

static int truncated(int file, off_t length) {
    unsigned long inode = inode_of(file);
    if (!inode) return REAL(ftruncate)(file, length);
    pthread_mutex_lock(&turn);
    int result = REAL(ftruncate)(file, length);
    if (result == 0) note("T %lu %lld\n", inode, (long long)length);
    pthread_mutex_unlock(&turn);
    return result;
}

int ftruncate(int file, off_t length) { return truncated(file, length); }
int ftruncate64(int file, off_t length) { return truncated(file, length); }

static int synced(int file, int (*sync)(int)) {
    unsigned long inode = inode_of(file);
    if (!inode) return sync(file);
    pthread_mutex_lock(&turn);
    /* The delay reveals an answer that did not wait for the sync. */
    usleep(sync_micros);
    int result = sync(file);
    if (result == 0 && inode == 1) note("D\n");
    if (result == 0 && inode != 1) note("S %lu\n", inode);
    pthread_mutex_unlock(&turn);
    return result;
}

int fsync(int file) { return synced(file, REAL(fsync)); }
int fdatasync(int file) { return synced(file, REAL(fdatasync)); }

int unlink(const char *path) {
    const char *name = name_of(path);
    if (!name) return REAL(unlink)(path);
    pthread_mutex_lock(&turn);
    int result = REAL(unlink)(path);
    if (result == 0) note("U %s\n", name);
    pthread_mutex_unlock(&turn);
    return result;
}

/* SQLite uses none of these calls on its files. If this changes, the test must not pass by mistake. */
int rename(const char *from, const char *to) {
    if (name_of(from) || name_of(to)) note("X rename\n");
    return REAL(rename)(from, to);
}
ssize_t writev(int file, const struct iovec *parts, int count) {
    if (inode_of(file)) note("X writev\n");
    return REAL(writev)(file, parts, count);
}
int fallocate(int file, int mode, off_t offset, off_t length) {
    if (inode_of(file)) note("X fallocate\n");
    return REAL(fallocate)(file, mode, offset, length);
}
