#include "audit/act.hpp"

#include <gtest/gtest.h>

#include "api/testing.hpp"

namespace gh::audit {
namespace {

TEST(Act, TellsWhoAskedAndFromWhere) {
    access::Principal ada;
    ada.type = access::PrincipalType::user;
    ada.subject = "ada";
    api::FakeCall call("POST", "/api/v1/users");
    call.as(ada);
    const auto record = act_of(call.call(), "user.create", "user", "7");
    EXPECT_EQ(record.actor_type, access::PrincipalType::user);
    EXPECT_EQ(record.actor, "ada");
    EXPECT_EQ(record.action, "user.create");
    EXPECT_EQ(record.object_type, "user");
    EXPECT_EQ(record.object_id, "7");
    EXPECT_EQ(record.request_id, "r-1");
    EXPECT_EQ(record.correlation_id, "c-1");
    EXPECT_EQ(record.client, *codec::IpAddress::parse("192.0.2.1"));
    EXPECT_EQ(record.id.size(), 36U);
    EXPECT_TRUE(parse_record(encode_record(record)));
}

TEST(Act, OfTheShellNamesTheUserOfTheSystem) {
    const auto record = act_of_shell("user.create", "user");
    EXPECT_TRUE(record.actor.starts_with("shell:"));
    EXPECT_GT(record.actor.size(), 6U);
}

}  // namespace
}  // namespace gh::audit
