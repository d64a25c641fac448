/* The log: one line of JSON for an event, whatever is in it. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved_stderr;
static int reading_end;

static void capture(void) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reading_end = ends[0];
}

static struct text captured(char *out, size_t size) {
    dup2(saved_stderr, STDERR_FILENO); /* closes the pipe's last writing end */
    close(saved_stderr);
    size_t at = 0;
    ssize_t got;
    while ((got = read(reading_end, out + at, size - at)) > 0) {
        at += (size_t)got;
    }
    close(reading_end);
    return (struct text){out, at};
}

static void an_event_is_one_line_of_json(void **state) {
    (void)state;
    char out[16384];
    capture();
    log_event(LOG_WARNING, "store-slow", "reason", "line\nbreak \"quoted\"", "absent", NULL, "path", "소양", NULL);
    struct text line = captured(out, sizeof out);
    assert_true(text_ends(line, "}\n"));
    assert_ptr_equal(memchr(line.at, '\n', line.size), line.at + line.size - 1);
    struct arena *arena = arena_open(1 << 20);
    struct scope scope = {.arena = arena};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&doc, line, &scope), STATUS_OK);
    yyjson_val *root = yyjson_doc_get_root(doc);
    int64_t time;
    assert_true(time_parse(&time, json_get_text(root, "time")));
    assert_true(text_is(json_get_text(root, "level"), "warning"));
    assert_true(text_is(json_get_text(root, "event"), "store-slow"));
    assert_true(text_is(json_get_text(root, "reason"), "line\nbreak \"quoted\""));
    assert_true(text_is(json_get_text(root, "path"), "소양"));
    assert_null(json_get(root, "absent"));
    arena_close(arena);
}

static void levels_filter(void **state) {
    (void)state;
    char out[16384];
    capture();
    log_event(LOG_DEBUG, "hidden", NULL);
    log_set_level(LOG_ERROR);
    log_event(LOG_WARNING, "hidden", NULL);
    log_event(LOG_ERROR, "shown", NULL);
    log_set_level(LOG_INFO);
    struct text lines = captured(out, sizeof out);
    assert_non_null(memmem(lines.at, lines.size, "shown", 5));
    assert_null(memmem(lines.at, lines.size, "hidden", 6));
}

static void a_line_is_never_cut_in_half(void **state) {
    (void)state;
    char out[16384], huge[8000];
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    capture();
    log_event(LOG_ERROR, "big", "value", huge, NULL);
    struct text line = captured(out, sizeof out);
    assert_true(line.size < 4096);
    assert_true(text_ends(line, "\"event\":\"line-too-long\"}\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_json),
        cmocka_unit_test(levels_filter),
        cmocka_unit_test(a_line_is_never_cut_in_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
