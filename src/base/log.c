#include "base/base.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static _Atomic int chosen_level = LOG_INFO;

void log_set_level(enum log_level level) {
    atomic_store(&chosen_level, (int)level);
}

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* Memory for one line, with no arena behind it: log_event works when memory is gone. One byte is kept for the newline. */
static struct json_writer writer_on(char *line, size_t size) {
    return (struct json_writer){.buffer = {.at = line, .capacity = size - 1, .limit = size - 1}};
}

static void put_head(struct json_writer *w, enum log_level level, const char *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    json_object_open(w);
    json_member_string(w, "time", time);
    json_member_string(w, "level", level_names[level]);
    json_member_string(w, "event", event);
}

static void put_members(struct json_writer *w, va_list arguments) {
    for (const char *name = va_arg(arguments, const char *); name != NULL; name = va_arg(arguments, const char *)) {
        json_member_string(w, name, va_arg(arguments, const char *));
    }
}

void log_event(enum log_level level, const char *event, ...) {
    if ((int)level > atomic_load(&chosen_level)) {
        return;
    }
    char line[LINE_MAX_BYTES];
    struct json_writer w = writer_on(line, sizeof line);
    put_head(&w, level, event);
    va_list arguments;
    va_start(arguments, event);
    put_members(&w, arguments);
    va_end(arguments);
    json_object_close(&w);
    if (w.buffer.full) { /* better a line without its members than half a line */
        w = writer_on(line, sizeof line);
        put_head(&w, level, "line-too-long");
        json_object_close(&w);
    }
    line[w.buffer.size] = '\n';
    ssize_t written = write(STDERR_FILENO, line, w.buffer.size + 1); /* one call: lines of threads do not mix */
    (void)written;                                                   /* there is nobody left to tell */
}
