#include "records/invocation.h"

#include "fhirpath/fhirpath.h"

/* $fhirpath, in the shape that FHIRPath Lab's engines have (https://github.com/brianpos/fhirpath-lab/blob/master/server-api.md): an
 * expression over a resource, or over each element that a context expression yields; values and traces come back by type. */

#define EXTENSION(name) "http://fhir.forms-lab.com/StructureDefinition/" name

enum { TRACES_MAX = 1000, VARIABLES_MAX = 100 };

struct trace {
    struct text name;
    struct fhirpath_items items;
};

struct evaluation {
    struct operation *op;
    const struct invocation *invocation;
    struct scope *scope;
    struct json_writer w;
    struct text expression, context;
    const yyjson_val *resource;
    const struct fhirpath *program;
    struct fhirpath_environment environment;
    struct trace *traces;
    size_t trace_count;
};

/* ---- in --------------------------------------------------------------------------------------------------------- */

/* Resources of other versions of FHIR come as text in an extension; so may ours. */
static enum status read_json_value(const yyjson_val **out, const yyjson_val *element, struct scope *scope) {
    yyjson_arr_iter extensions = yyjson_arr_iter_with((yyjson_val *)json_get(element, "extension"));
    for (yyjson_val *extension = NULL; (extension = yyjson_arr_iter_next(&extensions)) != NULL;) {
        if (text_is(json_get_text(extension, "url"), EXTENSION("json-value"))) {
            yyjson_doc *doc = NULL;
            enum status status = json_read(&doc, json_get_text(extension, "valueString"), scope);
            *out = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
            return status;
        }
    }
    return STATUS_OK;
}

static enum status take_resource(struct evaluation *evaluation) {
    struct invocation_value value;
    struct scope *scope = evaluation->scope;
    enum status status = STATUS_OK;
    if (invocation_get(&value, evaluation->invocation, "resource", 0, scope)) {
        evaluation->resource = value.value;
        if (value.value == NULL && value.element != NULL) {
            status = read_json_value(&evaluation->resource, value.element, scope);
        }
    }
    if (status == STATUS_OK && fhir_resource_type_of(evaluation->resource) == FHIR_TYPE_NONE) {
        return fault(scope, STATUS_INVALID, "resource", "a resource of FHIR %s is due here", FHIR_VERSION);
    }
    return status;
}

static fhir_type parameter_type(void) {
    return fhir_type_find(TEXT("Parameters.parameter"));
}

/* The item that a part's value is; false when it has none. */
static bool item_of_part(struct fhirpath_item *out, const yyjson_val *part) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)part);
    *out = (struct fhirpath_item){.kind = FHIRPATH_NODE};
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        struct text name = json_text(key);
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        struct fhir_member member = {0};
        if (text_is(name, "resource")) {
            out->type = fhir_resource_type_of(value);
            out->node = value;
        } else if ((text_starts(name, "value") || text_starts(name, "_value")) &&
                   fhir_member_find(&member, parameter_type(), name)) {
            out->type = member.type;
            *(member.is_companion ? &out->companion : &out->node) = value;
        }
    }
    return out->type != FHIR_TYPE_NONE;
}

static enum status take_variables(struct evaluation *evaluation) {
    struct scope *scope = evaluation->scope;
    struct fhirpath_environment *environment = &evaluation->environment;
    struct invocation_value given;
    environment->variables = arena_array(scope->arena, VARIABLES_MAX, sizeof *environment->variables);
    for (size_t n = 0; invocation_get(&given, evaluation->invocation, "variables", n, scope); n++) {
        yyjson_arr_iter parts = yyjson_arr_iter_with((yyjson_val *)json_get(given.element, "part"));
        for (yyjson_val *part = NULL; (part = yyjson_arr_iter_next(&parts)) != NULL;) {
            if (environment->variable_count == VARIABLES_MAX) {
                return fault(scope, STATUS_TOO_COSTLY, "variables", "at most %d variables", VARIABLES_MAX);
            }
            struct fhirpath_item *item = ARENA_NEW(scope->arena, struct fhirpath_item);
            size_t at = environment->variable_count++;
            environment->variables[at].name = json_get_text(part, "name");
            environment->variables[at].items =
                (struct fhirpath_items){.at = item, .count = item_of_part(item, part) ? 1 : 0};
        }
    }
    return STATUS_OK;
}

static enum status member_of(bool *out, bool *known, void *context, const struct fhirpath_item *code,
    struct text value_set, struct scope *scope) {
    const struct evaluation *evaluation = context;
    struct terminology *terminology = evaluation->op->records->terminology;
    *out = *known = false;
    return terminology == NULL ? STATUS_OK : terminology_member_of(out, known, terminology, code, value_set, scope);
}

static enum status keep_trace(
    void *context, struct text name, const struct fhirpath_items *items, struct scope *scope) {
    struct evaluation *evaluation = context;
    if (evaluation->trace_count == TRACES_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "at most %d calls of trace()", TRACES_MAX);
    }
    struct trace *trace = &evaluation->traces[evaluation->trace_count++];
    *trace = (struct trace){.name = name, .items = *items};
    trace->items.at = ARENA_ARRAY(scope->arena, struct fhirpath_item, items->count + 1);
    for (size_t i = 0; i < items->count; i++) {
        trace->items.at[i] = items->at[i];
    }
    return STATUS_OK;
}

/* ---- out -------------------------------------------------------------------------------------------------------- */

static void write_extension(struct json_writer *w, const char *url, struct text value) {
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_text(w, "valueString", value);
    json_object_close(w);
}

static struct text json_text_of(const yyjson_val *value, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
    struct text out = {0};
    json_value(&w, value);
    return json_finish(&out, &w, scope) == STATUS_OK ? out : (struct text){0};
}

/* The member of Parameters.parameter that can hold this type: "valueHumanName"; none for backbone elements and the like. */
static struct text value_member(fhir_type type, struct arena *arena) {
    const char *name = fhir_type_name(type);
    struct fhir_member member = {0};
    char first = name[0] >= 'a' && name[0] <= 'z' ? (char)(name[0] - 'a' + 'A') : name[0];
    struct text text = text_format(arena, "value%c%s", first, name + 1);
    return fhir_member_find(&member, parameter_type(), text) ? text : (struct text){0};
}

static void write_node(struct json_writer *w, const struct fhirpath_item *item, struct scope *scope) {
    struct text member = value_member(item->type, scope->arena);
    bool is_resource = fhir_type_kind(item->type) == FHIR_RESOURCE;
    bool in_extension = !is_resource && member.at == NULL && item->node != NULL;
    bool is_empty = item->node != NULL && yyjson_is_str((yyjson_val *)item->node) && json_text(item->node).size == 0;
    if (item->path != NULL || in_extension) {
        json_name(w, "extension");
        json_array_open(w);
        if (item->path != NULL) {
            write_extension(w, EXTENSION("resource-path"), text_from(item->path));
        }
        if (in_extension) {
            write_extension(w, EXTENSION("json-value"), json_text_of(item->node, scope));
        }
        json_array_close(w);
    }
    json_member_string(w, "name", is_empty ? "empty-string" : fhir_type_name(item->type));
    if (is_empty || in_extension) {
        return;
    }
    if (item->node != NULL) {
        json_name_text(w, is_resource ? TEXT("resource") : member);
        json_value(w, item->node);
    }
    if (item->companion != NULL && member.at != NULL) {
        json_name_text(w, text_format(scope->arena, "_%.*s", (int)member.size, member.at));
        json_value(w, item->companion);
    }
}

/* A calendar word is a unit without a code. */
static void write_quantity(struct json_writer *w, const struct fhirpath_item *item) {
    json_member_string(w, "name", "Quantity");
    json_name(w, "valueQuantity");
    json_object_open(w);
    json_name(w, "value");
    json_raw(w, item->text);
    if (item->unit.size > 0) {
        json_member_text(w, "unit", item->unit);
        json_member_string(w, "system", "http://unitsofmeasure.org");
        json_member_text(w, "code", item->unit);
    }
    json_object_close(w);
}

static const struct {
    const char *name, *member;
} computed[] = {
    [FHIRPATH_STRING] = {"string", "valueString"},
    [FHIRPATH_DATE] = {"date", "valueDate"},
    [FHIRPATH_DATETIME] = {"dateTime", "valueDateTime"},
    [FHIRPATH_TIME] = {"time", "valueTime"},
};

static void write_item(struct json_writer *w, const struct fhirpath_item *item, struct scope *scope) {
    json_object_open(w);
    switch (item->kind) {
    case FHIRPATH_NODE:
        write_node(w, item, scope);
        break;
    case FHIRPATH_BOOLEAN:
        json_member_string(w, "name", "boolean");
        json_member_bool(w, "valueBoolean", item->boolean);
        break;
    case FHIRPATH_INTEGER:
        json_member_string(w, "name", "integer");
        json_member_int(w, "valueInteger", item->integer);
        break;
    case FHIRPATH_DECIMAL:
        json_member_string(w, "name", "decimal");
        json_name(w, "valueDecimal");
        json_raw(w, item->text);
        break;
    case FHIRPATH_QUANTITY:
        write_quantity(w, item);
        break;
    case FHIRPATH_TYPE:
        json_member_string(w, "name", "TypeInfo");
        json_member_text(w, "valueString",
            text_format(
                scope->arena, "%.*s.%.*s", (int)item->unit.size, item->unit.at, (int)item->text.size, item->text.at));
        break;
    case FHIRPATH_STRING:
    case FHIRPATH_DATE:
    case FHIRPATH_DATETIME:
    case FHIRPATH_TIME:
        if (item->text.size == 0) {
            json_member_string(w, "name", "empty-string");
            break;
        }
        json_member_string(w, "name", computed[item->kind].name);
        json_member_text(w, computed[item->kind].member, item->text);
        break;
    }
    json_object_close(w);
}

static void write_items(struct json_writer *w, const struct fhirpath_items *items, struct scope *scope) {
    for (size_t i = 0; i < items->count; i++) {
        write_item(w, &items->at[i], scope);
    }
}

static void write_traces(struct evaluation *evaluation) {
    struct json_writer *w = &evaluation->w;
    for (size_t i = 0; i < evaluation->trace_count; i++) {
        const struct trace *trace = &evaluation->traces[i];
        json_object_open(w);
        json_member_string(w, "name", "trace");
        json_member_text(w, "valueString", trace->name);
        if (trace->items.count > 0) {
            json_name(w, "part");
            json_array_open(w);
            write_items(w, &trace->items, evaluation->scope);
            json_array_close(w);
        }
        json_object_close(w);
    }
}

static void write_parameters(struct evaluation *evaluation) {
    struct json_writer *w = &evaluation->w;
    struct invocation_value given;
    fhir_parameter_open(w, "parameters");
    fhir_parameter_text(w, "evaluator", "valueString", TEXT("Soyang " SOYANG_VERSION " (R4)"));
    fhir_parameter_text(w, "expression", "valueString", evaluation->expression);
    fhir_parameter_text(w, "context", "valueString", evaluation->context);
    json_object_open(w);
    json_member_string(w, "name", "resource");
    json_name(w, "resource");
    json_value(w, evaluation->resource);
    json_object_close(w);
    for (size_t n = 0; invocation_get(&given, evaluation->invocation, "variables", n, evaluation->scope); n++) {
        if (given.element != NULL) {
            json_value(w, given.element);
        }
    }
    json_array_close(w);
    json_object_close(w);
}

/* ---- the evaluation --------------------------------------------------------------------------------------------- */

/* With a context, over one element of it. */
static enum status write_result(struct evaluation *evaluation, const struct fhirpath_items *input, struct text where) {
    struct json_writer *w = &evaluation->w;
    struct fhirpath_items items = {0};
    evaluation->trace_count = 0;
    enum status status =
        fhirpath_evaluate(&items, evaluation->program, input, &evaluation->environment, evaluation->scope);
    if (status != STATUS_OK) {
        return status;
    }
    json_object_open(w);
    json_member_string(w, "name", "result");
    json_member_text(w, "valueString", where);
    if (items.count + evaluation->trace_count > 0) {
        json_name(w, "part");
        json_array_open(w);
        write_items(w, &items, evaluation->scope);
        write_traces(evaluation);
        json_array_close(w);
    }
    json_object_close(w);
    return STATUS_OK;
}

static enum status write_results(struct evaluation *evaluation) {
    struct scope *scope = evaluation->scope;
    if (evaluation->context.size == 0) {
        return write_result(evaluation, NULL, (struct text){0});
    }
    const struct fhirpath *context = NULL;
    struct fhirpath_items elements = {0};
    struct fhirpath_environment environment = evaluation->environment;
    environment.trace = NULL;
    enum status status = fhirpath_compile(&context, evaluation->context, scope);
    if (status == STATUS_OK) {
        status = fhirpath_evaluate(&elements, context, NULL, &environment, scope);
    }
    for (size_t i = 0; i < elements.count && status == STATUS_OK; i++) {
        const struct fhirpath_items one = {.at = &elements.at[i], .count = 1};
        struct text where = elements.at[i].path != NULL ? text_from(elements.at[i].path)
                                                        : text_format(scope->arena, "%.*s[%zu]",
                                                              (int)evaluation->context.size, evaluation->context.at, i);
        status = write_result(evaluation, &one, where);
    }
    return status;
}

static enum status write_answer(struct evaluation *evaluation) {
    struct json_writer *w = &evaluation->w;
    json_object_open(w);
    json_member_string(w, "resourceType", "Parameters");
    json_member_string(w, "id", "fhirpath");
    json_name(w, "parameter");
    json_array_open(w);
    write_parameters(evaluation);
    enum status status = write_results(evaluation);
    json_array_close(w);
    json_object_close(w);
    return status == STATUS_OK ? json_finish(&evaluation->op->answer->body, w, evaluation->scope) : status;
}

enum status evaluation_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct evaluation evaluation = {
        .op = op,
        .invocation = invocation,
        .scope = scope,
        .w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX),
        .expression = invocation_text(invocation, "expression", scope),
        .context = invocation_text(invocation, "context", scope),
        .traces = ARENA_ARRAY(scope->arena, struct trace, TRACES_MAX),
    };
    if (evaluation.expression.size == 0) {
        return fault(scope, STATUS_INVALID, "expression", "a FHIRPath expression is due here");
    }
    enum status status = take_resource(&evaluation);
    evaluation.environment = (struct fhirpath_environment){
        .resource = evaluation.resource,
        .member_of = member_of,
        .trace = keep_trace,
        .context = &evaluation,
        .now_us = clock_now_us(op->records->clock),
        .zone_minutes = op->records->zone_minutes,
        .want_paths = true,
    };
    if (status == STATUS_OK) {
        status = take_variables(&evaluation);
    }
    if (status == STATUS_OK) {
        status = fhirpath_compile(&evaluation.program, evaluation.expression, scope);
    }
    return status == STATUS_OK ? write_answer(&evaluation) : status;
}
