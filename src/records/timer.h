/* timer: the thread that makes due times fall due. */
#ifndef SOYANG_RECORDS_TIMER_H
#define SOYANG_RECORDS_TIMER_H

#include "records/service.h"

struct timer;
/* As long as the records are open; its thread runs from records_timer_start to records_timer_stop. */
MUST_CHECK enum status timer_open(struct timer **out, struct records *records, struct scope *scope);
void timer_close(struct timer *timer); /* accepts NULL */
/* A unit was committed: it may have set an earlier due time. */
void timer_nudge(struct timer *timer);

#endif
