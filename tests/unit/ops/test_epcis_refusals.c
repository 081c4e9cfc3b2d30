#include "tests/unit/ops/epcis_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/limits.h"

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
