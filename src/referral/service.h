/* service: what one open `referral` holds. Private to this module.
 *
 * Guards, due handlers and operations' units all run in the store's one writer thread; `own` is touched there only. */
#ifndef SOYANG_REFERRAL_SERVICE_H
#define SOYANG_REFERRAL_SERVICE_H

#include "referral/referral.h"

enum { OWN_ID_SIZE = 65 };
struct referral {
    struct arena *arena;
    struct records *records;
    struct region *region;
    const struct clock *clock;
    const struct triage_policy *triage;
    struct learning *learning;
    struct policy_shelf *shelf;
    const struct triage_readers *readers;
    struct triage_drift *drift;
    fhir_type task, request, patient, location, organization, decision, letter, composition, device;
    /* The write of the engine's own that is under way: its guard lets it through. It names unit, sequence and id, so that nothing
     * else can pass as it, whatever ends the unit. */
    struct {
        const struct records_unit *unit;
        uint64_t sequence;
        char id[OWN_ID_SIZE];
    } own;
    struct {
        referral_draft_write *write; /* NULL: nobody is configured */
        void *context;
    } draft;
};
bool own_write_is(const struct referral *referral, const struct records_change *change);
/* Writes a Task or ServiceRequest past the rules for clients. `id` is the one inside. */
MUST_CHECK enum status own_write(
    struct referral *referral, struct records_unit *unit, struct text id, struct text resource, struct scope *scope);

enum status guard_task(void *context, struct records_change *change, struct scope *scope);
enum status guard_policy(void *context, struct records_change *change, struct scope *scope);
enum status guard_request(void *context, struct records_change *change, struct scope *scope);
enum status due_loop(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);
enum status due_offer(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);
enum status due_hold(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);
enum status due_trigger(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope);

#define DUE_LOOP "referral.loop"
#define DUE_OFFER "referral.offer"
#define DUE_TRIGGER "referral.trigger"
#define DUE_HOLD "referral.hold" /* key: the offer that holds a bed */

#endif
