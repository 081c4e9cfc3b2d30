#include "ops/import/xml.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test.h"

/* What hostile documents try, and what it comes to: an error with a place, in bounded memory. */

struct seen {
    struct weft_xml *xml;
    char text[4096]; /* "<a x=1>..</a>": what the callbacks were told. */
    size_t size;
    uint32_t starts, deepest;
    bool pauses;          /* At each end tag. */
    const char *fails_at; /* A callback fails at this name. */
};

static void note(struct seen *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct seen *s, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(s->text + s->size, sizeof(s->text) - s->size, format, list);
    va_end(list);
    s->size += n > 0 && s->size + (size_t)n < sizeof(s->text) ? (size_t)n : 0;
}

static enum weft_err on_start(
    void *ctx, const struct weft_xml_tag *tag, bool *ret_wants_text, struct weft_msg *msg)
{
    struct seen *s = ctx;
    s->starts++;
    s->deepest = tag->depth > s->deepest ? tag->depth : s->deepest;
    note(s, "<%.*s", (int)tag->name.size, tag->name.data);
    for (uint32_t i = 0; i < tag->attribute_count; i++) {
        note(s, " %.*s=%.*s", (int)tag->attributes[i].name.size, tag->attributes[i].name.data,
            (int)tag->attributes[i].value.size, tag->attributes[i].value.data);
    }
    note(s, ">");
    *ret_wants_text = !weft_text_is(tag->name, "quiet");
    return s->fails_at != NULL && weft_text_is(tag->name, s->fails_at)
               ? weft_fail(msg, WEFT_EINVAL, "not wanted")
               : WEFT_OK;
}

static enum weft_err on_end(
    void *ctx, struct weft_text name, struct weft_text text, struct weft_msg *msg)
{
    struct seen *s = ctx;
    (void)msg;
    note(s, "%.*s</%.*s>", (int)text.size, text.data, (int)name.size, name.data);
    if (s->pauses) {
        weft_xml_pause(s->xml);
    }
    return WEFT_OK;
}

static struct seen seen;
static struct weft_msg msg;

/* Read `text` in pieces of `step` bytes. WEFT_ENOTFOUND: it was whole. */
static enum weft_err read_in(struct weft_text text, size_t step)
{
    const struct weft_xml_handler handler = {.ctx = &seen, .on_start = on_start, .on_end = on_end};
    enum weft_err err = weft_xml_create(&handler, &seen.xml, &msg);
    EXPECT_EQ(WEFT_OK, err);
    err = WEFT_ENOTFOUND;
    for (size_t at = 0; err == WEFT_ENOTFOUND && at <= text.size; at += step) {
        size_t size = text.size - at < step ? text.size - at : step;
        bool is_last = at + step > text.size;
        uint8_t *copy = malloc(size + 1); /* So that a sanitizer sees what is read after it. */
        memcpy(copy, text.data + at, size);
        weft_xml_feed(seen.xml, (struct weft_bytes){copy, size}, is_last);
        while ((err = weft_xml_run(seen.xml, &msg)) == WEFT_OK) {
        }
        free(copy);
    }
    weft_xml_destroy(seen.xml);
    return err;
}

static enum weft_err read_text(const char *text)
{
    memset(&seen, 0, sizeof(seen));
    msg.text[0] = '\0';
    return read_in(weft_text_of(text), 1 << 20);
}

static void expect_refused(const char *text, enum weft_err expected, const char *reason)
{
    enum weft_err err = read_text(text);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(expected, err);
}

TEST(xml, tells_tags_attributes_and_texts)
{
    EXPECT_EQ(WEFT_ENOTFOUND,
        read_text("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><!-- c --><?p i?>"
                  "<a xmlns=\"urn:x\" xmlns:n=\"urn:n\" x='1' n:y='2'>one<b>two&lt;&#x41;</b>"
                  "<![CDATA[<three>]]><quiet>four</quiet></a>\n"));
    EXPECT_TEXT("<a x=1 y=2><b>two<A</b><quiet></quiet>one<three></a>", seen.text);
}

TEST(xml, is_the_same_in_pieces_of_any_size)
{
    static const char text[] = "<a><b k='v'>t\xc3\xa9</b><!-- comment --><c/>\r\n</a>";
    for (size_t step = 1; step < sizeof(text); step++) {
        for (int pauses = 0; pauses < 2; pauses++) {
            memset(&seen, 0, sizeof(seen));
            seen.pauses = pauses;
            EXPECT_EQ(WEFT_ENOTFOUND, read_in(weft_text_of(text), step));
            EXPECT_TEXT("<a><b k=v>t\xc3\xa9</b><c></c>\n</a>", seen.text);
        }
    }
}

TEST(xml, stops_where_a_callback_fails)
{
    memset(&seen, 0, sizeof(seen));
    seen.fails_at = "c";
    EXPECT_EQ(WEFT_EINVAL, read_in(WEFT_TEXT("<a>\n <b/>\n  <c/><d/></a>"), 1 << 20));
    EXPECT_TEXT("line 3, column 3 (/a/c): not wanted", msg.text);
    EXPECT_TEXT("<a><b></b><c>", seen.text);
}

static void expect_no_dtd(const char *text)
{
    static const char reason[] = " (): a document type (DTD) is not read: it can define entities "
                                 "and name files";
    EXPECT_EQ(WEFT_EINVAL, read_text(text));
    EXPECT_TRUE(strncmp(msg.text, "line 1, column ", 15) == 0);
    EXPECT_TEXT(reason, strstr(msg.text, " ():"));
    EXPECT_EQ(0, seen.starts);
}

TEST(xml, reads_no_dtd_and_so_expands_and_fetches_nothing)
{
    /* A billion laughs. */
    expect_no_dtd("<!DOCTYPE a [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">"
                  "<!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>");
    /* A file, a server, a parameter entity. */
    expect_no_dtd("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>");
    expect_no_dtd("<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x.dtd\"><a/>");
    expect_no_dtd("<!DOCTYPE a [<!ENTITY % p SYSTEM \"file:///dev/zero\">%p;]><a/>");
    expect_no_dtd("<!DOCTYPE a><a/>");
    expect_refused("<a>&x;</a>", WEFT_EMALFORMED, "line 1, column 4 (/a): undefined entity");
    EXPECT_EQ(1, seen.starts);
}

static struct weft_text repeat(const char *front, const char *piece, size_t count, const char *tail)
{
    size_t size = strlen(front) + count * strlen(piece) + strlen(tail);
    char *text = malloc(size + 1), *p = text;
    p += sprintf(p, "%s", front);
    for (size_t i = 0; i < count; i++) {
        memcpy(p, piece, strlen(piece));
        p += strlen(piece);
    }
    memcpy(p, tail, strlen(tail) + 1);
    return (struct weft_text){text, size};
}

static void expect_repeat(const char *front, const char *piece, size_t count, const char *tail,
    enum weft_err expected, const char *reason)
{
    struct weft_text text = repeat(front, piece, count, tail);
    memset(&seen, 0, sizeof(seen));
    msg.text[0] = '\0';
    enum weft_err err = read_in(text, 100 * 1000);
    if (expected != WEFT_ENOTFOUND) {
        EXPECT_TRUE(strstr(msg.text, reason) != NULL);
        EXPECT_TRUE(strncmp(msg.text, "line 1, column ", 15) == 0);
    }
    EXPECT_EQ(expected, err);
    free((char *)text.data);
}

TEST(xml, bounds_the_depth)
{
    expect_repeat("", "<e>", WEFT_XML_DEPTH_MAX, "", WEFT_EMALFORMED, "ends too early");
    EXPECT_EQ(WEFT_XML_DEPTH_MAX, seen.deepest);
    expect_repeat("", "<e>", WEFT_XML_DEPTH_MAX + 1, "", WEFT_ETOOBIG, "deeper than 64");
    expect_repeat("", "<e>", 1000 * 1000, "", WEFT_ETOOBIG, "deeper than 64");
    EXPECT_EQ(WEFT_XML_DEPTH_MAX, seen.deepest);
}

TEST(xml, bounds_names_attributes_and_their_values)
{
    expect_repeat("<", "n", WEFT_XML_NAME_SIZE_MAX, "/>", WEFT_ENOTFOUND, "");
    expect_repeat("<", "n", WEFT_XML_NAME_SIZE_MAX + 1, "/>", WEFT_ETOOBIG, "at most 255");
    expect_repeat(
        "<a xmlns='", "u", WEFT_XML_NAME_SIZE_MAX + 1, "'/>", WEFT_ETOOBIG, "at most 255");
    expect_repeat("<a x='", "v", WEFT_XML_VALUE_SIZE_MAX, "'/>", WEFT_ENOTFOUND, "");
    expect_repeat("<a x='", "v", WEFT_XML_VALUE_SIZE_MAX + 1, "'/>", WEFT_ETOOBIG, "at most 16384");
    char many[WEFT_XML_ATTRIBUTES_MAX * 8 + 32], *p = many;
    for (int over = 0; over < 2; over++) {
        p = many + sprintf(many, "<a");
        for (int i = 0; i < WEFT_XML_ATTRIBUTES_MAX + over; i++) {
            p += sprintf(p, " a%d=''", i);
        }
        (void)sprintf(p, "/>");
        EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_ENOTFOUND, read_text(many));
    }
    EXPECT_TEXT("line 1, column 1 (/a): more than 64 attributes", msg.text);
}

TEST(xml, bounds_a_tag_that_does_not_end)
{
    expect_repeat("<a ", "x", 100 * 1000 * 1000, "", WEFT_ETOOBIG, "more than 524288 bytes");
    expect_repeat("<a x='", "v", 10 * 1000 * 1000, "", WEFT_ETOOBIG, "more than 524288 bytes");
    expect_repeat("<a><!-- ", "c", 10 * 1000 * 1000, "", WEFT_ETOOBIG, "more than 524288 bytes");
    expect_repeat("<?p ", "i", 10 * 1000 * 1000, "", WEFT_ETOOBIG, "more than 524288 bytes");
    /* Many small ones are no matter. */
    expect_repeat("<a>", "<!-- c -->", 200 * 1000, "</a>", WEFT_ENOTFOUND, "");
    expect_repeat("", " ", 2 * 1000 * 1000, "<a/>", WEFT_ENOTFOUND, "");
}

TEST(xml, bounds_a_text_that_is_wanted_alone)
{
    expect_repeat("<a>", "t", WEFT_XML_TEXT_SIZE_MAX, "</a>", WEFT_ENOTFOUND, "");
    expect_repeat("<a>", "t", WEFT_XML_TEXT_SIZE_MAX + 1, "</a>", WEFT_ETOOBIG, "65536 bytes");
    expect_repeat("<a>", "&amp;", WEFT_XML_TEXT_SIZE_MAX + 1, "</a>", WEFT_ETOOBIG, "65536 bytes");
    expect_repeat("<quiet>", "t", 10 * 1000 * 1000, "</quiet>", WEFT_ENOTFOUND, "");
}

TEST(xml, refuses_every_truncation)
{
    static const char text[] = "<?xml version='1.0'?><a x='1'><b>t</b><![CDATA[d]]><!--c--></a>";
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        memset(&seen, 0, sizeof(seen));
        EXPECT_EQ(WEFT_EMALFORMED, read_in((struct weft_text){text, size}, 7));
        EXPECT_TRUE(strncmp(msg.text, "line 1, column ", 15) == 0);
    }
    expect_refused(
        "", WEFT_EMALFORMED, "line 1, column 1 (): the document ends too early (no element found)");
    expect_refused("<a>", WEFT_EMALFORMED,
        "line 1, column 4 (/a): the document ends too early (no element found)");
}

TEST(xml, is_utf8_whatever_the_document_says)
{
    expect_refused("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", WEFT_EMALFORMED,
        "line 1, column 1 (): its encoding is ISO-8859-1; only UTF-8 is read");
    EXPECT_EQ(WEFT_EMALFORMED, read_text("<?xml version='1.0' encoding='UTF-16'?><a/>"));
    EXPECT_EQ(WEFT_ENOTFOUND, read_text("<?xml version='1.0' encoding='US-ASCII'?><a/>"));
    expect_refused(
        "<a>\xff</a>", WEFT_EMALFORMED, "line 1, column 4 (/a): not well-formed (invalid token)");
    EXPECT_EQ(WEFT_EMALFORMED, read_text("<a>\xed\xa0\x80</a>")); /* A surrogate. */
    EXPECT_EQ(WEFT_EMALFORMED, read_text("<a>&#xD800;</a>"));
    EXPECT_EQ(WEFT_EMALFORMED, read_text("<a>\xc0\xaf</a>")); /* Overlong. */
    static const char utf16[] = "\xff\xfe<\0a\0/\0>\0";
    for (size_t step = 1; step < sizeof(utf16); step++) {
        for (size_t bom = 0; bom <= 2; bom += 2) {
            memset(&seen, 0, sizeof(seen));
            EXPECT_EQ(WEFT_EMALFORMED,
                read_in((struct weft_text){utf16 + bom, sizeof(utf16) - 1 - bom}, step));
            EXPECT_TEXT("line 1, column 1 (): it is UTF-16; only UTF-8 is read", msg.text);
        }
    }
    static const char nul[] = "<a>\0</a>";
    EXPECT_EQ(WEFT_EMALFORMED, read_in((struct weft_text){nul, sizeof(nul) - 1}, 100));
}

TEST(xml, refuses_what_is_not_well_formed)
{
    static const char *const bad[] = {"<a></b>", "<a", "<a x=1/>", "<a x='1' x='2'/>", "<a/><b/>",
        "text", "<n:a/>", "<a xmlns:n='urn:x' xmlns:m='urn:x' n:x='1' m:x='2'/>", "<a>]]></a>",
        "<a xmlns:xml='urn:other'/>", "&amp;<a/>", "<a b='<'/>"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        EXPECT_EQ(WEFT_EMALFORMED, read_text(bad[i]));
    }
}

TEST(xml, cuts_a_long_path_at_its_front)
{
    char text[4096], *p = text;
    for (int i = 0; i < 40; i++) {
        p += sprintf(p, "<element%02d>", i);
    }
    (void)sprintf(p, "<");
    EXPECT_EQ(WEFT_EMALFORMED, read_text(text));
    EXPECT_TRUE(strstr(msg.text, "/element39): ") != NULL);
    EXPECT_TRUE(strstr(msg.text, "(/element") != NULL);
    EXPECT_TRUE(strlen(msg.text) < 300);
}

TEST(xml, finds_attributes_and_trims)
{
    const struct weft_xml_attribute list[] = {{WEFT_TEXT("urn:n"), WEFT_TEXT("id"), WEFT_TEXT("1")},
        {{NULL, 0}, WEFT_TEXT("id"), WEFT_TEXT("2")}};
    const struct weft_xml_tag tag = {.attributes = list, .attribute_count = 2};
    EXPECT_TRUE(weft_text_is(weft_xml_attribute(&tag, "id"), "2"));
    EXPECT_EQ(0, weft_xml_attribute(&tag, "none").size);
    EXPECT_TRUE(weft_text_is(weft_xml_trim(WEFT_TEXT(" \t\r\n a b \n")), "a b"));
    EXPECT_EQ(0, weft_xml_trim(WEFT_TEXT(" \n ")).size);
}
