#include "vault/leases/role.hpp"

#include <gtest/gtest.h>

namespace gh::vault::leases {
namespace {

std::string detail(const auto& result) { return result ? "" : result.error().detail; }

TEST(LeaseRole, IsReadAsClientsWriteIt) {
    const auto role = parse_role("reader", R"({"db_name": "app", "creation_statements": ["A", "B"],
        "revocation_statements": "C", "rollback_statements": [], "default_ttl": 60,
        "max_ttl": "2h"})");
    ASSERT_TRUE(role) << describe(role.error());
    EXPECT_EQ(role->creation, (std::vector<std::string>{"A", "B"}));
    EXPECT_EQ(role->revocation, std::vector<std::string>{"C"});
    EXPECT_EQ(role->ttl(), seconds(60));
    EXPECT_EQ(role->longest(), seconds(7'200));
    const auto plain = parse_role("r", R"({"db_name": "app", "creation_statements": "A"})").value();
    EXPECT_EQ(plain.ttl(), ttl_standard);
    EXPECT_EQ(plain.longest(), ttl_max);
    const auto brief =
        parse_role("r", R"({"db_name": "app", "creation_statements": "A", "max_ttl": "5m"})");
    EXPECT_EQ(brief->ttl(), seconds(300)) << "no longer than it may be renewed";
}

TEST(LeaseRole, RefusesWhatIsNotHere) {
    const auto of = [](const std::string& rest) {
        return detail(
            parse_role("r", R"({"db_name": "app", "creation_statements": "A")" + rest + "}"));
    };
    EXPECT_EQ(of(""), "");
    EXPECT_TRUE(of(R"(, "renew_statements": ["X"])").contains("renew_statements"));
    EXPECT_TRUE(of(R"(, "credential_type": "rsa_private_key")").contains("credential_type"));
    EXPECT_TRUE(of(R"(, "default_ttl": "33d")").contains("default_ttl"));
    EXPECT_TRUE(of(R"(, "default_ttl": -1)").contains("default_ttl"));
    EXPECT_TRUE(of(R"(, "default_ttl": 61, "max_ttl": 60)").contains("longer"));
    EXPECT_TRUE(of(R"(, "else": 1)").contains("not taken"));
    EXPECT_TRUE(detail(parse_role("r", R"({"db_name": "app"})")).contains("creation_statements"));
    EXPECT_TRUE(detail(parse_role("r", R"({"creation_statements": "A"})")).contains("db_name"));
    EXPECT_TRUE(detail(parse_role("a/b", "{}")).contains("128 letters"));
    EXPECT_TRUE(detail(parse_role("r", R"({"db_name": "app", "creation_statements": [7]})"))
                    .contains("creation_statements"));
    const std::string much(statements_bytes_max + 1, 'x');
    EXPECT_TRUE(
        detail(parse_role("r", R"({"db_name": "a", "creation_statements": ")" + much + R"("})"))
            .contains("too long"));
}

TEST(LeaseConnection, RestsWithoutThePasswordInItsUrl) {
    const auto made = parse_connection(R"({"plugin_name": "postgresql-database-plugin",
        "connection_url": "postgresql://{{username}}:{{password}}@db.example:5433/app?sslmode=require",
        "username": "ch@nger", "password": "p\"w", "allowed_roles": ["a", "b"],
        "verify_connection": false})");
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_EQ(made->url, "postgresql://ch%40nger@db.example:5433/app?sslmode=require");
    EXPECT_FALSE(made->verify);
    const auto fields = fields_of(*made);
    const auto again = connection_of(crypto::text_of(fields.bytes())).value();
    EXPECT_EQ(again.url, made->url);
    EXPECT_EQ(crypto::text_of(again.password.bytes()), "p\"w");
    EXPECT_TRUE(allows(again, "a") && allows(again, "b") && !allows(again, "c"));
    EXPECT_FALSE(connection_of("{}"));
    Connection all;
    all.allowed_roles = {"*"};
    EXPECT_TRUE(allows(all, "anything"));
    EXPECT_FALSE(allows(Connection{}, "anything"));
}

TEST(LeaseStatements, HaveTheirNamesFilledIn) {
    Role role;
    role.creation = {
        "CREATE ROLE \"{{name}}\" PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
        "GRANT x TO \"{{username}}\""};
    EXPECT_EQ(creation_script(role, "v-a", "{{name}}", SystemTime(seconds(0))),
              "CREATE ROLE \"v-a\" PASSWORD '{{name}}' VALID UNTIL '1970-01-01 00:00:00+0000'; "
              "GRANT x TO \"v-a\"")
        << "what was filled in is not looked at again";
    EXPECT_EQ(end_script({"DROP ROLE \"{{name}}\""}, "v-a"), "DROP ROLE \"v-a\"");
    EXPECT_TRUE(end_script({}, "v-a").contains("DROP ROLE \"v-a\""));
    EXPECT_EQ(renew_script("v-a", SystemTime(seconds(1))),
              "ALTER ROLE \"v-a\" VALID UNTIL '1970-01-01 00:00:01+0000'");
}

TEST(LeaseUser, HasANameThatNeedsNoCare) {
    const auto name = new_username("Rea_der.of-Everything", SystemTime(seconds(1'900'000'000)));
    EXPECT_TRUE(name.starts_with("v-rea-der-of-e-")) << name;
    EXPECT_TRUE(name.ends_with("-1900000000")) << name;
    EXPECT_LE(name.size(), 63U);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
}

TEST(LeaseWish, NamesALease) {
    const auto wish =
        parse_wish(R"({"lease_id": "database/creds/a/b", "increment": "1h"})").value();
    EXPECT_EQ(wish.lease, "database/creds/a/b");
    EXPECT_EQ(wish.increment, seconds(3'600));
    EXPECT_FALSE(parse_wish(R"({"lease_id": "a"})")->increment);
    EXPECT_FALSE(parse_wish("{}"));
    EXPECT_FALSE(parse_wish(R"({"lease_id": "a", "increment": "soon"})"));
}

}  // namespace
}  // namespace gh::vault::leases
