/* The demonstration's parts. Private to cli.
 *
 * The demonstration is a client: patients, senders, receivers and the control room act over HTTP, as anybody could. Only its clock is
 * special: it runs fast and jumps over quiet stretches. */
#ifndef SOYANG_CLI_DEMO_H
#define SOYANG_CLI_DEMO_H

#include "base/base.h"
#include "cli/remote.h"

enum { DEMO_CASES_MAX = 64, DEMO_OFFERS_MAX = 32, DEMO_ID_SIZE = 80 };

/* demo_patient.c: a patient of demo/patients.json as a transaction: Patient, Encounter, Observations, Conditions, ... */
MUST_CHECK enum status demo_patient_bundle(
    struct text *out, const yyjson_val *file, const yyjson_val *patient, int64_t now_us, struct scope *scope);

/* One place asked, as seen from outside. */
struct demo_offer {
    char id[DEMO_ID_SIZE], place[DEMO_ID_SIZE], name[DEMO_ID_SIZE];
    const char *outcome; /* "accepted", "declined (in-theatre)", "no answer in time", ... ; NULL while open */
    bool is_declined;
    int64_t seen_us, answer_us; /* INT64_MAX: stays silent */
    const yyjson_val *answer;   /* of the script; NULL: the default */
};

enum demo_stage {
    DEMO_WAITING,
    DEMO_ASKING,
    DEMO_ACCEPTED,
    DEMO_ON_THE_WAY,
    DEMO_ARRIVED,
    DEMO_IN_CARE,
    DEMO_RETURNED,
    DEMO_CLOSED,
    DEMO_LOCAL,
    DEMO_FAILED
};

struct demo_case {
    const yyjson_val *patient, *script;
    char id[DEMO_ID_SIZE], loop[DEMO_ID_SIZE], treated_at[DEMO_ID_SIZE];
    enum demo_stage stage;
    int64_t started_us, due_us, closed_us, accepted_us; /* due: when its actor acts next; INT64_MAX: waits for others */
    bool is_late_decline_done, went_to_controller;
    struct demo_offer offers[DEMO_OFFERS_MAX];
    int offer_count;
    struct text report; /* what is printed when it ends, made along the way; in the demonstration's arena */
};

/* demo_task.c: one change of a Task, as its actor. */
enum demo_actor { DEMO_SENDER, DEMO_RECEIVER, DEMO_CONTROLLER };
struct demo_change {
    enum demo_actor actor;
    struct text organisation; /* who acts: id of an Organization */
    const char *status, *business;
    const char *reason;                  /* code of the decline reasons, or NULL */
    struct text location, owner, output; /* references; none: left as they are */
};
/* PUT with If-Match. *refused where somebody else was quicker (409, 412): then look again. */
MUST_CHECK enum status demo_task_change(
    bool *refused, struct remote *remote, const char *id, const struct demo_change *change, struct scope *scope);
MUST_CHECK enum status demo_get(const yyjson_val **out, struct remote *remote, const char *path, struct scope *scope);
struct text demo_business(const yyjson_val *task); /* the code of the referral-state system, else of the first coding */

#endif
