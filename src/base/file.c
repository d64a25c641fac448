#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_file(void *file) {
    if (*(int *)file >= 0) {
        close(*(int *)file);
        *(int *)file = -1;
    }
}

static enum status fail(struct scope *scope, const char *path, const char *what) {
    char reason[128];
    const char *said = strerror_r(errno, reason, sizeof reason);
    enum status status = errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_FAILED;
    return fault(scope, status, "", "%s: %s: %s", path, what, said);
}

enum status file_read(struct text *out, const char *path, size_t limit_bytes, struct scope *scope) {
    int *file = ARENA_NEW(scope->arena, int);
    *file = -1;
    arena_defer(scope->arena, close_file, file); /* before opening: what follows allocates and may leave */
    *file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (*file < 0 || fstat(*file, &about) != 0) {
        return fail(scope, path, "cannot be opened");
    }
    /* the size is only a first guess: a pipe has none, and a file may grow meanwhile */
    size_t capacity = S_ISREG(about.st_mode) && about.st_size > 0 ? (size_t)about.st_size : 4096;
    capacity = capacity > limit_bytes ? limit_bytes : capacity;
    char *at = arena_take(scope->arena, capacity + 1);
    size_t size = 0;
    for (;;) {
        ssize_t got = read(*file, at + size, capacity + 1 - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            enum status status = fail(scope, path, "cannot be read");
            close_file(file);
            return status;
        }
        size += (size_t)got;
        if (got == 0 || size > limit_bytes) {
            break;
        }
        if (size > capacity) {
            size_t wider = capacity > limit_bytes / 2 ? limit_bytes : capacity * 2;
            at = arena_grow(scope->arena, at, capacity + 1, wider + 1);
            capacity = wider;
        }
    }
    close_file(file);
    if (size > limit_bytes) {
        return fault(scope, STATUS_TOO_LARGE, "", "%s: larger than %zu bytes", path, limit_bytes);
    }
    at[size] = '\0';
    *out = (struct text){at, size};
    return STATUS_OK;
}
