// A DSN of Sentry that passed leads to the envelopes of a project, by a URL that our client takes, with a key that fits into a field.

#include "export/sentry_dsn.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/https_url.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto dsn = exporting::parse_sentry_dsn(text);
    if (!dsn) return 0;
    demand(size <= exporting::sentry_dsn_bytes_max);
    demand(!dsn->public_key.empty() && text.contains(dsn->public_key));
    demand(dsn->public_key.find_first_of(", \r\n=") == std::string::npos);
    demand(dsn->url.ends_with("/envelope/") && !dsn->url.contains('@'));
    const auto url = codec::parse_https_url(dsn->url, codec::PlainHttp::anywhere);
    demand(url && url->tls == text.starts_with("https://"));
    // A DSN made of what was read is read as the same.
    auto again = dsn->url.substr(0, dsn->url.size() - std::string_view("/envelope/").size());
    again.erase(again.rfind("/api/"), 4);
    again.insert(again.find("//") + 2, dsn->public_key + "@");
    const auto same = exporting::parse_sentry_dsn(again);
    demand(same && *same == *dsn);
    return 0;
}
