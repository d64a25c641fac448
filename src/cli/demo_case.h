/* One patient's way through the demonstration. Private to cli. */
#ifndef SOYANG_CLI_DEMO_CASE_H
#define SOYANG_CLI_DEMO_CASE_H

#include "cli/demo.h"
#include "region/region.h"

/* What all patients share. */
struct demo {
    struct clock *clock;
    struct remote *remote;
    struct arena *arena; /* of the whole demonstration */
    const struct region_snapshot *snapshot;
    const yyjson_val *patients, *script;
    const char *language;
    struct text control_room; /* id of its Organization */
};
MUST_CHECK enum status demo_case_start(struct demo_case *c, const struct demo *demo, struct scope *scope);
/* Looks at the patient's Tasks and does what is due. */
MUST_CHECK enum status demo_case_step(struct demo_case *c, const struct demo *demo, struct scope *scope);
bool demo_case_is_over(const struct demo_case *c);
int64_t demo_case_next_us(const struct demo_case *c); /* when one of its actors acts next; INT64_MAX: they wait */

/* A place of the region in the demonstration's language; -1: `otherwise`. */
struct text demo_place_name(const struct demo *demo, int place, struct text otherwise);

#endif
