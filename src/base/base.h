/* base: what every module stands on: status and faults, arenas, text, JSON, clock, ids, digests, log.
 *
 * Knows nothing of FHIR, HTTP or SQL.
 *
 * Lifetimes. There are three: the process, a handle (opaque, with open and close), a scope. Whatever a function
 * returns through an `out` parameter lives in `scope->arena` unless its contract says otherwise; nobody frees it.
 *
 * Memory. `arena_alloc` never returns NULL. When the arena's limit is passed or the system has no memory, it leaves
 * by the arena's escape (see `scope_run`), which ends the whole unit of work with STATUS_TOO_COSTLY or
 * STATUS_UNAVAILABLE. Two rules follow: never allocate from an arena while holding a lock, and register with
 * `arena_defer` whatever must be closed when the unit ends.
 *
 * Threads. An arena and a scope belong to one thread at a time. Clock, log and id source may be shared. */
#ifndef SOYANG_BASE_H
#define SOYANG_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_index, first_index) __attribute__((format(printf, text_index, first_index)))

/* Stays on in release: a broken invariant ends the process, since an acknowledged write survives that and a wrong answer
 * does not heal. */
#define invariant(condition) ((condition) ? (void)0 : invariant_broken(__FILE__, __LINE__, #condition))
_Noreturn void invariant_broken(const char *file, int line, const char *condition);

/* ---- status and faults ------------------------------------------------------------------------------------------ */

/* One word for one kind of outcome; `server` maps each to one HTTP status and one OperationOutcome code. */
enum status {
    STATUS_OK,
    STATUS_INVALID,       /* 400: malformed, or not what the definition allows */
    STATUS_DENIED,        /* 403: the caller may not */
    STATUS_NOT_FOUND,     /* 404 */
    STATUS_CONFLICT,      /* 409: a claim is held, an illegal transition, an id clash */
    STATUS_GONE,          /* 410: deleted, or a cursor too old */
    STATUS_PRECONDITION,  /* 412: If-Match, or several matches of a conditional URL */
    STATUS_TOO_LARGE,     /* 413: a byte limit */
    STATUS_UNPROCESSABLE, /* 422: well-formed, but breaks a rule of the house */
    STATUS_TOO_COSTLY,    /* 403 with code too-costly: a limit on steps, rows, time or memory */
    STATUS_UNSUPPORTED,   /* 501, or 404/405/406/415 where the server knows better */
    STATUS_FAILED,        /* 500: the disk or the database failed us */
    STATUS_UNAVAILABLE,   /* 503: try again later */
    STATUS_STORAGE_FULL,  /* 507 */
};
const char *status_name(enum status status); /* "not-found" */

/* One thing that is wrong, said once, where it was found. `path` is a FHIRPath-like element path ("Patient.name[0]"),
 * or "" where there is none. Neither ever holds a patient's value. */
struct issue {
    struct issue *next;
    enum status status;
    const char *code; /* OperationOutcome.issue.code when the status alone does not say it ("duplicate"), else NULL */
    const char *path;
    const char *text;
};

enum { FAULT_ISSUES_MAX = 32 }; /* further ones are counted, not kept */

struct fault {
    struct issue *first, *last;
    int count; /* all, kept or not */
};

/* One per unit of work, always the last parameter. */
struct scope {
    struct arena *arena;
    int64_t deadline_us; /* against clock_monotonic_us(); 0: none */
    struct fault fault;
};

/* Adds an issue and returns `status`, so that a fault is said in one line: return fault(scope, STATUS_INVALID, path, ...).
 * Neither leaves by the arena's escape: a fault can be said when memory is gone. */
enum status fault(struct scope *scope, enum status status, const char *path, const char *format, ...) PRINTF_LIKE(4, 5);
enum status fault_coded(struct scope *scope, enum status status, const char *code, const char *path, const char *format,
    ...) PRINTF_LIKE(5, 6);
/* Copies the issues of `from` behind those of `scope`, into its arena: for work that was done in another scope. */
void fault_carry(struct scope *scope, const struct fault *from);
/* STATUS_TOO_COSTLY once the scope's deadline has passed. Call it in every loop whose length a client chooses. */
MUST_CHECK enum status scope_check_deadline(struct scope *scope);

/* Runs one unit of work. `work` gets a fresh scope on `arena`; if memory runs out inside, everything registered with
 * arena_defer is closed and the status is STATUS_TOO_COSTLY (the arena's limit) or STATUS_UNAVAILABLE (the system's),
 * with an issue that says so. The issues stay readable in *scope until the arena is closed or reset. */
typedef enum status scope_work(void *context, struct scope *scope);
MUST_CHECK enum status scope_run(struct scope *scope, struct arena *arena, scope_work *work, void *context);

/* ---- arenas ----------------------------------------------------------------------------------------------------- */

struct arena;
/* Returns NULL when the system has no memory. `limit_bytes` bounds what may be taken from it. */
struct arena *arena_open(size_t limit_bytes);
void arena_close(struct arena *arena);               /* accepts NULL; runs the deferred calls, last first */
void arena_reset(struct arena *arena);               /* the same, but keeps the first chunk for the next unit */
void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any object, never NULL */
void *arena_bytes(struct arena *arena, size_t size); /* the same, not zeroed: for bytes that are written at once */
void *arena_array(struct arena *arena, size_t count, size_t size);                    /* the same; overflow-checked */
void *arena_resize(struct arena *arena, void *old, size_t old_size, size_t new_size); /* grows in place where it can */
size_t arena_used(const struct arena *arena);
void arena_defer(struct arena *arena, void (*close)(void *), void *object);
yyjson_alc arena_json_allocator(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* A slice of bytes, UTF-8 where it is prose. Not terminated, unless a contract says so. {NULL, 0} is "none". */
struct text {
    const char *at;
    size_t size;
};
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
struct text text_from(const char *string); /* NULL gives none */
bool text_equal(struct text a, struct text b);
bool text_is(struct text a, const char *string);
bool text_starts(struct text a, const char *prefix);
bool text_ends(struct text a, const char *suffix);
int text_compare(struct text a, struct text b); /* memcmp, then the shorter first */
struct text text_trim(struct text a);           /* ASCII white space */
/* Cuts *rest at the first `separator`: returns what stands before it and leaves what follows; when there is none
 * returns all and leaves none (at == NULL). */
struct text text_cut(struct text *rest, char separator);
struct text text_copy(struct arena *arena, struct text a);
const char *text_string(struct arena *arena, struct text a);                             /* a terminated copy */
struct text text_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3); /* terminated too */
bool text_to_int64(int64_t *out, struct text a); /* the whole slice, decimal, no overflow */
bool text_to_double(double *out, struct text a); /* the whole slice, C locale, finite */
bool text_is_utf8(struct text a);
/* Search form: NFC, case-folded, marks removed from Latin letters (Hangul stays composed), runs of white space as
 * one blank, none at the ends. */
struct text text_fold(struct arena *arena, struct text a);

/* Growing bytes in an arena. Appending past `limit` leaves the buffer marked full: check once, at the end. */
struct buffer {
    struct arena *arena;
    char *at;
    size_t size, capacity, limit;
    bool full;
};
struct buffer buffer_open(struct arena *arena, size_t limit_bytes);
void buffer_put(struct buffer *buffer, struct text text);
void buffer_put_string(struct buffer *buffer, const char *string);
void buffer_put_char(struct buffer *buffer, char c);
/* Never for JSON, SQL or HTML. */
void buffer_put_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
struct text buffer_text(const struct buffer *buffer);

/* ---- Korean ------------------------------------------------------------------------------------------------------ */

/* How a word ends as Korean reads it aloud: Hangul, digits, capitals letter by letter ("CT", 티), other Latin words as they are usually written in
 * Hangul, units, "%". Quotes and brackets at its end count for nothing. Unknown: nothing of these. */
enum korean_end { KOREAN_END_UNKNOWN, KOREAN_END_OPEN, KOREAN_END_CLOSED, KOREAN_END_RIEUL };
enum korean_end korean_end(struct text word);
/* The same sentence with the particle that fits where both are written: 이(가), 을(를), 은(는), 와(과), (으)로. */
struct text korean_particles(struct arena *arena, struct text sentence);

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

/* Values are yyjson's immutable ones, numbers kept as their text (raw): 1.0 and 1.00 stay distinct.
 * Reading refuses what FHIR refuses: duplicate members, U+0000, invalid UTF-8, depth over JSON_DEPTH_MAX, trailing bytes. */
enum { JSON_DEPTH_MAX = 64 };
MUST_CHECK enum status json_read(yyjson_doc **out, struct text source, struct scope *scope);

yyjson_val *json_get(const yyjson_val *object, const char *name); /* NULL when absent or not an object */
struct text json_text(const yyjson_val *value);                   /* none unless a string */
struct text json_get_text(const yyjson_val *object, const char *name);
struct text json_number_text(const yyjson_val *value); /* none unless a number */
bool json_get_bool(bool *out, const yyjson_val *object, const char *name);
bool json_get_int64(int64_t *out, const yyjson_val *object, const char *name);
size_t json_count(const yyjson_val *array);                 /* 0 when it is no list */
yyjson_val *json_at(const yyjson_val *array, size_t index); /* NULL when it is no list or ends before */
/* A list of exactly `count` numbers, none negative, not all zero: how something is shared out. `path` is for the fault. */
MUST_CHECK enum status json_shares(
    double *out, size_t count, const yyjson_val *array, const char *path, struct scope *scope);
bool json_get_double(double *out, const yyjson_val *object, const char *name);
bool json_equal(const yyjson_val *a, const yyjson_val *b); /* members in any order, numbers by their text */

/* Writes minified JSON. Misuse (a value where a name is due) is a bug and breaks an invariant. What was read is shown inside of
 * something (a Bundle, Parameters): of the depths that can be written half are for what encloses a document of JSON_DEPTH_MAX. */
enum { JSON_WRITE_DEPTH_MAX = 2 * JSON_DEPTH_MAX };
struct json_writer {
    struct buffer buffer;
    uint64_t object_bits[JSON_WRITE_DEPTH_MAX / 64], comma_bits[JSON_WRITE_DEPTH_MAX / 64]; /* one bit a depth */
    int depth;
    bool after_name;
};
struct json_writer json_writer_open(struct arena *arena, size_t limit_bytes);
void json_object_open(struct json_writer *w);
void json_object_close(struct json_writer *w);
void json_array_open(struct json_writer *w);
void json_array_close(struct json_writer *w);
void json_name(struct json_writer *w, const char *name);
void json_name_text(struct json_writer *w, struct text name);
void json_string(struct json_writer *w, const char *value);
void json_string_text(struct json_writer *w, struct text value);
void json_int(struct json_writer *w, int64_t value);
void json_decimal(struct json_writer *w, double value, int decimals); /* fixed point */
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_value(
    struct json_writer *w, const yyjson_val *value);    /* a whole subtree, member order and number text kept */
void json_raw(struct json_writer *w, struct text json); /* trusted, already valid JSON */
/* name + value in one call */
void json_member_string(struct json_writer *w, const char *name, const char *value); /* NULL: the member is left out */
void json_member_text(struct json_writer *w, const char *name, struct text value);   /* none: left out */
void json_member_int(struct json_writer *w, const char *name, int64_t value);
void json_member_decimal(struct json_writer *w, const char *name, double value, int decimals);
void json_member_bool(struct json_writer *w, const char *name, bool value);
MUST_CHECK enum status json_finish(
    struct text *out, struct json_writer *w, struct scope *scope); /* TOO_LARGE when full */

/* ---- clock, ids, digests, log ----------------------------------------------------------------------------------- */

/* The one clock: `cli` opens it and everybody is handed it. `speed` > 1 runs the demonstration's time faster from the
 * moment of opening; tests open one that stands still until told. */
struct clock;
struct clock *clock_open(double speed);
struct clock *clock_open_manual(int64_t start_us);
void clock_close(struct clock *clock);
int64_t clock_now_us(const struct clock *clock); /* µs since 1970 UTC; never goes back while the process lives */
double clock_speed(const struct clock *clock);
void clock_set_speed(struct clock *clock, double speed); /* from now on; by one thread */
void clock_advance(struct clock *clock, int64_t by_us);  /* manual clocks, and demonstrations (speed other than 1) */
int64_t clock_monotonic_us(void);                        /* real time, for latencies and deadlines of work */

enum { TIME_TEXT_SIZE = 32 };
/* 2026-11-22T03:04:05.678Z; before the year 1 its beginning, after 9999 its end. */
void time_format_utc(char out[static TIME_TEXT_SIZE], int64_t time_us);
bool time_parse(int64_t *out_us, struct text iso); /* a full FHIR instant with zone */

enum { ID_TEXT_SIZE = 37 };
void id_new(char out[static ID_TEXT_SIZE],
    const struct clock *clock); /* UUIDv7 (RFC 9562), lower case, increasing in a process */
void random_bytes(void *out, size_t size);

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 65 };
void digest_sha256(uint8_t out[static DIGEST_SIZE], struct text bytes);
void digest_hmac(uint8_t out[static DIGEST_SIZE], struct text key, struct text bytes); /* HMAC-SHA256, RFC 2104 */
void digest_text(char out[static DIGEST_TEXT_SIZE], const uint8_t digest[static DIGEST_SIZE]); /* lower-case hex */

/* Bytes that the server gives out and takes back later, unread by the client and unchanged: signed, as text for a URL, and of one
 * purpose only. The key may not be empty. */
enum { SEAL_BYTES_MAX = 4096 };
struct text seal_close(struct arena *arena, struct text key, struct text purpose, struct text bytes);
/* False: forged, of another purpose or another key, or no seal at all. */
bool seal_open(struct text *out, struct arena *arena, struct text key, struct text purpose, struct text sealed);

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
void log_set_level(enum log_level level);
/* One line of JSON on standard error: time, level, event, and name/value pairs of strings ending with NULL.
 * Never a patient's value. */
void log_event(enum log_level level, const char *event, ... /* const char *name, const char *value, ..., NULL */)
    __attribute__((sentinel));

/* A whole file, at most limit_bytes; STATUS_NOT_FOUND, STATUS_TOO_LARGE or STATUS_FAILED with the path in the issue. */
MUST_CHECK enum status file_read(struct text *out, const char *path, size_t limit_bytes, struct scope *scope);

#endif
