#include "api/paging.hpp"

#include <cassert>
#include <charconv>
#include <chrono>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/utf8.hpp"

namespace gh::api {
namespace {

constexpr char version = 1;

void append_sized(std::string& out, std::string_view text) {
    out += static_cast<char>(text.size() >> 8);
    out += static_cast<char>(text.size() & 0xff);
    out += text;
}

/// The text behind its two bytes of length, taken from the front.
std::optional<std::string_view> take_sized(std::string_view& rest) {
    if (rest.size() < 2) return std::nullopt;
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest[0])) << 8 |
                      static_cast<unsigned char>(rest[1]);
    rest.remove_prefix(2);
    if (size > cursor_key_bytes_max || size > rest.size()) return std::nullopt;
    const auto text = rest.substr(0, size);
    rest.remove_prefix(size);
    return text;
}

std::unexpected<Error> malformed() { return fail(ErrorKind::invalid_argument, "cursor.malformed"); }

}  // namespace

std::string encode_cursor(std::string_view list, const CursorKeys& keys) {
    std::string bytes(1, version);
    append_sized(bytes, list);
    for (const auto& key : keys) {
        assert(key.size() <= cursor_key_bytes_max);
        append_sized(bytes, key);
    }
    return codec::encode_base64url(bytes);
}

Result<CursorKeys> decode_cursor(std::string_view text, std::string_view list,
                                 std::size_t keys_count) {
    if (text.size() > cursor_bytes_max) return malformed();
    const auto bytes = codec::decode_base64url(text);
    if (!bytes || !bytes->starts_with(version)) return malformed();
    auto rest = std::string_view(*bytes).substr(1);
    if (take_sized(rest) != list) return malformed();
    CursorKeys keys;
    for (std::size_t i = 0; i < keys_count; ++i) {
        const auto key = take_sized(rest);
        if (!key || key->contains('\0') || !codec::is_utf8(*key)) return malformed();
        keys.emplace_back(*key);
    }
    if (!rest.empty()) return malformed();
    return keys;
}

Type<std::optional<CursorKeys>> cursor_of(std::string_view list, std::size_t keys_count) {
    const std::string kept(list);
    return maybe(mapped<std::string, CursorKeys>(
        text({.length_max = cursor_bytes_max}),
        [kept, keys_count](const std::string& written) {
            return decode_cursor(written, kept, keys_count);
        },
        [kept](const CursorKeys& keys) { return encode_cursor(kept, keys); },
        "Must be the next_cursor of a page of this list."));
}

Object<Page> page_query(std::string_view list, std::size_t keys_count) {
    Object<Page> table("Page", "Which page of a list.");
    add_page(table, list, keys_count);
    return table;
}

std::string key_of_time(SystemTime time) {
    return std::to_string(
        std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count());
}

Result<SystemTime> time_of_key(std::string_view key) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), count);
    // What a moment of ours can be: a crafted one must not run over when it is counted in finer units.
    constexpr auto count_max =
        std::chrono::duration_cast<std::chrono::microseconds>(SystemTime::duration::max()).count();
    if (error != std::errc() || end != key.data() + key.size() || count < 0 || count > count_max)
        return fail(ErrorKind::invalid_argument, "cursor.malformed");
    return SystemTime(
        std::chrono::duration_cast<SystemTime::duration>(std::chrono::microseconds(count)));
}

}  // namespace gh::api
