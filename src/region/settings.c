#include "region/settings.h"

#include "fhir/fhir.h"

/* Zones without summer time: a region's name for its clock, and how far east of UTC it is (IANA time zone database). */
static const struct {
    const char *name;
    int minutes;
} zones[] = {{"Asia/Seoul", 540}, {"Asia/Tokyo", 540}, {"Asia/Taipei", 480}, {"Asia/Shanghai", 480}, {"UTC", 0}};

static enum status read_zone(int *out, const struct document *region, struct scope *scope) {
    struct text name;
    enum status status = document_text(&name, region, region->root, "", "time_zone", scope);
    for (size_t i = 0; status == STATUS_OK && i < sizeof zones / sizeof *zones; i++) {
        if (text_is(name, zones[i].name)) {
            *out = zones[i].minutes;
            return STATUS_OK;
        }
    }
    return status == STATUS_OK ? document_fault(scope, region, "time_zone", "is no zone this program knows") : status;
}

static enum status read_box(
    struct region_box *out, const struct document *region, const char *name, struct scope *scope) {
    const yyjson_val *box = json_get(region->root, name);
    const struct {
        const char *member;
        double *to, limit;
    } sides[] = {{"lat_min", &out->south, 90}, {"lat_max", &out->north, 90}, {"lon_min", &out->west, 180},
        {"lon_max", &out->east, 180}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        enum status status = document_number(sides[i].to, region, box, name, sides[i].member, scope);
        if (status != STATUS_OK) {
            return status;
        }
        if (*sides[i].to < -sides[i].limit || *sides[i].to > sides[i].limit) {
            return document_fault(scope, region, name, "%s is no coordinate in degrees", sides[i].member);
        }
    }
    return out->south < out->north && out->west < out->east
               ? STATUS_OK
               : document_fault(scope, region, name, "the box is empty or inverted");
}

static enum status read_travel(struct region_travel_model *out, const struct document *region, struct scope *scope) {
    const yyjson_val *travel = json_get(region->root, "travel");
    const struct {
        const char *name, *path;
        double *to, low, high;
    } parameters[] = {
        {"base_minutes", "travel.base_minutes", &out->base_min, 0, 1440},
        {"detour", "travel.detour", &out->detour, 1, 100}, /* a road is never shorter than the great circle */
        {"near_km", "travel.near_km", &out->near_km, 0, 20040},
        {"near_kmh", "travel.near_kmh", &out->near_kmh, 1, 1000},
        {"far_kmh", "travel.far_kmh", &out->far_kmh, 1, 1000},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        const yyjson_val *parameter = json_get(travel, parameters[i].name);
        enum status status = document_number(parameters[i].to, region, parameter, parameters[i].path, "value", scope);
        if (status != STATUS_OK) {
            return status;
        }
        if (*parameters[i].to < parameters[i].low) {
            return document_fault(scope, region, parameters[i].path, "must not be below %g", parameters[i].low);
        }
        if (*parameters[i].to > parameters[i].high) {
            return document_fault(scope, region, parameters[i].path, "must not be above %g", parameters[i].high);
        }
        if (json_get_text(parameter, "source").size == 0) {
            return document_fault(scope, region, parameters[i].path, "a parameter names its source");
        }
    }
    out->source = json_get_text(json_get(travel, "detour"), "source");
    return STATUS_OK;
}

static enum status read_control_room(struct settings *out, const struct document *region, struct scope *scope) {
    out->control_room = json_get(region->root, "control_room");
    if (!yyjson_is_obj((yyjson_val *)out->control_room)) {
        out->control_room = NULL;
        return STATUS_OK;
    }
    struct text name;
    enum status status = document_text(&out->control_room_id, region, out->control_room, "control_room", "id", scope);
    if (status == STATUS_OK) {
        status = document_text(&name, region, out->control_room, "control_room", "name_ko", scope);
    }
    if (status == STATUS_OK && !fhir_id_is_valid(out->control_room_id)) {
        status = document_fault(scope, region, "control_room.id", "may hold letters, digits, '-' and '.'");
    }
    return status;
}

static enum status read_names(struct settings *out, const struct document *region, struct scope *scope) {
    enum status status = document_text(&out->id, region, region->root, "", "id", scope);
    if (status == STATUS_OK && (!fhir_id_is_valid(out->id) || out->id.size > 20)) {
        status = document_fault(scope, region, "id", "may hold letters, digits, '-' and '.', at most 20 of them");
    }
    if (status == STATUS_OK) {
        status = document_text(&out->name_ko, region, region->root, "", "name_ko", scope);
    }
    if (status == STATUS_OK) {
        status = document_text(&out->name_en, region, region->root, "", "name_en", scope);
    }
    out->administrative_code = json_get_text(region->root, "administrative_code");
    out->country = json_get_text(region->root, "country");
    return status;
}

enum status settings_read(struct settings *out, const struct document *region, struct scope *scope) {
    *out = (struct settings){0};
    enum status status = read_names(out, region, scope);
    if (status == STATUS_OK) {
        status = read_box(&out->bounds, region, "bbox", scope);
    }
    out->neighbour_bounds = out->bounds;
    if (status == STATUS_OK && json_get(region->root, "neighbours_bbox") != NULL) {
        status = read_box(&out->neighbour_bounds, region, "neighbours_bbox", scope);
    }
    if (status == STATUS_OK) {
        status = read_travel(&out->travel, region, scope);
    }
    if (status == STATUS_OK) {
        status = read_zone(&out->zone_minutes, region, scope);
    }
    if (status == STATUS_OK) {
        status = read_control_room(out, region, scope);
    }
    out->sources = json_get(region->root, "sources");
    return status == STATUS_OK && !yyjson_is_obj((yyjson_val *)out->sources)
               ? document_fault(scope, region, "sources", "must be an object: each fact names its source")
               : status;
}

enum status settings_read_board(struct region_board_model *out, const struct document *policy, struct scope *scope) {
    *out = region_board_default;
    const yyjson_val *board = json_get(policy->root, "board");
    if (board == NULL) {
        return STATUS_OK;
    }
    enum status status = document_number(&out->fades_from_min, policy, json_get(board, "fades_from_minutes"),
        "board.fades_from_minutes", "value", scope);
    if (status == STATUS_OK) {
        status = document_number(&out->ignored_after_min, policy, json_get(board, "ignored_after_minutes"),
            "board.ignored_after_minutes", "value", scope);
    }
    if (status == STATUS_OK && (out->fades_from_min < 0 || out->ignored_after_min <= out->fades_from_min)) {
        status = document_fault(scope, policy, "board.ignored_after_minutes", "must be later than fades_from_minutes");
    }
    return status;
}
