#include "ops/import/catenax.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/import/catenax_twin.h"
#include "tests/unit/ops/import_rig.h"

#define UUID_A "62d3e027-04e6-4952-89da-ed4e1c60414f"
#define UUID_B "a4a2ba57-1c50-48ad-8981-7a0ef032146b"
#define A "urn:uuid:" UUID_A
#define B "urn:uuid:" UUID_B
#define CONTAINER(twins) "{\"x/TestDataContainer/1.0.0\":[" twins "]}"
#define SERIAL                                                                                     \
    "\"urn:samm:io.catenax.serial_part:3.0.0#SerialPart\":[{\"catenaXId\":\"" A "\","              \
    "\"localIdentifiers\":[{\"key\":\"manufacturerId\",\"value\":\"BPNL1\"},"                      \
    "{\"key\":\"partInstanceId\",\"value\":\"SN-1\"}],"                                            \
    "\"manufacturingInformation\":{\"date\":\"2022-02-04T14:48:54\",\"country\":\"DEU\"},"         \
    "\"partTypeInformation\":{\"manufacturerPartId\":\"P-7\",\"nameAtManufacturer\":\"Box\"}}]"

static void expect(const char *text, const char *expected)
{
    expect_imported(&weft_catenax_importer, text, NULL, expected);
}

TEST(catenax, a_serial_part_is_one_record_with_its_identifiers_and_its_type_another)
{
    expect(CONTAINER("{\"catenaXId\":\"" A "\",\"bpnl\":\"BPNL9\"," SERIAL "}"),
        "{\"kind\":\"as_built\",\"asset\":\"" A "\",\"at\":\"2022-02-04T14:48:54Z\",\"attrs\":{"
        "\"aspects\":[\"urn:samm:io.catenax.serial_part:3.0.0#SerialPart\"],"
        "\"localIdentifiers\":{\"manufacturerId\":\"BPNL1\",\"partInstanceId\":\"SN-1\"},"
        "\"manufacturingInformation\":{\"date\":\"2022-02-04T14:48:54\",\"country\":\"DEU\"},"
        "\"partTypeInformation\":{\"manufacturerPartId\":\"P-7\",\"nameAtManufacturer\":\"Box\"},"
        "\"owner\":\"BPNL9\"},\"links\":[{\"rel\":\"instance_of\",\"to\":\"part:BPNL1/P-7\"},"
        "{\"rel\":\"made_by\",\"to\":\"bpn:BPNL1\"}]}\n"
        "{\"kind\":\"part_type\",\"asset\":\"part:BPNL1/P-7\",\"attrs\":{\"manufacturerId\":"
        "\"BPNL1\",\"manufacturerPartId\":\"P-7\",\"nameAtManufacturer\":\"Box\"}}\n");
}

TEST(catenax, the_two_sides_of_an_edge_are_two_claims)
{
    expect(CONTAINER("{\"catenaXId\":\"" A "\",\"u#SingleLevelBomAsBuilt\":[{\"catenaXId\":\"" A
                     "\",\"childItems\":[{\"catenaXId\":\"" B "\",\"quantity\":{\"value\":2.50,"
                     "\"unit\":\"unit:kilogram\"},\"businessPartner\":\"BPNL2\"}]}]},"
                     "{\"catenaXId\":\"" B "\",\"u#SingleLevelUsageAsBuilt\":[{\"catenaXId\":\"" B
                     "\",\"parentItems\":[{\"catenaXId\":\"" A "\"}]}]}"),
        "{\"kind\":\"as_built\",\"asset\":\"" A "\",\"attrs\":{\"aspects\":"
        "[\"u#SingleLevelBomAsBuilt\"]},\"links\":[{\"rel\":\"contains\",\"to\":\"" B
        "\",\"attrs\":{\"quantity\":2.50,\"unit\":\"kg\",\"businessPartner\":\"BPNL2\"}}]}\n"
        "{\"kind\":\"genealogy\",\"asset\":\"" B "\",\"links\":[{\"rel\":\"part_of\",\"to\":\"" A
        "\"}]}\n");
}

TEST(catenax, older_spellings_of_ids_and_aspects_mean_the_same)
{
    expect(
        "[{\"catenaXId\":\"62D3E027-04E6-4952-89DA-ED4E1C60414F\",\"u#AssemblyPartRelationship\":[{"
        "\"catenaXId\":\"" UUID_A "\",\"childParts\":[{\"childCatenaXId\":\"URN:UUID:" UUID_B
        "\",\"quantity\":{\"quantityNumber\":\"0.1908\",\"measurementUnit\":{\"lexicalValue\":"
        "\"unit:piece\"}},\"lifecycleContext\":\"AsBuilt\"},{\"childCatenaXId\":\"x:1\","
        "\"lifecycleContext\":\"AsPlanned\"}]}]}]",
        "{\"kind\":\"as_built\",\"asset\":\"" A "\",\"attrs\":{\"aspects\":"
        "[\"u#AssemblyPartRelationship\"]},\"links\":[{\"rel\":\"contains\",\"to\":\"" B
        "\",\"attrs\":{\"quantity\":0.1908,\"unit\":\"{piece}\",\"lifecycleContext\":\"AsBuilt\"}},"
        "{\"rel\":\"about\",\"to\":\"x:1\",\"attrs\":{\"lifecycleContext\":\"AsPlanned\"}}]}\n");
}

TEST(catenax, usage_is_told_by_customer_and_what_is_only_possible_is_no_claim)
{
    expect("[{\"catenaXId\":\"" B "\",\"u#SingleLevelUsageAsBuilt\":[{\"customers\":[{"
           "\"businessPartner\":\"BPNL5\",\"parentItems\":[{\"catenaXId\":\"" A
           "\",\"isOnlyPotentialParent\":false},{\"catenaXId\":\"x:2\",\"isOnlyPotentialParent\":"
           "true}]}]}]}]",
        "{\"kind\":\"genealogy\",\"asset\":\"" B "\",\"links\":[{\"rel\":\"part_of\",\"to\":\"" A
        "\",\"attrs\":{\"businessPartner\":\"BPNL5\",\"isOnlyPotentialParent\":false}},"
        "{\"rel\":\"about\",\"to\":\"x:2\",\"attrs\":{\"businessPartner\":\"BPNL5\","
        "\"isOnlyPotentialParent\":true}}]}\n");
}

TEST(catenax, planned_parts_and_other_aspects_are_kept_whole)
{
    expect("[{\"catenaXId\":\"" A
           "\",\"bpnl\":\"BPNL9\",\"u#PartAsPlanned\":[{\"partTypeInformation\":"
           "{\"manufacturerPartId\":\"P-7\"},\"validityPeriod\":{\"validFrom\":\"2019\"}}],"
           "\"u#SingleLevelBomAsPlanned\":[{\"childItems\":[{\"catenaXId\":\"" B
           "\"}]}],\"u#PhysicalDimension\":{\"weight\":\"2\"},\"PlainObject\":[{\"a\":[1]}]}]",
        "{\"kind\":\"part_type\",\"asset\":\"" A "\",\"attrs\":{\"owner\":\"BPNL9\","
        "\"partTypeInformation\":{\"manufacturerPartId\":\"P-7\"},\"validityPeriod\":{"
        "\"validFrom\":"
        "\"2019\"}},\"links\":[{\"rel\":\"about\",\"to\":\"part:BPNL9/P-7\"}]}\n"
        "{\"kind\":\"bom\",\"asset\":\"" A "\",\"attrs\":{\"owner\":\"BPNL9\"},\"links\":[{\"rel\":"
        "\"bom_line\",\"to\":\"" B "\"}]}\n"
        "{\"kind\":\"catenax.physical_dimension\",\"asset\":\"" A
        "\",\"attrs\":{\"owner\":\"BPNL9\","
        "\"weight\":\"2\"}}\n"
        "{\"kind\":\"catenax.plain_object\",\"asset\":\"" A
        "\",\"attrs\":{\"owner\":\"BPNL9\",\"a\":"
        "[1]}}\n"
        "{\"kind\":\"part_type\",\"asset\":\"part:BPNL9/"
        "P-7\",\"attrs\":{\"manufacturerId\":\"BPNL9\","
        "\"manufacturerPartId\":\"P-7\"}}\n");
    expect("[{\"catenaXId\":\"" A "\",\"bpnl\":\"BPNL9\"}]",
        "{\"kind\":\"catenax.twin\",\"asset\":\"" A "\",\"attrs\":{\"owner\":\"BPNL9\"}}\n");
}

TEST(catenax, a_key_of_identifiers_that_is_there_twice_keeps_them_as_a_list)
{
    expect("[{\"catenaXId\":\"" A
           "\",\"u#Batch\":[{\"localIdentifiers\":[{\"key\":\"a\",\"value\":\"1\"},"
           "{\"key\":\"a\",\"value\":\"2\"}]}]}]",
        "{\"kind\":\"as_built\",\"asset\":\"" A "\",\"attrs\":{\"aspects\":[\"u#Batch\"],"
        "\"localIdentifiers\":[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"a\",\"value\":\"2\"}]}}"
        "\n");
}

TEST(catenax, a_bad_twin_is_refused_with_its_place_and_does_not_hide_the_others)
{
    static const char good[] = "{\"kind\":\"catenax.twin\",\"asset\":\"" B "\"}\n";
    static const struct {
        const char *twin, *reason;
    } bad[] = {{"7", "line 2, column 1 (/0): must be an object, is a number"},
        {"{}", "line 2, column 1 (/0): a twin has a catenaXId"},
        {"{\"catenaXId\":7}", "line 2, column 14 (/0/catenaXId): must be a string, is a number"},
        {"{\"catenaXId\":\" x\"}", "line 2, column 14 (/0/catenaXId): cannot be the id of a twin"},
        {"{\"catenaXId\":\"x\",\"y\":1}", "line 2, column 22 (/0/y): unknown member of a twin (an "
                                          "aspect is named by <urn>#<name>)"},
        {"{\"catenaXId\":\"x\",\"u#Batch\":[1]}",
            "line 2, column 29 (/0/u#Batch/0): must be an object, is a number"},
        {"{\"catenaXId\":\"x\",\"u#Batch\":[{\"catenaXId\":\"y\"}]}",
            "line 2, column 42 (/0/u#Batch/0/catenaXId): is not the id of the twin it stands in"},
        {"{\"catenaXId\":\"x\",\"u#Batch\":[{\"manufacturingInformation\":{\"date\":\"soon\"}}]}",
            "line 2, column 65 (/0/u#Batch/0/manufacturingInformation/date): not an RFC 3339 time: "
            "it must look like 2017-07-28T08:16:42Z"},
        {"{\"catenaXId\":\"x\",\"u#SingleLevelBomAsBuilt\":[{\"childItems\":[{}]}]}",
            "line 2, column 60 (/0/u#SingleLevelBomAsBuilt/0/childItems/0): has no catenaXId"},
        {"{\"catenaXId\":\"x\",\"u#SingleLevelBomAsBuilt\":[{\"childItems\":[{\"catenaXId\":\"y\","
         "\"quantity\":{\"value\":\"few\"}}]}]}",
            "line 2, column 97 (/0/u#SingleLevelBomAsBuilt/0/childItems/0/quantity/value): has no "
            "number as quantity"},
        {"{\"catenaXId\":\"x\",\"u#Other\":[{\"\":1}]}",
            "line 2, column 33 (/0/u#Other/0/): its name is empty or over 255 bytes"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char text[1024], expected[1024];
        (void)snprintf(text, sizeof(text), "[\n%s,\n{\"catenaXId\":\"" B "\"}]", bad[i].twin);
        (void)snprintf(expected, sizeof(expected), "! %s\n%s", bad[i].reason, good);
        expect(text, expected);
    }
}

TEST(catenax, what_is_no_container_is_refused)
{
    expect("{\"a\":[]}",
        "! line 1, column 1 (): is no test data container: it has no member of that name\n");
    expect("5", "! line 1, column 1 (): must be an object, is a number\n");
    expect("{\"TestDataContainer\":{}}",
        "! line 1, column 22 (/TestDataContainer): must be an array, is an object\n");
    expect("[{\"catenaXId\":\"" B "\"},", "{\"kind\":\"catenax.twin\",\"asset\":\"" B
                                          "\"}\n! line 1, column 64: the text ends too early\n");
    expect(CONTAINER(""), "");
}

TEST(catenax, the_sample_container_gives_its_162_twins_and_283_edges)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/smallTestdata.json", test_data("catenax"));
    FILE *f = fopen(path, "r");
    EXPECT_TRUE(f != NULL);
    enum {
        SIZE_MAX_BYTES = 4 * 1024 * 1024
    };
    char *text = malloc(SIZE_MAX_BYTES);
    EXPECT_TRUE(text != NULL);
    size_t size = fread(text, 1, SIZE_MAX_BYTES, f);
    (void)fclose(f);
    struct imported im = import_text(
        &weft_catenax_importer, (struct weft_text){text, size}, "f", NULL, 1 + test_random(9000));
    EXPECT_EQ(0, im.refused);
    EXPECT_TRUE(im.items > 162);
    EXPECT_TEXT("times without a zone were read as UTC", im.notice);
    uint32_t edges = 0;
    for (const char *p = strstr((const char *)im.lines.data, "\"contains\""); p != NULL;
         p = strstr(p + 1, "\"contains\"")) {
        edges++;
    }
    EXPECT_EQ(283, edges);
    free_imported(&im);
    expect_same_in_pieces(&weft_catenax_importer, (struct weft_text){text, size}, NULL, 3);
    free(text);
}
