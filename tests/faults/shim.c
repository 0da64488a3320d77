/*
 * Makes writes and syncs to the files of one folder fail. Loaded with LD_PRELOAD. SHIM_FOLDER is the folder. SHIM_FAULTS
 * is another folder, which may contain:
 *
 *     write-EIO, write-ENOSPC    writes fail while this file exists
 *     sync-EIO                   syncs fail while this file exists
 *     next-sync-EIO              the next sync fails and removes this file
 *     disk/<name>                the contents on disk of the file <name>
 *
 * Names and lengths of files are on disk at once. A failed sync loses the data that it should have written. Linux
 * behaves in this way: it treats the data as written from then on. The program can still read it, since it is in memory.
 *
 * The -shm file is not affected, since it is not read after a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PATH 1024

/* Writes that are not synced yet. */
struct change {
    char name[64];
    off_t offset;
    size_t length;
    struct change *next;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct change *changes;
static const char *folder, *faults;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("SHIM_FOLDER");
    faults = getenv("SHIM_FAULTS");
    if (!folder || !faults) abort();
}

/* The name of an open file in the folder. False for any other file. */
static int is_ours(int file, char *name) {
    char link[64], path[PATH];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    size_t before = strlen(folder);
    if (strncmp(path, folder, before) != 0 || path[before] != '/') return 0;
    const char *found = path + before + 1;
    size_t end = strlen(found);
    if (end >= 64 || (end > 4 && strcmp(found + end - 4, "-shm") == 0)) return 0;
    strcpy(name, found);
    return 1;
}

static int is_there(const char *fault) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", faults, fault);
    return access(path, F_OK) == 0;
}

static int happens_once(const char *fault) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", faults, fault);
    return REAL(unlink)(path) == 0;
}

static int disk(const char *name) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/disk/%s", faults, name);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) abort();
    return file;
}

static void remember(const char *name, off_t offset, size_t length) {
    struct change *change = malloc(sizeof *change);
    if (!change) abort();
    strcpy(change->name, name);
    change->offset = offset;
    change->length = length;
    pthread_mutex_lock(&turn);
    change->next = changes;
    changes = change;
    pthread_mutex_unlock(&turn);
}

/* Removes the changes of a file from the list, and writes them to the disk unless they are lost. The order makes no
 * difference: all of them have the current contents of the file. */
static void settle(int file, const char *name, int is_lost) {
    pthread_mutex_lock(&turn);
    int to = disk(name);
    for (struct change **at = &changes; *at;) {
        struct change *change = *at;
        if (strcmp(change->name, name) != 0) {
            at = &change->next;
            continue;
        }
        char *bytes = malloc(change->length);
        if (!bytes) abort();
        ssize_t length = is_lost ? 0 : pread(file, bytes, change->length, change->offset);
        if (length > 0 && REAL(pwrite)(to, bytes, (size_t)length, change->offset) != length) abort();
        free(bytes);
        *at = change->next;
        free(change);
    }
    close(to);
    pthread_mutex_unlock(&turn);
}

static int write_fails(void) {
    if (is_there("write-EIO")) errno = EIO;
    else if (is_there("write-ENOSPC")) errno = ENOSPC;
    else return 0;
    return 1;
}

ssize_t write(int file, const void *bytes, size_t length) {
    char name[64];
    if (!is_ours(file, name)) return REAL(write)(file, bytes, length);
    if (write_fails()) return -1;
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t written = REAL(write)(file, bytes, length);
    if (written > 0) remember(name, offset, (size_t)written);
    return written;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    char name[64];
    if (!is_ours(file, name)) return REAL(pwrite)(file, bytes, length, offset);
    if (write_fails()) return -1;
    ssize_t written = REAL(pwrite)(file, bytes, length, offset);
    if (written > 0) remember(name, offset, (size_t)written);
    return written;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    return pwrite(file, bytes, length, offset);
}

static int sync_file(int file, int (*real)(int)) {
    char name[64];
    if (!is_ours(file, name)) return real(file);
    int fails = is_there("sync-EIO") || happens_once("next-sync-EIO");
    settle(file, name, fails);
    if (!fails) return real(file);
    errno = EIO;
    return -1;
}

int fsync(int file) { return sync_file(file, REAL(fsync)); }

int fdatasync(int file) { return sync_file(file, REAL(fdatasync)); }

int ftruncate(int file, off_t length) {
    char name[64];
    int done = REAL(ftruncate)(file, length);
    if (done == 0 && is_ours(file, name)) {
        int to = disk(name);
        if (REAL(ftruncate)(to, length) != 0) abort();
        close(to);
    }
    return done;
}

int unlink(const char *path) {
    size_t before = strlen(folder);
    if (strncmp(path, folder, before) == 0 && path[before] == '/') {
        char gone[PATH];
        snprintf(gone, sizeof gone, "%s/disk/%s", faults, path + before + 1);
        REAL(unlink)(gone);
    }
    return REAL(unlink)(path);
}

int ftruncate64(int file, off64_t length) { return ftruncate(file, length); }
