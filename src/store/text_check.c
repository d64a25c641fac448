/* text_check: whether the file of the text index agrees with itself and with the store. */
#include "store/frame.h"
#include "store/text_index.h"

#include <string.h>
#include <unistd.h>

/* Damage of the index costs no record: it can be removed, and is made again when words are asked for. */
#define WORTH "; text.db can be removed, and is then made again from the bodies"

enum { BENCH_BYTES = 1 << 30 };

struct text_checking {
    struct connection *file, *store;
    const struct store_state *state; /* read after the file's snapshot began, so nothing in the file is newer */
    struct scope *scope;             /* takes the issues */
    struct text_mark mark;
    uint8_t *worded;                        /* a bit for each version below the mark: words of it are indexed */
    uint8_t *listed;                        /* the same: it is a document */
    const struct store_text_source *source; /* NULL: how the file's words are made is not known */
    struct store *whole;
    struct arena *bench; /* for one body */
    uint64_t versions;
    enum status status;
};

static void text_wrong(struct text_checking *checking, const char *what, uint64_t number) {
    checking->status = fault(checking->scope, STATUS_FAILED, "", "the text index is damaged: %s (%llu)" WORTH, what,
        (unsigned long long)number);
}

static void text_unread(struct text_checking *checking) {
    if (text_file_is_damaged(checking->file)) {
        text_wrong(checking, "its file cannot be read", 0);
    } else {
        checking->status = connection_fault(checking->file, checking->scope);
    }
}

/* Steps a list and calls back for each row. */
typedef void text_row(struct text_checking *checking, struct statement *list);

static void text_all(struct text_checking *checking, enum sql sql, text_row *check) {
    struct statement *list = statement_take(checking->file, sql);
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        check(checking, list);
    }
    if (code != SQLITE_DONE) {
        text_unread(checking);
    }
    statement_give(checking->file, list);
}

static void text_page(struct text_checking *checking, struct statement *list) {
    struct text line = column_bytes(list, 0);
    if (!text_is(line, "ok")) {
        checking->status =
            fault(checking->scope, STATUS_FAILED, "", "the text index is damaged: %.*s" WORTH, (int)line.size, line.at);
    }
}

/* ---- the mark -------------------------------------------------------------------------------------------------------- */

static bool text_mark_is_right(struct text_checking *checking) {
    struct scope trial = {.arena = checking->scope->arena};
    struct text form = {0};
    if (text_mark_read(&checking->mark, &form, checking->file, &trial) != STATUS_OK) {
        text_wrong(checking, "its mark cannot be read", 0);
        return false;
    }
    if (checking->source != NULL && !text_form_is_of(form, checking->source)) {
        checking->source = NULL; /* it will be made anew */
    }
    if (checking->mark.vid < 1 || checking->mark.vid > checking->state->vid_next) {
        text_wrong(checking, "it is ahead of the store", checking->mark.vid);
        return false;
    }
    if (!text_mark_is_of(&checking->mark, checking->store, &trial)) {
        text_wrong(checking, "it was made of another store", checking->mark.vid);
        return false;
    }
    return true;
}

/* ---- words and documents --------------------------------------------------------------------------------------------- */

static bool has_bit(const struct text_checking *checking, uint64_t vid) {
    return vid < checking->mark.vid && (checking->worded[vid / 8] >> vid % 8 & 1) != 0;
}

static void text_word(struct text_checking *checking, struct statement *list) {
    uint64_t vid = (uint64_t)column_int(list, 0);
    if (vid < checking->mark.vid) {
        checking->worded[vid / 8] |= (uint8_t)(1U << vid % 8);
    } else {
        text_wrong(checking, "words of a version that was not folded yet are in it", vid);
    }
}

/* What the store says of the version that a document stands for. */
static const char *text_document_fault(struct text_checking *checking, uint64_t vid, uint64_t rid, uint64_t ended) {
    struct scope trial = {.arena = checking->scope->arena};
    struct version_head version;
    if (version_head_read(&version, checking->store, vid, &trial) != STATUS_OK || version.rid != rid ||
        version.method == STORE_DELETED) {
        return "a version is in it that the store does not have";
    }
    struct statement *get = statement_take(checking->store, SQL_RESOURCE_CURRENT);
    bind_int(get, 1, (int64_t)rid);
    uint64_t current = statement_step(get) == SQLITE_ROW ? (uint64_t)column_int(get, 0) : 0;
    statement_give(checking->store, get);
    if (ended == 0 && current != vid && current < checking->mark.vid) {
        return "a version is in it as the current one that is not";
    }
    return ended != 0 && current == vid ? "a current version is in it as one that ended" : NULL;
}

static void text_document(struct text_checking *checking, struct statement *list) {
    uint64_t vid = (uint64_t)column_int(list, 0), rid = (uint64_t)column_int(list, 1);
    const char *what = text_document_fault(checking, vid, rid, (uint64_t)column_int(list, 2));
    if (what != NULL) {
        text_wrong(checking, what, vid);
    }
    if (!has_bit(checking, vid)) {
        text_wrong(checking, "no word of a version is in it", vid);
    } else {
        checking->worded[vid / 8] &= (uint8_t) ~(1U << vid % 8);
    }
    if (vid < checking->mark.vid) {
        checking->listed[vid / 8] |= (uint8_t)(1U << vid % 8);
    }
    checking->versions++;
}

/* ---- what is missing ------------------------------------------------------------------------------------------------- */

struct text_absent {
    struct text_checking *checking;
    uint64_t vid;
    uint16_t type;
    bool has_words;
};

static enum status text_absent_look(void *context, struct scope *scope) {
    struct text_absent *absent = context;
    const struct text_checking *checking = absent->checking;
    struct text bytes = {0};
    struct store_words words = {0};
    uint32_t gap = 0;
    enum status status = version_body_read(&bytes, &gap, checking->whole, checking->store, absent->vid, scope);
    if (status == STATUS_OK) {
        status = checking->source->read(&words, checking->source->context, absent->type, bytes, scope);
    }
    for (size_t i = 0; i < STORE_TEXT_FIELDS && status == STATUS_OK; i++) {
        absent->has_words = absent->has_words || text_trim(words.fields[i]).size > 0;
    }
    return status;
}

/* A body that cannot be read is named elsewhere, and has no words in the index either. */
static void text_current(struct text_checking *checking, struct statement *list) {
    uint64_t vid = (uint64_t)column_int(list, 4);
    bool is_indexed = vid < checking->mark.vid;
    if (column_int(list, 3) == 0 || (enum store_method)column_int(list, 5) == STORE_DELETED || !is_indexed ||
        (checking->listed[vid / 8] >> vid % 8 & 1) != 0) {
        return;
    }
    struct text_absent absent = {.checking = checking, .vid = vid, .type = (uint16_t)column_int(list, 1)};
    struct scope trial;
    enum status status = scope_run(&trial, checking->bench, text_absent_look, &absent);
    arena_reset(checking->bench);
    if (status == STATUS_OK && absent.has_words) {
        text_wrong(checking, "the words of a current version are not in it", vid);
    }
}

static void text_close_bench(void *bench) {
    arena_close(bench);
}

/* One look at a bit for each resource that is there. */
static void text_missing_check(struct text_checking *checking) {
    checking->bench = arena_open(BENCH_BYTES);
    if (checking->bench == NULL) {
        checking->status = fault(checking->scope, STATUS_UNAVAILABLE, "", "no memory to check the text index");
        return;
    }
    arena_defer(checking->scope->arena, text_close_bench, checking->bench);
    struct statement *list = statement_take(checking->store, SQL_RESOURCES_FROM);
    bind_int(list, 1, 0);
    int code;
    while ((code = statement_step(list)) == SQLITE_ROW) {
        text_current(checking, list);
    }
    if (code != SQLITE_DONE) {
        checking->status = connection_fault(checking->store, checking->scope);
    }
    statement_give(checking->store, list);
}

static void text_ended(struct text_checking *checking, struct statement *list) {
    if (column_int(list, 0) != 0) {
        text_wrong(checking, "versions that ended are not told as such", (uint64_t)column_int(list, 0));
    }
}

static void text_words_check(struct text_checking *checking) {
    size_t size = (size_t)(checking->mark.vid / 8 + 1);
    checking->worded = arena_alloc(checking->scope->arena, size);
    memset(checking->worded, 0, size);
    checking->listed = arena_alloc(checking->scope->arena, size);
    struct scope trial = {.arena = checking->scope->arena};
    if (statement_run(checking->file, SQL_TEXT_INSTANCES_OPEN, &trial) != STATUS_OK) {
        text_unread(checking);
        return;
    }
    text_all(checking, SQL_TEXT_INSTANCES, text_word);
    text_all(checking, SQL_DOCUMENTS, text_document);
    for (uint64_t vid = 0; checking->status == STATUS_OK && vid < checking->mark.vid; vid++) {
        if (has_bit(checking, vid)) {
            text_wrong(checking, "words of a version are in it that is not listed", vid);
        }
    }
    text_all(checking, SQL_ENDED_WRONG, text_ended);
    if (checking->status == STATUS_OK && checking->source != NULL) {
        text_missing_check(checking);
    }
}

/* ---- the file -------------------------------------------------------------------------------------------------------- */

static void text_file_check(struct text_checking *checking) {
    text_all(checking, SQL_INTEGRITY, text_page);
    struct scope trial = {.arena = checking->scope->arena};
    if (checking->status == STATUS_OK && statement_run(checking->file, SQL_TEXT_INTEGRITY, &trial) != STATUS_OK) {
        text_unread(checking);
    }
    if (checking->status == STATUS_OK && text_mark_is_right(checking)) {
        text_words_check(checking);
    }
}

/* Whoever indexes waits meanwhile; the store's snapshot is newer than the file's, so that all that is indexed is in it. */
static enum status text_check_begun(struct text_checking *checking, struct store *store) {
    struct scope trial = {.arena = checking->scope->arena};
    if (statement_run(checking->file, SQL_BEGIN_WRITE, &trial) != STATUS_OK) {
        text_unread(checking);
        return checking->status;
    }
    struct store_view *view = NULL;
    enum status status = store_view_open_fresh(&view, store, checking->scope);
    if (status != STATUS_OK) {
        return status;
    }
    checking->store = view->connection;
    checking->state = &view->state;
    text_file_check(checking);
    store_view_close(view);
    return checking->status;
}

enum status text_check(uint64_t *versions_out, struct store *store, struct scope *scope) {
    struct text_index *served = atomic_load(&store->text);
    struct text_checking checking = {
        .scope = scope, .whole = store, .source = served != NULL ? &served->source : store->known_words};
    struct text path = text_format(scope->arena, "%s/text.db", store->folder);
    *versions_out = 0;
    if (access(path.at, F_OK) != 0) {
        return STATUS_OK;
    }
    struct scope trial = {.arena = scope->arena};
    enum status status = connection_open(&checking.file, path.at, CONNECTION_CHECKS_TEXT, &trial);
    if (status == STATUS_FAILED) {
        text_wrong(&checking, "its file cannot be opened", 0);
        return checking.status;
    }
    if (status != STATUS_OK) {
        fault_carry(scope, &trial.fault);
        return status;
    }
    status = text_check_begun(&checking, store);
    connection_reset(checking.file);
    if (sqlite3_get_autocommit(checking.file->database) == 0) {
        sqlite3_exec(checking.file->database, "ROLLBACK", NULL, NULL, NULL);
    }
    connection_close(checking.file);
    *versions_out = checking.versions;
    return status;
}
