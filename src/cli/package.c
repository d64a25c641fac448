/* soyang package load: npm packages of FHIR definitions into the record. What is in the record already, the same, stays as it
 * is: loading twice changes nothing. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/remote.h"
#include "cli/source.h"
#include "cli/tarball.h"

#define PACKAGE_SYSTEM "https://fhir.soyang.example/CodeSystem/package"

static const struct option_row options[] = {
    {"--data", "DIR", {"the data folder; made when missing", "데이터 폴더. 없으면 만듭니다"}, "soyang-data"},
    {"--url", "URL", {"send to the server that has the folder open, instead", "폴더를 열고 있는 서버로 대신 보냅니다"},
        NULL},
    {"--examples", NULL,
        {"also what is no definition: the package's example resources", "정의가 아닌 것, 곧 패키지의 예시 자원도"},
        NULL},
    {0},
};
enum {
    BATCH_MAX = 100,
    BATCH_BYTES_MAX = 16 * 1024 * 1024,
    BATCH_ARENA_MAX = 900 * 1024 * 1024,
    DOCUMENT_MAX = 128 * 1024 * 1024,
};

/* One resource of the package, on its way. */
struct piece {
    struct text entry; /* its name in the archive */
    struct text type, id, url, json;
    const yyjson_val *resource; /* as it is to be stored */
    bool is_settled;            /* nothing is left to do: unchanged, or refused */
};

/* What one call has stored, to be judged when all of it is there: definitions need one another. */
struct judging {
    struct arena *arena;
    struct stored {
        struct text entry, path; /* "StructureDefinition/x" */
    } * at;
    size_t count, capacity;
    size_t next;
    int faulty, said, unjudged;
    struct folder *folder; /* or… */
    struct remote *remote; /* …a server */
};
enum { JUDGING_ARENA_MAX = 256 * 1024 * 1024, SAID_MAX = 200, PROGRESS_EVERY = 500 };

/* The names of the packages of one call. */
struct given {
    struct text names[OPERANDS_MAX];
    size_t count;
};

struct loading {
    const char *path;
    const struct given *given; /* NULL: not looked at yet */
    struct folder *folder;     /* or… */
    struct remote *remote;     /* …a server */
    struct judging *judging;
    struct records_import *import;
    bool takes_examples;
    struct text name, version;
    struct arena *arena; /* of a batch */
    struct piece pieces[BATCH_MAX];
    size_t count, bytes;
    int stored, unchanged, refused, passed_over;
};

static void refuse(struct loading *loading, const struct piece *piece, const char *what, const struct scope *scope) {
    const struct issue *issue = scope != NULL ? scope->fault.first : NULL;
    (void)fprintf(stderr, "soyang package: %.*s: %s%s%s\n", (int)piece->entry.size, piece->entry.at,
        issue != NULL ? issue->path : "", issue != NULL ? ": " : "", issue != NULL ? issue->text : what);
    loading->refused++;
}

/* ---- package.json ----------------------------------------------------------------------------------------------- */

static bool is_for_r4(const yyjson_val *manifest) {
    yyjson_val *versions = (yyjson_val *)json_get(manifest, "fhirVersions"), *each;
    size_t index, count;
    versions = versions != NULL ? versions : (yyjson_val *)json_get(manifest, "fhir-version-list");
    yyjson_arr_foreach(versions, index, count, each) {
        if (text_starts(json_text(each), "4.0"))
            return true;
    }
    return versions == NULL;
}

static bool is_given(const struct given *given, struct text name) {
    size_t i = 0;
    while (i < given->count && !text_equal(given->names[i], name))
        i++;
    return i < given->count;
}

/* What was given together may need one another, in a ring too: definitions are looked up when they are used. */
static enum status check_needs(const struct loading *loading, const yyjson_val *manifest, struct scope *scope) {
    yyjson_val *needed = (yyjson_val *)json_get(manifest, "dependencies"), *name, *version;
    size_t index, count;
    yyjson_obj_foreach(needed, index, count, name, version) {
        struct text needs = json_text(name);
        if (text_equal(needs, loading->name))
            return fault(scope, STATUS_INVALID, loading->path,
                "package/package.json names the package itself among its dependencies");
        if (loading->given != NULL && !text_is(needs, "hl7.fhir.r4.core") && !is_given(loading->given, needs))
            printf("%.*s builds on %.*s %s, which is not loaded with it\n", (int)loading->name.size, loading->name.at,
                (int)needs.size, needs.at, yyjson_is_str(version) ? yyjson_get_str(version) : "");
    }
    return STATUS_OK;
}

static enum status read_manifest(struct loading *loading, struct text content, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, content, scope);
    if (status != STATUS_OK)
        return fault(scope, status, loading->path, "package/package.json cannot be read");
    const yyjson_val *manifest = yyjson_doc_get_root(doc);
    loading->name = json_get_text(manifest, "name");
    loading->version = json_get_text(manifest, "version");
    if (loading->name.size == 0 || loading->version.size == 0)
        return fault(scope, STATUS_INVALID, loading->path, "package/package.json has no name and version");
    if (!is_for_r4(manifest))
        return fault(scope, STATUS_UNSUPPORTED, loading->path, "the package is for another release than R4 (4.0.x)");
    return check_needs(loading, manifest, scope);
}

static enum status find_manifest(struct loading *loading, struct scope *scope) {
    struct tarball *tarball = NULL;
    struct tarball_entry entry;
    struct text content;
    enum status status = tarball_open(&tarball, loading->path, scope);
    while (status == STATUS_OK) {
        status = tarball_next(&entry, tarball, scope);
        if (status == STATUS_OK && entry.name.size == 0)
            status = fault(scope, STATUS_INVALID, loading->path, "no package/package.json: this is no FHIR package");
        if (status == STATUS_OK && text_is(entry.name, "package/package.json")) {
            status = tarball_read(&content, tarball, scope);
            if (status == STATUS_OK)
                status = read_manifest(loading, content, scope);
            break;
        }
    }
    tarball_close(tarball);
    return status;
}

/* ---- what is stored --------------------------------------------------------------------------------------------- */

static void write_tag(struct json_writer *w, const struct loading *loading) {
    json_object_open(w);
    json_member_string(w, "system", PACKAGE_SYSTEM);
    json_member_text(w, "version", loading->version);
    json_member_text(w, "code", loading->name);
    json_object_close(w);
}

/* The resource's own meta, without what the server makes, and with the package among the tags. */
static void write_meta(struct json_writer *w, const yyjson_val *meta, const struct loading *loading) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)meta);
    yyjson_val *tags = (yyjson_val *)json_get(meta, "tag"), *each;
    size_t index, count;
    json_name(w, "meta");
    json_object_open(w);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        struct text text = json_text(name);
        if (!text_is(text, "versionId") && !text_is(text, "lastUpdated") && !text_is(text, "tag")) {
            json_name_text(w, text);
            json_value(w, yyjson_obj_iter_get_val(name));
        }
    }
    json_name(w, "tag");
    json_array_open(w);
    write_tag(w, loading);
    yyjson_arr_foreach(tags, index, count, each) {
        if (!text_is(json_get_text(each, "system"), PACKAGE_SYSTEM))
            json_value(w, each);
    }
    json_array_close(w);
    json_object_close(w);
}

static enum status write_piece(
    struct piece *piece, const yyjson_val *resource, const struct loading *loading, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)resource);
    yyjson_doc *doc = NULL;
    json_object_open(&w);
    json_member_text(&w, "resourceType", piece->type);
    json_member_text(&w, "id", piece->id);
    write_meta(&w, json_get(resource, "meta"), loading);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        struct text text = json_text(name);
        if (!text_is(text, "resourceType") && !text_is(text, "id") && !text_is(text, "meta")) {
            json_name_text(&w, text);
            json_value(&w, yyjson_obj_iter_get_val(name));
        }
    }
    json_object_close(&w);
    enum status status = json_finish(&piece->json, &w, scope);
    if (status == STATUS_OK)
        status = json_read(&doc, piece->json, scope);
    piece->resource = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
    return status;
}

/* ---- what is there already -------------------------------------------------------------------------------------- */

static bool is_servers_own(struct text name) {
    return text_is(name, "versionId") || text_is(name, "lastUpdated");
}

static bool is_same_meta(const yyjson_val *stored, const yyjson_val *meta) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)stored);
    size_t count = 0;
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        if (is_servers_own(json_text(name)))
            continue;
        count++;
        if (!json_equal(yyjson_obj_iter_get_val(name), json_get(meta, yyjson_get_str(name))))
            return false;
    }
    return count == yyjson_obj_size((yyjson_val *)meta);
}

static bool is_same(const yyjson_val *stored, const yyjson_val *resource) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)stored);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        const yyjson_val *mine = json_get(resource, yyjson_get_str(name)), *theirs = yyjson_obj_iter_get_val(name);
        bool equal = text_is(json_text(name), "meta") ? is_same_meta(theirs, mine) : json_equal(theirs, mine);
        if (mine == NULL || !equal)
            return false;
    }
    return yyjson_obj_size((yyjson_val *)stored) == yyjson_obj_size((yyjson_val *)resource);
}

/* A definition never takes the place of another one that happens to have its id. */
static void settle(struct loading *loading, const yyjson_val *stored) {
    struct text type = json_get_text(stored, "resourceType"), id = json_get_text(stored, "id");
    struct text url = json_get_text(stored, "url");
    for (size_t i = 0; i < loading->count; i++) {
        struct piece *piece = &loading->pieces[i];
        if (piece->is_settled || !text_equal(piece->type, type) || !text_equal(piece->id, id))
            continue;
        if (piece->url.size > 0 && !text_equal(piece->url, url)) {
            refuse(loading, piece, "its id is taken by a resource of another url", NULL);
            piece->is_settled = true;
        } else if (is_same(stored, piece->resource)) {
            loading->unchanged++;
            piece->is_settled = true;
        }
    }
}

static enum status find_local(struct loading *loading, fhir_type type, struct text ids, struct scope *scope) {
    const yyjson_val **found;
    size_t count = 0;
    struct search_pair pair = {TEXT("_id"), ids};
    enum status status =
        records_find(&found, &count, loading->folder->records, &folder_operator, type, &pair, 1, BATCH_MAX, scope);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        settle(loading, found[i]);
    return status;
}

static enum status find_remote(struct loading *loading, fhir_type type, struct text ids, struct scope *scope) {
    struct remote_answer answer = {0};
    yyjson_doc *doc = NULL;
    struct text path =
        text_format(scope->arena, "%s?_id=%.*s&_count=%d", fhir_type_name(type), (int)ids.size, ids.at, BATCH_MAX);
    enum status status = remote_send(&answer, loading->remote, "GET", path.at, (struct text){NULL, 0}, NULL, scope);
    if (status == STATUS_OK && answer.http_status != 200)
        return fault(scope, STATUS_FAILED, fhir_type_name(type), "the server answered %d", answer.http_status);
    if (status == STATUS_OK)
        status = json_read(&doc, answer.body, scope);
    if (status != STATUS_OK)
        return status;
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(yyjson_doc_get_root(doc), "entry"), index, count, entry) {
        settle(loading, json_get(entry, "resource"));
    }
    return STATUS_OK;
}

/* The pieces of one type from `first` on, asked for at once. */
static enum status find_stored(struct loading *loading, size_t first, struct scope *scope) {
    const struct piece *head = &loading->pieces[first];
    struct buffer ids = buffer_open(scope->arena, BATCH_MAX * 80);
    for (size_t i = 0; i < loading->count; i++) {
        const struct piece *piece = &loading->pieces[i];
        if (!text_equal(piece->type, head->type))
            continue;
        if (i < first)
            return STATUS_OK; /* asked for already */
        buffer_put_string(&ids, ids.size > 0 ? "," : "");
        buffer_put(&ids, piece->id);
    }
    fhir_type type = fhir_type_find(head->type);
    return loading->remote != NULL ? find_remote(loading, type, buffer_text(&ids), scope)
                                   : find_local(loading, type, buffer_text(&ids), scope);
}

/* ---- what is wrong with it -------------------------------------------------------------------------------------- */

static void keep_for_judging(struct judging *judging, const struct piece *piece) {
    if (piece->url.size == 0)
        return; /* an example */
    if (judging->count == judging->capacity) {
        size_t capacity = judging->capacity == 0 ? 64 : 2 * judging->capacity;
        judging->at = arena_resize(
            judging->arena, judging->at, judging->capacity * sizeof *judging->at, capacity * sizeof *judging->at);
        judging->capacity = capacity;
    }
    judging->at[judging->count++] = (struct stored){.entry = text_copy(judging->arena, piece->entry),
        .path = text_format(
            judging->arena, "%.*s/%.*s", (int)piece->type.size, piece->type.at, (int)piece->id.size, piece->id.at)};
}

static enum status ask_validate(struct text *out, const struct judging *judging, struct scope *scope) {
    struct text id = judging->at[judging->next].path;
    struct text path = text_format(scope->arena, "%.*s/$validate", (int)id.size, id.at);
    if (judging->remote != NULL) {
        struct remote_answer answer = {0};
        enum status status = remote_send(&answer, judging->remote, "GET", path.at, (struct text){NULL, 0}, NULL, scope);
        *out = answer.body;
        if (status == STATUS_OK && answer.http_status != 200)
            *out = (struct text){0}; /* a server that does not judge */
        return status;
    }
    struct records_answer answer;
    struct text type = text_cut(&id, '/');
    const struct records_request request = {.interaction = RECORDS_OPERATION,
        .operation = TEXT("validate"),
        .caller = folder_operator,
        .type = fhir_type_find(type),
        .id = id};
    enum status status = records_run(&answer, judging->folder->records, &request, scope);
    *out = answer.body;
    return status;
}

/* An error, or what will fail when the definition is used. */
static bool is_fault(const yyjson_val *issue) {
    struct text severity = json_get_text(issue, "severity");
    return text_is(severity, "error") ||
           (text_is(severity, "warning") && text_is(json_get_text(issue, "code"), "business-rule"));
}

static enum status judge_next(void *context, struct scope *scope) {
    struct judging *judging = context;
    struct text body;
    yyjson_doc *doc = NULL;
    enum status status = ask_validate(&body, judging, scope);
    if (status == STATUS_OK && body.size == 0) {
        judging->unjudged++;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = json_read(&doc, body, scope);
    if (status != STATUS_OK)
        return status;
    const struct stored *stored = &judging->at[judging->next];
    int faults = 0;
    size_t index, count;
    yyjson_val *issue;
    yyjson_arr_foreach((yyjson_val *)json_get(yyjson_doc_get_root(doc), "issue"), index, count, issue) {
        if (!is_fault(issue))
            continue;
        struct text where = json_text(yyjson_arr_get_first((yyjson_val *)json_get(issue, "expression")));
        struct text words = json_get_text(issue, "diagnostics");
        faults++;
        if (judging->said++ < SAID_MAX)
            (void)fprintf(stderr, "soyang package: warning: %.*s: %.*s: %.*s\n", (int)stored->entry.size,
                stored->entry.at, (int)where.size, where.at != NULL ? where.at : "", (int)words.size,
                words.at != NULL ? words.at : "");
    }
    judging->faulty += faults > 0;
    return STATUS_OK;
}

/* Nothing is refused for it: a definition with faults is kept, as over FHIR. */
static enum status judge_all(struct judging *judging, struct scope *scope) {
    struct arena *arena = arena_open(BATCH_ARENA_MAX);
    enum status status = arena != NULL ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    for (judging->next = 0; judging->next < judging->count && status == STATUS_OK; judging->next++) {
        struct scope own;
        status = scope_run(&own, arena, judge_next, judging);
        if (status != STATUS_OK)
            fault_carry(scope, &own.fault);
        arena_reset(arena);
        if (judging->next % PROGRESS_EVERY == PROGRESS_EVERY - 1)
            (void)fprintf(stderr, "soyang package: %zu of %zu definitions judged\n", judging->next + 1, judging->count);
    }
    arena_close(arena);
    if (judging->said > SAID_MAX)
        (void)fprintf(stderr, "soyang package: %d warnings more\n", judging->said - SAID_MAX);
    if (judging->unjudged > 0)
        printf(
            "%d of %zu stored definitions were not judged: the server does not\n", judging->unjudged, judging->count);
    if (judging->faulty > 0)
        printf("%d of %zu stored definitions have faults that show when they are used; they are kept\n",
            judging->faulty, judging->count);
    return status;
}

/* ---- storing ---------------------------------------------------------------------------------------------------- */

static bool is_bundle(const struct piece *piece) {
    return text_is(piece->type, "Bundle");
}

static enum status compose_batch(struct text *out, const struct piece *pieces, size_t count, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Bundle");
    json_member_string(&w, "type", "transaction");
    json_name(&w, "entry");
    json_array_open(&w);
    for (size_t i = 0; i < count; i++) {
        const struct piece *piece = &pieces[i];
        if (piece->is_settled || is_bundle(piece))
            continue;
        json_object_open(&w);
        json_name(&w, "resource");
        json_raw(&w, piece->json);
        json_name(&w, "request");
        json_object_open(&w);
        json_member_string(&w, "method", "PUT");
        json_member_text(&w, "url",
            text_format(
                scope->arena, "%.*s/%.*s", (int)piece->type.size, piece->type.at, (int)piece->id.size, piece->id.at));
        json_object_close(&w);
        json_object_close(&w);
    }
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

/* A Bundle is stored as what it is. Fed among others it would be taken apart, or its links read as theirs. */
static enum status put_bundle(struct loading *loading, const struct piece *piece, struct scope *scope) {
    struct records_request request = {.interaction = RECORDS_UPDATE,
        .caller = folder_operator,
        .type = fhir_type_find(piece->type),
        .id = piece->id,
        .body = piece->json};
    struct records_answer stored;
    struct remote_answer answer = {0};
    if (loading->remote == NULL)
        return records_run(&stored, loading->folder->records, &request, scope);
    struct text path = text_format(scope->arena, "Bundle/%.*s", (int)piece->id.size, piece->id.at);
    enum status status = remote_send(&answer, loading->remote, "PUT", path.at, piece->json, NULL, scope);
    if (status == STATUS_OK && (answer.http_status < 200 || answer.http_status > 299))
        return fault(scope, STATUS_INVALID, path.at, "the server answered %d", answer.http_status);
    return status;
}

static enum status post_batch(struct loading *loading, struct scope *scope) {
    struct text batch, answer;
    size_t count = 0;
    for (size_t i = 0; i < loading->count; i++)
        count += !loading->pieces[i].is_settled && !is_bundle(&loading->pieces[i]);
    if (count == 0)
        return STATUS_OK;
    enum status status = compose_batch(&batch, loading->pieces, loading->count, scope);
    if (status == STATUS_OK)
        status = remote_post(&answer, loading->remote, "", batch, scope);
    if (status != STATUS_OK)
        fault(scope, status, loading->pieces[0].entry.at, "refused, or one of the %zu entries after it",
            loading->count - 1);
    return status;
}

static enum status store_batch(struct loading *loading, struct scope *scope) {
    enum status status = loading->remote != NULL ? post_batch(loading, scope) : STATUS_OK;
    for (size_t i = 0; i < loading->count && status == STATUS_OK; i++) {
        const struct piece *piece = &loading->pieces[i];
        if (piece->is_settled)
            continue;
        if (is_bundle(piece))
            status = put_bundle(loading, piece, scope);
        else if (loading->remote == NULL)
            status = records_import_feed(loading->import, piece->json, scope);
        if (status != STATUS_OK)
            fault(scope, status, piece->entry.at, "refused, or one of the %d entries before it", BATCH_MAX);
        if (status == STATUS_OK)
            keep_for_judging(loading->judging, piece);
        loading->stored += status == STATUS_OK;
    }
    return status;
}

static enum status end_batch(void *context, struct scope *scope) {
    struct loading *loading = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < loading->count && status == STATUS_OK; i++)
        status = find_stored(loading, i, scope);
    return status == STATUS_OK ? store_batch(loading, scope) : status;
}

static enum status flush(struct loading *loading, struct scope *scope) {
    struct arena *arena = arena_open(BATCH_ARENA_MAX);
    struct scope own;
    if (arena == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    enum status status = scope_run(&own, arena, end_batch, loading);
    if (status != STATUS_OK)
        fault_carry(scope, &own.fault);
    arena_close(arena);
    arena_reset(loading->arena);
    loading->count = loading->bytes = 0;
    return status;
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct loading *loading, struct text name) {
    if (!text_starts(name, "package/") || !text_ends(name, ".json"))
        return false;
    struct text rest = {name.at + 8, name.size - 8};
    if (loading->takes_examples && text_starts(rest, "example/"))
        rest = (struct text){rest.at + 8, rest.size - 8};
    return memchr(rest.at, '/', rest.size) == NULL && !text_is(rest, "package.json") && rest.at[0] != '.';
}

/* What a package is for: resources that define something, by a canonical URL. */
static bool is_definition(const yyjson_val *resource) {
    return json_get_text(resource, "url").size > 0 || text_is(json_get_text(resource, "resourceType"), "NamingSystem");
}

struct entry_reading {
    struct loading *loading;
    struct tarball *tarball;
    struct tarball_entry entry;
};

static enum status read_entry(void *context, struct scope *scope) {
    struct entry_reading *reading = context;
    struct loading *loading = reading->loading;
    struct piece *piece = &loading->pieces[loading->count];
    struct scope side = {.arena = scope->arena};
    struct text content;
    yyjson_doc *doc = NULL;
    enum status status = tarball_read(&content, reading->tarball, scope);
    *piece = (struct piece){.entry = text_copy(scope->arena, reading->entry.name)};
    if (status != STATUS_OK)
        return status;
    if (json_read(&doc, content, &side) != STATUS_OK) {
        refuse(loading, piece, "no JSON", &side);
        return STATUS_OK;
    }
    const yyjson_val *resource = yyjson_doc_get_root(doc);
    piece->type = json_get_text(resource, "resourceType");
    piece->id = json_get_text(resource, "id");
    piece->url = json_get_text(resource, "url");
    if (piece->type.size == 0 || (!loading->takes_examples && !is_definition(resource))) {
        loading->passed_over++;
        return STATUS_OK;
    }
    if (fhir_check(resource, &side) != STATUS_OK) {
        refuse(loading, piece, "invalid", &side);
        return STATUS_OK;
    }
    if (piece->id.size == 0) {
        refuse(loading, piece, "it has no id", NULL);
        return STATUS_OK;
    }
    status = write_piece(piece, resource, loading, scope);
    if (status == STATUS_OK && piece->json.size > RECORDS_RESOURCE_BYTES_MAX) {
        refuse(loading, piece, "a resource of more than 16 MiB", NULL);
        return STATUS_OK;
    }
    loading->count += status == STATUS_OK;
    loading->bytes += piece->json.size;
    return status;
}

static enum status load_entries(struct loading *loading, struct tarball *tarball, struct scope *scope) {
    struct entry_reading reading = {.loading = loading, .tarball = tarball};
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = tarball_next(&reading.entry, tarball, scope);
        if (status != STATUS_OK || reading.entry.name.size == 0)
            break;
        if (!is_wanted(loading, reading.entry.name))
            continue;
        struct scope own;
        status = scope_run(&own, loading->arena, read_entry, &reading);
        if (status != STATUS_OK)
            fault_carry(scope, &own.fault);
        if (status == STATUS_OK && (loading->count == BATCH_MAX || loading->bytes > BATCH_BYTES_MAX))
            status = flush(loading, scope);
    }
    return status == STATUS_OK ? flush(loading, scope) : status;
}

static enum status load_package(struct loading *loading, struct scope *scope) {
    struct tarball *tarball = NULL;
    enum status status = find_manifest(loading, scope);
    if (status == STATUS_OK && loading->folder != NULL)
        status = records_import_open(&loading->import, loading->folder->records, &folder_operator, scope);
    if (status != STATUS_OK)
        return status;
    status = tarball_open(&tarball, loading->path, scope);
    if (status == STATUS_OK)
        status = load_entries(loading, tarball, scope);
    tarball_close(tarball);
    if (loading->import == NULL)
        return status;
    enum status closed = records_import_close(NULL, loading->import, scope);
    return status == STATUS_OK ? closed : status;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

/* What cannot be read is left to the loading, which says why. */
static void read_names(struct given *given, const struct arguments *arguments, struct scope *scope) {
    for (int i = 1; i < arguments->operand_count; i++) {
        struct scope side = {.arena = scope->arena};
        struct loading loading = {.path = arguments->operands[i]};
        if (find_manifest(&loading, &side) == STATUS_OK)
            given->names[given->count++] = loading.name;
    }
}

static int load(const struct arguments *arguments, const char *path, const struct given *given, struct judging *judging,
    struct scope *scope) {
    static struct loading loading;
    int64_t started_us = clock_monotonic_us();
    loading = (struct loading){.path = path,
        .given = given,
        .folder = judging->folder,
        .remote = judging->remote,
        .judging = judging,
        .takes_examples = argument_flag(arguments, "--examples"),
        .arena = arena_open(BATCH_ARENA_MAX)};
    enum status status =
        loading.arena == NULL ? fault(scope, STATUS_UNAVAILABLE, "", "no memory") : load_package(&loading, scope);
    double seconds = (double)(clock_monotonic_us() - started_us) / 1e6;
    if (loading.name.size > 0)
        printf("%.*s %.*s: %d stored, %d unchanged, %d refused, %d passed over, %.1f s%s\n", (int)loading.name.size,
            loading.name.at, (int)loading.version.size, loading.version.at, loading.stored, loading.unchanged,
            loading.refused, loading.passed_over, seconds, status == STATUS_OK ? "" : ", then stopped");
    arena_close(loading.arena);
    int exit_status = report(arguments, scope, status);
    return exit_status == EXIT_DONE && loading.refused > 0 ? EXIT_FAULT : exit_status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    struct remote *remote = NULL;
    const char *url = argument(arguments, "--url");
    if (strcmp(arguments->operands[0], "load") != 0) {
        return usage_fault(
            arguments->command, say("the action is load, not ", "동작은 load입니다: "), arguments->operands[0]);
    }
    struct folder_config config = {
        .path = argument(arguments, "--data"), .speed = 1, .references = RECORDS_REFERENCES_LOOSE};
    enum status status = sources_stand(arguments->operands + 1, arguments->operand_count - 1, scope);
    if (status == STATUS_OK)
        status = url != NULL ? remote_open(&remote, url, scope) : folder_open(&folder, &config, scope);
    int exit_status = status == STATUS_OK ? EXIT_DONE : report(arguments, scope, status);
    struct given *given = ARENA_NEW(scope->arena, struct given);
    struct judging judging = {
        .folder = url == NULL ? &folder : NULL, .remote = remote, .arena = arena_open(JUDGING_ARENA_MAX)};
    if (status == STATUS_OK && judging.arena == NULL)
        status = fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    if (status == STATUS_OK)
        read_names(given, arguments, scope);
    for (int i = 1; i < arguments->operand_count && status == STATUS_OK; i++) {
        scope->fault = (struct fault){0};
        int one = load(arguments, arguments->operands[i], given, &judging, scope);
        exit_status = one > exit_status ? one : exit_status;
    }
    if (status == STATUS_OK) {
        scope->fault = (struct fault){0};
        int judged = report(arguments, scope, judge_all(&judging, scope));
        exit_status = judged > exit_status ? judged : exit_status;
    }
    arena_close(judging.arena);
    remote_close(remote);
    folder_close(&folder);
    return exit_status;
}

const struct command command_package = {"package", "load FILE.tgz...",
    {"load packages of FHIR definitions", "FHIR 정의 패키지를 적재합니다"},
    {"A package is what registries of FHIR packages give: package/package.json and a JSON file a resource. Profiles,\n"
     "extensions, value sets, code systems and all else that has a canonical URL are stored under their ids, tagged "
     "with the\n"
     "package's name and version; what is there already, the same, is left alone. An entry that is no valid R4 is "
     "named and\n"
     "passed over, and the exit status is then 1. A definition with faults that show when it is used is stored, and "
     "warned of.",
        "패키지는 FHIR 패키지 등록소가 주는 것으로, package/package.json과 자원마다 하나씩의 JSON 파일입니다. "
        "프로파일, 확장,\n"
        "값 집합, 코드 체계 등 정식(canonical) URL이 있는 것을 패키지의 이름과 버전을 붙여 제 id로 저장하며, 이미 "
        "똑같이 "
        "있는 것은\n"
        "그대로 둡니다. 올바른 R4가 아닌 항목은 이름을 밝히고 건너뛰며, 그때 종료 상태는 1입니다. 쓸 때에야 드러나는 "
        "오류가 있는\n"
        "정의는 저장하고 경고합니다."},
    options, 2, OPERANDS_MAX, run};
