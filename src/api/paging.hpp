#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.hpp"
#include "api/types.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::api {

// Lists come page by page: `?limit=&cursor=` is answered with `{"items": [...], "next_cursor": ...}`, the cursor null at the
// end. A cursor is the sort keys of the last item that was seen, so that what is added meanwhile shifts nothing;
// `offset` counts instead and is there for those who know no better.

inline constexpr std::size_t cursor_bytes_max = 4096;
inline constexpr std::size_t cursor_key_bytes_max = 1024;

/// Sort keys of an item, the last of them unique in its list.
using CursorKeys = std::vector<std::string>;

/// Opaque for clients: base64url of a version, the list's name and the keys.
/// @param list  at most 64 bytes
/// @param keys  1 to 4, at most `cursor_key_bytes_max` each, UTF-8
[[nodiscard]] std::string encode_cursor(std::string_view list, const CursorKeys& keys);

/// Strict: exactly what encode_cursor makes for this list and so many keys. The keys are UTF-8 without NUL, and as
/// trustworthy as any other parameter.
/// @return `invalid_argument` "cursor.malformed"
[[nodiscard]] Result<CursorKeys> decode_cursor(std::string_view text, std::string_view list,
                                               std::size_t keys_count);

/// A moment as a key of a cursor: microseconds since 1970.
[[nodiscard]] std::string key_of_time(SystemTime time);
/// @return `invalid_argument` "cursor.malformed"
[[nodiscard]] Result<SystemTime> time_of_key(std::string_view key);

inline constexpr std::uint32_t page_limit_max = 200;
inline constexpr std::uint64_t page_offset_max = 100'000;  ///< the database walks over all of them

/// What the query of a list says; one with filters of its own is derived from it.
struct Page {
    std::uint32_t limit = 50;
    std::uint64_t offset = 0;
    std::optional<CursorKeys> after;  ///< go on behind this item; never together with an offset
    std::size_t order = 0;            ///< which of the words of add_sort()
};

[[nodiscard]] Type<std::optional<CursorKeys>> cursor_of(std::string_view list,
                                                        std::size_t keys_count);

/// Adds `limit`, `cursor` and `offset` to the table of a query.
template <std::derived_from<Page> T>
void add_page(Object<T>& table, std::string_view list, std::size_t keys_count) {
    table.optional("limit", static_cast<std::uint32_t T::*>(&T::limit),
                   integer<std::uint32_t>(1, page_limit_max),
                   "Items at most; 50 where it is absent.");
    table.optional("cursor", static_cast<std::optional<CursorKeys> T::*>(&T::after),
                   cursor_of(list, keys_count), "The next_cursor of the page before.");
    table.optional("offset", static_cast<std::uint64_t T::*>(&T::offset),
                   integer<std::uint64_t>(0, page_offset_max),
                   "Items to leave out, instead of a cursor.");
    table.check([](Reader& reader, const T& page) {
        if (!page.after || page.offset == 0) return;
        const auto step = reader.enter("offset");
        reader.refuse("conflict", "Must not be there together with cursor.");
    });
}

/// Adds `sort`: one of a few words, a minus before one that is backwards; the first is meant where it is absent. Cursors of
/// such a list have the word as their first key.
template <std::derived_from<Page> T>
void add_sort(Object<T>& table, const std::vector<std::string>& words) {
    table.optional("sort", static_cast<std::size_t T::*>(&T::order), word_of(words),
                   "What the list is ordered by, backwards with a minus; " + words.front() +
                       " where it is absent.");
    table.check([words](Reader& reader, const T& page) {
        if (!page.after || page.after->front() == words[page.order]) return;
        const auto step = reader.enter("cursor");
        reader.refuse("conflict", "Must come from a page of the same order.");
    });
}

/// The query of a list that has no filters.
[[nodiscard]] Object<Page> page_query(std::string_view list, std::size_t keys_count);

template <class T>
struct Items {
    std::vector<T> items;
    std::optional<std::string> next_cursor;
};

/// @param name  of the schema: "UserPage"
template <class T>
[[nodiscard]] Type<Items<T>> page_of(std::string name, Type<T> type) {
    return Object<Items<T>>(std::move(name), "One page of a list.")
        .required("items", &Items<T>::items, list_of(type, {.items_max = 1000}), "In their order.")
        .required("next_cursor", &Items<T>::next_cursor,
                  nullable(text({.length_max = cursor_bytes_max})),
                  "Where the next page begins; null at the end.")
        .type();
}

}  // namespace gh::api
