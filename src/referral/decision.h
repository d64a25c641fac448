/* decision: one ranking with everything it was made from, kept so that it can be made again to the byte.
 *
 * A ranking is never made from the snapshot itself, but from its inputs written as JSON and read back: the way that a
 * replay goes is the way that every decision goes.
 *
 * What was learned of the places is for each of them and the control room, a decision for whoever may read the record. So the belief of a
 * case lies apart: as a note of the store, beside the learned state itself, where no FHIR interaction reads. The inputs name it by its
 * SHA-256 (`learned_digest`; the note begins with a random salt, so that nobody finds it by trying), and a replay joins the two. A
 * decision that has come to another store without its note is STATUS_GONE when it is replayed: it never replays as if nothing had been
 * learned. Before format 4 the belief stood in the case. */
#ifndef SOYANG_REFERRAL_DECISION_H
#define SOYANG_REFERRAL_DECISION_H

#include "referral/policy.h"

struct decision {
    struct text inputs, outputs;            /* JSON, the exact bytes that are kept */
    struct text apart;                      /* JSON of what was learned, kept apart from them; none: nothing was */
    const struct region_snapshot *snapshot; /* what the inputs hold of it; indices below are of this one */
    struct referral_case patient;
    struct referral_ranking ranking;
    struct text policy_hash;
};
/* `reading`, where not none, is the JSON of the reading and its facts: kept beside, not looked at when ranking. */
MUST_CHECK enum status decision_make(struct decision *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, struct text reading, struct scope *scope);
/* Where what is kept apart is looked for: `given`; else through the unit; else as it is committed; all none: nowhere. */
struct decision_source {
    struct records *records;
    struct records_unit *unit;
    struct text given;
    bool
        goes_on; /* where it is gone, as if nothing had been learned: for a referral that is under way, and never for a replay */
};
/* Times in inputs lie within this of 1970 (past the year 9999), so that their differences are times too. */
#define DECISION_TIME_MOST_US INT64_C(400000000000000000)
/* STATUS_GONE: what was learned is not here; STATUS_CONFLICT: it is not what the inputs name; STATUS_INVALID: inputs that no region gives. */
MUST_CHECK enum status decision_replay(
    struct decision *out, struct text inputs, const struct decision_source *source, struct scope *scope);

struct decision_stamp {
    struct text patient, encounter; /* references; none: left out */
    struct text chosen, override_reason,
        who; /* a place's id that a human chose instead of the first; none: nobody did */
};
MUST_CHECK enum status decision_store(struct text *reference_out, struct records_unit *unit,
    const struct decision *decision, const struct decision_stamp *stamp, struct scope *scope);
/* The inputs of a stored decision. */
struct text decision_inputs_of(const yyjson_val *guidance_response);
/* Ranks a stored decision anew; STATUS_CONFLICT names the first byte that differs. */
MUST_CHECK enum status decision_compare(
    const yyjson_val *stored, const struct decision_source *source, struct scope *scope);

/* The belief of a case, as members of an object that is open. What is read is `learned` and `corrections`, where they stand. */
void case_learned_write(
    struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot);
void case_learned_read(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope);

/* apart.c: makes what is kept apart (none where nothing is learned) and its digest; keeps it; finds it by the inputs. */
MUST_CHECK enum status apart_make(struct text *out, struct text *digest_out, const struct referral_case *patient,
    const struct region_snapshot *snapshot, struct scope *scope);
MUST_CHECK enum status apart_keep(struct records_unit *unit, const struct decision *decision, struct scope *scope);
MUST_CHECK enum status apart_find(
    struct text *out, const yyjson_val *inputs, const struct decision_source *source, struct scope *scope);

/* The case of a reading: its needs and departments by the snapshot's numbers, and what the policy says of its level. A need the region does
 * not know is STATUS_UNPROCESSABLE. */
MUST_CHECK enum status case_of(struct referral_case *out, const struct region_snapshot *snapshot,
    const struct policy *policy, const struct triage_reading *reading, const struct triage_facts *facts,
    struct scope *scope);
/* A case by codes and ids, so that it outlives the snapshot it was made with. */
void case_write(struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot);
MUST_CHECK enum status case_read(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope);

#define DECISION_INPUTS_URL TRIAGE_BASE "/StructureDefinition/decision-inputs"
#define DECISION_OUTPUTS_URL TRIAGE_BASE "/StructureDefinition/decision-outputs"
#define DECISION_OVERRIDE_URL TRIAGE_BASE "/StructureDefinition/decision-override"

/* The part of a snapshot that a case looks at. */
void projection_write(
    struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot);
MUST_CHECK enum status projection_read(struct region_snapshot **out, const yyjson_val *json, struct scope *scope);

/* A decision that is kept stays as it was made, whoever asks: neither changed nor deleted. Labels in meta may change. */
enum status guard_decision(void *context, struct records_change *change, struct scope *scope);

#endif
