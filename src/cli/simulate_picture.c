/* The comparison as a picture: hospitals asked against minutes to definitive care, and the share of the gap by cell. */
#include <math.h>
#include <stdio.h>

#include "cli/simulate.h"

enum { PICTURE_MAX = 1 << 20, WIDTH = 760, HEIGHT = 420, LEFT = 70, RIGHT = 30, TOP = 50, BOTTOM = 60 };

static const char *const colours[PLANNING_POLICIES] = {
    "#999999", "#777777", "#e69f00", "#cc79a7", "#56b4e9", "#0072b2", "#009e73"};

static void attribute(struct buffer *b, const char *name, double value) {
    buffer_put_char(b, ' ');
    buffer_put_string(b, name);
    buffer_put_string(b, "=\"");
    buffer_put_format(b, "%.1f", value);
    buffer_put_char(b, '"');
}

static void quoted(struct buffer *b, const char *text) {
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            buffer_put_string(b, "&lt;");
            break;
        case '&':
            buffer_put_string(b, "&amp;");
            break;
        case '"':
            buffer_put_string(b, "&quot;");
            break;
        default:
            buffer_put_char(b, *text);
        }
    }
}

static void line(struct buffer *b, double x1, double y1, double x2, double y2, const char *colour) {
    buffer_put_string(b, "<line");
    attribute(b, "x1", x1);
    attribute(b, "y1", y1);
    attribute(b, "x2", x2);
    attribute(b, "y2", y2);
    buffer_put_string(b, " stroke=\"");
    buffer_put_string(b, colour);
    buffer_put_string(b, "\"/>\n");
}

static void words(struct buffer *b, double x, double y, const char *anchor, const char *text) {
    buffer_put_string(b, "<text");
    attribute(b, "x", x);
    attribute(b, "y", y);
    buffer_put_string(b, " text-anchor=\"");
    buffer_put_string(b, anchor);
    buffer_put_string(b, "\">");
    quoted(b, text);
    buffer_put_string(b, "</text>\n");
}

struct frame {
    double x_from, x_to, y_from, y_to;
};
static double at_x(const struct frame *f, double x) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (x - f->x_from) / (f->x_to - f->x_from);
}
static double at_y(const struct frame *f, double y) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - f->y_from) / (f->y_to - f->y_from);
}

static void axes(struct buffer *b, const struct frame *f) {
    enum { TICKS = 5 };
    char text[32];
    line(b, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#333333");
    line(b, LEFT, TOP, LEFT, HEIGHT - BOTTOM, "#333333");
    for (int i = 0; i <= TICKS; i++) {
        double x = f->x_from + (f->x_to - f->x_from) * i / TICKS, y = f->y_from + (f->y_to - f->y_from) * i / TICKS;
        (void)snprintf(text, sizeof text, "%.1f", x);
        words(b, at_x(f, x), HEIGHT - BOTTOM + 18, "middle", text);
        (void)snprintf(text, sizeof text, "%.0f", y);
        words(b, LEFT - 8, at_y(f, y) + 4, "end", text);
        line(b, LEFT, at_y(f, y), WIDTH - RIGHT, at_y(f, y), "#eeeeee");
    }
    words(b, (WIDTH + LEFT) / 2.0, HEIGHT - 14, "middle", "hospitals asked per severe patient");
    words(b, LEFT, TOP - 12, "start", "mean minutes from the call to definitive care, severe (95 %)");
}

static void point(struct buffer *b, const struct frame *f, const struct planning_outcome *outcome) {
    const struct planning_estimate *x = &outcome->measures[PLANNING_ASKED_SEVERE],
                                   *y = &outcome->measures[PLANNING_MINUTES_SEVERE];
    const char *colour = colours[outcome->policy];
    if (isfinite(y->low)) {
        line(b, at_x(f, x->value), at_y(f, y->low), at_x(f, x->value), at_y(f, y->high), colour);
    }
    buffer_put_string(b, "<circle");
    attribute(b, "cx", at_x(f, x->value));
    attribute(b, "cy", at_y(f, y->value));
    buffer_put_string(b, " r=\"5\" fill=\"");
    buffer_put_string(b, colour);
    buffer_put_string(b, "\"/>\n");
    words(b, at_x(f, x->value) + 9, at_y(f, y->value) + 4, "start", planning_policy_name(outcome->policy));
}

enum status simulate_picture(struct text *out, const struct simulate_result *result, struct scope *scope) {
    const struct simulate_cell *cell = &result->cells.at[0];
    struct buffer b = buffer_open(scope->arena, PICTURE_MAX);
    struct frame frame = {0, 1, INFINITY, 0};
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        if (result->chosen[i]) {
            const struct planning_estimate *y = &cell->outcomes[i].measures[PLANNING_MINUTES_SEVERE];
            frame.x_to = fmax(frame.x_to, ceil(cell->outcomes[i].measures[PLANNING_ASKED_SEVERE].value + .5));
            frame.y_from = fmin(frame.y_from, 10 * floor(fmin(y->value, isfinite(y->low) ? y->low : y->value) / 10));
            frame.y_to = fmax(frame.y_to, 10 * ceil((isfinite(y->high) ? y->high : y->value) / 10 + .1));
        }
    }
    for (size_t i = 0; i < result->frontier.count; i++) {
        const struct planning_estimate *of = result->frontier.at[i].outcomes[PLANNING_SOYANG].measures;
        frame.x_to = fmax(frame.x_to, ceil(of[PLANNING_ASKED_SEVERE].value + .5));
        frame.y_to = fmax(frame.y_to, 10 * ceil(of[PLANNING_MINUTES_SEVERE].value / 10 + .1));
    }
    if (cell->bounded) {
        frame.y_from = fmin(frame.y_from, 10 * floor(cell->bound.dual_mean / 10));
    }
    buffer_put_string(&b,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 420\" font-family=\"sans-serif\" "
        "font-size=\"12\">\n<rect width=\"760\" height=\"420\" fill=\"#ffffff\"/>\n");
    axes(&b, &frame);
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        if (result->chosen[i]) {
            point(&b, &frame, &cell->outcomes[i]);
        }
    }
    for (size_t i = 0; i < result->frontier.count; i++) {
        const struct planning_estimate *of = result->frontier.at[i].outcomes[PLANNING_SOYANG].measures;
        buffer_put_string(&b, "<circle");
        attribute(&b, "cx", at_x(&frame, of[PLANNING_ASKED_SEVERE].value));
        attribute(&b, "cy", at_y(&frame, of[PLANNING_MINUTES_SEVERE].value));
        buffer_put_string(&b, " r=\"3\" fill=\"none\" stroke=\"#0072b2\"/>\n");
    }
    if (cell->bounded) {
        double y = at_y(&frame, cell->bound.dual_mean);
        line(&b, LEFT, y, WIDTH - RIGHT, y, "#009e73");
        words(&b, WIDTH - RIGHT, y - 5, "end", "no policy can be below this line");
    }
    words(&b, WIDTH - RIGHT, TOP - 30, "end",
        result->validation.holds ? "synthetic year; validation holds" : "MISFIT: the validation fails");
    buffer_put_string(&b, "</svg>\n");
    *out = buffer_text(&b);
    return b.full ? fault(scope, STATUS_TOO_LARGE, "", "the picture is too large") : STATUS_OK;
}
