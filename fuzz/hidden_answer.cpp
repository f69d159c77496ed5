// An answer that may hold secrets, cut into pieces as the first octets say: what is shown is the same as in one piece, as long
// as it was, and holds none.

#include "gateway/proxy/hidden_texts.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using gh::gateway::HeaderInjection;
using gh::gateway::RequestFact;
using gh::gateway::proxy::HiddenTexts;
using gh::gateway::proxy::Hiding;

namespace {

HeaderInjection secret(const std::string& text) {
    return {"X-A", {{RequestFact::none, text, {{0, text.size()}}}}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const HiddenTexts all = [] {
        HiddenTexts texts;
        texts.add({.headers = {secret("aabbaabbaabb"), secret("bbaa/bb&aa"), secret("aaaaaaaa")}});
        return texts;
    }();
    constexpr std::size_t cuts_max = 8;
    const auto cuts = std::min(size, cuts_max);
    const std::string_view text(reinterpret_cast<const char*>(data) + cuts, size - cuts);

    Hiding at_once(&all);
    const std::string whole(at_once.pass(text, true));
    if (whole.size() != text.size() || all.within(whole)) std::abort();
    Hiding in_pieces(&all);
    std::string shown;
    auto rest = text;
    for (std::size_t i = 0; i < cuts && !rest.empty(); ++i) {
        const auto piece = rest.substr(0, data[i]);
        shown += in_pieces.pass(piece, false);
        rest.remove_prefix(piece.size());
    }
    shown += in_pieces.pass(rest, true);
    if (shown != whole) std::abort();
    return 0;
}
