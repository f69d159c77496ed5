#include "api/types.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/object.hpp"

namespace gh::api {
namespace {

enum class Colour : std::uint8_t { red, blue };

struct Address {
    std::string city;
    std::optional<std::string> street;
};

struct Person {
    std::string name;
    std::uint16_t age = 7;
    bool active = true;
    Colour colour = Colour::red;
    std::vector<std::string> tags;
    std::optional<Address> address;
    std::optional<SystemTime> born;
    std::map<std::string, std::int64_t> marks;
};

Type<Person> person() {
    constexpr Form lower{.holds = [](std::string_view text) { return text != "BAD"; },
                         .said = "anything but BAD",
                         .pattern = "^(?!BAD$)",
                         .format = {}};
    const auto address = Object<Address>("Address", "Where.")
                             .required("city", &Address::city, text(), "City.")
                             .optional("street", &Address::street, maybe(text()), "Street.")
                             .type();
    return Object<Person>("Person", "Somebody.")
        .required("name", &Person::name, text({.length_min = 2, .length_max = 4, .form = lower}),
                  "Name.")
        .optional("age", &Person::age, integer<std::uint16_t>(0, 150), "Years.")
        .optional("active", &Person::active, boolean(), "Active.")
        .optional("colour", &Person::colour,
                  choice<Colour>({{"red", Colour::red}, {"blue", Colour::blue}}), "Colour.")
        .optional("tags", &Person::tags, list_of(text(), {.items_max = 2, .distinct = true}),
                  "Tags.")
        .optional("address", &Person::address, maybe(address), "Address.")
        .optional("born", &Person::born, maybe(time()), "Birthday.")
        .optional("marks", &Person::marks, map_of(integer_64(0, 9), 2), "Marks.")
        .check([](Reader& reader, const Person& who) {
            if (who.age > 0 || !who.active) return;
            const auto step = reader.enter("age");
            reader.refuse("conflict", "The unborn are not active.");
        })
        .type();
}

/// What was read, written again; or "pointer code" of each error.
std::string read(std::string_view json) {
    const auto value = codec::json::parse(json);
    if (!value) return "no JSON";
    std::vector<FieldError> errors;
    Reader reader(FieldError::In::body, false, errors);
    Person who;
    const bool good = person().read(*value, reader, who);
    EXPECT_EQ(good, errors.empty());
    if (good) return person().json(who);
    std::string text;
    for (const auto& error : errors) text += error.where + " " + std::string(error.code) + "\n";
    return text;
}

TEST(Types, ReadWhatTheyWrite) {
    const std::string whole =
        R"({"name":"adaä","age":36,"active":false,"colour":"blue","tags":["x","y"],)"
        R"("address":{"city":"London"},"born":"1990-12-10T01:02:03Z","marks":{"a":1,"b":9}})";
    EXPECT_EQ(read(whole), whole);
    EXPECT_EQ(read(R"({"name":"ada"})"),
              R"({"name":"ada","age":7,"active":true,"colour":"red","tags":[],"marks":{}})");
}

TEST(Types, RefuseEachFieldByItsPointer) {
    struct Case {
        std::string_view json, errors;
    };
    const Case cases[] = {
        {"{}", "/name required\n"},
        {"[]", " type\n"},
        {R"({"name":1})", "/name type\n"},
        {R"({"name":null})", "/name type\n"},
        {R"({"name":"a"})", "/name length\n"},
        {R"({"name":"ädäbc"})", "/name length\n"},
        {R"({"name":"BAD"})", "/name form\n"},
        {R"({"name":"a\nb"})", "/name control_character\n"},
        {R"({"name":"a\u0000"})", "/name control_character\n"},
        {R"({"name":"ada","age":151})", "/age range\n"},
        {R"({"name":"ada","age":-1})", "/age range\n"},
        {R"({"name":"ada","age":65537})", "/age range\n"},  // would be 1 in sixteen bits
        {R"({"name":"ada","age":1.5})", "/age range\n"},
        {R"({"name":"ada","age":"36"})", "/age type\n"},
        {R"({"name":"ada","active":1})", "/active type\n"},
        {R"({"name":"ada","active":"true"})", "/active type\n"},
        {R"({"name":"ada","colour":"Red"})", "/colour choice\n"},
        {R"({"name":"ada","tags":"x"})", "/tags type\n"},
        {R"({"name":"ada","tags":["a","b","c"]})", "/tags length\n"},
        {R"({"name":"ada","tags":["a","a"]})", "/tags/1 duplicate\n"},
        {R"({"name":"ada","tags":["",2]})", "/tags/0 length\n/tags/1 type\n"},
        {R"({"name":"ada","address":{"street":"x"}})", "/address/city required\n"},
        {R"({"name":"ada","address":null})", "/address type\n"},
        {R"({"name":"ada","born":"1990-12-10"})", "/born time\n"},
        {R"({"name":"ada","marks":{"a/b":10}})", "/marks/a~1b range\n"},
        {R"({"name":"ada","marks":{"a":1,"b":1,"c":1}})", "/marks length\n"},
        {R"({"name":"ada","~/x":1})", "/~0~1x unknown\n"},
        {R"({"name":"ada","age":0})", "/age conflict\n"},
        {R"({"nam":"ada","age":"x","tags":3})",
         "/nam unknown\n/name required\n/age type\n/tags type\n"},
    };
    for (const auto& c : cases) EXPECT_EQ(read(c.json), c.errors) << c.json;
}

TEST(Types, TellSoManyErrorsAndNoMore) {
    std::string json = R"({"name":"ada")";
    for (int i = 0; i < 100; ++i) json += ",\"x" + std::to_string(i) + "\":1";
    const auto errors = read(json + "}");
    EXPECT_EQ(std::ranges::count(errors, '\n'), static_cast<std::ptrdiff_t>(field_errors_max));
    const auto long_name = read(R"({"name":"ada",")" + std::string(127, 'x') + "\u00e4y\":1}");
    EXPECT_EQ(long_name, "/" + std::string(127, 'x') + " unknown\n");  // no half character
}

TEST(Types, ReadNumbersFromTextOnlyWhereAllIsText) {
    const auto number = [](std::string_view text) -> std::string {
        std::vector<FieldError> errors;
        Reader reader(FieldError::In::query, true, errors);
        const auto step = reader.enter("limit");
        std::uint16_t value = 0;
        const auto in = codec::json::Value(codec::json::Value::Storage(std::string(text)));
        if (integer<std::uint16_t>(1, 300).read(in, reader, value)) return std::to_string(value);
        return errors.front().where + " " + std::string(errors.front().code);
    };
    EXPECT_EQ(number("300"), "300");
    for (const auto wrong : {"", " 1", "+1", "01", "1e2", "0x1", "1.0", "99999999999999999999"})
        EXPECT_EQ(number(wrong), "limit type") << wrong;
    EXPECT_EQ(number("301"), "limit range");
}

TEST(Types, WriteANullWhereItMeansSomething) {
    const auto type = nullable(text());
    EXPECT_EQ(type.json(std::nullopt), "null");
    EXPECT_EQ(type.json("x"), "\"x\"");
    std::vector<FieldError> errors;
    Reader reader(FieldError::In::body, false, errors);
    std::optional<std::string> value = "before";
    EXPECT_TRUE(type.read(codec::json::Value(), reader, value));
    EXPECT_EQ(value, std::nullopt);
}

TEST(Types, DescribeWhatTheyRead) {
    std::string text;
    codec::json::Writer out(text);
    Schemas schemas;
    person().describe(out, schemas);
    EXPECT_EQ(text, R"({"$ref":"#/components/schemas/Person"})");
    const auto schema = codec::json::parse(schemas.all().at("Person"));
    ASSERT_TRUE(schema);
    const auto* properties = schema->find("properties");
    ASSERT_NE(properties, nullptr);
    EXPECT_EQ(properties->object()->size(), 8U);
    EXPECT_EQ(properties->find("name")->find("maxLength")->integer(), 4);
    EXPECT_EQ(*properties->find("name")->find_string("pattern"), "^(?!BAD$)");
    EXPECT_EQ(*properties->find("name")->find_string("description"), "Name.");
    EXPECT_EQ(properties->find("age")->find("maximum")->integer(), 150);
    EXPECT_EQ(properties->find("colour")->find("enum")->array()->size(), 2U);
    EXPECT_EQ(properties->find("tags")->find("uniqueItems")->boolean(), true);
    EXPECT_EQ(*properties->find("address")->find_string("$ref"), "#/components/schemas/Address");
    EXPECT_EQ(schema->find("additionalProperties")->boolean(), false);
    EXPECT_EQ(*schema->find("required")->array()->front().string(), "name");
    EXPECT_TRUE(schemas.all().contains("Address"));
}

}  // namespace
}  // namespace gh::api
