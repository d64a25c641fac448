/* Location.near (https://hl7.org/fhir/R4/location.html#positional): latitude|longitude|distance|units. Keys: latitude, then
 * longitude. A circle is asked as strips of latitude, each as wide as the circle at its widest place there: with 64 strips
 * it takes in some 2 % of the area more than the circle. The Earth is a sphere of its mean radius. */
#include <math.h>

#include "search/kind.h"

enum { STRIPS = 64 };
static const double earth_km = 6371.0088; /* mean radius R1 of WGS 84 (Moritz 2000) */
static const double default_distance_km = 50;

static void near_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    double latitude, longitude;
    if (!json_get_double(&latitude, item->node, "latitude") || !json_get_double(&longitude, item->node, "longitude")) {
        return;
    }
    struct key key = {0};
    key_put_number(&key, latitude);
    key_put_number(&key, longitude);
    emit_key(emitter, FACET_MAIN, &key);
}

struct circle {
    double latitude, longitude, radius_km;
};

static bool distance_unit_km(double *out, struct text unit) {
    if (unit.size == 0) {
        *out = 1;
        return true;
    }
    struct ucum_conversion conversion; /* lengths are compared in centimetres */
    if (!ucum_conversion_find(&conversion, unit) || !text_is(text_from(conversion.canonical), "cm")) {
        return false;
    }
    *out = ucum_convert_number(&conversion, 1) / 100000;
    return true;
}

static enum status circle_read(struct circle *out, struct planner *planner, const struct criterion *criterion) {
    struct arena *arena = planner->scope->arena;
    struct text rest = criterion->value;
    struct text latitude = value_unescape(arena, value_cut(&rest, '|'));
    struct text longitude = value_unescape(arena, value_cut(&rest, '|'));
    struct text distance = value_unescape(arena, value_cut(&rest, '|'));
    struct text unit = value_unescape(arena, rest);
    double unit_km, amount = default_distance_km;
    *out = (struct circle){0};
    bool is_read = text_to_double(&out->latitude, latitude) && text_to_double(&out->longitude, longitude) &&
                   (distance.size == 0 || text_to_double(&amount, distance)) && distance_unit_km(&unit_km, unit);
    if (!is_read || fabs(out->latitude) > 90 || fabs(out->longitude) > 180 || amount < 0) {
        return criterion_malformed(planner, criterion, "latitude|longitude|distance|unit of length");
    }
    out->radius_km = fmin(distance.size == 0 ? amount : amount * unit_km, earth_km * M_PI); /* which is everywhere */
    return STATUS_OK;
}

static double radians(double degrees) {
    return degrees * M_PI / 180;
}

enum status near_point_read(struct near_point *out, struct planner *planner, const struct criterion *criterion) {
    struct circle circle;
    enum status status = circle_read(&circle, planner, criterion);
    *out = (struct near_point){circle.latitude, circle.longitude};
    return status;
}

/* The haversine formula (Sinnott, Virtues of the Haversine, Sky and Telescope 68, 1984). */
double near_distance_km(const struct near_point *a, const struct near_point *b) {
    double north = sin(radians(b->latitude - a->latitude) / 2), east = sin(radians(b->longitude - a->longitude) / 2);
    double h = north * north + cos(radians(a->latitude)) * cos(radians(b->latitude)) * east * east;
    return 2 * earth_km * asin(fmin(1, sqrt(h)));
}

/* How many degrees of longitude the circle spans at a latitude, to each side; negative: it does not reach there. */
static double reach_degrees(const struct circle *circle, double latitude) {
    double c = cos(circle->radius_km / earth_km);
    double a = radians(circle->latitude), b = radians(latitude);
    double spread = cos(a) * cos(b);
    if (spread < 1e-12 || circle->radius_km >= earth_km * M_PI) {
        return 180;
    }
    double cosine = (c - sin(a) * sin(b)) / spread;
    return cosine <= -1 ? 180 : cosine > 1 ? -1 : acos(cosine) * 180 / M_PI;
}

static enum status list_box(struct plan_list *list, struct planner *planner, struct slot *slot, double south,
    double north, double west, double east) {
    struct arena *arena = planner->scope->arena;
    const struct text nothing = {NULL, 0};
    struct image_range latitudes = {key_number_bits(south), key_number_bits(north) + 1};
    struct plan_filter filter =
        image_filter(arena, KEY_NUMBER_SIZE, (struct image_range){key_number_bits(west), key_number_bits(east) + 1});
    plan_node node;
    enum status status = plan_range(&node, planner, slot, FACET_MAIN, image_low(arena, nothing, latitudes),
        image_high(arena, nothing, latitudes), &filter);
    plan_list_add(planner, list, node);
    return status;
}

static enum status list_strip(struct plan_list *list, struct planner *planner, struct slot *slot,
    const struct circle *circle, double south, double north) {
    double nearest = circle->latitude < south ? south : circle->latitude > north ? north : circle->latitude;
    double reach =
        fmax(reach_degrees(circle, nearest), fmax(reach_degrees(circle, south), reach_degrees(circle, north)));
    if (reach < 0) {
        return STATUS_OK;
    }
    double west = circle->longitude - reach, east = circle->longitude + reach;
    if (reach >= 180) {
        return list_box(list, planner, slot, south, north, -180, 180);
    }
    enum status status = list_box(list, planner, slot, south, north, fmax(west, -180), fmin(east, 180));
    if (status == STATUS_OK && west < -180) {
        status = list_box(list, planner, slot, south, north, west + 360, 180);
    }
    if (status == STATUS_OK && east > 180) {
        status = list_box(list, planner, slot, south, north, -180, east - 360);
    }
    return status;
}

static enum status near_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct circle circle;
    enum status status = circle_read(&circle, planner, criterion);
    struct plan_list list = {0};
    double span = circle.radius_km / earth_km * 180 / M_PI;
    for (int i = 0; i < STRIPS && status == STATUS_OK; i++) {
        double south = circle.latitude - span + 2 * span * i / STRIPS,
               north = circle.latitude - span + 2 * span * (i + 1) / STRIPS;
        if (south <= 90 && north >= -90) {
            status = list_strip(&list, planner, use->slot, &circle, fmax(south, -90), fmin(north, 90));
        }
    }
    if (status == STATUS_OK) {
        *out = plan_union(planner, &list);
    }
    return status;
}

const struct kind kind_near = {near_emit, near_plan};
