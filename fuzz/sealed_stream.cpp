// A header that passed is kept as it was; a chunk that nobody sealed is refused, and what was sealed with it opens again.

#include "crypto/sealed_stream.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using gh::crypto::SealedStream;

void demand(bool holds) {
    if (!holds) std::abort();
}

std::uint64_t number_at(std::string_view text, std::size_t at) {
    std::uint64_t number = 0;
    for (const unsigned char octet : text.substr(at, 4)) number = number << 8 | octet;
    return number;
}

/// Allowed, and too slow to try often.
bool is_dear(std::string_view header) {
    if (header.size() != SealedStream::header_bytes) return false;
    const auto at = SealedStream::magic.size();
    const auto cost = number_at(header, at) * number_at(header, at + 4);
    return cost > 1'024 && cost <= 1'024 * 1'024;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto header = input.substr(0, SealedStream::header_bytes);
    if (is_dear(header)) return 0;
    static const gh::crypto::Secret passphrase(std::string_view("the engine weaves"));
    auto reader = SealedStream::of_header(header, passphrase);
    if (!reader) return 0;
    demand(reader->header() == header);
    const auto rest = input.substr(header.size());
    std::string text;
    for (const bool last : {false, true}) {
        demand(!reader->open(rest.substr(0, SealedStream::sealed_chunk_bytes), last, text));
        demand(text.empty());
    }
    auto writer = SealedStream::of_header(header, passphrase);
    std::string sealed;
    const auto chunk = rest.substr(0, SealedStream::chunk_bytes);
    writer->seal(chunk, true, sealed);
    demand(reader->open(sealed, true, text).has_value() && text == chunk);
    return 0;
}
