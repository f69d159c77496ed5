#include "pki/acme/dns_message.hpp"

#include <gtest/gtest.h>

namespace gh::pki::acme {
namespace {

using namespace std::string_literals;
using Kind = DnsAnswer::Kind;

/// What a server makes of a question: its head changed, and records behind.
std::string answer_to(const std::string& query, const std::string& flags,
                      const std::string& records, char count) {
    const auto question = query.substr(12, query.size() - 23);
    return query.substr(0, 2) + flags + "\0\1\0"s + count + "\0\0\0\0"s + question + records;
}
const std::string fine = "\x81\x80"s;

std::string record(char type, const std::string& data) {
    return "\xc0\x0c\0"s + type + "\0\1\0\0\0\0\0"s + static_cast<char>(data.size()) + data;
}

TEST(DnsMessage, AsksInTheWayOfTheStandard) {
    const auto query = dns_query(0x1234, "_acme-challenge.a.test", RecordType::txt).value();
    EXPECT_EQ(
        query,
        "\x12\x34\x01\0\0\1\0\0\0\0\0\1\x0f_acme-challenge\1a\4test\0\0\x10\0\1\0\0\x29\x04\xd0"s +
            std::string(6, '\0'));
    for (const auto& bad :
         {std::string(64, 'a') + ".test", "a..test"s, ".test"s, std::string(254, 'a')}) {
        EXPECT_FALSE(dns_query(1, bad, RecordType::a)) << bad;
    }
    EXPECT_TRUE(dns_query(1, std::string(63, 'a') + ".test", RecordType::a));
}

TEST(DnsMessage, TakesWhatWasAskedForAlone) {
    const auto query = dns_query(0x1234, "a.test", RecordType::a).value();
    const auto alias = record(5, "\1b\xc0\x0e"s), found = record(1, "\x7f\0\0\1"s);
    const auto answer = read_dns_answer(answer_to(query, fine, alias + found, 2), query);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->kind, Kind::records);
    EXPECT_EQ(answer->data, std::vector{"\x7f\0\0\1"s});
    EXPECT_TRUE(read_dns_answer(answer_to(query, fine, "", 0), query)->data.empty());
    auto shouted = answer_to(query, fine, found, 1);
    shouted[13] = 'A';
    EXPECT_TRUE(read_dns_answer(shouted, query));
}

TEST(DnsMessage, PassesOverWhatAnswersAnotherQuestion) {
    const auto query = dns_query(0x1234, "a.test", RecordType::a).value();
    const auto right = answer_to(query, fine, "", 0);
    auto other_id = right;
    other_id[0] = '\x13';
    EXPECT_FALSE(read_dns_answer(other_id, query));
    EXPECT_FALSE(read_dns_answer(right, dns_query(0x1234, "b.test", RecordType::a).value()));
    EXPECT_FALSE(read_dns_answer(right, dns_query(0x1234, "a.test", RecordType::txt).value()));
    EXPECT_FALSE(read_dns_answer(query, query));  // an echo
    for (std::size_t size = 0; size < 12; ++size)
        EXPECT_FALSE(read_dns_answer(right.substr(0, size), query)) << size;
}

TEST(DnsMessage, TellsWhyThereIsNone) {
    const auto query = dns_query(0x1234, "a.test", RecordType::a).value();
    const auto kind = [&](const std::string& flags) {
        return read_dns_answer(answer_to(query, flags, "", 0), query)->kind;
    };
    EXPECT_EQ(kind("\x81\x83"s), Kind::no_name);
    EXPECT_EQ(kind("\x81\x82"s), Kind::failure);
    EXPECT_EQ(kind("\x81\x85"s), Kind::failure);
    EXPECT_EQ(kind("\x83\x80"s), Kind::truncated);
    const auto found = answer_to(query, fine, record(1, "\x7f\0\0\1"s), 1);
    for (std::size_t cut = 1; cut < 16; ++cut)
        EXPECT_EQ(read_dns_answer(found.substr(0, found.size() - cut), query)->kind, Kind::failure);
}

TEST(DnsMessage, FindsTheNameServersOfTheSystem) {
    const auto* text =
        "# nameserver 192.0.2.9\nsearch a.test\nnameserver 192.0.2.1\r\nnameserver\t2001:db8::1 \n"
        "nameservers 192.0.2.8\nnameserver\n nameserver 192.0.2.7\nnameserver 192.0.2.3\n"
        "nameserver 192.0.2.4";
    EXPECT_EQ(name_servers_in(text),
              (std::vector<std::string>{"192.0.2.1", "2001:db8::1", "192.0.2.3"}));
    EXPECT_TRUE(name_servers_in("").empty());
}

}  // namespace
}  // namespace gh::pki::acme
