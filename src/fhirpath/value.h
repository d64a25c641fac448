/* value: items seen as System values: conversion, truth, equality, equivalence, order. */
#ifndef SOYANG_FHIRPATH_VALUE_H
#define SOYANG_FHIRPATH_VALUE_H

#include "fhirpath/decimal.h"
#include "fhirpath/machine.h"
#include "fhirpath/moment.h"
#include "fhirpath/order.h"
#include "fhirpath/unit.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_EMPTY };

/* The System value of an item; false for complex elements and for primitives without a value. */
bool item_value(struct fhirpath_item *out, const struct machine *machine, const struct fhirpath_item *item);
/* The same for a kind; integers count as decimals and, with unit 1, as quantities. */
bool item_decimal(struct decimal *out, const struct machine *machine, const struct fhirpath_item *item);
bool item_quantity(struct quantity *out, const struct machine *machine, const struct fhirpath_item *item);
bool item_moment(struct moment *out, const struct machine *machine, const struct fhirpath_item *item);
bool item_string(struct text *out, const struct machine *machine, const struct fhirpath_item *item);

struct fhirpath_item value_decimal(struct arena *arena, struct decimal decimal);
struct fhirpath_item value_quantity(struct arena *arena, const struct quantity *quantity);
struct fhirpath_item value_moment(struct arena *arena, const struct moment *moment);

/* A collection as a condition (FHIRPath 4.5): one item that is no boolean counts as true, several are a fault. */
MUST_CHECK enum status collection_truth(
    enum truth *out, struct machine *machine, const struct node *node, const struct collection *collection);

MUST_CHECK enum status items_equal(
    enum truth *out, struct machine *machine, const struct fhirpath_item *a, const struct fhirpath_item *b);
MUST_CHECK enum status items_equivalent(
    bool *out, struct machine *machine, const struct fhirpath_item *a, const struct fhirpath_item *b);
enum order items_order(const struct machine *machine, const struct fhirpath_item *a, const struct fhirpath_item *b);

MUST_CHECK enum status collection_contains(
    bool *out, struct machine *machine, const struct collection *collection, const struct fhirpath_item *item);
/* Appends to `out` each item of `more` that out does not hold yet. `out` must hold no duplicates. */
MUST_CHECK enum status collection_add_distinct(
    struct collection *out, struct machine *machine, const struct collection *more);

#endif
