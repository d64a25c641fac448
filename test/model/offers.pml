/* The offer protocol of a referral: LOOPS loops, PLACES places with one bed each, every actor acting on what it saw a while ago,
 * deadlines at any moment, a server that is killed. docs/referral.md names the laws; `// S35` names the row of
 * regions/korea/transitions.csv that a step is (`run` holds the two against each other).
 *
 * What is atomic here is one unit of work of the store. What an actor saw is a copy from before; its unit decides on what is.
 *
 * With two patients they contend for beds; two loops of one patient contend for its destination; one loop with three places goes
 * through every order of answers.
 * BREAK_... takes one law's keeper away; a run with it must find the law broken, or the model could not fail.
 * KILLS: the timer keeps its rows in memory and may be killed once; without it, it reads them from the store each time, which is
 * the same but for the states that tell the two apart. */

#ifndef PATIENTS
#define PATIENTS 2
#endif
#ifndef PLACES
#define PLACES 2
#endif
#ifndef LOOPS
#define LOOPS 2
#endif
#define OFFERS (LOOPS * PLACES)
#define NOWHERE PLACES
#define NOBODY LOOPS
#define AT_ONCE 2 /* offers open at the same time, at most */

mtype = { draft, offered, rerouted, with_controller, designated, accepted, en_route, diverted, arrived, in_care, back_referred,
    acknowledged, cancelled, died };
mtype = { none, open, taken, declined, expired, withdrawn, fulfilled };

/* ---- what the store keeps ------------------------------------------------------------------------------------------------ */

mtype loop[LOOPS] = draft;
mtype offer[OFFERS] = none;
byte place_of[LOOPS] = NOWHERE;    /* Task.location of the loop; NOWHERE: none */
byte claim[PATIENTS] = NOBODY;   /* claim referral.destination: the loop that holds it; NOBODY: free */
byte sending[PATIENTS] = NOBODY;  /* claim referral.loop */
byte bed[PLACES] = NOBODY;       /* claim referral.bed */
bool due_loop[LOOPS], due_offer[OFFERS];
bool departed[LOOPS];    /* input `departed`: rolls while it asks */
bool lease[OFFERS];      /* due row referral.hold: the bed that this offer holds comes free by itself */
byte divertings[LOOPS];  /* bound of the model, not of the protocol: one diversion a loop */
bool holds_twice;        /* a hold was given while another loop had it */

/* ---- what a kill takes: the timer's own list ------------------------------------------------------------------------------- */

#ifdef KILLS
bool armed_loop[LOOPS], armed_offer[OFFERS];
bool killed;
#define set_loop(l, on) due_loop[l] = on; armed_loop[l] = on
#define set_offer(o, on) due_offer[o] = on; armed_offer[o] = on
#define loop_armed(l) (armed_loop[l] && due_loop[l])
#define offer_armed(o) (armed_offer[o] && due_offer[o])
#else
#define set_loop(l, on) due_loop[l] = on
#define set_offer(o, on) due_offer[o] = on
#define loop_armed(l) due_loop[l]
#define offer_armed(o) due_offer[o]
#endif

hidden byte w;     /* within a unit only */
hidden byte found;

#define patient(l) ((l) % PATIENTS)
#define offer_of(l, s) offer[(l) * PLACES + (s)]
#define asking(l) (loop[l] == offered || loop[l] == rerouted || loop[l] == with_controller)
#define closed(l) (loop[l] == acknowledged || loop[l] == cancelled || loop[l] == died)
#define under_way(l) (!closed(l) && loop[l] != draft)
#define travelling(l) (loop[l] == en_route || loop[l] == diverted || loop[l] == arrived)
#define settled(l) (!asking(l) && loop[l] != draft)
#define rolling(l) (departed[l] && asking(l))

/* ---- parts of units ----------------------------------------------------------------------------------------------------------- */

#ifdef BREAK_LEASE
#define set_lease(l, s) skip
#else
#define set_lease(l, s) lease[(l) * PLACES + (s)] = true
#endif
#define arm_loop(l) set_loop(l, true)
#define disarm_loop(l) set_loop(l, false)

inline free_bed(l, s) {
    if
    :: bed[s] == l -> bed[s] = NOBODY;
    :: else
    fi;
    lease[(l) * PLACES + (s)] = false;
}

inline end_offer(l, s, how) {
    offer_of(l, s) = how;
    set_offer((l) * PLACES + (s), false);
    free_bed(l, s);
}

inline hold_bed(l, s) {
#ifdef BREAK_BED_CLAIM
    holds_twice = holds_twice || (bed[s] != NOBODY && bed[s] != l);
    bed[s] = l;
#else
    if
    :: bed[s] == NOBODY -> bed[s] = l; set_lease(l, s);
    :: else /* believed without a hold */
    fi
#endif
}

/* Everybody else who was asked hears that it is over. `keep` may be NOWHERE. */
inline withdraw_others(l, keep) {
    w = 0;
    do
    :: w < PLACES ->
        if
        :: w != keep && (offer_of(l, w) == open || offer_of(l, w) == taken) -> end_offer(l, w, withdrawn);
        :: else
        fi;
        w++;
    :: else -> break
    od;
    w = 0;
}

inline let_go(l) {
    if
    :: claim[patient(l)] == l -> claim[patient(l)] = NOBODY;
    :: else
    fi;
    if
    :: sending[patient(l)] == l -> sending[patient(l)] = NOBODY;
    :: else
    fi
}

inline end_loop(l, how) {
    withdraw_others(l, NOWHERE);
    let_go(l);
    disarm_loop(l);
    loop[l] = how;
}

/* The next place that was not asked yet; with none left the control room has it. */
inline ask_next(l) {
    w = 0;
    do
    :: w < PLACES && offer_of(l, w) != none -> w++;
    :: else -> break
    od;
    if
    :: w < PLACES ->
        offer_of(l, w) = open;
        set_offer((l) * PLACES + w, true);
        loop[l] = offered; // S16 S21
#ifdef BREAK_DEADLINE
        disarm_loop(l);
#else
        arm_loop(l);
#endif
    :: else ->
#ifdef BREAK_NEVER_NOWHERE
        loop[l] = rerouted;
        disarm_loop(l);
#else
        loop[l] = with_controller; // S17
        arm_loop(l);
#endif
    fi;
    w = 0;
}

inline any_open(l) {
    w = 0;
    found = 0;
    do
    :: w < PLACES -> found = found + (offer_of(l, w) == open); w++;
    :: else -> break
    od;
    w = 0;
}

/* Who rolls towards a place that says no, or nothing, turns to the next that is asked; with none asked it rolls on. */
inline turn(l) {
#ifdef BREAK_TURN
    skip
#else
    if
    :: rolling(l) && (place_of[l] == NOWHERE || offer_of(l, place_of[l]) != open) ->
        w = 0;
        do
        :: w < PLACES && offer_of(l, w) != open -> w++;
        :: else -> break
        od;
        if
        :: w < PLACES -> place_of[l] = w;
        :: else
        fi;
        w = 0;
    :: else
    fi
#endif
}

/* Acceptance and departure are one for who rolls already. */
inline roll_on(l) {
    if
    :: departed[l] && (loop[l] == accepted || loop[l] == designated) -> loop[l] = en_route; // S34 S40
    :: else
    fi
}

/* A place is the destination without having been asked: extremes, designations. */
inline take_unasked(l, s, state) {
    withdraw_others(l, s);
    claim[patient(l)] = l;
    offer_of(l, s) = taken; // S113 S123
    set_offer((l) * PLACES + (s), false);
    hold_bed(l, s);
    place_of[l] = s;
    loop[l] = state;
    roll_on(l);
    arm_loop(l);
}

#ifdef BREAK_ONE_LOOP
#define can_take(l) true
#else
#define can_take(l) (claim[patient(l)] == NOBODY || claim[patient(l)] == l)
#endif

/* ---- places ------------------------------------------------------------------------------------------------------------------ */

/* Reads its inbox, thinks, answers: between the two anything may have happened. */
active [PLACES] proctype place() {
    byte s = _pid, l = 0;
    mtype saw = none;
    do
    :: atomic { saw == none && (offer_of(0, s) == open || offer_of(0, s) == taken) -> l = 0; saw = offer_of(0, s); }
#if LOOPS > 1
    :: atomic { saw == none && (offer_of(1, s) == open || offer_of(1, s) == taken) -> l = 1; saw = offer_of(1, s); }
#endif
    :: atomic { saw == open -> /* accepts */
           if
#ifdef BREAK_FIRST_WINS
           :: offer_of(l, s) == open || offer_of(l, s) == withdrawn ->
#else
           :: offer_of(l, s) == open && (loop[l] == offered || loop[l] == with_controller || loop[l] == diverted) && can_take(l) ->
#endif
               claim[patient(l)] = l;
               offer_of(l, s) = taken; // S115
               set_offer((l) * PLACES + (s), false);
               hold_bed(l, s);
#ifndef BREAK_FIRST_WINS
               withdraw_others(l, s); // S122
#endif
               place_of[l] = s;
               if
               :: loop[l] == diverted -> loop[l] = en_route; // S56
               :: else -> loop[l] = accepted; // S08 S22
               fi;
               roll_on(l);
               arm_loop(l);
           :: else /* 409: it hears who has it */
           fi;
           saw = none; l = 0
       }
    :: atomic { saw == open -> /* declines */
           if
           :: offer_of(l, s) == open ->
               end_offer(l, s, declined); // S116
               any_open(l);
               if
               :: found == 0 && loop[l] == offered -> ask_next(l); // S11
               :: else
               fi;
               turn(l);
           :: else
           fi;
           saw = none; l = 0
       }
    :: atomic { saw != none -> saw = none; l = 0; } /* says nothing */
    :: atomic { saw == taken -> /* takes its word back */
           if
           :: offer_of(l, s) == taken && (loop[l] == accepted || loop[l] == designated) ->
               end_offer(l, s, declined); // S124
               if
               :: claim[patient(l)] == l -> claim[patient(l)] = NOBODY;
               :: else
               fi;
               if
               :: !departed[l] -> place_of[l] = NOWHERE;
               :: else
               fi;
               ask_next(l); // S35 S41
               turn(l);
           :: offer_of(l, s) == taken && loop[l] == en_route && divertings[l] == 0 ->
               divertings[l]++;
#ifdef BREAK_DESTINATION
               place_of[l] = NOWHERE;
#endif
               loop[l] = diverted; // S53
               arm_loop(l);
           :: else
           fi;
           saw = none; l = 0
       }
    :: atomic { saw == taken -> /* takes the patient over */
           if
           :: offer_of(l, s) == taken && loop[l] == arrived && place_of[l] == s ->
               end_offer(l, s, fulfilled); // S127
               let_go(l);
               loop[l] = in_care; // S66
               arm_loop(l);
           :: else
           fi;
           saw = none; l = 0
       }
    od
}

/* ---- who sends, and the crew ----------------------------------------------------------------------------------------------------- */

active [LOOPS] proctype sender() {
    byte l = _pid - PLACES;
    do
    :: loop[l] == draft -> atomic {
           if
#ifdef BREAK_ONE_LOOP
           :: loop[l] == draft ->
#else
           :: loop[l] == draft && sending[patient(l)] == NOBODY ->
#endif
               sending[patient(l)] = l;
               if
               :: ask_next(l); // S01
                  if
                  :: AT_ONCE > 1 -> ask_next(l);
                  :: true
                  fi
               :: claim[patient(l)] == NOBODY || claim[patient(l)] == l -> take_unasked(l, 0, en_route); // S02
               :: loop[l] = with_controller; arm_loop(l); // S03
               fi
           :: else -> break /* 409: is being referred already */
           fi
       }
    :: loop[l] == accepted || loop[l] == designated -> atomic {
           if
           :: loop[l] == accepted || loop[l] == designated -> loop[l] = en_route; arm_loop(l); // S34 S40
           :: else
           fi
       }
    :: loop[l] == en_route -> atomic {
           if
           :: loop[l] == en_route && place_of[l] != NOWHERE -> loop[l] = arrived; arm_loop(l); // S50
           :: loop[l] == en_route && divertings[l] == 0 ->
               divertings[l]++;
               loop[l] = diverted; // S52
               arm_loop(l);
           :: else
           fi
       }
    :: loop[l] == offered && !departed[l] -> atomic { /* rolls towards one of those that are asked */
           if
           :: loop[l] == offered && !departed[l] ->
               any_open(l);
               if
               :: found > 0 -> departed[l] = true; turn(l);
#ifdef BREAK_ROLL
                   place_of[l] = NOWHERE;
#endif
               :: else
               fi
           :: else
           fi
       }
    :: loop[l] == diverted -> atomic {
           if
           :: loop[l] == diverted && place_of[l] != NOWHERE -> loop[l] = en_route; arm_loop(l); // S59
           :: else
           fi
       }
    :: loop[l] == in_care -> atomic {
           if
           :: loop[l] == in_care -> loop[l] = back_referred; arm_loop(l); // S71
           :: else
           fi
       }
    :: loop[l] == back_referred -> atomic {
           if
           :: loop[l] == back_referred -> end_loop(l, acknowledged); // S77
           :: else
           fi
       }
    :: asking(l) || loop[l] == accepted -> atomic {
           if
           :: loop[l] == offered || loop[l] == with_controller || loop[l] == accepted -> end_loop(l, cancelled); // S25 S31 S37
           :: else
           fi
       }
    :: asking(l) || travelling(l) -> atomic {
           if
           :: loop[l] == offered || loop[l] == with_controller || loop[l] == en_route || loop[l] == diverted ->
               end_loop(l, died); // S27 S33 S62 S64
           :: else
           fi
       }
    :: asking(l) || travelling(l) -> skip /* waits */
    :: closed(l) -> break
    od
}

/* ---- the control room: names a place when it is asked to -------------------------------------------------------------------------- */

#define stuck(l) (loop[l] == with_controller || loop[l] == diverted)

inline decide(l) {
    if
    :: loop[l] == with_controller && can_take(l) -> take_unasked(l, PLACES - 1, designated); // S19
    :: loop[l] == diverted -> take_unasked(l, PLACES - 1, en_route); // S57
    :: loop[l] == with_controller -> ask_next(l); turn(l); // S21
    :: else
    fi
}

active proctype controller() {
    byte saw = NOBODY;
    do
    :: saw == NOBODY && stuck(0) -> saw = 0;
    :: saw != NOBODY -> saw = NOBODY; /* does nothing */
#if LOOPS > 1
    :: saw == NOBODY && stuck(1) -> saw = 1;
    :: atomic { saw == 1 -> decide(1); saw = NOBODY; }
#endif
    :: atomic { saw == 0 -> decide(0); saw = NOBODY; }
    od
}

/* ---- deadlines -------------------------------------------------------------------------------------------------------------------- */

#define loop_fires(l) (loop_armed(l) && (loop[l] == offered || loop[l] == with_controller && can_take(l) || loop[l] == diverted))

/* Reminders (S36, S55, S67, S72, S78) change nothing that this model keeps. */
inline fire_loop(l) {
    if
    :: loop[l] == offered -> loop[l] = with_controller; // S13
    :: loop[l] == with_controller -> take_unasked(l, 0, designated); // S20
    :: loop[l] == diverted -> take_unasked(l, 0, en_route); // S58
    fi
}

inline fire_offer(l, s) {
    end_offer(l, s, expired); // S121
    any_open(l);
    if
    :: found == 0 && loop[l] == offered -> ask_next(l); // S12
    :: else
    fi;
    turn(l);
}

/* One for each loop, so that what goes on around one loop keeps no other's deadline waiting: the timer goes by time. */
active [LOOPS] proctype timer() {
    byte l = _pid - PLACES - LOOPS - 1;
    do
    :: atomic { offer_armed(l * PLACES) -> fire_offer(l, 0); }
    :: atomic { loop_fires(l) -> fire_loop(l); }
    :: atomic { lease[l * PLACES] -> free_bed(l, 0); } /* the place's yes stands */
#if PLACES > 1
    :: atomic { offer_armed(l * PLACES + 1) -> fire_offer(l, 1); }
    :: atomic { lease[l * PLACES + 1] -> free_bed(l, 1); }
#endif
#if PLACES > 2
    :: atomic { offer_armed(l * PLACES + 2) -> fire_offer(l, 2); }
    :: atomic { lease[l * PLACES + 2] -> free_bed(l, 2); }
#endif
    od
}

#ifdef KILLS
/* What is committed stands; what was in memory is read back. */
active proctype killer() {
    atomic {
        !killed -> killed = true;
        w = 0;
        do
        :: w < OFFERS ->
#ifdef BREAK_RESTART
            armed_offer[w] = false;
#else
            armed_offer[w] = due_offer[w];
#endif
            w++;
        :: else -> break
        od;
        w = 0;
        do
        :: w < LOOPS ->
#ifdef BREAK_RESTART
            armed_loop[w] = false;
#else
            armed_loop[w] = due_loop[w];
#endif
            w++;
        :: else -> break
        od;
        w = 0
    }
}
#endif

/* ---- laws ---------------------------------------------------------------------------------------------------------------------------- */

#define took(l, s) (offer_of(l, s) == taken)
#if PLACES == 1
#define places_taken(l) took(l, 0)
#define all_places(law) law(0)
#elif PLACES == 2
#define places_taken(l) (took(l, 0) + took(l, 1))
#define all_places(law) law(0) && law(1)
#else
#define places_taken(l) (took(l, 0) + took(l, 1) + took(l, 2))
#define all_places(law) law(0) && law(1) && law(2)
#endif
#if LOOPS == 1
#define all_loops(law) law(0)
#else
#define all_loops(law) law(0) && law(1)
#endif

/* 2, 5: one accepted destination; two loops of one patient count together. */
#if LOOPS > PATIENTS
#define one_place (places_taken(0) + places_taken(1) <= 1)
#elif LOOPS == 1
#define one_place (places_taken(0) <= 1)
#else
#define one_place (places_taken(0) <= 1 && places_taken(1) <= 1)
#endif
/* 6: one hold a bed; who holds one has an acceptance there. */
#define bed_true(s) (bed[s] == NOBODY || took(bed[s], s))
/* 3: every open loop has a deadline. */
#define has_deadline(l) (!under_way(l) || due_loop[l])
/* 9: who travels has a destination, who rolls while asking too. */
#define has_place(l) (!(travelling(l) || rolling(l)) || place_of[l] != NOWHERE)
/* Who rolls while places are asked rolls towards one of them. */
#define asks(l, s) (offer_of(l, s) == open)
#if PLACES == 1
#define asks_any(l) asks(l, 0)
#elif PLACES == 2
#define asks_any(l) (asks(l, 0) || asks(l, 1))
#else
#define asks_any(l) (asks(l, 0) || asks(l, 1) || asks(l, 2))
#endif
#define rolls_true(l) (!(rolling(l) && asks_any(l)) || place_of[l] != NOWHERE && asks(l, place_of[l]))
/* After the end no offer is open, no claim and no bed is held. */
#define holds_nothing(s) (bed[s] != ended && offer_of(ended, s) != open)
#define left_clean_0 (!closed(0) || claim[patient(0)] != 0)
#define ended 0
#define offers_ended (!closed(0) || (all_places(holds_nothing)))

ltl one_destination { [] one_place }
ltl one_hold { [] (!holds_twice && all_places(bed_true)) }
ltl deadline_always { [] (all_loops(has_deadline)) }
ltl destination_always { [] (all_loops(has_place)) }
ltl turns_to_who_is_asked { [] (all_loops(rolls_true)) }
ltl nothing_left_behind { [] (left_clean_0 && offers_ended) }
/* 4, 8: whoever asks is answered: a place, or an end; never for ever nothing. */
ltl always_answered { [] (asking(0) -> <> settled(0)) }
/* 6: a hold is a lease. */
ltl bed_comes_free { [] (bed[0] == 0 -> <> (bed[0] != 0)) }
ltl never_left_diverted { [] (loop[0] == diverted -> <> (loop[0] != diverted)) }
