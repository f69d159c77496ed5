#include "access/revocable.hpp"

#include <algorithm>
#include <array>

#include "codec/json_writer.hpp"

namespace gh::access {
namespace {

constexpr std::array ended_types{PrincipalType::user, PrincipalType::service,
                                 PrincipalType::api_key, PrincipalType::agent};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view one, std::string_view other) {
    return std::ranges::equal(one, other, {}, lower, lower);
}

bool says_agent(const ClientCertificate& certificate, std::string_view id) {
    return std::ranges::any_of(certificate.names, [id](std::string_view name) {
        constexpr std::string_view scheme = "uri:spiffe://", place = "/agent/";
        if (!name.starts_with(scheme) || !name.ends_with(id)) return false;
        name.remove_suffix(id.size());
        return name.ends_with(place) && name.find('/', scheme.size()) == name.size() - place.size();
    });
}

bool is_key_of(const Target& target, const Principal& key) {
    if (target.type == PrincipalType::api_key)
        return key.token_id == target.name ||
               std::ranges::find(key.origins, target.name) != key.origins.end();
    if (target.type == PrincipalType::user)
        return (key.type != PrincipalType::service && same_name(key.subject, target.name)) ||
               same_name(key.answers_to, target.name);
    const bool may_be = target.type != PrincipalType::service || key.type == target.type;
    return (may_be && key.subject == target.name) || key.answers_to == target.name;
}

bool is_token_of(const Target& target, const Principal& token) {
    const auto is_named = [&](const std::string& name) { return same_name(name, target.name); };
    if (target.type == PrincipalType::api_key) return false;
    if (target.type == PrincipalType::service && token.client_id == target.name) return true;
    const bool subject = token.type == target.type || token.type == PrincipalType::delegated;
    return (subject && is_named(token.subject)) || std::ranges::any_of(token.actors, is_named);
}

std::string list_of(const Whom& whom, std::string (*text)(const Target&),
                    bool (*counts)(const Bearer&)) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& each : whom.names) {
        if (counts(each)) out.string(text(each.name));
    }
    out.end_array();
    return list;
}

bool is_holder(const Bearer& bearer) { return !bearer.is_id; }

bool is_sender(const Bearer& bearer) {
    return bearer.is_id || bearer.name.type != PrincipalType::api_key;
}

bool is_reader(const Bearer& bearer) { return is_sender(bearer) && !bearer.shared; }

}  // namespace

Result<Target> target_of(std::string_view text) {
    const auto colon = text.find(':');
    const auto type = text.substr(0, colon);
    const auto* found =
        std::ranges::find(ended_types, type, [](auto each) { return name_of(each); });
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
    if (colon == text.npos || colon + 1 == text.size() || found == ended_types.end() ||
        text.size() > target_bytes_max || std::ranges::any_of(text, is_control))
        return fail(ErrorKind::invalid_argument, "kill.principal");
    return Target{.type = *found, .name = std::string(text.substr(colon + 1))};
}

std::string text_of(const Target& target) {
    return std::string(name_of(target.type)) + ':' + target.name;
}

std::string encode_address(std::string_view text, std::string_view apart) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        if (c > ' ' && c <= '~' && c != '%' && !apart.contains(c)) {
            encoded += c;
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        encoded += {'%', digits[octet >> 4], digits[octet & 15]};
    }
    return encoded;
}

std::string address_of(const Target& target) {
    if (target.type == PrincipalType::agent) return target.name;
    return std::string(name_of(target.type)) + ':' + encode_address(target.name, "@");
}

std::vector<Bearer> own_names(const Target& target) {
    std::vector<Bearer> names{{.name = target, .is_id = target.type == PrincipalType::api_key}};
    if (target.type == PrincipalType::user || target.type == PrincipalType::agent)
        names.push_back({.name = {.type = PrincipalType::delegated, .name = target.name}});
    return names;
}

std::string list_of_holders(const Whom& whom) { return list_of(whom, text_of, is_holder); }

std::string list_of_senders(const Whom& whom) { return list_of(whom, address_of, is_sender); }

std::string list_of_inboxes(const Whom& whom) { return list_of(whom, address_of, is_reader); }

bool is_of(const Target& target, const Principal& principal, const ClientCertificate* certificate) {
    if (certificate && target.type == PrincipalType::agent && says_agent(*certificate, target.name))
        return true;
    switch (principal.revoked_by) {
        case RevokedBy::nothing: return false;
        case RevokedBy::key_list: return is_key_of(target, principal);
        case RevokedBy::token_list: break;
    }
    return is_token_of(target, principal);
}

}  // namespace gh::access
