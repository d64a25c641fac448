/* What a TerminologyCapabilities claims, from the tables that serve it: systems from the shelf, filters from selection.c, parameters from
 * $expand's own. */
#include "terminology/grammar.h"
#include "terminology/operation.h"
#include "terminology/selection.h"

static void write_operators(struct json_writer *w, struct text property) {
    json_object_open(w);
    json_member_text(w, "code", property);
    json_name(w, "op");
    json_array_open(w);
    for (int op = 0; op < BOOK_OPERATORS; op++) {
        if (selection_serves(property, (enum book_operator)op)) {
            json_string(w, book_operator_codes[op]);
        }
    }
    json_array_close(w);
    json_object_close(w);
}

/* The hierarchy, and each property that is declared. */
static void write_filters(struct json_writer *w, struct shelf_ref ref) {
    const struct system_row *system = shelf_system(ref);
    json_name(w, "filter");
    json_array_open(w);
    write_operators(w, TEXT("concept"));
    for (uint32_t i = 0; i < system->declared_count; i++) {
        write_operators(w, book_text(ref.book, ref.book->declared[system->declared_first + i]));
    }
    json_array_close(w);
    if (system->declared_count == 0) {
        return;
    }
    json_name(w, "property");
    json_array_open(w);
    for (uint32_t i = 0; i < system->declared_count; i++) {
        json_string_text(w, book_text(ref.book, ref.book->declared[system->declared_first + i]));
    }
    json_array_close(w);
}

static void write_version(struct json_writer *w, const struct shelf_entry *entry) {
    json_object_open(w);
    if (entry->version.size > 0) {
        json_member_text(w, "code", entry->version);
    }
    json_member_bool(w, "isDefault", entry->is_default);
    json_member_bool(w, "compositional", grammar_rules(entry->url));
    if (entry->builtin.book != NULL) {
        write_filters(w, entry->builtin);
    }
    json_object_close(w);
}

/* Rules without a list stand among them too: their codes are judged. */
static void write_systems(struct json_writer *w, const struct shelf_entry *entries, size_t count) {
    json_name(w, "codeSystem");
    json_array_open(w);
    for (size_t i = 0; i < count;) {
        struct text url = entries[i].url;
        json_object_open(w);
        json_member_text(w, "uri", url);
        json_name(w, "version");
        json_array_open(w);
        for (; i < count && text_equal(entries[i].url, url); i++) {
            write_version(w, &entries[i]);
        }
        json_array_close(w);
        json_object_close(w);
    }
    const char *system;
    for (size_t at = 0; (system = grammar_system_at(at)) != NULL; at++) {
        bool is_listed = false;
        for (size_t i = 0; i < count && !is_listed; i++) {
            is_listed = text_is(entries[i].url, system);
        }
        if (!is_listed) {
            const struct shelf_entry entry = {.url = text_from(system), .is_default = true};
            json_object_open(w);
            json_member_string(w, "uri", system);
            json_name(w, "version");
            json_array_open(w);
            write_version(w, &entry);
            json_array_close(w);
            json_object_close(w);
        }
    }
    json_array_close(w);
}

static void write_expansion(struct json_writer *w) {
    json_name(w, "expansion");
    json_object_open(w);
    json_member_bool(w, "hierarchical", false);
    json_member_bool(w, "paging", true);
    json_member_bool(w, "incomplete", false);
    json_name(w, "parameter");
    json_array_open(w);
    for (const char *const *name = terminology_expand_names; *name != NULL; name++) {
        json_object_open(w);
        json_member_string(w, "name", *name);
        json_object_close(w);
    }
    json_array_close(w);
    json_member_string(
        w, "textFilter", "Each word begins the code or a word of what it is called, in any language of the code.");
    json_object_close(w);
}

static void write_flag(struct json_writer *w, const char *name, const char *flag, bool value) {
    json_name(w, name);
    json_object_open(w);
    json_member_bool(w, flag, value);
    json_object_close(w);
}

enum status terminology_write_capabilities(
    struct json_writer *w, struct terminology *terminology, struct scope *scope) {
    struct shelf_entry *entries;
    size_t count = 0;
    enum status status = shelf_systems(&entries, &count, terminology, scope);
    if (status != STATUS_OK) {
        return status;
    }
    json_member_bool(w, "lockedDate", false);
    write_systems(w, entries, count);
    write_expansion(w);
    json_member_string(
        w, "codeSearch", "explicit"); /* what the search parameter `code` of ValueSet is defined to find */
    write_flag(w, "validateCode", "translations", true);
    write_flag(w, "translation", "needsMap", false);
    return STATUS_OK;
}
