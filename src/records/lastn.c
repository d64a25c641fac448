#include "records/invocation.h"
#include "records/map.h"
#include "records/page.h"

/* Observation/$lastn: of each kind of observation that the filters find, the latest `max`. Two are of a kind when they share a coding
 * or, where there is none, the text of their code (https://hl7.org/fhir/R4/observation-operation-lastn.html). */

enum { OBSERVATIONS_MAX = 10000 };

struct kind {
    size_t *members; /* positions in the page, latest first */
    size_t count, capacity;
};

struct lastn {
    struct operation *op;
    const struct invocation *invocation;
    struct scope *scope;
    int64_t max;
    struct map codes; /* "system|code" → kind */
    struct kind *kinds;
    size_t kind_count;
    struct subset subset;
};

static enum status take_max(struct lastn *lastn) {
    struct text text = invocation_text(lastn->invocation, "max", lastn->scope);
    lastn->max = 1;
    return text.at == NULL || (text_to_int64(&lastn->max, text) && lastn->max > 0)
               ? STATUS_OK
               : fault(lastn->scope, STATUS_INVALID, "max", "a number, at least 1");
}

/* ---- the search ------------------------------------------------------------------------------------------------- */

/* What shapes an answer is the operation's own. */
static bool is_own(struct text name) {
    static const char *const names[] = {
        "max", "_sort", "_count", "_include", "_revinclude", "_summary", "_elements", "_total"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool is_of_subset(struct text name) {
    return text_is(name, "_summary") || text_is(name, "_elements");
}

static enum status search_observations(struct search_result *out, const struct lastn *lastn) {
    struct scope *scope = lastn->scope;
    struct search_pair *given = NULL;
    size_t given_count = 0, count = 0;
    invocation_pairs(&given, &given_count, lastn->invocation, scope);
    struct search_pair *pairs = ARENA_ARRAY(scope->arena, struct search_pair, given_count + 1);
    for (size_t i = 0; i < given_count; i++) {
        if (!is_own(given[i].name)) {
            pairs[count++] = given[i];
        } else if (!text_is(given[i].name, "max") && !is_of_subset(given[i].name)) {
            return fault(scope, STATUS_INVALID, "", "$lastn takes \"max\" and filters of observations only");
        }
    }
    pairs[count++] = (struct search_pair){TEXT("_sort"), TEXT("-date")};
    const struct search_request request = {
        .type = lastn->op->request.type,
        .pairs = pairs,
        .pair_count = count,
        .handling = lastn->op->request.handling,
        .cursor_key = lastn->op->records->cursor_key,
        .count_default = OBSERVATIONS_MAX,
        .count_max = OBSERVATIONS_MAX,
    };
    const struct search_query *query = NULL;
    enum status status = search_parse(&query, lastn->op->records->search, &request, scope);
    if (status == STATUS_OK) {
        status = search_run(out, lastn->op->records->search, query, scope);
    }
    if (status == STATUS_OK && out->cursor.at != NULL) {
        status = fault(
            scope, STATUS_TOO_COSTLY, "", "more than %d observations match: narrow the filters", OBSERVATIONS_MAX);
    }
    return status;
}

/* ---- kinds ------------------------------------------------------------------------------------------------------ */

static size_t keys_of(struct text *out, size_t capacity, const yyjson_val *observation, struct arena *arena) {
    const yyjson_val *code = json_get(observation, "code");
    yyjson_arr_iter codings = yyjson_arr_iter_with((yyjson_val *)json_get(code, "coding"));
    size_t count = 0;
    for (yyjson_val *coding = NULL; count < capacity && (coding = yyjson_arr_iter_next(&codings)) != NULL;) {
        struct text system = json_get_text(coding, "system"), value = json_get_text(coding, "code");
        if (value.size > 0) {
            out[count++] = text_format(arena, "%.*s|%.*s", (int)system.size, system.at, (int)value.size, value.at);
        }
    }
    if (count == 0) {
        struct text text = json_get_text(code, "text");
        out[count++] = text_format(arena, "text %.*s", (int)text.size, text.at);
    }
    return count;
}

static void add_member(struct kind *kind, size_t position, struct arena *arena) {
    if (kind->count == kind->capacity) {
        size_t capacity = kind->capacity == 0 ? 4 : 2 * kind->capacity;
        kind->members = arena_resize(
            arena, kind->members, kind->capacity * sizeof *kind->members, capacity * sizeof *kind->members);
        kind->capacity = capacity;
    }
    kind->members[kind->count++] = position;
}

static void sort_into_kind(struct lastn *lastn, const yyjson_val *observation, size_t position) {
    enum { KEYS_MAX = 32 };
    struct text keys[KEYS_MAX];
    size_t count = keys_of(keys, KEYS_MAX, observation, lastn->scope->arena), number = lastn->kind_count;
    for (size_t i = 0; i < count && !map_find(&number, &lastn->codes, keys[i]); i++) {
        number = lastn->kind_count;
    }
    if (number == lastn->kind_count) {
        lastn->kinds[lastn->kind_count++] = (struct kind){0};
    }
    for (size_t i = 0; i < count; i++) {
        map_add(&lastn->codes, keys[i], number); /* a key that is there already keeps its kind */
    }
    if (lastn->kinds[number].count < (size_t)lastn->max) {
        add_member(&lastn->kinds[number], position, lastn->scope->arena);
    }
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static enum status write_bundle(struct json_writer *w, struct lastn *lastn, const struct store_page *page) {
    struct scope *scope = lastn->scope;
    const struct page_frame frame = page_frame_of(lastn->op->records, &lastn->op->request, scope->arena);
    struct page_link self = {.relation = "self", .path = invocation_path(lastn->op, lastn->invocation, scope->arena)};
    struct search_pair *pairs = NULL;
    size_t total = 0;
    invocation_pairs(&pairs, &self.pair_count, lastn->invocation, scope);
    self.pairs = pairs;
    for (size_t i = 0; i < lastn->kind_count; i++) {
        total += lastn->kinds[i].count;
    }
    json_object_open(w);
    json_member_string(w, "resourceType", "Bundle");
    json_member_string(w, "type", "searchset");
    json_member_int(w, "total", (int64_t)total);
    page_write_links(w, &frame, &self, 1, scope->arena);
    if (total > 0) {
        json_name(w, "entry");
        json_array_open(w);
        for (size_t i = 0; i < lastn->kind_count; i++) {
            for (size_t j = 0; j < lastn->kinds[i].count; j++) {
                const struct store_resource *one = &page->at[lastn->kinds[i].members[j]];
                audit_note_add(&lastn->op->note, scope->arena, fhir_resource_type(one->type), one->id);
                enum status status = page_write_part(w, &frame, one, "match", &lastn->subset, scope);
                if (status != STATUS_OK) {
                    return status;
                }
            }
        }
        json_array_close(w);
    }
    json_object_close(w);
    return STATUS_OK;
}

enum status lastn_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct lastn lastn = {.op = op, .invocation = invocation, .scope = scope, .codes = map_open(scope->arena, 256)};
    struct search_result result = {0};
    enum status status = take_max(&lastn);
    if (status == STATUS_OK) {
        status = subset_take(&lastn.subset, invocation_text(invocation, "_summary", scope),
            invocation_text(invocation, "_elements", scope), scope);
    }
    if (status == STATUS_OK) {
        status = search_observations(&result, &lastn);
    }
    lastn.kinds = ARENA_ARRAY(scope->arena, struct kind, result.matches.count + 1);
    for (size_t i = 0; i < result.matches.count && status == STATUS_OK; i++) {
        const yyjson_val *observation = NULL;
        status = body_parse(&observation, &result.matches.at[i], scope);
        if (status == STATUS_OK) {
            sort_into_kind(&lastn, observation, i);
            status = scope_check_deadline(scope);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    status = write_bundle(&w, &lastn, &result.matches);
    return status != STATUS_OK ? status : json_finish(&op->answer->body, &w, scope);
}
