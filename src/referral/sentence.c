/* Why an option stands where it stands: whole sentences with numbers and units, Korean and English. */
#include <string.h>

#include "referral/rank.h"

#define LEARNED_FROM 1.  /* answers, before a chance is called learned */
#define DOUBT_FROM .01   /* what is less likely is weighed, but not told */
enum { DATE_SIZE = 10 }; /* 2026-11-22T22:00... */
#define NEVER_FROM .999  /* of the doubt: the place does not have it at any hour */

static void say(struct candidate *candidate, const char *code, struct text ko, struct text en) {
    struct referral_option *option = &candidate->option;
    if (option->reason_count < REFERRAL_REASONS_MAX) {
        option->reasons[option->reason_count++] = (struct referral_reason){code, ko, en};
    }
}

static struct text name_en(const struct region_code *code) {
    return code->name_en.size > 0 ? code->name_en : code->name_ko;
}

static void say_local(struct candidate *c, const struct rank *rank, struct arena *arena) {
    (void)arena;
    if (!c->local) {
        return;
    }
    if (c->option.place == rank->patient->origin_place) {
        say(c, "local", TEXT("지금 있는 곳에서 진료가 충분합니다."), TEXT("Care where the patient is now is enough."));
    } else {
        say(c, "local", TEXT("가까운 기관의 진료로 충분합니다."),
            TEXT("The nearest place that treats this is enough."));
    }
}

static void say_way(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct referral_option *o = &c->option;
    if (o->place == rank->patient->origin_place) {
        return;
    }
    say(c, "travel",
        text_format(arena, "이동 %.0f분(%.1f km%s), 응답 %.0f분, 진료 대기 %.0f분.", o->travel_min, o->distance_km,
            o->estimated ? ", 추정" : "", o->answer_min, o->wait_min),
        text_format(arena, "%.0f min on the way (%.1f km%s), %.0f min for an answer, %.0f min of waiting.",
            o->travel_min, o->distance_km, o->estimated ? ", estimated" : "", o->answer_min, o->wait_min));
}

static void say_legs(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct referral_option *o = &c->option;
    if (o->missing_need < 0) {
        return;
    }
    const struct region_code *need = &rank->snapshot->needs[o->missing_need];
    struct text en = name_en(need);
    if (o->second_place < 0) {
        say(c, "missing-need",
            text_format(arena,
                "%.*s을(를) 하는 기관이 범위 안에 없습니다. 여기서 안정화하고 상황실이 다음 기관을 찾습니다.",
                (int)need->name_ko.size, need->name_ko.at),
            text_format(arena, "No place in reach serves %.*s: stabilise here while the control room looks further.",
                (int)en.size, en.at));
        return;
    }
    const struct region_place *second = &rank->snapshot->places[o->second_place];
    struct text second_en = second->name_en.size > 0 ? second->name_en : second->name_ko;
    say(c, "two-legs",
        text_format(arena,
            "두 단계: 여기서 %.0f분에 안정화한 뒤 %.*s(으)로 %.0f분 더(머무름 포함) 가서 %.*s을(를) 받습니다.",
            c->first_min, (int)second->name_ko.size, second->name_ko.at, o->second_leg_min, (int)need->name_ko.size,
            need->name_ko.at),
        text_format(arena,
            "Two legs: stabilised here at %.0f min, then %.0f min more (stay included) to %.*s for %.*s.", c->first_min,
            o->second_leg_min, (int)second_en.size, second_en.at, (int)en.size, en.at));
}

static void say_needs(struct candidate *c, const struct rank *rank, struct arena *arena) {
    if (c->option.missing_need >= 0) {
        return;
    }
    for (size_t i = 0; i < rank->need_count && i < 2; i++) {
        const struct region_code *need = &rank->snapshot->needs[rank->needs[i].index];
        const struct region_place *place = &rank->snapshot->places[c->option.place];
        bool sourced = (place->needs_sourced >> rank->needs[i].index & 1) != 0;
        struct text en = name_en(need);
        say(c, "need",
            text_format(
                arena, "%.*s 가능(%s).", (int)need->name_ko.size, need->name_ko.at, sourced ? "공표된 정보" : "가정"),
            text_format(arena, "Serves %.*s (%s).", (int)en.size, en.at, sourced ? "published" : "assumed"));
    }
}

static void say_benefit(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct referral_option *o = &c->option;
    int window = rank->patient->window_minutes;
    if (window > 0) {
        bool within = o->minutes <= window;
        say(c, "window",
            text_format(
                arena, "근치 진료까지 %.0f분, 권고 시간 %d분%s.", o->minutes, window, within ? " 이내" : "을 넘음"),
            text_format(arena, "%.0f min to definitive care, %s the recommended %d min.", o->minutes,
                within ? "within" : "beyond", window));
    }
    if (o->benefit < .9995) {
        say(c, "benefit", text_format(arena, "지연으로 남는 효과 %.0f %%.", o->benefit * 100),
            text_format(arena, "%.0f %% of the benefit is left after the delay.", o->benefit * 100));
    }
}

static void say_board(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct chance *chance = &c->chance;
    if (chance->count_bed < 0) {
        say(c, "no-board", TEXT("병상 현황을 알 수 없습니다."),
            TEXT("The board says nothing about the beds that matter."));
        return;
    }
    const struct region_code *bed = &rank->snapshot->beds[chance->count_bed];
    struct text en = name_en(bed);
    double trust = rank->patient->tells_learned ? chance->count_trust : chance->count_trust_by_age;
    const char *ko_old = trust <= 0 ? ", 오래되어 반영하지 않음" : trust < 1 ? ", 일부만 반영" : "";
    const char *en_old = trust <= 0 ? ", too old to count" : trust < 1 ? ", counted in part" : "";
    say(c, trust <= 0 ? "stale-board" : "board",
        text_format(arena, "%.*s %d병상(%.0f분 전 입력%s).", (int)bed->name_ko.size, bed->name_ko.at,
            chance->count_free, chance->count_age_min, ko_old),
        text_format(arena, "%.*s: %d free (said %.0f min ago%s).", (int)en.size, en.at, chance->count_free,
            chance->count_age_min, en_old));
}

/* By the region's own clock; who it is stays in the record. */
static void say_theatre(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct chance *chance = &c->chance;
    if (chance->theatre_need < 0) {
        return;
    }
    const struct region_code *need = &rank->snapshot->needs[chance->theatre_need];
    struct text en = name_en(need);
    int64_t minute = chance->theatre_until_us / 60000000 + rank->snapshot->zone_minutes;
    int hour = (int)(minute / 60 % 24), past = (int)(minute % 60);
    bool lowers = chance->theatre < 1;
    say(c, "in-theatre",
        text_format(arena, "%.*s 당직 의료진이 %02d:%02d까지 수술 중입니다%s.", (int)need->name_ko.size,
            need->name_ko.at, hour, past, lowers ? "(수용 가능성을 낮춤)" : "(그때까지의 대기로 계산)"),
        text_format(arena, "Whoever is on call for %.*s is in theatre until %02d:%02d (%s).", (int)en.size, en.at, hour,
            past, lowers ? "lowers the chance" : "counted as waiting until then"));
}

/* What the place itself says, with the day where it does not end today, by the region's own clock. */
static void say_notice(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct region_snapshot *snapshot = rank->snapshot;
    for (size_t i = 0; i < rank->need_count; i++) {
        const struct region_notice *notice =
            region_notice_find(&snapshot->places[c->option.place], rank->needs[i].index, rank->patient->now_us);
        if (notice == NULL) {
            continue;
        }
        const struct region_code *need = &snapshot->needs[rank->needs[i].index];
        struct text en = name_en(need);
        int64_t zone_us = snapshot->zone_minutes * INT64_C(60000000);
        char until[TIME_TEXT_SIZE], now[TIME_TEXT_SIZE];
        time_format_utc(until, notice->until_us + zone_us);
        time_format_utc(now, rank->patient->now_us + zone_us);
        bool today = memcmp(until, now, DATE_SIZE) == 0;
        int size = today ? 5 : 11;
        const char *at = until + (today ? DATE_SIZE + 1 : 5);
        char words[12] = {0};
        memcpy(words, at, (size_t)size);
        words[5] = today ? 0 : ' ';
        double age_min = (double)(rank->patient->now_us - notice->from_us) / 60e6;
        say(c, "notice",
            text_format(arena, "%.*s: 이 기관이 %s까지 받을 수 없다고 알렸습니다(%.0f분 전부터).",
                (int)need->name_ko.size, need->name_ko.at, words, age_min),
            text_format(arena, "The place says that it cannot take %.*s until %s (since %.0f min).", (int)en.size,
                en.at, words, age_min));
        return;
    }
}

static void say_chance(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct chance *chance = &c->chance;
    if (chance->on_call < 1) {
        say(c, "on-call", text_format(arena, "이 시각에 담당 의료진이 있을 확률 %.0f %%(가정).", chance->on_call * 100),
            text_format(arena, "%.0f %% chance that the team is there at this hour (assumed).", chance->on_call * 100));
    }
    say_notice(c, rank, arena);
    say_theatre(c, rank, arena);
    if (chance->tier_low) {
        say(c, "tier", TEXT("권고보다 낮은 단계의 응급의료기관입니다."),
            TEXT("A lower emergency tier than recommended."));
    }
    bool learned = chance->weight >= LEARNED_FROM;
    if (learned && !rank->patient->tells_learned) { /* from how many answers, and from what on, is the place's own */
        say(c, "chance-learned", text_format(arena, "수용 가능성 %.0f %%(최근 응답에서 학습).", c->option.chance * 100),
            text_format(arena, "%.0f %% chance of acceptance (learned from recent answers).", c->option.chance * 100));
    } else if (learned) {
        say(c, "chance-learned",
            text_format(arena, "수용 가능성 %.0f %%(최근 응답 %.0f건에서 학습, 학습 전 %.0f %%).",
                c->option.chance * 100, chance->weight, chance->prior * 100),
            text_format(arena, "%.0f %% chance of acceptance (learned from %.0f recent answers; %.0f %% before).",
                c->option.chance * 100, chance->weight, chance->prior * 100));
    } else {
        say(c, "chance", text_format(arena, "수용 가능성 %.0f %%(학습 전 가정).", c->option.chance * 100),
            text_format(arena, "%.0f %% chance of acceptance (assumed until learned).", c->option.chance * 100));
    }
}

/* Assumption. */
const char *referral_escort_code(int level) {
    return level <= 2 ? "physician" : "nurse-or-paramedic";
}

static void say_transfer(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct referral_option *o = &c->option;
    if (o->second_place < 0) {
        return;
    }
    bool physician = strcmp(referral_escort_code(rank->patient->level), "physician") == 0;
    say(c, "second-vehicle",
        text_format(arena, "두 번째 이송은 %s 동승 구급차(가정). 그 차량은 왕복 약 %.0f분 동안 이 지역을 비웁니다.",
            physician ? "의사" : "간호사·응급구조사", o->vehicle_away_min),
        text_format(arena,
            "The transfer takes an ambulance with a %s (assumed), which is away from this district for about %.0f min.",
            physician ? "physician" : "nurse or paramedic", o->vehicle_away_min));
}

/* A doctor has found out: nothing else is weighed. */
static void say_confirmed(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct referral_case *patient = rank->patient;
    int need = region_need_find(rank->snapshot, patient->confirmed);
    if (patient->confirmed_source.size == 0 || need < 0) {
        return;
    }
    const struct region_code *code = &rank->snapshot->needs[need];
    struct text en = name_en(code), quote = patient->confirmed_quote, source = patient->confirmed_source;
    say(c, "confirmed",
        text_format(arena, "%.*s: 확진된 진단 “%.*s”(%.*s)에 따른 것으로, 다른 가능성은 계산하지 않습니다.",
            (int)code->name_ko.size, code->name_ko.at, (int)quote.size, quote.at, (int)source.size, source.at),
        text_format(arena, "%.*s: by the confirmed finding \"%.*s\" (%.*s); nothing else is weighed.", (int)en.size,
            en.at, (int)quote.size, quote.at, (int)source.size, source.at));
}

/* Of what the patient may need beside what was read, that which this place is likeliest to fail at. */
static void say_doubt(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct referral_option *o = &c->option;
    if (o->wrong < DOUBT_FROM || c->option.missing_need >= 0) {
        return;
    }
    const struct referral_wrong *wrong = &rank->patient->wrong[o->place];
    if (wrong->share <= 0 || wrong->share < DOUBT_FROM) {
        return;
    }
    const struct referral_doubt *doubt = &rank->patient->doubts[wrong->doubt];
    struct text ko = doubt->name_ko, en = doubt->name_en.size > 0 ? doubt->name_en : doubt->name_ko;
    bool never = wrong->share > doubt->chance * NEVER_FROM;
    say(c, "may-need",
        text_format(arena,
            "이렇게 읽히는 중증 환자의 %.0f %%는 실제로 %.*s이(가) 필요하며, %s. 여기서 치료하지 못할 확률은 모두 %.0f "
            "%%, "
            "그때 약 %.0f분이 더 걸립니다.",
            doubt->chance * 100, (int)ko.size, ko.at,
            never ? "이 기관은 하지 않습니다" : "이 시각에 담당 의료진이 없을 수 있습니다", o->wrong * 100,
            o->wrong_min),
        text_format(arena,
            "%.0f %% of the severely ill who are read like this need %.*s, %s. In all a %.0f %% chance that it cannot "
            "be "
            "treated here, which then costs about %.0f min.",
            doubt->chance * 100, (int)en.size, en.at,
            never ? "which this place does not have" : "whose team may be away at this hour", o->wrong * 100,
            o->wrong_min));
}

static void say_price(struct candidate *c, const struct rank *rank, struct arena *arena) {
    (void)rank;
    if (c->option.scarcity_min >= .5) {
        say(c, "scarcity",
            text_format(arena, "더 중한 환자를 위해 아껴 둘 자리: %.0f분의 비용으로 계산.", c->option.scarcity_min),
            text_format(
                arena, "Kept for those who need it more: counted at a price of %.0f min.", c->option.scarcity_min));
    }
}

static void say_patient(struct candidate *c, const struct rank *rank, struct arena *arena) {
    const struct region_place *place = &rank->snapshot->places[c->option.place];
    if (c->option.place == rank->patient->known_place && rank->patient->continuity_min > 0) {
        say(c, "continuity",
            text_format(arena, "환자를 아는 기관입니다(%.0f분의 가치).", rank->patient->continuity_min),
            text_format(arena, "Knows the patient (worth %.0f min).", rank->patient->continuity_min));
    }
    if (c->option.place == rank->patient->family_place && rank->patient->family_min > 0) {
        say(c, "family", text_format(arena, "가족이 가까이 있습니다(%.0f분의 가치).", rank->patient->family_min),
            text_format(arena, "The family is near (worth %.0f min).", rank->patient->family_min));
    }
    if (rank->patient->choice == REFERRAL_NEAREST_STABILISING) {
        say(c, "nearest", TEXT("지정 중증: 소생·안정화가 가능한 가장 가까운 곳부터입니다."),
            TEXT("Listed extreme: the nearest that can resuscitate comes first."));
    }
    if (place->neighbour) {
        say(c, "neighbour", TEXT("이웃 시·도의 기관입니다."), TEXT("Lies in a neighbouring province."));
    }
}

void sentences_write(struct candidate *candidate, const struct rank *rank, struct arena *arena) {
    static void (*const parts[])(struct candidate *, const struct rank *, struct arena *) = {say_local, say_needs,
        say_confirmed, say_doubt, say_legs, say_transfer, say_way, say_benefit, say_board, say_chance, say_price,
        say_patient};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        parts[i](candidate, rank, arena);
    }
}
