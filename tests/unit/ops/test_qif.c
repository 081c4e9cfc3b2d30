#include "ops/import/qif.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/ops/document_rig.h"

#define QIF2 "<QIFDocument xmlns='http://qifstandards.org/xsd/qif2' versionQIF='2.1.0'>"
#define QIF3 "<QIFDocument xmlns='http://qifstandards.org/xsd/qif3' versionQIF='3.0.0'>"
#define UNITS                                                                                      \
    "<FileUnits><PrimaryUnits><LinearUnit><UnitName>inch</UnitName></LinearUnit>"                  \
    "<AngularUnit><UnitName>degree</UnitName></AngularUnit></PrimaryUnits></FileUnits>"
#define PART                                                                                       \
    "<Product><PartSet><Part id='1'><Header><Name>pump</Name></Header></Part></PartSet></Product>"
#define CHARACTERISTICS                                                                            \
    "<Characteristics><CharacteristicDefinitions>"                                                 \
    "<DiameterCharacteristicDefinition id='10'><Tolerance><MaxValue>0.2</MaxValue>"                \
    "<MinValue>-0.1</MinValue><DefinedAsLimit>false</DefinedAsLimit></Tolerance>"                  \
    "</DiameterCharacteristicDefinition>"                                                          \
    "<FlatnessCharacteristicDefinition id='11'><ToleranceValue>0.05</ToleranceValue>"              \
    "</FlatnessCharacteristicDefinition>"                                                          \
    "</CharacteristicDefinitions><CharacteristicNominals>"                                         \
    "<DiameterCharacteristicNominal id='20'><CharacteristicDefinitionId>10"                        \
    "</CharacteristicDefinitionId><TargetValue>3.3</TargetValue></DiameterCharacteristicNominal>"  \
    "<FlatnessCharacteristicNominal id='21'><CharacteristicDefinitionId>11"                        \
    "</CharacteristicDefinitionId></FlatnessCharacteristicNominal></CharacteristicNominals>"       \
    "<CharacteristicItems><DiameterCharacteristicItem id='30'><Name>bore</Name>"                   \
    "<CharacteristicNominalId>20</CharacteristicNominalId></DiameterCharacteristicItem>"           \
    "<FlatnessCharacteristicItem id='31'><Name/><CharacteristicNominalId>21"                       \
    "</CharacteristicNominalId></FlatnessCharacteristicItem>"                                      \
    "<FlatnessCharacteristicItem id='32'><Name>bore</Name></FlatnessCharacteristicItem>"           \
    "</CharacteristicItems></Characteristics>"
#define ACTUAL(type, item, value, status)                                                          \
    "<" type "><Status><CharacteristicStatusEnum>" status "</CharacteristicStatusEnum></Status>"   \
    "<CharacteristicItemId>" item "</CharacteristicItemId><Value>" value "</Value></" type ">"
#define RESULT(id, components, status, actuals)                                                    \
    "<MeasurementResults id='" id "'><MeasuredCharacteristics><CharacteristicActuals>" actuals     \
    "</CharacteristicActuals></MeasuredCharacteristics><InspectionStatus><InspectionStatusEnum>"   \
    "" status "</InspectionStatusEnum></InspectionStatus><ActualComponentIds>" components          \
    "</ActualComponentIds></MeasurementResults>"
#define COMPONENT(id, serial, status)                                                              \
    "<ActualComponentSet><ActualComponent id='" id "'>" serial                                     \
    "<Status><InspectionStatusEnum>" status "</InspectionStatusEnum></Status>"                     \
    "</ActualComponent></ActualComponentSet>"
#define RESULTS(results, components)                                                               \
    "<MeasurementsResults><MeasurementResultsSet>" results                                         \
    "</MeasurementResultsSet><ActualComponentSets>" components                                     \
    "</ActualComponentSets></MeasurementsResults></QIFDocument>"

static const struct rig_options plain = {.name = "a.qif"};

static void run(const char *text, const struct rig_options *options)
{
    EXPECT_TRUE(rig_run(&weft_qif_importer, weft_text_of(text), options));
    EXPECT_TEXT("", rig.msg.text);
}

static const char one[] = QIF2
    "<QPId>q-1</QPId><Version><TimeCreated>2017-03-07T10:50:35</TimeCreated></Version>" UNITS PART
        CHARACTERISTICS RESULTS(
            RESULT("100", "<Id>200</Id>", "FAIL",
                ACTUAL("DiameterCharacteristicActual", "30", "3.310", "PASS")
                    ACTUAL("DiameterCharacteristicActual", "30", "3.6", "FAIL")
                        ACTUAL("FlatnessCharacteristicActual", "31", "0.01", "PASS")
                            ACTUAL("FlatnessCharacteristicActual", "32", "INF", "PASS")),
            COMPONENT("200", "<SerialNumber> S7 </SerialNumber>", "FAIL"));

TEST(qif, makes_an_inspection_of_a_result)
{
    run(one, &plain);
    EXPECT_EQ(1, rig.item_count);
    EXPECT_TEXT(
        "{\"kind\":\"inspection\",\"asset\":\"serial:pump/S7\",\"at\":\"2017-03-07T10:50:35Z\","
        "\"source\":\"qif:a.qif#100\",\"attrs\":{\"verdict\":\"FAIL\",\"qif\":{\"status\":\"FAIL\","
        "\"version\":\"2.1.0\",\"document\":\"q-1\",\"result\":100},"
        "\"identity\":{\"serial\":\"S7\",\"part\":\"pump\",\"inferred\":false},"
        "\"time\":{\"from\":\"TimeCreated\",\"given\":\"2017-03-07T10:50:35\","
        "\"zone_assumed\":\"Z\"},\"characteristic_count\":4,\"characteristics\":{"
        "\"bore\":{\"value\":3.310,\"unit\":\"[in_i]\",\"nominal\":3.3,\"min\":3.2,\"max\":3.5,"
        "\"status\":\"PASS\",\"type\":\"Diameter\"},"
        "\"bore#2\":{\"value\":3.6,\"unit\":\"[in_i]\",\"nominal\":3.3,\"min\":3.2,\"max\":3.5,"
        "\"status\":\"FAIL\",\"type\":\"Diameter\"},"
        "\"item 31\":{\"value\":0.01,\"unit\":\"[in_i]\",\"tolerance\":0.05,\"status\":\"PASS\","
        "\"type\":\"Flatness\"},"
        "\"bore (item 32)\":{\"value\":\"INF\",\"unit\":\"[in_i]\",\"status\":\"PASS\","
        "\"type\":\"Flatness\"}}},"
        "\"links\":[{\"rel\":\"instance_of\",\"to\":\"part:pump\"}]}\n",
        rig_records());
    EXPECT_TEXT("MeasurementResults 100", rig.places[0].pointer);
    EXPECT_TRUE(rig.notice != NULL);
    rig_free();
}

TEST(qif, is_the_same_in_pieces_of_any_size)
{
    run(one, &plain);
    char *whole = strdup(rig_records());
    struct weft_request_id id = rig.ids[0];
    for (size_t step = 1; step < 2000; step += 1 + step / 3) {
        struct rig_options options = {.name = "a.qif", .step = step};
        run(one, &options);
        EXPECT_TEXT(whole, rig_records());
        EXPECT_MEM(&id, &rig.ids[0], sizeof(id));
    }
    free(whole);
    rig_free();
}

/* The same document under another name is the same item; another value makes another one. */
TEST(qif, makes_the_id_of_what_is_said_alone)
{
    run(one, &plain);
    struct weft_request_id id = rig.ids[0];
    run(one, &(struct rig_options){.name = "b.qif"});
    EXPECT_MEM(&id, &rig.ids[0], sizeof(id));
    char *other = strdup(one);
    *(strstr(other, "3.310") + 4) = '1';
    run(other, &plain);
    EXPECT_TRUE(memcmp(&id, &rig.ids[0], sizeof(id)) != 0);
    free(other);
    rig_free();
}

TEST(qif, reads_3_0_where_measurements_have_another_name)
{
    run(QIF3 UNITS PART CHARACTERISTICS RESULTS(
            RESULT("100", "<Id>200</Id>", "PASS",
                ACTUAL("DiameterCharacteristicMeasurement", "30", "3.31", "PASS")),
            COMPONENT("200", "<SerialNumber>1</SerialNumber>", "PASS")),
        &plain);
    rig_expect_holds("\"bore\":{\"value\":3.31,\"unit\":\"[in_i]\",\"nominal\":3.3");
    rig_expect_holds("\"version\":\"3.0.0\"");
    rig_free();
}

static const char map[] =
    "{\"organization\": \"MTC\", \"inspection\": \"incoming\", \"parts\": {\"p*\": \"pump2\"},"
    " \"serial\": \"*_A{number#}_*\", \"unit\": \"unit:{part}-{number}\","
    " \"part_type\": \"type:{part}\", \"linear_unit\": \"mm\", \"zone\": \"+01:00\","
    " \"time\": \"{year#}-{month#}-{day#}*\"}";

TEST(qif, marks_what_a_map_infers)
{
    run(QIF2 PART CHARACTERISTICS RESULTS(
            RESULT("100", "<Id>200</Id>", "REWORK",
                ACTUAL("DiameterCharacteristicActual", "30", "3", "PASS"))
                RESULT("101", "<Id>201</Id>", "UNKNOWN", ""),
            COMPONENT("200", "<SerialNumber>BOX_A07_X</SerialNumber>", "PASS")
                COMPONENT("201", "<SerialNumber>odd</SerialNumber>", "PASS")),
        &(struct rig_options){.name = "2017-07-28 x.qif", .map = map});
    EXPECT_EQ(2, rig.record_count);
    rig_expect_holds("\"asset\":\"unit:pump2-7\",\"at\":\"2017-07-27T23:00:00Z\"");
    rig_expect_holds("\"verdict\":\"CONDITIONAL\"");
    rig_expect_holds("\"organization\":\"MTC\",\"inspection\":\"incoming\"");
    rig_expect_holds("\"units_assumed\":\"the document gives none\"");
    rig_expect_holds("\"identity\":{\"serial\":\"BOX_A07_X\",\"part\":\"pump\",\"inferred\":true,"
                     "\"rule\":\"*_A{number#}_*\",\"rule_fits\":true,\"note\":");
    rig_expect_holds("\"time\":{\"from\":\"the document's name\",\"given\":\"2017-07-28 x.qif\","
                     "\"zone_assumed\":\"+01:00\"}");
    rig_expect_holds("\"bore\":{\"value\":3,\"unit\":\"mm\"");
    rig_expect_holds("\"to\":\"type:pump2\"");
    /* A serial that the rule does not fit is kept as it is; a status that is no verdict too. */
    rig_expect_holds("\"asset\":\"unit:pump2-odd\"");
    rig_expect_holds("\"rule_fits\":false");
    rig_expect_holds("\"attrs\":{\"qif\":{\"status\":\"UNKNOWN\"");
    rig_free();
}

TEST(qif, never_loses_a_unit_without_a_serial)
{
    run(QIF2 "<QPId>q-9</QPId>" PART CHARACTERISTICS RESULTS(
            "<MeasurementResults id='5'><ExternalFileReferences><ExternalFileReference>"
            "<URI>D:\\A20\\X.OUT</URI></ExternalFileReference></ExternalFileReferences>"
            "<InspectionStatus><InspectionStatusEnum>PASS</InspectionStatusEnum>"
            "</InspectionStatus><ActualComponentIds><Id>200</Id></ActualComponentIds>"
            "</MeasurementResults>"
            "<MeasurementResults id='6'/>" RESULT("7", "<Id>999</Id>", "FAIL", ""),
            COMPONENT("200", "", "PASS")),
        &plain);
    EXPECT_EQ(3, rig.record_count);
    rig_expect_holds("\"asset\":\"serial:pump/no-serial/q-9/component-200\"");
    rig_expect_holds("\"identity\":{\"part\":\"pump\",\"serial_missing\":true,");
    rig_expect_holds("\"results_file\":\"D:\\\\A20\\\\X.OUT\"");
    rig_expect_holds("\"asset\":\"serial:pump/no-serial/q-9/component-6\"");
    rig_expect_holds("\"asset\":\"serial:pump/no-serial/q-9/component-999\"");
    rig_free();
}

TEST(qif, gives_each_component_of_one_result_its_own_verdict)
{
    run(QIF2 PART CHARACTERISTICS RESULTS(
            RESULT("100", "<Id>200</Id><Id>201</Id>", "FAIL",
                ACTUAL("DiameterCharacteristicActual", "30", "3", "PASS")),
            COMPONENT("200", "<SerialNumber>1</SerialNumber>", "FAIL")
                COMPONENT("201", "<SerialNumber>2</SerialNumber>", "PASS")),
        &plain);
    EXPECT_EQ(1, rig.item_count);
    EXPECT_EQ(2, rig.record_count);
    rig_expect_holds("\"asset\":\"serial:pump/1\",\"source\":\"qif:a.qif#100\","
                     "\"attrs\":{\"verdict\":\"FAIL\"");
    rig_expect_holds("\"asset\":\"serial:pump/2\",\"source\":\"qif:a.qif#100\","
                     "\"attrs\":{\"verdict\":\"PASS\"");
    rig_expect_holds("\"shares_result_with\":\"serial:pump/1\"");
    rig_free();
}

/* 1,000 characteristics in one result: one inspection, and records that go on. */
TEST(qif, goes_on_in_further_records)
{
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK,
        weft_buffer_text(&text, WEFT_TEXT(QIF2 PART CHARACTERISTICS
                                    "<MeasurementsResults><MeasurementResultsSet>"
                                    "<MeasurementResults id='1'><CharacteristicActuals>")));
    for (int i = 0; i < 1000; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, WEFT_TEXT(ACTUAL("DiameterCharacteristicActual",
                                                       "30", "3.31", "PASS"))));
    }
    EXPECT_EQ(
        WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("</CharacteristicActuals></MeasurementResults>"
                                                   "</MeasurementResultsSet></MeasurementsResults>"
                                                   "</QIFDocument>")));
    EXPECT_TRUE(
        rig_run(&weft_qif_importer, (struct weft_text){(char *)text.data, text.size}, &plain));
    EXPECT_EQ(0, rig.refused);
    EXPECT_EQ(9, rig.record_count); /* 112 in each */
    EXPECT_EQ(2, rig.item_count);
    rig_expect_holds("\"characteristic_count\":1000");
    rig_expect_holds("\"bore#1000\":{\"value\":3.31");
    rig_expect_holds("\"kind\":\"inspection.characteristics\"");
    weft_buffer_destroy(&text);
    rig_free();
}

/* A document much larger than what the importer keeps of it. */
TEST(qif, takes_many_results_one_by_one)
{
    struct weft_buffer text = {.size_max = 64 << 20};
    EXPECT_EQ(WEFT_OK,
        weft_buffer_text(&text,
            WEFT_TEXT(QIF2 PART CHARACTERISTICS "<MeasurementsResults><MeasurementResultsSet>")));
    for (int i = 1; i <= 60; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "<MeasurementResults id='%d'>", i));
        for (int k = 0; k < 1000; k++) { /* Coordinates, which are passed over. */
            EXPECT_EQ(
                WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("<MeasuredFeatures><F><X>1 2 3</X></F>"
                                                           "</MeasuredFeatures>")));
        }
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text,
                               "<ActualComponentIds><Id>%d</Id></ActualComponentIds>"
                               "</MeasurementResults>",
                               1000 + i));
    }
    EXPECT_EQ(WEFT_OK,
        weft_buffer_text(&text, WEFT_TEXT("</MeasurementResultsSet><ActualComponentSets>")));
    for (int i = 1; i <= 60; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text,
                               "<ActualComponent id='%d'><SerialNumber>%d</SerialNumber>"
                               "</ActualComponent>",
                               1000 + i, i));
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("</ActualComponentSets>"
                                                         "</MeasurementsResults></QIFDocument>")));
    EXPECT_TRUE(rig_run(&weft_qif_importer, (struct weft_text){(char *)text.data, text.size},
        &(struct rig_options){.name = "a", .step = 65536}));
    EXPECT_EQ(60, rig.item_count);
    rig_expect_holds("\"asset\":\"serial:pump/60\"");
    weft_buffer_destroy(&text);
    rig_free();
}

TEST(qif, refuses_what_is_another_standard)
{
    rig_expect_refused(&weft_qif_importer, "<QIFDocument versionQIF='2.1.0'/>", &plain, WEFT_EINVAL,
        "line 1, column 1 (/QIFDocument): the root is {}QIFDocument, not a QIFDocument of "
        "http://qifstandards.org/xsd/qif2 or http://qifstandards.org/xsd/qif3");
    rig_expect_refused(&weft_qif_importer, "<Workbook xmlns='urn:x'/>", &plain, WEFT_EINVAL,
        "line 1, column 1 (/Workbook): the root is {urn:x}Workbook, not a QIFDocument of "
        "http://qifstandards.org/xsd/qif2 or http://qifstandards.org/xsd/qif3");
    rig_expect_refused(&weft_qif_importer,
        "<QIFDocument xmlns='http://qifstandards.org/xsd/qif2' versionQIF='2.0.0'/>", &plain,
        WEFT_EINVAL,
        "line 1, column 1 (/QIFDocument): versionQIF is '2.0.0'; 2.1 and 3.0 are read");
    rig_expect_refused(&weft_qif_importer,
        "<QIFDocument xmlns='http://qifstandards.org/xsd/qif3' versionQIF='2.1.0'/>", &plain,
        WEFT_EINVAL,
        "line 1, column 1 (/QIFDocument): versionQIF is '2.1.0'; 2.1 and 3.0 are read");
    rig_expect_refused(&weft_qif_importer, QIF2 "</QIFDocument>", &plain, WEFT_EINVAL,
        "line 1, column 1 (/QIFDocument): has no MeasurementResults");
    rig_expect_refused(&weft_qif_importer, "{\"json\": true}", &plain, WEFT_EMALFORMED,
        "line 1, column 1 (): not well-formed (invalid token)");
}

TEST(qif, refuses_ids_that_are_none_or_stand_twice)
{
    rig_expect_refused(&weft_qif_importer, QIF2 "<MeasurementResults/></QIFDocument>", &plain,
        WEFT_EINVAL, "line 1, column 74 (/QIFDocument/MeasurementResults): has no id");
    rig_expect_refused(&weft_qif_importer,
        QIF2 "<MeasurementResults id='1'/><ActualComponent id='2'/><ActualComponent id='2'/>"
             "</QIFDocument>",
        &plain, WEFT_EINVAL,
        "line 1, column 152 (/QIFDocument/ActualComponent): the id 2 of a component stands twice");
    rig_expect_refused(&weft_qif_importer,
        QIF2 "<DiameterCharacteristicItem id='x'/></QIFDocument>", &plain, WEFT_EINVAL,
        "line 1, column 74 (/QIFDocument/DiameterCharacteristicItem): has no id");
    rig_expect_refused(&weft_qif_importer,
        QIF2 "<DiameterCharacteristicItem id='99999999999999999999'/></QIFDocument>", &plain,
        WEFT_EINVAL, "line 1, column 74 (/QIFDocument/DiameterCharacteristicItem): has no id");
}

TEST(qif, states_nothing_of_a_truncated_document)
{
    for (size_t size = 0; size < sizeof(one) - 1; size += 17) {
        EXPECT_TRUE(rig_run(&weft_qif_importer, (struct weft_text){one, size}, &plain));
        EXPECT_EQ(WEFT_EMALFORMED, rig.err);
        EXPECT_EQ(0, rig.record_count);
    }
    rig_free();
}

TEST(qif, refuses_a_bad_map)
{
    EXPECT_TRUE(!rig_run(&weft_qif_importer, weft_text_of(one),
        &(struct rig_options){.name = "a", .map = "{\"serials\": 1}"}));
    EXPECT_EQ(WEFT_EINVAL, rig.err);
    EXPECT_TEXT("line 1, column 13 (/serials): unknown member of a map", rig.msg.text);
    rig_free();
}

/* One result that cannot be a record does not hide the next. */
TEST(qif, refuses_one_result_and_goes_on)
{
    static const char text[] = QIF2 PART CHARACTERISTICS RESULTS(
        RESULT("1", "<Id>200</Id>", "PASS", "") RESULT("2", "<Id>201</Id>", "PASS", ""),
        COMPONENT("200", "<SerialNumber>a&#10;b</SerialNumber>", "PASS")
            COMPONENT("201", "<SerialNumber>2</SerialNumber>", "PASS"));
    EXPECT_TRUE(rig_run(&weft_qif_importer, weft_text_of(text), &plain));
    EXPECT_EQ(1, rig.refused);
    EXPECT_EQ(WEFT_EINVAL, rig.err);
    EXPECT_TRUE(strstr(rig.msg.text, "(MeasurementResults 1): /asset") != NULL);
    EXPECT_EQ(1, rig.record_count);
    rig_expect_holds("serial:pump/2");
    rig_free();
}
