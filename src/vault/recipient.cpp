#include "vault/recipient.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::vault {
namespace {

using codec::json::Value;

constexpr std::size_t parameters_max = 8, parameter_bytes_max = 1024, kind_bytes_max = 32;

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::corrupt, "seal.malformed", std::move(detail));
}

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= kind_bytes_max &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
               std::string_view::npos;
}

Result<Recipient> recipient_of(const Value& in) {
    const auto* members = in.object();
    const auto* kind = in.find_string("kind");
    const auto* parameters = in.find("parameters");
    const auto* sealed = in.find_string("sealed");
    if (members == nullptr || members->size() != 3 || sealed == nullptr || kind == nullptr ||
        !is_word(*kind) || parameters == nullptr || parameters->object() == nullptr ||
        parameters->object()->size() > parameters_max)
        return malformed("a recipient is not what it should be");
    Recipient recipient;
    recipient.kind = *kind;
    for (const auto& [name, value] : *parameters->object()) {
        if (!is_word(name) || value.string() == nullptr ||
            value.string()->size() > parameter_bytes_max)
            return malformed("a parameter of a recipient is not what it should be");
        recipient.parameters.emplace_back(name, *value.string());
    }
    auto octets = codec::decode_base64(*sealed);
    if (!octets) return malformed("what is sealed for a recipient is no base64");
    recipient.sealed = *std::move(octets);
    return recipient;
}

}  // namespace

const std::string* Recipient::parameter(std::string_view name) const {
    const auto found =
        std::ranges::find(parameters, name, [](const auto& each) { return each.first; });
    return found == parameters.end() ? nullptr : &found->second;
}

Result<std::vector<Recipient>> recipients_of(const Value* list) {
    const auto* all = list ? list->array() : nullptr;
    if (all == nullptr || all->empty() || all->size() > recipients_max)
        return malformed("it names no recipients, or too many");
    std::vector<Recipient> recipients;
    for (const auto& each : *all) {
        GH_TRY(auto recipient, recipient_of(each));
        recipients.push_back(std::move(recipient));
    }
    return recipients;
}

void write_recipients(codec::json::Writer& out, const std::vector<Recipient>& recipients) {
    out.begin_array();
    for (const auto& each : recipients) {
        out.begin_object().name("kind").string(each.kind).name("parameters").begin_object();
        for (const auto& [name, value] : each.parameters) out.name(name).string(value);
        out.end_object().name("sealed").string(codec::encode_base64(each.sealed)).end_object();
    }
    out.end_array();
}

}  // namespace gh::vault
