#include "terminology/wording.h"

#include <string.h>

/* ---- languages -------------------------------------------------------------------------------------------------- */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool begins_alike(struct text longer, struct text shorter) {
    for (size_t i = 0; i < shorter.size; i++) {
        if (i >= longer.size || lower(longer.at[i]) != lower(shorter.at[i])) {
            return false;
        }
    }
    return longer.size == shorter.size || longer.at[shorter.size] == '-';
}

/* 2: the same; 1: one is the other with a region or script; 0: another language. */
static int language_nearness(struct text asked, struct text found) {
    if (asked.size == 0 || found.size == 0) {
        return 0;
    }
    if (asked.size == found.size) {
        return begins_alike(asked, found) ? 2 : 0;
    }
    return asked.size < found.size ? begins_alike(found, asked) : begins_alike(asked, found);
}

/* ---- designations ----------------------------------------------------------------------------------------------- */

static void take_rows(struct designations *out, const struct terminology_book *book, struct designation_rows rows) {
    for (size_t i = 0; i < rows.count; i++) {
        const struct designation_row *row = &rows.at[i];
        struct designation *designation = &out->at[out->count++];
        *designation =
            (struct designation){.language = book_text(book, row->language), .value = book_text(book, row->value)};
        if (row->use != 0) {
            const struct use_row *use = &book->uses[row->use - 1];
            designation->use_system = book_text(book, use->system);
            designation->use_code = book_text(book, use->code);
            designation->use_display = book_text(book, use->display);
        }
    }
}

void wording_designations(struct designations *out, struct inquiry *inquiry, const struct candidate *candidate) {
    struct designation_rows listed = {0}, own = {0};
    if (candidate->listing != NULL) {
        listed = book_listed_designations(candidate->listing, candidate->listed);
    }
    if (candidate_concept(candidate) != NULL) {
        own = book_designations(candidate->ref.book, shelf_system(candidate->ref), candidate->position);
    }
    *out = (struct designations){0};
    if (listed.count + own.count > 0) {
        out->at = ARENA_ARRAY(inquiry->scope->arena, struct designation, listed.count + own.count);
        take_rows(out, candidate->listing, listed);
        take_rows(out, candidate->ref.book, own);
    }
}

static struct text plain_display(const struct candidate *candidate) {
    struct text display = {NULL, 0};
    const struct concept_row *concept = candidate_concept(candidate);
    if (candidate->listing != NULL) {
        display = book_text(candidate->listing, candidate->listing->listed[candidate->listed].display);
    }
    return display.size == 0 && concept != NULL ? book_text(candidate->ref.book, concept->display) : display;
}

/* A definition or an abbreviation in the language is no display. */
static bool is_display(const struct designation *designation) {
    return designation->use_code.size == 0 || text_is(designation->use_code, "display");
}

struct text wording_display(struct inquiry *inquiry, const struct candidate *candidate) {
    struct text best = plain_display(candidate);
    struct designations all = {0};
    int nearest = 0;
    if (inquiry->language.size > 0) {
        wording_designations(&all, inquiry, candidate);
    }
    for (size_t i = 0; i < all.count; i++) {
        int nearness = is_display(&all.at[i]) ? language_nearness(inquiry->language, all.at[i].language) : 0;
        if (nearness > nearest) {
            nearest = nearness;
            best = all.at[i].value;
        }
    }
    return best;
}

struct text wording_definition(struct inquiry *inquiry, const struct candidate *candidate) {
    const struct concept_row *concept = candidate_concept(candidate);
    return concept == NULL ? (struct text){NULL, 0}
                           : book_definition(candidate->ref.book, concept->definition, inquiry->scope->arena);
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static bool same_words(struct inquiry *inquiry, struct text a, struct text folded) {
    return a.size > 0 && text_equal(text_fold(inquiry->scope->arena, a), folded);
}

bool wording_is_called(struct inquiry *inquiry, const struct candidate *candidate, struct text display) {
    struct text folded = text_fold(inquiry->scope->arena, display);
    const struct concept_row *concept = candidate_concept(candidate);
    struct designations all;
    if (same_words(inquiry, plain_display(candidate), folded)) {
        return true;
    }
    if (concept != NULL && same_words(inquiry, book_text(candidate->ref.book, concept->display), folded)) {
        return true;
    }
    wording_designations(&all, inquiry, candidate);
    for (size_t i = 0; i < all.count; i++) {
        if (same_words(inquiry, all.at[i].value, folded)) {
            return true;
        }
    }
    return false;
}

void wording_filter_open(struct wording_filter *out, struct text filter, struct arena *arena) {
    struct text rest = text_fold(arena, filter);
    *out = (struct wording_filter){0};
    while (rest.size > 0 && out->count < sizeof out->words / sizeof out->words[0]) {
        struct text word = text_cut(&rest, ' ');
        if (word.size > 0) {
            out->words[out->count++] = word;
        }
    }
}

/* Hangul, Han and kana are written without blanks between words that stand for themselves. */
static bool is_unspaced(struct text word) {
    return word.size > 0 && (unsigned char)word.at[0] >= 0xe1;
}

static bool is_word_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static bool has_word(struct text folded, struct text word) {
    const char *end = folded.at + folded.size;
    for (const char *at = folded.at; at != NULL && (size_t)(end - at) >= word.size; at++) {
        at = memmem(at, (size_t)(end - at), word.at, word.size);
        if (at == NULL) {
            return false;
        }
        if (at == folded.at || is_unspaced(word) || !is_word_character(at[-1])) {
            return true;
        }
    }
    return false;
}

static bool word_is_met(
    struct text word, struct inquiry *inquiry, const struct candidate *candidate, const struct designations *all) {
    struct arena *arena = inquiry->scope->arena;
    if (text_starts(text_fold(arena, candidate->code), text_string(arena, word)) ||
        has_word(text_fold(arena, plain_display(candidate)), word)) {
        return true;
    }
    for (size_t i = 0; i < all->count; i++) {
        if (has_word(text_fold(arena, all->at[i].value), word)) {
            return true;
        }
    }
    return false;
}

bool wording_filter_takes(
    const struct wording_filter *filter, struct inquiry *inquiry, const struct candidate *candidate) {
    struct designations all = {0};
    if (filter->count > 0) {
        wording_designations(&all, inquiry, candidate);
    }
    for (size_t i = 0; i < filter->count; i++) {
        if (!word_is_met(filter->words[i], inquiry, candidate, &all)) {
            return false;
        }
    }
    return true;
}
