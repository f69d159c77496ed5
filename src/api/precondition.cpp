#include "api/precondition.hpp"

#include "base/keyed_hash.hpp"
#include "codec/entity_tag.hpp"

namespace gh::api {
namespace {

struct Read {
    bool there = false;
    bool malformed = false;
    codec::EntityTags tags;
};

/// All lines of this field.
Read read_tags(const Call& call, std::string_view name) {
    Read read;
    for (const auto& field : call.head.fields) {
        if (!http::equals_ignoring_case(field.name, name)) continue;
        read.there = true;
        if (!codec::parse_entity_tags(field.value, read.tags)) read.malformed = true;
    }
    return read;
}

Reply not_modified(std::string_view etag) {
    Reply answer;
    answer.status = 304;
    answer.fields.emplace_back("ETag", etag);
    return answer;
}

Reply failed(const Call& call) {
    return refusal(call, 412, "precondition.failed",
                   "It is not what the request supposes; read it again.");
}

}  // namespace

std::string etag_of_version(std::uint64_t version) { return '"' + std::to_string(version) + '"'; }

std::string etag_of_text(std::string_view text) {
    const auto hash = KeyedHash(0, 0)(text);
    return '"' + std::to_string(hash.low) + '-' + std::to_string(hash.high) + '"';
}

std::optional<Reply> judge_preconditions(const Call& call, std::optional<std::string_view> etag) {
    const auto match = read_tags(call, "If-Match");
    const auto none_match = read_tags(call, "If-None-Match");
    if (match.malformed || none_match.malformed) {
        return refusal(call, 400, "precondition.malformed",
                       "If-Match and If-None-Match take entity tags in quotes, or *.");
    }
    if (match.there && !(etag && (match.tags.any || match.tags.holds_strongly(*etag))))
        return failed(call);
    if (none_match.there && etag && (none_match.tags.any || none_match.tags.holds_weakly(*etag))) {
        const bool reads =
            call.head.method == http::Method::get || call.head.method == http::Method::head;
        return reads ? not_modified(*etag) : failed(call);
    }
    return std::nullopt;
}

std::optional<Reply> judge_change(const Call& call, std::optional<std::string_view> etag) {
    if (etag && call.head.fields.find("If-Match") == nullptr) {
        return refusal(call, 428, "precondition.required",
                       "Send If-Match with the ETag of what was read before.");
    }
    return judge_preconditions(call, etag);
}

}  // namespace gh::api
