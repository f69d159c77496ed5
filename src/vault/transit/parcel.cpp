#include "vault/transit/parcel.hpp"

#include <charconv>
#include <utility>

#include "codec/base64.hpp"

namespace gh::vault::transit {
namespace {

constexpr std::string_view prefix = "vault:v";

std::unexpected<Error> refuse(std::string_view what, std::string_view why) {
    return fail(ErrorKind::invalid_argument, "transit.input",
                "invalid " + std::string(what) + ": " + std::string(why));
}

}  // namespace

Result<Parcel> parse_parcel(std::string_view text, std::string_view what, bool is_raw) {
    if (!text.starts_with(prefix)) return refuse(what, "no prefix");
    text.remove_prefix(prefix.size());
    const auto colon = text.find(':');
    if (colon == text.npos) return refuse(what, "wrong number of fields");
    Parcel parcel;
    const auto* const end = text.data() + colon;
    const auto [behind, error] = std::from_chars(text.data(), end, parcel.version);
    if (error != std::errc() || behind != end || text.front() == '0')
        return refuse(what, "version number could not be decoded");
    const auto coded = text.substr(colon + 1);
    auto octets = is_raw ? codec::decode_base64url(coded) : codec::decode_base64(coded);
    if (!octets) return refuse(what, "could not decode base64");
    parcel.octets = *std::move(octets);
    return parcel;
}

std::string text_of_parcel(std::uint32_t version, std::string_view octets, bool is_raw) {
    auto text = std::string(prefix) + std::to_string(version) + ':';
    text += is_raw ? codec::encode_base64url(octets) : codec::encode_base64(octets);
    return text;
}

}  // namespace gh::vault::transit
