#include "pki/acme_client/pending.hpp"

#include <string_view>
#include <utility>

namespace gh::pki::acme_client {
namespace {

constexpr std::string_view mark = "\norder ";

}  // namespace

crypto::Secret sealed_text_of(const Pending& pending) {
    auto text = crypto::to_pem(pending.key.get());
    text.reserve(text.size() + mark.size() + pending.order.size());
    text += mark;
    text += pending.order;
    crypto::Secret both(text);
    crypto::wipe(text.data(), text.size());
    return both;
}

Result<Pending> pending_of_text(const crypto::Secret& text) {
    const auto both = crypto::text_of(text.bytes());
    const auto end = both.rfind(mark);
    auto key = crypto::read_private_key(both.substr(0, end));
    if (end == std::string_view::npos || !key)
        return fail(ErrorKind::corrupt, "acme_client.pending", "no order is under way");
    return Pending{.key = *std::move(key), .order = std::string(both.substr(end + mark.size()))};
}

crypto::Secret nothing_pending() { return crypto::Secret(std::string_view("-")); }

}  // namespace gh::pki::acme_client
