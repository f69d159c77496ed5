#include "pki/acme/bodies.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "pki/acme/identifier.hpp"

namespace gh::pki::acme {
namespace {

using codec::json::Value;

std::unexpected<Error> refuse(std::string_view reason, std::string detail) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

std::unexpected<Error> malformed(std::string detail) {
    return refuse("acme.malformed", std::move(detail));
}

Result<Value> object_in(std::string_view payload) {
    auto value = codec::json::parse(payload, {.bytes_max = request_bytes_max, .depth_max = 8});
    if (!value || value->object() == nullptr) return malformed("the payload is no JSON object");
    return *std::move(value);
}

Result<std::string> octets_in(const Value& body, std::string_view name) {
    const auto* text = body.find_string(name);
    if (text != nullptr) {
        if (auto octets = codec::decode_base64url(*text); octets && !octets->empty()) return octets;
    }
    return malformed(std::string(name) + " is wanted, as base64url without padding");
}

Result<bool> flag_in(const Value& body, std::string_view name) {
    const auto* value = body.find(name);
    if (value == nullptr) return false;
    if (const auto flag = value->boolean()) return *flag;
    return malformed(std::string(name) + " is neither true nor false");
}

/// One address and nothing to go with it (§7.3).
Result<void> check_contact(const std::string& contact) {
    if (!contact.starts_with("mailto:"))
        return refuse("acme.contact_scheme", "wanted: mailto: addresses");
    const auto address = std::string_view(contact).substr(7);
    const auto at = address.find('@');
    const bool plain = std::ranges::all_of(address, [](char c) {
        return c > ' ' && c < 0x7f && !std::string_view("?,;<>\"\\").contains(c);
    });
    const bool good = contact.size() <= contact_bytes_max && plain && at != 0 &&
                      at != std::string_view::npos && at + 1 < address.size() &&
                      at == address.rfind('@');
    if (!good) return refuse("acme.contact", "a contact is no mail address");
    return {};
}

Result<std::vector<std::string>> contacts_in(const Value& value) {
    const auto* list = value.array();
    if (list == nullptr) return malformed("contact is no array");
    if (list->size() > contacts_max) return refuse("acme.contact", "at most ten contacts");
    std::vector<std::string> contacts;
    for (const auto& each : *list) {
        if (each.string() == nullptr) return malformed("a contact is no string");
        GH_TRY_VOID(check_contact(*each.string()));
        contacts.push_back(*each.string());
    }
    return contacts;
}

Result<std::string> name_in(const Value& identifier) {
    const auto* type = identifier.find_string("type");
    const auto* value = identifier.find_string("value");
    if (type == nullptr || value == nullptr)
        return malformed("an identifier wants a type and a value");
    if (*type != "dns") return refuse("acme.identifier_type", "wanted: identifiers of type dns");
    return read_identifier(*value);
}

Result<std::vector<std::string>> names_in(const Value& body) {
    const auto* found = body.find("identifiers");
    const auto* list = found ? found->array() : nullptr;
    if (list == nullptr || list->empty()) return malformed("identifiers is no array of some");
    if (list->size() > identifiers_max)
        return malformed("more than 100 identifiers; make several orders");
    std::vector<std::string> names;
    for (const auto& each : *list) {
        GH_TRY(auto name, name_in(each));
        names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    const auto [again, end] = std::ranges::unique(names);
    names.erase(again, end);
    return names;
}

}  // namespace

Result<NewAccount> read_new_account(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    NewAccount account;
    GH_TRY(account.only_existing, flag_in(body, "onlyReturnExisting"));
    if (const auto* contacts = body.find("contact")) {
        GH_TRY(account.contacts, contacts_in(*contacts));
    }
    if (const auto* binding = body.find("externalAccountBinding")) {
        GH_TRY(account.external_account, read_jws(*binding, JwsUse::external_account));
    }
    return account;
}

Result<AccountUpdate> read_account_update(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    AccountUpdate update;
    if (const auto* status = body.find("status")) {
        const auto* word = status->string();
        // Some clients send the account back as they know it.
        if (word == nullptr || (*word != "deactivated" && *word != "valid"))
            return malformed("status may become deactivated alone");
        update.deactivate = *word == "deactivated";
    }
    if (const auto* contacts = body.find("contact")) {
        GH_TRY(update.contacts, contacts_in(*contacts));
    }
    return update;
}

Result<KeyChange> read_key_change(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    const auto* account = body.find_string("account");
    const auto* key = body.find("oldKey");
    if (account == nullptr || key == nullptr) return malformed("account and oldKey are wanted");
    GH_TRY(auto old_key, read_account_key(*key));
    return KeyChange{*account, std::move(old_key)};
}

Result<NewOrder> read_new_order(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    for (const std::string_view time : {"notBefore", "notAfter"}) {
        if (body.find(time))
            return malformed("notBefore and notAfter are not for the client to choose here");
    }
    NewOrder order;
    GH_TRY(order.names, names_in(body));
    if (const auto* replaces = body.find("replaces")) {
        if (replaces->string() == nullptr || replaces->string()->empty())
            return malformed("replaces is no string that says something");
        order.replaces = *replaces->string();
    }
    return order;
}

Result<std::string> read_finalize(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    auto csr = octets_in(body, "csr");
    if (!csr) return refuse("acme.csr", std::move(csr.error().detail));
    return csr;
}

Result<void> read_deactivation(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    const auto* status = body.find_string("status");
    if (status != nullptr && *status == "deactivated") return {};
    return malformed("status may become deactivated alone");
}

Result<void> read_readiness(std::string_view payload) {
    GH_TRY_VOID(object_in(payload));
    return {};
}

Result<Revocation> read_revocation(std::string_view payload) {
    GH_TRY(const auto body, object_in(payload));
    Revocation wanted;
    GH_TRY(wanted.certificate, octets_in(body, "certificate"));
    const auto* reason = body.find("reason");
    if (reason == nullptr) return wanted;
    const auto code = reason->integer();
    const auto known = code ? revocation_reason_of_code(*code) : std::nullopt;
    if (!known) {
        return refuse("acme.reason", "wanted: one of the codes 0, 1, 3, 4, 5 and 9");
    }
    wanted.reason = *known;
    return wanted;
}

Result<RenewalId> read_renewal_id(std::string_view text) {
    const auto dot = text.find('.');
    const auto refused = malformed(
        "no id of a certificate: base64url of the authority's key id, "
        "a dot, base64url of the serial");
    constexpr std::size_t id_bytes_max = 128;
    if (dot == std::string_view::npos || text.size() > id_bytes_max) return refused;
    const auto key_id = codec::decode_base64url(text.substr(0, dot));
    const auto serial = codec::decode_base64url(text.substr(dot + 1));
    if (!key_id || key_id->empty() || !serial || serial->empty()) return refused;
    std::string_view digits = *serial;
    // The octet that keeps a DER integer from being negative is none of the serial's.
    if (digits.size() > 1 && digits.front() == '\0') digits.remove_prefix(1);
    return RenewalId{codec::encode_hex(*key_id), codec::encode_hex(digits)};
}

}  // namespace gh::pki::acme
