/* What another program wrote from the lines, held against them sentence by sentence. */
#include <string.h>

#include "referral/summary.h"

static struct text line_words(const struct summary_line *line, const char *language) {
    return language[0] == 'k' ? line->ko : line->en;
}

struct text summary_numbered(const struct summary *summary, const char *language, struct scope *scope) {
    struct buffer words = buffer_open(scope->arena, 1 << 20);
    for (size_t i = 0; i < summary->count; i++) {
        buffer_put_format(&words, "[%zu] %s: ", i + 1, summary_section_title(summary->lines[i].section, language));
        struct text line = line_words(&summary->lines[i], language);
        for (size_t k = 0; k < line.size; k++) { /* one line is one row, whatever the record holds */
            buffer_put_char(&words, (unsigned char)line.at[k] < ' ' ? ' ' : line.at[k]);
        }
        buffer_put_char(&words, '\n');
    }
    return buffer_text(&words);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* "[12]" at `at`: its number and size; 0 where none begins. */
static size_t citation_at(size_t *number, struct text text, size_t at) {
    size_t i = at + 1;
    *number = 0;
    if (at >= text.size || text.at[at] != '[') {
        return 0;
    }
    for (; i < text.size && is_digit(text.at[i]) && *number < 100000; i++) {
        *number = *number * 10 + (size_t)(text.at[i] - '0');
    }
    return i > at + 1 && i < text.size && text.at[i] == ']' ? i + 1 - at : 0;
}

/* A sentence ends at a line's end, or behind . ! ? that a blank, a citation or the end follows; citations and blanks that follow
 * are still its own. */
static size_t sentence_end(struct text text, size_t from) {
    size_t number = 0, at = from;
    for (; at < text.size; at++) {
        char c = text.at[at];
        if (c == '\n') {
            return at + 1;
        }
        bool closes = c == '.' || c == '!' || c == '?';
        bool parted = at + 1 == text.size || text.at[at + 1] == ' ' || text.at[at + 1] == '\n' ||
                      citation_at(&number, text, at + 1) > 0;
        if (closes && parted) {
            break;
        }
    }
    at = at < text.size ? at + 1 : at;
    for (size_t size = 0; at < text.size; at += size) {
        size = text.at[at] == ' ' ? 1 : citation_at(&number, text, at);
        if (size == 0) {
            break;
        }
    }
    return at;
}

struct judging {
    const struct summary *summary;
    const char *language;
    bool cited[SUMMARY_LINES_MAX];
    const bool *denies; /* of each line, whether it says no of something */
    int cited_count;
    bool unknown; /* a number that no line has */
};

static bool is_joint(char c) {
    return c == '.' || c == '-' || c == ':';
}

/* A run of digits, with a point inside; a date and a time are one each: the 11 of 2026-11-23 is no value. */
static struct text number_at(struct text text, size_t at) {
    size_t end = at;
    while (end < text.size && (is_digit(text.at[end]) || (end > at && is_joint(text.at[end]) && end + 1 < text.size &&
                                                             is_digit(text.at[end + 1])))) {
        end++;
    }
    return (struct text){text.at + at, end - at};
}

/* Digits of full width (U+FF10 to U+FF19) are not read. */
static bool has_wide_digit(struct text words) {
    for (size_t i = 0; i + 2 < words.size; i++) {
        if (memcmp(words.at + i, "\xEF\xBC", 2) == 0 && (unsigned char)words.at[i + 2] >= 0x90 &&
            (unsigned char)words.at[i + 2] <= 0x99) {
            return true;
        }
    }
    return false;
}

static bool has_number(struct text line, struct text number) {
    for (size_t at = 0; at < line.size; at++) {
        struct text found = number_at(line, at);
        if (found.size > 0 && text_equal(found, number)) {
            return true;
        }
        at += found.size > 0 ? found.size - 1 : 0;
    }
    return false;
}

static bool is_covered(const struct judging *judging, struct text number) {
    for (size_t i = 0; i < judging->summary->count; i++) {
        if (judging->cited[i] && has_number(line_words(&judging->summary->lines[i], judging->language), number)) {
            return true;
        }
    }
    return false;
}

static bool is_letter(struct text text, size_t at) {
    return at < text.size && ((text.at[at] >= 'a' && text.at[at] <= 'z') || (text.at[at] >= 'A' && text.at[at] <= 'Z'));
}

/* Says no of something, by its words: Latin ones whole, Korean ones inside of others. */
static bool negates(struct text text, struct scope *scope) {
    static const char *const words[] = {"no", "not", "none", "never", "without", "denies", "denied", "negative",
        "absent", "n't", "없", "않", "아니", "아님", "부인", "말 것", "금지"};
    struct text folded = text_fold(scope->arena, text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);
        bool whole = (unsigned char)words[i][0] < 0x80 && words[i][1] != '\''; /* "isn't" ends in n't */
        for (size_t at = 0; at + size <= folded.size; at++) {
            bool inside = (at > 0 && is_letter(folded, at - 1)) || is_letter(folded, at + size);
            if (memcmp(folded.at + at, words[i], size) == 0 && !(whole && inside)) {
                return true;
            }
        }
    }
    return false;
}

/* "No chest pain" of a line that tells of chest pain is linked, and wrong; so is the pain of a line that denies it. */
static bool denials_hold(const struct judging *judging, struct text words, struct scope *scope) {
    bool denied = false;
    for (size_t i = 0; i < judging->summary->count; i++) {
        denied = denied || (judging->cited[i] && judging->denies[i]);
    }
    return denied == negates(words, scope);
}

static bool numbers_hold(const struct judging *judging, struct text words) {
    for (size_t at = 0; at < words.size; at++) {
        struct text number = number_at(words, at);
        if (number.size == 0) {
            continue;
        }
        if (!is_covered(judging, number)) {
            return false;
        }
        at += number.size - 1;
    }
    return true;
}

/* The sentence without its citations, which are noted. */
static struct text take_citations(struct judging *judging, struct text sentence, struct scope *scope) {
    struct buffer words = buffer_open(scope->arena, sentence.size + 1);
    for (size_t at = 0; at < sentence.size;) {
        size_t number = 0, size = citation_at(&number, sentence, at);
        if (size == 0) {
            buffer_put_char(&words, (unsigned char)sentence.at[at] < ' ' ? ' ' : sentence.at[at]);
            at++;
            continue;
        }
        while (words.size > 0 && words.at[words.size - 1] == ' ') { /* no "before ." where a citation stood */
            words.size--;
        }
        bool known = number >= 1 && number <= judging->summary->count;
        judging->unknown = judging->unknown || !known;
        if (known && !judging->cited[number - 1]) {
            judging->cited[number - 1] = true;
            judging->cited_count++;
        }
        at += size;
    }
    return text_trim(buffer_text(&words));
}

static void sentence_add(struct summary_draft *out, const struct judging *judging, struct text words) {
    struct summary_sentence *sentence = &out->sentences[out->count++];
    enum { ROOM = sizeof sentence->sources / sizeof *sentence->sources };
    sentence->text = words;
    for (size_t i = 0; i < judging->summary->count; i++) {
        const struct summary_line *line = &judging->summary->lines[i];
        for (int k = 0; judging->cited[i] && k < line->source_count && sentence->source_count < ROOM; k++) {
            sentence->sources[sentence->source_count++] = line->sources[k];
        }
    }
}

void summary_draft_check(struct summary_draft *out, const struct summary *summary, const char *language,
    struct text draft, struct scope *scope) {
    enum { SENTENCES_MAX = 200 };
    *out = (struct summary_draft){.sentences = ARENA_ARRAY(scope->arena, struct summary_sentence, SENTENCES_MAX)};
    bool *denies = ARENA_ARRAY(scope->arena, bool, summary->count + 1);
    for (size_t i = 0; i < summary->count; i++) {
        denies[i] = negates(line_words(&summary->lines[i], language), scope);
    }
    for (size_t at = 0; at < draft.size;) {
        size_t end = sentence_end(draft, at);
        struct judging *judging = ARENA_NEW(scope->arena, struct judging);
        judging->summary = summary;
        judging->language = language;
        judging->denies = denies;
        struct text words = take_citations(judging, (struct text){draft.at + at, end - at}, scope);
        at = end;
        if (words.size == 0) {
            continue;
        }
        bool holds = judging->cited_count > 0 && !judging->unknown && !has_wide_digit(words) &&
                     numbers_hold(judging, words) && denials_hold(judging, words, scope);
        if (holds && out->count < SENTENCES_MAX) {
            sentence_add(out, judging, words);
        } else {
            out->dropped++;
        }
    }
}
