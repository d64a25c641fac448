#include "cli/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_NEW = 0644 };

static enum status refuse(const char *path, int why, struct scope *scope) {
    return fault(scope, why == ENOSPC || why == EDQUOT ? STATUS_STORAGE_FULL : STATUS_FAILED, path,
        "cannot be written: %s", strerror(why));
}

/* 0, or why not. */
static int write_all(int file, struct text bytes) {
    while (bytes.size > 0) {
        ssize_t wrote = write(file, bytes.at, bytes.size);
        if (wrote < 0 && errno != EINTR)
            return errno;
        bytes.at += wrote > 0 ? wrote : 0;
        bytes.size -= wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

static int write_in_place(const char *path, struct text bytes) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int why = write_all(file, bytes);
    return close(file) != 0 && why == 0 ? errno : why;
}

static int write_beside(const char *path, const char *beside, mode_t mode, struct text bytes) {
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (file < 0)
        return errno;
    int why = write_all(file, bytes);
    if (why == 0 && fsync(file) != 0)
        why = errno;
    if (close(file) != 0 && why == 0)
        why = errno;
    if (why == 0 && rename(beside, path) != 0)
        why = errno;
    if (why != 0)
        (void)unlink(beside);
    return why;
}

enum status result_write(const char *path, struct text bytes, struct scope *scope) {
    struct stat about;
    bool exists = stat(path, &about) == 0;
    char *real = exists ? realpath(path, NULL) : NULL; /* behind links: they stay */
    const char *target = real != NULL ? text_string(scope->arena, text_from(real)) : path;
    free(real);
    int why = exists && !S_ISREG(about.st_mode) ? write_in_place(path, bytes)
                                                : write_beside(target, text_format(scope->arena, "%s.new", target).at,
                                                      exists ? about.st_mode & 0777 : MODE_NEW, bytes);
    return why == 0 ? STATUS_OK : refuse(path, why, scope);
}

enum status result_check(const char *path, struct scope *scope) {
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return refuse(path, EISDIR, scope);
    if (access(path, F_OK) == 0 && access(path, W_OK) != 0)
        return refuse(path, errno, scope);
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL ? "." : text_format(scope->arena, "%.*s", (int)(slash - path) + 1, path).at;
    if (access(path, F_OK) != 0 && access(folder, W_OK | X_OK) != 0)
        return refuse(path, errno, scope);
    return STATUS_OK;
}
