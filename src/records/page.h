/* page: the Bundles that searches and histories answer with. */
#ifndef SOYANG_RECORDS_PAGE_H
#define SOYANG_RECORDS_PAGE_H

#include "records/body.h"
#include "records/subset.h"

/* What all URLs of an answer share: the base as the caller knows this server, and `_format` and `_pretty`. */
struct page_frame {
    struct text base, base_in_json;
    const struct search_pair *form;
    size_t form_count;
};
struct page_frame page_frame_of(
    const struct records *records, const struct records_request *request, struct arena *arena);
/* `"http://host/fhir/` with its first quotation mark: what a full URL begins with. */
struct text page_base_in_json(struct arena *arena, struct text base);

/* A link: the path below the base URL, then the parameters, then `_cursor` where there is one. */
struct page_link {
    const char *relation;
    struct text path;
    const struct search_pair *pairs;
    size_t pair_count;
    struct text cursor; /* none: left out */
};
void page_write_links(struct json_writer *w, const struct page_frame *frame, const struct page_link *links,
    size_t count, struct arena *arena);
void page_write_full_url(struct json_writer *w, const struct page_frame *frame, const struct store_resource *resource);
/* A writer with room for these entries, and for what is included. */
struct json_writer page_writer_open(struct arena *arena, const struct search_result *result);
/* An entry with the whole resource; its search.mode is "match" or "include". */
void page_write_entry(
    struct json_writer *w, const struct page_frame *frame, const struct store_resource *resource, const char *mode);
/* The same with what the subset leaves of it. */
MUST_CHECK enum status page_write_part(struct json_writer *w, const struct page_frame *frame,
    const struct store_resource *resource, const char *mode, const struct subset *subset, struct scope *scope);
/* An OperationOutcome of these issues. */
void page_write_outcome(struct json_writer *w, const struct issue *issues, const char *severity);
/* The same, of several severities. */
struct page_issues {
    const struct issue *first;
    const char *severity;
};
void page_write_outcome_of(struct json_writer *w, const struct page_issues *lists, size_t count);
/* OperationOutcome.issue.code of a status. */
const char *page_issue_code(const struct issue *issue);
/* "Patient/1/_history/3"; version 0: without. */
struct text page_location(struct arena *arena, fhir_type type, struct text id, uint32_t version);
/* "201 Created" and the like, for bundle responses. */
const char *page_status_line(enum status status);

#endif
