/* lexicon_scan: one text while it is read. Inside the lexicon: lexicon.c finds words, lexicon_assert.c says what is said of them and whose they
 * are, lexicon_past.c which are plainly past or only asked about. Triggers and matches stand in the order of the text. */
#ifndef SOYANG_TRIAGE_LEXICON_SCAN_H
#define SOYANG_TRIAGE_LEXICON_SCAN_H

#include "triage/lexicon.h"
#include "triage/pattern.h"

enum { TRIGGER_HITS_MAX = 256, REACH_BYTES = 72, SENTENCE_REACH_BYTES = 400, AFTER_REACH_BYTES = 160 };

/* Words that change what another word asserts. `list`: reaches over commas. */
enum trigger_kind {
    TRIGGER_NEGATED,
    TRIGGER_NEGATED_LIST,
    TRIGGER_NOT_NEGATED,
    TRIGGER_POSSIBLE,
    TRIGGER_PAST,
    TRIGGER_FAMILY,
    TRIGGER_BREAK,
    TRIGGER_FILLER,
    TRIGGER_JOIN,
    TRIGGER_TOPIC,
    TRIGGER_PAST_BESIDE, /* "old", "s/p": of the next disease alone, never over a comma */
    TRIGGER_RELATIVE,    /* from here on: whose it is and when (below: context) */
    TRIGGER_PATIENT,
    TRIGGER_SELF,
    TRIGGER_SUMMONS,
    TRIGGER_NOW,
    TRIGGER_RECENT,
    TRIGGER_DEATH
};
/* Words that are looked for at one place, not through the text. */
enum place_list {
    PLACE_OPERATED,      /* "hip repaired years ago" */
    PLACE_BESIDE_YEARS,  /* "2019년에 심근경색" */
    PLACE_BEFORE_YEARS,  /* "MI in 2015": the number is a year */
    PLACE_AGAIN,         /* "same as in 2015": anywhere in the text, and nothing is plainly past */
    PLACE_CHANGES,       /* "worse", "since 8 am": anywhere in the text, and a sign is none that was left behind */
    PLACE_SEQUEL_BEFORE, /* "residual weakness" */
    PLACE_SEQUEL_BESIDE, /* "residual left-sided weakness": may stand between */
    PLACE_SEQUEL_AFTER,  /* "뇌졸중 후유증" */
    PLACE_SEQUEL_USUAL,  /* "left weakness, unchanged" */
    PLACE_SEQUEL_LINKS,  /* "weakness from an old stroke" */
    PLACE_SEQUEL_WITH,   /* "old CVA with weakness" */
    PLACE_ASKED_BEFORE,  /* "asks about stroke" */
    PLACE_ASKED_AFTER,   /* "CPR class" */
    PLACE_AGES,          /* "father had MI at 50" */
    PLACE_LIST_COUNT
};
struct place_words {
    struct pattern *at;
    size_t count;
    bool begins[256]; /* a word of it may begin with this byte */
};

/* What else is told beside what may be past: a reason to come that no severe need hides behind, or a word that tells nothing. */
enum company { COMPANY_GRAVE, COMPANY_ORDINARY, COMPANY_NEUTRAL };

struct word {
    struct pattern pattern;
    uint16_t owner; /* concept, or row of trigger_lists */
    char second;    /* the pattern's second byte where the text's must be the same; 0: any */
    int next;       /* of the same first byte; -1: last */
};
enum { INDEX_CHAINS = 1024 };
struct word_index {
    struct word *words;
    int count, first[INDEX_CHAINS]; /* by the first character */
};
struct concept {
    struct text code, ko, en;
    bool disease, sequel,
        taught; /* sequel: a sign that an illness may leave behind; taught: what courses are given of */
    enum company company;
};
struct concept_code {
    struct text system, code; /* system: a part of the URI; code: a prefix when `is_prefix` */
    bool is_prefix;
    uint16_t concept;
};
struct onset {
    struct pattern pattern;
    double minutes; /* of one, or of the whole where there is no number */
};
struct lexicon {
    struct concept *concepts;
    int concept_count;
    struct word_index words, triggers;
    struct place_words places[PLACE_LIST_COUNT];
    struct concept_code *codes;
    int code_count;
    struct onset *onsets;
    size_t onset_count;
    struct pattern_numbers numbers;
};

struct trigger_hit {
    enum trigger_kind kind;
    bool after;
    size_t from, to;
};
struct scan {
    const struct lexicon *lexicon;
    struct text text;              /* lower-cased */
    struct lexicon_match *matches; /* of this text */
    size_t match_count;
    struct trigger_hit triggers[TRIGGER_HITS_MAX]; /* in the order of the text, as the matches are */
    size_t trigger_count;
    uint32_t *parted, *clause_begin, *clause_end; /* places_mark() */
    bool is_history, told_before;                 /* an earlier text tells what the patient has */
};

bool scan_has_between(const struct scan *scan, size_t from, size_t to, char c);
/* A sentence ends, or a word of contrast stands, between two places. */
bool scan_is_parted(const struct scan *scan, size_t from, size_t to);
/* The first word that begins there or later: they are found in the order of the text. */
size_t scan_match_first(const struct scan *scan, size_t from);
const struct trigger_hit *scan_trigger_between(const struct scan *scan, enum trigger_kind kind, size_t from, size_t to);
/* The end of the list's longest word that stands there; 0: none. */
size_t scan_place(const struct scan *scan, enum place_list list, size_t at);
/* What is said of a word, by what stands round it. */
void scan_assert(const struct scan *scan, struct lexicon_match *match, const struct triage_text *text);
/* Whose it is, once it is known what is past. */
void scan_own(const struct scan *scan, struct lexicon_match *match);
/* What of all is plainly past, or only asked about, once each has been asserted. */
void scan_past(struct scan *scan, int64_t at_us, struct arena *arena);

#endif
