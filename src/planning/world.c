#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "planning/world.h"

#define YEAR_2023_US INT64_C(1672498800000000) /* 2023-01-01T00:00+09:00 */
#define YEAR_2024_US INT64_C(1704034800000000)
#define YEAR_2025_US INT64_C(1735657200000000)
enum { WINTER_TO_DAY = 59, WINTER_FROM_DAY = 334, MORNING = 8, EVENING = 18, NIGHT = 23, BLOCK_HOURS = 2 };

static const struct year_row {
    int year, first_weekday; /* 1 January, 0: Sunday */
    int64_t from_us;
    size_t calls, absent; /* offsets of its parameters; absent 0: the first year, by which the others are measured */
} years[] = {
    {2023, 0, YEAR_2023_US, offsetof(struct planning_parameters, calls_per_day_2023), 0},
    {2024, 1, YEAR_2024_US, offsetof(struct planning_parameters, calls_per_day_2024),
        offsetof(struct planning_parameters, absent_odds_2024)},
    {2025, 3, YEAR_2025_US, offsetof(struct planning_parameters, calls_per_day_2025),
        offsetof(struct planning_parameters, absent_odds_2025)},
};
enum { YEAR_ROWS = sizeof years / sizeof years[0] };

static const struct year_row *of_year(const struct planning_world *world) {
    return &years[world->span.year - years[0].year];
}

static double of_parameters(const struct planning_parameters *p, size_t offset) {
    return *(const double *)(const void *)((const char *)p + offset);
}

int world_day(double at) {
    return (int)floor(at / DAY_MIN);
}

int world_hour(double at) {
    return (int)floor(at / HOUR_MIN) - world_day(at) * HOURS;
}

bool world_night(double at) {
    int hour = world_hour(at);
    return hour >= NIGHT || hour < MORNING;
}

bool world_weekend(const struct planning_world *world, double at) {
    int day = ((world_day(at) + of_year(world)->first_weekday) % 7 + 7) % 7;
    return day == 0 || day == 6;
}

int64_t world_us(const struct planning_world *world, double at) {
    return world->base_us + (int64_t)llround(at * 60e6);
}

double world_travel_factor(const struct planning_world *world, double at) {
    const struct planning_parameters *p = world->p;
    int day = world_day(at), of_year = ((day % 365) + 365) % 365;
    bool winter = of_year < WINTER_TO_DAY || of_year >= WINTER_FROM_DAY;
    bool snow =
        winter && random_unit(world->span.seed, STREAM_SNOW, (uint64_t)day + WARM_DAYS, 0, 0) < p->snow_day_chance;
    return p->ambulance_travel * (snow ? p->snow_travel : 1) * (world_night(at) ? p->night_travel : 1);
}

double world_minutes(const struct planning_world *world, struct region_point from, int place) {
    struct region_travel travel;
    region_travel_estimate(&travel, &world->snapshot.travel, from, world->places[place].point);
    return travel.minutes;
}

double world_drifted(const struct planning_world *world, double share, double at) {
    double odds = world->p->drift_odds;
    return at < world->end_at / 2 || share <= 0 ? share : share / (share + (1 - share) * odds);
}

bool world_team(const struct planning_world *world, int place, int need, double at) {
    if (need < 0) {
        return true;
    }
    int hour = world_hour(at), day = world_day(at) + WARM_DAYS;
    int band = hour < MORNING ? 0 : hour < EVENING ? 1 : hour < NIGHT ? 2 : 0;
    int band_day = hour >= NIGHT ? day + 1 : day; /* a night belongs to the morning after it */
    uint64_t key = (uint64_t)place * REGION_NEEDS_MAX + (uint64_t)need;
    double share = world_drifted(world, world->team_share[place][need][world_weekend(world, at)][hour], at);
    if (random_unit(world->span.seed, STREAM_ON_CALL, key, (uint64_t)band_day, (uint64_t)band) >= share) {
        return false;
    }
    uint64_t block = (uint64_t)day * (HOURS / BLOCK_HOURS) + (uint64_t)hour / BLOCK_HOURS;
    return random_unit(world->span.seed, STREAM_THEATRE, key, block, 0) >= world->p->theatre_busy;
}

double world_flight(const struct planning_world *world, int district) {
    const struct planning_parameters *p = world->p;
    struct text town = world->towns[world->districts[district].town];
    for (int i = 0; i < p->no_flight_count; i++) {
        if (text_is(town, p->no_flight[i])) {
            return INFINITY;
        }
    }
    double km = region_distance_km(world->places[world->heli_base].point, world->districts[district].point);
    return km <= p->heli_reach_km ? p->heli_launch_min + p->heli_load_min + 2 * 60 * km / p->heli_kmh : INFINITY;
}

double world_helicopter(const struct planning_world *world, int district, double at, double ground_min) {
    const struct planning_parameters *p = world->p;
    int hour = world_hour(at);
    if (world->heli_base < 0 || hour < p->heli_from_h || hour >= p->heli_to_h ||
        random_unit(world->span.seed, STREAM_WEATHER, (uint64_t)world_day(at) + WARM_DAYS, (uint64_t)hour, 0) >=
            p->heli_weather) {
        return INFINITY;
    }
    double minutes = world_flight(world, district);
    return minutes < ground_min ? minutes : INFINITY;
}

bool world_serves(const struct planning_world *world, int place, int condition, int age_months) {
    int need = world->rows[condition].need;
    const struct region_place *row = &world->places[place];
    if (need < 0) {
        return true;
    }
    return (row->needs >> need & 1) != 0 && age_months >= row->age_min_months[need] &&
           (row->age_max_months[need] == 0 || age_months <= row->age_max_months[need]);
}

/* ---- building ----------------------------------------------------------------------------------------------------- */

static enum status keep_places(struct planning_world *w, const struct region_snapshot *from, struct scope *scope) {
    w->snapshot = *from;
    w->places = ARENA_ARRAY(scope->arena, struct region_place, PLACES_MAX);
    w->heli_base = -1;
    w->emergency_bed = region_bed_find(from, TEXT("hvec"));
    int trauma = region_need_find(from, TEXT("SY-TRAUMA"));
    for (size_t i = 0; i < from->place_count && w->place_count < PLACES_MAX; i++) {
        const struct region_place *place = &from->places[i];
        if (place->tier < REGION_TIER_REPORTED || place->closed || place->control_room) {
            continue;
        }
        if (trauma >= 0 && !place->neighbour && (place->needs >> trauma & 1) != 0) {
            w->heli_base = w->place_count;
        }
        w->places[w->place_count++] = *place;
    }
    w->snapshot.places = w->places;
    w->snapshot.place_count = (size_t)w->place_count;
    w->snapshot.control_room = -1;
    if (w->place_count == 0 || w->emergency_bed < 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "", "the region has no emergency department with counted beds");
    }
    return STATUS_OK;
}

static void prepare_teams(struct planning_world *w) {
    size_t absent_odds = of_year(w)->absent;
    double odds = absent_odds != 0 ? of_parameters(w->p, absent_odds) : 1, sent_on = w->p->turn_away * odds;
    w->turn_away = sent_on / (1 - w->p->turn_away + sent_on);
    for (int i = 0; i < w->place_count; i++) {
        const struct region_place *place = &w->places[i];
        for (int need = 0; need < (int)w->snapshot.need_count; need++) {
            for (int hour = 0; hour < HOURS; hour++) {
                const uint8_t *at[2] = {place->on_call, place->on_call_weekend};
                for (int k = 0; k < 2; k++) {
                    double share = at[k] != NULL ? at[k][hour * REGION_NEEDS_MAX + need] / 100.0 : 1;
                    double absent = (1 - share) * odds;
                    w->team_share[i][need][k][hour] = share <= 0 ? 0 : share / (share + absent);
                }
            }
        }
    }
}

static int town_of(struct planning_world *w, struct text name, struct arena *arena) {
    for (int i = 0; i < w->town_count; i++) {
        if (text_equal(w->towns[i], name)) {
            return i;
        }
    }
    if (w->town_count == TOWNS_MAX) {
        return TOWNS_MAX - 1;
    }
    w->towns[w->town_count] = text_copy(arena, name);
    return w->town_count++;
}

enum district_column { AT_TOWN, AT_LAT, AT_LON, AT_BAND, AT_COUNT = AT_BAND + AGE_BANDS };
static const char *const column_names[AT_COUNT] = {
    "sigungu", "lat", "lon", "age_0_4", "age_5_14", "age_15_64", "age_65_74", "age_75_84", "age_85_up"};

static enum status read_head(int places[AT_COUNT], struct text line, struct scope *scope) {
    for (int i = 0; i < AT_COUNT; i++) {
        places[i] = -1;
    }
    for (int column = 0; line.at != NULL; column++) {
        struct text cell = text_trim(text_cut(&line, ','));
        for (int i = 0; i < AT_COUNT; i++) {
            if (text_is(cell, column_names[i])) {
                places[i] = column;
            }
        }
    }
    for (int i = 0; i < AT_COUNT; i++) {
        if (places[i] < 0) {
            return fault(scope, STATUS_INVALID, "districts.csv:1", "there is no column %s", column_names[i]);
        }
    }
    return STATUS_OK;
}

static enum status read_district(
    struct planning_world *w, const int places[AT_COUNT], struct text line, int number, struct scope *scope) {
    struct district *district = &w->districts[w->district_count];
    struct text cells[64] = {{0}};
    double values[AT_COUNT] = {0};
    for (int i = 0; i < 64 && line.at != NULL; i++) {
        cells[i] = text_trim(text_cut(&line, ','));
    }
    for (int i = AT_LAT; i < AT_COUNT; i++) {
        if (!text_to_double(&values[i], cells[places[i]]) || (i >= AT_BAND && values[i] < 0)) {
            return fault(scope, STATUS_INVALID,
                text_format(scope->arena, "districts.csv:%d:%s", number, column_names[i]).at, "a number is due");
        }
    }
    *district = (struct district){
        .point = {values[AT_LAT], values[AT_LON]}, .town = town_of(w, cells[places[AT_TOWN]], scope->arena)};
    for (int i = 0; i < AGE_BANDS; i++) {
        district->people[i] = values[AT_BAND + i];
        district->all += district->people[i];
    }
    w->district_count++;
    return STATUS_OK;
}

enum { DISTRICTS_MAX = 2048 };
static enum status read_districts(struct planning_world *w, struct text csv, struct scope *scope) {
    int places[AT_COUNT], number = 1;
    w->districts = ARENA_ARRAY(scope->arena, struct district, DISTRICTS_MAX);
    enum status status = read_head(places, text_cut(&csv, '\n'), scope);
    while (status == STATUS_OK && csv.at != NULL && w->district_count < DISTRICTS_MAX) {
        struct text line = text_trim(text_cut(&csv, '\n'));
        number++;
        if (line.size > 0) {
            status = read_district(w, places, line, number, scope);
        }
    }
    if (status == STATUS_OK && w->district_count == 0) {
        return fault(scope, STATUS_INVALID, "districts.csv", "there is no district");
    }
    return status;
}

static void measure_ways(struct planning_world *w, struct arena *arena) {
    int n = w->district_count, m = w->place_count;
    struct region_travel travel;
    w->by_district = ARENA_ARRAY(arena, double, (size_t)n *n);
    w->to_place = ARENA_ARRAY(arena, double, (size_t)n *m);
    w->between = ARENA_ARRAY(arena, double, (size_t)m *m);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            region_travel_estimate(&travel, &w->snapshot.travel, w->districts[i].point, w->districts[j].point);
            w->by_district[i * n + j] = travel.minutes;
        }
        for (int j = 0; j < m; j++) {
            w->to_place[i * m + j] = world_minutes(w, w->districts[i].point, j);
        }
    }
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < m; j++) {
            w->between[i * m + j] = world_minutes(w, w->places[i].point, j);
        }
    }
}

/* Stations: each vehicle in turn where it shortens the way to people most (greedy p-median); more than districts begin anew. */
static void place_vehicles(struct planning_world *w, struct arena *arena) {
    int n = w->district_count;
    w->vehicle_count = (int)w->p->vehicles;
    w->vehicle_station = ARENA_ARRAY(arena, int, (size_t)w->vehicle_count);
    double *least = ARENA_ARRAY(arena, double, (size_t)n);
    for (int v = 0; v < w->vehicle_count; v++) {
        int best = v % n;
        double best_gain = 0;
        for (int i = 0; i < n; i++) {
            least[i] = v % n == 0 ? 1000 : least[i];
        }
        for (int s = 0; s < n; s++) {
            double gain = 0;
            for (int i = 0; i < n; i++) {
                gain += w->districts[i].all * fmax(0, least[i] - w->by_district[s * n + i]);
            }
            if (gain > best_gain) {
                best_gain = gain;
                best = s;
            }
        }
        w->vehicle_station[v] = best;
        for (int i = 0; i < n; i++) {
            least[i] = fmin(least[i], w->by_district[best * n + i]);
        }
    }
}

static int pick(const double *cumulative, int count, double unit) {
    double target = unit * cumulative[count - 1];
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (cumulative[middle] > target) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

struct mix { /* cumulative weights */
    double conditions[CONDITIONS_MAX];
    double *origins; /* condition × (district × band) */
    int origin_count;
};
static void mix_open(struct mix *mix, const struct planning_world *w, struct arena *arena) {
    const struct planning_parameters *p = w->p;
    double sum = 0;
    mix->origin_count = w->district_count * AGE_BANDS;
    mix->origins = ARENA_ARRAY(arena, double, (size_t)p->condition_count * mix->origin_count);
    for (int c = 0; c < p->condition_count; c++) {
        double people = 0;
        sum += p->readings.conditions[c].share;
        mix->conditions[c] = sum;
        for (int i = 0; i < mix->origin_count; i++) {
            people += w->districts[i / AGE_BANDS].people[i % AGE_BANDS] * p->readings.conditions[c].ages[i % AGE_BANDS];
            mix->origins[c * mix->origin_count + i] = people;
        }
    }
}

static int level_seen(const struct planning_parameters *p, int level, double unit) {
    double over = p->readings.level_exact + p->readings.level_over, under = over + p->readings.level_under;
    int by = unit < p->readings.level_exact ? 0 : unit < over ? -1 : unit < under ? 1 : unit < (1 + under) / 2 ? -2 : 2;
    int seen = level + by;
    return seen < 1 ? 1 : seen > LEVELS ? LEVELS : seen;
}

static void make_patient(struct patient *out, const struct planning_world *w, const struct mix *mix, int n, double at) {
    const struct planning_parameters *p = w->p;
    uint64_t seed = w->span.seed, id = (uint64_t)n;
    int c = pick(mix->conditions, p->condition_count, random_unit(seed, STREAM_CONDITION, id, 0, 0));
    int origin =
        pick(&mix->origins[c * mix->origin_count], mix->origin_count, random_unit(seed, STREAM_PLACE, id, 0, 0));
    int band = origin % AGE_BANDS, from = p->readings.age_from[band];
    int to = band + 1 < AGE_BANDS ? p->readings.age_from[band + 1] : from + 10;
    const struct region_condition *condition = &p->readings.conditions[c];
    double levels[LEVELS], sum = 0, seen_unit = random_unit(seed, STREAM_SEEN, id, 0, 0);
    for (int i = 0; i < LEVELS; i++) {
        sum += condition->levels[i];
        levels[i] = sum;
    }
    *out = (struct patient){.call_at = at, .district = (int16_t)(origin / AGE_BANDS), .condition = (uint8_t)c};
    out->age_months = (int16_t)(12 * (from + (to - from) * random_unit(seed, STREAM_AGE, id, 0, 0)));
    out->level = (uint8_t)(1 + pick(levels, LEVELS, random_unit(seed, STREAM_LEVEL, id, 0, 0)));
    out->level_seen = (uint8_t)level_seen(p, out->level, random_unit(seed, STREAM_LEVEL_SEEN, id, 0, 0));
    out->seen = (uint8_t)c;
    for (int i = 0; i < condition->seen_count; i++) {
        double chance = region_condition_seen_as(condition, i, p->confusion);
        if (seen_unit < chance) {
            out->seen = (uint8_t)condition->seen_as[i];
            break;
        }
        seen_unit -= chance;
    }
    double normal = random_normal(random_unit(seed, STREAM_SCENE, id, 0, 0), random_unit(seed, STREAM_SCENE, id, 1, 0));
    out->scene_min = (float)fmax(3, p->scene_mean_min + p->scene_sd_min * normal);
}

static double rate_of(const struct planning_parameters *p, int hour) {
    bool night = hour >= NIGHT || hour < MORNING;
    return p->night_only > 0 && !night ? 0 : p->hours[hour];
}

static void make_patients(struct planning_world *w, struct arena *arena) {
    const struct planning_parameters *p = w->p;
    struct mix mix;
    mix_open(&mix, w, arena);
    double a_day = of_parameters(p, of_year(w)->calls);
    int most = (int)(a_day * (w->span.days + WARM_DAYS) * 1.2) + 1000;
    w->patients = ARENA_ARRAY(arena, struct patient, (size_t)most);
    double hours = 0;
    for (int i = 0; i < HOURS; i++) {
        hours += rate_of(p, i);
    }
    double at = -(double)WARM_DAYS * DAY_MIN;
    double left = random_exponential(1, random_unit(w->span.seed, STREAM_GAP, 0, 0, 0));
    while (at < w->end_at && w->patient_count < most) {
        double rate = a_day * rate_of(p, world_hour(at)) / hours / HOUR_MIN; /* a minute */
        double to = (floor(at / HOUR_MIN) + 1) * HOUR_MIN;
        if (rate * (to - at) <= left) {
            left -= rate * (to - at);
            at = to;
            continue;
        }
        at += left / rate;
        make_patient(&w->patients[w->patient_count], w, &mix, w->patient_count, at);
        w->patient_count++;
        left = random_exponential(1, random_unit(w->span.seed, STREAM_GAP, (uint64_t)w->patient_count, 0, 0));
    }
}

static void number_conditions(struct planning_world *w) {
    for (int c = 0; c < w->p->condition_count; c++) {
        const struct condition *condition = &w->p->conditions[c];
        struct condition_row *row = &w->rows[c];
        row->need = region_need_find(&w->snapshot, text_from(condition->need));
        for (int i = 0; i < condition->bed_count; i++) {
            int bed = region_bed_find(&w->snapshot, text_from(condition->beds[i]));
            if (bed >= 0) {
                row->beds[row->bed_count++] = bed;
            }
        }
    }
}

enum status planning_world_build(const struct planning_world **out, const struct region_snapshot *snapshot,
    const struct planning_parameters *parameters, struct text districts, const struct planning_span *span,
    struct scope *scope) {
    if (span->days < 1 || span->days > 366 || span->year < years[0].year || span->year >= years[0].year + YEAR_ROWS) {
        return fault(scope, STATUS_UNPROCESSABLE, "", "a span has 1 to 366 days of 2023, 2024 or 2025");
    }
    struct planning_world *w = ARENA_NEW(scope->arena, struct planning_world);
    uint8_t digest[DIGEST_SIZE];
    w->p = parameters;
    w->span = *span;
    w->base_us = of_year(w)->from_us;
    w->end_at = (double)span->days * DAY_MIN;
    digest_sha256(digest, districts);
    digest_text(w->region_hash, digest);
    enum status status = keep_places(w, snapshot, scope);
    if (status == STATUS_OK) {
        status = read_districts(w, districts, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    prepare_teams(w);
    measure_ways(w, scope->arena);
    place_vehicles(w, scope->arena);
    number_conditions(w);
    make_patients(w, scope->arena);
    *out = w;
    return STATUS_OK;
}

size_t planning_world_patients(const struct planning_world *world) {
    return (size_t)world->patient_count;
}

const char *planning_world_condition(const struct planning_world *world, int index) {
    return index < world->p->condition_count ? world->p->conditions[index].need : NULL;
}
