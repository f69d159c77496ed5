#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/record.hpp"
#include "storage/database.hpp"

/// Reading the log.
namespace gh::audit {

/// Which records; what is not named is any. Texts are compared whole.
struct Filter {
    std::optional<std::string> actor;  ///< subject
    std::optional<std::string> action;
    std::optional<std::string> object_type;
    std::optional<std::string> object_id;
    Severity severity_min = Severity::info;
    std::optional<SystemTime> since;  ///< of the act; records of a node that was cut off come later
    std::optional<SystemTime> until;  ///< and before this moment
};

struct Entry {
    std::uint64_t index = 0;
    std::string record;  ///< the leaf: parse_record() reads it
    friend bool operator==(const Entry&, const Entry&) = default;
};

/// Indices from `begin` up to `end`.
struct Span {
    std::uint64_t begin = 0, end = 0;
    friend bool operator==(const Span&, const Span&) = default;
};

class Reader {
 public:
    static constexpr std::size_t limit_max = 1'000;

    explicit Reader(storage::Database& database) : database_(database) {}

    /// All that the filter's times allow, of the log as it is: a record outside is of another time. Asked for once, before
    /// pages are; it looks at every record of that time.
    /// @return `corrupt` "audit.head"
    [[nodiscard]] Task<Result<Span>> span(Filter filter);
    /// The oldest first.
    /// @param limit  at most limit_max
    [[nodiscard]] Task<Result<std::vector<Entry>>> oldest(Span span, Filter filter,
                                                          std::size_t limit);
    [[nodiscard]] Task<Result<std::vector<Entry>>> newest(Span span, Filter filter,
                                                          std::size_t limit);

 private:
    [[nodiscard]] Task<Result<std::vector<Entry>>> read(storage::Statement statement, Span span,
                                                        Filter filter, std::size_t limit);
    storage::Database& database_;
};

}  // namespace gh::audit
