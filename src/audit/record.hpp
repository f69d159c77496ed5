#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/ip.hpp"

/// One act, and the one line of JSON that is its leaf in the log's tree: docs/formats/audit-log.md.
namespace gh::audit {

enum class Severity : std::uint8_t { info, low, medium, high, critical };
enum class Outcome : std::uint8_t { success, denied, failure };

/// "info", "low", ...
[[nodiscard]] std::string_view name_of(Severity severity);
/// "success", "denied", "failure".
[[nodiscard]] std::string_view name_of(Outcome outcome);

// Longest texts, in bytes of UTF-8. What is longer is cut and ends with U+2026.
inline constexpr std::size_t record_subject_bytes_max = 256;
inline constexpr std::size_t record_word_bytes_max = 64;
inline constexpr std::size_t record_object_id_bytes_max = 512;
inline constexpr std::size_t record_request_id_bytes_max = 128;
inline constexpr std::size_t record_detail_bytes_max = 512;
inline constexpr std::size_t record_actors_max = 8;
inline constexpr std::size_t record_details_max = 16;
/// No encoded record is longer.
inline constexpr std::size_t record_bytes_max = 96 * 1024;

/// Numbers beyond 2^53 - 1 either way are written as text: not every reader of JSON could tell them apart (RFC 7493
/// §2.2).
using DetailValue = std::variant<std::nullptr_t, bool, std::int64_t, std::string>;

struct Detail {
    std::string name;
    DetailValue value;
    friend bool operator==(const Detail&, const Detail&) = default;
};

/// Texts that are not known are empty. None of them may hold a secret; see encode_record().
struct Record {
    std::string id;  ///< a UUID made with the act: a record that is told twice is logged once
    SystemTime time{};
    Severity severity = Severity::info;
    access::PrincipalType actor_type = access::PrincipalType::anonymous;
    std::string actor;             ///< subject of the principal
    std::vector<std::string> act;  ///< who acted for it, the nearest first (RFC 8693 §4.1)
    std::string action;            ///< "agent.register"
    std::string object_type;       ///< "agent"
    std::string object_id;
    Outcome outcome = Outcome::success;
    std::string request_id;
    std::string correlation_id;
    std::optional<codec::IpAddress> client;
    std::vector<Detail> details;
    friend bool operator==(const Record&, const Record&) = default;
};

/// The leaf: no newline, at most record_bytes_max bytes of ASCII and UTF-8 without control characters. The same record
/// is the same line everywhere. It never fails, so that nothing foreign in a record keeps it out of the log: texts are
/// cut, bytes that are no UTF-8 and NUL become U+FFFD, surplus details are counted in one named "…", and where a detail's
/// name or any text looks like a secret, "[redacted]" stands instead. That is a net, not a licence: callers pass none.
[[nodiscard]] std::string encode_record(const Record& record);

/// Reads what encode_record() wrote, and nothing that differs from it by a byte.
/// @return `invalid_argument` "audit.record_too_large", "audit.record_malformed" (not such a record) or
///         "audit.record_not_canonical" (the same record is written otherwise)
[[nodiscard]] Result<Record> parse_record(std::string_view line);

/// A record as it is kept: what encode_record() has made of it, and the line.
struct Leaf {
    Record record;
    std::string line;
    friend bool operator==(const Leaf&, const Leaf&) = default;
};

/// Shared: a transaction that appends them may run again.
using Leaves = std::shared_ptr<const std::vector<Leaf>>;

[[nodiscard]] Leaf make_leaf(const Record& record);
/// @return as parse_record()
[[nodiscard]] Result<Leaf> read_leaf(std::string line);

}  // namespace gh::audit
