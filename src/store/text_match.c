/* text_match: which resources' words fit: by the index, and by reading what it does not hold yet. */
#include "store/text_index.h"

#include "store/frame.h"
#include "store/writer.h"

#include <string.h>

enum {
    EXPRESSION_BYTES_MAX = 1 << 20,
    STEPS_A_TOUCH = 10000,
    DOCUMENT_ARENA_MAX = 1 << 30,
    READ_COST = 10,
    GATHER_ATTEMPTS = 4
};

/* ---- words of a body -------------------------------------------------------------------------------------------------- */

struct reading {
    struct text_index *index;
    const struct text_body *body;
    text_use *use;
    void *context;
    bool read; /* what fails before is the body's fault */
};

static enum status read_inside(void *context, struct scope *scope) {
    struct reading *reading = context;
    const struct store_text_source *source = &reading->index->source;
    struct text bytes;
    struct store_words words = {0};
    uint32_t gap;
    const struct text_body *body = reading->body;
    enum status status = version_body_read(&bytes, &gap, reading->index->store, body->connection, body->vid, scope);
    if (status == STATUS_OK) {
        status = source->read(&words, source->context, reading->body->type, bytes, scope);
    }
    reading->read = status == STATUS_OK;
    return reading->read ? reading->use(reading->context, &words, scope) : status;
}

enum status text_body_words(
    struct text_index *index, struct arena *arena, const struct text_body *body, text_use *use, void *context) {
    struct reading reading = {.index = index, .body = body, .use = use, .context = context};
    struct scope scope;
    enum status failed = body->connection->failed;
    body->connection->failed = STATUS_OK;
    enum status status = scope_run(&scope, arena, read_inside, &reading);
    bool is_of_body = body->connection->failed == STATUS_OK;
    body->connection->failed = is_of_body ? failed : body->connection->failed;
    if (status != STATUS_OK && !reading.read && status != STATUS_UNAVAILABLE && is_of_body) {
        char number[24];
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)body->vid);
        log_event(LOG_ERROR, "store.text-unread", "version", number, "why", status_name(status), NULL);
        status = STATUS_OK;
    }
    arena_reset(arena);
    return status;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------------- */

static bool phrase_fits(const struct store_text *text, const struct store_words *words, struct arena *arena) {
    struct buffer sought = buffer_open(arena, SIZE_MAX);
    buffer_put_char(&sought, ' ');
    buffer_put(&sought, text->words);
    if (text->end == STORE_TEXT_WHOLE) {
        buffer_put_char(&sought, ' ');
    }
    for (unsigned i = 0; i < STORE_TEXT_FIELDS; i++) {
        struct text field = words->fields[i];
        if ((text->fields & 1U << i) != 0 && field.size > 0 &&
            memmem(field.at, field.size, sought.at, sought.size) != NULL) {
            return true;
        }
    }
    return false;
}

static bool words_fit(const struct store_text *text, const struct store_words *words, struct arena *arena) {
    if (text->kind == STORE_TEXT_PHRASE) {
        return phrase_fits(text, words, arena);
    }
    for (size_t i = 0; i < text->child_count; i++) {
        bool fits = words_fit(text->children[i], words, arena);
        if (text->kind == STORE_TEXT_ANY ? fits : fits == (text->kind == STORE_TEXT_WITHOUT && i > 0)) {
            return text->kind == STORE_TEXT_ANY;
        }
    }
    return text->kind != STORE_TEXT_ANY && text->child_count > 0;
}

struct fitting {
    const struct store_text *text;
    bool fits;
};

static enum status use_to_fit(void *context, const struct store_words *words, struct scope *scope) {
    struct fitting *fitting = context;
    fitting->fits = words_fit(fitting->text, words, scope->arena);
    return STATUS_OK;
}

static void arena_close_deferred(void *arena) {
    arena_close(arena);
}

static struct text_index *index_of(struct search_run *run) {
    struct text_index *index = atomic_load(&run->view->store->text);
    if (index == NULL && run->status == STATUS_OK) {
        search_run_fail(run, fault(run->scope, STATUS_UNSUPPORTED, "", "words are not searched here"));
    }
    return index;
}

static bool body_fits(struct search_run *run, const struct text_body *body, const struct store_text *text) {
    struct text_index *index = index_of(run);
    if (run->document_arena == NULL) {
        run->document_arena = arena_open(DOCUMENT_ARENA_MAX);
        if (run->document_arena == NULL) {
            search_run_fail(run, fault(run->scope, STATUS_UNAVAILABLE, "", "no memory to search for words"));
            return false;
        }
        arena_defer(run->scope->arena, arena_close_deferred, run->document_arena);
    }
    struct fitting fitting = {.text = text};
    if (index == NULL || !search_run_touch(run, READ_COST)) {
        return false;
    }
    search_run_fail(run, text_body_words(index, run->document_arena, body, use_to_fit, &fitting));
    search_run_fail(run, scope_check_deadline(run->scope));
    return fitting.fits;
}

bool text_document_fits(struct document *document, struct search_run *run, const struct store_text *text) {
    if (!document_read(document, run)) {
        return false;
    }
    const struct text_body body = {
        .vid = document->head.vid, .type = document->head.type, .connection = run->view->connection};
    return body_fits(run, &body, text);
}

/* ---- what the view sees ----------------------------------------------------------------------------------------------- */

/* Whether `vid` is the resource's version at the view. */
static bool is_current(struct search_run *run, struct statement *current, uint64_t rid, uint64_t vid) {
    struct store_view *view = run->view;
    bind_int(current, 1, (int64_t)rid);
    bool found = statement_step(current) == SQLITE_ROW;
    uint64_t head_vid = found ? (uint64_t)column_int(current, 0) : 0;
    uint64_t head_seq = found ? (uint64_t)column_int(current, 1) : 0;
    if (current != NULL) {
        sqlite3_reset(current->at);
    }
    if (!found || head_seq <= view->seq) {
        return found && head_vid == vid;
    }
    struct resource_head head;
    uint64_t at_view = 0;
    enum status status = resource_head_read(&head, view->connection, rid, run->scope);
    if (status == STATUS_OK) {
        status = view_current(&at_view, view, &head, run->scope);
    }
    search_run_fail(run, status);
    return status == STATUS_OK && at_view == vid;
}

/* ---- the index -------------------------------------------------------------------------------------------------------- */

/* In FTS5's language every phrase stands in quotes, and words hold none: nothing of a query is read as an operator. */
static void put_phrase(struct buffer *out, const struct store_text *text) {
    static const char *const names[STORE_TEXT_FIELDS] = {"field0", "field1"};
    buffer_put_char(out, '{');
    for (unsigned i = 0; i < STORE_TEXT_FIELDS; i++) {
        if ((text->fields & 1U << i) != 0) {
            buffer_put_string(out, names[i]);
            buffer_put_char(out, ' ');
        }
    }
    buffer_put_string(out, "} : \"");
    buffer_put(out, text->words);
    buffer_put_string(out, text->end == STORE_TEXT_PREFIX ? "\" *" : "\"");
}

static void put_expression(struct buffer *out, const struct store_text *text) {
    static const char *const between[] = {
        [STORE_TEXT_ALL] = " AND ", [STORE_TEXT_ANY] = " OR ", [STORE_TEXT_WITHOUT] = " NOT "};
    if (text->kind == STORE_TEXT_PHRASE) {
        put_phrase(out, text);
        return;
    }
    buffer_put_char(out, '(');
    for (size_t i = 0; i < text->child_count; i++) {
        if (i > 0) {
            buffer_put_string(out, between[text->kind]);
        }
        put_expression(out, text->children[i]);
    }
    buffer_put_char(out, ')');
}

static int keep_searching(void *context) {
    struct search_run *run = context;
    search_run_fail(run, scope_check_deadline(run->scope));
    return run->status == STATUS_OK ? 0 : 1;
}

/* Told of by whoever meets it: the file is made anew, and the search goes on as if there were none yet. */
static void reader_distrust(struct text_reader *reader) {
    if (!reader->damaged) {
        log_event(LOG_WARNING, "store.text-index-damaged", NULL);
        reader->damaged = true;
        text_index_distrust(reader->index);
    }
}

static void hits_failed(struct search_run *run, struct text_reader *reader) {
    if (run->status != STATUS_OK) {
        return; /* interrupted */
    }
    if (text_file_is_damaged(reader->connection)) {
        reader->connection->failed = STATUS_FAILED;
        reader_distrust(reader);
    } else {
        search_run_fail(run, connection_fault(reader->connection, run->scope));
    }
}

/* Steps the hits; false when there are more than `most`. A version that the index holds was there at the view unless it is
 * younger, and went before it unless it has ended later or what ended it lies behind the mark. */
static bool hits_take(struct rid_set *set, struct search_run *run, struct text_reader *reader, struct statement *hits,
    struct statement *current, uint64_t most) {
    bool all_began = reader->mark.seq <= run->view->seq;
    int code = SQLITE_ROW;
    for (uint64_t count = 0; run->status == STATUS_OK && (code = statement_step(hits)) == SQLITE_ROW;) {
        uint64_t vid = (uint64_t)column_int(hits, 0), rid = (uint64_t)column_int(hits, 1);
        uint64_t ended = (uint64_t)column_int(hits, 2);
        if (++count > most) {
            return false;
        }
        bool is_seen = ended == 0 || ended > run->view->seq;
        if (search_run_touch(run, 1) && is_seen && rid < set->size &&
            (all_began || is_current(run, current, rid, vid))) {
            rid_set_add(set, rid);
        }
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        hits_failed(run, reader);
    }
    return true;
}

static bool hits_add(struct rid_set *set, struct search_run *run, struct text_reader *reader,
    const struct store_text *text, uint64_t most) {
    if (reader->connection == NULL) {
        return true;
    }
    struct buffer expression = buffer_open(run->scope->arena, EXPRESSION_BYTES_MAX);
    put_expression(&expression, text);
    if (expression.full) {
        search_run_fail(run,
            fault(run->scope, STATUS_TOO_COSTLY, "", "a search for words of more than %d bytes", EXPRESSION_BYTES_MAX));
        return true;
    }
    struct connection *file = reader->connection, *store = run->view->connection;
    sqlite3_progress_handler(file->database, STEPS_A_TOUCH, keep_searching, run);
    struct statement *hits = statement_take(file, SQL_TEXT_HITS),
                     *current = statement_take(store, SQL_RESOURCE_CURRENT);
    bind_bytes(hits, 1, buffer_text(&expression));
    bool within = hits_take(set, run, reader, hits, current, most);
    statement_give(file, hits);
    statement_give(store, current);
    sqlite3_progress_handler(file->database, 0, NULL, NULL);
    return within;
}

/* ---- behind the mark -------------------------------------------------------------------------------------------------- */

/* A version there takes the place of what the index says of its resource. */
static void tail_add(struct rid_set *set, struct search_run *run, uint64_t from, const struct store_text *text) {
    struct connection *connection = run->view->connection;
    struct statement *tail = statement_take(connection, SQL_VERSION_TAIL);
    struct statement *current = statement_take(connection, SQL_RESOURCE_CURRENT);
    bind_int(tail, 1, (int64_t)from);
    int code = SQLITE_ROW;
    while (run->status == STATUS_OK && (code = statement_step(tail)) == SQLITE_ROW) {
        uint64_t rid = (uint64_t)column_int(tail, 1);
        struct text_body body = {
            .vid = (uint64_t)column_int(tail, 0), .type = (uint16_t)column_int(tail, 3), .connection = connection};
        if ((uint64_t)column_int(tail, 4) > run->view->seq) {
            break;
        }
        if (rid >= set->size) {
            continue;
        }
        rid_set_remove(set, rid);
        if ((enum store_method)column_int(tail, 5) != STORE_DELETED && is_current(run, current, rid, body.vid) &&
            body_fits(run, &body, text)) {
            rid_set_add(set, rid);
        }
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        search_run_fail(run, connection_fault(connection, run->scope));
    }
    statement_give(connection, tail);
    statement_give(connection, current);
}

static uint64_t tail_of(const struct search_run *run, const struct text_reader *reader) {
    uint64_t end = run->view->state.vid_next;
    return end > reader->mark.vid ? end - reader->mark.vid : 0;
}

/* NULL when there is none to search with: then the run has failed, or the file is damaged. */
static struct text_reader *reader_open(struct search_run *run, struct text_index *index) {
    struct text_reader *reader = NULL;
    struct scope trial = {.arena = run->scope->arena};
    enum status status = text_reader_open(&reader, index, &trial);
    if (status == STATUS_FAILED) {
        text_index_distrust(index);
        return NULL;
    }
    if (status != STATUS_OK) {
        fault_carry(run->scope, &trial.fault);
    } else if (reader->mark.horizon > run->view->seq) {
        status =
            fault(run->scope, STATUS_GONE, "", "this state of the record is no longer kept: start the search again");
    }
    search_run_fail(run, status);
    if (status == STATUS_OK && tail_of(run, reader) > TEXT_TAIL_LONG) {
        text_index_ask(index);
    }
    return status == STATUS_OK ? reader : NULL;
}

/* Only a reader may wait: the writer would keep all others waiting too. */
static enum status wait_for_index(struct search_run *run, struct text_index *index) {
    if (writer_is_this_thread(run->view->store->writer)) {
        return fault(run->scope, STATUS_TOO_COSTLY, "",
            "a condition on words has to read more than %d resources one by one, the limit: the text index is behind; "
            "try "
            "again later",
            TEXT_TAIL_MAX);
    }
    uint64_t end = run->view->state.vid_next;
    return text_index_reach(index, end > TEXT_TAIL_LONG ? end - TEXT_TAIL_LONG : 1, run->scope);
}

/* NULL when there are more than `most` hits, or the file turned out to be damaged. */
static struct rid_set *listed(
    struct search_run *run, struct text_reader *reader, const struct store_text *text, uint64_t most) {
    struct rid_set *set = rid_set_open(run->scope->arena, run->view->state.rid_next);
    bool within = hits_add(set, run, reader, text, most) && !reader->damaged;
    uint64_t mark = reader->mark.vid;
    text_reader_close(reader);
    if (within) {
        tail_add(set, run, mark, text);
    }
    return within ? set : NULL;
}

struct rid_set *text_gather(struct search_run *run, const struct store_text *text) {
    struct text_index *index = index_of(run);
    for (int attempt = 0; attempt < GATHER_ATTEMPTS && index != NULL && run->status == STATUS_OK; attempt++) {
        struct text_reader *reader = reader_open(run, index);
        if (reader != NULL && tail_of(run, reader) <= TEXT_TAIL_MAX) {
            struct rid_set *set = listed(run, reader, text, UINT64_MAX);
            if (set != NULL) {
                return set;
            }
            continue;
        }
        text_reader_close(reader);
        if (run->status == STATUS_OK) {
            search_run_fail(run, wait_for_index(run, index));
        }
    }
    if (run->status == STATUS_OK) {
        search_run_fail(
            run, fault(run->scope, STATUS_UNAVAILABLE, "", "the text index is being made anew; try again later"));
    }
    return rid_set_open(run->scope->arena, run->view->state.rid_next);
}

struct rid_set *text_list(struct search_run *run, const struct store_text *text, uint64_t most) {
    struct text_index *index = index_of(run);
    struct text_reader *reader = index == NULL || run->status != STATUS_OK ? NULL : reader_open(run, index);
    if (reader == NULL) {
        return run->status == STATUS_OK ? NULL : rid_set_open(run->scope->arena, run->view->state.rid_next);
    }
    if (tail_of(run, reader) > TEXT_TAIL_MAX) {
        text_reader_close(reader);
        return NULL;
    }
    return listed(run, reader, text, most);
}
