/* count: how many results a plan has, without looking at resources. */
#include "store/stream.h"

static uint64_t count_rows(struct search_run *run, uint32_t lane, struct text key) {
    struct connection *connection = run->view->connection;
    struct block_cursor *cursor = cursor_take(run);
    uint64_t count = 0;
    bool more = true;
    enum status status = block_load(cursor, connection, BLOCK_AT, lane, key, 0, run->scope);
    while (status == STATUS_OK && cursor->loaded && more) {
        uint64_t found = block_reader_count(&more, &cursor->reader, key);
        count += found;
        if (cursor->reader.damaged) {
            status = fault(run->scope, STATUS_FAILED, "", "a block of the index is damaged");
        } else if (more && search_run_touch(run, 1 + found)) {
            status = block_load(
                cursor, connection, BLOCK_BEHIND, lane, fence_key(&cursor->fence), cursor->fence.rid, run->scope);
        } else {
            more = false;
        }
    }
    search_run_fail(run, status);
    cursor_give(run, cursor);
    return count;
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
