#include "vault/rotation/rule.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "api/object.hpp"
#include "api/types.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "config/unit.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault::rotation {
namespace {

using api::Object;
using api::Reader;
using crypto::KeyPairKind;

constexpr std::size_t rule_bytes_max = std::size_t{64} * 1024;

constexpr std::array<std::pair<std::string_view, KeyPairKind>, 5> key_types{{
    {"ed25519", KeyPairKind::ed25519},
    {"ecdsa-p256", KeyPairKind::ecdsa_p256},
    {"rsa-2048", KeyPairKind::rsa_2048},
    {"rsa-3072", KeyPairKind::rsa_3072},
    {"rsa-4096", KeyPairKind::rsa_4096},
}};

api::Type<KeyPairKind> key_type_type() {
    std::vector<std::pair<std::string, KeyPairKind>> pairs;
    for (const auto& [name, kind] : key_types) pairs.emplace_back(name, kind);
    return api::choice<KeyPairKind>(std::move(pairs));
}

api::Type<seconds> period() {
    return api::mapped<std::string, seconds>(
        api::text({.length_max = 32}), [](const std::string& text) { return parse_period(text); },
        [](const seconds& value) { return config::duration_text(value); },
        "A whole number and a unit, as 90s, 12h or 30d; at most 3650d.");
}

/// Printable ASCII but blanks, each once.
bool is_alphabet(std::string_view text) {
    if (text.size() < 2 || text.size() > alphabet_characters_max) return false;
    std::string sorted(text);
    std::ranges::sort(sorted);
    const bool printable = std::ranges::all_of(sorted, [](char c) { return c > ' ' && c <= '~'; });
    return printable && std::ranges::adjacent_find(sorted) == sorted.end();
}

const Object<Generator>& generator_object() {
    static const auto table = [] {
        const auto field = api::text({.length_max = field_bytes_max});
        Object<Generator> made("RotationGenerator", "What makes the new value.");
        made.required("kind", &Generator::kind,
                      api::choice<Kind>({{"random", Kind::random},
                                         {"key-pair", Kind::key_pair},
                                         {"postgresql", Kind::postgresql}}),
                      "A random text; a key pair; the password of a role of PostgreSQL.")
            .optional("length", &Generator::length,
                      api::integer<std::uint32_t>(length_min, length_max),
                      "random, postgresql: characters; 32, where left out.")
            .optional(
                "alphabet", &Generator::alphabet,
                api::text({.length_max = alphabet_characters_max,
                           .form = {.holds = is_alphabet,
                                    .said = "2 to 94 characters of ASCII, each once, no blanks",
                                    .pattern = {},
                                    .format = {}}}),
                "random, postgresql: letters and digits, where left out.")
            .optional("field", &Generator::field, field, "random: which one is replaced; value.")
            .optional("key_type", &Generator::key_type, key_type_type(), "key-pair: ed25519.")
            .optional("private_field", &Generator::private_field, field,
                      "key-pair: PKCS #8 in PEM; private_key.")
            .optional("public_field", &Generator::public_field, field,
                      "key-pair: SubjectPublicKeyInfo in PEM; public_key.")
            .optional("connection", &Generator::connection,
                      api::text({.length_min = 0, .length_max = 700}),
                      "postgresql: vault:PATH of the secret whose field url (or #FIELD) says where "
                      "and as whom.")
            .optional("database", &Generator::database,
                      api::text({.length_min = 0, .length_max = role_bytes_max}),
                      "postgresql: to log in to with the new password; that of the URL.")
            .optional("roles", &Generator::roles,
                      api::list_of(api::text({.length_max = role_bytes_max}),
                                   {.items_max = 2, .distinct = true}),
                      "postgresql: one role, or two that take turns.");
        return made;
    }();
    return table;
}

void check_random(Reader& reader, const Rule& rule) {
    const auto& by = rule.generator;
    // log2 of the alphabet's size, rounded down: 95 bits and more are nobody's to guess.
    std::size_t bits = 0;
    while ((std::size_t{2} << bits) <= by.alphabet.size()) ++bits;
    if (by.length * bits >= 80) return;
    const auto step = reader.enter("length");
    reader.refuse("range", "So few characters of so few kinds can be guessed: 80 bits at least.");
}

void check_key_pair(Reader& reader, const Rule& rule) {
    if (rule.generator.private_field != rule.generator.public_field) return;
    const auto step = reader.enter("public_field");
    reader.refuse("conflict", "Must not be the private one.");
}

void check_postgresql(Reader& reader, const Rule& rule) {
    const auto& by = rule.generator;
    if (!parse_connection(by.connection)) {
        const auto step = reader.enter("connection");
        reader.refuse("invalid", "vault:PATH or vault:PATH#FIELD, the secret with the URL.");
    }
    for (std::size_t i = 0; i < by.roles.size(); ++i) {
        if (by.roles[i].size() <= role_bytes_max) continue;
        const auto list = reader.enter("roles");
        const auto step = reader.enter(i);
        reader.refuse("length", "A role has at most 63 bytes.");
    }
    if (!by.roles.empty()) return;
    const auto step = reader.enter("roles");
    reader.refuse("required", "One role, or two that take turns.");
}

void check_times(Reader& reader, const Rule& rule) {
    if (rule.every > seconds(0) && rule.overlap + rule.hold_max >= rule.every) {
        const auto step = reader.enter("every");
        reader.refuse("range", "Must be longer than overlap and hold_max together.");
    }
    if (rule.generator.kind == Kind::postgresql && rule.generator.roles.size() == 1 &&
        rule.overlap > seconds(0)) {
        const auto step = reader.enter("overlap");
        reader.refuse("conflict",
                      "One role has one password at a time: name two roles that take turns, or no "
                      "overlap.");
    }
    if (rule.hold_max > seconds(0) && rule.overlap == seconds(0)) {
        const auto step = reader.enter("hold_max");
        reader.refuse("conflict", "Without an overlap there is nothing to hold.");
    }
}

void check_rule(Reader& reader, const Rule& rule) {
    {
        const auto step = reader.enter("generator");
        if (rule.generator.kind != Kind::key_pair) check_random(reader, rule);
        if (rule.generator.kind == Kind::key_pair) check_key_pair(reader, rule);
        if (rule.generator.kind == Kind::postgresql) check_postgresql(reader, rule);
    }
    check_times(reader, rule);
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::random: return "random";
        case Kind::key_pair: return "key-pair";
        case Kind::postgresql: return "postgresql";
    }
    std::unreachable();
}

std::string_view name_of(AfterHold after) {
    return after == AfterHold::proceed ? "proceed" : "roll_back";
}

const api::Type<Rule>& rule_type() {
    static const auto type =
        Object<Rule>("RotationRule", "How a secret is replaced by itself.")
            .required("generator", &Rule::generator, generator_object().type(),
                      "What makes the new value.")
            .optional("every", &Rule::every, period(), "How often; 0s: when somebody asks for it.")
            .optional("overlap", &Rule::overlap, period(),
                      "How long the version before stays good.")
            .optional("hold_max", &Rule::hold_max, period(),
                      "How much longer at most, where a consumer still uses it.")
            .optional("after_hold", &Rule::after_hold,
                      api::choice<AfterHold>(
                          {{"proceed", AfterHold::proceed}, {"roll_back", AfterHold::roll_back}}),
                      "What becomes of a hold that lasted so long.")
            .optional("consumers", &Rule::consumers,
                      api::list_of(api::text({.length_max = consumer_bytes_max}),
                                   {.items_max = consumers_max, .distinct = true}),
                      "Who must have moved, as api_key:billing; none: everybody seen in 30 days.")
            .check(check_rule)
            .type();
    return type;
}

Result<Rule> parse_rule(std::string_view text) {
    GH_TRY(const auto value, codec::json::parse(text, {.bytes_max = rule_bytes_max}));
    std::vector<api::FieldError> errors;
    Reader reader(api::FieldError::In::body, false, errors);
    Rule rule;
    if (rule_type().read(value, reader, rule)) return rule;
    std::string said;
    for (const auto& each : errors)
        said += (said.empty() ? "" : "; ") + each.where + ": " + each.detail;
    return fail(ErrorKind::invalid_argument, "rotation.rule", std::move(said));
}

std::string text_of(const Rule& rule) { return rule_type().json(rule); }

Result<KeyPairKind> key_type_named(std::string_view name) {
    for (const auto& [known, kind] : key_types) {
        if (known == name) return kind;
    }
    return fail(ErrorKind::invalid_argument, "rotation.rule",
                "key types are ed25519, ecdsa-p256, rsa-2048, rsa-3072 and rsa-4096");
}

Result<SecretName> parse_connection(std::string_view text) {
    constexpr std::string_view scheme = "vault:";
    if (!text.starts_with(scheme))
        return fail(ErrorKind::invalid_argument, "rotation.connection",
                    "the connection is named as vault:PATH or vault:PATH#FIELD");
    text.remove_prefix(scheme.size());
    SecretName name{.path = std::string(text), .field = "url"};
    if (const auto mark = text.rfind('#'); mark != std::string_view::npos) {
        name.path = text.substr(0, mark);
        name.field = text.substr(mark + 1);
    }
    const bool good = !name.field.empty() && name.field.size() <= field_bytes_max;
    if (good && check_secret_path(name.path)) return name;
    return fail(ErrorKind::invalid_argument, "rotation.connection",
                "the connection is named as vault:PATH or vault:PATH#FIELD");
}

Result<seconds> parse_period(std::string_view text) {
    const auto parsed = config::parse_duration(text);
    const auto whole = parsed ? std::chrono::duration_cast<seconds>(*parsed) : seconds(0);
    if (parsed && whole == *parsed && whole >= seconds(0) && whole <= period_max) return whole;
    return fail(ErrorKind::invalid_argument, "rotation.rule",
                "a duration is a whole number and a unit, as 90s, 12h or 30d; at most 3650d");
}

}  // namespace gh::vault::rotation
