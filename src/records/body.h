/* body: a resource on its way into the store and out of it.
 *
 * Kept is the client's own text, minified, member order and number text unchanged, but for `id`, which is ours, and `meta`, which
 * is always there and has a gap where versionId and lastUpdated are spliced in when it is read. */
#ifndef SOYANG_RECORDS_BODY_H
#define SOYANG_RECORDS_BODY_H

#include "records/service.h"

/* A reference to a resource of this server, for the strict policy. */
struct local_reference {
    struct local_reference *next;
    fhir_type type;
    struct text id;
    const char *path;
};

/* A resource ready to be put. */
struct draft {
    fhir_type type;
    struct text id;
    const yyjson_val *root; /* as it will be read, but for versionId and lastUpdated */
    struct text json;
    uint32_t gap;
    struct store_body packed;
    struct store_row *rows;
    size_t row_count;
    uint64_t edition;                   /* of the tables that made them */
    struct local_reference *references; /* only under RECORDS_REFERENCES_STRICT */
};

/* Parses and checks a resource. `expected` NONE: any concrete type. *type_out may be NULL. */
MUST_CHECK enum status body_read(
    const yyjson_val **out, fhir_type *type_out, struct text body, fhir_type expected, struct scope *scope);
/* From a checked resource: id and meta set, rows extracted, packed. */
MUST_CHECK enum status draft_make(
    struct draft *out, const struct records *records, const yyjson_val *resource, struct text id, struct scope *scope);
/* A body from the store, with versionId and lastUpdated in its gap. */
struct text body_splice(struct arena *arena, const struct store_resource *resource);
/* The same as the next value of a JSON text, without making it apart first. */
void body_write(struct json_writer *w, const struct store_resource *resource);
struct text body_splice_parts(
    struct arena *arena, struct text json, uint32_t gap, uint32_t version, int64_t updated_us);
MUST_CHECK enum status body_parse(const yyjson_val **out, const struct store_resource *resource, struct scope *scope);

#endif
