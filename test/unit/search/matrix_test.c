/* Which case of test/cases/search tries what: for each search parameter type its modifiers, its comparison prefixes, the orders of
 * _sort and the operators of _filter, as the tables that serve them have them. A case counts for a cell when it must find
 * something, and not everything of its type. The whole table is printed; a cell without a case is a failure. Whether the cases
 * hold is cases_test's matter. */
#include "search/edition.h"
#include "search/filter.h"
#include "search/sentence.h"
#include "search/value.h"
#include "unit/search/shelf.h"

static const char folder[] = "test/cases/search";

enum { CELLS_MAX = 400, RESOURCES_MAX = 256 };

struct cell {
    enum fhir_search_type type;
    const char *group, *name; /* "modifier", "exact" */
    const char *url;          /* of the first case that tries it; NULL: none */
    const char *file;
};

struct matrix {
    struct cell cells[CELLS_MAX];
    size_t count;
    struct arena *arena;
    const struct search *search;
};

static const char *const prefixes[] = {[PREFIX_EQ] = "eq",
    [PREFIX_NE] = "ne",
    [PREFIX_GT] = "gt",
    [PREFIX_LT] = "lt",
    [PREFIX_GE] = "ge",
    [PREFIX_LE] = "le",
    [PREFIX_SA] = "sa",
    [PREFIX_EB] = "eb",
    [PREFIX_AP] = "ap"};

static struct cell *cell_find(struct matrix *matrix, enum fhir_search_type type, const char *group, struct text name) {
    for (size_t i = 0; i < matrix->count; i++) {
        struct cell *cell = &matrix->cells[i];
        if (cell->type == type && strcmp(cell->group, group) == 0 && text_is(name, cell->name)) {
            return cell;
        }
    }
    return NULL;
}

static void cell_add(struct matrix *matrix, enum fhir_search_type type, const char *group, const char *name) {
    if (cell_find(matrix, type, group, text_from(name)) == NULL) {
        assert_true(matrix->count < CELLS_MAX);
        matrix->cells[matrix->count++] = (struct cell){.type = type, .group = group, .name = name};
    }
}

static bool is_compared(enum fhir_search_type type) {
    return type == FHIR_SEARCH_NUMBER || type == FHIR_SEARCH_DATE || type == FHIR_SEARCH_QUANTITY;
}

static void cells_make(struct matrix *matrix) {
    for (int number = FHIR_SEARCH_NUMBER; number <= FHIR_SEARCH_SPECIAL; number++) {
        enum fhir_search_type type = (enum fhir_search_type)number;
        const char *name;
        cell_add(matrix, type, "modifier", "none");
        for (size_t at = 0; (name = filter_modifier_of(type, &at)) != NULL;) {
            if (strcmp(name, "missing") == 0) {
                cell_add(matrix, type, "modifier", "missing=true");
                cell_add(matrix, type, "modifier", "missing=false");
            } else {
                cell_add(matrix, type, "modifier", name);
            }
        }
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
            if (is_compared(type) || type == FHIR_SEARCH_COMPOSITE) {
                cell_add(matrix, type, "prefix", prefixes[i]);
            }
        }
        for (size_t at = 0; (name = sentence_operator_of(type, &at)) != NULL;) {
            cell_add(matrix, type, "_filter", name);
        }
        cell_add(matrix, type, "_sort", "up");
        cell_add(matrix, type, "_sort", "down");
    }
}

/* ---- what a case tries -------------------------------------------------------------------------------------------------- */

/* One case, with what it was read from. */
struct trial {
    struct matrix *matrix;
    const char *file, *url;
    fhir_type type;
};

static void mark(const struct trial *trial, enum fhir_search_type type, const char *group, struct text name) {
    struct cell *cell = cell_find(trial->matrix, type, group, name);
    if (cell != NULL && cell->url == NULL) {
        cell->url = trial->url;
        cell->file = trial->file;
    }
}

static void mark_prefix(const struct trial *trial, enum fhir_search_type type, struct text value) {
    enum value_prefix prefix;
    struct text rest = value;
    if (type == FHIR_SEARCH_COMPOSITE) {
        (void)value_cut(&rest, '$');
    }
    if (value_take_prefix(&prefix, &rest)) {
        mark(trial, type, "prefix", text_from(prefixes[prefix]));
    }
}

static void mark_sorts(const struct trial *trial, struct text value) {
    while (value.at != NULL) {
        struct text code = text_cut(&value, ',');
        bool is_down = text_starts(code, "-");
        code = is_down ? (struct text){code.at + 1, code.size - 1} : code;
        const struct parameter *parameter = catalog_find(trial->matrix->search, trial->type, code);
        if (parameter != NULL) {
            mark(trial, parameter->type, "_sort", is_down ? TEXT("down") : TEXT("up"));
        }
    }
}

static void mark_sentence(const struct trial *trial, const struct sentence *sentence) {
    for (size_t i = 0; i < sentence->part_count; i++) {
        mark_sentence(trial, sentence->parts[i]);
    }
    if (sentence->kind == SENTENCE_TEST && sentence->path_count == 1) {
        const struct parameter *parameter = catalog_find(trial->matrix->search, trial->type, sentence->path[0].name);
        if (parameter != NULL) {
            mark(trial, parameter->type, "_filter", sentence->operator);
        }
    }
}

static void mark_pair(const struct trial *trial, const struct search_pair *pair) {
    struct text modifier = pair->name, value = pair->value;
    struct text code = text_cut(&modifier, ':');
    struct scope scope = {.arena = trial->matrix->arena};
    const struct sentence *sentence;
    if (text_is(pair->name, "_sort")) {
        mark_sorts(trial, value);
        return;
    }
    if (text_is(pair->name, "_filter")) {
        if (sentence_read(&sentence, value, &scope) == STATUS_OK) {
            mark_sentence(trial, sentence);
        }
        return;
    }
    const struct parameter *parameter = catalog_find(trial->matrix->search, trial->type, code);
    if (parameter == NULL) {
        return;
    }
    if (modifier.at == NULL) {
        mark(trial, parameter->type, "modifier", TEXT("none"));
        mark_prefix(trial, parameter->type, value);
    } else if (text_is(modifier, "missing")) {
        mark(trial, parameter->type, "modifier", text_is(value, "true") ? TEXT("missing=true") : TEXT("missing=false"));
    } else if (fhir_resource_number(fhir_type_find(modifier)) != 0) {
        mark(trial, parameter->type, "modifier", TEXT("[type]"));
    } else {
        mark(trial, parameter->type, "modifier", modifier);
    }
}

static size_t resources_of(const yyjson_val *root, fhir_type type) {
    size_t count = 0;
    yyjson_arr_iter items = yyjson_arr_iter_with(json_get(root, "resources"));
    for (const yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        count += type == FHIR_TYPE_NONE || fhir_resource_type_of(item) == type;
    }
    return count;
}

static void mark_case(struct matrix *matrix, const char *file, const yyjson_val *root, const yyjson_val *item) {
    const yyjson_val *ids = json_get(item, "ids"), *ordered = json_get(item, "ordered");
    struct trial trial = {
        .matrix = matrix, .file = file, .url = text_string(matrix->arena, json_get_text(item, "search"))};
    struct search_request request = shelf_request(trial.url, matrix->arena);
    size_t found = yyjson_arr_size((yyjson_val *)(ordered != NULL ? ordered : ids));
    bool tells = ordered != NULL ? found > 1 : found > 0 && found < resources_of(root, request.type);
    trial.type = request.type;
    bool has_order = ordered != NULL;
    for (size_t i = 0; i < request.pair_count && tells; i++) {
        if (has_order == text_is(request.pairs[i].name, "_sort")) {
            mark_pair(&trial, &request.pairs[i]);
        }
    }
}

static void mark_file(struct matrix *matrix, const char *name) {
    struct scope scope = {.arena = matrix->arena};
    struct text source;
    yyjson_doc *doc = NULL;
    enum status status = file_read(&source, text_format(matrix->arena, "%s/%s", folder, name).at, 16 << 20, &scope);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(json_read(&doc, source, &scope), STATUS_OK);
    const yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_arr_iter items = yyjson_arr_iter_with(json_get(root, "searches"));
    for (const yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        mark_case(matrix, text_format(matrix->arena, "%s", name).at, root, item);
    }
}

static void test_every_cell_has_a_case(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 540, 0);
    struct matrix *matrix = ARENA_NEW(shelf.scope.arena, struct matrix);
    matrix->arena = shelf.scope.arena;
    matrix->search = search_hold(shelf.search, &shelf.scope);
    cells_make(matrix);
    DIR *files = opendir(folder);
    assert_non_null(files);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        if (text_ends(text_from(entry->d_name), ".json")) {
            mark_file(matrix, entry->d_name);
        }
    }
    closedir(files);
    int missing = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        const struct cell *cell = &matrix->cells[i];
        print_message("%-9s %-8s %-13s %-16s %s\n", search_type_name(cell->type), cell->group, cell->name,
            cell->url == NULL ? "NO CASE" : cell->file, cell->url == NULL ? "" : cell->url);
        missing += cell->url == NULL;
    }
    print_message("%zu cells, %d without a case\n", matrix->count, missing);
    assert_int_equal(missing, 0);
    shelf_close(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_cell_has_a_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
