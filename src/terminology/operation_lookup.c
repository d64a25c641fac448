/* CodeSystem/$lookup and CodeSystem/$subsumes. */
#include "terminology/operation.h"
#include "terminology/reply.h"
#include "terminology/wording.h"

static const char *const lookup_names[] = {"code", "system", "version", "coding", "property", NULL};
static const char *const subsumes_names[] = {"codeA", "codeB", "system", "version", "codingA", "codingB", NULL};

/* ---- $lookup ---------------------------------------------------------------------------------------------------- */

struct looking {
    struct inquiry *inquiry;
    const struct arguments *arguments;
    struct candidate candidate;
    struct json_writer w;
};

/* `property` names what is wanted; without it, all. */
static bool wants(const struct looking *looking, const char *name) {
    bool is_any = true;
    for (size_t i = 0; i < looking->arguments->count; i++) {
        const struct argument *argument = &looking->arguments->at[i];
        if (text_is(argument->name, "property")) {
            is_any = false;
            if (text_is(argument->value, name)) {
                return true;
            }
        }
    }
    return is_any;
}

static void put_property(struct json_writer *w, struct text code, const char *member, struct text value) {
    if (value.size > 0) {
        fhir_parameter_open(w, "property");
        fhir_parameter_text(w, "code", "valueCode", code);
        fhir_parameter_text(w, "value", member, value);
        fhir_parameter_close(w);
    }
}

static void put_flag(struct json_writer *w, const char *code, bool value) {
    fhir_parameter_open(w, "property");
    fhir_parameter_text(w, "code", "valueCode", text_from(code));
    fhir_parameter_boolean(w, "value", value);
    fhir_parameter_close(w);
}

static void put_relative(struct looking *looking, const char *name, uint32_t position) {
    const struct terminology_book *book = looking->candidate.ref.book;
    const struct concept_row *concept = book_concept(book, shelf_system(looking->candidate.ref), position);
    struct json_writer *w = &looking->w;
    fhir_parameter_open(w, "property");
    fhir_parameter_text(w, "code", "valueCode", text_from(name));
    fhir_parameter_text(w, "value", "valueCode", book_text(book, concept->code));
    fhir_parameter_text(w, "description", "valueString", book_text(book, concept->display));
    fhir_parameter_close(w);
}

static void put_relatives(struct looking *looking) {
    struct shelf_ref ref = looking->candidate.ref;
    const struct system_row *system = shelf_system(ref);
    uint32_t position = looking->candidate.position, walk = 0, parent;
    while (
        wants(looking, "parent") && (parent = book_next_parent(&walk, ref.book, system, position)) != BOOK_NO_CONCEPT) {
        put_relative(looking, "parent", parent);
    }
    if (!wants(looking, "child")) {
        return;
    }
    uint32_t end = position + book_concept(ref.book, system, position)->below;
    for (uint32_t child = position + 1; child <= end; child += 1 + book_concept(ref.book, system, child)->below) {
        put_relative(looking, "child", child);
    }
    for (uint32_t i = 0; i < system->edge_count; i++) {
        const struct edge_row *edge = &ref.book->edges[system->edge_first + i];
        if (edge->parent == position) {
            put_relative(looking, "child", edge->child);
        }
    }
}

static void put_own_properties(struct looking *looking) {
    struct shelf_ref ref = looking->candidate.ref;
    struct property_rows rows = book_properties(ref.book, shelf_system(ref), looking->candidate.position);
    struct json_writer *w = &looking->w;
    for (size_t i = 0; i < rows.count; i++) {
        const struct property_row *row = &rows.at[i];
        struct text code = book_text(ref.book, row->code), value = book_text(ref.book, row->value);
        if (!wants(looking, ref.book->strings + row->code)) {
            continue;
        }
        if (row->type == BOOK_CODING) {
            const struct terminology_coding coding = {.system = book_text(ref.book, row->system), .code = value};
            fhir_parameter_open(w, "property");
            fhir_parameter_text(w, "code", "valueCode", code);
            reply_put_coding(w, "value", &coding);
            fhir_parameter_close(w);
        } else if (row->type == BOOK_BOOLEAN) {
            put_flag(w, ref.book->strings + row->code, text_is(value, "true"));
        } else if (row->type == BOOK_INTEGER || row->type == BOOK_DECIMAL) {
            fhir_parameter_open(w, "property");
            fhir_parameter_text(w, "code", "valueCode", code);
            fhir_parameter_number(w, "value", book_property_members[row->type], value);
            fhir_parameter_close(w);
        } else {
            put_property(w, code, book_property_members[row->type], value);
        }
    }
    const struct concept_row *concept = candidate_concept(&looking->candidate);
    if (concept->is_inactive && wants(looking, "inactive")) {
        put_flag(w, "inactive", true);
    }
}

static void put_designations(struct looking *looking) {
    struct designations all;
    struct json_writer *w = &looking->w;
    wording_designations(&all, looking->inquiry, &looking->candidate);
    for (size_t i = 0; i < all.count; i++) {
        const struct designation *designation = &all.at[i];
        const struct terminology_coding use = {
            .system = designation->use_system, .code = designation->use_code, .display = designation->use_display};
        const char *lang = text_format(looking->inquiry->scope->arena, "lang.%.*s", (int)designation->language.size,
            designation->language.size > 0 ? designation->language.at : "")
                               .at;
        if (!wants(looking, "designation") && !wants(looking, lang)) {
            continue;
        }
        fhir_parameter_open(w, "designation");
        fhir_parameter_text(w, "language", "valueCode", designation->language);
        if (use.code.size > 0) {
            reply_put_coding(w, "use", &use);
        }
        fhir_parameter_text(w, "value", "valueString", designation->value);
        fhir_parameter_close(w);
    }
}

static enum status write_concept(struct text *out, struct looking *looking) {
    struct shelf_ref ref = looking->candidate.ref;
    const struct book_title *title = &shelf_system(ref)->title;
    struct json_writer *w = &looking->w;
    struct text name = book_text(ref.book, title->title != 0 ? title->title : title->name);
    struct text display = wording_display(looking->inquiry, &looking->candidate);
    *w = reply_open(looking->inquiry->scope);
    fhir_parameter_text(w, "name", "valueString", name.size > 0 ? name : book_text(ref.book, title->url));
    fhir_parameter_text(w, "version", "valueString", book_text(ref.book, title->version));
    fhir_parameter_text(w, "display", "valueString", display.size > 0 ? display : looking->candidate.code);
    put_designations(looking);
    if (wants(looking, "definition")) {
        put_property(w, TEXT("definition"), "valueString", wording_definition(looking->inquiry, &looking->candidate));
    }
    put_relatives(looking);
    put_own_properties(looking);
    return fhir_parameters_finish(out, w, looking->inquiry->scope);
}

/* A code by the rules of its system: that it is one is all there is to say. */
static enum status no_concept(const struct looking *looking) {
    const struct candidate *candidate = &looking->candidate;
    struct text code = candidate->code, system = candidate->system;
    if (candidate->ref.book == NULL) {
        return inquiry_fault_missing(looking->inquiry, "code system");
    }
    return fault_coded(looking->inquiry->scope, STATUS_NOT_FOUND, "not-found", "",
        "the code system %.*s has no code %.*s here", (int)system.size, system.at, (int)code.size,
        code.size > 0 ? code.at : "");
}

enum status terminology_lookup(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    struct arguments arguments;
    struct terminology_coding coding;
    struct looking looking = {.inquiry = inquiry, .arguments = &arguments};
    enum status status = arguments_read(&arguments, call, lookup_names, NULL, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = arguments_inquiry(inquiry, &arguments, terminology);
    if (status != STATUS_OK) {
        return status;
    }
    if (!arguments_coding(&coding, &arguments, "coding")) {
        coding.code = arguments_text(&arguments, "code");
        coding.system = arguments_text(&arguments, "system");
        coding.version = arguments_text(&arguments, "version");
    }
    if (coding.code.size == 0 || coding.system.size == 0) {
        return fault(scope, STATUS_INVALID, "code", "expected code and system, or coding");
    }
    looking.candidate = (struct candidate){.system = coding.system, .version = coding.version, .code = coding.code};
    status = compose_resolve(inquiry, &looking.candidate);
    if (status != STATUS_OK) {
        return status;
    }
    return candidate_concept(&looking.candidate) == NULL ? no_concept(&looking) : write_concept(out, &looking);
}

/* ---- $subsumes -------------------------------------------------------------------------------------------------- */

static const char *relation(struct inquiry *inquiry, const struct candidate *a, const struct candidate *b) {
    const struct terminology_book *book = a->ref.book;
    const struct system_row *system = shelf_system(a->ref);
    struct arena *arena = inquiry->scope->arena;
    if (a->position == b->position) {
        return "equivalent";
    }
    if (system->is_not_subsuming) {
        return "not-subsumed";
    }
    if (book_is_below(book, system, b->position, a->position, arena)) {
        return "subsumes";
    }
    return book_is_below(book, system, a->position, b->position, arena) ? "subsumed-by" : "not-subsumed";
}

static enum status resolve_side(struct candidate *out, struct inquiry *inquiry, const struct arguments *arguments,
    const char *code_name, const char *coding_name) {
    struct terminology_coding coding;
    if (!arguments_coding(&coding, arguments, coding_name)) {
        coding.code = arguments_text(arguments, code_name);
    }
    if (coding.system.size == 0) {
        coding.system = arguments_text(arguments, "system");
    }
    if (coding.version.size == 0) {
        coding.version = arguments_text(arguments, "version");
    }
    *out = (struct candidate){.system = coding.system, .version = coding.version, .code = coding.code};
    if (coding.code.size == 0) {
        return fault(inquiry->scope, STATUS_INVALID, code_name, "expected %s or %s", code_name, coding_name);
    }
    return STATUS_OK;
}

static enum status find_side(struct candidate *side, struct inquiry *inquiry, struct shelf_ref instance) {
    if (instance.book != NULL) {
        struct text url = book_text(instance.book, shelf_system(instance)->title.url);
        if (side->system.size > 0 && !text_equal(side->system, url)) {
            return fault(inquiry->scope, STATUS_INVALID, "system", "the coding is of another code system");
        }
        side->system = url;
        side->version = book_text(instance.book, shelf_system(instance)->title.version);
    }
    if (side->system.size == 0) {
        return fault(inquiry->scope, STATUS_INVALID, "system", "expected the code system: system");
    }
    enum status status = compose_resolve(inquiry, side);
    if (status == STATUS_OK && candidate_concept(side) == NULL) {
        const struct looking looking = {.inquiry = inquiry, .candidate = *side};
        return no_concept(&looking);
    }
    return status;
}

enum status terminology_subsumes(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    static const struct subject subject = {SHELF_SYSTEMS, "codeSystem", "url", "version"};
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    struct arguments arguments;
    struct candidate a, b;
    struct shelf_ref instance = {0};
    enum status status = arguments_read(&arguments, call, subsumes_names, NULL, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = arguments_inquiry(inquiry, &arguments, terminology);
    if (status == STATUS_OK && call->id.size > 0) {
        status = subject_find(&instance, inquiry, &subject, &arguments, call);
    }
    if (status == STATUS_OK) {
        status = resolve_side(&a, inquiry, &arguments, "codeA", "codingA");
    }
    if (status == STATUS_OK) {
        status = resolve_side(&b, inquiry, &arguments, "codeB", "codingB");
    }
    if (status == STATUS_OK) {
        status = find_side(&a, inquiry, instance);
    }
    if (status == STATUS_OK) {
        status = find_side(&b, inquiry, instance);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (a.ref.book != b.ref.book || a.ref.index != b.ref.index) {
        return fault(scope, STATUS_INVALID, "codingB", "the two codes are not of one code system");
    }
    struct json_writer w = reply_open(scope);
    fhir_parameter_text(&w, "outcome", "valueCode", text_from(relation(inquiry, &a, &b)));
    return fhir_parameters_finish(out, &w, scope);
}
