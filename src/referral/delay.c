/* What delay costs: published curves where there are some, else the step at the window of triage. */
#include <math.h>

#include "referral/rank.h"

#define INFARCTION_PER_30_MIN 1.036 /* mortality +3.6 % per 30 min: NORIC, PMC9496403 */
#define INFARCTION_WINDOW_MIN 120   /* first contact to device, else lysis and transfer: ACC/AHA 2025 */
#define INFARCTION_LATE .80         /* assumption: what a late device is worth of a timely one */
#define LYSIS_THEN_TRANSFER .95     /* assumption */
#define STROKE_PER_MINUTE (.01 / 9) /* about 1 in 100 worse per 9 min: Saver, JAMA 2016 */
#define STROKE_LARGE_VESSEL                                                                                            \
    .30                   /* assumption: share of suspected strokes for which thrombectomy is the definitive care */
#define WINDOW_PASSED .50 /* assumption: no slope without a source, only a step */
#define WINDOW_PASSED_STABILISED .60 /* assumption */

/* Assumption, time preference by level: after so many minutes a place is worth 1/e of one at once. */
static const double level_span_min[] = {180, 60, 90, 180, 360, 720};

/* Where minutes alone count: so long that e^(-m/span) is a straight line over any journey, whose slope the order does not see. */
#define MINUTES_ALONE_SPAN 1e4

static double infarction(double minutes, double first_min, double window_min) {
    if (first_min >= 0) {
        return pow(INFARCTION_PER_30_MIN, -first_min / 30) * LYSIS_THEN_TRANSFER;
    }
    double late = minutes > window_min ? INFARCTION_LATE : 1;
    return pow(INFARCTION_PER_30_MIN, -minutes / 30) * late;
}

static double stroke_at(double minutes) {
    return fmax(0, 1 - STROKE_PER_MINUTE * minutes);
}

/* Both routes weighed while nobody knows yet whether a large vessel is closed (compare RACECAT, JAMA Neurol 2023). */
static double stroke(double minutes, double first_min) {
    if (first_min < 0) {
        return stroke_at(minutes);
    }
    return (1 - STROKE_LARGE_VESSEL) * stroke_at(first_min) + STROKE_LARGE_VESSEL * stroke_at(minutes);
}

static double window_step(double minutes, double first_min, double window_min) {
    if (window_min <= 0 || minutes <= window_min) {
        return 1;
    }
    return first_min >= 0 && first_min <= window_min ? WINDOW_PASSED_STABILISED : WINDOW_PASSED;
}

double benefit_find(const struct rank *rank, double minutes, double first_min) {
    if (rank->patient->one_leg) {
        return 1;
    }
    double window_min = rank->patient->window_minutes;
    double least = 1;
    bool curved = false;
    for (size_t i = 0; i < rank->need_count; i++) {
        switch (rank->needs[i].trait->curve) {
        case DELAY_INFARCTION:
            least = fmin(least, infarction(minutes, first_min, window_min > 0 ? window_min : INFARCTION_WINDOW_MIN));
            curved = true;
            break;
        case DELAY_STROKE:
            least = fmin(least, stroke(minutes, first_min));
            curved = true;
            break;
        case DELAY_WINDOW:
            break;
        }
    }
    return curved ? least : window_step(minutes, first_min, window_min);
}

/* ---- the same as a curve, for plans --------------------------------------------------------------------------------- */

static enum delay_curve curve_of(const struct rank *rank) {
    enum delay_curve curve = DELAY_WINDOW;
    for (size_t i = 0; i < rank->need_count; i++) {
        enum delay_curve own = rank->needs[i].trait->curve;
        curve = own == DELAY_INFARCTION || (own == DELAY_STROKE && curve == DELAY_WINDOW) ? own : curve;
    }
    return curve;
}

void curve_find(struct referral_curve *out, const struct rank *rank) {
    double window_min = rank->patient->window_minutes;
    if (rank->patient->one_leg) {
        *out = (struct referral_curve){.span_min = MINUTES_ALONE_SPAN};
        return;
    }
    *out = (struct referral_curve){.span_min = level_span_min[rank->patient->level]};
    switch (curve_of(rank)) {
    case DELAY_INFARCTION:
        out->decay_per_min = log(INFARCTION_PER_30_MIN) / 30;
        out->threshold_min = window_min > 0 ? window_min : INFARCTION_WINDOW_MIN;
        out->beyond = INFARCTION_LATE;
        break;
    case DELAY_STROKE:
        out->slope_per_min = STROKE_PER_MINUTE;
        break;
    case DELAY_WINDOW:
        out->threshold_min = window_min;
        out->beyond = WINDOW_PASSED;
        break;
    }
}

void legs_find(struct referral_ask *out, const struct rank *rank, int missing_need) {
    const struct rank_need *missing = rank_need_find(rank, missing_need);
    enum delay_curve curve = missing == NULL ? DELAY_WINDOW : missing->trait->curve;
    out->later_weight = curve == DELAY_WINDOW ? AFTER_STABILISING_WEIGHT : AFTER_LYSIS_WEIGHT;
    switch (curve) {
    case DELAY_INFARCTION:
        out->first_share = 1;
        out->factor = LYSIS_THEN_TRANSFER;
        break;
    case DELAY_STROKE:
        out->first_share = 1 - STROKE_LARGE_VESSEL;
        break;
    case DELAY_WINDOW:
        out->first_share = (WINDOW_PASSED_STABILISED - WINDOW_PASSED) / (1 - WINDOW_PASSED);
        break;
    }
}

double preference_find(const struct rank *rank, double minutes) {
    double span = rank->patient->one_leg ? MINUTES_ALONE_SPAN : level_span_min[rank->patient->level];
    return exp(-fmax(0, minutes) / span);
}

double preference_expected(const struct rank *rank, int place, double minutes) {
    double preference = preference_find(rank, minutes);
    if (rank->patient->wrong != NULL) {
        const struct referral_wrong *wrong = &rank->patient->wrong[place];
        preference += wrong->chance * (preference_find(rank, minutes + wrong->minutes) - preference);
    }
    return preference;
}

#define ASK_LEAST_MIN                                                                                                  \
    10. /* assumption: what asking in vain costs at least, silence and the burden on those asked included */
#define RETURN_MIN 60. /* assumption: what it costs to arrive unasked and to be sent on */

/* In which order to ask: after a no the next is asked, so that a doubtful place costs the minutes of asking and no more. Of two
 * places the one with the greater q / (1 - d(1 - q)) x worth is better asked first, d being what is left after one question
 * (exchange argument; Weitzman 1979 without deadlines). Who is not asked but told arrives first and is refused then. */
double asking_find(const struct rank *rank, double chance, double answer_min) {
    double least = rank->patient->one_leg ? 0 : ASK_LEAST_MIN;
    double cost_min = rank->patient->extreme ? RETURN_MIN : fmax(least, answer_min);
    double left = preference_find(rank, cost_min);
    return chance / (1 - left * (1 - chance));
}
