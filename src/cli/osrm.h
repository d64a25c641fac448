/* Minutes between places from an OSRM-compatible `table` service. Private to cli. */
#ifndef SOYANG_CLI_OSRM_H
#define SOYANG_CLI_OSRM_H

#include "region/region.h"

/* minutes[i * place_count + j], NAN where the service knows no way or a place has no position. `url` is the service's base,
 * "http://127.0.0.1:5000"; asked in squares of at most 100 coordinates, the service's own default limit. STATUS_UNAVAILABLE: it does
 * not answer; STATUS_INVALID: its answer is not what was asked for. */
MUST_CHECK enum status osrm_minutes(double *minutes, const char *url, const struct region_snapshot *snapshot,
    region_road_progress *progress, void *context, struct scope *scope);

#endif
