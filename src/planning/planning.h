/* planning: a year of a region as discrete events, and ways of choosing a hospital compared in it.
 *
 * Pure but for the region's files that it is handed as text: same inputs, same bytes. No clock, no I/O; randomness is a hash of
 * (seed, stream, patient, hospital, hour), so that every policy meets the same patients, teams, other arrivals and answers
 * wherever the state is the same (common random numbers).
 *
 * Minutes everywhere, counted from the first midnight of the year, region's own clock. Synthetic patients only. What is assumed
 * says so in the parameters' file (regions/REGION/simulation.json): every value there names its source or "assumption".
 *
 * What a run promises: each patient ends exactly once; no pool of beds is ever used below zero; a vehicle has one errand at a
 * time. A broken promise ends the process (invariant).
 *
 * Threads. A world is immutable once built and may be shared by runs; a run belongs to one thread. */
#ifndef SOYANG_PLANNING_H
#define SOYANG_PLANNING_H

#include "base/base.h"
#include "region/region.h"

enum planning_policy {
    PLANNING_NEAREST,     /* telephone one by one, nearest first, whatever a place can do */
    PLANNING_CAPABLE,     /* the same over the static list of what places can do */
    PLANNING_PARALLEL3,   /* capable, several asked at once by terminal; the nearest yes counts */
    PLANNING_MEMORY,      /* capable, ordered by the answers that crews remember */
    PLANNING_NATIONAL,    /* the 2026 protocol: control room, boards, designation */
    PLANNING_SOYANG,      /* this program's engine */
    PLANNING_CLAIRVOYANT, /* knows needs, boards' truth and all that comes: the limit, see planning_bound */
    PLANNING_POLICIES,
    PLANNING_PRACTICE = PLANNING_POLICIES, /* what validation runs under: a mix of nearest and capable */
};
const char *planning_policy_name(enum planning_policy policy);
bool planning_policy_find(enum planning_policy *out, struct text name);

/* ---- parameters --------------------------------------------------------------------------------------------------- */

struct planning_parameters; /* frozen: read once */
/* simulation.json. Faults name the member; a value outside its own low..high is STATUS_UNPROCESSABLE. */
MUST_CHECK enum status planning_parameters_read(
    const struct planning_parameters **out, struct text json, struct scope *scope);
/* A copy with one number changed: for sensitivity. STATUS_NOT_FOUND for a name that is none. A number of the second reader (reader.NAME, or
 * reader.TEST.NAME) is changed in the world alone: the engine goes on believing the file. */
MUST_CHECK enum status planning_parameters_with(const struct planning_parameters **out,
    const struct planning_parameters *base, const char *name, double value, struct scope *scope);
const char *planning_parameters_hash(const struct planning_parameters *parameters); /* SHA-256 of the file, hex */
struct planning_assumption {
    const char *name, *source;
    double value, low, high;
    bool assumed, changed; /* changed: not as in the file */
};
const struct planning_assumption *planning_parameters_list(
    size_t *count_out, const struct planning_parameters *parameters);

/* ---- world and runs ----------------------------------------------------------------------------------------------- */

struct planning_world;
struct planning_span {
    uint64_t seed;
    int year; /* 2023, 2024 or 2025: how many call, and how often teams are absent */
    int days; /* 1..366, from 1 January, after a week that is not counted */
};
/* `districts` is the region's districts.csv. The snapshot must live as long as the world. */
MUST_CHECK enum status planning_world_build(const struct planning_world **out, const struct region_snapshot *snapshot,
    const struct planning_parameters *parameters, struct text districts, const struct planning_span *span,
    struct scope *scope);
size_t planning_world_patients(const struct planning_world *world);
const char *planning_world_condition(
    const struct planning_world *world, int index); /* its need's code; NULL behind the last */

enum planning_measure {
    PLANNING_ACCEPT_MEDIAN, /* minutes from the first inquiry to the acceptance, of those asked for */
    PLANNING_ACCEPT_P95,
    PLANNING_ASKED,        /* hospitals asked or told, per patient seen at level 1 to 3 */
    PLANNING_ASKED_SEVERE, /* the same of true levels 1 and 2 */
    PLANNING_FIRST_WRONG, /* severe: the first place cannot give what the patient needs, percent; a plan in two legs is right */
    PLANNING_LOCAL_MILD, /* true levels 4 and 5: treated outside a regional centre, or at one that is the nearest, percent */
    PLANNING_MINUTES_SEVERE, /* call to definitive care, mean; who is not placed counts the penalty */
    PLANNING_OVERLOAD, /* hours a year in which a regional centre of the province holds more patients than ED beds */
    PLANNING_PLACED,   /* percent of all patients */
    PLANNING_PLACED_SEVERE, /* percent of the severe */
    PLANNING_RETRANSFER,    /* sent on by the same ambulance, percent of transports */
    PLANNING_UNSAFE, /* severe: a place that could have stabilised was passed by and the journey took over an hour, percent */
    PLANNING_OVER60,      /* over 60 minutes from reaching the scene to the hospital, percent */
    PLANNING_RESPONSE,    /* minutes from the call to the scene, cardiac arrest */
    PLANNING_ARRANGED,    /* patients to be moved on between hospitals: arranged, percent */
    PLANNING_STAFF,       /* why they had to be moved: no team, percent of no team and no intensive-care bed */
    PLANNING_SPECIALIST,  /* why the same ambulance went on: nobody who treats it, percent of that and no bed */
    PLANNING_TRAUMA,      /* major trauma: minutes from the call to the first hospital, median */
    PLANNING_WRONG_HEART, /* heart attack: the first place cannot treat it at any time, percent */
    PLANNING_WRONG_SUSPECTED, /* taken for a heart attack by the crew: the first place cannot treat one at any time, percent */
    PLANNING_WRONG_STROKE, /* stroke: moved on from the first place, percent */
    PLANNING_FLIGHTS,      /* by the helicopter, a year */
    PLANNING_ECE, /* expected calibration error of the chance of a yes that the engine believed as it asked, percent */
    PLANNING_MEASURES,
};
/* How "heart and brain, from the scene to the hospital" may be read: what the patient has, or what the crew takes it for; from reaching
 * the scene, or from leaving it. */
enum planning_reading {
    PLANNING_VASCULAR,
    PLANNING_VASCULAR_LEAVING,
    PLANNING_SUSPECTED,
    PLANNING_SUSPECTED_LEAVING,
    PLANNING_READINGS
};
/* What `soyang` is told (or granted) that nobody could know, to see what knowing it would be worth: developers' runs, never policies. The last
 * three say who has the second reader of simulation.json (only `soyang`, unless they say otherwise). */
enum planning_ablation {
    PLANNING_TOLD_NEED = 1,     /* the condition that the patient has, instead of what the crew sees */
    PLANNING_TOLD_LEVEL = 2,    /* the true level */
    PLANNING_TOLD_ACCEPT = 4,   /* who would say yes now */
    PLANNING_TOLD_BOARD = 8,    /* beds and teams as they are */
    PLANNING_TOLD_NO_WAIT = 16, /* answers come at once */
    PLANNING_TOLD_VEHICLE = 32, /* the nearest station's vehicle is always free */
    PLANNING_TOLD_START = 64,   /* where the patient's true need can be treated as things stand */
    PLANNING_TOLD_TRANSFER =
        128, /* not told, granted: between hospitals it is refused no more often than a crew at a scene */
    PLANNING_NO_CONSULT = 8192,    /* the second reader's tests alone: no specialist is asked */
    PLANNING_NO_READER = 256,      /* soyang without the second reader at the scene */
    PLANNING_WITH_READER = 512,    /* another policy with it: asks for what the specialist reads, where one answered */
    PLANNING_TRANSFER_HALF = 2048, /* granted: half the odds of a refusal between hospitals */
    PLANNING_TRANSFER_OFFERS =
        4096, /* between hospitals it offers by terminal, several at once, as the level says, instead of telephoning */
    PLANNING_LIKELIEST = 1024, /* the same, but asks for what a severely ill patient who is read so most likely has */
};

/* Where the minutes of a severe patient go, one after the other; they sum to the minutes to definitive care. */
enum planning_part {
    PLANNING_PART_RESPONSE, /* call to scene */
    PLANNING_PART_SCENE,
    PLANNING_PART_ASKING,  /* after the crew was ready to leave */
    PLANNING_PART_FIRST,   /* the first way */
    PLANNING_PART_WAIT,    /* at the place of definitive care */
    PLANNING_PART_STAY,    /* at places that could not treat it, until the next departure */
    PLANNING_PART_ONWARD,  /* ways from place to place */
    PLANNING_PART_PENALTY, /* not placed: the penalty less what had passed (those parts are not counted) */
    PLANNING_PARTS,
};
/* Of one kind of patient. */
struct planning_parts {
    double minutes[PLANNING_PARTS]; /* sums */
    size_t patients;
};
enum { PLANNING_CONDITIONS_MAX = 32, PLANNING_FIRSTS = 5 };
/* Why the first place was no end. */
enum planning_first {
    PLANNING_FIRST_RIGHT,
    PLANNING_FIRST_PLANNED,
    PLANNING_FIRST_SCOPE,
    PLANNING_FIRST_TEAM,
    PLANNING_FIRST_BED
};

struct planning_estimate {
    double value, low, high; /* 95 %, by batch means over the span; NAN where nothing was counted */
};
struct planning_outcome {
    enum planning_policy policy;
    size_t patients, severe, mild;
    struct planning_estimate measures[PLANNING_MEASURES];
    double vascular_min[PLANNING_READINGS][32]; /* by city or county: heart and brain, scene to hospital, mean */
    size_t vascular_count[PLANNING_READINGS][32];
    double *batch_minutes; /* severe minutes by batch, for paired comparisons */
    size_t batch_count;
    struct planning_parts parts[PLANNING_CONDITIONS_MAX][PLANNING_FIRSTS]; /* severe; by the condition in truth */
    double processor_s;
    char digest[DIGEST_TEXT_SIZE]; /* of all decisions and ends, in order */
};
typedef void planning_progress(void *context, double share);
/* `record`: where every decision is written as a line of JSON with what it rested on; NULL: nowhere. */
struct planning_run_options {
    enum planning_policy policy;
    unsigned told; /* bits of enum planning_ablation */
    planning_progress *progress;
    void *context;
    struct buffer *record;
};
/* Of the mean difference between two policies' batch_minutes: half its 95 % interval, over the batches that both have; NAN under two. */
double planning_half_width(const double *batches, const double *others, size_t count);
MUST_CHECK enum status planning_run(struct planning_outcome *out, const struct planning_world *world,
    const struct planning_run_options *options, struct scope *scope);

/* Recomputes every decision of a record from its inputs; the status is STATUS_CONFLICT, with the line, at the first that
 * comes out in other bytes. */
MUST_CHECK enum status planning_replay(
    size_t *decisions_out, const struct planning_world *world, struct text record, struct scope *scope);

/* ---- the limit ---------------------------------------------------------------------------------------------------- */

/* A lower bound on the mean minutes from call to definitive care of the severe, over all policies. Each patient is assigned to a
 * place and a start, not before a team that comes from home could be told and come; a team starts at most `teams` patients in any
 * window of one procedure. Left out, so that it stays a bound: beds, asking, answers, vehicles that are away (the nearest station answers at once), what other policies did to teams outside
 * the window. `dual` is what weak duality certifies by itself: sum over patients of the least (cost + price) less the sum of
 * prices times capacities, with all prices >= 0. `primal` is the assignment's own cost. dual <= any policy's sum. */
struct planning_bound {
    size_t patients;
    double primal_mean, dual_mean;
    double batch_dual[32];
    size_t batch_count;
    size_t unservable; /* no place within the horizon: counted at the penalty */
};
MUST_CHECK enum status planning_bound_find(
    struct planning_bound *out, const struct planning_world *world, struct scope *scope);

/* Assignment with capacities: rows to columns, each row once, column j at most capacity[j] times; the last column is a place
 * of last resort without limit. Exact, by shortest augmenting paths; prices certify it. Costs finite, row-major. */
struct planning_assignment {
    int *column;   /* of each row */
    double *price; /* of each column, >= 0 */
    double cost, dual;
};
void planning_assign(struct planning_assignment *out, const double *cost, const int *capacity, size_t rows,
    size_t columns, struct arena *arena);

/* ---- validation --------------------------------------------------------------------------------------------------- */

enum { PLANNING_FITTED_YEAR = 2023, PLANNING_LAST_YEAR = 2025 };
struct planning_figure {
    const char *id, *figure, *source;
    int year;
    double predicted, predicted_low,
        predicted_high; /* mean over the runs and its 95 % interval (Student's t over runs) */
    double published;   /* NAN: kept back, or no such figure */
    double tolerance;
    bool held_out, judged, holds; /* judged: whether it must hold; others are only shown */
    bool fitted;                  /* free parameters are set on it; never later than PLANNING_FITTED_YEAR */
};
struct planning_validation {
    const struct planning_figure *figures;
    size_t count;
    int runs;
    double objective; /* of fitting: sum over the fitted figures of (misfit / tolerance) squared */
    bool holds;       /* every judged figure within its tolerance */
};
struct planning_validation_options {
    int runs;         /* with seeds 1, 2, ...; 1..16 */
    bool fitted_only; /* nothing but the fitted figures is simulated or told: who fits sees no other */
    planning_progress *progress;
    void *context;
};
MUST_CHECK enum status planning_validate(struct planning_validation *out, const struct region_snapshot *snapshot,
    const struct planning_parameters *parameters, struct text districts,
    const struct planning_validation_options *options, struct scope *scope);

#endif
