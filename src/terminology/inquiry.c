#include "terminology/inquiry.h"

#include <string.h>

#include "terminology/compile.h"

static struct text canonical_of(struct inquiry *inquiry, struct text url, struct text version) {
    return version.size == 0
               ? url
               : text_format(inquiry->scope->arena, "%.*s|%.*s", (int)url.size, url.at, (int)version.size, version.at);
}

enum status inquiry_fault_missing(struct inquiry *inquiry, const char *what) {
    struct text missing = inquiry->missing;
    return fault_coded(inquiry->scope, STATUS_NOT_FOUND, "not-found", "", "the %s %.*s is not known here", what,
        (int)missing.size, missing.size > 0 ? missing.at : "");
}

enum status inquiry_visit(struct inquiry *inquiry) {
    if (++inquiry->visits > TERMINOLOGY_VISITS_MAX) {
        return fault(inquiry->scope, STATUS_TOO_COSTLY, "", "more than %d codes to look at", TERMINOLOGY_VISITS_MAX);
    }
    return inquiry->visits % 4096 == 0 ? scope_check_deadline(inquiry->scope) : STATUS_OK;
}

/* ---- what was given --------------------------------------------------------------------------------------------- */

static const struct book_title *title_of(enum shelf_kind kind, struct shelf_ref ref) {
    return kind == SHELF_SYSTEMS      ? &shelf_system(ref)->title
           : kind == SHELF_VALUE_SETS ? &shelf_value_set(ref)->title
                                      : &shelf_map(ref)->title;
}

enum status inquiry_give(
    struct shelf_ref *out, struct inquiry *inquiry, enum shelf_kind kind, const yyjson_val *resource) {
    struct scope *scope = inquiry->scope;
    const char *due = fhir_type_name(shelf_type(kind));
    *out = (struct shelf_ref){0};
    if (!text_is(json_get_text(resource, "resourceType"), due)) {
        return fault(scope, STATUS_INVALID, "resourceType", "a %s is due", due);
    }
    if (inquiry->given_count == INQUIRY_GIVEN_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "more than %d resources came with it", INQUIRY_GIVEN_MAX);
    }
    enum status status = compile_resource(&out->book, resource, scope);
    if (status == STATUS_OK) {
        inquiry->given[inquiry->given_count].kind = kind;
        inquiry->given[inquiry->given_count++].ref = *out;
    }
    return status;
}

static bool find_given(
    struct shelf_ref *out, const struct inquiry *inquiry, enum shelf_kind kind, struct text url, struct text version) {
    for (size_t i = 0; i < inquiry->given_count; i++) {
        struct shelf_ref ref = inquiry->given[i].ref;
        if (inquiry->given[i].kind != kind) {
            continue;
        }
        const struct book_title *title = title_of(kind, ref);
        if (text_equal(book_text(ref.book, title->url), url) &&
            (version.size == 0 || text_equal(book_text(ref.book, title->version), version))) {
            *out = ref;
            return true;
        }
    }
    return false;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static enum status find(
    struct shelf_ref *out, struct inquiry *inquiry, enum shelf_kind kind, struct text url, struct text version) {
    if (find_given(out, inquiry, kind, url, version)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < inquiry->found_count; i++) {
        const struct inquiry_found *found = &inquiry->found[i];
        if (found->kind == kind && text_equal(found->url, url) && text_equal(found->version, version)) {
            *out = found->ref;
            return found->status;
        }
    }
    enum status status = shelf_find(out, inquiry->terminology, kind, url, version, inquiry->scope);
    if ((status == STATUS_OK || status == STATUS_NOT_FOUND) && inquiry->found_count < INQUIRY_FOUND_MAX) {
        inquiry->found[inquiry->found_count++] = (struct inquiry_found){kind, url, version, status, *out};
    }
    return status;
}

static enum status choose_version(struct text *version, struct inquiry *inquiry, struct text system) {
    for (size_t i = 0; i < inquiry->version_count; i++) {
        const struct inquiry_version *rule = &inquiry->versions[i];
        if (!text_equal(rule->system, system)) {
            continue;
        }
        if (rule->kind == INQUIRY_VERSION_FORCE || version->size == 0) {
            *version = rule->version;
        } else if (rule->kind == INQUIRY_VERSION_CHECK && !text_equal(rule->version, *version)) {
            return fault(inquiry->scope, STATUS_UNPROCESSABLE, "",
                "the value set asks for another version of %.*s than check-system-version", (int)system.size,
                system.at);
        }
    }
    return STATUS_OK;
}

enum status inquiry_system(struct shelf_ref *out, struct inquiry *inquiry, struct text url, struct text version) {
    struct text rest = url;
    struct text bare = text_cut(&rest, '|');
    if (rest.size > 0) { /* "system|version" */
        url = bare;
        version = version.size > 0 ? version : rest;
    }
    enum status status = choose_version(&version, inquiry, url);
    if (status != STATUS_OK) {
        return status;
    }
    status = find(out, inquiry, SHELF_SYSTEMS, url, version);
    if (status == STATUS_NOT_FOUND) {
        inquiry->missing = canonical_of(inquiry, url, version);
    }
    return status;
}

/* "system?fhir_vs": all its codes; "system?fhir_vs=isa/CODE": one and what is below it. */
static enum status find_implicit(struct shelf_ref *out, struct inquiry *inquiry, struct text url, struct text version) {
    struct text query = url;
    struct text system = text_cut(&query, '?');
    struct compile_implicit what = {.url = url, .system = system, .version = version, .op = BOOK_OPERATORS};
    if (text_starts(query, "fhir_vs=isa/")) {
        what.op = BOOK_IS_A;
        what.code = (struct text){query.at + 12, query.size - 12};
    } else if (query.size == 0 || !text_is(query, "fhir_vs")) {
        return STATUS_NOT_FOUND;
    }
    *out = (struct shelf_ref){compile_implicit(&what, inquiry->scope->arena), 0};
    return STATUS_OK;
}

static enum status find_whole(struct shelf_ref *out, struct inquiry *inquiry, struct text url) {
    struct shelf_ref system;
    enum status status = shelf_find_whole(&system, inquiry->terminology, url, inquiry->scope);
    if (status == STATUS_OK) {
        const struct book_title *title = &shelf_system(system)->title;
        const struct compile_implicit what = {.url = url,
            .system = book_text(system.book, title->url),
            .version = book_text(system.book, title->version),
            .op = BOOK_OPERATORS};
        *out = (struct shelf_ref){compile_implicit(&what, inquiry->scope->arena), 0};
    }
    return status;
}

enum status inquiry_value_set(struct shelf_ref *out, struct inquiry *inquiry, struct text canonical) {
    struct text version = canonical;
    struct text url = text_cut(&version, '|');
    enum status status;
    if (text_starts(url, "ValueSet/")) {
        struct text id = {url.at + 9, url.size - 9};
        status = shelf_find_id(out, inquiry->terminology, SHELF_VALUE_SETS, id, inquiry->scope);
    } else {
        status = find(out, inquiry, SHELF_VALUE_SETS, url, version);
    }
    if (status == STATUS_NOT_FOUND) {
        status = find_implicit(out, inquiry, url, version);
    }
    if (status == STATUS_NOT_FOUND && version.size == 0) {
        status = find_whole(out, inquiry, url);
    }
    if (status == STATUS_NOT_FOUND) {
        inquiry->missing = canonical;
    }
    return status;
}

enum status inquiry_map(struct shelf_ref *out, struct inquiry *inquiry, struct text canonical) {
    struct text version = canonical;
    struct text url = text_cut(&version, '|');
    enum status status = find(out, inquiry, SHELF_MAPS, url, version);
    if (status == STATUS_NOT_FOUND) {
        inquiry->missing = canonical;
    }
    return status;
}
