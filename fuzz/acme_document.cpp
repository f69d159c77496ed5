#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pki/acme_client/documents.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

void check_url(const std::string& url) {
    using namespace gh::pki::acme_client;
    demand(url.size() <= url_bytes_max);
    demand(url.starts_with("https://") || url.starts_with("http://"));
}

}  // namespace

/// What a CA says: every reader takes it or refuses it, within its limits, and nothing in it is a URL that is not asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::pki::acme_client;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto found = read_directory(text)) {
        check_url(found->new_nonce);
        check_url(found->new_account);
        check_url(found->new_order);
    }
    if (const auto order = read_order(text)) {
        demand(order->authorizations.size() <= authorizations_max);
        for (const auto& url : order->authorizations) check_url(url);
        check_url(order->finalize);
    }
    if (const auto found = read_authorization(text)) {
        for (const auto& each : found->challenges) {
            check_url(each.url);
            demand(each.token.size() <= token_bytes_max &&
                   each.token.find_first_of("/.\\ ") == std::string::npos);
        }
    }
    if (const auto window = read_renewal_window(text)) demand(window->start <= window->end);
    const auto line = read_problem(text).text();
    demand(line.find_first_of("\r\n") == std::string::npos);
    demand(line.size() <= 3 * problem_text_bytes_max);
    const auto wait = read_retry_after(text, gh::SystemTime{gh::seconds(1'750'000'000)});
    demand(!wait || (wait->count() >= 0 && wait->count() <= 86'400));
    return 0;
}
