/* compose: a checked folder becomes FHIR resources, as JSON; nothing is written here. Private to region. */
#ifndef SOYANG_REGION_COMPOSE_H
#define SOYANG_REGION_COMPOSE_H

#include "region/folder.h"

struct composed {
    struct text *at; /* in an order in which whatever a guard looks up comes first */
    size_t count, capacity;
};
struct composing {
    const struct region_folder *folder;
    struct composed *out;
    int64_t now_us; /* date of assumed counts */
    struct scope *scope;
    enum status status;
};
MUST_CHECK enum status compose_folder(
    struct composed *out, const struct region_folder *folder, int64_t now_us, struct scope *scope);

/* ---- one resource ------------------------------------------------------------------------------------------------- */

enum resource_label { LABELLED_NONE = 0, LABELLED_ASSUMED = 1, LABELLED_NEIGHBOUR = 2 };
/* Opens a resource: resourceType, id, meta with the region's tag and the labels; a narrative that says so when assumed. */
struct json_writer resource_open(const struct composing *c, const char *type, struct text id, unsigned labels);
void resource_close(struct composing *c, struct json_writer *w);

struct coding {
    const char *system;
    struct text code, display;
};
void put_coding(struct json_writer *w, const struct coding *coding);
void put_concept(struct json_writer *w, const char *name, const struct coding *coding); /* name: a CodeableConcept */
void put_concept_list(struct json_writer *w, const char *name, const struct coding *coding); /* name: a list of one */
void put_reference(struct json_writer *w, const char *name, const char *type, struct text id);
void put_reference_list(struct json_writer *w, const char *name, const char *type, struct text id);
/* A list of one string; left out when there is none. */
void put_string_list(struct json_writer *w, const char *name, struct text value);
/* One element of an `extension` list. */
void extension_open(struct json_writer *w, const char *url); /* an object with url and a nested list, open */
void extension_close(struct json_writer *w);
void put_extension_text(
    struct json_writer *w, const char *url, const char *value_name, struct text value); /* none: left out */
void put_extension_int(struct json_writer *w, const char *url, int64_t value);
void put_extension_decimal(struct json_writer *w, const char *url, double value, int decimals);
void put_position(struct json_writer *w, const struct csv *table, const struct csv_row *row);
void put_physical_type(struct json_writer *w, const char *code);

/* ---- parts, each a noun ------------------------------------------------------------------------------------------- */

void compose_codes(struct composing *c);  /* code systems, the board's measure, definitions */
void compose_area(struct composing *c);   /* the region itself, its documents, sigungu, districts, control room */
void compose_places(struct composing *c); /* hospitals, neighbours, posts, what they can do, assumed counts */

struct text sigungu_id(const struct composing *c, struct text code);

#endif
