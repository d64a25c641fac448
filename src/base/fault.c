#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ISSUE_TEXT_MAX = 1024 };

static const char *const status_names[] = {
    [STATUS_OK] = "ok",
    [STATUS_INVALID] = "invalid",
    [STATUS_DENIED] = "denied",
    [STATUS_NOT_FOUND] = "not-found",
    [STATUS_CONFLICT] = "conflict",
    [STATUS_GONE] = "gone",
    [STATUS_PRECONDITION] = "precondition",
    [STATUS_TOO_LARGE] = "too-large",
    [STATUS_UNPROCESSABLE] = "unprocessable",
    [STATUS_TOO_COSTLY] = "too-costly",
    [STATUS_UNSUPPORTED] = "unsupported",
    [STATUS_FAILED] = "failed",
    [STATUS_UNAVAILABLE] = "unavailable",
    [STATUS_STORAGE_FULL] = "storage-full",
};

const char *status_name(enum status status) {
    size_t count = sizeof status_names / sizeof *status_names;
    invariant((size_t)status < count);
    return status_names[status];
}

void invariant_broken(const char *file, int line, const char *condition) {
    dprintf(STDERR_FILENO, "soyang: broken invariant at %s:%d: %s\n", file, line, condition);
    abort();
}

/* ---- issues ----------------------------------------------------------------------------------------------------- */

static const char *copied(struct arena *arena, const char *string) {
    size_t size = strlen(string) + 1;
    char *copy = arena_take_reserve(arena, size);
    return copy == NULL ? "" : memcpy(copy, string, size);
}

static void append(struct fault *fault, struct issue *issue) {
    issue->next = NULL;
    if (fault->last == NULL) {
        fault->first = issue;
    } else {
        fault->last->next = issue;
    }
    fault->last = issue;
}

/* Never leaves by the arena's escape: what went wrong can be said when memory is what went wrong. */
static void add(struct scope *scope, enum status status, const char *code, const char *path, const char *text) {
    invariant(status != STATUS_OK);
    if (scope->fault.count++ >= FAULT_ISSUES_MAX) {
        return;
    }
    struct issue *issue = arena_take_reserve(scope->arena, sizeof *issue);
    if (issue == NULL) {
        return;
    }
    *issue = (struct issue){
        .status = status,
        .code = code == NULL ? NULL : copied(scope->arena, code),
        .path = copied(scope->arena, path == NULL ? "" : path),
        .text = copied(scope->arena, text),
    };
    append(&scope->fault, issue);
}

/* Cuts a character that vsnprintf left incomplete at the end of a full buffer. */
static void cut_incomplete(char *text, size_t size) {
    size_t at = size;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xC0) == 0x80) {
        at--;
    }
    if (at > 0 && (unsigned char)text[at - 1] >= 0xC0) {
        text[at - 1] = '\0';
    }
}

static enum status add_formatted(struct scope *scope, enum status status, const char *code, const char *path,
    const char *format, va_list arguments) PRINTF_LIKE(5, 0);

static enum status add_formatted(struct scope *scope, enum status status, const char *code, const char *path,
    const char *format, va_list arguments) {
    char text[ISSUE_TEXT_MAX];
    int size = vsnprintf(text, sizeof text, format, arguments);
    if (size < 0) {
        text[0] = '\0';
    } else if ((size_t)size >= sizeof text) {
        cut_incomplete(text, sizeof text - 1);
    }
    add(scope, status, code, path, text);
    return status;
}

enum status fault(struct scope *scope, enum status status, const char *path, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_formatted(scope, status, NULL, path, format, arguments);
    va_end(arguments);
    return status;
}

enum status fault_coded(
    struct scope *scope, enum status status, const char *code, const char *path, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_formatted(scope, status, code, path, format, arguments);
    va_end(arguments);
    return status;
}

void fault_carry(struct scope *scope, const struct fault *from) {
    int kept = 0;
    for (const struct issue *issue = from->first; issue != NULL; issue = issue->next) {
        add(scope, issue->status, issue->code, issue->path, issue->text);
        kept++;
    }
    scope->fault.count += from->count - kept;
}

/* ---- units of work ---------------------------------------------------------------------------------------------- */

enum status scope_check_deadline(struct scope *scope) {
    if (scope->deadline_us == 0 || clock_monotonic_us() < scope->deadline_us) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_TOO_COSTLY, "", "the time allowed for this request has passed");
}

/* The issue that says memory is gone allocates nothing; both texts are literals. */
static void add_exhausted(struct scope *scope, enum status status) {
    struct issue *issue = arena_last_issue(scope->arena);
    *issue = (struct issue){
        .status = status,
        .path = "",
        .text = status == STATUS_TOO_COSTLY ? "the memory allowed for this request is used up"
                                            : "the server is out of memory; try again later",
    };
    if (scope->fault.last != issue) {
        append(&scope->fault, issue);
    }
    scope->fault.count++;
}

static enum status recover(struct scope *scope, struct arena_escape *escape) {
    struct arena *arena = scope->arena;
    arena_escape_close_deferred(arena, escape);
    arena_escape_pop(arena, escape);
    add_exhausted(scope, escape->status);
    return escape->status;
}

enum status scope_run(struct scope *scope, struct arena *arena, scope_work *work, void *context) {
    struct arena_escape escape;
    *scope = (struct scope){.arena = arena};
    arena_escape_push(arena, &escape);
    if (setjmp(escape.jump) != 0) {
        return recover(scope, &escape);
    }
    enum status status = work(context, scope);
    arena_escape_pop(arena, &escape);
    return status;
}
