/* order: what a comparison may answer where precision, units or kinds can make it unanswerable. */
#ifndef SOYANG_FHIRPATH_ORDER_H
#define SOYANG_FHIRPATH_ORDER_H

enum order {
    ORDER_LESS = -1,
    ORDER_EQUAL = 0,
    ORDER_GREATER = 1,
    ORDER_UNKNOWN = 2,      /* both answers are possible: FHIRPath's empty */
    ORDER_INCOMPARABLE = 3, /* the two have nothing in common: not equal, and an error to ask which is less */
};

#endif
