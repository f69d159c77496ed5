#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pki/acme/dns_message.hpp"

/// What any name server may send in answer to a question, and what a resolv.conf may hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::pki::acme;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (name_servers_in(text).size() > 3) std::abort();
    for (const auto type : {RecordType::a, RecordType::aaaa, RecordType::txt}) {
        const auto query = dns_query(0x4142, "a.test", type).value();
        const auto answer = read_dns_answer(text, query);
        if (!answer) continue;
        if (answer->data.size() > 100) std::abort();
        if (answer->kind != DnsAnswer::Kind::records && !answer->data.empty()) std::abort();
    }
    // As a question of its own: whatever can be asked is not its own answer.
    const auto asked = dns_query(1, text, RecordType::a);
    if (asked && read_dns_answer(*asked, *asked)) std::abort();
    return 0;
}
