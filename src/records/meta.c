#include "records/invocation.h"
#include "records/map.h"

/* $meta, $meta-add, $meta-delete: profiles, security labels and tags of a resource (https://hl7.org/fhir/R4/resource-operations.html).
 * A change of them is a change of the resource: it makes a version, and guards see it. */

enum { SCANNED_MAX = 10000 };

static const struct label {
    const char *name;
    enum { LABEL_CODING, LABEL_CANONICAL } kind;
} labels[] = {{"profile", LABEL_CANONICAL}, {"security", LABEL_CODING}, {"tag", LABEL_CODING}};
enum { LABEL_COUNT = sizeof labels / sizeof *labels };

/* What makes two of them the same: system and code, or the URL. */
static struct text label_key(const struct label *label, const yyjson_val *value, struct arena *arena) {
    if (label->kind == LABEL_CANONICAL) {
        return json_text(value);
    }
    struct text system = json_get_text(value, "system"), code = json_get_text(value, "code");
    return text_format(arena, "%.*s|%.*s", (int)system.size, system.at, (int)code.size, code.at);
}

static void open_return(struct json_writer *w) {
    fhir_parameters_open(w);
    json_object_open(w);
    json_member_string(w, "name", "return");
    json_name(w, "valueMeta");
}

static enum status finish_return(struct operation *op, struct json_writer *w, struct scope *scope) {
    json_object_close(w);
    return fhir_parameters_finish(&op->answer->body, w, scope);
}

static enum status answer_meta(struct operation *op, const yyjson_val *resource, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    open_return(&w);
    json_value(&w, json_get(resource, "meta"));
    return finish_return(op, &w, scope);
}

/* ---- $meta ------------------------------------------------------------------------------------------------------ */

static enum status meta_of_one(struct operation *op, struct scope *scope) {
    struct store_view *view = NULL;
    struct store_resource resource;
    const yyjson_val *root = NULL;
    enum status status = store_view_open(&view, op->records->store, 0, scope);
    if (status == STATUS_OK) {
        status = invocation_subject(&resource, op, view, scope);
    }
    if (status == STATUS_OK) {
        status = body_parse(&root, &resource, scope);
    }
    store_view_close(view);
    return status == STATUS_OK ? answer_meta(op, root, scope) : status;
}

static enum status find_labelled(
    struct search_result *out, const struct operation *op, const char *label, struct scope *scope) {
    const struct search_pair pair = {text_format(scope->arena, "_%s:missing", label), TEXT("false")};
    const struct search_request request = {
        .type = op->request.type,
        .pairs = &pair,
        .pair_count = 1,
        .handling = SEARCH_STRICT,
        .cursor_key = op->records->cursor_key,
        .count_default = SCANNED_MAX,
        .count_max = SCANNED_MAX,
    };
    const struct search_query *query = NULL;
    enum status status = search_parse(&query, op->records->search, &request, scope);
    if (status == STATUS_OK) {
        status = search_run(out, op->records->search, query, scope);
    }
    if (status == STATUS_OK && out->cursor.at != NULL) {
        status = fault(scope, STATUS_TOO_COSTLY, "",
            "more than %d resources have a %s: ask about one type, or one resource", SCANNED_MAX, label);
    }
    return status;
}

static enum status write_distinct(
    struct json_writer *w, const struct operation *op, const struct label *label, struct scope *scope) {
    struct search_result result = {0};
    struct map seen = map_open(scope->arena, 64);
    bool open = false;
    enum status status = find_labelled(&result, op, label->name, scope);
    for (size_t i = 0; i < result.matches.count && status == STATUS_OK; i++) {
        const yyjson_val *root = NULL;
        status = body_parse(&root, &result.matches.at[i], scope);
        yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)json_get(json_get(root, "meta"), label->name));
        for (yyjson_val *item = NULL; status == STATUS_OK && (item = yyjson_arr_iter_next(&items)) != NULL;) {
            if (!map_add(&seen, label_key(label, item, scope->arena), 0)) {
                continue;
            }
            if (!open) {
                json_name(w, label->name);
                json_array_open(w);
                open = true;
            }
            json_value(w, item);
        }
        if (status == STATUS_OK) {
            status = scope_check_deadline(scope);
        }
    }
    if (open) {
        json_array_close(w);
    }
    return status;
}

enum status meta_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    (void)invocation;
    if (op->request.id.size > 0) {
        return meta_of_one(op, scope);
    }
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    open_return(&w);
    json_object_open(&w);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < LABEL_COUNT && status == STATUS_OK; i++) {
        status = write_distinct(&w, op, &labels[i], scope);
    }
    json_object_close(&w);
    return status == STATUS_OK ? finish_return(op, &w, scope) : status;
}

/* ---- $meta-add, $meta-delete ------------------------------------------------------------------------------------ */

enum meta_change { META_ADD, META_DELETE };
struct meta_plan {
    const yyjson_val *meta;
    enum meta_change change;
};

static bool holds(const struct label *label, const yyjson_val *list, const yyjson_val *value, struct arena *arena) {
    struct text key = label_key(label, value, arena);
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)list);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        if (text_equal(label_key(label, item, arena), key)) {
            return true;
        }
    }
    return false;
}

struct label_change {
    const struct label *label;
    const yyjson_val *now, *given;
    enum meta_change change;
};

/* The list as it will be; says whether that differs. */
static bool write_label(struct json_writer *w, const struct label_change *of, struct arena *arena) {
    bool open = false, changed = false;
    const yyjson_val *const lists[] = {of->now, of->change == META_ADD ? of->given : NULL};
    for (size_t i = 0; i < 2; i++) {
        yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)lists[i]);
        for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            bool is_new = i == 1;
            bool dropped = is_new ? holds(of->label, of->now, item, arena)
                                  : of->change == META_DELETE && holds(of->label, of->given, item, arena);
            changed = changed || is_new != dropped;
            if (dropped) {
                continue;
            }
            if (!open) {
                json_name(w, of->label->name);
                json_array_open(w);
                open = true;
            }
            json_value(w, item);
        }
    }
    if (open) {
        json_array_close(w);
    }
    return changed;
}

static bool is_label(struct text member) {
    for (size_t i = 0; i < LABEL_COUNT; i++) {
        if (text_is(member, labels[i].name)) {
            return true;
        }
    }
    return false;
}

static bool write_meta(
    struct json_writer *w, const yyjson_val *meta, const struct meta_plan *plan, struct arena *arena) {
    bool changed = false;
    json_object_open(w);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)meta);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        if (!is_label(json_text(name))) {
            json_name_text(w, json_text(name));
            json_value(w, yyjson_obj_iter_get_val(name));
        }
    }
    for (size_t i = 0; i < LABEL_COUNT; i++) {
        const struct label_change change = {
            &labels[i], json_get(meta, labels[i].name), json_get(plan->meta, labels[i].name), plan->change};
        changed = write_label(w, &change, arena) || changed;
    }
    json_object_close(w);
    return changed;
}

static enum status compose(
    bool *changed, struct text *out, const yyjson_val *resource, const struct meta_plan *plan, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
    json_object_open(&w);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)resource);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        json_name_text(&w, json_text(name));
        if (text_is(json_text(name), "meta")) {
            *changed = write_meta(&w, yyjson_obj_iter_get_val(name), plan, scope->arena);
        } else {
            json_value(&w, yyjson_obj_iter_get_val(name));
        }
    }
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

static enum status write_changed(
    struct operation *op, struct records_unit *unit, struct text text, struct scope *scope) {
    const struct records_request *request = &op->request;
    const yyjson_val *root = NULL;
    struct write write = {
        .kind = WRITE_UPDATE, .type = request->type, .id = request->id, .if_match = request->if_match};
    enum status status = body_read(&root, NULL, text, request->type, scope);
    if (status == STATUS_OK) {
        status = draft_make(&write.draft, op->records, root, write.id, scope);
    }
    if (status == STATUS_OK) {
        status = write_apply(&write, unit, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *written = NULL;
    yyjson_doc *doc = NULL;
    struct text body =
        body_splice_parts(scope->arena, write.draft.json, write.draft.gap, write.version, write.updated_us);
    status = json_read(&doc, body, scope);
    written = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
    return status == STATUS_OK ? answer_meta(op, written, scope) : status;
}

static enum status apply_meta(struct operation *op, struct records_unit *unit, struct scope *scope) {
    const struct records_request *request = &op->request;
    const char *type = fhir_type_name(request->type);
    struct standing standing;
    enum status status = unit_standing(&standing, unit, request->type, request->id, STORE_WANT_BODY, scope);
    if (status == STATUS_OK && !standing.exists) {
        return fault(scope, standing.known ? STATUS_GONE : STATUS_NOT_FOUND, "", "there is no such %s", type);
    }
    const yyjson_val *current = NULL;
    struct text text = {0};
    bool changed = false;
    if (status == STATUS_OK) {
        status = unit_preconditions(&standing, request->if_match, (struct text){0}, scope);
    }
    if (status == STATUS_OK) {
        status = body_parse(&current, &standing.resource, scope);
    }
    if (status == STATUS_OK) {
        status = compose(&changed, &text, current, op->plan, scope);
    }
    if (status != STATUS_OK || changed) {
        return status == STATUS_OK ? write_changed(op, unit, text, scope) : status;
    }
    audit_note_add(unit->note, scope->arena, request->type, request->id);
    return answer_meta(op, current, scope);
}

static enum status prepare_change(
    struct operation *op, const struct invocation *invocation, enum meta_change change, struct scope *scope) {
    struct invocation_value value;
    struct meta_plan *plan = ARENA_NEW(scope->arena, struct meta_plan);
    if (!fhir_id_is_valid(op->request.id)) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", fhir_type_name(op->request.type));
    }
    if (!invocation_get(&value, invocation, "meta", 0, scope) || !yyjson_is_obj((yyjson_val *)value.value)) {
        return fault(scope, STATUS_INVALID, "meta", "a parameter \"meta\" with a valueMeta is due here");
    }
    *plan = (struct meta_plan){.meta = value.value, .change = change};
    op->plan = plan;
    op->apply = apply_meta;
    return STATUS_OK;
}

enum status meta_add_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    return prepare_change(op, invocation, META_ADD, scope);
}

enum status meta_delete_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    return prepare_change(op, invocation, META_DELETE, scope);
}
