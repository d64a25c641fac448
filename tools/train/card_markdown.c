/* A card as Markdown: nothing but what its JSON says. */
#include "card.h"

#include <stdio.h>
#include <string.h>

enum { MARKDOWN_BYTES_MAX = 1 << 20, MEMBER_BYTES_MAX = 64 };

static struct text told(const yyjson_val *value) {
    struct text number = json_number_text(value);
    if (number.at)
        return number;
    return yyjson_is_str((yyjson_val *)value) ? json_text(value) : TEXT("–");
}

static struct text get_told(const yyjson_val *object, const char *name) {
    return told(json_get(object, name));
}

/* "0.8254 (0.7821–0.8660)": with its interval, where the object has one. Not of the ECE: visits drawn anew are less even than the
 * visits, so that what the draws say of it lies high. */
static void put_interval(struct buffer *out, const yyjson_val *object, const char *name) {
    char member[MEMBER_BYTES_MAX];
    if (strcmp(name, "ece") == 0)
        return;
    (void)snprintf(member, sizeof member, "%s_interval", name);
    const yyjson_val *interval = json_get(object, member);
    struct text low = told(yyjson_arr_get((yyjson_val *)interval, 0)),
                high = told(yyjson_arr_get((yyjson_val *)interval, 1));
    if (interval)
        buffer_put_format(out, " (%.*s–%.*s)", (int)low.size, low.at, (int)high.size, high.at);
}

static void put_cell(struct buffer *out, struct text text) {
    buffer_put(out, text);
    buffer_put_string(out, " | ");
}

static void put_row(struct buffer *out, const yyjson_val *object, const char *const *names) {
    buffer_put_string(out, "| ");
    for (; *names; names++) {
        buffer_put(out, get_told(object, *names));
        put_interval(out, object, *names);
        buffer_put_string(out, " | ");
    }
    out->size--; /* the blank behind the last bar */
    buffer_put_char(out, '\n');
}

static void put_head(struct buffer *out, const char *const *names) {
    buffer_put_string(out, "| ");
    for (size_t i = 0; names[i]; i++)
        put_cell(out, text_from(names[i]));
    out->size--;
    buffer_put_string(out, "\n|");
    for (size_t i = 0; names[i]; i++)
        buffer_put_string(out, " --- |");
    buffer_put_char(out, '\n');
}

/* A table of the objects of a list, under a heading; nothing where it is empty. */
static void put_table(
    struct buffer *out, const char *title, const yyjson_val *list, const char *const *names, const char *const *heads) {
    size_t i, count;
    yyjson_val *item;
    if (yyjson_arr_size((yyjson_val *)list) == 0)
        return;
    buffer_put_format(out, "\n%s\n\n", title);
    put_head(out, heads);
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        put_row(out, item, names);
    }
}

static const char *const performance_names[] = {
    "name", "count", "events", "auroc", "brier", "ece", "slope", "intercept", "observed_expected", NULL};
static const char *const performance_heads[] = {
    "", "visits", "events", "AUROC", "Brier", "ECE", "slope", "intercept", "observed / expected", NULL};

static void put_recalibrated(struct buffer *out, const yyjson_val *list) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        const yyjson_val *again = json_get(item, "recalibrated"), *at = json_get(item, "at_threshold_of_training");
        struct text name = get_told(item, "name"), ece = get_told(again, "ece"), slope = get_told(again, "slope"),
                    sensitivity = get_told(at, "sensitivity"), specificity = get_told(at, "specificity");
        buffer_put_format(out,
            "\n%.*s: recalibrated on four fifths of its visits in turn, ECE %.*s and slope %.*s on the other fifth; at "
            "the training rows' "
            "threshold for sensitivity .90, sensitivity %.*s and specificity %.*s.\n",
            (int)name.size, name.at, (int)ece.size, ece.at, (int)slope.size, slope.at, (int)sensitivity.size,
            sensitivity.at, (int)specificity.size, specificity.at);
    }
}

static void put_failing(struct buffer *out, const char *what, const yyjson_val *subgroups) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)subgroups, i, count, item) {
        bool failing = false;
        struct text name = get_told(item, "name"), ratio = get_told(item, "observed_expected");
        if (json_get_bool(&failing, item, "failing") && failing)
            buffer_put_format(out, "\n**Failing**: %s%.*s, observed / expected %.*s lies outside 0.90–1.10.\n", what,
                (int)name.size, name.at, (int)ratio.size, ratio.at);
    }
}

static void put_output(struct buffer *out, const yyjson_val *output) {
    static const char *const at_names[] = {"threshold", "sensitivity", "specificity", "flags_per_100", NULL},
                             *const at_heads[] = {"threshold", "sensitivity", "specificity", "flags per 100", NULL},
                             *const curve_names[] = {"threshold", "net_benefit", "net_benefit_all", "flags_per_100",
                                 NULL},
                             *const curve_heads[] = {"threshold", "net benefit", "of flagging all", "flags per 100",
                                 NULL},
                             *const reviewed_names[] = {"share", "caught", NULL},
                             *const reviewed_heads[] = {"share of visits reviewed", "events among them", NULL};
    const yyjson_val *performance = json_get(output, "performance"),
                     *interval = json_get(performance, "auroc_interval"), *repeats = json_get(output, "repeats");
    struct text name = get_told(output, "name"), means = get_told(output, "means"),
                auroc = get_told(performance, "auroc"), low = told(yyjson_arr_get((yyjson_val *)interval, 0)),
                high = told(yyjson_arr_get((yyjson_val *)interval, 1)), mean = get_told(repeats, "auroc_mean"),
                rounds = get_told(repeats, "count");
    buffer_put_format(out,
        "\n## Output `%.*s`\n\n%.*s.\n\nAUROC **%.*s** (95 %% %.*s to %.*s); mean of %.*s repeats %.*s.\n",
        (int)name.size, name.at, (int)means.size, means.at, (int)auroc.size, auroc.at, (int)low.size, low.at,
        (int)high.size, high.at, (int)rounds.size, rounds.at, (int)mean.size, mean.at);
    buffer_put_string(out, "\n");
    put_head(out, performance_heads + 1);
    put_row(out, performance, performance_names + 1);
    const yyjson_val *before = json_get(output, "before_site_calibration");
    if (before) {
        buffer_put_string(
            out, "\nBefore each hospital's own calibration (that of a fold is fitted to the other folds)\n\n");
        put_head(out, performance_heads + 1);
        put_row(out, before, performance_names + 1);
    }
    put_table(out,
        before ? "By site (each with its own calibration)" : "By site (calibration within folds over all sites)",
        json_get(output, "sites"), performance_names, performance_heads);
    put_table(out, "Each hospital held out of training", json_get(output, "held_out_sites"), performance_names,
        performance_heads);
    put_recalibrated(out, json_get(output, "held_out_sites"));
    put_table(out, "A later period, predicted from the earlier ones", json_get(output, "later_period"),
        performance_names, performance_heads);
    put_recalibrated(out, json_get(output, "later_period"));
    put_table(
        out, "Subgroups of at least 200 visits", json_get(output, "subgroups"), performance_names, performance_heads);
    put_failing(out, "", json_get(output, "subgroups"));
    put_failing(out, "hospital ", json_get(output, "sites"));
    put_failing(out, "held out, hospital ", json_get(output, "held_out_sites"));
    put_failing(out, "the later period ", json_get(output, "later_period"));
    put_table(out, "Operating points", json_get(output, "at_sensitivity"), at_names, at_heads);
    put_table(out, "Decision curve (flagging none: 0)", json_get(output, "decision_curve"), curve_names, curve_heads);
    put_table(out, "When the highest-ranked visits are reviewed", json_get(output, "reviewed"), reviewed_names,
        reviewed_heads);
}

/* The order that joins model and rules; both figures are means over the repeats. */
static void put_review(struct buffer *out, const yyjson_val *reviewed) {
    const yyjson_val *interval = json_get(reviewed, "difference_interval");
    struct text caught = told(json_get(reviewed, "caught_mean")),
                alone = told(json_get(reviewed, "caught_by_the_model_alone_mean")),
                low = told(yyjson_arr_get((yyjson_val *)interval, 0)),
                high = told(yyjson_arr_get((yyjson_val *)interval, 1));
    buffer_put_format(out,
        "\nReviewing a tenth of the visits, those first where the model's probability joined with the rules' is "
        "highest, "
        "catches %.*s of the under-triaged; by the model alone %.*s (the difference, 95 %%: %.*s to %.*s).\n",
        (int)caught.size, caught.at, (int)alone.size, alone.at, (int)low.size, low.at, (int)high.size, high.at);
}

static void put_levels(struct buffer *out, const yyjson_val *levels) {
    static const char *const names[] = {"count", "accuracy", "under_triage", "over_triage", "kappa", "urgent_missed",
        NULL},
                             *const heads[] = {"", "visits", "accuracy", "under-triage", "over-triage",
                                 "quadratic kappa", "experts' 1–2 left at 3–5", NULL},
                             *const whose[] = {"human", "human_and_floor", "final", "final_mean_of_repeats", NULL},
                             *const threshold_names[] = {"human_level", "level", "output", "gain", "harm",
                                 "probability", NULL},
                             *const threshold_heads[] = {"human's level", "raised to", "by output",
                                 "worth of a right raise", "cost of a wrong one", "at probability", NULL};
    if (!levels)
        return;
    buffer_put_string(out, "\n## Levels\n\nNo level is ever made less urgent.\n\n");
    put_head(out, heads);
    for (size_t i = 0; whose[i]; i++) {
        buffer_put_format(out, "| %s ", whose[i]);
        put_row(out, json_get(levels, whose[i]), names);
    }
    const yyjson_val *interval = json_get(levels, "under_triage_difference_interval");
    struct text low = told(yyjson_arr_get((yyjson_val *)interval, 0)),
                high = told(yyjson_arr_get((yyjson_val *)interval, 1));
    buffer_put_format(out, "\nUnder-triage of the final level less the human's, paired: 95 %% %.*s to %.*s.\n",
        (int)low.size, low.at, (int)high.size, high.at);
    put_review(out, json_get(levels, "reviewed"));
    put_table(out, "Thresholds in the model's file", json_get(levels, "thresholds"), threshold_names, threshold_heads);
}

static void put_goals(struct buffer *out, const yyjson_val *goals) {
    size_t i, count;
    yyjson_val *goal;
    if (yyjson_arr_size((yyjson_val *)goals) == 0)
        return;
    buffer_put_string(out, "\n## Goals\n\n| what | goal | reached | |\n| --- | --- | --- | --- |\n");
    yyjson_arr_foreach((yyjson_val *)goals, i, count, goal) {
        bool met = false, least = json_get(goal, "at_least") != NULL;
        (void)json_get_bool(&met, goal, "met");
        struct text what = get_told(goal, "what"), bound = get_told(goal, least ? "at_least" : "at_most"),
                    reached = get_told(goal, "reached");
        buffer_put_format(out, "| %.*s | %s %.*s | %.*s | %s |\n", (int)what.size, what.at, least ? "≥" : "≤",
            (int)bound.size, bound.at, (int)reached.size, reached.at, met ? "met" : "**missed**");
    }
}

static void put_tripod(struct buffer *out, const yyjson_val *items) {
    static const char *const names[] = {"item", "topic", "told", NULL}, *const heads[] = {
                                                                            "item", "topic", "here", NULL};
    put_table(out, "## Reporting items (TRIPOD+AI: Collins et al., BMJ 2024;385:e078378)", items, names, heads);
}

enum status card_markdown(struct text *out, struct text json, struct arena *arena, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, json, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *root = yyjson_doc_get_root(doc), *data = json_get(root, "data");
    size_t i, count;
    yyjson_val *output;
    struct buffer text = buffer_open(arena, MARKDOWN_BYTES_MAX);
    struct text name = get_told(root, "name"), digest = get_told(root, "model_sha256"),
                use = get_told(root, "intended_use"), not_for = get_told(root, "not_for"),
                citation = get_told(data, "citation"), visits = get_told(data, "visits"),
                young = get_told(data, "left_out_under_age"), intervals = get_told(root, "intervals");
    buffer_put_format(&text,
        "# Model card: %.*s\n\nWritten by `./dev train`; every number is also in the JSON beside it. SHA-256 of the "
        "model's "
        "file: `%.*s`.\n\n**For**: %.*s\n\n**Not for**: %.*s\n\n**Data**: %.*s %.*s visits of adults; %.*s under age "
        "or of "
        "unknown age left out.\n\nAll figures are of visits that neither training nor the choice of settings, "
        "calibration "
        "or thresholds saw. Intervals: %.*s.\n",
        (int)name.size, name.at, (int)digest.size, digest.at, (int)use.size, use.at, (int)not_for.size, not_for.at,
        (int)citation.size, citation.at, (int)visits.size, visits.at, (int)young.size, young.at, (int)intervals.size,
        intervals.at);
    if (json_get(data, "rule"))
        buffer_put_format(&text, "\n**Columns**: %.*s\n", (int)get_told(data, "rule").size, get_told(data, "rule").at);
    if (json_get(root, "limits"))
        buffer_put_format(
            &text, "\n**Limits**: %.*s\n", (int)get_told(root, "limits").size, get_told(root, "limits").at);
    put_goals(&text, json_get(root, "goals"));
    put_levels(&text, json_get(root, "levels"));
    yyjson_arr_foreach(json_get(root, "outputs"), i, count, output) {
        put_output(&text, output);
    }
    put_tripod(&text, json_get(root, "tripod_ai"));
    if (text.full)
        return fault(scope, STATUS_TOO_LARGE, "", "the card is too long");
    *out = buffer_text(&text);
    return STATUS_OK;
}
