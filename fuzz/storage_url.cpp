// A storage URL that passed has a host, a user and a database without control characters, and its text for logs reads as
// the same place without the password.

#include "storage/url.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace gh::storage;

void demand(bool holds) {
    if (!holds) std::abort();
}

void check(const SqliteUrl& url) { demand(!url.file.empty() && url.file.has_filename()); }

void check(const PostgresUrl& url) {
    for (const auto* part :
         {&url.user, &url.host, &url.database, &url.ca_file, &url.application_name}) {
        demand(!part->empty());
        demand(std::ranges::none_of(*part, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
    }
    demand(url.port != 0);
    const auto shown = url.redacted();
    if (shown.size() > 4'096) return;  // escapes made it longer than a URL may be
    const auto again = parse_storage_url(shown);
    demand(again && std::holds_alternative<PostgresUrl>(*again));
    const auto& same = std::get<PostgresUrl>(*again);
    demand(same.user == url.user && same.host == url.host && same.database == url.database);
    demand(same.password.empty());
    if (!url.unix_socket()) demand(same.port == url.port && same.tls == url.tls);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto url = parse_storage_url({reinterpret_cast<const char*>(data), size});
    if (url) std::visit([](const auto& each) { check(each); }, *url);
    return 0;
}
