/* naming: URLs, ids and codes of what this module writes and reads. Private to region. */
#ifndef SOYANG_REGION_NAMING_H
#define SOYANG_REGION_NAMING_H

#define NAMING_BASE "https://fhir.soyang.example"
#define NAMING_CODES NAMING_BASE "/CodeSystem/"
#define NAMING_EXTENSION NAMING_BASE "/StructureDefinition/"

/* Tags: which region a resource belongs to; what kind of statement it is. */
#define SYSTEM_REGION NAMING_CODES "region"
#define SYSTEM_LABEL NAMING_CODES "label"
#define LABEL_ASSUMED "assumed"
#define LABEL_NEIGHBOUR "neighbour"

#define SYSTEM_CONDITION NAMING_CODES "severe-condition"
#define SYSTEM_NEED NAMING_CODES "need"
#define SYSTEM_BED NAMING_CODES "board-bed"
#define SYSTEM_EQUIPMENT NAMING_CODES "board-equipment"
#define SYSTEM_NOTICE NAMING_CODES "board-notice" /* the codes are those of needs */
#define SYSTEM_COUNT NAMING_CODES "board-count"
#define SYSTEM_REASON NAMING_CODES "decline-reason"
#define SYSTEM_TIER NAMING_CODES "emergency-tier"
#define SYSTEM_STATE NAMING_CODES "referral-state"
#define SYSTEM_TRAIT NAMING_CODES "place-trait"
#define SYSTEM_DOCUMENT NAMING_CODES "document"
#define SYSTEM_ROLE NAMING_CODES "organization-role"
#define SYSTEM_DUTY NAMING_CODES "practitioner-role"
#define DUTY_ON_CALL "on-call"
/* KR Core 2.0.0, defined by HL7 Korea: used, never redefined. */
#define SYSTEM_KIND "http://www.hl7korea.or.kr/CodeSystem/hira-healthcare-organization-types"
#define SYSTEM_DEPARTMENT "http://www.hl7korea.or.kr/CodeSystem/hira-medical-department"

#define IDENTIFIER_HPID NAMING_BASE "/identifier/hpid"
#define IDENTIFIER_POST NAMING_BASE "/identifier/post"
#define IDENTIFIER_ADMINISTRATIVE NAMING_BASE "/identifier/administrative-code"

#define IDENTIFIER_POINT_OF_CARE NAMING_BASE "/identifier/point-of-care" /* PLACE/CODE, the code as PV1-3 writes it */
#define IDENTIFIER_VISIT NAMING_BASE "/identifier/visit"

#define MEASURE_BOARD NAMING_BASE "/Measure/board"
#define CAPACITY_PREFIX "capacity-"

#define EXTENSION_ASSUMED NAMING_EXTENSION "assumed"   /* rule, on-call */
#define EXTENSION_AGE NAMING_EXTENSION "age-limits"    /* from, below: years */
#define EXTENSION_RESPONSE NAMING_EXTENSION "response" /* minutes, night-factor, rule */
#define EXTENSION_BOUNDS NAMING_EXTENSION "bounds"     /* south, west, north, east */
#define EXTENSION_NEIGHBOURS NAMING_EXTENSION "neighbour-bounds"
#define EXTENSION_POPULATION NAMING_EXTENSION "population" /* total, bands, source, as-of */
#define EXTENSION_BEDS NAMING_EXTENSION "licensed-beds"    /* count, source, as-of */
#define EXTENSION_SAID                                                                                                 \
    NAMING_EXTENSION "said" /* of one count: at, by, and basis = when it was last typed, not followed */
#define EXTENSION_NOTICE NAMING_EXTENSION "notice" /* from, until, words */
#define EXTENSION_WARD_BED NAMING_EXTENSION "ward-bed"
#define EXTENSION_THEATRE NAMING_EXTENSION "in-theatre" /* of a Practitioner: until, at, by */
#define EXTENSION_SOURCE NAMING_EXTENSION "source"
#define EXTENSION_SHA256 NAMING_EXTENSION "sha-256"

#define DOCUMENT_REGION "region"
#define DOCUMENT_MAP "region-map"
#define DOCUMENT_ASSUMPTIONS "region-assumptions"
#define ROLE_CONTROL_ROOM "control-room"
#define ROLE_ASSUMPTIONS "assumptions" /* who "says" the counts that nobody stated */
/* The need that a designated emergency department meets by its designation; all others are known only where stated. */
#define NEED_EMERGENCY "SY-ED"

#endif
