#include "pki/acme/bodies.hpp"

#include <gtest/gtest.h>

#include "pki/acme/identifier.hpp"

namespace gh::pki::acme {
namespace {

template <class T>
std::string_view reason_of(const Result<T>& result) {
    return result ? "" : result.error().reason;
}

TEST(AcmeBodies, NamesAreDnsNamesInLowerCase) {
    struct Case {
        std::string_view text, reason;
    };
    const std::string long_label(64, 'a');
    const std::string long_name = "a." + std::string(251, 'b') + ".example";
    const std::string too_long_label = long_label + ".example";
    const Case cases[] = {
        {"a.example", ""},
        {"A.Example", ""},
        {"*.a.example", ""},
        {"xn--bcher-kva.example", ""},
        {"localhost", "acme.identifier"},
        {"*.example", "acme.identifier"},
        {"*", "acme.identifier"},
        {"*.*.example", "acme.identifier"},
        {"a.*.example", "acme.identifier"},
        {"a*.b.example", "acme.identifier"},
        {"a_b.example", "acme.identifier"},
        {"-a.example", "acme.identifier"},
        {"a-.example", "acme.identifier"},
        {"a.example.", "acme.identifier"},
        {".a.example", "acme.identifier"},
        {"a..example", "acme.identifier"},
        {"127.0.0.1", "acme.identifier"},
        {"::1", "acme.identifier"},
        {"a b.example", "acme.identifier"},
        {"b\xc3\xbc.example", "acme.identifier"},
        {std::string_view("a\0.example", 10), "acme.identifier"},
        {"", "acme.identifier"},
        {too_long_label, "acme.identifier"},
        {long_name, "acme.identifier"},
    };
    for (const auto& each : cases) {
        SCOPED_TRACE(each.text);
        EXPECT_EQ(reason_of(read_identifier(each.text)), each.reason);
    }
    EXPECT_EQ(*read_identifier("WWW.Example.COM"), "www.example.com");
}

TEST(AcmeBodies, ADomainCoversWhatIsBelowIt) {
    const std::vector<std::string> domains{"corp.example", "api.other.example"};
    for (const auto* name : {"corp.example", "a.corp.example", "a.b.corp.example", "*.corp.example",
                             "api.other.example"})
        EXPECT_TRUE(is_within(name, domains)) << name;
    for (const auto* name :
         {"notcorp.example", "example", "other.example", "corp.example.evil", "*.other.example"})
        EXPECT_FALSE(is_within(name, domains)) << name;
    EXPECT_FALSE(is_within("a.example", {}));
}

TEST(AcmeBodies, AnOrdersNamesAreSortedAndThereOnce) {
    const auto order = read_new_order(
        R"({"identifiers":[{"type":"dns","value":"B.example"},{"type":"dns","value":"a.example"},)"
        R"({"type":"dns","value":"b.example"}],"future":1})");
    ASSERT_TRUE(order) << describe(order.error());
    EXPECT_EQ(order->names, (std::vector<std::string>{"a.example", "b.example"}));
}

TEST(AcmeBodies, OrdersThatCannotBeAreRefused) {
    std::string many = R"({"identifiers":[)";
    for (std::size_t i = 0; i <= identifiers_max; ++i)
        many += (i == 0 ? "" : ",") + std::string(R"({"type":"dns","value":"a)") +
                std::to_string(i) + R"(.example"})";
    many += "]}";
    const std::pair<std::string, std::string_view> cases[] = {
        {"", "acme.malformed"},
        {"[]", "acme.malformed"},
        {"{}", "acme.malformed"},
        {R"({"identifiers":[]})", "acme.malformed"},
        {R"({"identifiers":{}})", "acme.malformed"},
        {R"({"identifiers":["a.example"]})", "acme.malformed"},
        {R"({"identifiers":[{"type":"dns"}]})", "acme.malformed"},
        {R"({"identifiers":[{"type":"ip","value":"192.0.2.1"}]})", "acme.identifier_type"},
        {R"({"identifiers":[{"type":"dns","value":"a"}]})", "acme.identifier"},
        {R"({"identifiers":[{"type":"dns","value":"a.b"}],"notAfter":"2030-01-01T00:00:00Z"})",
         "acme.malformed"},
        {R"({"identifiers":[{"type":"dns","value":"a.b"}],"replaces":1})", "acme.malformed"},
        {many, "acme.malformed"},
    };
    for (const auto& [text, reason] : cases) {
        SCOPED_TRACE(text);
        EXPECT_EQ(reason_of(read_new_order(text)), reason);
    }
}

TEST(AcmeBodies, ContactsAreMailAddressesOnly) {
    const auto with = [](std::string_view contact) {
        return R"({"contact":[")" + std::string(contact) + R"("]})";
    };
    EXPECT_EQ(reason_of(read_new_account(with("mailto:ops@example.com"))), "");
    EXPECT_EQ(reason_of(read_new_account(with("tel:+4412345"))), "acme.contact_scheme");
    const std::string long_one = "mailto:a@" + std::string(contact_bytes_max, 'b');
    const std::string_view bad_ones[] = {"mailto:",      "mailto:a",       "mailto:@b",
                                         "mailto:a@",    "mailto:a@b,c@d", "mailto:a@b?cc=c@d",
                                         "mailto:a@b@c", "mailto:a b@c",   long_one};
    for (const auto bad : bad_ones)
        EXPECT_EQ(reason_of(read_new_account(with(bad))), "acme.contact") << bad;
    EXPECT_EQ(reason_of(read_new_account(R"({"contact":"mailto:a@b"})")), "acme.malformed");
    EXPECT_EQ(reason_of(read_new_account(R"({"onlyReturnExisting":1})")), "acme.malformed");
}

TEST(AcmeBodies, AnAccountIsDeactivatedAndNothingElse) {
    EXPECT_TRUE(read_account_update(R"({"status":"deactivated"})")->deactivate);
    EXPECT_FALSE(read_account_update(R"({"status":"valid","contact":[]})")->deactivate);
    EXPECT_EQ(reason_of(read_account_update(R"({"status":"revoked"})")), "acme.malformed");
    EXPECT_EQ(reason_of(read_deactivation(R"({"status":"deactivated"})")), "");
    EXPECT_EQ(reason_of(read_deactivation(R"({"status":"valid"})")), "acme.malformed");
}

TEST(AcmeBodies, RevocationReasonsAreThoseThatAreForGood) {
    const auto with = [](std::string_view reason) {
        return read_revocation(R"({"certificate":"AAAA","reason":)" + std::string(reason) + "}");
    };
    EXPECT_EQ(with("1")->reason, RevocationReason::key_compromise);
    EXPECT_EQ(read_revocation(R"({"certificate":"AAAA"})")->reason, RevocationReason::unspecified);
    for (const auto* bad : {"2", "6", "7", "8", "10", "-1", "4294967297", "1.5", "\"1\""})
        EXPECT_EQ(reason_of(with(bad)), "acme.reason") << bad;
    EXPECT_EQ(reason_of(read_revocation(R"({"certificate":"AA=="})")), "acme.malformed");
    EXPECT_EQ(reason_of(read_revocation("{}")), "acme.malformed");
}

// RFC 9773 §4.1 has this certificate's id.
TEST(AcmeBodies, ARenewalIdNamesIssuerAndSerial) {
    const auto id = read_renewal_id("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    ASSERT_TRUE(id) << describe(id.error());
    EXPECT_EQ(id->issuer_key_id, "69885b6b87464041e1b37b847ba0ae2cde01c8d4");
    EXPECT_EQ(id->serial, "87654321");
    for (const auto* bad : {"", ".", "aYhba4dGQEHhs3uEe6CuLN4ByNQ", "aYhb.", ".AIdl", "a=.b="})
        EXPECT_EQ(reason_of(read_renewal_id(bad)), "acme.malformed") << bad;
}

}  // namespace
}  // namespace gh::pki::acme
