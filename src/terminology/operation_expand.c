/* ValueSet/$expand. */
#include "terminology/expand.h"
#include "terminology/operation.h"
#include "terminology/reply.h"

enum { EXPANSION_BYTES_MAX = 256 << 20 };

const char *const terminology_expand_names[] = {"url", "valueSet", "valueSetVersion", "filter", "offset", "count",
    "includeDesignations", "designation", "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated",
    "exclude-system", NULL};

struct expanding_call {
    struct inquiry *inquiry;
    const struct arguments *arguments;
    struct expand_request request;
    struct expansion expansion;
    int64_t offset, count; /* count < 0: all */
    bool with_designations, active_only, without_abstract;
};

static enum status read_request(struct expanding_call *call) {
    const struct arguments *arguments = call->arguments;
    struct expand_request *request = &call->request;
    struct text *excluded = ARENA_ARRAY(call->inquiry->scope->arena, struct text, arguments->count + 1);
    for (size_t i = 0; i < arguments->count; i++) {
        if (text_is(arguments->at[i].name, "exclude-system")) {
            struct text version = arguments->at[i].value;
            excluded[request->excluded_count++] = text_cut(&version, '|');
        }
    }
    request->excluded_systems = excluded;
    request->filter = arguments_text(arguments, "filter");
    call->count = -1;
    enum status status = arguments_count(&call->offset, arguments, "offset");
    if (status == STATUS_OK && arguments_find(arguments, "count") != NULL) {
        status = arguments_count(&call->count, arguments, "count");
    }
    call->with_designations = arguments_find(arguments, "designation") != NULL;
    if (status == STATUS_OK) {
        status = arguments_bool(&call->with_designations, arguments, "includeDesignations");
    }
    if (status == STATUS_OK) {
        status = arguments_bool(&call->active_only, arguments, "activeOnly");
    }
    if (status == STATUS_OK) {
        status = arguments_bool(&call->without_abstract, arguments, "excludeNotForUI");
    }
    request->inactive = call->active_only ? EXPAND_ACTIVE_ONLY : EXPAND_ALL;
    request->abstracts = call->without_abstract ? EXPAND_SELECTABLE : EXPAND_HEADINGS;
    return status;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void member_if(struct json_writer *w, const char *name, struct text value) {
    if (value.size > 0) {
        json_member_text(w, name, value);
    }
}

/* `designation` asks for a language or a use (system|code); without it all are wanted. */
static bool is_asked(const struct expanding_call *call, const struct designation *designation) {
    bool is_any = true;
    for (size_t i = 0; i < call->arguments->count; i++) {
        const struct argument *argument = &call->arguments->at[i];
        if (!text_is(argument->name, "designation")) {
            continue;
        }
        struct text code = argument->value;
        struct text system = text_cut(&code, '|');
        is_any = false;
        if (code.at == NULL || text_is(system, "urn:ietf:bcp:47")) {
            if (text_equal(code.at == NULL ? system : code, designation->language)) {
                return true;
            }
        } else if (text_equal(system, designation->use_system) && text_equal(code, designation->use_code)) {
            return true;
        }
    }
    return is_any;
}

static void write_designation(struct json_writer *w, const struct designation *designation) {
    json_object_open(w);
    member_if(w, "language", designation->language);
    if (designation->use_code.size > 0) {
        json_name(w, "use");
        json_object_open(w);
        member_if(w, "system", designation->use_system);
        member_if(w, "code", designation->use_code);
        member_if(w, "display", designation->use_display);
        json_object_close(w);
    }
    member_if(w, "value", designation->value);
    json_object_close(w);
}

static void write_designations(struct json_writer *w, struct expanding_call *call, const struct candidate *candidate) {
    struct designations all;
    bool is_open = false;
    wording_designations(&all, call->inquiry, candidate);
    for (size_t i = 0; i < all.count; i++) {
        if (!is_asked(call, &all.at[i])) {
            continue;
        }
        if (!is_open) {
            json_name(w, "designation");
            json_array_open(w);
            is_open = true;
        }
        write_designation(w, &all.at[i]);
    }
    if (is_open) {
        json_array_close(w);
    }
}

static void write_code(struct json_writer *w, struct expanding_call *call, const struct candidate *candidate) {
    const struct concept_row *concept = candidate_concept(candidate);
    json_object_open(w);
    member_if(w, "system", candidate->system);
    if (concept != NULL && concept->is_abstract) {
        json_member_bool(w, "abstract", true);
    }
    if (concept != NULL && concept->is_inactive) {
        json_member_bool(w, "inactive", true);
    }
    member_if(w, "code", candidate->code);
    member_if(w, "display", wording_display(call->inquiry, candidate));
    if (call->with_designations) {
        write_designations(w, call, candidate);
    }
    json_object_close(w);
}

/* Each code system that was used, with its version; and whether it is known in part only. */
static void write_versions(struct json_writer *w, const struct expanding_call *call) {
    struct arena *arena = call->inquiry->scope->arena;
    const struct system_row *written[64];
    size_t count = 0;
    for (size_t i = 0; i < call->expansion.count && count < 64; i++) {
        const struct candidate *candidate = &call->expansion.at[i];
        size_t known = 0;
        if (candidate->ref.book == NULL) {
            continue;
        }
        const struct system_row *system = shelf_system(candidate->ref);
        while (known < count && written[known] != system) {
            known++;
        }
        if (known < count) {
            continue;
        }
        written[count++] = system;
        struct text url = book_text(candidate->ref.book, system->title.url);
        struct text version = book_text(candidate->ref.book, system->title.version);
        struct text canonical =
            version.size == 0 ? url
                              : text_format(arena, "%.*s|%.*s", (int)url.size, url.at, (int)version.size, version.at);
        fhir_parameter_text(w, "version", "valueUri", canonical);
        if (system->content != BOOK_COMPLETE) {
            fhir_parameter_text(w, book_content_codes[system->content], "valueUri", canonical);
        }
    }
}

static void write_flag(struct json_writer *w, const char *name, bool value) {
    if (value) {
        fhir_parameter_boolean(w, name, true);
    }
}

static void write_used(struct json_writer *w, const struct expanding_call *call) {
    json_name(w, "parameter");
    json_array_open(w);
    fhir_parameter_text(w, "filter", "valueString", call->request.filter);
    fhir_parameter_text(w, "displayLanguage", "valueCode", call->inquiry->language);
    write_flag(w, "activeOnly", call->active_only);
    write_flag(w, "includeDesignations", call->with_designations);
    write_flag(w, "excludeNotForUI", call->without_abstract);
    fhir_parameter_boolean(w, "excludeNested", true);
    if (call->offset > 0 || call->count >= 0) {
        fhir_parameter_integer(w, "offset", call->offset);
    }
    if (call->count >= 0) {
        fhir_parameter_integer(w, "count", call->count);
    }
    write_versions(w, call);
    json_array_close(w);
}

static enum status write_contains(struct json_writer *w, struct expanding_call *call) {
    size_t first = (uint64_t)call->offset < call->expansion.count ? (size_t)call->offset : call->expansion.count;
    size_t left = call->expansion.count - first;
    size_t count = call->count >= 0 && (uint64_t)call->count < left ? (size_t)call->count : left;
    if (count == 0) {
        return STATUS_OK; /* an empty array is not FHIR */
    }
    json_name(w, "contains");
    json_array_open(w);
    for (size_t i = first; i < first + count; i++) {
        write_code(w, call, &call->expansion.at[i]);
        if (i % 1024 == 0 && scope_check_deadline(call->inquiry->scope) != STATUS_OK) {
            return STATUS_TOO_COSTLY;
        }
    }
    json_array_close(w);
    return STATUS_OK;
}

static enum status write_expansion(struct text *out, struct expanding_call *call) {
    struct scope *scope = call->inquiry->scope;
    const struct clock *clock = call->inquiry->terminology->clock;
    struct shelf_ref ref = call->request.value_set;
    const struct book_title *title = &shelf_value_set(ref)->title;
    struct json_writer w = json_writer_open(scope->arena, EXPANSION_BYTES_MAX);
    char id[ID_TEXT_SIZE], time[TIME_TEXT_SIZE];
    id_new(id, clock);
    time_format_utc(time, clock_now_us(clock));
    json_object_open(&w);
    json_member_string(&w, "resourceType", "ValueSet");
    member_if(&w, "url", book_text(ref.book, title->url));
    member_if(&w, "version", book_text(ref.book, title->version));
    member_if(&w, "name", book_text(ref.book, title->name));
    member_if(&w, "title", book_text(ref.book, title->title));
    json_member_string(&w, "status", title->status == 0 ? "unknown" : ref.book->strings + title->status);
    json_name(&w, "expansion");
    json_object_open(&w);
    json_name(&w, "identifier");
    json_string_text(&w, text_format(scope->arena, "urn:uuid:%s", id));
    json_member_string(&w, "timestamp", time);
    json_member_int(&w, "total", (int64_t)call->expansion.count);
    json_member_int(&w, "offset", call->offset);
    write_used(&w, call);
    enum status status = write_contains(&w, call);
    if (status != STATUS_OK) {
        return status;
    }
    json_object_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

enum status terminology_expand(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    static const struct subject subject = {SHELF_VALUE_SETS, "valueSet", "url", "valueSetVersion"};
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    struct arguments arguments;
    enum status status = arguments_read(&arguments, call, terminology_expand_names, "valueSet", scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct expanding_call expanding = {.inquiry = inquiry, .arguments = &arguments};
    status = arguments_inquiry(inquiry, &arguments, terminology);
    if (status == STATUS_OK) {
        status = read_request(&expanding);
    }
    if (status == STATUS_OK) {
        status = subject_find(&expanding.request.value_set, inquiry, &subject, &arguments, call);
    }
    if (status == STATUS_OK && expanding.request.value_set.book == NULL) {
        return fault(scope, STATUS_INVALID, "url", "expected url or valueSet");
    }
    if (status == STATUS_OK) {
        status = expand_codes(&expanding.expansion, inquiry, &expanding.request);
    }
    return status == STATUS_OK ? write_expansion(out, &expanding) : status;
}
