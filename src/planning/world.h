/* world: what does not depend on who chooses: places, districts, vehicles, patients, teams' hours, weather. Private to planning.
 * Immutable once built. Times are minutes from the first midnight of the year, region's clock; negative in the week before. */
#ifndef SOYANG_PLANNING_WORLD_H
#define SOYANG_PLANNING_WORLD_H

#include "planning/parameters.h"
#include "planning/random.h"

enum { WARM_DAYS = 7, PLACES_MAX = 48, TOWNS_MAX = 32, DAY_MIN = 1440, HOUR_MIN = 60 };

struct district {
    struct region_point point;
    int town; /* city or county */
    double people[AGE_BANDS], all;
};
struct patient {
    double call_at;
    float scene_min;
    int16_t district;
    uint8_t condition, seen; /* index of a condition: true, and as the crew sees it */
    uint8_t level, level_seen;
    int16_t age_months;
};
struct condition_row { /* a condition by the snapshot's numbers */
    int need;          /* -1: the region does not know it */
    int beds[CONDITION_BEDS_MAX];
    int bed_count;
};
struct planning_world {
    const struct planning_parameters *p;
    struct planning_span span;
    struct region_snapshot snapshot; /* its places are emergency departments only */
    struct region_place *places;
    int place_count;
    int emergency_bed; /* kind of bed */
    int heli_base;     /* the province's trauma centre; -1 */
    int64_t base_us;
    double end_at;
    struct district *districts;
    int district_count;
    struct text towns[TOWNS_MAX];
    int town_count;
    int *vehicle_station; /* district */
    int vehicle_count;
    double *by_district; /* minutes, district × district */
    double *to_place;    /* district × place */
    double *between;     /* place × place */
    double turn_away;    /* of the year */
    double team_share[PLACES_MAX][REGION_NEEDS_MAX][2][HOURS];
    struct condition_row rows[CONDITIONS_MAX];
    struct patient *patients;
    int patient_count;
    char region_hash[DIGEST_TEXT_SIZE];
};

int world_day(double at);
int world_hour(double at);
bool world_weekend(const struct planning_world *world, double at);
bool world_night(double at); /* 23 to 8, as the engine has it */
double world_travel_factor(const struct planning_world *world, double at);
int64_t world_us(const struct planning_world *world, double at);
double world_minutes(
    const struct planning_world *world, struct region_point from, int place); /* as the model says, dry day */
/* On duty or on call, and not with somebody who came without 119. Patients of the run are the run's affair. */
/* A share in the second half of the span, where the odds against it are drift_odds times those of the first. */
double world_drifted(const struct planning_world *world, double share, double at);
bool world_team(const struct planning_world *world, int place, int need, double at);
/* Minutes by helicopter from a district to its base where it is fit to fly; INFINITY where it does not reach. */
double world_flight(const struct planning_world *world, int district);
/* By helicopter from a district to its base; INFINITY where it does not fly, does not reach, or gains nothing on `ground_min`. */
double world_helicopter(const struct planning_world *world, int district, double at, double ground_min);
bool world_serves(const struct planning_world *world, int place, int condition, int age_months);
static inline bool world_severe(const struct patient *patient) {
    return patient->level <= 2;
}

#endif
