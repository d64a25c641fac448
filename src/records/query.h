/* query: URLs as they stand inside bundles and conditions, taken apart; entity tags and HTTP dates. */
#ifndef SOYANG_RECORDS_QUERY_H
#define SOYANG_RECORDS_QUERY_H

#include "records/records.h"

enum { QUERY_PAIRS_MAX = 200 };

/* "a=b&c=%20d" → pairs, percent-decoded. */
MUST_CHECK enum status query_pairs(
    struct search_pair **out, size_t *count_out, struct text query, const char *path, struct scope *scope);
/* Percent-encodes what may not stand in a query's name or value. */
void query_put(struct buffer *buffer, struct text value);
/* The pair of this name, NULL when there is none. */
const struct search_pair *query_find(const struct search_pair *pairs, size_t count, const char *name);

/* What a bundle entry's request.url names. */
enum target_kind {
    TARGET_SYSTEM,           /* "" or "?query" */
    TARGET_SYSTEM_HISTORY,   /* "_history" */
    TARGET_TYPE,             /* "Patient" or "Patient?query" */
    TARGET_TYPE_HISTORY,     /* "Patient/_history" */
    TARGET_INSTANCE,         /* "Patient/1" */
    TARGET_INSTANCE_HISTORY, /* "Patient/1/_history" */
    TARGET_VERSION,          /* "Patient/1/_history/2" */
    TARGET_COMPARTMENT,      /* "Patient/1/Observation" */
    TARGET_OPERATION,        /* "$meta", "Patient/$meta", "Patient/1/$meta", "Patient/1/_history/2/$meta" */
};
struct target {
    enum target_kind kind;
    fhir_type type, owner; /* owner: of a compartment, and then `id` is the owner's */
    struct text id, version, query;
    struct text operation; /* without the dollar */
    bool has_query;
};
/* Relative, or absolute below own_base. STATUS_INVALID where it names no interaction of R4. */
MUST_CHECK enum status target_parse(
    struct target *out, struct text url, struct text own_base, const char *path, struct scope *scope);

/* Does a list of entity tags (W/"3", "3", 3, or *) hold this version? */
bool etag_matches(struct text list, uint32_t version);
/* An HTTP date (RFC 9110 IMF-fixdate) or a FHIR instant. */
bool http_date_parse(int64_t *out_us, struct text value);

#endif
