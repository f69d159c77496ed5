// Rules of rotations: what is read is written as it was read, and what a rule names is what the rest believes it is.

#include "vault/rotation/rule.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vault/rotation/generate.hpp"
#include "vault/secret_path.hpp"

namespace {

using namespace gh::vault;

void check_connection(std::string_view text) {
    const auto name = rotation::parse_connection(text);
    if (!name) return;
    if (!check_secret_path(name->path) || name->field.empty()) std::abort();
}

/// Each role is one that a rule may name, and each period one that a rule may have.
void check_rule(const rotation::Rule& rule) {
    const auto again = rotation::parse_rule(rotation::text_of(rule));
    if (!again || *again != rule) std::abort();
    const auto& by = rule.generator;
    for (const auto& role : by.roles)
        if (role.empty() || role.size() > rotation::role_bytes_max) std::abort();
    if (by.kind == rotation::Kind::postgresql && (by.roles.empty() || by.roles.size() > 2))
        std::abort();
    for (const auto period : {rule.every, rule.overlap, rule.hold_max})
        if (period < gh::seconds(0) || period > rotation::period_max) std::abort();
    if (by.kind == rotation::Kind::key_pair) return;  // which take their time
    const auto made = rotation::generate(by, {});
    const auto field =
        by.kind == rotation::Kind::random ? std::string_view(by.field) : rotation::password_field;
    const auto text = rotation::text_field(gh::crypto::text_of(made.fields.bytes()), field);
    if (!text || text->size() != by.length) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_connection(text);
    (void)rotation::parse_period(text);
    (void)rotation::next_role({.roles = {"a", "b"}}, text);
    if (const auto rule = rotation::parse_rule(text)) check_rule(*rule);
    return 0;
}
