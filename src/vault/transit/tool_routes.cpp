#include <charconv>
#include <string>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "codec/json_writer.hpp"
#include "crypto/hashing.hpp"
#include "vault/transit/answer.hpp"
#include "vault/transit/body.hpp"

namespace gh::vault::transit {
namespace {

using codec::json::Writer;

constexpr std::uint32_t random_bytes_max = 128 * 1024;

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "transit.input", std::move(detail));
}

Result<std::string> in_format(std::string_view octets, std::string_view format) {
    if (format == "hex") return codec::encode_hex(octets);
    if (format == "base64") return codec::encode_base64(octets);
    return refuse("unsupported encoding format \"" + std::string(format) +
                  "\"; must be \"hex\" or \"base64\"");
}

api::Reply answer(const Entry& entry, std::string_view name, std::string_view value) {
    std::string data;
    Writer out(data);
    out.begin_object().name(name).string(value).end_object();
    return enveloped(entry, data);
}

Answered random(TransitRoom& /*room*/, Entry entry, std::string_view body) {
    GH_CO_TRY(auto tool, parse_tool(body));
    if (const auto bytes = entry.call.param("bytes"); !bytes.empty()) {
        const auto* const end = bytes.data() + bytes.size();
        const auto [behind, error] = std::from_chars(bytes.data(), end, tool.bytes);
        if (error != std::errc() || behind != end)
            co_return refuse("error parsing url-set byte count");
    }
    if (tool.bytes < 1) co_return refuse("\"bytes\" cannot be less than 1");
    if (tool.bytes > random_bytes_max)
        co_return refuse("\"bytes\" should be less than " + std::to_string(random_bytes_max));
    const auto octets = crypto::Secret::random(tool.bytes);
    GH_CO_TRY(const auto text,
              in_format(crypto::text_of(octets.bytes()), tool.format.value_or("base64")));
    co_return answer(entry, "random_bytes", text);
}

Answered hash(TransitRoom& /*room*/, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto tool, parse_tool(body));
    auto name = std::string(entry.call.param("algorithm"));
    if (name.empty()) name = tool.hash.value_or("sha2-256");
    const auto kind = crypto::hash_named(name);
    if (!kind) co_return refuse("unsupported algorithm " + name);
    if (tool.input.size() > text_bytes_max) co_return refuse("input has more than 1 MiB");
    const auto digest = crypto::digest_of(*kind, tool.input.bytes());
    GH_CO_TRY(const auto text, in_format(digest, tool.format.value_or("hex")));
    co_return answer(entry, "sum", text);
}

}  // namespace

std::vector<api::Route> tool_routes(TransitRoom& room) {
    Table table(room.vault);
    const auto add = [&](std::string_view place, Handler handler, const std::string& summary) {
        table.add_write("/v1/" + std::string(place), {.want = Want::update, .place = place},
                        with(room, handler), summary, body_bytes_max);
    };
    add("transit/random", random, "Random bytes.");
    add("transit/random/{bytes}", random, "As many random bytes.");
    add("sys/tools/random", random, "Random bytes.");
    add("sys/tools/random/{bytes}", random, "As many random bytes.");
    add("transit/hash", hash, "The hash of a text.");
    add("transit/hash/{algorithm}", hash, "The hash of a text, by this algorithm.");
    add("sys/tools/hash", hash, "The hash of a text.");
    add("sys/tools/hash/{algorithm}", hash, "The hash of a text, by this algorithm.");
    return std::move(table).take();
}

}  // namespace gh::vault::transit
