/* Records against models: what fits, and the place and reason of what does not. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test.h"
#include "tests/unit/proto/model/rig.h"

static void expect_fits(const struct weft_model *model, const char *attrs)
{
    const char *refusal = rig_attrs(model, attrs);
    EXPECT_TEXT("", refusal != NULL ? refusal : "");
}

static void expect_refused(const struct weft_model *model, const char *attrs, const char *refusal)
{
    const char *is = rig_attrs(model, attrs);
    EXPECT_TEXT(refusal, is != NULL ? is : "");
}

#define PROPERTY(name, schema) "{'@type':'Property','name':'" name "','schema':" schema "}"

/* --- scalars --------------------------------------------------------------------------------- */

TEST(model_check, each_primitive_type_takes_its_values_and_no_others)
{
    static const struct {
        const char *type;
        const char *good[6];
        const char *bad[9];
    } rows[] = {
        {"boolean", {"true", "false"}, {"1", "'true'", "[]", "{}", "0.5"}},
        {"date", {"'2017-07-28'"}, {"'2017-02-29'", "20170728", "true", "'x'"}},
        {"dateTime", {"'2017-07-28T08:16:42Z'", "'2017-07-28T08:16:42.5+02:00'"},
            {"'2017-07-28'", "'2017-07-28T08:16:42'", "7", "''"}},
        {"double", {"1", "-0.5", "1e300", "9223372036854775807"}, {"'1'", "true", "[1]"}},
        {"duration", {"'P3W'", "'PT1.5S'"}, {"'3 weeks'", "3", "'P'"}},
        {"float", {"1", "3.4e38", "-3.40282347e38", "0.0", "1e-300"},
            {"3.5e38", "1e39", "'1'", "-4000000000000000000000.0e18"}},
        {"integer", {"0", "-1", "2147483647", "-2147483648"},
            {"2147483648", "-2147483649", "1.0", "1e3", "'1'", "9223372036854775807"}},
        {"long", {"9223372036854775807", "-9223372036854775808"}, {"1.0", "'1'", "true"}},
        {"string", {"''", "'x'"}, {"1", "true", "[]"}},
        {"time", {"'08:16:42'", "'08:16:42.5Z'"}, {"'8:16'", "'24:00:00'", "8"}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), PROPERTY("a", "'%s'"), rows[i].type);
        const struct weft_model *m = rig_box(text);
        for (size_t k = 0; k < 6 && rows[i].good[k] != NULL; k++) {
            (void)snprintf(text, sizeof(text), "{'a':%s}", rows[i].good[k]);
            expect_fits(m, text);
            (void)snprintf(
                text, sizeof(text), "{'a':{'quality':'good','value':%s}}", rows[i].good[k]);
            expect_fits(m, text);
        }
        for (size_t k = 0; k < 9 && rows[i].bad[k] != NULL; k++) {
            (void)snprintf(text, sizeof(text), "{'a':%s}", rows[i].bad[k]);
            const char *refusal = rig_attrs(m, text);
            EXPECT_TRUE(refusal != NULL && strncmp(refusal, "/attrs/a: ", 10) == 0);
        }
        expect_fits(m, "{'a':null}"); /* Null is as good as absent. */
        expect_fits(m, "{'b':[{'c':1}]}");
    }
    rig_destroy();
}

TEST(model_check, a_refusal_says_what_was_expected)
{
    const struct weft_model *m = rig_box(PROPERTY("n", "'integer'") "," PROPERTY("verdict",
        "{'@type':'Enum','valueSchema':'string','enumValues':["
        "{'name':'p','enumValue':'PASS'},"
        "{'name':'f','enumValue':'FAIL'},{'name':'c','"
        "enumValue':'CONDITIONAL'}]}") "," PROPERTY("class",
        "{'@type':'Enum','valueSchema':'integer','enumValues':["
        "{'name':'one','enumValue':1},{'name':'two','enumValue':2}]}"));
    expect_refused(m, "{'n':1.5}", "/attrs/n: 1.5 is no integer");
    expect_refused(m, "{'n':'a\\nb'}", "/attrs/n: \"a?b\" is no integer");
    expect_refused(m, "{'n':{'value':'x'}}", "/attrs/n/value: \"x\" is no integer");
    expect_refused(
        m, "{'n':{'unit':'mm'}}", "/attrs/n/value: \"value\" is missing: integer was expected");
    expect_refused(m, "{'n':[1]}", "/attrs/n: an array: integer was expected");
    expect_refused(
        m, "{'verdict':'pass'}", "/attrs/verdict: \"pass\" is no Enum of PASS, FAIL, CONDITIONAL");
    expect_refused(m, "{'verdict':1}", "/attrs/verdict: 1 is no Enum of PASS, FAIL, CONDITIONAL");
    expect_fits(m, "{'verdict':'CONDITIONAL','class':2}");
    expect_refused(m, "{'class':3}", "/attrs/class: 3 is no Enum of 1, 2");
    expect_refused(m, "{'class':'2'}", "/attrs/class: \"2\" is no Enum of 1, 2");
    rig_destroy();
}

/* --- quantities ------------------------------------------------------------------------------ */

TEST(model_check, a_quantity_carries_a_unit_that_the_model_allows)
{
    const struct weft_model *m = rig_box(
        "{'@type':['Property','Length'],'name':'flatness','schema':'double','unit':'millimetre'},"
        "{'@type':['Property','Length'],'name':'any','schema':'double'}");
    expect_fits(m, "{'flatness':{'value':0.014,'unit':'mm','max':0.010,'note':{'by':['x']}}}");
    expect_fits(m, "{'flatness':{'unit':'mm','value':1},'any':{'value':1,'unit':'[ft_i]'}}");
    expect_refused(m, "{'flatness':{'value':0.014,'unit':'cm'}}",
        "/attrs/flatness/unit: unit \"cm\" is not allowed: double in mm was expected (UCUM)");
    expect_refused(m, "{'flatness':{'value':0.014}}",
        "/attrs/flatness/unit: the unit is missing: double in mm was expected");
    expect_refused(m, "{'flatness':{'value':0.014,'unit':7}}",
        "/attrs/flatness/unit: unit \"7\" is not allowed: double in mm was expected (UCUM)");
    expect_refused(m, "{'flatness':0.014}",
        "/attrs/flatness: a value without unit: {\"value\": ..., \"unit\": ...} was expected, a "
        "double in mm");
    expect_refused(m, "{'flatness':{'value':'0.014','unit':'mm'}}",
        "/attrs/flatness/value: \"0.014\" is no double in mm");
    expect_refused(m, "{'flatness':{'unit':'mm'}}",
        "/attrs/flatness/value: \"value\" is missing: double in mm was expected");
    expect_refused(m, "{'flatness':{'value':[1],'unit':'mm'}}",
        "/attrs/flatness/value: \"value\" is missing: double in mm was expected");
    const char *refusal = rig_attrs(m, "{'any':{'value':1,'unit':'kg'}}");
    EXPECT_TRUE(refusal != NULL && strncmp(refusal, "/attrs/any/unit: ", 17) == 0);
    rig_destroy();
}

/* --- what is required, what is closed -------------------------------------------------------- */

TEST(model_check, what_is_required_is_there)
{
    const struct weft_model *m =
        rig_box("{'@type':'Property','name':'n','schema':'integer','weft:required':true}," PROPERTY(
            "o", "{'@type':'Object','fields':[{'name':'x','schema':'double',"
                 "'weft:required':true},{'name':'y','schema':'double'}]}"));
    expect_fits(m, "{'n':1}");
    expect_fits(m, "{'a':0,'n':1,'z':0,'o':{'x':1,'q':2}}");
    expect_refused(m, "{}", "/attrs/n: 'n' is missing: integer is required");
    expect_refused(m, "{'nn':1,'m':2}", "/attrs/n: 'n' is missing: integer is required");
    expect_refused(m, "{'n':null}", "/attrs/n: 'n' is missing: integer is required");
    expect_refused(m, "{'n':1,'o':{}}", "/attrs/o/x: 'x' is missing: double is required");
    expect_refused(m, "{'n':1,'o':{'y':1}}", "/attrs/o/x: 'x' is missing: double is required");
    expect_refused(m, "{'n':1,'o':7}", "/attrs/o: a value: Object was expected");
    expect_refused(m, "{'n':1,'o':[{'x':1}]}", "/attrs/o: an array: Object was expected");
    expect_refused(m, "{'n':1,'o':{'x':'1'}}", "/attrs/o/x: \"1\" is no double");
    rig_destroy();
}

TEST(model_check, a_closed_model_knows_all_its_members)
{
    const struct weft_model *m = rig_model(0,
        "{'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1'],'@id':'dtmi:x;1','@type':"
        "'Interface','weft:kind':'box','weft:closed':true,'weft:closedLinks':true,'contents':"
        "[" PROPERTY("a", "{'@type':'Object','weft:closed':true,'fields':[{'name':'x','schema':"
                          "'double'}]}") "," PROPERTY("b",
            "{'@type':'Object'}") ",{'@type':'Relationship','name':'about',"
                                  "'weft:closed':true,'properties':[" PROPERTY(
                                      "n", "'integer'") "]}]}");
    expect_fits(m, "{'a':{'x':1},'b':{'free':1}}");
    expect_refused(m, "{'c':{'d':1}}", "/attrs/c: 'c' is not declared, and the model is closed");
    expect_refused(
        m, "{'a':{'x':1,'y':2}}", "/attrs/a/y: 'y' is not declared, and the model is closed");
    EXPECT_TRUE(rig_check(m, "{'kind':'box','asset':'a','links':[{'rel':'about','to':'b',"
                             "'attrs':{'n':1}}]}") == NULL);
    EXPECT_TEXT("/links/0/attrs/m: 'm' is not declared, and the model is closed",
        rig_check(m, "{'kind':'box','asset':'a','links':[{'rel':'about','to':'b','attrs':"
                     "{'m':1}}]}"));
    EXPECT_TEXT("/links/1/rel: rel 'made_on' is not declared, and the model is closed",
        rig_check(m, "{'kind':'box','asset':'a','links':[{'rel':'about','to':'b'},{'rel':"
                     "'made_on','to':'m'}]}"));
    rig_destroy();
}

/* --- maps, arrays, odd names ----------------------------------------------------------------- */

TEST(model_check, maps_and_arrays_hold_values_of_one_type)
{
    const struct weft_model *m = rig_box(PROPERTY("list",
        "{'@type':'Array','elementSchema':{'@type':'Object','fields':["
        "{'name':'lot','schema':'string','weft:required':true}]}}") "," PROPERTY("map",
        "{'@type':'Map','mapKey':{'name':'k','schema':'string'},'mapValue':"
        "{'@type':['MapValue','Length'],'name':'v','schema':'double','unit':"
        "'millimetre'}}") "," PROPERTY("grid",
        "{'@type':'Array','elementSchema':{'@type':'Array','elementSchema':"
        "'integer'}}"));
    expect_fits(m, "{'list':[],'map':{},'grid':[]}");
    expect_fits(m, "{'list':[{'lot':'a'},{'lot':'b'},null],'grid':[[1],[],[2,3]]}");
    expect_fits(m, "{'list':[{'lot':'a'},{'lot':'a'},{'lot':'a'},{'lot':'a'},{'lot':'a'},"
                   "{'lot':'a'},{'lot':'a'},{'lot':'a'},{'lot':'a'},{'lot':'a'},{'lot':'a'}]}");
    expect_refused(m, "{'list':[{'lot':'a'},{'x':'b'}]}",
        "/attrs/list/1/lot: 'lot' is missing: string is required");
    expect_refused(m, "{'list':[{'lot':'a'},'b']}", "/attrs/list/1: a value: Object was expected");
    expect_refused(
        m, "{'list':{'lot':'a'}}", "/attrs/list: an object: Array of Object was expected");
    expect_refused(m, "{'list':'a'}", "/attrs/list: not an array: Array of Object was expected");
    expect_refused(m, "{'grid':[[1],[2,'x']]}", "/attrs/grid/1/1: \"x\" is no integer");
    expect_refused(m, "{'grid':[1]}", "/attrs/grid/0: not an array: Array of integer was expected");
    expect_fits(m, "{'map':{'a/b~c':{'value':1,'unit':'mm'},'[0]':{'value':2,'unit':'mm'}}}");
    expect_refused(m, "{'map':{'a/b~c':{'value':1,'unit':'cm'}}}",
        "/attrs/map/a~1b~0c/unit: unit \"cm\" is not allowed: double in mm was expected (UCUM)");
    expect_refused(m, "{'map':{'[0]':1}}",
        "/attrs/map/[0]: a value without unit: {\"value\": ..., \"unit\": ...} was expected, a "
        "double in mm");
    expect_refused(m, "{'map':[1]}", "/attrs/map: an array: Map of double was expected");
    rig_destroy();
}

/* '!' sorts before '/', so the fields of "a" and of "a!b" stand beside each other. */
TEST(model_check, neighbours_with_odd_names_are_kept_apart)
{
    const struct weft_model *m =
        rig_box(PROPERTY("a", "{'@type':'Object','weft:closed':true,'fields':[{'name':'x','schema':"
                              "'integer','weft:required':true},{'name':'z','schema':'integer'}]}"));
    expect_fits(m, "{'a!b':{'x':'q'},'a':{'z':1,'x':1},'a0':'q','aa':{'x':'q'},'a b':[1,'x']}");
    expect_refused(m, "{'a!b':{'x':1},'a':{'z':1},'aa':{'x':1}}",
        "/attrs/a/x: 'x' is missing: integer is required");
    rig_destroy();
}

/* --- assets and links ------------------------------------------------------------------------ */

TEST(model_check, links_are_held_to_number_target_and_attributes)
{
    const struct weft_model *m = rig_model(0,
        "{'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1'],'@id':'dtmi:x;1','@type':"
        "'Interface','weft:kind':'box','weft:assetPrefix':['serial:','lot:'],'contents':["
        "{'@type':'Relationship','name':'consumes','weft:required':true,'maxMultiplicity':2,"
        "'weft:targetPrefix':['serial:','lot:'],'properties':[{'@type':'Property','name':"
        "'quantity','schema':'double','weft:required':true}]}]}");
#define RECORD(asset, links) "{'kind':'box','asset':'" asset "','links':[" links "]}"
#define CONSUMES(to) "{'rel':'consumes','to':'" to "','attrs':{'quantity':1}}"
    EXPECT_TRUE(rig_check(m, RECORD("lot:1", CONSUMES("lot:2"))) == NULL);
    EXPECT_TRUE(
        rig_check(m, RECORD("serial:1", CONSUMES("lot:2") "," CONSUMES(
                                            "serial:3") ",{'rel':'about','to':'x'}")) == NULL);
    EXPECT_TEXT("/asset: the asset of a box begins with serial: or lot:",
        rig_check(m, RECORD("part:1", CONSUMES("lot:2"))));
    EXPECT_TEXT("/links: a link 'consumes' is missing: at least one is required",
        rig_check(m, RECORD("lot:1", "{'rel':'about','to':'x'}")));
    EXPECT_TEXT("/links: a link 'consumes' is missing: at least one is required",
        rig_check(m, RECORD("lot:1", "")));
    EXPECT_TEXT("/links/2/rel: more than 2 links 'consumes'",
        rig_check(
            m, RECORD("lot:1", CONSUMES("lot:2") "," CONSUMES("lot:3") "," CONSUMES("lot:4"))));
    EXPECT_TEXT("/links/1/to: 'consumes' begins with serial: or lot:",
        rig_check(m, RECORD("lot:1", CONSUMES("lot:2") "," CONSUMES("part:3"))));
    EXPECT_TEXT("/links/0/attrs/quantity: 'quantity' is missing: double is required",
        rig_check(m, RECORD("lot:1", "{'rel':'consumes','to':'lot:2'}")));
    EXPECT_TEXT("/links/0/attrs/quantity: \"1\" is no double",
        rig_check(m, RECORD("lot:1", "{'rel':'consumes','to':'lot:2','attrs':{'quantity':'1'}}")));
    rig_destroy();
}

TEST(model_check, a_component_is_held_to_its_interface)
{
    const struct weft_model *m = rig_model(0,
        "[{'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1'],'@id':'dtmi:x;1','@type':"
        "'Interface','weft:kind':'box','contents':[{'@type':'Component','name':'spindle',"
        "'schema':'dtmi:y;1'}]},{'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1'],"
        "'@id':'dtmi:y;1','@type':'Interface','contents':[{'@type':'Property','name':'power',"
        "'schema':'double','weft:required':true}]}]");
    expect_fits(m, "{}");
    expect_fits(m, "{'spindle':{'power':7.5}}");
    expect_refused(m, "{'spindle':{'speed':1}}",
        "/attrs/spindle/power: 'power' is missing: double is required");
    rig_destroy();
}

/* The largest record there may be, and a model that looks at all of it. */
TEST(model_check, a_record_of_the_largest_size_is_checked_whole)
{
    const struct weft_model *m =
        rig_box(PROPERTY("list", "{'@type':'Array','elementSchema':'integer'}"));
    char *attrs = malloc(16 * 1024);
    EXPECT_TRUE(attrs != NULL);
    size_t used = (size_t)snprintf(attrs, 64, "{'list':[0");
    for (int i = 1; i < WEFT_RECORD_FIELDS_MAX; i++) {
        used += (size_t)snprintf(attrs + used, 16, ",%d", i);
    }
    (void)snprintf(attrs + used, 16, "]}");
    expect_fits(m, attrs);
    (void)snprintf(attrs + used - 4, 16, "true]}");
    expect_refused(m, attrs, "/attrs/list/1023: true is no integer");
    free(attrs);
    rig_destroy();
}
