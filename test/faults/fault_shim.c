/* A library to preload (LD_PRELOAD) into the program: makes the n-th call of a kind fail, as the system would.
 *
 * SOYANG_FAULTS names a file of at least sizeof(struct control), shared with the driver (test/faults/faults.py), which counts
 * and arms. With SOYANG_FAULTS_TRACE=1 the stack of each failing call goes to standard error. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum fault_kind { FAULT_MEMORY, FAULT_WRITE, FAULT_SYNC, FAULT_READ, FAULT_OPEN, FAULT_SQL, FAULT_KINDS };
enum { FAULT_ONCE, FAULT_FROM_THEN_ON };

/* Written by the driver, counted here; faults.py knows the layout. */
struct control {
    _Atomic uint32_t armed; /* 1 + the kind; 0: none */
    uint32_t lasting;
    _Atomic int64_t countdown; /* 1: the next call */
    int32_t error;             /* errno, or SQLite's code */
    uint32_t padding;
    int64_t clock_offset_s; /* added to the wall clock */
    _Atomic uint64_t fired;
    _Atomic uint64_t calls[FAULT_KINDS];
};

static struct control none, *control = &none;
static bool traces;
static _Thread_local int sql_code;   /* what the last failed call says, until the next one */
static _Thread_local bool is_inside; /* the shim's own calls do not count */
static _Thread_local int sql_depth;  /* SQLite's calls of itself do not count */

static void find(void *out, const char *name) {
    void *at = dlsym(RTLD_NEXT, name);
    memcpy(out, &at, sizeof at);
}

#define REAL(name)                                                                                                     \
    static __typeof__(name) *real;                                                                                     \
    if (real == NULL) {                                                                                                \
        find(&real, #name);                                                                                            \
    }

static void trace(void) {
    void *stack[24];
    is_inside = true;
    int depth = backtrace(stack, 24);
    (void)!write(STDERR_FILENO, "fault injected at\n", 18);
    backtrace_symbols_fd(stack, depth, STDERR_FILENO);
    is_inside = false;
}

static bool fails(enum fault_kind kind) {
    if (is_inside) {
        return false;
    }
    atomic_fetch_add_explicit(&control->calls[kind], 1, memory_order_relaxed);
    if (atomic_load_explicit(&control->armed, memory_order_acquire) != (uint32_t)kind + 1) {
        return false;
    }
    int64_t left = atomic_fetch_sub_explicit(&control->countdown, 1, memory_order_relaxed);
    if (left > 1 || (left < 1 && control->lasting == FAULT_ONCE)) {
        return false;
    }
    atomic_fetch_add_explicit(&control->fired, 1, memory_order_relaxed);
    if (traces) {
        trace();
    }
    return true;
}

static bool fails_with_errno(enum fault_kind kind) {
    bool failed = fails(kind);
    if (failed) {
        errno = control->error;
    }
    return failed;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("SOYANG_FAULTS");
    is_inside = true;
    void *stack[2];
    (void)backtrace(stack, 2); /* its first call loads a library */
    traces = getenv("SOYANG_FAULTS_TRACE") != NULL;
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *at = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) {
        close(file);
    }
    if (at != MAP_FAILED) {
        control = at;
    }
    is_inside = false;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* dlsym itself allocates before the real functions are known. */
static _Alignas(16) unsigned char first_bytes[16384];
static _Atomic size_t first_used;

static bool is_first(const void *at) {
    return (uintptr_t)at - (uintptr_t)first_bytes < sizeof first_bytes;
}

static void *take_first(size_t size) {
    size_t at = atomic_fetch_add(&first_used, (size + 31) & ~(size_t)15);
    if (at + size + 16 > sizeof first_bytes) {
        abort();
    }
    memcpy(first_bytes + at, &size, sizeof size);
    return first_bytes + at + 16;
}

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    bool is_ready;
} heap;

static bool heap_ready(void) {
    static _Thread_local bool is_looking;
    if (heap.is_ready || is_looking) {
        return heap.is_ready;
    }
    is_looking = true;
    find(&heap.malloc, "malloc");
    find(&heap.calloc, "calloc");
    find(&heap.realloc, "realloc");
    find(&heap.free, "free");
    find(&heap.posix_memalign, "posix_memalign");
    find(&heap.aligned_alloc, "aligned_alloc");
    heap.is_ready = true;
    is_looking = false;
    return true;
}

static bool no_memory(void) {
    bool failed = fails(FAULT_MEMORY);
    if (failed) {
        errno = ENOMEM;
    }
    return failed;
}

EXPORTED void *malloc(size_t size) {
    if (!heap_ready()) {
        return take_first(size);
    }
    return no_memory() ? NULL : heap.malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size) {
    if (!heap_ready()) {
        return take_first(count * size); /* zero from the start */
    }
    return no_memory() ? NULL : heap.calloc(count, size);
}

EXPORTED void *realloc(void *old, size_t size) {
    if (is_first(old)) {
        size_t old_size;
        memcpy(&old_size, (unsigned char *)old - 16, sizeof old_size);
        void *at = malloc(size);
        return at == NULL ? NULL : memcpy(at, old, old_size < size ? old_size : size);
    }
    if (!heap_ready()) {
        return old == NULL ? take_first(size) : NULL;
    }
    return no_memory() ? NULL : heap.realloc(old, size);
}

EXPORTED void *reallocarray(void *old, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

EXPORTED void free(void *at) {
    if (at != NULL && !is_first(at) && heap_ready()) {
        heap.free(at);
    }
}

EXPORTED int posix_memalign(void **out, size_t alignment, size_t size) {
    heap_ready();
    return fails(FAULT_MEMORY) ? ENOMEM : heap.posix_memalign(out, alignment, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size) {
    heap_ready();
    return no_memory() ? NULL : heap.aligned_alloc(alignment, size);
}

EXPORTED void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    REAL(mmap)
    return no_memory() ? MAP_FAILED : real(at, size, protection, flags, file, offset);
}

EXPORTED void *mmap64(void *at, size_t size, int protection, int flags, int file, off64_t offset) {
    REAL(mmap64)
    return no_memory() ? MAP_FAILED : real(at, size, protection, flags, file, offset);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

/* Sockets, pipes and the standard streams do not count. */
static bool is_kept(int file) {
    struct stat stat;
    return file > STDERR_FILENO && fstat(file, &stat) == 0 && S_ISREG(stat.st_mode);
}

EXPORTED ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    REAL(pwrite)
    return is_kept(file) && fails_with_errno(FAULT_WRITE) ? -1 : real(file, bytes, size, offset);
}

EXPORTED ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
    REAL(pwrite64)
    return is_kept(file) && fails_with_errno(FAULT_WRITE) ? -1 : real(file, bytes, size, offset);
}

EXPORTED ssize_t write(int file, const void *bytes, size_t size) {
    REAL(write)
    return is_kept(file) && fails_with_errno(FAULT_WRITE) ? -1 : real(file, bytes, size);
}

EXPORTED int ftruncate(int file, off_t size) {
    REAL(ftruncate)
    return fails_with_errno(FAULT_WRITE) ? -1 : real(file, size);
}

EXPORTED int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64)
    return fails_with_errno(FAULT_WRITE) ? -1 : real(file, size);
}

EXPORTED int posix_fallocate(int file, off_t offset, off_t size) {
    REAL(posix_fallocate)
    return fails(FAULT_WRITE) ? control->error : real(file, offset, size);
}

EXPORTED int fsync(int file) {
    REAL(fsync)
    return fails_with_errno(FAULT_SYNC) ? -1 : real(file);
}

EXPORTED int fdatasync(int file) {
    REAL(fdatasync)
    return fails_with_errno(FAULT_SYNC) ? -1 : real(file);
}

EXPORTED ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
    REAL(pread)
    return fails_with_errno(FAULT_READ) ? -1 : real(file, bytes, size, offset);
}

EXPORTED ssize_t pread64(int file, void *bytes, size_t size, off64_t offset) {
    REAL(pread64)
    return fails_with_errno(FAULT_READ) ? -1 : real(file, bytes, size, offset);
}

static int mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, int) : 0;
}

EXPORTED int open(const char *path, int flags, ...) {
    REAL(open)
    va_list arguments;
    va_start(arguments, flags);
    int mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails_with_errno(FAULT_OPEN) ? -1 : real(path, flags, mode);
}

EXPORTED int open64(const char *path, int flags, ...) {
    REAL(open64)
    va_list arguments;
    va_start(arguments, flags);
    int mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails_with_errno(FAULT_OPEN) ? -1 : real(path, flags, mode);
}

/* ---- SQLite ----------------------------------------------------------------------------------------------------- */

static bool sql_fails(void) {
    bool failed = sql_depth == 0 && fails(FAULT_SQL);
    sql_code = failed ? control->error : SQLITE_OK;
    return failed;
}

EXPORTED int sqlite3_step(sqlite3_stmt *statement) {
    REAL(sqlite3_step)
    if (sql_fails()) {
        return sql_code;
    }
    sql_depth++;
    int code = real(statement);
    sql_depth--;
    return code;
}

EXPORTED int sqlite3_prepare_v3(
    sqlite3 *database, const char *sql, int size, unsigned flags, sqlite3_stmt **out, const char **tail) {
    REAL(sqlite3_prepare_v3)
    if (sql_fails()) {
        *out = NULL;
        return sql_code;
    }
    sql_depth++;
    int code = real(database, sql, size, flags, out, tail);
    sql_depth--;
    return code;
}

EXPORTED int sqlite3_exec(
    sqlite3 *database, const char *sql, int (*row)(void *, int, char **, char **), void *context, char **error) {
    REAL(sqlite3_exec)
    if (sql_fails()) {
        return sql_code;
    }
    sql_depth++;
    int code = real(database, sql, row, context, error);
    sql_depth--;
    return code;
}

EXPORTED int sqlite3_wal_checkpoint_v2(sqlite3 *database, const char *schema, int mode, int *log, int *done) {
    REAL(sqlite3_wal_checkpoint_v2)
    if (sql_fails()) {
        return sql_code;
    }
    sql_depth++;
    int code = real(database, schema, mode, log, done);
    sql_depth--;
    return code;
}

EXPORTED int sqlite3_extended_errcode(sqlite3 *database) {
    REAL(sqlite3_extended_errcode)
    return sql_code != SQLITE_OK ? sql_code : real(database);
}

EXPORTED int sqlite3_errcode(sqlite3 *database) {
    REAL(sqlite3_errcode)
    return sql_code != SQLITE_OK ? sql_code & 0xff : real(database);
}

/* ---- the clock -------------------------------------------------------------------------------------------------- */

/* The wall clock jumps by clock_offset_s; the monotonic one goes on. */
EXPORTED int clock_gettime(clockid_t which, struct timespec *out) {
    REAL(clock_gettime)
    int code = real(which, out);
    if (code == 0 && which == CLOCK_REALTIME) {
        out->tv_sec += control->clock_offset_s;
    }
    return code;
}
