/* bundle: transactions, batches and imported bundles.
 *
 * A transaction is prepared on what its conditions match now: identities are settled, links rewritten, rows extracted. The
 * unit looks at every condition again, and composes anew only what no longer holds. References by condition are looked at once
 * more after the writes, since they may mean a resource of the same bundle; where that changes one, the unit is undone and
 * applied again with that answer pinned. */
#ifndef SOYANG_RECORDS_BUNDLE_H
#define SOYANG_RECORDS_BUNDLE_H

#include "records/condition.h"
#include "records/map.h"
#include "records/operation.h"
#include "records/query.h"

/* In the order in which they are processed (http.html#trules); PUT and PATCH are one step. */
enum bundle_method { BUNDLE_DELETE, BUNDLE_POST, BUNDLE_PUT, BUNDLE_PATCH, BUNDLE_GET };

struct bundle_entry {
    size_t index;
    const char *path; /* "Bundle.entry[3]" */
    enum bundle_method method;
    struct target target;
    const struct records_operation *operation; /* NULL: an interaction */
    bool is_head;                              /* asks for no body */
    struct text full_url;
    const yyjson_val *resource;
    struct text if_match, if_none_match, if_none_exist, if_modified_since;
    struct condition *condition; /* of a conditional create, update, patch or delete; else NULL */
    struct text new_id;          /* if something new is made */
    bool is_settled;             /* nothing to write: a conditional create that matched, a deletion of nothing */
    struct write write;
    struct records_answer answer;
    struct fault fault; /* of an entry that failed alone, in a batch */
};

enum bundle_kind { BUNDLE_TRANSACTION, BUNDLE_BATCH, BUNDLE_IMPORT };

struct bundle {
    struct records *records;
    enum bundle_kind kind;
    enum records_return returns;
    struct text base; /* of the links in what its readings answer */
    struct bundle_entry *entries;
    size_t count;
    struct condition **conditions;
    size_t condition_count, condition_capacity;
    struct map references; /* text of a conditional reference → its condition's number */
    struct map full_urls;  /* → the entry's number */
    bool *writes_type;     /* by resource number: something of it is written here */
    struct arena *scratch; /* for making drafts */
    bool has_reads;
    bool is_composed;
};

/* The entries of a transaction or an import, with their requests understood. Conditions are opened, not yet looked at. */
MUST_CHECK enum status bundle_read(
    struct bundle *out, struct records *records, enum bundle_kind kind, const yyjson_val *root, struct scope *scope);
/* One entry's request, for a batch. */
MUST_CHECK enum status bundle_read_entry(struct bundle_entry *out, const struct records *records,
    const yyjson_val *value, size_t index, struct scope *scope);
/* Settles identities and rewrites links by what the conditions say, and makes the drafts. */
MUST_CHECK enum status bundle_compose(struct bundle *bundle, struct scope *scope);
void bundle_add_condition(struct bundle *bundle, struct condition *condition, struct arena *arena);
/* All writes in order, inside the unit. *retry_out: undo, and apply again. */
MUST_CHECK enum status bundle_apply(
    bool *retry_out, struct bundle *bundle, struct records_unit *unit, struct scope *scope);
/* Runs entries as interactions of their own and fills their answers. Blocks: for workers. */
enum bundle_part { BUNDLE_ALL, BUNDLE_READS };
MUST_CHECK enum status bundle_run_entries(
    struct bundle *bundle, enum bundle_part part, const struct records_caller *caller, struct scope *scope);
MUST_CHECK enum status bundle_answer(struct text *out, struct bundle *bundle, struct scope *scope);

#endif
