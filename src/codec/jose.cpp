#include "codec/jose.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"

namespace gh::codec {
namespace {

constexpr std::string_view names[] = {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                      "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
static_assert(std::size(names) == std::to_underlying(JoseAlgorithm::eddsa) + 1);

std::unexpected<Error> refuse(std::string_view reason, std::string detail = {}) {
    return fail(ErrorKind::unauthenticated, reason, std::move(detail));
}

Result<std::string> decode_part(std::string_view text) {
    auto bytes = decode_base64url(text);
    if (!bytes) return refuse("jwt.malformed", "not base64url");
    return bytes;
}

Result<JoseHeader> read_header(std::string_view text) {
    const auto parsed = json::parse(text, {.bytes_max = jws_bytes_max, .depth_max = 8});
    if (!parsed || parsed->object() == nullptr)
        return refuse("jwt.malformed", "the header is no JSON object");
    if (parsed->find("crit") || parsed->find("b64")) return refuse("jwt.critical");
    JoseHeader header;
    const auto* algorithm = parsed->find_string("alg");
    const auto known = algorithm ? algorithm_of(*algorithm) : std::nullopt;
    if (!known) return refuse("jwt.algorithm");
    header.algorithm = *known;
    if (const auto* id = parsed->find("kid")) {
        if (!id->string()) return refuse("jwt.malformed", "`kid` is no string");
        header.key_id = *id->string();
    }
    if (const auto* type = parsed->find("typ")) {
        if (!type->string()) return refuse("jwt.malformed", "`typ` is no string");
        header.type = *type->string();
    }
    return header;
}

/// All tokens of an issuer have the same header: the last few that could be read are known by their text. Headers are no
/// secrets.
class RecentHeaders {
 public:
    /// @param part  base64url
    [[nodiscard]] Result<std::shared_ptr<const JoseHeader>> read(std::string_view part) {
        const auto known = std::ranges::find(entries_, part, &Entry::part);
        if (known != entries_.end() && !part.empty()) return known->header;
        GH_TRY(const auto text, decode_part(part));
        GH_TRY(auto read, read_header(text));
        auto header = std::make_shared<const JoseHeader>(std::move(read));
        if (part.size() <= part_bytes_max) {
            entries_[next_] = {std::string(part), header};
            next_ = (next_ + 1) % entries_.size();
        }
        return header;
    }

 private:
    struct Entry {
        std::string part;
        std::shared_ptr<const JoseHeader> header;
    };
    static constexpr std::size_t part_bytes_max = 512;
    std::array<Entry, 4> entries_;
    std::size_t next_ = 0;
};

}  // namespace

std::string_view name_of(JoseAlgorithm algorithm) { return names[std::to_underlying(algorithm)]; }

std::span<const std::string_view> algorithm_names() { return names; }

std::optional<JoseAlgorithm> algorithm_of(std::string_view name) {
    const auto* found = std::ranges::find(names, name);
    if (found == std::end(names)) return std::nullopt;
    return static_cast<JoseAlgorithm>(found - std::begin(names));
}

Result<CompactJws> parse_jws(std::string_view token) {
    if (token.size() > jws_bytes_max) return refuse("jwt.malformed", "too long");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
        return refuse("jwt.malformed", "not three parts");
    }
    CompactJws jws;
    jws.header_part = token.substr(0, first);
    thread_local RecentHeaders recent;
    GH_TRY(jws.header, recent.read(jws.header_part));
    GH_TRY(jws.payload, decode_part(token.substr(first + 1, second - first - 1)));
    GH_TRY(jws.signature, decode_part(token.substr(second + 1)));
    jws.signing_input = token.substr(0, second);
    return jws;
}

}  // namespace gh::codec
