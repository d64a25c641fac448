/* parameters: simulation.json as numbers. Private to planning. Read-only after reading. */
#ifndef SOYANG_PLANNING_PARAMETERS_H
#define SOYANG_PLANNING_PARAMETERS_H

#include "planning/planning.h"

#define PARAMETER_ROWS(X)                                                                                              \
    X(calls_per_day_2023)                                                                                              \
    X(calls_per_day_2024)                                                                                              \
    X(calls_per_day_2025)                                                                                              \
    X(absent_odds_2024)                                                                                                \
    X(absent_odds_2025)                                                                                                \
    X(drift_odds)                                                                                                      \
    X(confusion)                                                                                                       \
    X(engine_confusion)                                                                                                \
    X(engine_parallel)                                                                                                 \
    X(engine_ask_cost)                                                                                                 \
    X(vehicles)                                                                                                        \
    X(turnout_min)                                                                                                     \
    X(scene_mean_min)                                                                                                  \
    X(scene_sd_min)                                                                                                    \
    X(assess_min)                                                                                                      \
    X(turnaround_min)                                                                                                  \
    X(night_travel)                                                                                                    \
    X(snow_travel)                                                                                                     \
    X(snow_day_chance)                                                                                                 \
    X(phone_mean_min)                                                                                                  \
    X(phone_next_min)                                                                                                  \
    X(answer_night)                                                                                                    \
    X(digital_response)                                                                                                \
    X(digital_mean_min)                                                                                                \
    X(digital_limit_min)                                                                                               \
    X(digital_parallel)                                                                                                \
    X(asks_max)                                                                                                        \
    X(search_max_min)                                                                                                  \
    X(ed_load)                                                                                                         \
    X(icu_load)                                                                                                        \
    X(ward_load)                                                                                                       \
    X(ed_stay_h)                                                                                                       \
    X(mild_stay_h)                                                                                                     \
    X(icu_stay_h)                                                                                                      \
    X(ward_stay_h)                                                                                                     \
    X(theatre_busy)                                                                                                    \
    X(procedure_min)                                                                                                   \
    X(teams)                                                                                                           \
    X(refuse_base)                                                                                                     \
    X(hour_shock)                                                                                                      \
    X(ed_full_refuse)                                                                                                  \
    X(answer_error)                                                                                                    \
    X(turn_away)                                                                                                       \
    X(practice_nearest)                                                                                                \
    X(practice_nearest_vascular)                                                                                       \
    X(practice_nearest_trauma)                                                                                         \
    X(hold_wait_min)                                                                                                   \
    X(stabilise_min)                                                                                                   \
    X(transfer_prepare_min)                                                                                            \
    X(penalty_min)                                                                                                     \
    X(board_interval_min)                                                                                              \
    X(board_delay_min)                                                                                                 \
    X(board_false)                                                                                                     \
    X(board_bias)                                                                                                      \
    X(memory_half_life_days)                                                                                           \
    X(memory_cost_min)                                                                                                 \
    X(national_confirm_min)                                                                                            \
    X(national_designate_min)                                                                                          \
    X(heli_from_h)                                                                                                     \
    X(heli_to_h)                                                                                                       \
    X(heli_weather)                                                                                                    \
    X(heli_reach_km)                                                                                                   \
    X(heli_kmh)                                                                                                        \
    X(heli_launch_min)                                                                                                 \
    X(heli_load_min)                                                                                                   \
    X(night_only)                                                                                                      \
    X(ambulance_travel)                                                                                                \
    X(transfer_refuse)                                                                                                 \
    X(transfer_tries)                                                                                                  \
    X(first_aid_yes)

enum {
    CONDITIONS_MAX = REGION_CONDITIONS_MAX,
    LEVELS = REGION_LEVELS,
    AGE_BANDS = REGION_AGE_BANDS,
    HOURS = 24,
    CONDITION_BEDS_MAX = 4,
    FIGURES_MAX = 64,
    NO_FLIGHT_MAX = 16,
    READER_NUMBERS_MAX = 4 + 3 * REGION_TESTS_MAX
};
enum stay { STAY_HOME, STAY_WARD, STAY_ICU };
/* What only the simulation knows of a condition; the rest is in `readings`, by the same index. */
struct condition {
    const char *need;
    const char *beds[CONDITION_BEDS_MAX];
    int bed_count;
    enum stay stay;
    bool team;
    int window_min;
};
struct figure_row {
    const char *id, *figure, *source, *measure;
    double published; /* NAN: kept back, or none */
    double tolerance;
    int year;
    bool held_out, judged, fitted;
};
/* One number of the second reader. Changed, it is so in the simulated world; what the engine believes stays as the file says. */
enum reader_kind {
    READER_ANSWERED,
    READER_MINUTES,
    READER_KEPT,
    READER_FOUND,
    READER_DONE,
    READER_POSITIVE,
    READER_OTHERWISE
};
struct reader_number {
    enum reader_kind kind;
    int test;
    uint32_t stated; /* bit c: the test names condition c */
};
struct planning_parameters {
#define X(name) double name;
    PARAMETER_ROWS(X)
#undef X
    double hours[HOURS];
    struct region_readings readings;                         /* as things are */
    struct region_readings believed;                         /* as the file states them: what the engine goes by */
    struct reader_number reader_numbers[READER_NUMBERS_MAX]; /* behind the others in `list` */
    const char *no_flight[NO_FLIGHT_MAX]; /* cities and counties that the helicopter does not reach */
    int no_flight_count;
    struct condition conditions[CONDITIONS_MAX];
    int condition_count;
    struct figure_row figures[FIGURES_MAX];
    size_t figure_count;
    struct planning_assumption *list;
    size_t list_count;
    char hash[DIGEST_TEXT_SIZE];
};

#endif
