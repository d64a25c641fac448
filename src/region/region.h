/* region: places, what they can do, their live capacity and how far to believe it, and the travel between them.
 *
 * Knows no particular region: a region is a folder of files (regions/README.md), loaded into the record as FHIR, and
 * gathered from there. Refuses to know triage and referral.
 *
 * Two halves. The engine is pure: structs in, numbers out. The gatherer keeps one snapshot of all places, made from
 * records and made anew after one of their resources changed.
 *
 * Threads. A snapshot is immutable and counted: hold it while you use it. */
#ifndef SOYANG_REGION_H
#define SOYANG_REGION_H

#include "base/base.h"
#include "records/records.h"

/* ---- places -------------------------------------------------------------------------------------------------------- */

enum region_tier {               /* of emergency departments; national designation */
    REGION_TIER_NONE,            /* no emergency department */
    REGION_TIER_REPORTED,        /* 응급실운영신고기관 */
    REGION_TIER_INSTITUTION,     /* 지역응급의료기관 */
    REGION_TIER_LOCAL_CENTRE,    /* 지역응급의료센터 */
    REGION_TIER_REGIONAL_CENTRE, /* 권역응급의료센터 */
};
const char *region_tier_text(enum region_tier tier, const char *language); /* "ko", "en" */

struct region_point {
    double latitude, longitude; /* degrees, WGS84 */
};

/* Needs are codes: the national severe conditions and the project's own list. They are numbered when a region is loaded. */
enum { REGION_NEEDS_MAX = 64, REGION_BEDS_MAX = 48, REGION_DEPARTMENTS_MAX = 128 };
struct region_code {
    struct text code, system, name_ko, name_en;
};

/* One count of a board: how many free, out of how many, when and by whom said. */
struct region_count {
    bool known;
    int free, total; /* free may be negative: patients beyond capacity; total 0: not stated */
    int64_t said_us;
    struct text author; /* reference */
};

/* One person on call at one place. Who it is stays in the record. */
struct region_duty {
    uint64_t needs;           /* bit n: whom the n-th need calls */
    int64_t from_us, to_us;   /* both included; INT64_MIN, INT64_MAX: no limit */
    int64_t theatre_until_us; /* in theatre until then; INT64_MIN: not */
};

/* A place says that it cannot take a need for a time. The words stay in the record. */
struct region_notice {
    int need;
    int64_t from_us, until_us; /* from: also when it was said */
};

struct region_place {
    struct text id; /* Organization id; Location has the same */
    struct text name_ko, name_en;
    struct text kind; /* HIRA type code: 01, 11, 21, 71 ... */
    enum region_tier tier;
    struct region_point point;
    uint64_t needs;         /* bit n: the n-th need of the snapshot can structurally be met here */
    uint64_t needs_sourced; /* of those: stated by a source, not assumed */
    uint64_t departments[REGION_DEPARTMENTS_MAX / 64]; /* bit n: the n-th department */
    int age_min_months[REGION_NEEDS_MAX],
        age_max_months[REGION_NEEDS_MAX]; /* both still taken; 0 and INT_MAX: no limit */
    bool closed;
    bool neighbour;                            /* lies in another province */
    bool control_room;                         /* has no position: its coordinates are NAN */
    bool post;                                 /* a public health post: no hospital */
    struct region_count beds[REGION_BEDS_MAX]; /* by bed kind of the snapshot */
    double answer_minutes;      /* mean time to answer an inquiry; assumption unless learned; 0: not stated */
    double answer_night_factor; /* times that at night; 1: not stated */
    /* Chance in percent that the need's team is there: [hour * REGION_NEEDS_MAX + need], by the region's own clock; 100 for
     * a need without a pattern. NULL: not stated. See region_on_call. */
    const uint8_t *on_call, *on_call_weekend;
    uint64_t declared_yes, declared_no; /* bit n: the place says that it takes, or does not take, the n-th need now */
    int64_t declared_us[REGION_NEEDS_MAX]; /* when, by need */
    const struct region_duty *duties;      /* people on call, where the place says who */
    size_t duty_count;
    const struct region_notice *notices; /* those that have ended too, until the report is written again */
    size_t notice_count;
    uint8_t call_in_minutes[REGION_NEEDS_MAX]; /* until a team that is called from home stands there */
    /* Of a decision's inputs alone: what the roads said when it was made. Minutes from the case's origin, and from here to each of the
     * snapshot's places (NAN: not by road). NULL and 0: the travel model, or the snapshot's own roads. */
    double road_min;
    const float *road_to;
};

/* How a count on a board ages (docs/region.md, Numbers): believed fully up to `fades_from_min`, not at all from
 * `ignored_after_min`, in between falling in a straight line. */
struct region_board_model {
    double fades_from_min, ignored_after_min;
};
extern const struct region_board_model region_board_default; /* 15 and 60 minutes */

struct region_road_table;
struct region_readings;
struct region_snapshot {
    const struct region_road_table *roads; /* NULL: none; the travel model estimates */
    uint64_t sequence;                     /* everything committed up to here is in it */
    struct text id, name_ko, name_en;
    const struct region_place *places;
    size_t place_count;
    struct region_code needs[REGION_NEEDS_MAX], beds[REGION_BEDS_MAX], departments[REGION_DEPARTMENTS_MAX];
    size_t need_count, bed_count, department_count;
    struct text bed_totals[REGION_BEDS_MAX], need_fields[REGION_NEEDS_MAX]; /* names in the national service; none */
    struct region_travel_model {
        double base_min, detour, near_km, near_kmh,
            far_kmh; /* minutes = base + 60·detour·(min(d,near)/near_kmh + max(d−near,0)/far_kmh) */
        struct text source;
    } travel;
    struct region_point south_west, north_east; /* coordinates outside are refused */
    int control_room;                           /* index into places; -1: none */
    int zone_minutes;                           /* of the region's own clock, east of UTC */
    size_t district_count;
    struct region_board_model board;        /* the policy's */
    struct text policy;                     /* the province's policy document, JSON */
    struct text policy_hash;                /* SHA-256, hex */
    const struct region_readings *readings; /* NULL: not stated; a reading is then taken as certain */
};
/* The needs that a region defines, before it is loaded: of its folder, which is read and checked as for loading, or of the Library that
 * keeps its files (none: it keeps no such list). */
struct region_needs {
    struct region_code codes[REGION_NEEDS_MAX];
    size_t count;
};
MUST_CHECK enum status region_needs_read(struct region_needs *out, const char *folder, struct scope *scope);
MUST_CHECK enum status region_needs_of(struct region_needs *out, const yyjson_val *library, struct scope *scope);
bool region_needs_have(const struct region_needs *needs, struct text code);

/* Index of a place, need, bed kind or department; -1 when unknown. */
int region_place_find(const struct region_snapshot *snapshot, struct text id);
int region_need_find(const struct region_snapshot *snapshot, struct text code);
int region_bed_find(const struct region_snapshot *snapshot, struct text code);
int region_department_find(const struct region_snapshot *snapshot, struct text code);

/* ---- engine (pure) --------------------------------------------------------------------------------------------------- */

/* Great-circle distance on a sphere of 6,371.0088 km (IUGG mean radius), haversine. */
double region_distance_km(struct region_point a, struct region_point b);
struct region_travel {
    double minutes, distance_km;
    bool estimated; /* by the model, not by a road graph */
};
void region_travel_estimate(struct region_travel *out, const struct region_travel_model *model,
    struct region_point from, struct region_point to);
/* From the origin of a case, or from one place to another, by what is best known: a decision's own inputs, roads, the model. */
void region_travel_from(
    struct region_travel *out, const struct region_snapshot *snapshot, struct region_point origin, int place);
void region_travel_between(struct region_travel *out, const struct region_snapshot *snapshot, int from, int to);
/* How far a count is still to be believed at `now_us`: 1 when fresh, fading over 15 minutes, 0 after 60 (law 4). */
double region_count_trust(const struct region_count *count, int64_t now_us);
/* The same by a province's own board model (snapshot->board). A count that is not known is not believed. */
double region_count_trust_under(
    const struct region_board_model *model, const struct region_count *count, int64_t now_us);
/* Chance in percent that a need's team is at the place at `now_us`; -1: not stated. A place that says it does not take the need now has
 * 5 percent at most, as far as that is still believed (the board's ages). */
int region_on_call(const struct region_snapshot *snapshot, const struct region_place *place, int need, int64_t now_us);
/* The notice by which the place says at `now_us` that it cannot take the need, of several the last to end; NULL: none. While it lasts
 * region_on_call is 5 percent at most, whatever its age: it says itself when it ends. */
const struct region_notice *region_notice_find(const struct region_place *place, int need, int64_t now_us);
/* When the first of those on call for a need comes out of theatre, where all of them are in it at `now_us`; else INT64_MIN (also where the
 * place does not say who is on call). */
int64_t region_theatre_until(const struct region_place *place, int need, int64_t now_us);

/* ---- what a reading may hide ------------------------------------------------------------------------------------------------
 *
 * A need that is read is not always the need that is there. The region's file of readings (assumed_files.readings of region.json; Gangwon:
 * simulation.json) states, each with its source: how often each condition comes, at which levels and ages, what it is taken for, and how far
 * a crew's level is right. The simulated year draws its patients from it and the engine reads it backwards (Bayes): one file, one reader. */

enum { REGION_CONDITIONS_MAX = 32, REGION_LEVELS = 5, REGION_AGE_BANDS = 6, REGION_SEEN_MAX = 6 };
struct region_condition {
    const char *need;                                     /* code */
    bool team;                                            /* people on call treat it */
    double share;                                         /* percent of those who come */
    double levels[REGION_LEVELS], ages[REGION_AGE_BANDS]; /* weights */
    int seen_as[REGION_SEEN_MAX]; /* index of another condition that it is taken for, with its chance */
    double seen_chance[REGION_SEEN_MAX];
    int seen_count;
};
/* A second reader at the scene: tests on what is measured anyway, and a specialist who is asked before the patient is moved. Each is an
 * observation with stated error rates, never the truth. */
enum { REGION_TESTS_MAX = 8 };
struct region_test {
    const char *id;
    uint32_t of;                            /* bit c: done where a crew reads condition c */
    int from_months;                        /* and from this age on */
    double done;                            /* share of these on whom it is done */
    double positive[REGION_CONDITIONS_MAX]; /* chance that it is positive, by the condition in truth */
};
struct region_consult {
    int level;       /* asked where the crew sees this level or a more urgent one; 0: nobody is asked */
    uint32_t not_of; /* bit c: nobody is asked where a crew reads condition c: it leaves at once */
    double answered; /* share of questions that are answered before the deadline */
    double minutes;  /* the deadline: so much later a place is looked for, answered or not */
    double
        kept; /* where the crew reads what is there: chance that the specialist does too; else, what may hide behind it */
    double
        found; /* where the crew reads something else: chance that the specialist reads what is there; else, what the crew reads */
};
struct region_readings {
    struct region_condition conditions[REGION_CONDITIONS_MAX];
    struct region_test tests[REGION_TESTS_MAX];
    int test_count;
    struct region_consult consult;
    int condition_count;
    double level_exact, level_over, level_under; /* shares; the rest is two off, half each way */
    int age_from[REGION_AGE_BANDS];              /* years */
    double scale;                                /* times every chance to be taken for something else */
    double stabilise_min, prepare_min, refuse,
        unplaced_min; /* at a place that cannot treat it; share of transfers refused; nobody takes it */
    /* Of the region and its snapshot, not of the file: */
    double people[REGION_AGE_BANDS];  /* residents */
    int needs[REGION_CONDITIONS_MAX]; /* of the snapshot; -1: it does not know it */
    const float *onward;              /* region_readings_onward_min */
};
/* Faults name the member. The texts live as long as the arena; people, needs and onward are not set. */
MUST_CHECK enum status region_readings_read(struct region_readings *out, const yyjson_val *root, struct scope *scope);
int region_readings_find(const struct region_readings *readings, struct text need); /* a condition; -1 */
/* How likely a condition is taken for its i-th other, with `scale` on all of these; together at most 1. */
double region_condition_seen_as(const struct region_condition *condition, int i, double scale);
struct region_seen {
    int condition, level, age_months; /* as the crew reads it; age below 0: not known */
    unsigned done, positive;          /* bit t: test t was done; and was positive */
    int consult;                      /* 0: no answer; else 1 + the condition that the specialist reads */
};
/* The tests that are due on such a patient, and whether a specialist is asked. */
unsigned region_tests_due(const struct region_readings *readings, const struct region_seen *seen);
bool region_consult_due(const struct region_readings *readings, const struct region_seen *seen);
/* How likely another condition hides behind what a crew reads, by share and confusion alone; 0 for `read` itself. Sums to 1, or to 0 where
 * nothing is taken for it. */
void region_hidden(double out[REGION_CONDITIONS_MAX], const struct region_readings *readings, int read);
/* The chance of each condition among the severely ill (true level 1 and 2) who are read like this: share × age × level as seen ×
 * condition as seen × each observation of the second reader (independent given the condition and the crew's reading), scaled to 1. Returns
 * the chance that somebody who is read like this is severely ill. Needs `people`. */
double region_readings_weigh(
    double out[REGION_CONDITIONS_MAX], const struct region_readings *readings, const struct region_seen *seen);
/* Sets `needs` and `onward` by a snapshot's places and roads. */
void region_readings_settle(
    struct region_readings *readings, const struct region_snapshot *snapshot, struct arena *arena);
/* Minutes from finding out at a place that it cannot treat a condition until it is treated elsewhere, as expected: to be stabilised, and then
 * one hospital after the other is asked, nearest first. */
double region_readings_onward_min(const struct region_snapshot *snapshot, int place, int condition, int age_months);
/* By structure and age limits alone; age below 0: not known, no limit counts. */
bool region_serves(const struct region_place *place, int need, int age_months);

/* ---- roads (docs/region.md) -------------------------------------------------------------------------------------------------
 *
 * A graph of the region's roads, made from OpenStreetMap, as one mapped file. Without one the travel model estimates. */

struct region_road_size {
    size_t ways, nodes, edges, left_out; /* left_out: nodes of roads that do not hang together with the rest */
};
typedef void region_road_progress(void *context, const char *phase, size_t done);
/* Reads FILE.osm.pbf (or .osm) and writes the graph to `target`, whole or not at all. STATUS_INVALID: no such file, cut, or
 * without roads. `progress` may be NULL. */
MUST_CHECK enum status region_road_import(struct region_road_size *out, const char *source, const char *target,
    region_road_progress *progress, void *context, struct scope *scope);

struct region_road_graph;
/* Checks the file whole. Close it before the arena ends. */
MUST_CHECK enum status region_road_graph_open(
    struct region_road_graph **out, const char *path, struct arena *arena, struct scope *scope);
void region_road_graph_close(struct region_road_graph *graph); /* accepts NULL */
struct region_road_size region_road_graph_size(const struct region_road_graph *graph);

struct region_road_conditions {
    double factor;              /* all minutes times this: weather, night; 0.5 to 10 */
    const int64_t *closed_ways; /* OpenStreetMap's numbers */
    size_t closed_count;
};
struct region_road_points {
    const struct region_point *points;
    size_t count;
};
/* minutes[i * to->count + j]: by road from the i-th to the j-th, NAN where none leads or a point lies more than 5 km from any. */
MUST_CHECK enum status region_road_minutes(double *minutes, const struct region_road_graph *graph,
    const struct region_road_conditions *conditions, const struct region_road_points *from,
    const struct region_road_points *to, struct scope *scope);

/* Minutes from every node to each of the region's places, made into FILE.minutes beside the graph: how ranking asks the roads.
 * STATUS_UNPROCESSABLE: no region is loaded. */
MUST_CHECK enum status region_road_table_make(size_t *places_out, const char *graph_path,
    const struct region_road_conditions *conditions, const struct region_snapshot *snapshot,
    region_road_progress *progress, void *context, struct scope *scope);
/* The same from minutes that somebody else knows: minutes[i * place_count + j] from place i to place j, NAN for none. The graph then has the
 * places alone as its nodes, and no roads. */
MUST_CHECK enum status region_road_table_keep(
    const char *graph_path, const struct region_snapshot *snapshot, const double *minutes, struct scope *scope);
/* Graph and table; STATUS_INVALID where they do not belong together. Close it after the last snapshot was given back. */
MUST_CHECK enum status region_road_table_open(
    struct region_road_table **out, const char *graph_path, struct arena *arena, struct scope *scope);
void region_road_table_close(struct region_road_table *table); /* accepts NULL */
/* NAN: the place is not in the table, has moved by 100 m, or no road leads there. */
double region_road_table_minutes(
    const struct region_road_table *table, struct region_point from, const struct region_place *to);

/* ---- gatherer ---------------------------------------------------------------------------------------------------------- */

struct region;
/* Registers its guards (capacity: who may say what, not from the future, no negative total, counts within 100,000 either way, at most 512
 * groups a board; coordinates inside the region). */
MUST_CHECK enum status region_open(struct region **out, struct records *records, struct scope *scope);
void region_close(struct region *region);
/* Snapshots that are made from now on ask these roads; call it before the first is held. `roads` outlives them all. */
void region_use_roads(struct region *region, const struct region_road_table *roads);
/* The latest; never NULL, may be empty (place_count 0) when no region is loaded. Counted: give it back. It may read the record, and so
 * waits for the store: never call it inside a unit of work. */
MUST_CHECK enum status region_hold(const struct region_snapshot **out, struct region *region, struct scope *scope);
/* The same inside a unit (guards, due handlers, units of upper modules): reads through the unit where something changed. */
MUST_CHECK enum status region_hold_within(
    const struct region_snapshot **out, struct region *region, struct records_unit *unit, struct scope *scope);
void region_release(const struct region_snapshot *snapshot);

/* Loads a region's folder into the record, in one unit, idempotently (unchanged files change nothing). Faults name file,
 * line and field; then nothing is written. `with_assumptions`: also assumptions.json, plainly labelled in the resources. */
enum region_assumptions { REGION_SOURCED_ONLY, REGION_WITH_ASSUMPTIONS };
struct region_loaded {
    size_t places, posts, districts, resources_written, resources_unchanged;
};
MUST_CHECK enum status region_load(struct region_loaded *out, struct records *records,
    const struct records_caller *caller, const char *folder, enum region_assumptions assumptions, struct scope *scope);

/* Takes one HL7 v2 ADT message (HL7 2.5.1; docs/region.md) and gives its acknowledgement, durable before it is given: occupancy and the
 * counts of a board follow admissions. A message that is not accepted has changed nothing. May wait; never inside a unit. */
struct text region_hl7_answer(struct region *region, struct text message, struct scope *scope);
enum { REGION_HL7_MESSAGE_MAX = 256 * 1024 };

/* One answer of the national emergency information service (docs/region.md): XML or JSON, told apart by its first sign. */
enum region_national_operation {
    REGION_NATIONAL_BEDS,
    REGION_NATIONAL_CONDITIONS,
    REGION_NATIONAL_NOTICES,
    REGION_NATIONAL_OPERATIONS
};
const char *region_national_name(enum region_national_operation operation); /* the service's own, for the URL */
struct region_national_page {
    int64_t total, page, rows; /* as the answer says; 0: it does not */
    size_t items, written, older, elsewhere,
        refused;     /* what became of its items; of notices: `written` and `older` count places */
    size_t over;     /* counts above the total that was agreed: taken without it */
    struct text why; /* of the first that was refused: where and what; none */
};
/* Writes what is newer than what is known, in one unit. STATUS_INVALID for an answer that is none, STATUS_UNAVAILABLE with the service's own
 * code and words where it says no; then nothing is written. */
MUST_CHECK enum status region_national_take(struct region_national_page *out, struct region *region,
    enum region_national_operation operation, struct text answer, struct scope *scope);

/* What the page's map needs, as JSON: outline, places, posts, names; no patient data. */
MUST_CHECK enum status region_map_json(struct text *out, struct region *region, struct scope *scope);

#endif
