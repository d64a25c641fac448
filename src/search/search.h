/* search: from search parameters to index rows, from queries to plans.
 *
 * Parameters come from the tables of `fhir` and from uploaded SearchParameters: no parameter is listed by hand. Knows no HTTP: a query is
 * a list of name/value pairs, already percent-decoded.
 *
 * docs/search.md tabulates which spaces and keys each parameter type makes.
 *
 * Threads. A `struct search` may be shared. Its tables are a snapshot that never changes; an upload publishes a new one, and whoever has begun
 * ends with the one it began with. */
#ifndef SOYANG_SEARCH_H
#define SOYANG_SEARCH_H

#include "base/base.h"
#include "fhir/fhir.h"
#include "store/store.h"
#include "terminology/terminology.h"

struct search;
struct search_config {
    struct store *store;
    struct terminology *terminology; /* for :in, :not-in, :below, :above of tokens; NULL: they are not served */
    struct text own_base;            /* the server's public base URL: references below it are local */
    int zone_minutes;                /* zone of dates without one; Korea: 540 */
    const struct clock *clock;       /* what `ap` measures a date's distance from; NULL: the system's time */
};
/* How the words of bodies are made, for a check of a store that nobody searches. */
const struct store_text_source *search_words(void);

MUST_CHECK enum status search_open(struct search **out, const struct search_config *config, struct scope *scope);
void search_close(struct search *search);

/* All index rows of a resource. *edition_out, where not NULL, is the edition of the tables that made them. */
MUST_CHECK enum status search_extract_edition(struct store_row **out, size_t *count_out, uint64_t *edition_out,
    const struct search *search, const yyjson_val *resource, struct scope *scope);
MUST_CHECK enum status search_extract(struct store_row **out, size_t *count_out, const struct search *search,
    const yyjson_val *resource, struct scope *scope);

/* ---- uploaded parameters, and tables that change ----------------------------------------------------------------------- */

/* A SearchParameter of this server. It is served while its status is active. */
struct search_upload {
    struct text id;
    const yyjson_val *resource;
    const char *refusal; /* set by publishing: why it is not served after all; NULL: it is */
};
bool search_upload_is_active(const yyjson_val *resource);
/* Why it cannot be served: STATUS_UNPROCESSABLE with the element's path, STATUS_CONFLICT naming who has its code. */
MUST_CHECK enum status search_upload_check(
    const struct search *search, const struct search_upload *upload, struct scope *scope);

/* Editions. The tables (the definitions' parameters and uploaded ones) have a number that grows with every change. The
 * caller keeps it, and what search_tables_note says, durably; and makes rows anew of resources whose edition is below what
 * their type requires. Until all are counted, whoever searches by what is not complete gets STATUS_UNAVAILABLE. */
struct search_tables {
    uint64_t edition; /* the last that may have been in use; 0: there was none */
    struct text note; /* what search_tables_note said; none: nothing was ever noted */
    bool is_empty;    /* the store holds no resource */
    uint64_t seq;     /* of the store now */
    struct search_upload *uploads;
    size_t upload_count;
};
/* Once, before anything is searched or extracted. *changed_out: the edition is a new one, to be kept before it is used. */
MUST_CHECK enum status search_tables_open(
    bool *changed_out, struct search *search, const struct search_tables *tables, struct scope *scope);
/* From now on these uploads, and no others, under an edition higher than any before. By one thread at a time, while others
 * search and extract. */
MUST_CHECK enum status search_tables_publish(
    struct search *search, struct search_upload *uploads, size_t upload_count, uint64_t edition, struct scope *scope);
MUST_CHECK enum status search_tables_note(struct text *out, const struct search *search, struct scope *scope);
uint64_t search_edition(const struct search *search);
uint64_t search_edition_required(const struct search *search, fhir_type type);
const uint64_t *search_editions_required(const struct search *search, struct scope *scope); /* by resource number */

/* All resources, counted in a view opened after `edition_before` was the edition. Completes what is complete, and says how many
 * index slots that were. */
struct search_count {
    const struct store_edition *editions;
    size_t edition_count;
    uint64_t edition_before, seq; /* of the view */
};
size_t search_tables_count(struct search *search, const struct search_count *count);
bool search_tables_are_complete(const struct search *search); /* as of the last count */

struct search_progress {
    fhir_type type; /* abstract: all types */
    const char *code;
    struct text upload; /* none: of the definitions */
    uint64_t since;     /* resources of this edition and later have its rows */
    bool is_complete;
};
/* Of one upload; with no id: of all, and of what is behind of the definitions' own. */
MUST_CHECK enum status search_progress_of(struct search_progress **out, size_t *count_out, const struct search *search,
    struct text upload, struct scope *scope);

struct search_pair {
    struct text name, value; /* "birthdate:missing" = "true" */
};
enum search_handling { SEARCH_STRICT, SEARCH_LENIENT }; /* unknown parameters: an error, or left out of `self` */
struct search_request {
    fhir_type type; /* NONE: system-wide, with _type */
    struct {
        fhir_type type; /* NONE: not in a compartment */
        struct text id; /* none: in any of that type */
    } compartment;
    const struct search_pair *pairs;
    size_t pair_count;
    enum search_handling handling;
    struct text cursor_key;          /* secret that signs cursors */
    size_t count_default, count_max; /* page size */
};

enum search_total { SEARCH_TOTAL_NONE, SEARCH_TOTAL_ESTIMATE, SEARCH_TOTAL_ACCURATE };
enum search_summary {
    SEARCH_SUMMARY_FALSE,
    SEARCH_SUMMARY_TRUE,
    SEARCH_SUMMARY_TEXT,
    SEARCH_SUMMARY_DATA,
    SEARCH_SUMMARY_COUNT
};

struct search_query; /* parsed and planned; lives in the scope */
MUST_CHECK enum status search_parse(const struct search_query **out, const struct search *search,
    const struct search_request *request, struct scope *scope);
enum search_summary search_query_summary(const struct search_query *query);
/* _elements, as given; count 0: not asked */
const struct text *search_query_elements(size_t *count_out, const struct search_query *query);

struct search_result {
    struct store_page matches;
    struct store_resource *included; /* no doubles, none that is a match */
    size_t included_count;
    bool has_total;
    uint64_t total;           /* exact, or absent */
    struct search_pair *self; /* the parameters that were used, for the self link */
    size_t self_count;
    struct text cursor; /* value of the next link's _cursor; none on the last page */
    uint64_t sequence;
    const struct issue *warnings; /* lenient handling: what was left out */
};
/* The plan, as the store will run it, for _explain: one node a line. */
struct text search_query_explain(const struct search_query *query, struct scope *scope);

/* Opens its own view (at the cursor's sequence number where there is one). */
MUST_CHECK enum status search_run(
    struct search_result *out, const struct search *search, const struct search_query *query, struct scope *scope);

/* The same on a view that stands already; the query may hold no cursor. */
MUST_CHECK enum status search_run_within(struct search_result *out, const struct search *search,
    const struct search_query *query, struct store_view *view, struct scope *scope);

/* Conditional matches inside a unit: at most `limit` identities. Only filters are allowed in the query. */
MUST_CHECK enum status search_match(struct store_page *out, const struct search *search,
    const struct search_query *query, struct store_unit *unit, size_t limit, struct scope *scope);

/* Who refers to a resource, as the unit sees it: at most `limit` identities. Only references that some search parameter looks at. */
MUST_CHECK enum status search_referrers(struct store_page *out, const struct search *search, fhir_type type,
    struct text id, struct store_unit *unit, size_t limit, struct scope *scope);

/* For the capability statement: parameters of a type, its own first. Includes: "Patient:general-practitioner". */
struct search_parameter_claim {
    const char *name, *url;
    enum fhir_search_type type;
};
MUST_CHECK enum status search_claims(struct search_parameter_claim **out, size_t *count_out,
    const struct search *search, fhir_type type, struct scope *scope);
/* The queries that `type` has by name (_query), one a call; false behind the last. *position starts at 0. */
struct search_query_claim {
    const char *name, *definition;
};
bool search_query_claim(struct search_query_claim *out, fhir_type type, size_t *position);

#endif
