/* infer: what the expression itself tells of the types on its way. Fills the nodes' `parent` and `element`, so that
 * evaluation finds members without a search, and carries fhirpath_check. */
#ifndef SOYANG_FHIRPATH_INFER_H
#define SOYANG_FHIRPATH_INFER_H

#include "fhirpath/machine.h"

void infer_annotate(struct fhirpath *program);

#endif
