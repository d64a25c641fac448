/* How far a count is to be believed, by its age: pure. */
#include "region/region.h"

#define US_PER_MINUTE 60e6

/* Counts over 15 minutes old fade, over 60 they do not count (docs/region.md, Numbers). A province's policy may say
 * otherwise (policy.json, board). */
const struct region_board_model region_board_default = {.fades_from_min = 15, .ignored_after_min = 60};

double region_count_trust_under(
    const struct region_board_model *model, const struct region_count *count, int64_t now_us) {
    if (!count->known) {
        return 0;
    }
    double age_min = (double)(now_us - count->said_us) / US_PER_MINUTE;
    if (age_min <= model->fades_from_min) {
        return 1; /* also a reporter's clock a little ahead of ours */
    }
    if (age_min >= model->ignored_after_min) {
        return 0;
    }
    return (model->ignored_after_min - age_min) / (model->ignored_after_min - model->fades_from_min);
}

double region_count_trust(const struct region_count *count, int64_t now_us) {
    return region_count_trust_under(&region_board_default, count, now_us);
}
