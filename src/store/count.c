/* count: how many results a plan has, without looking at resources. */
#include "store/stream.h"

enum { CHECK_EVERY_STEPS = 100000, STEPS_A_ROW = 3 };

/* Called by the database while it counts. */
static int keep_counting(void *context) {
    return search_run_touch(context, CHECK_EVERY_STEPS / STEPS_A_ROW) ? 0 : 1;
}

static uint64_t count_rows(struct search_run *run, uint32_t lane, struct text key) {
    struct connection *connection = run->view->connection;
    struct statement *count = statement_take(connection, SQL_ROW_COUNT_KEY);
    bind_int(count, 1, lane);
    bind_bytes(count, 2, key);
    sqlite3_progress_handler(connection->database, CHECK_EVERY_STEPS, keep_counting, run);
    int code = statement_step(count);
    sqlite3_progress_handler(connection->database, 0, NULL, NULL);
    uint64_t rows = code == SQLITE_ROW ? (uint64_t)column_int(count, 0) : 0;
    if (code != SQLITE_ROW && run->status == STATUS_OK) {
        search_run_fail(run, connection_fault(connection, run->scope));
    }
    statement_give(connection, count);
    return rows;
}

/* What memory adds to or takes from the table's rows under a key: events of one resource alternate, so the first tells whether
 * the table has it and the last whether the view does. */
static int64_t count_memory(struct search_run *run, uint32_t lane, struct text key) {
    int64_t more = 0;
    struct walk_events *events = walk_events_open(run, lane, key);
    enum mem_kind first, last;
    while (walk_events_next(&first, &last, events)) {
        more += (last == MEM_ADDED) - (first == MEM_ENDED);
    }
    return more;
}

static uint64_t count_key(struct search_run *run, uint32_t lane, struct text key) {
    return (uint64_t)((int64_t)count_rows(run, lane, key) + count_memory(run, lane, key));
}

uint64_t plan_count(struct search_run *run, const struct store_plan *plan) {
    uint32_t lane;
    struct text key;
    if (!view_is_past(run->view) && plan_single_key(&lane, &key, run, plan)) {
        return count_key(run, lane, key);
    }
    uint64_t count = 0;
    struct stream *stream = stream_open(run, plan);
    for (uint64_t rid = stream_seek(stream, 0); rid != RID_NONE; rid = stream_seek(stream, rid + 1)) {
        count++;
    }
    stream_close(stream);
    return count;
}
