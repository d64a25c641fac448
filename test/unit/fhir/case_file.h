/* Cases as tab-separated lines: blank lines and lines that start with "# " are skipped. */
#ifndef SOYANG_TEST_FHIR_CASE_FILE_H
#define SOYANG_TEST_FHIR_CASE_FILE_H

#include "base/base.h"
#include "unit/cmocka_all.h"

enum { CASE_FIELDS_MAX = 8 };

struct case_file {
    struct text rest;
    int line, field_count;
    struct text field[CASE_FIELDS_MAX];
};

static inline struct case_file case_file_open(const char *path, struct scope *scope) {
    struct case_file file = {.line = 0};
    assert_int_equal(file_read(&file.rest, path, 16 << 20, scope), STATUS_OK);
    assert_true(file.rest.size > 0);
    return file;
}

static inline bool case_file_next(struct case_file *file) {
    while (file->rest.at != NULL) {
        struct text line = text_cut(&file->rest, '\n');
        file->line++;
        if (line.size == 0 || text_starts(line, "# ")) {
            continue;
        }
        file->field_count = 0;
        while (line.at != NULL) {
            assert_true(file->field_count < CASE_FIELDS_MAX);
            file->field[file->field_count++] = text_cut(&line, '\t');
        }
        return true;
    }
    return false;
}

#define assert_case(file, condition)                                                                                   \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fail_msg("line %d: %.*s: %s", (file)->line, (int)(file)->field[0].size, (file)->field[0].at, #condition);  \
        }                                                                                                              \
    } while (0)

#endif
