#include "api/openapi.hpp"

#include <gtest/gtest.h>

#include <set>

#include "api/paging.hpp"
#include "api/types.hpp"

namespace gh::api {
namespace {

using access::Access;
using codec::json::Value;

struct Thing {
    std::string name;
};

Type<Thing> thing() {
    return Object<Thing>("Thing", "A thing.")
        .required("name", &Thing::name, text(), "Its name.")
        .type();
}

Task<Result<Reply>> nothing(Call) { co_return no_content(); }

std::vector<Route> routes() {
    return {
        {"GET",
         "/health",
         Access::anyone(),
         nothing,
         "Is it well?",
         {{200, "It is.", "application/json", nullptr}}},
        {"GET",
         "/things",
         Access::permission(access::Permission::users_read),
         reading([](const Call& call, Page) { return nothing(call); },
                 query(page_query("things", 1))),
         "All things.",
         {answers(200, "A page.", page_of("ThingPage", thing()))}},
        {"PUT",
         "/things/{thing}",
         Access::role("admin"),
         reading([](const Call& call, Thing) { return nothing(call); }, json_body(thing())),
         "Puts a thing.",
         {answers(201, "Made.", thing()), {204, "Changed.", {}, nullptr}}},
        {"DELETE",
         "/things/{thing}",
         Access::client_certificate(),
         nothing,
         "Away with it.",
         {{204, "Gone.", {}, nullptr}}},
    };
}

/// Every "$ref" in a document.
void collect(const Value& value, std::set<std::string>& references) {
    if (const auto* array = value.array()) {
        for (const auto& each : *array) collect(each, references);
    }
    if (const auto* members = value.object()) {
        for (const auto& [name, each] : *members) {
            if (name == "$ref") references.insert(*each.string());
            collect(each, references);
        }
    }
}

class OpenApi : public testing::Test {
 protected:
    const Value& operation(std::string_view path, std::string_view method) {
        return *document.find("paths")->find(path)->find(method);
    }
    Value document = codec::json::parse(openapi_document(routes(), "1.2.3")).value();
};

TEST_F(OpenApi, ListsEveryRouteOnce) {
    EXPECT_EQ(*document.find_string("openapi"), "3.1.0");
    EXPECT_EQ(document.find("paths")->object()->size(), 3U);
    std::set<std::string> ids;
    for (const auto& [path, operations] : *document.find("paths")->object()) {
        for (const auto& [method, each] : *operations.object())
            EXPECT_TRUE(ids.insert(*each.find_string("operationId")).second) << path << method;
    }
    EXPECT_EQ(ids, (std::set<std::string>{"get_health", "get_things", "put_things_thing",
                                          "delete_things_thing"}));
}

TEST_F(OpenApi, SaysWhoMay) {
    EXPECT_TRUE(operation("/health", "get").find("security")->array()->empty());
    EXPECT_EQ(operation("/health", "get").find("responses")->find("401"), nullptr);
    const auto& list = *operation("/things", "get").find("security")->array();
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(*list[0].find("bearer")->array()->front().string(), "users:read");
    const auto& put = *operation("/things/{thing}", "put").find("security")->array();
    EXPECT_EQ(*put[1].find("api_key")->array()->front().string(), "role:admin");
    const auto& away = *operation("/things/{thing}", "delete").find("security")->array();
    ASSERT_EQ(away.size(), 1U);
    EXPECT_NE(away[0].find("mutual_tls"), nullptr);
}

TEST_F(OpenApi, DescribesParametersAndBodies) {
    const auto& query = *operation("/things", "get").find("parameters")->array();
    ASSERT_EQ(query.size(), 3U);
    EXPECT_EQ(*query[0].find_string("name"), "limit");
    EXPECT_EQ(query[0].find("schema")->find("maximum")->integer(), 200);
    const auto& put = operation("/things/{thing}", "put");
    EXPECT_EQ(*put.find("parameters")->array()->front().find_string("in"), "path");
    const auto* body = put.find("requestBody")->find("content")->find("application/json");
    ASSERT_NE(body, nullptr);
    EXPECT_EQ(*body->find("schema")->find_string("$ref"), "#/components/schemas/Thing");
    EXPECT_NE(put.find("responses")->find("415"), nullptr);
    EXPECT_EQ(put.find("responses")->find("204")->find("content"), nullptr);
}

TEST_F(OpenApi, HasEverySchemaItRefersTo) {
    std::set<std::string> references;
    collect(document, references);
    EXPECT_EQ(references.size(), 3U);
    for (const auto& reference : references) {
        const auto name = reference.substr(std::string("#/components/schemas/").size());
        EXPECT_NE(document.find("components")->find("schemas")->find(name), nullptr) << reference;
    }
}

}  // namespace
}  // namespace gh::api
