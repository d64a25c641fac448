/* fetch: a region's resources as they stand in the record, parsed. Private to region. */
#ifndef SOYANG_REGION_FETCH_H
#define SOYANG_REGION_FETCH_H

#include "region/assumptions.h"
#include "region/settings.h"
#include "region/version.h"

enum fetched_kind {
    FETCHED_LIBRARY,
    FETCHED_LOCATION,
    FETCHED_ORGANIZATION,
    FETCHED_SERVICE,
    FETCHED_AFFILIATION,
    FETCHED_REPORT,
    FETCHED_DUTY,   /* PractitionerRole with the code on-call */
    FETCHED_PERSON, /* the i-th duty's Practitioner; NULL: none */
    FETCHED_KINDS
};
struct fetched {
    struct {
        const yyjson_val **at;
        size_t count;
    } of[FETCHED_KINDS];
};
/* Everything tagged as of one region; nothing when no region is loaded. */
MUST_CHECK enum status fetch_region(struct fetched *out, const struct gather_source *source, struct scope *scope);
/* Capacity reports and people on call of some places; those that do not exist are left out. */
MUST_CHECK enum status fetch_reports(struct fetched *out, const struct text *places, size_t place_count,
    const struct gather_source *source, struct scope *scope);

/* The files a region was loaded from, as its Library resources keep them. */
struct region_documents {
    struct document region, policy, outline, assumptions, readings; /* file NULL: not there */
    struct csv tables[TABLE_COUNT];                                 /* the same; the country's, and sigungu */
};
MUST_CHECK enum status fetch_documents(
    struct region_documents *out, const struct fetched *fetched, struct scope *scope);

/* ---- looking into resources ----------------------------------------------------------------------------------------- */

bool has_tag(const yyjson_val *resource, const char *system, const char *code); /* code NULL: any */
const yyjson_val *find_extension(const yyjson_val *element, const char *url);
/* The id in a reference "Type/id" of a member; none otherwise. */
struct text region_reference_id(const yyjson_val *object, const char *member, const char *type);
/* The first code of `system` in a CodeableConcept; none. */
struct text concept_code(const yyjson_val *concept, const char *system);

#endif
