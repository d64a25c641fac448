/* uploads: what the shelf knows of each upload, kept in step with the store. */
#ifndef SOYANG_TERMINOLOGY_UPLOADS_H
#define SOYANG_TERMINOLOGY_UPLOADS_H

#include "terminology/shelf.h"

/* Reads what was marked and is committed by now. Takes and leaves the locks. */
MUST_CHECK enum status uploads_refresh(struct terminology *terminology, struct scope *scope);
/* Under `lock`. */
void uploads_clear(struct terminology *terminology);
uint64_t uploads_hash(struct text url);

#endif
