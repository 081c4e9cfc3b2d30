#include "ops/import/epcis.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "proto/record_json.h"
#include "tests/lib/test.h"

enum {
    ARENA_SIZE_MAX = 256 * 1024 * 1024,
    ASSETS_MAX = 256
};

static struct weft_arena document_arena, event_arena;

static void free_arenas(void)
{
    weft_arena_destroy(&document_arena);
    weft_arena_destroy(&event_arena);
}

static enum weft_err open_text(
    struct weft_epcis *e, struct weft_text text, const char *name, struct weft_msg *msg)
{
    free_arenas();
    document_arena.size_max = ARENA_SIZE_MAX;
    event_arena.size_max = ARENA_SIZE_MAX;
    return weft_epcis_open(e, text, weft_text_of(name), &document_arena, msg);
}

/* The record of the only event of a document. */
static struct weft_epcis_event only_event(const char *text)
{
    struct weft_epcis e;
    struct weft_epcis_event event, none;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, open_text(&e, weft_text_of(text), "", &msg));
    EXPECT_EQ(1, e.count);
    enum weft_err err = weft_epcis_next(&e, &event_arena, &event, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_epcis_next(&e, &event_arena, &none, &msg));
    return event;
}

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

/* The members that every event has, in front of others. */
#define HEAD(type)                                                                                 \
    "{\"type\":\"" type "\",\"eventTime\":\"2026-03-01T10:00:00+01:00\","                          \
    "\"eventTimeZoneOffset\":\"+01:00\""
#define FIELDS "\"eventTime\":\"2026-03-01T10:00:00+01:00\",\"eventTimeZoneOffset\":\"+01:00\""
#define EPC "urn:epc:id:sgtin:4012345.011111.987"

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
    static const char *const all[] = {"parent urn:x:box", NULL};
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

#define BARE HEAD("ObjectEvent") ",\"action\":\"ADD\",\"epcList\":[\"" EPC "\"]}"

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

static void expect_not_opened(const char *text, enum weft_err expected, const char *reason)
{
    struct weft_epcis e = {.count = 77};
    struct weft_msg msg = {""};
    enum weft_err err = open_text(&e, weft_text_of(text), "", &msg);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(expected, err);
    EXPECT_EQ(77, e.count);
    free_arenas();
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

/* --- refusals -------------------------------------------------------------------------------- */

static void expect_event_refused(const char *text, enum weft_err expected, const char *reason)
{
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, open_text(&e, weft_text_of(text), "", &msg));
    enum weft_err err = weft_epcis_next(&e, &event_arena, &event, &msg);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(expected, err);
    EXPECT_EQ(0, event.record.asset.size);
    free_arenas();
}

/* Members behind a head of 96 bytes or so stand on a line of their own. */
static void expect_refused(const char *head, const char *members, const char *reason)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), "%s,\n%s}", head, members);
    expect_event_refused(text, WEFT_EINVAL, reason);
}

TEST(epcis, times_are_required_with_their_zone)
{
    expect_event_refused("{\"type\":\"ObjectEvent\",\"eventTimeZoneOffset\":\"+01:00\"}",
        WEFT_EINVAL, "line 1, column 1 (/eventTime): is missing");
    expect_event_refused("{\"type\":\"ObjectEvent\",\"eventTime\":\"2026-03-01T10:00:00Z\"}",
        WEFT_EINVAL, "line 1, column 1 (/eventTimeZoneOffset): is missing");
    expect_event_refused("{\"type\":\"ObjectEvent\",\"eventTime\":\"2026-03-01T10:00:00\","
                         "\"eventTimeZoneOffset\":\"+01:00\"}",
        WEFT_EINVAL,
        "line 1, column 35 (/eventTime): time has no zone: it must end with Z or +hh:mm");
    static const char *const offsets[] = {"Z", "+1:00", "+15:00", "+14:01", "+01:60", "01:00"};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
            "{\"type\":\"ObjectEvent\",\"eventTime\":\"2026-03-01T10:00:00Z\","
            "\"eventTimeZoneOffset\":\"%s\"}",
            offsets[i]);
        expect_event_refused(text, WEFT_EINVAL,
            "line 1, column 80 (/eventTimeZoneOffset): must be an offset like +01:00");
    }
    expect_refused(HEAD("ObjectEvent"), "\"recordTime\":\"2026-03-01T10:00:00\"",
        "line 2, column 14 (/recordTime): time has no zone: it must end with Z or +hh:mm");
    expect_refused(HEAD("ObjectEvent"),
        "\"action\":\"ADD\",\"errorDeclaration\":{\"declarationTime\":\"2026-03-01\"}",
        "line 2, column 54 (/errorDeclaration/declarationTime): not an RFC 3339 time: it must look "
        "like 2017-07-28T08:16:42Z");
}

TEST(epcis, wrong_members_are_refused_with_their_place)
{
    expect_refused(HEAD("ObjectEvent"), "\"epclist\":[]",
        "line 2, column 11 (/epclist): unknown member (one of the user's has a prefix, as in "
        "example:name)");
    expect_refused(HEAD("ObjectEvent"), "\"parentID\":\"urn:x:a\"",
        "line 2, column 12 (/parentID): is not a member of this type of event");
    expect_refused(HEAD("TransformationEvent"), "\"action\":\"ADD\"",
        "line 2, column 10 (/action): is not a member of this type of event");
    expect_refused(HEAD("AggregationEvent"), "\"ilmd\":{}",
        "line 2, column 8 (/ilmd): is not a member of this type of event");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"add\"",
        "line 2, column 10 (/action): must be ADD, OBSERVE or DELETE");
    expect_refused(HEAD("ObjectEvent"), "\"x:y\":1", "line 1, column 1 (/action): is missing");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"bizStep\":7",
        "line 2, column 26 (/bizStep): must be a string, is a number");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"epcList\":\"urn:x:a\"",
        "line 2, column 26 (/epcList): must be an array, is a string");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"epcList\":[\"urn:x:a\",5]",
        "line 2, column 37 (/epcList/1): must be a string, is a number");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"epcList\":[\"a b\"]",
        "line 2, column 27 (/epcList/0): must be a URI");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"epcList\":[\"urn:epc:id:sgtin\"]",
        "line 2, column 27 (/epcList/0): an EPC must look like "
        "urn:epc:id:sgtin:0614141.107346.2018");
    expect_refused(HEAD("ObjectEvent"),
        "\"action\":\"ADD\",\"quantityList\":[{\"epcClass\":\"urn:x:c\",\"quantity\":\"3\"}]",
        "line 2, column 65 (/quantityList/0/quantity): must be a number, is a string");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"quantityList\":[{\"quantity\":3}]",
        "line 2, column 32 (/quantityList/0/epcClass): is missing");
    expect_refused(HEAD("ObjectEvent"),
        "\"action\":\"ADD\",\"quantityList\":[{\"epcClass\":\"urn:x:c\",\"uom\":\"KGM\"}]",
        "line 2, column 32 (/quantityList/0/quantity): is missing");
    expect_refused(HEAD("ObjectEvent"),
        "\"action\":\"ADD\",\"quantityList\":[{\"epcClass\":\"urn:x:c\",\"unit\":\"KGM\"}]",
        "line 2, column 61 (/quantityList/0/unit): unknown member (one of the user's has a prefix, "
        "as in example:name)");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"readPoint\":\"urn:x:a\"",
        "line 2, column 28 (/readPoint): must be an object, is a string");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"epcList\":[],\"readPoint\":{}",
        "line 2, column 41 (/readPoint/id): is missing");
    expect_refused(HEAD("ObjectEvent"),
        "\"action\":\"ADD\",\"sourceList\":[{\"source\":\"urn:x:a\"}]",
        "line 2, column 30 (/sourceList/0/type): is missing");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"persistentDisposition\":{}",
        "line 2, column 40 (/persistentDisposition): must have set or unset");
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\",\"errorDeclaration\":{}",
        "line 2, column 35 (/errorDeclaration/declarationTime): is missing");
    expect_refused(HEAD("ObjectEvent"),
        "\"action\":\"ADD\",\"certificationInfo\":[\"urn:x:c\",\"none\"]",
        "line 2, column 47 (/certificationInfo/1): must be a URI");
}

TEST(epcis, wrong_sensor_data_is_refused_with_its_place)
{
    static const char head[] = HEAD("ObjectEvent") ",\"action\":\"ADD\"";
    expect_refused(head, "\"sensorElementList\":[{}]",
        "line 2, column 22 (/sensorElementList/0/sensorReport): is missing");
    expect_refused(head, "\"sensorElementList\":[{\"sensorReport\":[{\"value\":1}]}]",
        "line 2, column 39 (/sensorElementList/0/sensorReport/0): has neither type nor exception");
    expect_refused(head,
        "\"sensorElementList\":[{\"sensorReport\":[{\"type\":\"T\",\"value\":\"1\"}]}]",
        "line 2, column 59 (/sensorElementList/0/sensorReport/0/value): must be a number, is a "
        "string");
    expect_refused(head, "\"sensorElementList\":[{\"sensorReport\":[{\"type\":\"T\",\"val\":1}]}]",
        "line 2, column 57 (/sensorElementList/0/sensorReport/0/val): unknown member of sensor "
        "data");
    expect_refused(head,
        "\"sensorElementList\":[{\"sensorMetadata\":{\"startTime\":\"2026-03-01T10:00:00\"}}]",
        "line 2, column 53 (/sensorElementList/0/sensorMetadata/startTime): time has no zone: it "
        "must end with Z or +hh:mm");
    expect_refused(head,
        "\"sensorElementList\":[{\"sensorReport\":[{\"type\":\"T\",\"deviceID\":\"d 1\"}]}]",
        "line 2, column 62 (/sensorElementList/0/sensorReport/0/deviceID): must be a URI");
}

TEST(epcis, events_without_what_their_type_needs_are_refused)
{
    expect_refused(HEAD("ObjectEvent"), "\"action\":\"ADD\"",
        "line 1, column 1 (): has no epcList, quantityList or sensorElementList");
    expect_refused(HEAD("AggregationEvent"), "\"action\":\"ADD\",\"parentID\":\"urn:x:p\"",
        "line 1, column 1 (): has no childEPCs or childQuantityList");
    expect_refused(HEAD("AggregationEvent"), "\"action\":\"ADD\",\"childEPCs\":[\"urn:x:a\"]",
        "line 1, column 1 (/parentID): is missing");
    expect_refused(HEAD("AssociationEvent"), "\"action\":\"OBSERVE\",\"childEPCs\":[\"urn:x:a\"]",
        "line 1, column 1 (/parentID): is missing");
    expect_refused(HEAD("TransactionEvent"), "\"action\":\"ADD\",\"epcList\":[\"urn:x:a\"]",
        "line 1, column 1 (/bizTransactionList): is missing");
    expect_refused(HEAD("TransactionEvent"),
        "\"action\":\"ADD\",\"epcList\":[],\"bizTransactionList\":[]",
        "line 1, column 1 (): has no bizTransactionList with an element");
    expect_refused(HEAD("TransactionEvent"),
        "\"action\":\"ADD\",\"bizTransactionList\":[{\"bizTransaction\":\"urn:x:po\"}]",
        "line 1, column 1 (): has no epcList, quantityList or parentID");
    expect_refused(HEAD("TransformationEvent"), "\"inputEPCList\":[\"urn:x:a\"]",
        "line 1, column 1 (): has no inputs and outputs");
    expect_refused(HEAD("TransformationEvent"), "\"transformationID\":\"urn:x:t\"",
        "line 1, column 1 (): has no inputs or outputs");
}

TEST(epcis, a_value_that_is_too_large_is_refused_with_its_size)
{
    enum {
        SIZE = 10 * 1000 * 1000
    };
    static const char head[] =
        HEAD("ObjectEvent") ",\"action\":\"ADD\",\"epcList\":[],\n\"x:big\":\"";
    char *text = malloc(SIZE + 512);
    EXPECT_TRUE(text != NULL);
    memcpy(text, head, sizeof(head) - 1);
    memset(text + sizeof(head) - 1, 'x', SIZE);
    memcpy(text + sizeof(head) - 1 + SIZE, "\"}", 3);
    expect_event_refused(
        text, WEFT_ETOOBIG, "line 2, column 9 (/x:big): value is 10000000 bytes, at most 65536");
    free(text);
}

/* `count` EPCs, each element `size` bytes of text. */
static char *many_epcs(uint32_t count)
{
    static const char head[] = HEAD("ObjectEvent") ",\"action\":\"ADD\",\n\"epcList\":[";
    char *text = malloc(sizeof(head) + (size_t)count * 24 + 8);
    EXPECT_TRUE(text != NULL);
    size_t used = sizeof(head) - 1;
    memcpy(text, head, used);
    for (uint32_t i = 0; i < count; i++) {
        used += (size_t)sprintf(text + used, "%s\"urn:x:%u\"", i == 0 ? "" : ",", i);
    }
    memcpy(text + used, "]}", 3);
    return text;
}

TEST(epcis, as_many_things_as_a_record_has_links_are_taken_and_no_more)
{
    char *text = many_epcs(WEFT_RECORD_LINKS_MAX);
    struct weft_epcis_event event = only_event(text);
    EXPECT_EQ(WEFT_RECORD_LINKS_MAX, event.record.link_count);
    free(text);
    text = many_epcs(WEFT_RECORD_LINKS_MAX + 1);
    expect_event_refused(text, WEFT_ETOOBIG,
        "line 2, column 52150 (/epcList/4096): more than 4096 things in one event: split it");
    free(text);
}

TEST(epcis, names_that_are_too_long_are_refused_with_their_place)
{
    char text[1024], name[256];
    memset(name, 'n', sizeof(name));
    name[216] = '\0';
    memcpy(name, "urn:x:", 6);
    (void)snprintf(text, sizeof(text), "%s,\"action\":\"ADD\",\"epcList\":[],\n\"eventID\":\"%s\"}",
        HEAD("ObjectEvent"), name);
    struct weft_epcis_event event = only_event(text);
    EXPECT_EQ(216 + 33, event.record.asset.size);
    name[216] = 'n';
    name[223] = '\0';
    (void)snprintf(text, sizeof(text), "%s,\"action\":\"ADD\",\"epcList\":[],\n\"eventID\":\"%s\"}",
        HEAD("ObjectEvent"), name);
    expect_event_refused(
        text, WEFT_ETOOBIG, "line 2, column 11 (/eventID): is 223 bytes, at most 222");
    name[223] = 'n';
    char epc[300];
    (void)snprintf(epc, sizeof(epc), "%.256s%.20s", name, name);
    (void)snprintf(text, sizeof(text), "%s,\"action\":\"ADD\",\n\"epcList\":[\"%s\"]}",
        HEAD("ObjectEvent"), epc);
    expect_event_refused(
        text, WEFT_ETOOBIG, "line 2, column 12 (/epcList/0): asset id is 276 bytes, at most 255");
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

/* --- GS1's own examples ---------------------------------------------------------------------- */

/* What the example documents are found to hold. */
struct tally {
    uint32_t documents;
    uint32_t events;  /* That the importer gives. */
    uint32_t counted; /* That the text shows. */
    uint32_t assets;
    char names[ASSETS_MAX][300];
};

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Counts events without parsing: "type" : "<Xyz>Event". */
static uint32_t count_events(const char *text)
{
    uint32_t count = 0;
    for (const char *p = strstr(text, "\"type\""); p != NULL; p = strstr(p + 1, "\"type\"")) {
        const char *value = skip_space(p + 6);
        value = *value == ':' ? skip_space(value + 1) : "";
        const char *end = *value == '"' ? strchr(value + 1, '"') : NULL;
        count += end != NULL && end - value > 6 && memcmp(end - 5, "Event", 5) == 0;
    }
    return count;
}

/* The value stands in a field of that path, or in a link or its attributes. */
static bool is_kept(const struct weft_record *record, const char *path, struct weft_text value)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path) &&
            weft_text_equal(record->fields[i].value, value)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        const struct weft_link *link = &record->links[i];
        if (weft_text_equal(link->to, value)) {
            return true;
        }
        for (uint32_t j = 0; j < link->field_count; j++) {
            if (weft_text_equal(link->fields[j].value, value)) {
                return true;
            }
        }
    }
    return false;
}

/* Nothing that an event says is lost. Returns how many values were looked at. */
static uint32_t expect_all_kept(
    const struct weft_record *record, const struct weft_json *value, const char *path)
{
    uint32_t count = 0, index = 0;
    if (value->type == WEFT_JSON_STRING || value->type == WEFT_JSON_NUMBER) {
        if (!is_kept(record, path, value->text)) {
            (void)fprintf(stderr, "lost: %s = %s\n", path, value->text.data);
        }
        EXPECT_TRUE(is_kept(record, path, value->text));
        return 1;
    }
    for (const struct weft_json *v = value->first; v != NULL; v = v->next, index++) {
        char below[512];
        if (*path == '\0' && (weft_text_is(v->key, "type") || weft_text_is(v->key, "@context"))) {
            continue;
        }
        if (value->type == WEFT_JSON_ARRAY) {
            (void)snprintf(below, sizeof(below), "%s/[%u]", path, index);
        } else {
            (void)snprintf(
                below, sizeof(below), "%s%s%s", path, *path != '\0' ? "/" : "", v->key.data);
        }
        count += expect_all_kept(record, v, below);
    }
    return count;
}

static void note_asset(struct tally *tally, struct weft_text asset)
{
    for (uint32_t i = 0; i < tally->assets; i++) {
        if (weft_text_is(asset, tally->names[i])) {
            return;
        }
    }
    EXPECT_TRUE(tally->assets < ASSETS_MAX);
    (void)snprintf(tally->names[tally->assets++], 300, "%.*s", (int)asset.size, asset.data);
}

static void import_file(struct tally *tally, const char *path)
{
    FILE *f = fopen(path, "r");
    EXPECT_TRUE(f != NULL);
    char *text = calloc(1, 1024 * 1024);
    EXPECT_TRUE(text != NULL);
    size_t size = fread(text, 1, 1024 * 1024 - 1, f);
    (void)fclose(f);
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg = {""};
    enum weft_err err = open_text(&e, (struct weft_text){text, size}, path, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    uint32_t counted = count_events(text), before = tally->events;
    while ((err = weft_epcis_next(&e, &event_arena, &event, &msg)) != WEFT_ENOTFOUND) {
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, err);
        EXPECT_EQ(WEFT_OK, weft_record_check(&event.record, NULL, NULL));
        EXPECT_TRUE(expect_all_kept(&event.record, e.places[e.next - 1].event, "") >= 6);
        note_asset(tally, event.record.asset);
        tally->events++;
        weft_arena_reset(&event_arena);
    }
    EXPECT_TRUE(counted > 0);
    EXPECT_EQ(counted, tally->events - before);
    tally->documents++;
    tally->counted += counted;
    free(text);
}

static void import_directory(struct tally *tally, const char *directory)
{
    DIR *d = opendir(directory);
    EXPECT_TRUE(d != NULL);
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        char path[2048];
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (entry->d_type == DT_DIR) {
            import_directory(tally, path);
        } else if (strstr(entry->d_name, ".jsonld") != NULL) {
            import_file(tally, path);
        }
    }
    (void)closedir(d);
}

TEST(epcis, every_event_of_every_gs1_example_becomes_one_record_and_nothing_is_lost)
{
    static struct tally tally;
    char directory[1024];
    (void)snprintf(directory, sizeof(directory), "%s", test_data("epcis/examples"));
    import_directory(&tally, directory);
    EXPECT_EQ(47, tally.documents);
    EXPECT_EQ(56, tally.counted);
    EXPECT_EQ(56, tally.events);
    /* Two events stand in seven documents, word for word. */
    EXPECT_EQ(51, tally.assets);
    import_directory(&tally, directory);
    EXPECT_EQ(112, tally.events);
    EXPECT_EQ(51, tally.assets);
    free_arenas();
}
