// Queries and forms from strangers: what is read is UTF-8 within its bounds, and says the same when it is written again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/form.hpp"
#include "codec/percent.hpp"
#include "codec/utf8.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const gh::codec::FormLimits limits{.bytes_max = 4096, .pairs_max = 16};
    const auto form = gh::codec::parse_form(input, limits);
    if (!form) return 0;
    demand(size <= limits.bytes_max && form->pairs().size() <= limits.pairs_max);
    std::string again;
    for (const auto& [name, value] : form->pairs()) {
        demand(gh::codec::is_utf8(name) && gh::codec::is_utf8(value));
        demand(form->find(name) != nullptr);
        again += gh::codec::percent_encode(name) + "=" + gh::codec::percent_encode(value) + "&";
    }
    const auto second = gh::codec::parse_form(again, {.bytes_max = again.size(), .pairs_max = 16});
    demand(second && second->pairs() == form->pairs());
    if (const auto* twice = form->duplicate()) {
        std::size_t count = 0;
        for (const auto& [name, value] : form->pairs()) count += name == *twice;
        demand(count > 1);
    }
    return 0;
}
