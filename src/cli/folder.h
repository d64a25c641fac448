/* An open data folder with everything on top of it. Private to cli. */
#ifndef SOYANG_CLI_FOLDER_H
#define SOYANG_CLI_FOLDER_H

#include "records/records.h"
#include "referral/referral.h"
#include "region/region.h"

struct folder {
    struct clock *clock;
    struct store *store;
    struct terminology *terminology;
    struct search *search;
    struct records *records;
    struct region *region;
    struct region_road_table *roads;
    struct referral *referral;
};
struct folder_config {
    const char *path;
    enum folder_making { FOLDER_MADE, FOLDER_STANDS } making; /* where there is none: it is made, or that is a fault */
    double speed;                                             /* of the clock; 1: real time */
    const char *public_base;                                  /* NULL: the server's own */
    enum records_reference_policy references;
    enum records_delete_policy deletes;
    enum records_audit audit;
    const char *roads;      /* a road graph with its table; NULL: none */
    size_t memory_rows_max; /* index rows that the store keeps in memory; 0: its default */
    enum store_packing packing;
};
enum { FOLDER_ZONE_KOREA_MINUTES = 540 };
/* STATUS_NOT_FOUND unless a store is there: who only reads makes none. */
MUST_CHECK enum status folder_stands(const char *path, struct scope *scope);
/* STATUS_CONFLICT when another process has it. */
MUST_CHECK enum status folder_open(struct folder *out, const struct folder_config *config, struct scope *scope);
void folder_close(struct folder *folder);
/* The local operator: who acts when the command line acts. */
extern const struct records_caller folder_operator;

#endif
