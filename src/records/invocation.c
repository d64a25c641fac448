#include "records/invocation.h"

#include <string.h>

#include "records/page.h"

#define DEFINITION(name) "http://hl7.org/fhir/OperationDefinition/" name

static const struct invocation_row rows[] = {
    {{"everything", "Patient", RECORDS_AT_TYPE | RECORDS_AT_INSTANCE, RECORDS_OPERATION_READS,
         DEFINITION("Patient-everything"), NULL, NULL},
        {"start", "end", "_since", "_type", "_count", "_summary", "_elements", "_cursor"}, everything_start},
    {{"everything", "Encounter", RECORDS_AT_TYPE | RECORDS_AT_INSTANCE, RECORDS_OPERATION_READS,
         DEFINITION("Encounter-everything"), NULL, NULL},
        {"_since", "_type", "_count", "_summary", "_elements", "_cursor"}, everything_start},
    {{"lastn", "Observation", RECORDS_AT_TYPE, RECORDS_OPERATION_READS, DEFINITION("Observation-lastn"), NULL, NULL},
        {"max", "*"}, lastn_start},
    {{"meta", NULL, RECORDS_AT_SYSTEM | RECORDS_AT_TYPE | RECORDS_AT_INSTANCE | RECORDS_AT_VERSION,
         RECORDS_OPERATION_READS, DEFINITION("Resource-meta"), NULL, NULL},
        {NULL}, meta_start},
    {{"meta-add", NULL, RECORDS_AT_INSTANCE, RECORDS_OPERATION_WRITES, DEFINITION("Resource-meta-add"), NULL, NULL},
        {"meta"}, meta_add_start},
    {{"meta-delete", NULL, RECORDS_AT_INSTANCE, RECORDS_OPERATION_WRITES, DEFINITION("Resource-meta-delete"), NULL,
         NULL},
        {"meta"}, meta_delete_start},
    {{"validate", NULL, RECORDS_AT_TYPE | RECORDS_AT_INSTANCE, RECORDS_OPERATION_READS, DEFINITION("Resource-validate"),
         NULL, NULL},
        {"resource", "mode", "profile"}, judgement_start},
    {{"document", "Composition", RECORDS_AT_TYPE | RECORDS_AT_INSTANCE, RECORDS_OPERATION_READS,
         DEFINITION("Composition-document"), NULL, NULL},
        {"id", "persist", "graph"}, composition_start},
    {{"fhirpath", NULL, RECORDS_AT_SYSTEM, RECORDS_OPERATION_READS,
         "https://fhir.soyang.example/OperationDefinition/fhirpath", NULL, NULL},
        {"expression", "resource", "context", "variables", "validate", "terminologyserver", "debug_trace"},
        evaluation_start},
};

/* ---- the table -------------------------------------------------------------------------------------------------- */

void records_operation_register(struct records *records, const struct records_operation *operation) {
    invariant(operation->run != NULL && operation->levels != 0);
    struct operation_link **end = &records->operations;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = ARENA_NEW(records->arena, struct operation_link);
    **end = (struct operation_link){.operation = *operation};
}

static unsigned level_of(fhir_type type, struct text id, struct text version) {
    if (type == FHIR_TYPE_NONE) {
        return RECORDS_AT_SYSTEM;
    }
    if (id.size == 0) {
        return RECORDS_AT_TYPE;
    }
    return version.size == 0 ? RECORDS_AT_INSTANCE : RECORDS_AT_VERSION;
}

static bool is_of_type(const struct records_operation *operation, fhir_type type) {
    return operation->type == NULL || strcmp(operation->type, fhir_type_name(type)) == 0;
}

static bool serves(const struct records_operation *operation, struct text name, fhir_type type, unsigned level) {
    return text_is(name, operation->name) && (operation->levels & level) != 0 &&
           (type == FHIR_TYPE_NONE || is_of_type(operation, type));
}

enum status records_operation_answer(struct text *out, const struct records_operation *operation,
    const struct records_request *request, struct scope *scope) {
    const struct records_operation_call call = {
        .caller = &request->caller,
        .type = request->type,
        .id = request->id,
        .version = request->version,
        .body = request->body,
        .pairs = request->pairs,
        .pair_count = request->pair_count,
    };
    return operation->run(out, operation->context, &call, scope);
}

const struct records_operation *records_operation_find(
    const struct records *records, struct text name, fhir_type type, struct text id, struct text version) {
    unsigned level = level_of(type, id, version);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (serves(&rows[i].operation, name, type, level)) {
            return &rows[i].operation;
        }
    }
    for (const struct operation_link *link = records->operations; link != NULL; link = link->next) {
        if (serves(&link->operation, name, type, level)) {
            return &link->operation;
        }
    }
    return NULL;
}

/* "Patient/[id]/$everything": where one of this name is called. */
static void put_places(struct buffer *out, const struct records_operation *operation) {
    static const struct {
        unsigned level;
        const char *format;
    } places[] = {
        {RECORDS_AT_SYSTEM, "%s$%s"},
        {RECORDS_AT_TYPE, "%s/$%s"},
        {RECORDS_AT_INSTANCE, "%s/[id]/$%s"},
        {RECORDS_AT_VERSION, "%s/[id]/_history/[version]/$%s"},
    };
    const char *type = operation->type != NULL ? operation->type : "[type]";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if ((operation->levels & places[i].level) != 0) {
            const char *owner = places[i].level == RECORDS_AT_SYSTEM ? "" : type;
            struct text place = text_format(out->arena, places[i].format, owner, operation->name);
            buffer_put_string(out, out->size > 0 ? ", " : "");
            buffer_put(out, place);
        }
    }
}

enum status records_operation_missing(
    const struct records *records, struct text name, const char *path, struct scope *scope) {
    struct buffer places = buffer_open(scope->arena, SIZE_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (text_is(name, rows[i].operation.name)) {
            put_places(&places, &rows[i].operation);
        }
    }
    for (const struct operation_link *link = records->operations; link != NULL; link = link->next) {
        if (text_is(name, link->operation.name)) {
            put_places(&places, &link->operation);
        }
    }
    struct text known = buffer_text(&places);
    return known.size == 0 ? fault(scope, STATUS_NOT_FOUND, path, "there is no such operation here")
                           : fault(scope, STATUS_NOT_FOUND, path, "there is no such operation here, but %.*s",
                                 (int)known.size, known.at);
}

static void write_capability(struct json_writer *w, const char *name, const char *definition, bool *open) {
    if (!*open) {
        json_name(w, "operation");
        json_array_open(w);
        *open = true;
    }
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_string(w, "definition", definition);
    json_object_close(w);
}

static bool is_claimed(const struct records_operation *operation, fhir_type type) {
    bool at_system = (operation->levels & RECORDS_AT_SYSTEM) != 0;
    bool elsewhere = (operation->levels & ~(unsigned)RECORDS_AT_SYSTEM) != 0;
    return type == FHIR_TYPE_NONE ? at_system : elsewhere && is_of_type(operation, type);
}

void invocation_write_capabilities(struct json_writer *w, const struct records *records, fhir_type type) {
    bool open = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (is_claimed(&rows[i].operation, type)) {
            write_capability(w, rows[i].operation.name, rows[i].operation.definition, &open);
        }
    }
    for (const struct operation_link *link = records->operations; link != NULL; link = link->next) {
        if (is_claimed(&link->operation, type)) {
            write_capability(w, link->operation.name, link->operation.definition, &open);
        }
    }
    struct search_query_claim query;
    for (size_t at = 0; search_query_claim(&query, type, &at);) { /* what _query may name */
        write_capability(w, query.name, query.definition, &open);
    }
    if (open) {
        json_array_close(w);
    }
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

const yyjson_val *invocation_value_of(const yyjson_val *parameter) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)parameter);
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        if (text_starts(json_text(key), "value") || text_is(json_text(key), "resource")) {
            return yyjson_obj_iter_get_val(key);
        }
    }
    return NULL;
}

struct text invocation_text_of(const yyjson_val *value, struct scope *scope) {
    if (value == NULL) {
        return (struct text){0};
    }
    if (yyjson_is_bool((yyjson_val *)value)) {
        return yyjson_is_true((yyjson_val *)value) ? TEXT("true") : TEXT("false");
    }
    (void)scope;
    struct text number = json_number_text(value);
    return number.at != NULL ? number : json_text(value);
}

bool invocation_get(struct invocation_value *out, const struct invocation *invocation, const char *name, size_t n,
    struct scope *scope) {
    *out = (struct invocation_value){0};
    for (size_t i = 0; i < invocation->pair_count; i++) {
        if (text_is(invocation->pairs[i].name, name) && n-- == 0) {
            out->text = invocation->pairs[i].value;
            return true;
        }
    }
    if (invocation->resource != NULL && strcmp(name, "resource") == 0 && n-- == 0) {
        out->value = invocation->resource;
        return true;
    }
    yyjson_arr_iter items = yyjson_arr_iter_with(invocation->parameters);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        if (text_is(json_get_text(item, "name"), name) && n-- == 0) {
            out->element = item;
            out->value = invocation_value_of(item);
            out->text = invocation_text_of(out->value, scope);
            return true;
        }
    }
    return false;
}

struct text invocation_text(const struct invocation *invocation, const char *name, struct scope *scope) {
    struct invocation_value value;
    return invocation_get(&value, invocation, name, 0, scope) ? value.text : (struct text){0};
}

enum { LIST_MAX = 500 };

enum status invocation_list(
    struct text **out, size_t *count_out, const struct invocation *invocation, const char *name, struct scope *scope) {
    struct invocation_value value;
    *out = ARENA_ARRAY(scope->arena, struct text, LIST_MAX);
    *count_out = 0;
    for (size_t n = 0; invocation_get(&value, invocation, name, n, scope); n++) {
        while (value.text.size > 0) {
            struct text one = text_trim(text_cut(&value.text, ','));
            if (*count_out == LIST_MAX) {
                return fault(scope, STATUS_TOO_COSTLY, name, "at most %d values", LIST_MAX);
            }
            if (one.size > 0) {
                (*out)[(*count_out)++] = one;
            }
        }
    }
    return STATUS_OK;
}

static bool is_of_form(struct text name) {
    return text_is(name, "_cursor") || text_is(name, "_format") || text_is(name, "_pretty");
}

void invocation_pairs(
    struct search_pair **out, size_t *count_out, const struct invocation *invocation, struct scope *scope) {
    size_t most = invocation->pair_count + yyjson_arr_size(invocation->parameters);
    *out = ARENA_ARRAY(scope->arena, struct search_pair, most + 1);
    *count_out = 0;
    for (size_t i = 0; i < invocation->pair_count; i++) {
        if (!is_of_form(invocation->pairs[i].name)) {
            (*out)[(*count_out)++] = invocation->pairs[i];
        }
    }
    yyjson_arr_iter items = yyjson_arr_iter_with(invocation->parameters);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        struct text name = json_get_text(item, "name"), text = invocation_text_of(invocation_value_of(item), scope);
        if (text.at != NULL && !is_of_form(name)) {
            (*out)[(*count_out)++] = (struct search_pair){name, text};
        }
    }
}

struct text invocation_path(const struct operation *op, const struct invocation *invocation, struct arena *arena) {
    const struct records_request *request = &op->request;
    const char *name = invocation->row->operation.name;
    if (request->type == FHIR_TYPE_NONE) {
        return text_format(arena, "$%s", name);
    }
    const char *type = fhir_type_name(request->type);
    return request->id.size == 0 ? text_format(arena, "%s/$%s", type, name)
                                 : text_format(arena, "%s/%.*s/$%s", type, (int)request->id.size, request->id.at, name);
}

static bool is_known(const struct invocation_row *row, struct text name) {
    for (size_t i = 0; i < INVOCATION_PARAMETERS_MAX && row->parameters[i] != NULL; i++) {
        if (text_is(name, row->parameters[i]) || strcmp(row->parameters[i], "*") == 0) {
            return true;
        }
    }
    return is_of_form(name);
}

static enum status check_names(
    const struct invocation *invocation, enum search_handling handling, struct scope *scope) {
    bool known = invocation->resource == NULL || is_known(invocation->row, TEXT("resource"));
    for (size_t i = 0; i < invocation->pair_count; i++) {
        known = known && is_known(invocation->row, invocation->pairs[i].name);
    }
    yyjson_arr_iter items = yyjson_arr_iter_with(invocation->parameters);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        known = known && is_known(invocation->row, json_get_text(item, "name"));
    }
    return known || handling == SEARCH_LENIENT
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, "", "$%s has a parameter that is not known here",
                     invocation->row->operation.name);
}

/* A resource that is to be judged, or looked into, need not be R4; so only the names around it are looked at there. */
static enum status read_body(struct invocation *invocation, struct text body, struct scope *scope) {
    if (body.size == 0) {
        return STATUS_OK;
    }
    if (body.size > RECORDS_RESOURCE_BYTES_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "", "a call may have at most %d bytes", RECORDS_RESOURCE_BYTES_MAX);
    }
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!text_is(json_get_text(root, "resourceType"), "Parameters")) {
        invocation->resource = root;
        return yyjson_is_obj(root) ? STATUS_OK : fault(scope, STATUS_INVALID, "", "a resource is due here");
    }
    if (!is_known(invocation->row, TEXT("resource"))) {
        status = fhir_check(root, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    invocation->parameters = (yyjson_val *)json_get(root, "parameter");
    yyjson_arr_iter items = yyjson_arr_iter_with(invocation->parameters);
    bool named = invocation->parameters == NULL || yyjson_is_arr(invocation->parameters);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        named = named && json_get_text(item, "name").size > 0;
    }
    return named ? STATUS_OK : fault(scope, STATUS_INVALID, "Parameters.parameter", "each parameter needs a name");
}

/* ---- the interaction -------------------------------------------------------------------------------------------- */

static enum status run_registered(struct operation *op, struct scope *scope) {
    const struct records_operation *operation = op->plan;
    const struct records_operation_call call = {
        .caller = &op->request.caller,
        .type = op->request.type,
        .id = op->request.id,
        .version = op->request.version,
        .body = op->request.body,
        .pairs = op->request.pairs,
        .pair_count = op->request.pair_count,
    };
    return operation->run(&op->answer->body, operation->context, &call, scope);
}

static const struct invocation_row *row_of(const struct records_operation *operation) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (&rows[i].operation == operation) {
            return &rows[i];
        }
    }
    return NULL;
}

enum status invocation_prepare(struct operation *op, struct scope *scope) {
    const struct records_request *request = &op->request;
    const struct records_operation *operation =
        records_operation_find(op->records, request->operation, request->type, request->id, request->version);
    if (operation == NULL) {
        return records_operation_missing(op->records, request->operation, "", scope);
    }
    op->note.what = text_string(scope->arena, text_format(scope->arena, "$%s", operation->name));
    const struct invocation_row *row = row_of(operation);
    if (row == NULL) { /* its rows of audit are its own */
        op->plan = (void *)(uintptr_t)operation;
        op->has_no_unit = true;
        op->after = run_registered;
        return STATUS_OK;
    }
    struct invocation *invocation = ARENA_NEW(scope->arena, struct invocation);
    *invocation = (struct invocation){.row = row, .pairs = request->pairs, .pair_count = request->pair_count};
    enum status status = read_body(invocation, request->body, scope);
    if (status == STATUS_OK) {
        status = check_names(invocation, request->handling, scope);
    }
    return status == STATUS_OK ? row->start(op, invocation, scope) : status;
}

enum status invocation_subject(
    struct store_resource *out, const struct operation *op, struct store_view *view, struct scope *scope) {
    const struct records_request *request = &op->request;
    const char *type = fhir_type_name(request->type);
    int64_t version = 0;
    enum status status = STATUS_NOT_FOUND;
    *out = (struct store_resource){0};
    if (!fhir_id_is_valid(request->id)) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", type);
    }
    uint16_t number = fhir_resource_number(request->type);
    if (request->version.size == 0) {
        status = store_view_get(out, view, number, request->id, STORE_WANT_BODY, scope);
    } else if (text_to_int64(&version, request->version) && version > 0 && version <= UINT32_MAX) {
        status = store_view_get_version(out, view, number, request->id, (uint32_t)version, scope);
    }
    if (status == STATUS_NOT_FOUND && scope->fault.count == 0) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", type);
    }
    if (status == STATUS_OK && out->method == STORE_DELETED) {
        return fault_coded(scope, STATUS_GONE, "deleted", "", "this %s was deleted", type);
    }
    return status;
}
