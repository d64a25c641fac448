/* What each rule of the floor and of advice costs or brings on the 991 training visits of two Korean emergency departments
 * (Moon et al., PLoS ONE 2019;14(9):e0216972): the file stays outside this repository. A rule of the floor may not cost
 * accuracy against the three experts, neither alone nor together with the others. Prints the table that the policy's
 * `measured` members state; TRIAGE_FLOOR_TABLE=FILE writes it as TSV for tools/triage/measure. */
#include "triage/triage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after what it needs */

enum { VISITS_MAX = 2000, RULES_MAX = 256, COLUMNS = 24, ARENA_BYTES = 256 << 20 };

struct visit {
    int nurse, expert;
    struct triage_facts *facts;
};
struct tally {
    char id[64], section[8];
    int level, hits, raised, right, harmed, too_high;
};
struct measurement {
    struct visit visits[VISITS_MAX];
    int visit_count;
    struct tally rules[RULES_MAX];
    int rule_count;
    int nurse_right, floor_right, nurse_under, floor_under, floor_raised;
};

static void put(struct triage_facts *facts, enum triage_measure measure, const char *column, struct scope *scope) {
    double value = 0;
    if (!text_to_double(&value, text_trim(text_from(column))))
        return;
    struct fault kept = scope->fault;
    if (triage_facts_put(facts, measure, value, (struct text){0}, text_from(triage_measure_code(measure)), 0, scope) !=
        STATUS_OK)
        scope->fault = kept; /* a visit keeps what of it is possible */
}

/* Columns in the file's order: Group;Sex;Age;Patients;Arrival;Injury;Complaint;Mental;Pain;NRS;SBP;DBP;HR;RR;BT;Saturation;
 * KTAS_RN;Diagnosis;Disposition;KTAS_expert;... What is known only after triage is not read. */
static bool visit_read(struct visit *visit, char *line, struct scope *scope) {
    char *columns[COLUMNS] = {0};
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = strsep(&line, ";");
    if (!columns[19] || columns[0][0] < '1' || columns[0][0] > '2')
        return false;
    struct triage_facts *facts = triage_facts_new(scope->arena);
    facts->sex = columns[1][0] == '1' ? TRIAGE_FEMALE : TRIAGE_MALE;
    assert_int_equal(
        triage_facts_put_age(facts, (int)strtol(columns[2], NULL, 10) * 12, TEXT("Age"), scope), STATUS_OK);
    facts->injury = columns[5][0] == '2' ? TRIAGE_YES : TRIAGE_NO;
    static const enum triage_mind minds[] = {TRIAGE_ALERT, TRIAGE_VOICE, TRIAGE_PAIN_ONLY, TRIAGE_UNRESPONSIVE};
    if (columns[7][0] >= '1' && columns[7][0] <= '4')
        facts->mind = minds[columns[7][0] - '1'];
    struct text complaint = text_copy(scope->arena, text_from(columns[6]));
    if (text_is_utf8(complaint))
        assert_int_equal(triage_facts_put_text(
                             facts, (struct triage_text){.text = complaint, .path = TEXT("Chief_complain")}, scope),
            STATUS_OK);
    static const enum triage_measure order[] = {
        TRIAGE_SYSTOLIC, TRIAGE_DIASTOLIC, TRIAGE_PULSE, TRIAGE_RESPIRATION, TRIAGE_TEMPERATURE, TRIAGE_SPO2};
    put(facts, TRIAGE_PAIN, columns[9], scope);
    for (int i = 0; i < 6; i++)
        put(facts, order[i], columns[10 + i], scope);
    visit->nurse = columns[16][0] - '0';
    visit->expert = columns[19][0] - '0';
    assert_int_equal(
        triage_facts_put_human_level(facts, visit->nurse, TEXT("ktas"), TEXT("KTAS_RN"), scope), STATUS_OK);
    visit->facts = facts;
    return true;
}

static struct tally *tally_find(struct measurement *m, const struct triage_reason *reason) {
    for (int i = 0; i < m->rule_count; i++) {
        if (text_is(reason->code, m->rules[i].id))
            return &m->rules[i];
    }
    struct tally *tally = &m->rules[m->rule_count++];
    snprintf(tally->id, sizeof tally->id, "%.*s", (int)reason->code.size, reason->code.at);
    snprintf(tally->section, sizeof tally->section, "%s", triage_reason_kind_code(reason->kind));
    tally->level = reason->level;
    return tally;
}

static void visit_measure(struct measurement *m, const struct visit *visit, const struct triage_reading *reading) {
    for (size_t i = 0; i < reading->reason_count; i++) {
        const struct triage_reason *reason = &reading->reasons[i];
        bool rule = reason->kind == TRIAGE_REASON_FLOOR || reason->kind == TRIAGE_REASON_ADVICE;
        if (!rule || !reason->level) /* what would change the level is no rule */
            continue;
        struct tally *tally = tally_find(m, reason);
        tally->hits++;
        if (reason->level >= visit->nurse)
            continue;
        tally->raised++;
        tally->right += visit->expert == reason->level;
        tally->harmed += visit->expert == visit->nurse;
        tally->too_high += visit->expert > reason->level;
    }
    m->nurse_right += visit->nurse == visit->expert;
    m->floor_right += reading->level == visit->expert;
    m->nurse_under += visit->nurse > visit->expert;
    m->floor_under += reading->level > visit->expert;
    m->floor_raised += reading->level < visit->nurse;
}

static void table_write(FILE *file, const struct measurement *m) {
    fprintf(file, "rule\tsection\tlevel\thits\traised\tright\tharmed\ttoo_high\n");
    for (int i = 0; i < m->rule_count; i++) {
        const struct tally *t = &m->rules[i];
        fprintf(file, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", t->id, t->section, t->level, t->hits, t->raised, t->right,
            t->harmed, t->too_high);
    }
}

static FILE *visits_open(void) {
    const char *shared = getenv("SOYANG_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/data/triage/ktas/ktas_train.csv", shared ? shared : "../shared");
    return fopen(path, "r");
}

static enum status measure_all(void *context, struct scope *scope) {
    struct measurement *m = context;
    const struct triage_policy *policy = NULL;
    FILE *file = visits_open();
    char *line = NULL;
    size_t capacity = 0;
    assert_int_equal(triage_policy_open(&policy, (struct text){0}, scope->arena, scope), STATUS_OK);
    while (getline(&line, &capacity, file) > 0 && m->visit_count < VISITS_MAX) {
        struct visit *visit = &m->visits[m->visit_count];
        if (!visit_read(visit, line, scope))
            continue;
        struct triage_reading reading;
        assert_int_equal(triage_read(&reading, policy, visit->facts, NULL, 0, scope), STATUS_OK);
        visit_measure(m, visit, &reading);
        m->visit_count++;
    }
    free(line);
    fclose(file);
    return STATUS_OK;
}

static void test_floor_costs_no_accuracy(void **state) {
    (void)state;
    FILE *file = visits_open();
    if (!file) {
        print_message("skipped: no ../shared\n");
        skip();
    }
    fclose(file);
    struct measurement *m = calloc(1, sizeof *m);
    struct arena *arena = arena_open(ARENA_BYTES);
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, measure_all, m), STATUS_OK);
    assert_int_equal(m->visit_count, 991);
    table_write(stdout, m);
    printf("visits %d: nurse accuracy %.4f, with the floor %.4f; under-triage %.4f, with the floor %.4f; raised %d\n",
        m->visit_count, m->nurse_right / 991.0, m->floor_right / 991.0, m->nurse_under / 991.0, m->floor_under / 991.0,
        m->floor_raised);
    for (int i = 0; i < m->rule_count; i++) {
        if (strcmp(m->rules[i].section, "floor") == 0 && m->rules[i].harmed > m->rules[i].right)
            fail_msg("%s costs accuracy: right %d, harmed %d", m->rules[i].id, m->rules[i].right, m->rules[i].harmed);
    }
    assert_true(m->floor_right >= m->nurse_right);
    assert_true(m->floor_under <= m->nurse_under);
    const char *table = getenv("TRIAGE_FLOOR_TABLE");
    FILE *out = table ? fopen(table, "w") : NULL;
    if (out) {
        table_write(out, m);
        fclose(out);
    }
    arena_close(arena);
    free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_floor_costs_no_accuracy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
