#include "terminology/selection.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

enum { PATTERN_SIZE_MAX = 4096, MATCH_EFFORT_MAX = 100000, MATCH_DEPTH_MAX = 1000, LISTED_MAX = 10000 };

/* What a filter looks at. */
enum subject {
    SUBJECT_CODE,
    SUBJECT_DISPLAY,
    SUBJECT_DEFINITION,
    SUBJECT_PARENT,
    SUBJECT_CHILD,
    SUBJECT_ABSTRACT,
    SUBJECT_INACTIVE,
    SUBJECT_PROPERTY
};

struct selection_filter {
    enum book_operator op;
    enum subject subject;
    struct text property, value;
    uint8_t *marks;      /* of a hierarchy: one byte a concept; NULL otherwise */
    struct text *listed; /* in, not-in */
    size_t listed_count;
    pcre2_code *pattern;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static const struct {
    const char *property;
    enum subject subject;
} subjects[] = {
    {"concept", SUBJECT_CODE},
    {"code", SUBJECT_CODE},
    {"display", SUBJECT_DISPLAY},
    {"definition", SUBJECT_DEFINITION},
    {"parent", SUBJECT_PARENT},
    {"child", SUBJECT_CHILD},
    {"notSelectable", SUBJECT_ABSTRACT},
    {"abstract", SUBJECT_ABSTRACT},
    {"inactive", SUBJECT_INACTIVE},
};

static enum subject subject_of(struct text property) {
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        if (text_is(property, subjects[i].property)) {
            return subjects[i].subject;
        }
    }
    return SUBJECT_PROPERTY;
}

static bool is_hierarchy(enum book_operator op) {
    return op == BOOK_IS_A || op == BOOK_DESCENDENT_OF || op == BOOK_IS_NOT_A || op == BOOK_GENERALIZES;
}

bool selection_serves(struct text property, enum book_operator op) {
    return !is_hierarchy(op) || subject_of(property) == SUBJECT_CODE;
}

/* ---- where it stands -------------------------------------------------------------------------------------------- */

/* An include of a value set, and one of its filters. */
struct place {
    const struct terminology_book *book;
    const struct include_row *include;
    size_t filter;
};

/* "ValueSet.compose.include[0].filter[1].value": includes and excludes are counted apart, and the book holds the includes first. */
static const char *place_path(const struct place *place, const char *member, struct arena *arena) {
    const struct terminology_book *book = place->book;
    uint32_t at = (uint32_t)(place->include - book->includes), index = 0;
    for (uint32_t i = 0; i < book->value_set_count; i++) {
        const struct value_set_row *row = &book->value_sets[i];
        if (at < row->include_first || at >= row->include_first + row->include_count) {
            continue;
        }
        for (uint32_t before = row->include_first; before < at; before++) {
            index += book->includes[before].is_exclude == place->include->is_exclude;
        }
    }
    return text_string(
        arena, text_format(arena, "ValueSet.compose.%s[%u].filter[%zu].%s",
                   place->include->is_exclude ? "exclude" : "include", (unsigned)index, place->filter, member));
}

/* ---- making ready ----------------------------------------------------------------------------------------------- */

static enum status open_hierarchy(
    struct selection_filter *filter, struct selection *selection, const struct place *place) {
    struct scope *scope = selection->inquiry->scope;
    const struct system_row *system = shelf_system(selection->system);
    const struct terminology_book *book = selection->system.book;
    if (!selection_serves(filter->property, filter->op)) {
        return fault_coded(scope, STATUS_UNPROCESSABLE, "not-supported", place_path(place, "op", scope->arena),
            "a value set filters the hierarchy of a property; only that of codes is one");
    }
    filter->marks = arena_alloc(scope->arena, (size_t)system->concept_count + 1);
    uint32_t anchor = book_concept_find(book, system, filter->value);
    if (anchor == BOOK_NO_CONCEPT) {
        selection->is_unknown = selection->is_unknown || system->content != BOOK_COMPLETE;
        return STATUS_OK;
    }
    if (filter->op == BOOK_GENERALIZES) {
        book_mark_above(filter->marks, book, system, anchor, scope->arena);
    } else {
        book_mark_below(filter->marks, book, system, anchor);
    }
    if (filter->op == BOOK_DESCENDENT_OF) {
        filter->marks[anchor] = 0;
    }
    return STATUS_OK;
}

static void close_pattern(void *context) {
    struct selection_filter *filter = context;
    pcre2_code_free(filter->pattern);
    pcre2_match_data_free(filter->match);
    pcre2_match_context_free(filter->limits);
}

/* The whole value must match, as in XML Schema. */
static enum status open_pattern(struct selection_filter *filter, const struct place *place, struct scope *scope) {
    const uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C | PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    int error = 0;
    PCRE2_SIZE at = 0;
    if (filter->value.size > PATTERN_SIZE_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, place_path(place, "value", scope->arena),
            "a value set's regular expression over %d bytes", PATTERN_SIZE_MAX);
    }
    arena_defer(scope->arena, close_pattern, filter);
    filter->pattern = pcre2_compile(
        (PCRE2_SPTR)(filter->value.size > 0 ? filter->value.at : ""), filter->value.size, options, &error, &at, NULL);
    if (filter->pattern == NULL) {
        return fault(scope, STATUS_UNPROCESSABLE, place_path(place, "value", scope->arena),
            "a value set's regular expression is wrong at its character %zu", (size_t)at);
    }
    filter->match = pcre2_match_data_create_from_pattern(filter->pattern, NULL);
    filter->limits = pcre2_match_context_create(NULL);
    if (filter->match == NULL || filter->limits == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for a regular expression");
    }
    pcre2_set_match_limit(filter->limits, MATCH_EFFORT_MAX);
    pcre2_set_depth_limit(filter->limits, MATCH_DEPTH_MAX);
    return STATUS_OK;
}

static enum status open_list(struct selection_filter *filter, const struct place *place, struct scope *scope) {
    size_t count = 1;
    for (size_t i = 0; i < filter->value.size; i++) {
        count += filter->value.at[i] == ',';
    }
    if (count > LISTED_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, place_path(place, "value", scope->arena),
            "a value set's filter lists more than %d values", LISTED_MAX);
    }
    filter->listed = ARENA_ARRAY(scope->arena, struct text, count);
    for (struct text rest = filter->value; rest.at != NULL;) {
        struct text item = text_trim(text_cut(&rest, ','));
        if (item.size > 0) {
            filter->listed[filter->listed_count++] = item;
        }
    }
    return STATUS_OK;
}

/* A property that the system does not declare, and no concept of it has, selects nothing: that is a mistake, not an answer. Of a system
 * that is not known whole nothing can be said. */
static enum status check_property(
    const struct selection_filter *filter, struct selection *selection, const struct place *place) {
    struct scope *scope = selection->inquiry->scope;
    const struct system_row *system = shelf_system(selection->system);
    if (filter->subject != SUBJECT_PROPERTY || book_has_property(selection->system.book, system, filter->property)) {
        return STATUS_OK;
    }
    if (system->content != BOOK_COMPLETE) {
        selection->is_unknown = true;
        return STATUS_OK;
    }
    struct text url = book_text(selection->system.book, system->title.url);
    return fault_coded(scope, STATUS_UNPROCESSABLE, "not-supported", place_path(place, "property", scope->arena),
        "a value set filters by the property \"%.*s\", which the code system %.*s does not declare",
        (int)filter->property.size, filter->property.at, (int)url.size, url.at);
}

static enum status open_filter(
    struct selection_filter *filter, struct selection *selection, const struct place *place) {
    struct scope *scope = selection->inquiry->scope;
    if (is_hierarchy(filter->op)) {
        return open_hierarchy(filter, selection, place);
    }
    enum status status = check_property(filter, selection, place);
    if (status != STATUS_OK) {
        return status;
    }
    switch (filter->op) {
    case BOOK_REGEX:
        return open_pattern(filter, place, scope);
    case BOOK_IN:
    case BOOK_NOT_IN:
        return open_list(filter, place, scope);
    case BOOK_EXISTS:
        if (!text_is(filter->value, "true") && !text_is(filter->value, "false")) {
            return fault(scope, STATUS_UNPROCESSABLE, place_path(place, "value", scope->arena),
                "a value set's filter \"exists\" takes true or false");
        }
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

enum status selection_open(struct selection *out, struct inquiry *inquiry, struct shelf_ref system,
    const struct terminology_book *book, const struct include_row *include) {
    *out = (struct selection){.inquiry = inquiry, .system = system, .count = include->filter_count};
    out->filters = ARENA_ARRAY(inquiry->scope->arena, struct selection_filter, out->count + 1);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < out->count && status == STATUS_OK; i++) {
        const struct filter_row *row = &book->filters[include->filter_first + i];
        struct selection_filter *filter = &out->filters[i];
        filter->op = row->op;
        filter->property = book_text(book, row->property);
        filter->value = book_text(book, row->value);
        filter->subject = subject_of(filter->property);
        const struct place place = {book, include, i};
        status = open_filter(filter, out, &place);
    }
    return status;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static bool is_listed(const struct selection_filter *filter, struct text value) {
    for (size_t i = 0; i < filter->listed_count; i++) {
        if (text_equal(filter->listed[i], value)) {
            return true;
        }
    }
    return false;
}

static enum status matches(bool *out, const struct selection_filter *filter, struct text value, struct scope *scope) {
    int found = pcre2_match(filter->pattern, (PCRE2_SPTR)value.at, value.size, 0, 0, filter->match, filter->limits);
    *out = found >= 0;
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
        return fault(scope, STATUS_TOO_COSTLY, "", "a value set's regular expression takes too many steps");
    }
    return STATUS_OK;
}

/* How one concept answers a filter: each of its values is shown to `see`. */
struct showing {
    const struct selection *selection;
    const struct selection_filter *filter;
    bool has_any, fits; /* fits: one of the values is, matches or is listed */
    enum status status;
};

static void see(struct showing *showing, struct text value) {
    const struct selection_filter *filter = showing->filter;
    if (value.size == 0 || showing->status != STATUS_OK) {
        return;
    }
    bool fits = false;
    showing->has_any = true;
    if (filter->op == BOOK_EQUAL) {
        fits = text_equal(value, filter->value);
    } else if (filter->op == BOOK_REGEX) {
        showing->status = matches(&fits, filter, value, showing->selection->inquiry->scope);
    } else if (filter->op != BOOK_EXISTS) {
        fits = is_listed(filter, value);
    }
    showing->fits = showing->fits || fits;
}

static void see_properties(struct showing *showing, uint32_t position) {
    struct shelf_ref system = showing->selection->system;
    struct property_rows rows = book_properties(system.book, shelf_system(system), position);
    for (size_t i = 0; i < rows.count; i++) {
        if (text_equal(book_text(system.book, rows.at[i].code), showing->filter->property)) {
            see(showing, book_text(system.book, rows.at[i].value));
        }
    }
}

static void see_parents(struct showing *showing, uint32_t position) {
    struct shelf_ref ref = showing->selection->system;
    const struct system_row *system = shelf_system(ref);
    uint32_t walk = 0, parent;
    while ((parent = book_next_parent(&walk, ref.book, system, position)) != BOOK_NO_CONCEPT) {
        see(showing, book_text(ref.book, book_concept(ref.book, system, parent)->code));
    }
}

static void see_children(struct showing *showing, uint32_t position) {
    struct shelf_ref ref = showing->selection->system;
    const struct system_row *system = shelf_system(ref);
    uint32_t end = position + book_concept(ref.book, system, position)->below;
    for (uint32_t child = position + 1; child <= end; child += 1 + book_concept(ref.book, system, child)->below) {
        see(showing, book_text(ref.book, book_concept(ref.book, system, child)->code));
    }
    for (uint32_t i = 0; i < system->edge_count; i++) {
        const struct edge_row *edge = &ref.book->edges[system->edge_first + i];
        if (edge->parent == position) {
            see(showing, book_text(ref.book, book_concept(ref.book, system, edge->child)->code));
        }
    }
}

static void see_subject(struct showing *showing, uint32_t position) {
    struct shelf_ref ref = showing->selection->system;
    const struct concept_row *concept = book_concept(ref.book, shelf_system(ref), position);
    switch (showing->filter->subject) {
    case SUBJECT_CODE:
        see(showing, book_text(ref.book, concept->code));
        break;
    case SUBJECT_DISPLAY:
        see(showing, book_text(ref.book, concept->display));
        break;
    case SUBJECT_DEFINITION:
        see(showing, book_definition(ref.book, concept->definition, showing->selection->inquiry->scope->arena));
        break;
    case SUBJECT_PARENT:
        see_parents(showing, position);
        break;
    case SUBJECT_CHILD:
        see_children(showing, position);
        break;
    case SUBJECT_ABSTRACT:
        see(showing, concept->is_abstract ? TEXT("true") : TEXT("false"));
        break;
    case SUBJECT_INACTIVE:
        see(showing, concept->is_inactive ? TEXT("true") : TEXT("false"));
        break;
    case SUBJECT_PROPERTY:
        see_properties(showing, position);
        break;
    }
}

static enum status filter_takes(
    bool *out, const struct selection *selection, const struct selection_filter *filter, uint32_t position) {
    if (filter->marks != NULL) {
        *out = (filter->marks[position] != 0) != (filter->op == BOOK_IS_NOT_A);
        return STATUS_OK;
    }
    struct showing showing = {.selection = selection, .filter = filter};
    see_subject(&showing, position);
    *out = filter->op == BOOK_EXISTS   ? showing.has_any == text_is(filter->value, "true")
           : filter->op == BOOK_NOT_IN ? !showing.fits
                                       : showing.fits;
    return showing.status;
}

enum status selection_takes(bool *out, const struct selection *selection, uint32_t position) {
    enum status status = STATUS_OK;
    *out = true;
    for (size_t i = 0; i < selection->count && *out && status == STATUS_OK; i++) {
        status = filter_takes(out, selection, &selection->filters[i], position);
    }
    return status;
}
