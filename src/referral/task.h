/* task: a governed Task between its JSON and what the engine looks at.
 *
 * The engine changes the fields below; task_write puts them into the JSON in place of the members it manages (status,
 * businessStatus, statusReason, owner, location, restriction, lastModified, added inputs and outputs) and keeps all others. */
#ifndef SOYANG_REFERRAL_TASK_H
#define SOYANG_REFERRAL_TASK_H

#include "referral/transition.h"

#define TASK_INPUT_SYSTEM TRIAGE_BASE "/CodeSystem/task-input"
#define TASK_OUTPUT_SYSTEM TRIAGE_BASE "/CodeSystem/task-output"
#define TASK_CODE_SYSTEM "http://hl7.org/fhir/CodeSystem/task-code"
#define TASK_DEPARTMENT_SYSTEM "http://www.hl7korea.or.kr/CodeSystem/hira-medical-department"
#define REFERRAL_DEVICE "Device/soyang"

enum task_value { TASK_VALUE_STRING, TASK_VALUE_CODE, TASK_VALUE_INTEGER, TASK_VALUE_REFERENCE, TASK_VALUE_INSTANT };
struct task_extra {
    bool is_output;
    const char *code;
    enum task_value kind;
    struct text text; /* string, code, reference */
    int64_t number;   /* integer; instant in µs */
};
enum { TASK_EXTRAS_MAX = 20 };

struct task {
    struct text id;
    enum referral_task_kind kind;
    struct referral_state state;
    const yyjson_val *json; /* what the other members are taken from; NULL: a Task that begins here */
    struct text patient, focus, requester, part_of, encounter; /* references as written; part_of: "Task/id" */
    struct text owner, location, priority;
    struct text department;                              /* code; written as performerType of a Task that begins here */
    int64_t authored_us, deadline_us;                    /* deadline 0: none */
    struct text reason_system, reason_code, reason_text; /* a new statusReason; none: the one of `json` stays */
    bool reason_dropped;
    struct task_extra extras[TASK_EXTRAS_MAX];
    size_t extra_count;
    bool is_subject; /* the guard's own Task: written as the replacement, not by a unit's put */
};
/* False when the JSON is no governed Task in a known state. */
bool task_read(struct task *out, const yyjson_val *json);
bool task_is_governed(const yyjson_val *json);
enum referral_task_kind task_kind_of(const yyjson_val *json);
bool task_is_open(const struct task *task);
const struct state_row *task_row(const struct task *task);

void task_add_text(struct task *task, bool is_output, const char *code, enum task_value kind, struct text text);
void task_add_number(struct task *task, bool is_output, const char *code, enum task_value kind, int64_t number);
/* The latest input of a code, in `extras` or the JSON; false or none when there is none. */
bool task_input_number(int64_t *out, const struct task *task, const char *code); /* valueInteger */
struct text task_input_text(const struct task *task, const char *code); /* string, code, reference or instant */
struct text task_output_text(const struct task *task, const char *code);
bool task_has_input(const struct task *task, const char *code);
/* How many inputs of a code a Task's JSON holds. */
size_t task_count_inputs(const yyjson_val *json, const char *code);

/* `restriction.period.end` as a member of an object that is open; 0: none. */
void task_write_deadline(struct json_writer *w, int64_t deadline_us);
MUST_CHECK enum status task_write(struct text *out, const struct task *task, int64_t now_us, struct scope *scope);

/* ---- references ---------------------------------------------------------------------------------------------------- */

struct text reference_of(const yyjson_val *object, const char *name); /* object.name.reference */
struct text reference_id(struct text reference, const char *type);    /* the id of "Type/id"; none when it is no such */
/* The code of a CodeableConcept in a system; none when absent. */
struct text coding_code(const yyjson_val *concept, const char *system);
/* Of a ServiceRequest and its Tasks, by level 1..5; 0: not known. A question to a specialist has its own (operation_consult.c). */
const char *task_priority(int level);

#endif
