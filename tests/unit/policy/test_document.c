#include <string.h>

#include "policy/chain.h"
#include "policy/document.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

static struct weft_document_reader open_reader(const char *text)
{
    struct weft_document_reader reader;
    EXPECT_EQ(WEFT_OK, weft_document_open(weft_text_of(text), WEFT_DOCUMENT_POLICY, &reader, NULL));
    return reader;
}

static enum weft_err open_text(const char *text)
{
    struct weft_document_reader reader;
    return weft_document_open(weft_text_of(text), WEFT_DOCUMENT_ORG, &reader, NULL);
}

TEST(document, header_names_kind_and_version)
{
    EXPECT_EQ(WEFT_OK, open_text("weft-org/v1\n"));
    EXPECT_EQ(WEFT_EVERSION, open_text("weft-org/v2\n"));
    EXPECT_EQ(WEFT_EVERSION, open_text("weft-org/v11\n"));
    static const char *const bad[] = {"", "weft-org/v1", "weft-org/v\n", "weft-org/vx\n",
        " weft-org/v1\n", "weft-org/v1 \n", "weft-policy/v1\n", "org oem.example\n", "\n",
        "weft-org/v1\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, open_text(bad[i]));
    }
}

TEST(document, every_kind_has_its_own_name)
{
    for (int a = 0; a < WEFT_DOCUMENT_KINDS; a++) {
        for (int b = 0; b < a; b++) {
            EXPECT_TRUE(strcmp(weft_document_kind_name((enum weft_document_kind)a),
                            weft_document_kind_name((enum weft_document_kind)b)) != 0);
        }
    }
}

TEST(document, line_has_its_key_one_space_and_a_value)
{
    static const char *const bad[] = {"weft-policy/v1\n", "weft-policy/v1\nb 1\n",
        "weft-policy/v1\na\n", "weft-policy/v1\na \n", "weft-policy/v1\na  1\n",
        "weft-policy/v1\na 1 \n", "weft-policy/v1\n a 1\n", "weft-policy/v1\nab 1\n",
        "weft-policy/v1\n\na 1\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_document_reader reader = open_reader(bad[i]);
        struct weft_text value;
        struct weft_msg msg;
        EXPECT_EQ(WEFT_EMALFORMED, weft_document_read(&reader, "a", &value, &msg));
        EXPECT_TRUE(strncmp(msg.text, "line 2: ", 8) == 0); /* POL-26 */
    }
    struct weft_document_reader reader = open_reader("weft-policy/v1\na x y\nb 1\n");
    struct weft_text value;
    EXPECT_TRUE(weft_document_is_next(&reader, "a"));
    EXPECT_EQ(WEFT_OK, weft_document_read(&reader, "a", &value, NULL));
    EXPECT_TRUE(weft_text_is(value, "x y"));
    EXPECT_EQ(WEFT_EMALFORMED, weft_document_close(&reader, NULL));
    EXPECT_EQ(WEFT_OK, weft_document_read(&reader, "b", &value, NULL));
    EXPECT_EQ(WEFT_OK, weft_document_close(&reader, NULL));
}

TEST(document, list_is_sorted_and_has_nothing_twice)
{
    struct weft_document_reader reader = open_reader("weft-policy/v1\na 1\na 2\na 2\na 1\nb 3\n");
    struct weft_text value = {"", 0};
    struct weft_msg msg;
    EXPECT_EQ(4, weft_document_count(&reader, "a"));
    EXPECT_EQ(WEFT_OK, weft_document_read_sorted(&reader, "a", &value, NULL));
    EXPECT_EQ(WEFT_OK, weft_document_read_sorted(&reader, "a", &value, NULL));
    EXPECT_EQ(WEFT_EMALFORMED, weft_document_read_sorted(&reader, "a", &value, &msg));
    EXPECT_TEXT("line 4: \"a\" is there twice", msg.text);
    EXPECT_EQ(WEFT_EMALFORMED, weft_document_read_sorted(&reader, "a", &value, &msg));
    EXPECT_TEXT("line 5: \"a\" is not in order", msg.text);
}

TEST(document, number_time_nonce_and_digest_have_one_form)
{
    static const struct {
        const char *value;
        char type;
        enum weft_err err;
    } rows[] = {{"0", 'n', WEFT_OK}, {"100", 'n', WEFT_OK}, {"101", 'n', WEFT_EINVAL},
        {"01", 'n', WEFT_EMALFORMED}, {"+1", 'n', WEFT_EMALFORMED}, {"-1", 'n', WEFT_EMALFORMED},
        {"1.0", 'n', WEFT_EMALFORMED}, {"18446744073709551616", 'n', WEFT_EMALFORMED},
        {"2026-03-01T08:00:00.000Z", 't', WEFT_OK}, {"2026-03-01T08:00:00.001Z", 't', WEFT_OK},
        {"1970-01-01T00:00:00.000Z", 't', WEFT_OK},
        {"1969-12-31T23:59:59.999Z", 't', WEFT_EMALFORMED},
        {"2026-03-01T08:00:00Z", 't', WEFT_EMALFORMED},
        {"2026-03-01T08:00:00.000000Z", 't', WEFT_EMALFORMED},
        {"2026-03-01T08:00:00.0005Z", 't', WEFT_EMALFORMED},
        {"2026-03-01t08:00:00.000Z", 't', WEFT_EMALFORMED},
        {"2026-03-01T08:00:00.000+00:00", 't', WEFT_EMALFORMED},
        {"2016-12-31T23:59:60.000Z", 't', WEFT_EMALFORMED},
        {"9f3b6c1e77d04a5a8e21c4f0b7d6a913", 'x', WEFT_OK},
        {"9F3b6c1e77d04a5a8e21c4f0b7d6a913", 'x', WEFT_EMALFORMED},
        {"9f3b6c1e77d04a5a8e21c4f0b7d6a91", 'x', WEFT_EMALFORMED},
        {"9f3b6c1e77d04a5a8e21c4f0b7d6a9130", 'x', WEFT_EMALFORMED},
        {"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 'd', WEFT_OK},
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 'd', WEFT_EMALFORMED},
        {"none", 'd', WEFT_EMALFORMED}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct weft_buffer text = {0}, again = {0};
        uint64_t number = 0;
        int64_t ns = 0;
        uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE];
        struct weft_digest digest;
        EXPECT_EQ(WEFT_OK, weft_document_begin(&text, WEFT_DOCUMENT_POLICY));
        EXPECT_EQ(WEFT_OK, weft_document_begin(&again, WEFT_DOCUMENT_POLICY));
        EXPECT_EQ(WEFT_OK, weft_document_write(&text, "k", weft_text_of(rows[i].value)));
        struct weft_document_reader r;
        EXPECT_EQ(WEFT_OK,
            weft_document_open(weft_buffer_as_text(&text), WEFT_DOCUMENT_POLICY, &r, NULL));
        enum weft_err err = WEFT_OK, written = WEFT_OK;
        switch (rows[i].type) {
        case 'n':
            err = weft_document_read_number(&r, "k", 100, &number, NULL);
            written = weft_document_write_number(&again, "k", number);
            break;
        case 't':
            err = weft_document_read_time(&r, "k", &ns, NULL);
            written = weft_document_write_time(&again, "k", ns);
            break;
        case 'x':
            err = weft_document_read_nonce(&r, "k", nonce, NULL);
            written = err == WEFT_OK ? weft_document_write_nonce(&again, "k", nonce) : WEFT_OK;
            break;
        default:
            err = weft_document_read_digest(&r, "k", &digest, NULL);
            written = err == WEFT_OK ? weft_document_write_digest(&again, "k", &digest) : WEFT_OK;
            break;
        }
        EXPECT_EQ(rows[i].err, err);
        EXPECT_EQ(WEFT_OK, written);
        if (err == WEFT_OK) { /* POL-26 */
            EXPECT_EQ(text.size, again.size);
            EXPECT_MEM(text.data, again.data, text.size);
        }
        weft_buffer_destroy(&text);
        weft_buffer_destroy(&again);
    }
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_EINVAL, weft_document_write_time(&out, "k", -1));
    weft_buffer_destroy(&out);
}

TEST(document, value_of_1024_bytes_passes_and_of_one_more_does_not)
{
    static char text[64 + WEFT_DOCUMENT_VALUE_SIZE_MAX];
    for (size_t more = 0; more < 2; more++) {
        size_t size = strlen("weft-policy/v1\nk ");
        memcpy(text, "weft-policy/v1\nk ", size);
        memset(text + size, 'x', WEFT_DOCUMENT_VALUE_SIZE_MAX + more);
        size += WEFT_DOCUMENT_VALUE_SIZE_MAX + more;
        text[size++] = '\n';
        text[size] = '\0';
        struct weft_document_reader reader = open_reader(text);
        struct weft_text value;
        EXPECT_EQ(
            more == 0 ? WEFT_OK : WEFT_ETOOBIG, weft_document_read(&reader, "k", &value, NULL));
    }
}

/* --- chains ---------------------------------------------------------------------------------- */

static struct weft_chain_link version(uint64_t number, const char *text, const char *before)
{
    return (struct weft_chain_link){.version = number,
        .digest = weft_sha256(text, strlen(text)),
        .prev = weft_sha256(before, strlen(before)),
        .issued_ns = 100,
        .expires_ns = 200};
}

TEST(chain, each_break_of_the_order_has_its_own_fault)
{
    const struct weft_chain_link now = version(5, "five", "four");
    const struct {
        struct weft_chain_link next;
        int64_t now_ns;
        enum weft_chain_fault fault;
        enum weft_err err;
    } rows[] = {
        {version(6, "six", "five"), 150, WEFT_CHAIN_SOUND, WEFT_OK},
        {version(6, "six", "five"), 199, WEFT_CHAIN_SOUND, WEFT_OK},
        {version(6, "six", "five"), 200, WEFT_CHAIN_FREEZE, WEFT_EREFUSED},
        {version(5, "five", "four"), 150, WEFT_CHAIN_REPEATED, WEFT_ECONFLICT},
        {version(5, "other five", "four"), 150, WEFT_CHAIN_FORK, WEFT_ECONFLICT},
        {version(6, "six", "other five"), 150, WEFT_CHAIN_FORK, WEFT_ECONFLICT},
        {version(4, "four", "three"), 150, WEFT_CHAIN_ROLLBACK, WEFT_ECONFLICT},
        {version(1, "five", "four"), 150, WEFT_CHAIN_ROLLBACK, WEFT_ECONFLICT},
        {version(7, "seven", "five"), 150, WEFT_CHAIN_FAST_FORWARD, WEFT_ECONFLICT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum weft_chain_fault fault;
        struct weft_msg msg = {""};
        EXPECT_EQ(rows[i].err,
            weft_chain_check(&now, &rows[i].next, rows[i].now_ns, &fault, &msg)); /* POL-27 */
        EXPECT_EQ(rows[i].fault, fault);
        const char *name = weft_chain_fault_name(fault);
        EXPECT_TRUE(fault == WEFT_CHAIN_SOUND || strncmp(msg.text, name, strlen(name)) == 0);
    }
    enum weft_chain_fault fault;
    const struct weft_chain_link first = version(1, "one", ""), second = version(2, "two", "one");
    EXPECT_EQ(WEFT_OK, weft_chain_check(NULL, &first, 150, &fault, NULL));
    EXPECT_EQ(WEFT_ECONFLICT, weft_chain_check(NULL, &second, 150, &fault, NULL));
    EXPECT_EQ(WEFT_CHAIN_FAST_FORWARD, fault);
}

TEST(chain, version_out_of_date_is_followed_and_not_relied_on)
{
    const struct weft_chain_link now = version(5, "five", "four");
    struct weft_chain_link next = version(6, "six", "five");
    enum weft_chain_fault fault;
    next.expires_ns = 400;
    EXPECT_EQ(WEFT_CHAIN_SOUND, weft_chain_freshness(&now, 199));
    EXPECT_EQ(WEFT_CHAIN_FREEZE, weft_chain_freshness(&now, 200));
    EXPECT_EQ(WEFT_OK, weft_chain_check(&now, &next, 300, &fault, NULL));
}

TEST(chain, first_version_alone_follows_nothing)
{
    static const char *const bad[] = {
        "weft-policy/v1\nversion 0\nprev none\nissued 2026-03-01T08:00:00.000Z\n",
        "weft-policy/v1\nversion 2\nprev none\nissued 2026-03-01T08:00:00.000Z\n",
        "weft-policy/v1\nversion 1\nprev sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000\n"
        "issued 2026-03-01T08:00:00.000Z\n",
        "weft-policy/v1\nversion 1\nprev none\nissued 2026-03-01T08:00:00Z\n",
        "weft-policy/v1\nversion 1\nprev none\n",
        "weft-policy/v1\nprev none\nversion 1\nissued 2026-03-01T08:00:00.000Z\n",
    };
    struct weft_chain_link link;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_document_reader reader = open_reader(bad[i]);
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_chain_read(&reader, weft_text_of(bad[i]), false, &link, NULL));
    }
    const char *good = "weft-policy/v1\nversion 1\nprev none\nissued 2026-03-01T08:00:00.000Z\n"
                       "expires 2026-03-01T08:00:00.000Z\n";
    struct weft_document_reader reader = open_reader(good);
    EXPECT_EQ(WEFT_OK, weft_chain_read(&reader, weft_text_of(good), false, &link, NULL));
    EXPECT_EQ(INT64_MAX, link.expires_ns);
    reader = open_reader(good); /* It expires as it is issued. */
    EXPECT_EQ(WEFT_EMALFORMED, weft_chain_read(&reader, weft_text_of(good), true, &link, NULL));
}
