#include "http/hop_by_hop.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::http {
namespace {

TEST(HopByHop, RemovesWhatEndsHereAndWhatConnectionNames) {
    struct Case {
        std::string_view connection, name;
        bool removed;
    };
    constexpr Case cases[] = {
        {"close", "Keep-Alive", true},
        {"close", "TE", true},
        {"close", "Upgrade", true},
        {"close", "Proxy-Connection", true},
        {"close", "X-Custom", false},
        {"close, x-custom", "X-Custom", true},
        {" , ,X-CUSTOM,", "X-Custom", true},
        {"x-custo", "X-Custom", false},
        {"host, authorization", "Authorization", false},  // a client must not strip these
        {"cookie", "Cookie", false},
        {"X-Forwarded-For", "X-Forwarded-For", false},
        {"X-Gatehouse-Subject", "X-Gatehouse-Subject", false},
        {"content-type", "Content-Type", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.connection) + " / " + std::string(c.name));
        Fields fields;
        fields.add("Connection", c.connection);
        fields.add(c.name, "v");
        EXPECT_EQ(named_by_connection(fields, *fields.find(c.name)), c.removed);
        remove_hop_by_hop(fields);
        EXPECT_EQ(fields.find(c.name) == nullptr, c.removed);
        EXPECT_FALSE(fields.has(FieldId::connection));
    }
}

TEST(HopByHop, ReadsEveryConnectionLine) {
    Fields fields;
    fields.add("Connection", "keep-alive");
    fields.add("X-One", "1");
    fields.add("Connection", "x-one");
    remove_hop_by_hop(fields);
    EXPECT_EQ(fields.size(), 0U);
}

}  // namespace
}  // namespace gh::http
