/* ConceptMap/$translate. */
#include <string.h>

#include "terminology/operation.h"
#include "terminology/reply.h"

enum { FOLLOW_MAX = 8, MATCHES_MAX = 10000 };

static const char *const names[] = {"url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source",
    "coding", "codeableConcept", "target", "targetsystem", "dependency", "reverse", NULL};

/* What a code was translated to. */
struct match {
    struct text equivalence;
    struct terminology_coding concept;
    const struct terminology_book *book;
    const struct link_row *products;
    size_t product_count;
    struct text map;
};
struct translating {
    struct inquiry *inquiry;
    const struct arguments *arguments;
    struct text source, target, target_system;
    bool is_reverse;
    struct match *matches;
    size_t count, capacity;
};

static enum status add_match(struct translating *t, const struct match *match) {
    if (t->count == MATCHES_MAX) {
        return fault(t->inquiry->scope, STATUS_TOO_COSTLY, "", "more than %d translations", MATCHES_MAX);
    }
    if (t->count == t->capacity) {
        size_t capacity = t->capacity == 0 ? 8 : 2 * t->capacity;
        t->matches = arena_resize(
            t->inquiry->scope->arena, t->matches, sizeof *t->matches * t->capacity, sizeof *t->matches * capacity);
        t->capacity = capacity;
    }
    t->matches[t->count++] = *match;
    return STATUS_OK;
}

/* ---- what a translation depends on ------------------------------------------------------------------------------ */

static bool concept_has(const yyjson_val *concept, struct text system, struct text code) {
    yyjson_arr_iter items = yyjson_arr_iter_with(json_get(concept, "coding"));
    for (yyjson_val *coding; (coding = yyjson_arr_iter_next(&items)) != NULL;) {
        bool same_system = system.size == 0 || text_equal(json_get_text(coding, "system"), system);
        if (same_system && text_equal(json_get_text(coding, "code"), code)) {
            return true;
        }
    }
    return false;
}

static bool dependency_meets(
    const yyjson_val *dependency, struct text property, struct text system, struct text value) {
    bool names_it = false, has_it = false;
    yyjson_arr_iter parts = yyjson_arr_iter_with(json_get(dependency, "part"));
    for (yyjson_val *part; (part = yyjson_arr_iter_next(&parts)) != NULL;) {
        struct text name = json_get_text(part, "name");
        if (text_is(name, "element")) {
            names_it = text_equal(json_get_text(part, "valueUri"), property);
        } else if (text_is(name, "concept")) {
            has_it = concept_has(json_get(part, "valueCodeableConcept"), system, value);
        }
    }
    return names_it && has_it;
}

static bool is_met(const struct translating *t, const struct terminology_book *book, const struct link_row *link) {
    for (size_t i = 0; i < t->arguments->count; i++) {
        const struct argument *argument = &t->arguments->at[i];
        if (text_is(argument->name, "dependency") && dependency_meets(argument->node, book_text(book, link->property),
                                                         book_text(book, link->system), book_text(book, link->value))) {
            return true;
        }
    }
    return false;
}

static bool all_met(const struct translating *t, const struct terminology_book *book, const struct target_row *target) {
    for (size_t i = 0; i < target->depends_count; i++) {
        if (!is_met(t, book, &book->links[target->link_first + i])) {
            return false;
        }
    }
    return true;
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

/* Read from its other end, a narrower meaning is a wider one. */
static struct text reversed(struct text equivalence) {
    static const char *const pairs[][2] = {{"wider", "narrower"}, {"subsumes", "specializes"}};
    for (size_t i = 0; i < 2; i++) {
        if (text_is(equivalence, pairs[i][0])) {
            return text_from(pairs[i][1]);
        }
        if (text_is(equivalence, pairs[i][1])) {
            return text_from(pairs[i][0]);
        }
    }
    return equivalence;
}

/* A map, and one of its groups. */
struct mapping {
    struct shelf_ref map;
    const struct group_row *group;
};

static struct text map_url(struct shelf_ref map) {
    return book_text(map.book, shelf_map(map)->title.url);
}

static enum status translate_element(struct translating *t, const struct mapping *mapping,
    const struct element_row *element, const struct terminology_coding *coding, bool *is_mapped) {
    const struct terminology_book *book = mapping->map.book;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < element->target_count && status == STATUS_OK; i++) {
        const struct target_row *target = &book->targets[element->target_first + i];
        struct match match = {
            .equivalence = book_text(book, target->equivalence), .book = book, .map = map_url(mapping->map)};
        if (t->is_reverse && !text_equal(book_text(book, target->code), coding->code)) {
            continue;
        }
        *is_mapped = true;
        if (!all_met(t, book, target)) {
            continue;
        }
        if (t->is_reverse) {
            match.equivalence = reversed(match.equivalence);
            match.concept = (struct terminology_coding){book_text(book, mapping->group->source),
                book_text(book, mapping->group->source_version), book_text(book, element->code),
                book_text(book, element->display)};
        } else {
            match.concept = (struct terminology_coding){book_text(book, mapping->group->target),
                book_text(book, mapping->group->target_version), book_text(book, target->code),
                book_text(book, target->display)};
            match.products = &book->links[target->link_first + target->depends_count];
            match.product_count = target->product_count;
        }
        status = add_match(t, &match);
    }
    return status;
}

/* The maps on the way from the one that was asked, each named by the one before it for what that does not map. */
struct trail {
    const struct trail *before; /* NULL: the map that was asked */
    struct shelf_ref map;
    int length;
};

static enum status translate_with(
    struct translating *t, struct shelf_ref map, const struct terminology_coding *coding, const struct trail *before);

static void put_trail(struct buffer *buffer, const struct trail *trail) {
    if (trail->before != NULL) {
        put_trail(buffer, trail->before);
        buffer_put_string(buffer, " -> ");
    }
    buffer_put(buffer, map_url(trail->map));
}

/* Maps that lead back to one of themselves translate nothing, however long they are followed. */
static enum status check_trail(struct translating *t, const struct trail *trail) {
    struct scope *scope = t->inquiry->scope;
    for (const struct trail *earlier = trail->before; earlier != NULL; earlier = earlier->before) {
        if (earlier->map.book != trail->map.book || earlier->map.index != trail->map.index) {
            continue;
        }
        struct buffer buffer = buffer_open(scope->arena, SIZE_MAX);
        put_trail(&buffer, trail);
        struct text names_of_all = buffer_text(&buffer);
        return fault_coded(scope, STATUS_UNPROCESSABLE, "processing", "ConceptMap.group.unmapped.url",
            "concept maps name one another in a circle: %.*s", (int)names_of_all.size, names_of_all.at);
    }
    return trail->length <= FOLLOW_MAX ? STATUS_OK
                                       : fault(scope, STATUS_TOO_COSTLY, "ConceptMap.group.unmapped.url",
                                             "more than %d concept maps that name one another", FOLLOW_MAX);
}

static enum status translate_unmapped(struct translating *t, const struct mapping *mapping,
    const struct terminology_coding *coding, const struct trail *trail) {
    const struct terminology_book *book = mapping->map.book;
    const struct group_row *group = mapping->group;
    struct text mode = book_text(book, group->unmapped_mode);
    struct match match = {.book = book,
        .map = map_url(mapping->map),
        .concept = {
            book_text(book, group->target), book_text(book, group->target_version), coding->code, coding->display}};
    if (text_is(mode, "provided")) {
        match.equivalence = TEXT("equal");
        return add_match(t, &match);
    }
    if (text_is(mode, "fixed")) {
        match.equivalence = TEXT("inexact");
        match.concept.code = book_text(book, group->unmapped_code);
        match.concept.display = book_text(book, group->unmapped_display);
        return add_match(t, &match);
    }
    if (!text_is(mode, "other-map")) {
        return STATUS_OK;
    }
    struct shelf_ref other;
    enum status status = inquiry_map(&other, t->inquiry, book_text(book, group->unmapped_url));
    if (status == STATUS_NOT_FOUND) {
        return inquiry_fault_missing(t->inquiry, "concept map");
    }
    return status == STATUS_OK ? translate_with(t, other, coding, trail) : status;
}

static enum status translate_group(struct translating *t, const struct mapping *mapping,
    const struct terminology_coding *coding, const struct trail *trail) {
    const struct terminology_book *book = mapping->map.book;
    const struct group_row *group = mapping->group;
    struct text from = book_text(book, t->is_reverse ? group->target : group->source);
    struct text to = book_text(book, t->is_reverse ? group->source : group->target);
    bool is_mapped = false;
    enum status status = inquiry_visit(t->inquiry);
    if (!text_equal(from, coding->system) || (t->target_system.size > 0 && !text_equal(to, t->target_system))) {
        return status;
    }
    for (uint32_t i = 0; i < group->element_count && status == STATUS_OK; i++) {
        const struct element_row *element = &book->elements[group->element_first + i];
        if (t->is_reverse) {
            status = translate_element(t, mapping, element, coding, &is_mapped);
        } else if (text_equal(book_text(book, element->code), coding->code)) {
            is_mapped = true;
            status = translate_element(t, mapping, element, coding, &is_mapped);
        }
    }
    return status == STATUS_OK && !is_mapped && !t->is_reverse ? translate_unmapped(t, mapping, coding, trail) : status;
}

static enum status translate_with(
    struct translating *t, struct shelf_ref map, const struct terminology_coding *coding, const struct trail *before) {
    const struct map_row *row = shelf_map(map);
    const struct trail trail = {before, map, before == NULL ? 0 : before->length + 1};
    enum status status = check_trail(t, &trail);
    for (uint32_t i = 0; i < row->group_count && status == STATUS_OK; i++) {
        const struct mapping mapping = {map, &map.book->groups[row->group_first + i]};
        status = translate_group(t, &mapping, coding, &trail);
    }
    return status;
}

/* ---- which maps ------------------------------------------------------------------------------------------------- */

static bool is_between(const struct translating *t, struct shelf_ref map) {
    const struct map_row *row = shelf_map(map);
    struct text source = book_text(map.book, row->source), target = book_text(map.book, row->target);
    struct text from = t->is_reverse ? target : source, to = t->is_reverse ? source : target;
    return (t->source.size == 0 || text_equal(from, t->source)) && (t->target.size == 0 || text_equal(to, t->target));
}

/* An upload replaces the built-in map of its URL. */
static bool is_replaced(const struct shelf_ref *maps, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (maps[i].book != maps[index].book && text_equal(map_url(maps[i]), map_url(maps[index]))) {
            return true;
        }
    }
    return false;
}

static enum status translate_with_all(struct translating *t, const struct codings *codings) {
    struct shelf_ref *maps;
    size_t count = 0;
    enum status status = shelf_maps(&maps, &count, t->inquiry->terminology, t->inquiry->scope);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (!is_between(t, maps[i]) || is_replaced(maps, i)) {
            continue;
        }
        for (size_t j = 0; j < codings->count && status == STATUS_OK; j++) {
            status = translate_with(t, maps[i], &codings->at[j], NULL);
        }
    }
    return status;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool is_translation(const struct match *match) {
    return !text_is(match->equivalence, "unmatched") && !text_is(match->equivalence, "disjoint");
}

static void write_match(struct json_writer *w, const struct match *match) {
    fhir_parameter_open(w, "match");
    fhir_parameter_text(
        w, "equivalence", "valueCode", match->equivalence.size > 0 ? match->equivalence : TEXT("equivalent"));
    if (match->concept.code.size > 0) {
        reply_put_coding(w, "concept", &match->concept);
    }
    for (size_t i = 0; i < match->product_count; i++) {
        const struct link_row *product = &match->products[i];
        const struct terminology_coding concept = {.system = book_text(match->book, product->system),
            .code = book_text(match->book, product->value),
            .display = book_text(match->book, product->display)};
        fhir_parameter_open(w, "product");
        fhir_parameter_text(w, "element", "valueUri", book_text(match->book, product->property));
        reply_put_coding(w, "concept", &concept);
        fhir_parameter_close(w);
    }
    fhir_parameter_text(w, "source", "valueUri", match->map);
    fhir_parameter_close(w);
}

static enum status write_matches(struct text *out, const struct translating *t) {
    bool result = false;
    for (size_t i = 0; i < t->count; i++) {
        result = result || is_translation(&t->matches[i]);
    }
    struct json_writer w = reply_open(t->inquiry->scope);
    fhir_parameter_boolean(&w, "result", result);
    if (!result) {
        fhir_parameter_text(&w, "message", "valueString", TEXT("no concept map that was asked translates the code"));
    }
    for (size_t i = 0; i < t->count; i++) {
        write_match(&w, &t->matches[i]);
    }
    return fhir_parameters_finish(out, &w, t->inquiry->scope);
}

enum status terminology_translate(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    static const struct subject subject = {SHELF_MAPS, "conceptMap", "url", "conceptMapVersion"};
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    struct arguments arguments;
    struct codings codings = {0};
    struct shelf_ref map = {0};
    enum status status = arguments_read(&arguments, call, names, NULL, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct translating t = {.inquiry = inquiry,
        .arguments = &arguments,
        .source = arguments_text(&arguments, "source"),
        .target = arguments_text(&arguments, "target"),
        .target_system = arguments_text(&arguments, "targetsystem")};
    status = arguments_inquiry(inquiry, &arguments, terminology);
    if (status == STATUS_OK) {
        status = arguments_bool(&t.is_reverse, &arguments, "reverse");
    }
    if (status == STATUS_OK) {
        status = arguments_codings(&codings, &arguments, "system", "version");
    }
    if (status == STATUS_OK && codings.form == CODINGS_CODE && codings.at->system.size == 0) {
        return fault(scope, STATUS_INVALID, "system", "expected the code system: system");
    }
    if (status == STATUS_OK) {
        status = subject_find(&map, inquiry, &subject, &arguments, call);
    }
    for (size_t i = 0; i < codings.count && status == STATUS_OK && map.book != NULL; i++) {
        status = translate_with(&t, map, &codings.at[i], NULL);
    }
    if (status == STATUS_OK && map.book == NULL) {
        status = translate_with_all(&t, &codings);
    }
    return status == STATUS_OK ? write_matches(out, &t) : status;
}
