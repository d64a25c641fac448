/* The generated tables against the same resources compiled by the program, one by one: two readers that share no code. And
 * laws over all built-in value sets: what an expansion lists is in, what it does not list is not. */
#include "terminology/compile.h"
#include "terminology/expand.h"
#include "terminology/judge.h"
#include "unit/terminology/library.h"

static const char package[] = "build/deps/fhir/package";

static bool same_string(
    const struct terminology_book *a, book_string at_a, const struct terminology_book *b, book_string at_b) {
    struct text left = book_text(a, at_a), right = book_text(b, at_b);
    return text_equal(left.size > 0 ? left : TEXT(""), right.size > 0 ? right : TEXT(""));
}

static bool same_title(const struct terminology_book *a, const struct book_title *left,
    const struct terminology_book *b, const struct book_title *right) {
    return same_string(a, left->url, b, right->url) && same_string(a, left->version, b, right->version) &&
           same_string(a, left->name, b, right->name) && same_string(a, left->title, b, right->title) &&
           same_string(a, left->status, b, right->status);
}

static bool same_designations(const struct terminology_book *a, struct designation_rows left,
    const struct terminology_book *b, struct designation_rows right) {
    bool same = left.count == right.count;
    for (size_t i = 0; i < left.count && same; i++) {
        const struct designation_row *x = &left.at[i], *y = &right.at[i];
        same = same_string(a, x->value, b, y->value) && same_string(a, x->language, b, y->language) &&
               (x->use == 0) == (y->use == 0);
        if (same && x->use != 0) {
            same = same_string(a, a->uses[x->use - 1].code, b, b->uses[y->use - 1].code) &&
                   same_string(a, a->uses[x->use - 1].system, b, b->uses[y->use - 1].system);
        }
    }
    return same;
}

static bool same_properties(const struct terminology_book *a, struct property_rows left,
    const struct terminology_book *b, struct property_rows right) {
    bool same = left.count == right.count;
    for (size_t i = 0; i < left.count && same; i++) {
        const struct property_row *x = &left.at[i], *y = &right.at[i];
        same = same_string(a, x->code, b, y->code) && same_string(a, x->value, b, y->value) && x->type == y->type;
    }
    return same;
}

static bool same_concept(struct shelf_ref a, struct shelf_ref b, uint32_t position, struct arena *arena) {
    const struct system_row *left = shelf_system(a), *right = shelf_system(b);
    const struct concept_row *x = book_concept(a.book, left, position), *y = book_concept(b.book, right, position);
    struct text code = book_text(a.book, x->code);
    return same_string(a.book, x->code, b.book, y->code) && same_string(a.book, x->display, b.book, y->display) &&
           text_equal(book_definition(a.book, x->definition, arena), book_definition(b.book, y->definition, arena)) &&
           x->parent == y->parent && x->below == y->below && x->is_abstract == y->is_abstract &&
           x->is_inactive == y->is_inactive && book_concept_find(a.book, left, code) == position &&
           book_concept_find(b.book, right, code) == position &&
           same_designations(
               a.book, book_designations(a.book, left, position), b.book, book_designations(b.book, right, position)) &&
           same_properties(
               a.book, book_properties(a.book, left, position), b.book, book_properties(b.book, right, position));
}

static bool same_system(struct shelf_ref a, struct shelf_ref b, struct arena *arena) {
    const struct system_row *left = shelf_system(a), *right = shelf_system(b);
    bool same = same_title(a.book, &left->title, b.book, &right->title) && left->content == right->content &&
                left->concept_count == right->concept_count && left->edge_count == right->edge_count &&
                left->is_case_insensitive == right->is_case_insensitive &&
                left->is_not_subsuming == right->is_not_subsuming &&
                same_string(a.book, left->value_set, b.book, right->value_set);
    for (uint32_t i = 0; i < left->concept_count && same; i++) {
        same = same_concept(a, b, i, arena);
    }
    for (uint32_t i = 0; i < left->edge_count && same; i++) {
        const struct edge_row *x = &a.book->edges[left->edge_first + i], *y = &b.book->edges[right->edge_first + i];
        same = x->child == y->child && x->parent == y->parent;
    }
    return same;
}

static bool same_include(
    struct shelf_ref a, const struct include_row *x, struct shelf_ref b, const struct include_row *y) {
    bool same = same_string(a.book, x->system, b.book, y->system) &&
                same_string(a.book, x->version, b.book, y->version) && x->listed_count == y->listed_count &&
                x->filter_count == y->filter_count && x->import_count == y->import_count &&
                x->is_exclude == y->is_exclude;
    for (uint32_t i = 0; i < x->listed_count && same; i++) {
        const struct listed_row *p = &a.book->listed[x->listed_first + i], *q = &b.book->listed[y->listed_first + i];
        same = same_string(a.book, p->code, b.book, q->code) && same_string(a.book, p->display, b.book, q->display) &&
               same_designations(a.book, book_listed_designations(a.book, x->listed_first + i), b.book,
                   book_listed_designations(b.book, y->listed_first + i)) &&
               book_listed_find(a.book, x, book_text(a.book, p->code)) ==
                   book_listed_find(b.book, y, book_text(b.book, q->code));
    }
    for (uint32_t i = 0; i < x->filter_count && same; i++) {
        const struct filter_row *p = &a.book->filters[x->filter_first + i], *q = &b.book->filters[y->filter_first + i];
        same = same_string(a.book, p->property, b.book, q->property) &&
               same_string(a.book, p->value, b.book, q->value) && p->op == q->op;
    }
    for (uint32_t i = 0; i < x->import_count && same; i++) {
        same = same_string(a.book, a.book->imports[x->import_first + i], b.book, b.book->imports[y->import_first + i]);
    }
    return same;
}

static bool same_value_set(struct shelf_ref a, struct shelf_ref b) {
    const struct value_set_row *left = shelf_value_set(a), *right = shelf_value_set(b);
    bool same = same_title(a.book, &left->title, b.book, &right->title) &&
                left->include_count == right->include_count && left->is_active_only == right->is_active_only;
    for (uint32_t i = 0; i < left->include_count && same; i++) {
        same =
            same_include(a, &a.book->includes[left->include_first + i], b, &b.book->includes[right->include_first + i]);
    }
    return same;
}

static bool same_target(
    struct shelf_ref a, const struct target_row *x, struct shelf_ref b, const struct target_row *y) {
    bool same = same_string(a.book, x->code, b.book, y->code) && same_string(a.book, x->display, b.book, y->display) &&
                same_string(a.book, x->equivalence, b.book, y->equivalence) &&
                same_string(a.book, x->comment, b.book, y->comment) && x->depends_count == y->depends_count &&
                x->product_count == y->product_count;
    for (int i = 0; i < x->depends_count + x->product_count && same; i++) {
        const struct link_row *p = &a.book->links[x->link_first + i], *q = &b.book->links[y->link_first + i];
        same = same_string(a.book, p->property, b.book, q->property) &&
               same_string(a.book, p->value, b.book, q->value) && same_string(a.book, p->system, b.book, q->system) &&
               same_string(a.book, p->display, b.book, q->display);
    }
    return same;
}

static bool same_group(struct shelf_ref a, const struct group_row *x, struct shelf_ref b, const struct group_row *y) {
    bool same = same_string(a.book, x->source, b.book, y->source) &&
                same_string(a.book, x->target, b.book, y->target) &&
                same_string(a.book, x->unmapped_mode, b.book, y->unmapped_mode) &&
                same_string(a.book, x->unmapped_code, b.book, y->unmapped_code) &&
                same_string(a.book, x->unmapped_url, b.book, y->unmapped_url) && x->element_count == y->element_count;
    for (uint32_t i = 0; i < x->element_count && same; i++) {
        const struct element_row *p = &a.book->elements[x->element_first + i],
                                 *q = &b.book->elements[y->element_first + i];
        same = same_string(a.book, p->code, b.book, q->code) && p->target_count == q->target_count;
        for (uint32_t j = 0; j < p->target_count && same; j++) {
            same = same_target(a, &a.book->targets[p->target_first + j], b, &b.book->targets[q->target_first + j]);
        }
    }
    return same;
}

static bool same_map(struct shelf_ref a, struct shelf_ref b) {
    const struct map_row *left = shelf_map(a), *right = shelf_map(b);
    bool same = same_title(a.book, &left->title, b.book, &right->title) && left->group_count == right->group_count &&
                same_string(a.book, left->source, b.book, right->source) &&
                same_string(a.book, left->target, b.book, right->target);
    for (uint32_t i = 0; i < left->group_count && same; i++) {
        same = same_group(a, &a.book->groups[left->group_first + i], b, &b.book->groups[right->group_first + i]);
    }
    return same;
}

static int compare_file(const char *name, enum shelf_kind kind) {
    char path[400];
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    struct text source;
    yyjson_doc *doc = NULL;
    struct shelf_ref compiled = {0};
    snprintf(path, sizeof path, "%s/%s", package, name);
    assert_int_equal(file_read(&source, path, 64 << 20, &scope), STATUS_OK);
    assert_int_equal(json_read(&doc, source, &scope), STATUS_OK);
    const yyjson_val *resource = yyjson_doc_get_root(doc);
    assert_int_equal(compile_resource(&compiled.book, resource, &scope), STATUS_OK);
    struct text url = json_get_text(resource, "url");
    const struct terminology_book *book = &terminology_builtin;
    struct book_range range = kind == SHELF_SYSTEMS      ? book_systems_find(book, url)
                              : kind == SHELF_VALUE_SETS ? book_value_sets_find(book, url)
                                                         : book_maps_find(book, url);
    assert_int_equal(range.count, 1);
    const struct shelf_ref builtin = {book, range.first};
    bool same = kind == SHELF_SYSTEMS      ? same_system(builtin, compiled, scope.arena)
                : kind == SHELF_VALUE_SETS ? same_value_set(builtin, compiled)
                                           : same_map(builtin, compiled);
    if (!same) {
        print_message("%s differs\n", name);
    }
    arena_close(scope.arena);
    return !same;
}

static void test_tables_are_what_the_program_reads(void **state) {
    static const char *const prefixes[SHELF_KINDS] = {"CodeSystem-", "ValueSet-", "ConceptMap-"};
    int seen[SHELF_KINDS] = {0}, failures = 0;
    DIR *directory = opendir(package);
    (void)state;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        for (int kind = 0; kind < SHELF_KINDS; kind++) {
            if (strncmp(entry->d_name, prefixes[kind], strlen(prefixes[kind])) == 0) {
                failures += compare_file(entry->d_name, kind);
                seen[kind]++;
            }
        }
    }
    closedir(directory);
    assert_int_equal(seen[SHELF_SYSTEMS], terminology_builtin.system_count);
    assert_int_equal(seen[SHELF_VALUE_SETS], terminology_builtin.value_set_count);
    assert_int_equal(seen[SHELF_MAPS], terminology_builtin.map_count);
    assert_int_equal(failures, 0);
}

/* ---- laws ------------------------------------------------------------------------------------------------------- */

struct tally {
    int expanded, unknown, too_costly, others;
    size_t codes, disagreements;
};

static void check_agreement(
    struct tally *tally, struct inquiry *inquiry, struct shelf_ref ref, const struct expansion *expansion) {
    for (size_t i = 0; i < expansion->count; i += 1 + expansion->count / 200) {
        const struct candidate *candidate = &expansion->at[i];
        const struct candidate stranger = {
            .system = candidate->system, .code = TEXT("no such code at all"), .version = candidate->version};
        enum terminology_verdict verdict = TERMINOLOGY_NO;
        inquiry->visits = 0;
        assert_int_equal(compose_has(&verdict, inquiry, ref, candidate), STATUS_OK);
        bool agrees = verdict == TERMINOLOGY_YES;
        assert_int_equal(compose_has(&verdict, inquiry, ref, &stranger), STATUS_OK);
        agrees = agrees && verdict != TERMINOLOGY_YES;
        if (!agrees) {
            print_message("%s: %.*s\n", ref.book->strings + shelf_value_set(ref)->title.url, (int)candidate->code.size,
                candidate->code.at);
        }
        tally->disagreements += !agrees;
    }
    tally->codes += expansion->count;
}

static void expand_one(struct tally *tally, struct terminology *terminology, uint32_t index) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    struct inquiry *inquiry = ARENA_NEW(scope.arena, struct inquiry);
    *inquiry = (struct inquiry){.terminology = terminology, .scope = &scope};
    const struct expand_request request = {.value_set = {&terminology_builtin, index}};
    struct expansion expansion;
    enum status status = expand_codes(&expansion, inquiry, &request);
    if (status == STATUS_OK) {
        tally->expanded++;
        check_agreement(tally, inquiry, request.value_set, &expansion);
    } else if (status == STATUS_NOT_FOUND) {
        tally->unknown++;
    } else if (status == STATUS_TOO_COSTLY) {
        tally->too_costly++;
    } else {
        tally->others++;
        print_message("%s: %s\n", terminology_builtin.strings + terminology_builtin.value_sets[index].title.url,
            scope.fault.first == NULL ? "" : scope.fault.first->text);
    }
    arena_close(scope.arena);
}

static void test_expansion_and_membership_agree(void **state) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    struct terminology *terminology = NULL;
    struct tally tally = {0};
    (void)state;
    assert_int_equal(terminology_open(&terminology, &(struct terminology_config){0}, &scope), STATUS_OK);
    for (uint32_t i = 0; i < terminology_builtin.value_set_count; i++) {
        expand_one(&tally, terminology, i);
    }
    print_message("%d expanded to %zu codes, %d need what is not known, %d follow a grammar\n", tally.expanded,
        tally.codes, tally.unknown, tally.too_costly);
    assert_int_equal(tally.disagreements, 0);
    assert_int_equal(tally.others, 0);
    assert_true(tally.expanded > 1200);
    terminology_close(terminology);
    arena_close(scope.arena);
}

/* Sorted, as finding needs them. */
static void test_tables_are_sorted(void **state) {
    const struct terminology_book *book = &terminology_builtin;
    (void)state;
    for (uint32_t i = 1; i < book->system_count; i++) {
        assert_true(
            strcmp(book->strings + book->systems[i - 1].title.url, book->strings + book->systems[i].title.url) <= 0);
    }
    for (uint32_t i = 1; i < book->value_set_count; i++) {
        assert_true(strcmp(book->strings + book->value_sets[i - 1].title.url,
                        book->strings + book->value_sets[i].title.url) <= 0);
    }
    for (uint32_t i = 1; i < book->property_count; i++) {
        assert_true(book->properties[i - 1].concept <= book->properties[i].concept);
    }
    for (uint32_t i = 1; i < book->designation_count; i++) {
        assert_true(book->designations[i - 1].owner <= book->designations[i].owner);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_what_the_program_reads),
        cmocka_unit_test(test_expansion_and_membership_agree),
        cmocka_unit_test(test_tables_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
