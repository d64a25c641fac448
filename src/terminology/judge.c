#include "terminology/judge.h"

#include "terminology/grammar.h"

static struct text shown(struct text text) {
    return text.size == 0 ? TEXT("") : text;
}

static struct text say_not_in(struct inquiry *inquiry, const struct candidate *candidate, struct shelf_ref value_set) {
    struct text url = shown(book_text(value_set.book, shelf_value_set(value_set)->title.url));
    struct text system = shown(candidate->system), code = shown(candidate->code);
    return text_format(inquiry->scope->arena, "the code %.*s%s%.*s is not in the value set %.*s", (int)code.size,
        code.at, system.size > 0 ? " of " : "", (int)system.size, system.at, (int)url.size, url.at);
}

static struct text say_missing(struct inquiry *inquiry, const struct candidate *candidate) {
    struct text missing = shown(inquiry->missing), code = shown(candidate->code);
    return text_format(inquiry->scope->arena, "%.*s is not known here, so that nothing can be said of the code %.*s",
        (int)missing.size, missing.at, (int)code.size, code.at);
}

/* What the value set itself calls the code, where it lists it. */
static void find_listing(struct candidate *candidate, struct shelf_ref value_set) {
    const struct terminology_book *book = value_set.book;
    const struct value_set_row *row = shelf_value_set(value_set);
    for (uint32_t i = 0; i < row->include_count; i++) {
        const struct include_row *include = &book->includes[row->include_first + i];
        uint32_t listed = include->is_exclude || !text_equal(book_text(book, include->system), candidate->system)
                              ? BOOK_NO_CONCEPT
                              : book_listed_find(book, include, candidate->code);
        if (listed != BOOK_NO_CONCEPT) {
            candidate->listing = book;
            candidate->listed = include->listed_first + listed;
            return;
        }
    }
}

/* A code that is in: what is said of its display and of being a heading or out of use. */
static void judge_details(struct terminology_answer *answer, struct inquiry *inquiry, const struct candidate *candidate,
    const struct judge_question *question) {
    const struct concept_row *concept = candidate_concept(candidate);
    struct text code = candidate->code, given = question->coding.display;
    answer->system = candidate->system;
    answer->display = wording_display(inquiry, candidate);
    if (concept != NULL && concept->is_abstract && question->abstract == JUDGE_ABSTRACT_REFUSED) {
        answer->verdict = TERMINOLOGY_NO;
        answer->message = text_format(
            inquiry->scope->arena, "the code %.*s is abstract: a heading, not to be chosen", (int)code.size, code.at);
    } else if (given.size > 0 && answer->display.size == 0) {
        answer->message = TEXT("the display was not compared: what the code is called is not known here");
    } else if (given.size > 0 && !wording_is_called(inquiry, candidate, given)) {
        answer->verdict = TERMINOLOGY_NO;
        answer->message =
            text_format(inquiry->scope->arena, "the display is none of those of the code %.*s; it is called \"%.*s\"",
                (int)code.size, code.at, (int)answer->display.size, answer->display.at);
    } else if (concept != NULL && concept->is_inactive) {
        answer->message = text_format(inquiry->scope->arena, "the code %.*s is inactive", (int)code.size, code.at);
    }
}

/* ---- in a value set --------------------------------------------------------------------------------------------- */

/* A code without system: the first system of the value set that makes it right. */
static enum status infer_system(
    enum terminology_verdict *out, struct inquiry *inquiry, struct shelf_ref value_set, struct candidate *candidate) {
    struct compose_systems systems;
    struct text missing = {NULL, 0};
    *out = TERMINOLOGY_NO;
    enum status status = compose_systems(&systems, inquiry, value_set);
    for (size_t i = 0; i < systems.count && status == STATUS_OK && *out != TERMINOLOGY_YES; i++) {
        struct candidate tried = *candidate;
        enum terminology_verdict verdict = TERMINOLOGY_NO;
        tried.system = systems.at[i];
        status = compose_has(&verdict, inquiry, value_set, &tried);
        if (verdict == TERMINOLOGY_YES) {
            candidate->system = tried.system;
            *out = verdict;
        } else if (verdict == TERMINOLOGY_UNKNOWN) {
            missing = inquiry->missing;
            *out = verdict;
        }
    }
    inquiry->missing = missing;
    return status;
}

enum status judge_in_value_set(struct terminology_answer *out, struct inquiry *inquiry, struct shelf_ref value_set,
    const struct judge_question *question) {
    const struct terminology_coding *coding = &question->coding;
    struct candidate candidate = {
        .system = coding->system, .version = coding->version, .code = coding->code, .position = BOOK_NO_CONCEPT};
    enum status status;
    *out = (struct terminology_answer){.verdict = TERMINOLOGY_NO, .system = coding->system};
    if (coding->code.size == 0) {
        out->message = TEXT("there is no code");
        return STATUS_OK;
    }
    if (coding->system.size > 0) {
        status = compose_has(&out->verdict, inquiry, value_set, &candidate);
    } else if (question->rule == TERMINOLOGY_CODE_ALONE) {
        status = infer_system(&out->verdict, inquiry, value_set, &candidate);
    } else {
        out->message = TEXT("a coding without system is in no value set");
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (out->verdict == TERMINOLOGY_UNKNOWN) {
        out->missing = inquiry->missing;
        out->message = say_missing(inquiry, &candidate);
    } else if (out->verdict == TERMINOLOGY_NO) {
        out->message = say_not_in(inquiry, &candidate, value_set);
    } else {
        status = compose_resolve(inquiry, &candidate);
        find_listing(&candidate, value_set);
        judge_details(out, inquiry, &candidate, question);
    }
    return status;
}

/* ---- in a code system ------------------------------------------------------------------------------------------- */

enum status judge_in_system(
    struct terminology_answer *out, struct inquiry *inquiry, const struct judge_question *question) {
    const struct terminology_coding *coding = &question->coding;
    struct candidate candidate = {.system = coding->system, .version = coding->version, .code = coding->code};
    struct text code = coding->code;
    enum status status = compose_resolve(inquiry, &candidate);
    *out = (struct terminology_answer){.verdict = TERMINOLOGY_NO, .system = coding->system};
    if (status != STATUS_OK) {
        return status;
    }
    if (candidate_concept(&candidate) != NULL) {
        out->verdict = TERMINOLOGY_YES;
    } else if (candidate.ref.book == NULL || shelf_system(candidate.ref)->content != BOOK_COMPLETE) {
        out->verdict = candidate.ref.book == NULL || grammar_rules(coding->system)
                           ? grammar_verdict(coding->system, code, inquiry->scope)
                           : TERMINOLOGY_UNKNOWN;
    }
    if (out->verdict == TERMINOLOGY_YES) {
        judge_details(out, inquiry, &candidate, question);
    } else if (out->verdict == TERMINOLOGY_UNKNOWN) {
        inquiry->missing = inquiry->missing.size > 0 && candidate.ref.book == NULL ? inquiry->missing : coding->system;
        out->missing = inquiry->missing;
        out->message = say_missing(inquiry, &candidate);
    } else {
        out->message = text_format(
            inquiry->scope->arena, "the code system has no code %.*s", (int)code.size, code.size > 0 ? code.at : "");
    }
    return STATUS_OK;
}
