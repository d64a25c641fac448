/* policy: the province's protocol, read from its document: whom to notify, whom to ask, how long, how many at once. Pure. */
#ifndef SOYANG_REFERRAL_POLICY_H
#define SOYANG_REFERRAL_POLICY_H

#include "referral/referral.h"

extern const char policy_built_in[]; /* regions/korea/policy.json, where a region brings none */
extern const size_t policy_built_in_size;

enum policy_mode { POLICY_NOTIFY, POLICY_CONFIRM, POLICY_INQUIRE, POLICY_NO_INQUIRY };
const char *policy_mode_code(enum policy_mode mode); /* "confirm" */

enum policy_action { POLICY_WIDEN, POLICY_DESIGNATE, POLICY_DELAYED, POLICY_CONFIRM_LATE };
enum { POLICY_EXTREMES_MAX = 16, POLICY_EXTREME_NEEDS_MAX = 8, POLICY_TRIGGERS_MAX = 16, POLICY_DEADLINES_MAX = 32 };

/* Whose word makes a finding certain (confirmation.h). */
enum policy_confirmer {
    POLICY_BY_HOSPITAL = 1U << 0,
    POLICY_BY_CONSULT = 1U << 1,
    POLICY_BY_CONTROL_ROOM = 1U << 2,
    POLICY_BY_ANYBODY = 1U << 3,
    POLICY_BY_DEFAULT = POLICY_BY_HOSPITAL | POLICY_BY_CONSULT | POLICY_BY_CONTROL_ROOM, /* assumption */
};

struct policy {
    struct text hash; /* SHA-256 of the document, hex */
    struct policy_extreme {
        struct text id, display_ko, display_en;
        unsigned levels; /* bit n: level n */
        struct text needs[POLICY_EXTREME_NEEDS_MAX];
        size_t need_count;
        enum referral_choice choose;
    } extremes[POLICY_EXTREMES_MAX];
    size_t extreme_count;
    struct policy_level {
        enum policy_mode mode;
        double confirm_min, offer_min;
        int parallel;
        double ask_cost_min, unplaced_min, scarcity_min; /* 0 where a policy does not say */
    } levels[6];                                         /* 1..5 */
    struct policy_trigger {
        struct text id;
        double after_min;
        unsigned levels;
        enum policy_action action;
        struct text then; /* id of the clock that follows, "end", or none: not said */
    } triggers[POLICY_TRIGGERS_MAX];
    size_t trigger_count;
    int open_offers_max, department_offers_max, offers_max;
    struct policy_deadline {
        struct text key;
        double minutes, travel_factor;
    } deadlines[POLICY_DEADLINES_MAX];
    size_t deadline_count;
    double continuity_min, family_min;
    double fades_from_min, ignored_after_min; /* of a board's counts; both 0: not said */
    bool notice_excludes;                     /* who says that it cannot take a need is left out */
    double unknown_factor;                    /* of a chance without a believed count; 0: not said */
    unsigned term_levels;
    unsigned confirmed_by; /* of enum policy_confirmer */
};
/* A document that is none stands for the built-in one. STATUS_INVALID with the element's path. */
MUST_CHECK enum status policy_read(struct policy *out, struct text document, struct scope *scope);
/* Whether the clocks follow one another to an end, and in time. STATUS_INVALID with the path of the first that does not. policy_read
 * asks it. */
MUST_CHECK enum status policy_check_clocks(const struct policy *policy, struct scope *scope);
/* What policy_read does, and what only a person who writes a policy has to hear: levels whose asking nobody ends, members that nobody
 * reads. Every fault is told. `needs`: those of its region; NULL: those that the program knows. */
MUST_CHECK enum status policy_check(
    struct policy *out, struct text document, const struct region_needs *needs, struct scope *scope);
/* NULL: the level and needs are no listed extreme. */
const struct policy_extreme *policy_extreme_of(
    const struct policy *policy, int level, const struct text *needs, size_t need_count);
/* How a referral of a level is asked, so long after its first offer. */
struct referral_asking policy_asking(const struct policy *policy, int level, double elapsed_min);
/* The policy's part of a case: weights, prices, how it is asked. */
void policy_apply(struct referral_case *out, const struct policy *policy, double elapsed_min);
double policy_minutes(const struct policy *policy, const char *key, int level, double travel_min);

#endif
