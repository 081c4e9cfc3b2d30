#include "tests/unit/ops/epcis_rig.h"

#include <stdio.h>

#include "proto/record_json.h"

static void expect_record(const char *expected, const char *text)
{
    struct weft_epcis_event event = only_event(text);
    struct weft_buffer out = {.size = 0};
    EXPECT_EQ(WEFT_OK, weft_record_to_json(&event.record, NULL, &event_arena, &out));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    EXPECT_TEXT(expected, (const char *)out.data);
    weft_buffer_destroy(&out);
    free_arenas();
}

/* --- what becomes what ----------------------------------------------------------------------- */

TEST(epcis, an_object_event_is_about_its_epcs_and_classes)
{
    expect_record(
        "{\"kind\":\"epcis.object\",\"asset\":\"urn:uuid:1#f2275d422e9cdd6fa7ce4ac850b6dadc\","
        "\"at\":\"2026-03-01T09:00:00Z\",\"attrs\":{\"eventID\":\"urn:uuid:1\"," FIELDS
        ",\"action\":\"ADD\",\"bizStep\":\"commissioning\",\"ilmd\":{\"x:lot\":\"L7\"},"
        "\"context\":{\"x\":\"http://plant.example/\"}},\"links\":["
        "{\"rel\":\"event\",\"to\":\"urn:uuid:1\"},{\"rel\":\"about\",\"to\":\"" EPC "\"},"
        "{\"rel\":\"about\",\"to\":\"urn:epc:class:lgtin:4012345.012345.998877\",\"attrs\":"
        "{\"quantity\":200.50,\"uom\":\"KGM\"}},"
        "{\"rel\":\"read_point\",\"to\":\"urn:epc:id:sgln:0614141.07346.1234\"},"
        "{\"rel\":\"biz_location\",\"to\":\"https://plant.example/hall/2\"},"
        "{\"rel\":\"transaction\",\"to\":\"urn:plant:po:7\",\"attrs\":{\"type\":\"po\"}},"
        "{\"rel\":\"source\",\"to\":\"urn:plant:a\",\"attrs\":{\"type\":\"owning_party\"}},"
        "{\"rel\":\"destination\",\"to\":\"urn:plant:b\",\"attrs\":{\"type\":\"location\"}}],"
        "\"expect\":{\"rev\":0}}",
        "{\"@context\":[\"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld\","
        "{\"x\":\"http://plant.example/\",\"y\":\"http://unused.example/\"}],"
        "\"type\":\"EPCISDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":"
        "\"2026-03-01T10:00:00Z\",\"epcisBody\":{\"eventList\":[" HEAD(
            "ObjectEvent") ",\"eventID\":\"urn:uuid:1\",\"bizStep\":\"commissioning\",\"action\":"
                           "\"ADD\","
                           "\"epcList\":[\"" EPC "\"],\"quantityList\":[{\"epcClass\":"
                           "\"urn:epc:class:lgtin:4012345.012345.998877\",\"quantity\":200.50,"
                           "\"uom\":\"KGM\"}],"
                           "\"ilmd\":{\"x:lot\":\"L7\"},\"bizLocation\":{\"id\":\"https://"
                           "plant.example/hall/2\"},"
                           "\"readPoint\":{\"id\":\"urn:epc:id:sgln:0614141.07346.1234\"},"
                           "\"bizTransactionList\":[{\"type\":\"po\",\"bizTransaction\":\"urn:"
                           "plant:po:7\"}],"
                           "\"sourceList\":[{\"type\":\"owning_party\",\"source\":\"urn:plant:a\"}]"
                           ","
                           "\"destinationList\":[{\"type\":\"location\",\"destination\":\"urn:"
                           "plant:b\"}]}]}}");
}

/* The links of a bare event, as "rel to role" texts. */
static void expect_links(const char *event, const char *const *expected)
{
    struct weft_epcis_event e = only_event(event);
    for (uint32_t i = 0; i < e.record.link_count; i++) {
        const struct weft_link *link = &e.record.links[i];
        char text[512];
        int size = snprintf(text, sizeof(text), "%.*s %.*s", (int)link->rel.size, link->rel.data,
            (int)link->to.size, link->to.data);
        for (uint32_t j = 0; j < link->field_count && size > 0; j++) {
            const struct weft_field *f = &link->fields[j];
            size += snprintf(text + size, sizeof(text) - (size_t)size, " %.*s=%.*s",
                (int)f->path.size, f->path.data, (int)f->value.size, f->value.data);
        }
        EXPECT_TRUE(expected[i] != NULL);
        EXPECT_TEXT(expected[i], text);
    }
    EXPECT_TRUE(expected[e.record.link_count] == NULL);
    free_arenas();
}

TEST(epcis, an_aggregation_says_that_the_parent_contains_the_children)
{
    static const char *const expected[] = {
        "parent urn:x:box", "contains urn:x:a", "contains urn:x:c quantity=4", NULL};
    expect_links(HEAD("AggregationEvent") ",\"action\":\"ADD\",\"parentID\":\"urn:x:box\","
                                          "\"childEPCs\":[\"urn:x:a\"],"
                                          "\"childQuantityList\":[{\"epcClass\":\"urn:x:c\","
                                          "\"quantity\":4}]}",
        expected);
}

TEST(epcis, a_disaggregation_says_that_the_parent_releases_the_children)
{
    static const char *const expected[] = {"parent urn:x:box", "releases urn:x:a", NULL};
    expect_links(HEAD("AssociationEvent") ",\"childEPCs\":[\"urn:x:a\"],\"parentID\":\"urn:x:box\","
                                          "\"action\":\"DELETE\"}",
        expected);
    static const char *const all[] = {"parent urn:x:box", "empties urn:x:box", NULL};
    expect_links(
        HEAD("AssociationEvent") ",\"parentID\":\"urn:x:box\",\"action\":\"DELETE\"}", all);
}

TEST(epcis, a_transformation_has_inputs_and_outputs)
{
    static const char *const expected[] = {"input urn:x:a", "input urn:x:m quantity=2.5 uom=KGM",
        "output urn:x:b", "output urn:x:n", "transformation urn:x:t1", NULL};
    expect_links(
        HEAD("TransformationEvent") ",\"outputEPCList\":[\"urn:x:b\"],\"inputEPCList\":[\"urn:x:"
                                    "a\"],"
                                    "\"outputQuantityList\":[{\"epcClass\":\"urn:x:n\"}],"
                                    "\"inputQuantityList\":"
                                    "[{\"epcClass\":\"urn:x:m\",\"quantity\":2.5,\"uom\":\"KGM\"}],"
                                    "\"transformationID\":\"urn:x:t1\"}",
        expected);
}

TEST(epcis, a_transaction_is_about_what_it_names)
{
    static const char *const expected[] = {
        "about urn:x:a", "about urn:x:p role=parent", "transaction urn:x:po type=po", NULL};
    expect_links(HEAD("TransactionEvent") ",\"action\":\"ADD\",\"parentID\":\"urn:x:p\","
                                          "\"epcList\":[\"urn:x:a\"],"
                                          "\"bizTransactionList\":[{\"bizTransaction\":\"urn:x:"
                                          "po\",\"type\":\"po\"}]}",
        expected);
}

TEST(epcis, an_error_declaration_carries_no_material)
{
    static const char *const expected[] = {"event urn:uuid:1", "corrected_by urn:uuid:2",
        "about urn:x:box role=parent", "about urn:x:a role=contains",
        "about urn:x:c quantity=4 role=contains", NULL};
    expect_links(HEAD("AggregationEvent") ",\"eventID\":\"urn:uuid:1\",\"errorDeclaration\":{"
                                          "\"declarationTime\":"
                                          "\"2026-03-02T00:00:00Z\",\"reason\":\"incorrect_data\","
                                          "\"correctiveEventIDs\":"
                                          "[\"urn:uuid:2\"]},\"action\":\"ADD\",\"parentID\":\"urn:"
                                          "x:box\",\"childEPCs\":"
                                          "[\"urn:x:a\"],\"childQuantityList\":[{\"epcClass\":"
                                          "\"urn:x:c\",\"quantity\":4}]}",
        expected);
}

TEST(epcis, sensor_data_is_kept_whole_and_its_devices_are_linked_once)
{
    static const char *const expected[] = {
        "about urn:x:a", "measured_by urn:x:dev1", "measured_by urn:x:dev2", NULL};
    static const char text[] = HEAD(
        "ObjectEvent") ",\"action\":\"OBSERVE\",\"epcList\":[\"urn:x:a\"],\"sensorElementList\":[{"
                       "\"sensorMetadata\":{\"time\":\"2026-03-01T09:00:00Z\",\"deviceID\":\"urn:x:"
                       "dev1\"},"
                       "\"sensorReport\":[{\"type\":\"Temperature\",\"value\":26.0,\"uom\":\"CEL\","
                       "\"deviceID\":"
                       "\"urn:x:dev1\"},{\"exception\":\"ALARM_CONDITION\",\"booleanValue\":true,"
                       "\"deviceID\":"
                       "\"urn:x:dev2\"}]}]}";
    expect_links(text, expected);
    struct weft_epcis_event e = only_event(text);
    bool is_found = false;
    for (uint32_t i = 0; i < e.record.field_count; i++) {
        const struct weft_field *f = &e.record.fields[i];
        if (weft_text_is(f->path, "sensorElementList/[0]/sensorReport/[0]/value")) {
            is_found = f->type == WEFT_VALUE_REAL && weft_text_is(f->value, "26.0");
        }
    }
    EXPECT_TRUE(is_found);
    free_arenas();
}

/* --- documents ------------------------------------------------------------------------------- */

static void expect_count(uint32_t expected, bool has_master_data, const char *text)
{
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg = {""};
    enum weft_err err = open_text(&e, weft_text_of(text), "f", &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(expected, e.count);
    EXPECT_EQ(has_master_data, e.has_master_data);
    uint32_t count = 0;
    while ((err = weft_epcis_next(&e, &event_arena, &event, &msg)) == WEFT_OK) {
        count++;
    }
    EXPECT_EQ(WEFT_ENOTFOUND, err);
    EXPECT_EQ(expected, count);
    free_arenas();
}

TEST(epcis, every_form_of_a_document_is_read)
{
    expect_count(1, false, BARE);
    expect_count(0, false, "[]");
    expect_count(3, false, "[" BARE "," BARE ",[" BARE "]]");
    expect_count(2, false, "{\"eventList\":[" BARE "," BARE "]}");
    expect_count(
        2, false, "{\"type\":\"EPCISDocument\",\"epcisBody\":{\"eventList\":[" BARE "," BARE "]}}");
    expect_count(3, false,
        "[{\"type\":\"EPCISDocument\",\"x:note\":1,\"epcisBody\":{\"eventList\":[" BARE "]}},"
        "{\"type\":\"EPCISQueryDocument\",\"epcisBody\":{\"queryResults\":{\"queryName\":\"q\","
        "\"resultsBody\":{\"eventList\":[" BARE "," BARE "]}}}}]");
    expect_count(0, true,
        "{\"type\":\"EPCISDocument\",\"epcisHeader\":{},\"epcisBody\":{\"vocabularyList\":[]}}");
}

TEST(epcis, what_is_not_a_document_is_refused_with_its_place)
{
    expect_not_opened("{\"a\":", WEFT_EMALFORMED, "line 1, column 6: the text ends too early");
    expect_not_opened("7", WEFT_EINVAL, "line 1, column 1 (): must be an object, is a number");
    expect_not_opened("{}", WEFT_EINVAL, "line 1, column 1 (/type): is missing");
    expect_not_opened(
        "{\"type\":1}", WEFT_EINVAL, "line 1, column 9 (/type): must be a string, is a number");
    expect_not_opened(
        "{\"type\":\"EPCISDocument\"}", WEFT_EINVAL, "line 1, column 1 (/epcisBody): is missing");
    expect_not_opened("{\"type\":\"EPCISDocument\",\"epcisBody\":{}}", WEFT_EINVAL,
        "line 1, column 37 (/epcisBody/eventList): is missing");
    expect_not_opened("{\"type\":\"EPCISDocument\",\"epcisBody\":{\"eventlist\":[]}}", WEFT_EINVAL,
        "line 1, column 50 (/epcisBody/eventlist): unknown member of an EPCIS document");
    expect_not_opened("{\"type\":\"EPCISDocument\",\"body\":{}}", WEFT_EINVAL,
        "line 1, column 32 (/body): unknown member of an EPCIS document");
    expect_not_opened("[1]", WEFT_EINVAL, "line 1, column 2 (/0): must be an object, is a number");
    expect_not_opened("{\"type\":\"EPCISQueryDocument\",\"epcisBody\":{\"queryResults\":{}}}",
        WEFT_EINVAL, "line 1, column 58 (/epcisBody/queryResults/resultsBody): is missing");
}

TEST(epcis, a_refused_event_does_not_hide_the_others)
{
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, open_text(&e, WEFT_TEXT("[" BARE ",\n {\"type\":\"x\"}," BARE "]"),
                           "shipments.json", &msg));
    EXPECT_EQ(WEFT_OK, weft_epcis_next(&e, &event_arena, &event, &msg));
    EXPECT_TEXT("/0", event.pointer);
    EXPECT_TRUE(weft_text_is(event.record.source, "epcis:shipments.json#/0"));
    EXPECT_EQ(WEFT_EINVAL, weft_epcis_next(&e, &event_arena, &event, &msg));
    EXPECT_TEXT("/1", event.pointer);
    EXPECT_EQ(2, event.line);
    EXPECT_EQ(2, event.column);
    EXPECT_TEXT("line 2, column 10 (/1/type): unknown event type", msg.text);
    EXPECT_EQ(WEFT_OK, weft_epcis_next(&e, &event_arena, &event, &msg));
    EXPECT_TEXT("/2", event.pointer);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_epcis_next(&e, &event_arena, &event, &msg));
    free_arenas();
}

TEST(epcis, a_long_name_of_a_file_is_left_out_of_the_source)
{
    char name[300];
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg;
    memset(name, 'n', sizeof(name));
    name[248] = '\0'; /* "epcis:" and 248 bytes fit, the pointer "#/0" does not. */
    EXPECT_EQ(WEFT_OK, open_text(&e, WEFT_TEXT("[" BARE "]"), name, &msg));
    EXPECT_EQ(WEFT_OK, weft_epcis_next(&e, &event_arena, &event, &msg));
    EXPECT_EQ(254, event.record.source.size);
    name[248] = 'n';
    name[299] = '\0';
    EXPECT_EQ(WEFT_OK, open_text(&e, WEFT_TEXT("[" BARE "]"), name, &msg));
    EXPECT_EQ(WEFT_OK, weft_epcis_next(&e, &event_arena, &event, &msg));
    EXPECT_EQ(0, event.record.source.size);
    free_arenas();
}

/* --- identity -------------------------------------------------------------------------------- */

static struct weft_text keep(struct weft_text text)
{
    static char kept[8][300];
    static int next;
    char *to = kept[next++ % 8];
    memcpy(to, text.data, text.size);
    return (struct weft_text){to, text.size};
}

static bool are_the_same(const char *a, const char *b)
{
    struct weft_epcis_event first = only_event(a);
    struct weft_text asset = keep(first.record.asset);
    struct weft_epcis_event second = only_event(b);
    bool is_same = weft_text_equal(asset, second.record.asset);
    EXPECT_EQ(
        is_same, memcmp(&first.request_id, &second.request_id, sizeof(first.request_id)) == 0);
    free_arenas();
    return is_same;
}

TEST(epcis, an_event_is_the_same_in_any_order_of_members_and_any_document)
{
    EXPECT_TRUE(are_the_same(BARE,
        "{\"epcList\": [ \"" EPC "\" ],\n \"eventTimeZoneOffset\":\"+01:00\",\"action\":\"ADD\","
        "\"eventTime\":\"2026-03-01T10:00:00+01:00\",\"type\":\"ObjectEvent\"}"));
    EXPECT_TRUE(are_the_same(
        BARE, "{\"type\":\"EPCISDocument\",\"epcisBody\":{\"eventList\":[" BARE "]}}"));
    /* A binding that the event does not use is not part of it. */
    EXPECT_TRUE(are_the_same(BARE,
        "{\"type\":\"EPCISDocument\",\"@context\":[{\"x\":\"http://a.example/\"}],"
        "\"epcisBody\":{\"eventList\":[" BARE "]}}"));
}

#define WITH_EXTENSION(context)                                                                    \
    HEAD("ObjectEvent")                                                                            \
    ",\"@context\":" context ",\"action\":\"ADD\",\"epcList\":[],\"x:a\":{\"y\":\"x:b\"}}"

TEST(epcis, an_event_is_another_if_anything_it_says_differs)
{
    EXPECT_TRUE(!are_the_same(
        BARE, HEAD("ObjectEvent") ",\"action\":\"OBSERVE\",\"epcList\":[\"" EPC "\"]}"));
    EXPECT_TRUE(!are_the_same(
        BARE, HEAD("ObjectEvent") ",\"action\":\"ADD\",\"epcList\":[\"" EPC "\",\"" EPC "\"]}"));
    EXPECT_TRUE(!are_the_same(WITH_EXTENSION("{\"x\":\"http://a.example/\"}"),
        WITH_EXTENSION("{\"x\":\"http://b.example/\"}")));
    EXPECT_TRUE(are_the_same(WITH_EXTENSION("{\"x\":\"http://a.example/\"}"),
        WITH_EXTENSION("[\"https://c.example/c.jsonld\",{\"x\":\"http://z.example/\"},"
                       "{\"x\":{\"@id\":\"http://a.example/\"},\"u\":\"http://u.example/\"}]")));
}

TEST(epcis, an_event_without_an_id_is_named_by_its_content)
{
    struct weft_epcis_event event = only_event(BARE);
    EXPECT_EQ(12 + 32, event.record.asset.size);
    EXPECT_MEM("epcis:event#", event.record.asset.data, 12);
    EXPECT_TRUE(event.record.has_expect && event.record.expect_rev == 0);
    free_arenas();
}

TEST(epcis, a_repeated_event_id_names_the_event_by_the_last)
{
    static const char *const expected[] = {
        "event urn:uuid:1", "event urn:uuid:2", "about urn:x:a", NULL};
    static const char text[] = HEAD(
        "ObjectEvent") ",\"eventID\":\"urn:uuid:1\",\"action\":\"ADD\",\"epcList\":[\"urn:x:a\"],"
                       "\"eventID\":\"urn:uuid:2\"}";
    expect_links(text, expected);
    struct weft_epcis_event event = only_event(text);
    EXPECT_MEM("urn:uuid:2#", event.record.asset.data, 11);
    free_arenas();
    expect_not_opened(HEAD("ObjectEvent") ",\"action\":\"ADD\",\"action\":\"ADD\"}",
        WEFT_EMALFORMED, "line 1, column 118: member \"action\" is there twice");
}

TEST(epcis, without_memory_it_says_so)
{
    int failures = 0;
    for (size_t size_max = 0; size_max < 16384; size_max += 32) {
        struct weft_arena document = {.size_max = size_max}, scratch = {.size_max = size_max};
        struct weft_epcis e;
        struct weft_epcis_event event;
        struct weft_msg msg;
        struct weft_text text = WEFT_TEXT(WITH_EXTENSION("{\"x\":\"http://a.example/\"}"));
        enum weft_err err = weft_epcis_open(&e, text, WEFT_TEXT("f"), &document, &msg);
        if (err == WEFT_OK) {
            err = weft_epcis_next(&e, &scratch, &event, &msg);
        }
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOMEM || err == WEFT_ETOOBIG);
        failures += err != WEFT_OK;
        weft_arena_destroy(&document);
        weft_arena_destroy(&scratch);
    }
    EXPECT_TRUE(failures > 10 && failures < 512);
}
