#include "terminology/compose.h"

#include "terminology/grammar.h"
#include "terminology/imports.h"
#include "terminology/selection.h"

/* ---- imports ---------------------------------------------------------------------------------------------------- */

/* The value sets that we are inside of, innermost first. `imports_check` went before, but between the two an upload may have
 * changed: a ring ends here at the latest. */
struct chain {
    const struct chain *up;
    int depth;
    uint64_t walk; /* of inquiry->walks: begun where something last took codes away */
};

static enum status chain_enter(struct chain *out, struct inquiry *inquiry, const struct chain *up) {
    *out = (struct chain){.up = up, .depth = up == NULL ? 1 : up->depth + 1, .walk = inquiry->walks};
    if (out->depth > TERMINOLOGY_IMPORT_DEPTH_MAX) {
        return fault(inquiry->scope, STATUS_TOO_COSTLY, "", "more than %d value sets that import one another",
            TERMINOLOGY_IMPORT_DEPTH_MAX);
    }
    return STATUS_OK;
}

/* ---- filters ---------------------------------------------------------------------------------------------------- */

static enum status selection_of(const struct selection **out, struct inquiry *inquiry, struct shelf_ref system,
    const struct terminology_book *book, const struct include_row *include) {
    for (size_t i = 0; i < inquiry->selection_count; i++) {
        if (inquiry->selections[i].include == include && inquiry->selections[i].system == shelf_system(system)) {
            *out = inquiry->selections[i].selection;
            return STATUS_OK;
        }
    }
    struct selection *selection = ARENA_NEW(inquiry->scope->arena, struct selection);
    enum status status = selection_open(selection, inquiry, system, book, include);
    *out = selection;
    if (status == STATUS_OK && inquiry->selection_count < INQUIRY_SELECTIONS_MAX) {
        size_t i = inquiry->selection_count++;
        inquiry->selections[i].include = include;
        inquiry->selections[i].system = shelf_system(system);
        inquiry->selections[i].selection = selection;
    }
    return status;
}

/* ---- is it in? -------------------------------------------------------------------------------------------------- */

static const struct opinion opinion_no = {TERMINOLOGY_NO, {NULL, 0}};
static const struct opinion opinion_yes = {TERMINOLOGY_YES, {NULL, 0}};

static struct opinion opinion_unknown(struct text missing) {
    return (struct opinion){TERMINOLOGY_UNKNOWN, missing};
}

static enum status value_set_opinion(struct opinion *out, struct inquiry *inquiry, struct shelf_ref value_set,
    const struct candidate *candidate, const struct chain *up);

enum status compose_resolve(struct inquiry *inquiry, struct candidate *candidate) {
    candidate->position = BOOK_NO_CONCEPT;
    enum status status = inquiry_system(&candidate->ref, inquiry, candidate->system, candidate->version);
    if (status == STATUS_NOT_FOUND) {
        candidate->ref = (struct shelf_ref){0};
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        candidate->position = book_concept_find(candidate->ref.book, shelf_system(candidate->ref), candidate->code);
    }
    return status;
}

static bool is_known_whole(const struct candidate *candidate) {
    return candidate->ref.book != NULL && shelf_system(candidate->ref)->content == BOOK_COMPLETE;
}

/* The list decides, except that it cannot bring in a code which its complete code system does not have. */
static struct opinion listed_opinion(
    const struct terminology_book *book, const struct include_row *include, const struct candidate *resolved) {
    bool is_listed = book_listed_find(book, include, resolved->code) != BOOK_NO_CONCEPT;
    const struct concept_row *concept = candidate_concept(resolved);
    if (!is_listed && concept != NULL) { /* in a system without case the list may write it otherwise */
        is_listed = book_listed_find(book, include, book_text(resolved->ref.book, concept->code)) != BOOK_NO_CONCEPT;
    }
    return is_listed && (concept != NULL || !is_known_whole(resolved)) ? opinion_yes : opinion_no;
}

static enum status filtered_opinion(struct opinion *out, struct inquiry *inquiry, const struct terminology_book *book,
    const struct include_row *include, const struct candidate *resolved) {
    struct text system = book_text(book, include->system);
    const struct selection *selection = NULL;
    bool takes = false;
    *out = is_known_whole(resolved) ? opinion_no : opinion_unknown(system);
    if (candidate_concept(resolved) == NULL) {
        return STATUS_OK;
    }
    enum status status = selection_of(&selection, inquiry, resolved->ref, book, include);
    if (status == STATUS_OK) {
        status = selection_takes(&takes, selection, resolved->position);
    }
    if (status == STATUS_OK) {
        *out = takes ? opinion_yes : selection->is_unknown ? opinion_unknown(system) : opinion_no;
    }
    return status;
}

static struct opinion whole_opinion(struct inquiry *inquiry, const struct candidate *resolved) {
    if (candidate_concept(resolved) != NULL) {
        return opinion_yes;
    }
    if (is_known_whole(resolved)) {
        return opinion_no;
    }
    enum terminology_verdict verdict = grammar_verdict(resolved->system, resolved->code, inquiry->scope);
    return (struct opinion){verdict, verdict == TERMINOLOGY_UNKNOWN ? resolved->system : (struct text){NULL, 0}};
}

static enum status system_opinion(struct opinion *out, struct inquiry *inquiry, const struct terminology_book *book,
    const struct include_row *include, const struct candidate *candidate) {
    struct text version = book_text(book, include->version);
    *out = opinion_no;
    if (!text_equal(book_text(book, include->system), candidate->system) ||
        (version.size > 0 && candidate->version.size > 0 && !text_equal(version, candidate->version))) {
        return STATUS_OK;
    }
    struct candidate resolved = {.system = candidate->system,
        .version = version.size > 0 ? version : candidate->version,
        .code = candidate->code};
    enum status status = compose_resolve(inquiry, &resolved);
    if (status != STATUS_OK) {
        return status;
    }
    if (include->listed_count > 0) {
        *out = listed_opinion(book, include, &resolved);
    } else if (include->filter_count > 0) {
        status = filtered_opinion(out, inquiry, book, include, &resolved);
    } else {
        *out = whole_opinion(inquiry, &resolved);
    }
    return status;
}

static enum status import_opinion(struct opinion *out, struct inquiry *inquiry, struct text canonical,
    const struct candidate *candidate, const struct chain *up) {
    struct shelf_ref import;
    enum status status = inquiry_value_set(&import, inquiry, canonical);
    if (status == STATUS_NOT_FOUND) {
        *out = opinion_unknown(canonical);
        return STATUS_OK;
    }
    return status == STATUS_OK ? value_set_opinion(out, inquiry, import, candidate, up) : status;
}

/* All its parts have to agree; what one refuses need not be known by the others. */
static enum status include_opinion(struct opinion *out, struct inquiry *inquiry, const struct terminology_book *book,
    const struct include_row *include, const struct candidate *candidate, const struct chain *up) {
    struct opinion all = include->system == 0 && include->import_count == 0 ? opinion_no : opinion_yes;
    enum status status = inquiry_visit(inquiry);
    if (status == STATUS_OK && include->system != 0) {
        status = system_opinion(&all, inquiry, book, include, candidate);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < include->import_count && all.verdict != TERMINOLOGY_NO; i++) {
        struct opinion one = opinion_no;
        status = import_opinion(&one, inquiry, imports_at(book, include, i), candidate, up);
        all = one.verdict == TERMINOLOGY_YES ? all : one;
    }
    *out = all;
    return status;
}

enum side { SIDE_INCLUDES, SIDE_EXCLUDES };

static enum status side_opinion(struct opinion *out, struct inquiry *inquiry, struct shelf_ref value_set,
    enum side side, const struct candidate *candidate, const struct chain *chain) {
    const struct value_set_row *row = shelf_value_set(value_set);
    enum status status = STATUS_OK;
    *out = opinion_no;
    for (uint32_t i = 0; i < row->include_count && status == STATUS_OK && out->verdict != TERMINOLOGY_YES; i++) {
        const struct include_row *include = &value_set.book->includes[row->include_first + i];
        struct opinion one = opinion_no;
        if (include->is_exclude == (side == SIDE_EXCLUDES)) {
            status = include_opinion(&one, inquiry, value_set.book, include, candidate, chain);
            *out = one.verdict == TERMINOLOGY_NO ? *out : one;
        }
    }
    return status;
}

static enum status is_inactive(bool *out, struct inquiry *inquiry, const struct candidate *candidate) {
    struct candidate resolved = *candidate;
    enum status status = compose_resolve(inquiry, &resolved);
    const struct concept_row *concept = candidate_concept(&resolved);
    *out = status == STATUS_OK && concept != NULL && concept->is_inactive;
    return status;
}

static enum status form_opinion(struct opinion *out, struct inquiry *inquiry, struct shelf_ref value_set,
    const struct candidate *candidate, const struct chain *up) {
    struct chain chain;
    struct opinion included = opinion_no, excluded = opinion_no;
    bool inactive = false;
    enum status status = chain_enter(&chain, inquiry, up);
    if (status == STATUS_OK) {
        status = side_opinion(&included, inquiry, value_set, SIDE_INCLUDES, candidate, &chain);
    }
    if (status == STATUS_OK && included.verdict != TERMINOLOGY_NO) {
        status = side_opinion(&excluded, inquiry, value_set, SIDE_EXCLUDES, candidate, &chain);
    }
    if (status == STATUS_OK && included.verdict != TERMINOLOGY_NO && shelf_value_set(value_set)->is_active_only) {
        status = is_inactive(&inactive, inquiry, candidate);
    }
    *out = excluded.verdict == TERMINOLOGY_YES || inactive ? opinion_no
           : excluded.verdict == TERMINOLOGY_UNKNOWN       ? excluded
                                                           : included;
    if (included.verdict == TERMINOLOGY_NO) {
        *out = opinion_no;
    }
    return status;
}

/* Opinions are about one code at a time: about another one they are formed anew. */
static uint64_t turn_of(struct inquiry *inquiry, const struct candidate *candidate) {
    struct terminology_coding *asked = &inquiry->asked;
    if (inquiry->turn == 0 || !text_equal(asked->code, candidate->code) ||
        !text_equal(asked->system, candidate->system) || !text_equal(asked->version, candidate->version)) {
        *asked = (struct terminology_coding){
            .system = candidate->system, .version = candidate->version, .code = candidate->code};
        inquiry->turn++;
    }
    return inquiry->turn;
}

static enum status value_set_opinion(struct opinion *out, struct inquiry *inquiry, struct shelf_ref value_set,
    const struct candidate *candidate, const struct chain *up) {
    const struct value_set_row *row = shelf_value_set(value_set);
    const struct import_note *known = imports_note(inquiry, row);
    uint64_t turn = turn_of(inquiry, candidate);
    bool is_worth = known->imports; /* what imports nothing is as quickly asked again */
    if (is_worth && known->opinion_turn == turn) {
        *out = known->opinion;
        return STATUS_OK;
    }
    enum status status = form_opinion(out, inquiry, value_set, candidate, up);
    if (status == STATUS_OK && is_worth) {
        struct import_note *note = imports_note(inquiry, row);
        note->opinion = *out;
        note->opinion_turn = turn;
    }
    return status;
}

enum status compose_has(enum terminology_verdict *out, struct inquiry *inquiry, struct shelf_ref value_set,
    const struct candidate *candidate) {
    struct opinion opinion = opinion_no;
    enum status status = imports_check(inquiry, value_set);
    if (status == STATUS_OK) {
        status = value_set_opinion(&opinion, inquiry, value_set, candidate, NULL);
    }
    *out = opinion.verdict;
    inquiry->missing = opinion.missing;
    return status;
}

/* ---- what is in it? --------------------------------------------------------------------------------------------- */

static enum status each_code(struct inquiry *inquiry, struct shelf_ref value_set, const struct compose_visitor *visitor,
    const struct chain *chain);

/* One include being walked: what it yields is offered to the visitor when all else agrees. */
struct include_walk {
    struct inquiry *inquiry;
    struct shelf_ref value_set;
    const struct include_row *include;
    const struct chain *chain;
    const struct compose_visitor *visitor;
    uint32_t imports_met; /* value sets that the code comes from already */
    struct text missing;  /* the code system's canonical, where it is not known here */
};

static enum status fault_unknown(struct inquiry *inquiry, struct text missing) {
    inquiry->missing = missing;
    return inquiry_fault_missing(inquiry, "code system or value set");
}

static enum status offer(void *context, const struct candidate *candidate) {
    struct include_walk *walk = context;
    struct inquiry *inquiry = walk->inquiry;
    const struct terminology_book *book = walk->value_set.book;
    const struct concept_row *concept = candidate_concept(candidate);
    struct opinion opinion = opinion_yes;
    enum status status = inquiry_visit(inquiry);
    struct text system = book_text(book, walk->include->system);
    if (system.size > 0 && !text_equal(system, candidate->system)) {
        return status;
    }
    if (shelf_value_set(walk->value_set)->is_active_only && concept != NULL && concept->is_inactive) {
        return status;
    }
    for (uint32_t i = walk->imports_met; status == STATUS_OK && i < walk->include->import_count; i++) {
        status = import_opinion(&opinion, inquiry, imports_at(book, walk->include, i), candidate, walk->chain);
        if (status == STATUS_OK && opinion.verdict != TERMINOLOGY_YES) {
            return opinion.verdict == TERMINOLOGY_NO ? STATUS_OK : fault_unknown(inquiry, opinion.missing);
        }
    }
    if (status == STATUS_OK) {
        status = side_opinion(&opinion, inquiry, walk->value_set, SIDE_EXCLUDES, candidate, walk->chain);
    }
    if (status != STATUS_OK || opinion.verdict == TERMINOLOGY_YES) {
        return status;
    }
    return opinion.verdict == TERMINOLOGY_UNKNOWN ? fault_unknown(inquiry, opinion.missing)
                                                  : walk->visitor->code(walk->visitor->context, candidate);
}

static enum status each_listed(struct include_walk *walk, struct candidate *candidate) {
    const struct include_row *include = walk->include;
    const struct terminology_book *book = walk->value_set.book;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < include->listed_count && status == STATUS_OK; i++) {
        candidate->listing = book;
        candidate->listed = include->listed_first + i;
        candidate->code = book_text(book, book->listed[candidate->listed].code);
        candidate->position = candidate->ref.book == NULL ? BOOK_NO_CONCEPT
                                                          : book_concept_find(candidate->ref.book,
                                                                shelf_system(candidate->ref), candidate->code);
        if (candidate_concept(candidate) != NULL || !is_known_whole(candidate)) {
            status = offer(walk, candidate);
        }
    }
    return status;
}

static enum status each_concept(struct include_walk *walk, struct candidate *candidate) {
    const struct system_row *system = shelf_system(candidate->ref);
    const struct selection *selection = NULL;
    enum status status = selection_of(&selection, walk->inquiry, candidate->ref, walk->value_set.book, walk->include);
    if (status == STATUS_OK && selection->is_unknown) {
        return fault_unknown(walk->inquiry, candidate->system);
    }
    for (uint32_t i = 0; i < system->concept_count && status == STATUS_OK; i++) {
        bool takes = false;
        status = selection_takes(&takes, selection, i);
        if (status == STATUS_OK && takes) {
            candidate->position = i;
            candidate->code = book_text(candidate->ref.book, book_concept(candidate->ref.book, system, i)->code);
            status = offer(walk, candidate);
        } else if (status == STATUS_OK) {
            status = inquiry_visit(walk->inquiry);
        }
    }
    return status;
}

/* Nothing is left that could take codes away again. */
static bool is_unrestricted(const struct include_walk *walk) {
    const struct value_set_row *row = shelf_value_set(walk->value_set);
    for (uint32_t i = 0; i < row->include_count; i++) {
        if (walk->value_set.book->includes[row->include_first + i].is_exclude) {
            return false;
        }
    }
    return walk->include->filter_count == 0 && walk->include->import_count <= walk->imports_met;
}

static enum status each_whole(struct include_walk *walk, struct text system) {
    if (is_unrestricted(walk) && walk->visitor->whole != NULL) {
        return walk->visitor->whole(walk->visitor->context, system);
    }
    if (grammar_rules(system)) {
        return fault_coded(walk->inquiry->scope, STATUS_TOO_COSTLY, "too-costly", "",
            "the codes of %.*s follow a grammar and cannot be listed", (int)system.size, system.at);
    }
    return fault_unknown(walk->inquiry, walk->missing.size > 0 ? walk->missing : system);
}

static enum status offer_whole(void *context, struct text system) {
    const struct include_walk *walk = context;
    struct text own = book_text(walk->value_set.book, walk->include->system);
    if (own.size > 0 && !text_equal(own, system)) {
        return STATUS_OK;
    }
    return each_whole(context, system);
}

/* Every code of what is imported comes through. */
static bool passes_all(const struct include_walk *walk) {
    return is_unrestricted(walk) && walk->include->system == 0 && !shelf_value_set(walk->value_set)->is_active_only;
}

/* A value set whose codes have all come through once has nothing new to bring by another way of the same walk. */
static bool was_walked(struct inquiry *inquiry, struct shelf_ref import, uint64_t walk) {
    struct import_note *note = imports_note(inquiry, shelf_value_set(import));
    bool was = note->walk == walk;
    note->walk = walk;
    return was;
}

/* The codes of the first import, which `offer` then shows to the others. */
static enum status each_imported(struct include_walk *walk) {
    struct shelf_ref import;
    struct chain chain;
    struct text canonical = imports_at(walk->value_set.book, walk->include, 0);
    enum status status = inquiry_value_set(&import, walk->inquiry, canonical);
    if (status == STATUS_NOT_FOUND) {
        return inquiry_fault_missing(walk->inquiry, "value set");
    }
    walk->imports_met = 1;
    const struct compose_visitor inner = {.code = offer, .whole = offer_whole, .context = walk};
    if (status == STATUS_OK) {
        status = chain_enter(&chain, walk->inquiry, walk->chain);
    }
    chain.walk = passes_all(walk) ? walk->chain->walk : ++walk->inquiry->walks;
    if (status != STATUS_OK || was_walked(walk->inquiry, import, chain.walk)) {
        return status;
    }
    return each_code(walk->inquiry, import, &inner, &chain);
}

static enum status each_included(struct include_walk *walk) {
    const struct include_row *include = walk->include;
    const struct terminology_book *book = walk->value_set.book;
    struct candidate candidate = {
        .system = book_text(book, include->system),
        .version = book_text(book, include->version),
    };
    if (include->system == 0) {
        return include->import_count > 0 ? each_imported(walk) : STATUS_OK;
    }
    enum status status = compose_resolve(walk->inquiry, &candidate);
    if (status != STATUS_OK) {
        return status;
    }
    if (include->listed_count > 0) {
        return each_listed(walk, &candidate);
    }
    walk->missing = candidate.ref.book == NULL ? walk->inquiry->missing : candidate.system;
    if (candidate.ref.book != NULL && shelf_system(candidate.ref)->content != BOOK_NOT_PRESENT) {
        if (candidate.version.size == 0) {
            candidate.version = book_text(candidate.ref.book, shelf_system(candidate.ref)->title.version);
        }
        return each_concept(walk, &candidate);
    }
    bool has_other_source = include->filter_count == 0 && include->import_count > 0;
    return has_other_source ? each_imported(walk) : each_whole(walk, candidate.system);
}

static enum status each_code(struct inquiry *inquiry, struct shelf_ref value_set, const struct compose_visitor *visitor,
    const struct chain *chain) {
    const struct value_set_row *row = shelf_value_set(value_set);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < row->include_count && status == STATUS_OK; i++) {
        struct include_walk walk = {
            .inquiry = inquiry,
            .value_set = value_set,
            .include = &value_set.book->includes[row->include_first + i],
            .chain = chain,
            .visitor = visitor,
        };
        if (!walk.include->is_exclude) {
            status = each_included(&walk);
        }
    }
    return status;
}

enum status compose_each(struct inquiry *inquiry, struct shelf_ref value_set, const struct compose_visitor *visitor) {
    struct chain chain;
    inquiry->walks++;
    enum status status = imports_check(inquiry, value_set);
    if (status == STATUS_OK) {
        status = chain_enter(&chain, inquiry, NULL);
    }
    return status == STATUS_OK ? each_code(inquiry, value_set, visitor, &chain) : status;
}

/* ---- of which systems is it made? ------------------------------------------------------------------------------- */

static bool is_first_met(struct inquiry *inquiry, struct shelf_ref value_set) {
    struct import_note *note = imports_note(inquiry, shelf_value_set(value_set));
    bool is_first = note->walk != inquiry->walks;
    note->walk = inquiry->walks;
    return is_first;
}

static enum status gather_systems(
    struct compose_systems *out, struct inquiry *inquiry, struct shelf_ref value_set, const struct chain *up) {
    const struct terminology_book *book = value_set.book;
    const struct value_set_row *row = shelf_value_set(value_set);
    struct chain chain;
    enum status status = chain_enter(&chain, inquiry, up);
    if (status != STATUS_OK || !is_first_met(inquiry, value_set)) {
        return status;
    }
    for (uint32_t i = 0; i < row->include_count && status == STATUS_OK; i++) {
        const struct include_row *include = &book->includes[row->include_first + i];
        struct text system = book_text(book, include->system);
        size_t known = 0;
        while (known < out->count && !text_equal(out->at[known], system)) {
            known++;
        }
        if (system.size > 0 && known == out->count && known < COMPOSE_SYSTEMS_MAX && !include->is_exclude) {
            out->at[out->count++] = system;
        }
        for (uint32_t j = 0; j < include->import_count && !include->is_exclude && status == STATUS_OK; j++) {
            struct shelf_ref import;
            status = inquiry_value_set(&import, inquiry, imports_at(book, include, j));
            if (status == STATUS_OK) {
                status = gather_systems(out, inquiry, import, &chain);
            } else if (status == STATUS_NOT_FOUND) {
                status = STATUS_OK; /* what it holds is said to be unknown elsewhere */
            }
        }
    }
    return status;
}

enum status compose_systems(struct compose_systems *out, struct inquiry *inquiry, struct shelf_ref value_set) {
    out->count = 0;
    inquiry->walks++;
    enum status status = imports_check(inquiry, value_set);
    return status == STATUS_OK ? gather_systems(out, inquiry, value_set, NULL) : status;
}
