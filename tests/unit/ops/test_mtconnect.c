#include "ops/import/mtconnect.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/import/mtconnect_devices.h"
#include "ops/import/telemetry_block.h"
#include "tests/unit/ops/document_rig.h"

#define DEVICES                                                                                    \
    "<MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.3'><Devices>"                   \
    "<Device id='d1' name='mill-2' uuid='u-2'><Description manufacturer='M' model='X'/>"           \
    "<DataItems><DataItem id='i1' name='speed' category='SAMPLE' type='ROTARY_VELOCITY' "          \
    "units='REVOLUTION/MINUTE'/><DataItem id='i2' name='prog' category='EVENT' "                   \
    "type='PROGRAM'/></DataItems><Components><Axes id='a'><DataItems>"                             \
    "<DataItem id='i3' category='CONDITION' type='SYSTEM'/><DataItem id='i4' name='odd' "          \
    "category='SAMPLE' type='X' units='FURLONG'/></DataItems></Axes></Components></Device>"        \
    "</Devices></MTConnectDevices>"

static const char map[] = "{\"file\": \"{part}-{machine}-{number#}of*\", "
                          "\"parts\": {\"Box\": \"box\"}, \"organization\": \"NIST\"}";
static const struct rig_options options = {
    .name = "Box-mill-2-07of20.txt", .map = map, .model = DEVICES};

static void run(const char *text, const struct rig_options *o)
{
    EXPECT_TRUE(rig_run(&weft_mtconnect_importer, weft_text_of(text), o));
    EXPECT_TEXT("", rig.msg.text);
    EXPECT_EQ(1, rig.item_count);
    EXPECT_EQ(1, rig.record_count);
}

/* The blocks, unpacked one behind the other. */
static void expect_unpacked(struct weft_text text)
{
    struct weft_buffer out = {0};
    for (uint32_t i = 0; i < rig.block_count; i++) {
        EXPECT_EQ(WEFT_OK,
            weft_block_unpack((struct weft_bytes){rig.blocks[i].data, rig.blocks[i].size}, &out));
    }
    EXPECT_EQ(text.size, out.size);
    EXPECT_MEM(text.data, out.data, text.size);
    weft_buffer_destroy(&out);
}

static const char lines[] = "2017-02-06T17:40:27.0Z|speed|100.5\n"
                            "2017-02-06T17:40:28Z|prog|OP1.NC\n"
                            "2017-02-06T17:40:29.5Z|speed|-3\n"
                            "2017\n"
                            "2017-02-06T17:40:30Z|speed|\n"
                            "2017-02-06T17:40:31Z|prog|OP2.NC\r\n"
                            "2017-02-06T17:40:30.5Z|prog|OP1.NC\n"
                            "2017-02-06T17:40:32Z|count|7|odd|1.50\n"
                            "2017-02-06T17:40:33Z|i3|FAULT|E7|1|HIGH|too|hot\n"
                            "2017-02-06T17:40:34Z|speed|UNAVAILABLE";

TEST(mtconnect, sums_up_a_run)
{
    run(lines, &options);
    EXPECT_EQ(1, rig.block_count);
    expect_unpacked(weft_text_of(lines));
    rig_expect_holds("{\"kind\":\"process_run\",\"asset\":\"run:mill-2/2017-02-06T17:40:27Z-");
    rig_expect_holds(
        "\"at\":\"2017-02-06T17:40:34Z\",\"source\":\"mtconnect:Box-mill-2-07of20.txt#run\"");
    rig_expect_holds("\"attrs\":{\"organization\":\"NIST\",\"part\":\"box\",\"machine\":\"mill-2\","
                     "\"device\":{\"uuid\":\"u-2\",\"manufacturer\":\"M\",\"model\":\"X\"},"
                     "\"start\":\"2017-02-06T17:40:27Z\",\"end\":\"2017-02-06T17:40:34Z\","
                     "\"program\":\"OP1.NC\",\"programs\":[\"OP1.NC\",\"OP2.NC\"],\"samples\":10,"
                     "\"lines\":{\"count\":10,\"damaged\":1,\"first_damaged\":4,"
                     "\"out_of_order\":1},\"items\":{");
    rig_expect_holds("\"speed\":{\"type\":\"ROTARY_VELOCITY\",\"unit\":\"/min\",\"count\":4,"
                     "\"missing\":2,\"min\":-3,\"max\":100.5,\"mean\":48.75,\"first\":100.5,"
                     "\"last\":-3}");
    rig_expect_holds("\"prog\":{\"type\":\"PROGRAM\",\"count\":3,\"values\":{\"OP1.NC\":2,"
                     "\"OP2.NC\":1},\"first\":\"OP1.NC\",\"last\":\"OP1.NC\"}");
    rig_expect_holds(
        "\"count\":{\"count\":1,\"min\":7,\"max\":7,\"mean\":7,\"first\":7,\"last\":7}");
    rig_expect_holds("\"odd\":{\"type\":\"X\",\"unit\":\"FURLONG\",\"count\":1,\"min\":1.50");
    rig_expect_holds("\"i3\":{\"type\":\"SYSTEM\",\"count\":1,\"values\":{\"FAULT\":1}");
    rig_expect_holds("\"identity\":{\"file\":\"Box-mill-2-07of20.txt\",\"rule\":"
                     "\"{part}-{machine}-{number#}of*\",\"inferred\":true,");
    rig_expect_holds("\"links\":[{\"rel\":\"made_on\",\"to\":\"machine:mill-2\"},"
                     "{\"rel\":\"output\",\"to\":\"serial:box/7\"}],\"expect\":{\"rev\":0}}");
    EXPECT_TRUE(rig.notice != NULL);
    rig_free();
}

TEST(mtconnect, names_its_blocks_by_their_digests)
{
    char piece[200], digest[WEFT_DIGEST_TEXT_SIZE];
    run(lines, &options);
    weft_digest_format(&rig.digests[0], digest);
    (void)snprintf(piece, sizeof(piece), "\"blocks\":[\"%s\"]", digest);
    rig_expect_holds(piece);
    struct weft_digest raw = weft_sha256(lines, sizeof(lines) - 1);
    weft_digest_format(&raw, digest);
    (void)snprintf(
        piece, sizeof(piece), "\"raw_digest\":\"%s\",\"raw_bytes\":%zu", digest, sizeof(lines) - 1);
    rig_expect_holds(piece);
    rig_free();
}

TEST(mtconnect, is_the_same_in_pieces_of_any_size)
{
    run(lines, &options);
    char *whole = strdup(rig_records());
    for (size_t step = 1; step < sizeof(lines); step++) {
        struct rig_options o = options;
        o.step = step;
        run(lines, &o);
        EXPECT_TEXT(whole, rig_records());
    }
    free(whole);
    rig_free();
}

TEST(mtconnect, makes_the_id_of_what_is_said_alone)
{
    run(lines, &options);
    struct weft_request_id id = rig.ids[0];
    run(lines,
        &(struct rig_options){.name = "Box-mill-2-08of20.txt", .map = map, .model = DEVICES});
    EXPECT_TRUE(memcmp(&id, &rig.ids[0], sizeof(id)) != 0); /* Another unit. */
    run(lines, &options);
    EXPECT_MEM(&id, &rig.ids[0], sizeof(id));
    rig_free();
}

/* Noise that does not compress: blocks are cut at ends of lines and put together again. */
TEST(mtconnect, cuts_a_long_log_into_blocks)
{
    static const char hex[] = "0123456789abcdef";
    struct weft_buffer text = {.size_max = 64 << 20};
    for (int i = 0; i < 200 * 1000; i++) {
        char line[] = "2017-02-06T17:40:27.000000Z|speed|00000000000000000000000000000000\n";
        for (int k = 0; k < 32; k++) {
            line[34 + k] = hex[test_random(16)];
        }
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, weft_text_of(line)));
    }
    struct weft_text all = {(char *)text.data, text.size};
    struct rig_options o = options;
    o.step = 100 * 1000;
    EXPECT_TRUE(rig_run(&weft_mtconnect_importer, all, &o));
    EXPECT_TRUE(rig.block_count > 3);
    EXPECT_EQ(0, rig.refused);
    expect_unpacked(all);
    rig_expect_holds("\"lines\":{\"count\":200000,\"damaged\":0}");
    weft_buffer_destroy(&text);
    rig_free();
}

/* Lines that compress well fill a block by their own size: it ends with a whole line all the same.
 */
TEST(mtconnect, cuts_a_block_that_is_full_at_an_end_of_line)
{
    struct weft_buffer text = {.size_max = 64 << 20};
    for (int i = 0; i < 500 * 1000; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("2017-02-06T17:40:27Z|speed|1\n")));
    }
    struct weft_text all = {(char *)text.data, text.size};
    struct rig_options o = options;
    o.step = 1000 * 1000;
    EXPECT_TRUE(rig_run(&weft_mtconnect_importer, all, &o));
    EXPECT_EQ(2, rig.block_count);
    expect_unpacked(all);
    rig_expect_holds("\"samples\":500000,\"lines\":{\"count\":500000,\"damaged\":0}");
    weft_buffer_destroy(&text);
    rig_free();
}

/* A "line" longer than a block's lines may be: kept, counted, and the next one is read. */
TEST(mtconnect, keeps_a_line_that_does_not_end)
{
    struct weft_buffer text = {.size_max = 64 << 20};
    EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&text, 20 << 20));
    memset(text.data, 'x', 20 << 20);
    text.size = 20 << 20;
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("\n2017-02-06T17:40:27Z|speed|1\n")));
    struct weft_text all = {(char *)text.data, text.size};
    EXPECT_TRUE(rig_run(&weft_mtconnect_importer, all, &options));
    expect_unpacked(all);
    rig_expect_holds("\"samples\":1,\"lines\":{\"count\":4,\"damaged\":3,\"first_damaged\":1}");
    weft_buffer_destroy(&text);
    rig_free();
}

TEST(mtconnect, counts_what_is_no_sample)
{
    run("2017-02-06T17:40:27Z|speed|1\n"
        "2017-02-06T17:40:27|speed|1\n"      /* no zone */
        "2017-02-06T17:40:27Z|speed\n"       /* no value */
        "2017-02-06T17:40:27Z||1\n"          /* no item */
        "2017-02-06T17:40:27Z|speed|1|odd\n" /* half a pair */
        "\n"
        "2017-02-06T17:40:27Z|sp\xff"
        "eed|1\n"                             /* not UTF-8 */
        "2017-02-06T17:40:27Z@1.5|speed|2\n", /* with a duration: a sample */
        &options);
    rig_expect_holds("\"samples\":2,\"lines\":{\"count\":8,\"damaged\":6,\"first_damaged\":2}");
    rig_free();
}

TEST(mtconnect, sums_up_so_many_items_and_counts_the_rest)
{
    struct weft_buffer text = {0};
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "2017-02-06T17:40:27Z|item%d|word%d\n", i, i));
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "2017-02-06T17:40:27Z|item0|w%d\n", i));
    }
    EXPECT_TRUE(rig_run(
        &weft_mtconnect_importer, (struct weft_text){(char *)text.data, text.size}, &options));
    EXPECT_EQ(0, rig.refused);
    rig_expect_holds("\"samples\":200");
    rig_expect_holds("\"samples_of_further_items\":60");
    rig_expect_holds("\"has_more_values\":true");
    rig_expect_holds("\"item39\"");
    rig_expect_lacks("\"item40\"");
    weft_buffer_destroy(&text);
    rig_free();
}

TEST(mtconnect, needs_to_know_the_machine)
{
    static const char no_file[] = "{\"organization\": \"X\"}";
    rig_expect_refused(&weft_mtconnect_importer, lines,
        &(struct rig_options){.name = "x", .map = no_file}, WEFT_EINVAL,
        "which machine it was is not known: the map's 'file' captures no {machine}, and the "
        "device model has 0 devices");
    rig_expect_refused(&weft_mtconnect_importer, lines,
        &(struct rig_options){.name = "x.txt", .map = map}, WEFT_EINVAL,
        "the name of the file does not fit the map's '{part}-{machine}-{number#}of*'");
    rig_expect_refused(&weft_mtconnect_importer, lines,
        &(struct rig_options){.name = "Box-lathe-07of20", .map = map, .model = DEVICES},
        WEFT_EINVAL, "the device model has no lathe");
    /* One device in the model: it is that. */
    run(lines, &(struct rig_options){.name = "x", .map = no_file, .model = DEVICES});
    rig_expect_holds("\"links\":[{\"rel\":\"made_on\",\"to\":\"machine:mill-2\"}]");
    rig_expect_lacks("\"identity\"");
    rig_free();
}

TEST(mtconnect, refuses_a_log_without_samples)
{
    rig_expect_refused(&weft_mtconnect_importer, "", &options, WEFT_EINVAL,
        "line 1: none of 0 lines is time|item|value");
    EXPECT_TRUE(rig_run(&weft_mtconnect_importer, WEFT_TEXT("a,b,c\n1,2,3\n"), &options));
    EXPECT_TEXT("line 1: none of 2 lines is time|item|value", rig.msg.text);
    EXPECT_EQ(0, rig.record_count);
    rig_free();
}

/* --- the device model ------------------------------------------------------------------------ */

static void expect_bad_model(const char *text, enum weft_err expected, const char *reason)
{
    struct weft_devices devices = {.count = 77};
    struct weft_msg msg = {""};
    EXPECT_EQ(expected, weft_devices_read(weft_text_of(text), &devices, &msg));
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(77, devices.count);
}

TEST(devices, are_found_by_name_id_and_uuid)
{
    struct weft_devices devices;
    EXPECT_EQ(WEFT_OK, weft_devices_read(WEFT_TEXT(DEVICES), &devices, NULL));
    EXPECT_EQ(1, devices.count);
    EXPECT_EQ(4, devices.item_count);
    const struct weft_device *device = weft_devices_find(&devices, WEFT_TEXT("mill-2"));
    EXPECT_TRUE(device != NULL);
    EXPECT_TRUE(device == weft_devices_find(&devices, WEFT_TEXT("d1")));
    EXPECT_TRUE(device == weft_devices_find(&devices, WEFT_TEXT("u-2")));
    EXPECT_TRUE(weft_devices_find(&devices, WEFT_TEXT("")) == NULL);
    const struct weft_data_item *item = weft_device_item(&devices, device, WEFT_TEXT("i1"));
    EXPECT_TRUE(item == weft_device_item(&devices, device, WEFT_TEXT("speed")));
    EXPECT_TRUE(weft_text_is(item->unit, "/min"));
    EXPECT_EQ(WEFT_CATEGORY_SAMPLE, item->category);
    EXPECT_TRUE(weft_device_item(&devices, device, WEFT_TEXT("none")) == NULL);
    weft_devices_destroy(&devices);
}

TEST(devices, are_refused_with_a_place)
{
    expect_bad_model("<MTConnectStreams xmlns='urn:mtconnect.org:MTConnectStreams:1.3'/>",
        WEFT_EINVAL,
        "line 1, column 1 (/MTConnectStreams): the root is "
        "{urn:mtconnect.org:MTConnectStreams:1.3}MTConnectStreams, not MTConnectDevices");
    expect_bad_model("<MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.3'/>",
        WEFT_EINVAL, "line 1, column 1 (/MTConnectDevices): has no device");
    expect_bad_model("<MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.3'>\n<Device/>",
        WEFT_EINVAL,
        "line 2, column 1 (/MTConnectDevices/Device): a device has neither name nor id");
    expect_bad_model("<MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.3'>"
                     "<Device id='d'>\n<DataItem name='x'/>",
        WEFT_EINVAL, "line 2, column 1 (/MTConnectDevices/Device/DataItem): a data item has no id");
    expect_bad_model("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
        WEFT_EINVAL,
        "line 1, column 13 (): a document type (DTD) is not read: it can define entities and name "
        "files");
}

/* The shipped sample of a real device model. */
TEST(devices, of_the_shared_data_are_read)
{
    struct weft_devices devices;
    struct weft_buffer text = {0};
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/MTConnect/Devices.xml", test_data("nist-box"));
    FILE *file = fopen(path, "rb");
    EXPECT_TRUE(file != NULL);
    EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&text, 1 << 20));
    text.size = fread(text.data, 1, 1 << 20, file);
    (void)fclose(file);
    EXPECT_EQ(WEFT_OK,
        weft_devices_read((struct weft_text){(char *)text.data, text.size}, &devices, NULL));
    EXPECT_EQ(10, devices.count);
    const struct weft_device *device = weft_devices_find(&devices, WEFT_TEXT("Hurco02"));
    EXPECT_TRUE(weft_text_is(device->uuid, "mtc_adapter006"));
    EXPECT_TRUE(
        weft_text_is(weft_device_item(&devices, device, WEFT_TEXT("Feed_Rate"))->unit, "mm/s"));
    weft_devices_destroy(&devices);
    weft_buffer_destroy(&text);
}

/* --- blocks ---------------------------------------------------------------------------------- */

TEST(block, comes_back_as_it_was)
{
    struct weft_buffer block = {.size_max = WEFT_BLOCK_SIZE_MAX}, out = {0};
    size_t packed = 0;
    EXPECT_EQ(WEFT_OK,
        weft_block_pack((struct weft_bytes){(const uint8_t *)lines, 100}, &block, &packed));
    EXPECT_EQ(100, packed);
    EXPECT_EQ(WEFT_OK, weft_block_unpack((struct weft_bytes){block.data, block.size}, &out));
    EXPECT_EQ(100, out.size);
    EXPECT_MEM(lines, out.data, 100);
    /* Damaged, cut, with something behind it: none. */
    for (size_t i = 0; i < block.size; i++) {
        out.size = 0;
        EXPECT_TRUE(weft_block_unpack((struct weft_bytes){block.data, i}, &out) != WEFT_OK);
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&block, "x", 1));
    EXPECT_EQ(
        WEFT_EMALFORMED, weft_block_unpack((struct weft_bytes){block.data, block.size}, &out));
    weft_buffer_destroy(&block);
    weft_buffer_destroy(&out);
}

/* A frame that says it holds more than it may is not unpacked. */
TEST(block, of_too_much_is_refused)
{
    static const uint8_t bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 0x01, 0, 0};
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_ETOOBIG, weft_block_unpack((struct weft_bytes){bomb, sizeof(bomb)}, &out));
    EXPECT_EQ(0, out.capacity);
}
