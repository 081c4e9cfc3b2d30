/* EPCIS documents as they come: in pieces, of any size. */
#include <stdio.h>
#include <stdlib.h>

#include "ops/import/epcis_document.h"
#include "tests/unit/ops/epcis_rig.h"
#include "tests/unit/ops/import_rig.h"

#define EVENT(name) HEAD("ObjectEvent") ",\"action\":\"ADD\",\"epcList\":[],\"x:n\":\"" name "\"}"
#define CONTEXT "\"@context\":[\"c\",{\"x\":\"urn:x:\"}]"
#define TYPE "\"type\":\"EPCISDocument\""
#define BODY(list) "\"epcisBody\":{\"eventList\":[" list "]}"

static void expect_counts(const char *text, uint32_t items, uint32_t refused)
{
    struct imported im = import_text(&weft_epcis_importer, weft_text_of(text), "", NULL, 64);
    EXPECT_EQ(items, im.items);
    EXPECT_EQ(refused, im.refused);
    free_imported(&im);
    expect_same_in_pieces(&weft_epcis_importer, weft_text_of(text), NULL, 20);
}

TEST(epcis_stream, every_form_of_a_document_is_read_in_pieces)
{
    expect_counts("{" CONTEXT "," TYPE "," BODY(EVENT("1") "," EVENT("2")) "}", 2, 0);
    expect_counts("{" BODY(EVENT("1") "," EVENT("2")) "," TYPE "," CONTEXT "}", 2, 0);
    expect_counts("{\"eventList\":[" EVENT("1") ",7," EVENT("2") "]}", 2, 1);
    expect_counts("[" EVENT("1") ",[" EVENT("2") ",{" TYPE "," BODY(EVENT("3")) "}]]", 3, 0);
    expect_counts(EVENT("1"), 1, 0);
    expect_counts(
        "{\"type\":\"EPCISQueryDocument\",\"epcisBody\":{\"queryResults\":{\"resultsBody\":"
        "{\"eventList\":[" EVENT("1") "]}}}}",
        1, 0);
    expect_counts("[]", 0, 0);
    expect_counts("{" TYPE "," BODY("") "}", 0, 0);
}

/* An event means the same wherever its document's context stands. */
TEST(epcis_stream, the_context_is_the_same_in_front_of_the_events_and_behind_them)
{
    static const char front[] = "{" CONTEXT "," TYPE "," BODY(EVENT("1")) "}";
    static const char behind[] = "{" TYPE "," BODY(EVENT("1")) "," CONTEXT "}";
    static const char none[] = "{" TYPE "," BODY(EVENT("1")) "}";
    struct imported a = import_text(&weft_epcis_importer, weft_text_of(front), "", NULL, 50);
    struct imported b = import_text(&weft_epcis_importer, weft_text_of(behind), "", NULL, 50);
    struct imported c = import_text(&weft_epcis_importer, weft_text_of(none), "", NULL, 50);
    EXPECT_TEXT((const char *)a.lines.data, (const char *)b.lines.data);
    EXPECT_TRUE(strcmp((const char *)a.lines.data, (const char *)c.lines.data) != 0);
    EXPECT_TRUE(strstr((const char *)a.lines.data, "urn:x:") != NULL);
    free_imported(&a);
    free_imported(&b);
    free_imported(&c);
}

TEST(epcis_stream, what_stands_in_front_of_the_damage_is_given)
{
    expect_counts("{" CONTEXT "," TYPE "," BODY(EVENT("1") "," EVENT("2") ",{\"a\":?}"), 2, 1);
    expect_counts("{" CONTEXT "," TYPE "," BODY(EVENT("1")) ",\"bogus\":1}", 1, 1);
    expect_counts("{" BODY(EVENT("1")) "," TYPE ",\"bogus\":1}", 0, 1);
    expect_counts(
        "{" CONTEXT "," TYPE "," BODY(EVENT("1") ",{\"type\":\"x\"}," EVENT("2")) "}", 2, 1);
    expect_counts("", 0, 1);
}

static void expect_over(
    const char *text, size_t events_max, uint32_t given, enum weft_err expected, const char *reason)
{
    struct weft_arena around = {.size_max = 4096}, frame = {.size_max = 64 * 1024};
    struct weft_arena events = {.size_max = events_max};
    struct weft_epcis_document d;
    struct weft_epcis_place place;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_OK;
    weft_epcis_document_init(&d, &around, &frame, &events, false);
    weft_epcis_document_feed(&d, weft_text_of(text), true);
    for (uint32_t i = 0; err == WEFT_OK && i <= given; i++) {
        err = weft_epcis_document_next(&d, &place, &msg);
        EXPECT_TRUE(err != WEFT_OK || i < given);
    }
    EXPECT_EQ(expected, err);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_TRUE(d.is_over);
    weft_epcis_document_close(&d);
    weft_arena_destroy(&around);
    weft_arena_destroy(&frame);
    weft_arena_destroy(&events);
}

TEST(epcis_stream, events_that_wait_too_long_for_their_context_are_refused)
{
    expect_over("{" TYPE "," BODY(EVENT("1") "," EVENT("2") "," EVENT("3")) "," CONTEXT "}", 1500,
        0, WEFT_ETOOBIG,
        "line 1, column 51 (/epcisBody/eventList/0): more than 1500 bytes of events in front of "
        "the document's type and @context: these must stand first");
    expect_over("{" CONTEXT "," TYPE "," BODY(EVENT("1") "," EVENT("2") "," EVENT("3")) "}", 1500,
        3, WEFT_ENOTFOUND, "");
}

/* 1,000 times as many events as there is memory for. */
TEST(epcis_stream, a_long_document_is_read_in_the_memory_of_its_largest_event)
{
    static const char event[] = EVENT("1") ",\n";
    struct weft_arena around = {.size_max = 4096}, frame = {.size_max = 64 * 1024};
    struct weft_arena events = {.size_max = 1500};
    struct weft_epcis_document d;
    struct weft_epcis_place place;
    uint32_t given = 0;
    weft_epcis_document_init(&d, &around, &frame, &events, false);
    weft_epcis_document_feed(
        &d, WEFT_TEXT("{" CONTEXT "," TYPE ",\"epcisBody\":{\"eventList\":[\n"), false);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_epcis_document_next(&d, &place, NULL));
    for (uint32_t i = 0; i < 10000; i++) {
        size_t half = (size_t)test_random(sizeof(event) - 1);
        weft_epcis_document_feed(&d, (struct weft_text){event, half}, false);
        while (weft_epcis_document_next(&d, &place, NULL) == WEFT_OK) {
            given++;
        }
        weft_epcis_document_feed(
            &d, (struct weft_text){event + half, sizeof(event) - 1 - half}, false);
        while (weft_epcis_document_next(&d, &place, NULL) == WEFT_OK) {
            EXPECT_EQ(given, place.event->index);
            EXPECT_EQ(given + 2, place.event->line);
            given++;
        }
    }
    EXPECT_EQ(10000, given);
    weft_epcis_document_close(&d);
    weft_arena_destroy(&around);
    weft_arena_destroy(&frame);
    weft_arena_destroy(&events);
}

TEST(epcis_stream, master_data_is_told_of)
{
    struct imported im = import_text(&weft_epcis_importer,
        WEFT_TEXT("{" TYPE ",\"epcisHeader\":{}," BODY(EVENT("1")) "}"), "", NULL, 50);
    EXPECT_TEXT("its vocabulary list is not imported", im.notice);
    free_imported(&im);
}
