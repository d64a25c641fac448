/* Whole files, and how their absence is said. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/soyang-file-test-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/pipe", folder);
    unlink(path);
    return rmdir(folder);
}

static const char *write_file(char path[static 128], size_t size) {
    snprintf(path, 128, "%s/file", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++) {
        fputc((int)('a' + i % 26), file);
    }
    assert_int_equal(fclose(file), 0);
    return path;
}

static void files_are_read_whole(void **state) {
    (void)state;
    struct arena *arena = arena_open(64 << 20);
    struct scope scope = {.arena = arena};
    char path[128];
    static const size_t sizes[] = {0, 1, 4096, 100000, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct text out = {NULL, 0};
        assert_int_equal(file_read(&out, write_file(path, sizes[i]), 1000000, &scope), STATUS_OK);
        assert_int_equal(out.size, sizes[i]);
        assert_int_equal(out.at[out.size], '\0');
        assert_true(out.size == 0 || out.at[out.size - 1] == (char)('a' + (sizes[i] - 1) % 26));
    }
    arena_close(arena);
}

static void failures_name_the_file(void **state) {
    (void)state;
    struct arena *arena = arena_open(64 << 20);
    char path[128];
    struct text out = {NULL, 0};
    struct scope scope = {.arena = arena};
    assert_int_equal(file_read(&out, write_file(path, 1001), 1000, &scope), STATUS_TOO_LARGE);
    assert_non_null(strstr(scope.fault.last->text, path));
    assert_int_equal(file_read(&out, "/nowhere/at/all", 1000, &scope), STATUS_NOT_FOUND);
    assert_non_null(strstr(scope.fault.last->text, "/nowhere/at/all"));
    assert_int_equal(file_read(&out, folder, 1000, &scope), STATUS_FAILED);
    assert_null(out.at);
    arena_close(arena);
}

static void *feed(void *path) {
    FILE *pipe = fopen(path, "wb");
    for (int i = 0; i < 50000; i++) {
        fputc('p', pipe);
    }
    fclose(pipe);
    return NULL;
}

static void pipes_are_read_to_their_end(void **state) {
    (void)state;
    struct arena *arena = arena_open(64 << 20);
    struct scope scope = {.arena = arena};
    char path[128];
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    pthread_t feeder;
    pthread_create(&feeder, NULL, feed, path);
    struct text out = {NULL, 0};
    assert_int_equal(file_read(&out, path, 1000000, &scope), STATUS_OK);
    pthread_join(feeder, NULL);
    assert_int_equal(out.size, 50000);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_whole),
        cmocka_unit_test(failures_name_the_file),
        cmocka_unit_test(pipes_are_read_to_their_end),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
