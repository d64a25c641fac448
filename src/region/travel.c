/* Distance and travel time: pure. */
#include <math.h>

#include "region/region.h"

/* IUGG mean radius R1 = (2a + b) / 3 of the GRS80 ellipsoid (Moritz, Geodetic Reference System 1980). */
#define EARTH_RADIUS_KM 6371.0088
#define RADIANS (3.14159265358979323846 / 180.0)

/* Haversine (Sinnott 1984): well-conditioned for the short distances of a province. */
double region_distance_km(struct region_point a, struct region_point b) {
    double half_lat = sin((b.latitude - a.latitude) * RADIANS / 2);
    double half_lon = sin((b.longitude - a.longitude) * RADIANS / 2);
    double h = half_lat * half_lat + cos(a.latitude * RADIANS) * cos(b.latitude * RADIANS) * half_lon * half_lon;
    return 2 * EARTH_RADIUS_KM * asin(sqrt(h < 1 ? h : 1));
}

/* One monotone function of distance; its parameters and their sources are the region's data. */
void region_travel_estimate(struct region_travel *out, const struct region_travel_model *model,
    struct region_point from, struct region_point to) {
    double km = region_distance_km(from, to);
    double near_km = fmin(km, model->near_km), far_km = fmax(km - model->near_km, 0);
    out->distance_km = km;
    out->minutes = model->base_min + 60 * model->detour * (near_km / model->near_kmh + far_km / model->far_kmh);
    out->estimated = true;
}

static bool by_road(struct region_travel *out, double minutes) {
    if (isfinite(minutes)) {
        out->minutes = minutes;
        out->estimated = false;
    }
    return isfinite(minutes);
}

void region_travel_from(
    struct region_travel *out, const struct region_snapshot *snapshot, struct region_point origin, int place) {
    const struct region_place *to = &snapshot->places[place];
    region_travel_estimate(out, &snapshot->travel, origin, to->point);
    if (to->road_min > 0) {
        (void)by_road(out, to->road_min);
    } else if (snapshot->roads != NULL) {
        (void)by_road(out, region_road_table_minutes(snapshot->roads, origin, to));
    }
}

void region_travel_between(struct region_travel *out, const struct region_snapshot *snapshot, int from, int to) {
    const struct region_place *here = &snapshot->places[from];
    region_travel_estimate(out, &snapshot->travel, here->point, snapshot->places[to].point);
    if (here->road_to != NULL) {
        (void)by_road(out, (double)here->road_to[to]);
    } else if (snapshot->roads != NULL) {
        (void)by_road(out, region_road_table_minutes(snapshot->roads, here->point, &snapshot->places[to]));
    }
}
