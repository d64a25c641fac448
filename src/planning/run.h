/* run: one policy's year in progress. Private to planning.
 *
 *     run.c       events, vehicles, the patient's way     hospital.c  beds, teams, answers, boards
 *     choose.c    in which order to ask                    measure.c   what is counted, batches, intervals
 *     record.c    decisions as lines, and their replay */
#ifndef SOYANG_PLANNING_RUN_H
#define SOYANG_PLANNING_RUN_H

#include "planning/heap.h"
#include "planning/world.h"
#include "referral/referral.h"

#define HELI_GAIN_MIN 10. /* assumption: flown only where it saves as much */
enum { TEAMS_MAX = 5, LEGS_MAX = 4, BATCHES_MAX = 20, BELIEF_BINS = 10 };

enum run_event {
    EVENT_CALL,
    EVENT_SCENE,
    EVENT_SEARCH,
    EVENT_ANSWER,
    EVENT_ARRIVE,
    EVENT_VEHICLE,
    EVENT_OTHER,   /* somebody without 119: place, bed kind, which one */
    EVENT_RELEASE, /* place, bed kind */
    EVENT_BOARD,
};
enum answer {
    ANSWER_YES,
    ANSWER_SCOPE,
    ANSWER_STAFF,
    ANSWER_THEATRE,
    ANSWER_ICU,
    ANSWER_WARD,
    ANSWER_ED,
    ANSWER_OTHER,
    ANSWER_SILENT,
    ANSWERS,
};
enum order { ORDER_NEAREST, ORDER_CAPABLE, ORDER_MEMORY, ORDER_BOARDS, ORDER_ENGINE, ORDER_TRUTH };
struct mode {
    enum order order;
    bool quicker; /* telephones where a telephone answers sooner than a terminal */
    bool digital, rolling, notify, at_once;
    bool confirm; /* a control room that designates when it is late */
};

enum journey_state {
    JOURNEY_WAITING,
    JOURNEY_TO_SCENE,
    JOURNEY_SEARCHING,
    JOURNEY_TRAVELLING,
    JOURNEY_MOVING,
    JOURNEY_ENDED
};
struct journey {
    enum journey_state state;
    int vehicle; /* -1: none with the patient */
    double scene_at, ready_at, first_ask_at, search_from, told_at;
    double left_at; /* the scene */
    int leg;        /* 0: from the scene */
    int at_place;   /* legs from 1: where the patient is */
    int place;      /* where to */
    int second;     /* planned second leg; -1 */
    int roll_place;
    double roll_from;
    uint64_t tried;
    int order[PLACES_MAX], order_second[PLACES_MAX];
    int order_count, next, open, asked, asked_leg, parallel;
    unsigned search; /* answers to an older search count no more */
    int held_place, held_bed;
    int waves;
    int yes; /* asked side by side: the nearest that said yes, while a nearer one has not answered; -1 */
    int now; /* the engine's: how many of `order` to ask now */
    struct referral_open open_offers[REFERRAL_PLAN_MAX]; /* since_min: when asked, on the run's clock */
    struct referral_asked asked_of[REFERRAL_PLAN_MAX];   /* what the engine knew when it asked them */
    double believed[REFERRAL_PLAN_MAX];                  /* chance of a yes */
    int open_count;
    bool same_vehicle, planned, designated, wrong, retransferred, moved_on;
    bool read_again;         /* the second reader has said what it says */
    struct region_seen seen; /* what was read at the scene */
    int read;                /* the condition that is asked for */
    double mark;             /* until when the parts are counted */
    double parts[PLANNING_PARTS];
    enum planning_first first;
};
struct vehicle {
    int station;
    bool free;
    int patient; /* -1 */
};
struct tally { /* one batch */
    double sum[PLANNING_MEASURES], count[PLANNING_MEASURES];
};
struct accept_time {
    float minutes;
    int batch;
};
struct remembered {
    double yes, no, at;
};
struct run {
    const struct planning_world *world;
    const struct planning_parameters *p;
    enum planning_policy policy;
    unsigned told; /* bits of enum planning_ablation */
    struct scope *scope;
    struct arena *choice_arena; /* reset after every decision */
    bool reader;                /* a second reader at the scene */
    struct heap heap;
    double now;
    struct journey *journeys;
    struct vehicle *vehicles;
    int *queue;
    int queue_head, queue_tail;
    double heli_until;
    int used[PLACES_MAX][REGION_BEDS_MAX];
    double busy_until[PLACES_MAX][REGION_NEEDS_MAX][TEAMS_MAX];
    /* what the boards say: the snapshot that choosers see */
    struct region_snapshot seen;
    struct region_place seen_places[PLACES_MAX];
    uint8_t *seen_on_call[PLACES_MAX][2];
    uint64_t said_team[PLACES_MAX]; /* bit n: the board says that need n's team is there */
    double said_at[PLACES_MAX];
    int boards_typed[PLACES_MAX];
    struct remembered memory[PLACES_MAX][CONDITIONS_MAX];
    struct referral_belief belief, between; /* of what is asked from a scene, and by a hospital */
    struct referral_learned learned[PLACES_MAX];
    struct region_readings readings;              /* as the engine believes them, with the province's people */
    double onward[2][PLACES_MAX][CONDITIONS_MAX]; /* adult, child: from a place that cannot treat it until care */
    struct referral_wrong wrong[PLACES_MAX];
    struct referral_asked asking_now[PLACES_MAX]; /* of the latest ranking, by place */
    /* counting */
    struct tally tallies[BATCHES_MAX];
    int batch_count;
    struct accept_time *accepted;
    size_t accepted_count;
    bool over[PLACES_MAX];
    double over_from[PLACES_MAX];
    double vascular_sum[PLANNING_READINGS][TOWNS_MAX];
    size_t vascular_count[PLANNING_READINGS][TOWNS_MAX];
    struct accept_time *trauma; /* call to hospital */
    size_t trauma_count;
    double believed_sum[BELIEF_BINS], yes_sum[BELIEF_BINS], asked_sum[BELIEF_BINS];
    struct planning_parts parts[PLANNING_CONDITIONS_MAX][PLANNING_FIRSTS];
    size_t ended, started;
    uint64_t digest;
    size_t decisions;
    struct buffer *record;
};

/* What the chooser takes the patient for on this leg: at the scene as seen, between hospitals as it is. */
int run_condition(const struct run *run, int patient);
int run_level(const struct run *run, int patient);
struct mode run_mode(const struct run *run, int patient);
void run_open(struct run *run, const struct planning_world *world, enum planning_policy policy, struct scope *scope);

/* hospital.c */
bool hospital_bed_free(const struct run *run, int place, int condition, int *bed_out);
void hospital_use(struct run *run, int place, int bed, int by);
enum answer hospital_answer(struct run *run, int patient, int place);
/* When definitive care can start for the patient's true need, from now on within the hold; INFINITY and why where it cannot. */
double hospital_start(const struct run *run, int patient, int place, double from, enum answer *why_out);
void hospital_start_others(struct run *run);
void hospital_other(struct run *run, const struct event *event);
void hospital_board(struct run *run, int place);
void hospital_board_next(struct run *run, int place);
void hospital_true(struct run *run, int place); /* the board says what is so */
void hospital_said(
    struct run *run, int place, const int *free, uint64_t teams, double at); /* a board entry takes effect */

/* choose.c: fills the journey's order for its present leg */
struct asking { /* what a chooser may know */
    double at;
    struct region_point from;
    int district;   /* -1: from a place */
    int from_place; /* -1: from the scene */
    int condition, level, age_months;
    struct region_seen seen; /* from a scene: as the crew reads it, and what the second reader says */
    uint64_t tried;
    int patient;                                  /* for the clairvoyant only */
    double ready;                                 /* when the crew is done at the scene, as far as is usual */
    double since;                                 /* when the search began */
    struct referral_open open[REFERRAL_PLAN_MAX]; /* asked and not answered, minutes ago */
    int open_count;
    bool heli; /* the helicopter is at its base */
};
bool choose_extreme(const char *need);
bool choose_vascular(const char *need);
/* By the channels' characteristics, which are the same for every policy: mean minutes until one question is answered. */
bool choose_telephone(const struct planning_parameters *p, double at);
void asking_of(struct asking *out, const struct run *run, int patient);
MUST_CHECK enum status choose(struct journey *out, struct run *run, const struct asking *asking);
/* What an answer teaches, to crews that remember and to the engine. */
struct lesson {
    int place, condition;
    bool between; /* a hospital asked */
    enum answer answer;
    double at, answer_min;
    struct referral_asked asked; /* looked at where the engine chooses */
};
void learn(struct run *run, const struct lesson *lesson);

/* doubt.c: how likely each place cannot treat what the patient has in truth, as far as a crew's reading tells, and what that costs */
void doubt_open(struct run *run);
/* reader.c: what the second reader says of a patient at the scene, drawn from the truth by its error rates; and whether a specialist is
 * asked, so that a place is looked for later. The truth itself goes no further. */
void reader_look(struct run *run, int patient);
double reader_minutes(const struct run *run, int patient);

/* Weighed by whose minutes count: places are compared as if the patient were one of the severe. Returns the chance that it is one. */
double doubt_find(struct referral_wrong out[PLACES_MAX], const struct run *run, const struct asking *asking);

/* measure.c */
int measure_batch(const struct run *run, double at); /* -1: in the week before */
void measure_add(struct run *run, double at, enum planning_measure measure, double value, double count);
void measure_end(struct run *run, int patient, double start_at, bool placed);
void measure_over(struct run *run, int place);
void measure_belief(struct run *run, double believed, bool yes);
struct planning_estimate measure_mean(const double *values, int count); /* of independent runs */
MUST_CHECK enum status measure_finish(struct planning_outcome *out, struct run *run, struct scope *scope);

/* record.c. Times in a record have six decimals, so what they time is rounded to as many before it is used: the nearest double
 * of a decimal is read back as itself. */
double record_time(double at);
void record_board(struct run *run, int place, const int *free, uint64_t teams, double at);
void record_head(struct run *run);
void record_answer(struct run *run, const struct lesson *lesson);
void record_decision(struct run *run, const struct asking *asking, const struct journey *chosen);

#endif
