/* policy: the compiled policy document. Its sections are lists of rules of one shape; see docs/triage.md. */
#ifndef SOYANG_TRIAGE_POLICY_H
#define SOYANG_TRIAGE_POLICY_H

#include "triage/condition.h"

enum policy_section {
    POLICY_FLOOR,
    POLICY_ADVICE,
    POLICY_NEED,
    POLICY_EXTREME,
    POLICY_LOCAL,
    POLICY_SPECIALTY,
    POLICY_SECTION_COUNT
};

struct policy_departments {
    int count;
    const char *codes[TRIAGE_DEPARTMENTS_MAX], *names_ko[TRIAGE_DEPARTMENTS_MAX], *names_en[TRIAGE_DEPARTMENTS_MAX];
};
struct policy_rule {
    struct text id, ko, en, source;
    int level;                      /* 0: says nothing of urgency */
    bool suspected;                 /* what it finds is a suspicion, however firm its words */
    const struct triage_need *need; /* of the need section */
    struct policy_departments departments;
    struct condition when, unless;
};
struct policy_rules {
    struct policy_rule *at;
    size_t count;
};
struct triage_policy {
    char digest[DIGEST_TEXT_SIZE];
    const char *version;
    const struct lexicon *lexicon;
    struct policy_rules sections[POLICY_SECTION_COUNT];
    struct triage_need *needs;
    size_t need_count;
    const struct triage_need *need_emergency, *need_local; /* where no rule finds a need */
    struct text department_system;
    struct policy_departments departments_emergency, departments_clinic;
    enum triage_place level_places[6]; /* by level; [0] unused */
    int default_level, default_level_unmeasured;
};

#endif
