/* hl7: HL7 v2 messages in their bar notation (HL7 2.5.1, chapter 2), read and answered. Pure. Private to region.
 *
 * Separators are those the message names in MSH-1 and MSH-2. Segments end with CR; LF and CR LF are taken too. The bytes become UTF-8 by what
 * MSH-18 says (table 0211): none or ASCII, UNICODE UTF-8, KS X 1001 (EUC-KR), 8859/1; what does not fit it is refused.
 *
 * A problem is said once, with the place in the message, never with what stands there: it may be a patient's. */
#ifndef SOYANG_REGION_HL7_H
#define SOYANG_REGION_HL7_H

#include "base/base.h"

enum { HL7_MESSAGE_MAX = 256 * 1024, HL7_SEGMENTS_MAX = 512, HL7_CONTROL_ID_MAX = 199 };

/* Table 0357: what ERR-3 says. */
enum hl7_error {
    HL7_ACCEPTED = 0,
    HL7_SEQUENCE = 100, /* a segment is missing or broken */
    HL7_REQUIRED = 101,
    HL7_DATA = 102,
    HL7_TABLE = 103,
    HL7_MESSAGE_TYPE = 200,
    HL7_EVENT = 201,
    HL7_PROCESSING = 202,
    HL7_VERSION = 203,
    HL7_UNKNOWN_KEY = 204,
    HL7_DUPLICATE_KEY = 205,
    HL7_LOCKED = 206,
    HL7_INTERNAL = 207,
};
struct hl7_problem {
    enum hl7_error error;
    char segment[4]; /* "" : the message as a whole */
    int sequence;    /* the how many-th segment of that name, from 1 */
    int field;       /* 0: the segment */
    const char *text;
};
/* Says a problem. Returns false, so that it can be said in one line. */
bool hl7_refuse(
    struct hl7_problem *out, enum hl7_error error, const char *segment, int sequence, int field, const char *text);

struct hl7_segment {
    char name[4];
    struct text line;   /* the whole segment */
    struct text fields; /* behind the name and its separator; of MSH: from MSH-3 on */
};
struct hl7_message {
    struct text text; /* UTF-8 */
    char field, component, repetition, escape, subcomponent;
    struct hl7_segment segments[HL7_SEGMENTS_MAX];
    int segment_count;
};
/* False with *problem. Whatever MSH could be read is in `out` all the same: an answer needs it. */
bool hl7_parse(struct hl7_message *out, struct hl7_problem *problem, struct text bytes, struct arena *arena);

const struct hl7_segment *hl7_find(const struct hl7_message *message, const char *name); /* the first; NULL */
/* A component's first subcomponent of the first repetition, unescaped, numbered from 1; none where empty or HL7's null (""). */
struct text hl7_value(const struct hl7_message *message, const struct hl7_segment *segment, int field, int component,
    struct arena *arena);
/* YYYYMMDDHHMM[SS[.S…]][±ZZZZ]; without zone on a clock `zone_minutes` east of UTC. At least the minute must be there. */
bool hl7_time(int64_t *out_us, struct text value, int zone_minutes);

/* The acknowledgement (MSH, MSA, and ERR where something is wrong): AA; AE where the content is wrong; AR where the kind of message, its
 * version or its purpose is not taken, or the server failed. UTF-8, the usual separators. */
struct text hl7_acknowledge(const struct hl7_message *message, const struct hl7_problem *problem, const char *note,
    int64_t now_us, struct arena *arena);

#endif
