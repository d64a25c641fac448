/* settings: what region.json and policy.json say, as numbers. Private to region. */
#ifndef SOYANG_REGION_SETTINGS_H
#define SOYANG_REGION_SETTINGS_H

#include "region/document.h"
#include "region/table.h"

/* Texts live in the document. */
struct settings {
    struct text id, name_ko, name_en, administrative_code, country;
    struct region_box bounds, neighbour_bounds;
    struct region_travel_model travel;
    int zone_minutes;
    const yyjson_val *control_room; /* its object; NULL: the region has none */
    struct text control_room_id;    /* none: the region has none */
    const yyjson_val *sources;
};
MUST_CHECK enum status settings_read(struct settings *out, const struct document *region, struct scope *scope);
/* What a board's age means in this province. */
MUST_CHECK enum status settings_read_board(
    struct region_board_model *out, const struct document *policy, struct scope *scope);

#endif
