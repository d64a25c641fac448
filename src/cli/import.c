/* soyang import: NDJSON and bundles into a folder, or into a running server. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/remote.h"
#include "cli/source.h"

static const struct option_row options[] = {
    {"--data", "DIR", {"the data folder; made when missing", "데이터 폴더. 없으면 만듭니다"}, "soyang-data"},
    {"--url", "URL", {"send to the server that has the folder open, instead", "폴더를 열고 있는 서버로 대신 보냅니다"},
        NULL},
    {"--strict-references", NULL,
        {"refuse references to resources that are not there", "없는 자원을 가리키는 참조를 거절합니다"}, NULL},
    {0},
};
enum {
    MEMORY_ROWS = 2000 * 1000, /* some 180 MB: the more are merged at once, the fewer pages are written */
    REMOTE_BATCH = 500,
    DOCUMENT_ARENA_MAX = 1 << 30,
    BATCH_BYTES_MAX = 64 * 1024 * 1024,
    PROGRESS_EVERY_US = 200000,
    BAR = 30
};

/* Where documents go: the folder's import, or batches to a server. */
struct sink {
    struct records_import *import;
    struct remote *remote;
    struct buffer batch;
    struct arena *batch_arena;
    int batched;
    uint64_t sent;
};

static enum status flush_batch(struct sink *sink, struct scope *scope) {
    struct text answer;
    if (sink->batched == 0)
        return STATUS_OK;
    struct json_writer w = json_writer_open(scope->arena, SOURCE_DOCUMENT_MAX);
    struct text json;
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Bundle");
    json_member_string(&w, "type", "transaction");
    json_name(&w, "entry");
    struct text entries = buffer_text(&sink->batch);
    json_raw(&w, text_format(scope->arena, "[%.*s]", (int)entries.size, entries.at));
    json_object_close(&w);
    enum status status = json_finish(&json, &w, scope);
    if (status == STATUS_OK)
        status = remote_post(&answer, sink->remote, "", json, scope);
    if (status == STATUS_OK)
        sink->sent += (uint64_t)sink->batched;
    sink->batched = 0;
    arena_reset(sink->batch_arena);
    sink->batch = buffer_open(sink->batch_arena, BATCH_BYTES_MAX);
    return status;
}

static enum status add_to_batch(struct sink *sink, const yyjson_val *resource, struct scope *scope) {
    struct text type = json_get_text(resource, "resourceType"), id = json_get_text(resource, "id");
    struct json_writer w = json_writer_open(scope->arena, SOURCE_DOCUMENT_MAX);
    struct text entry;
    json_object_open(&w);
    json_name(&w, "resource");
    json_value(&w, resource);
    json_name(&w, "request");
    json_object_open(&w);
    json_member_string(&w, "method", id.size > 0 ? "PUT" : "POST");
    json_name(&w, "url");
    json_string_text(
        &w, id.size > 0 ? text_format(scope->arena, "%.*s/%.*s", (int)type.size, type.at, (int)id.size, id.at) : type);
    json_object_close(&w);
    json_object_close(&w);
    enum status status = json_finish(&entry, &w, scope);
    if (status != STATUS_OK)
        return status;
    if (sink->batch.size + entry.size + 1 > BATCH_BYTES_MAX / 2 || sink->batched == REMOTE_BATCH)
        status = flush_batch(sink, scope);
    buffer_put_string(&sink->batch, sink->batched > 0 ? "," : "");
    buffer_put(&sink->batch, entry);
    sink->batched++;
    return status;
}

static enum status feed_remote(struct sink *sink, struct text document, struct scope *scope) {
    yyjson_doc *parsed;
    struct text answer;
    enum status status = json_read(&parsed, document, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *root = yyjson_doc_get_root(parsed);
    if (!text_is(json_get_text(root, "resourceType"), "Bundle"))
        return add_to_batch(sink, root, scope);
    size_t index, count;
    yyjson_val *entry;
    struct text type = json_get_text(root, "type");
    if (text_is(type, "transaction") || text_is(type, "batch")) {
        status = flush_batch(sink, scope);
        if (status == STATUS_OK)
            status = remote_post(&answer, sink->remote, "", document, scope);
        sink->sent += status == STATUS_OK ? yyjson_arr_size(json_get(root, "entry")) : 0;
        return status;
    }
    yyjson_arr_foreach(json_get(root, "entry"), index, count, entry) {
        if (status == STATUS_OK)
            status = add_to_batch(sink, json_get(entry, "resource"), scope);
    }
    return status;
}

struct feeding {
    struct sink *sink;
    struct source *source;
    long line;
    bool is_done;
};

static enum status feed_one(void *context, struct scope *scope) {
    struct feeding *feeding = context;
    struct text document;
    enum status status = source_next(&document, &feeding->line, feeding->source, scope);
    feeding->is_done = status == STATUS_OK && document.size == 0;
    if (status != STATUS_OK || feeding->is_done)
        return status;
    return feeding->sink->remote != NULL ? feed_remote(feeding->sink, document, scope)
                                         : records_import_feed(feeding->sink->import, document, scope);
}

static void show_progress(const char *path, double part, int64_t *shown_us) {
    int64_t now_us = clock_monotonic_us();
    if (!isatty(STDERR_FILENO) || (now_us - *shown_us < PROGRESS_EVERY_US && part < 1))
        return;
    *shown_us = now_us;
    int filled = (int)(part * BAR);
    (void)fprintf(stderr, "\r[%.*s%.*s] %3.0f %%  %s\x1b[K", filled, "##############################", BAR - filled,
        "..............................", part * 100, path);
}

static enum status import_file(struct sink *sink, const char *path, struct arena *arena, struct scope *scope) {
    struct feeding feeding = {.sink = sink};
    int64_t shown_us = 0;
    enum status status = source_open(&feeding.source, path, scope);
    while (status == STATUS_OK && !feeding.is_done) {
        struct scope own = {.arena = arena};
        status = scope_run(&own, arena, feed_one, &feeding);
        if (status != STATUS_OK) {
            fault(scope, status, path, "line %ld:", feeding.line);
            fault_carry(scope, &own.fault);
        }
        show_progress(path, source_progress(feeding.source), &shown_us);
        arena_reset(arena);
    }
    source_close(feeding.source);
    return status;
}

static enum status import_all(
    uint64_t *count, struct sink *sink, const struct arguments *arguments, struct scope *scope) {
    struct arena *arena = arena_open(DOCUMENT_ARENA_MAX);
    enum status status = arena == NULL ? fault(scope, STATUS_UNAVAILABLE, "", "no memory") : STATUS_OK;
    for (int i = 0; i < arguments->operand_count && status == STATUS_OK; i++)
        status = import_file(sink, arguments->operands[i], arena, scope);
    arena_close(arena);
    if (sink->remote != NULL) {
        if (status == STATUS_OK)
            status = flush_batch(sink, scope);
        *count = sink->sent;
        return status;
    }
    enum status closed = records_import_close(count, sink->import, scope);
    return status == STATUS_OK ? closed : status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    struct sink sink = {0};
    uint64_t count = 0;
    int64_t started_us = clock_monotonic_us();
    const char *url = argument(arguments, "--url");
    struct folder_config config = {
        .path = argument(arguments, "--data"),
        .speed = 1,
        .memory_rows_max = MEMORY_ROWS,
        .packing = STORE_PACKS_AT_ONCE,
        .references =
            argument_flag(arguments, "--strict-references") ? RECORDS_REFERENCES_STRICT : RECORDS_REFERENCES_LOOSE,
    };
    enum status status = sources_stand(arguments->operands, arguments->operand_count, scope);
    if (status == STATUS_OK)
        status = url != NULL ? remote_open(&sink.remote, url, scope) : folder_open(&folder, &config, scope);
    if (status != STATUS_OK)
        return report(arguments, scope, status);
    if (url == NULL)
        status = records_import_open(&sink.import, folder.records, &folder_operator, scope);
    if (status == STATUS_OK && url != NULL) {
        sink.batch_arena = arena_open(DOCUMENT_ARENA_MAX);
        sink.batch = buffer_open(sink.batch_arena, BATCH_BYTES_MAX);
    }
    if (status == STATUS_OK)
        status = import_all(&count, &sink, arguments, scope);
    double seconds = (double)(clock_monotonic_us() - started_us) / 1e6;
    arena_close(sink.batch_arena);
    remote_close(sink.remote);
    folder_close(&folder);
    if (isatty(STDERR_FILENO))
        (void)fputc('\n', stderr);
    printf("imported %llu resources in %.1f s (%.0f/s)%s\n", (unsigned long long)count, seconds,
        (double)count / (seconds > 0 ? seconds : 1), status == STATUS_OK ? "" : ", then stopped");
    return report(arguments, scope, status);
}

const struct command command_import = {"import", "FILE...",
    {"load NDJSON files and bundles", "NDJSON 파일과 번들을 적재합니다"},
    {"Files end in .json (one resource or Bundle) or .ndjson (a resource a line), and may be compressed (.gz, .bz2, "
     ".zst).\n"
     "A fault names file and line and stops the import; what was committed before it stays.",
        "파일 이름은 .json(자원 또는 Bundle 하나)이나 .ndjson(한 줄에 자원 하나)으로 끝나며, 압축해도 됩니다(.gz, "
        ".bz2, .zst).\n"
        "오류는 파일과 줄을 밝히고 적재를 멈춥니다. 그 전에 확정된 것은 남습니다."},
    options, 1, OPERANDS_MAX, run};
