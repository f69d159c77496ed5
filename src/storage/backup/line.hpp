#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "storage/value.hpp"

// The lines a backup is made of, each a JSON value; docs/formats/backup.md. Pure: no files here.

namespace gh::storage::backup {

inline constexpr std::int64_t format_version = 1;
inline constexpr std::size_t line_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t file_bytes_max =
    40 * 1024 * 1024;  ///< of one file of the data directory

/// The first line.
struct Header {
    struct Step {
        std::uint32_t number = 0;
        std::string name;
        std::string sqlite, postgres;  ///< SHA-256 of its text, hex
        friend bool operator==(const Step&, const Step&) = default;
    };
    std::string version;  ///< of the program that wrote it
    std::string engine;   ///< "SQLite" or "PostgreSQL"
    std::string made_at;  ///< RFC 3339
    std::vector<Step> schema;
    friend bool operator==(const Header&, const Header&) = default;
};

/// A file of the data directory.
struct File {
    std::string name;  ///< "keys/ca-root"
    std::string content;
    friend bool operator==(const File&, const File&) = default;
};

/// The rows that follow are this table's.
struct TableStart {
    std::string name;
    std::vector<std::string> columns;
    friend bool operator==(const TableStart&, const TableStart&) = default;
};

/// The last line; its text is compared with what it must be.
struct End {
    friend bool operator==(const End&, const End&) = default;
};

using Line = std::variant<Header, File, TableStart, Parameters, End>;

/// Each without a line feed.
[[nodiscard]] std::string line_of(const Header& header);
[[nodiscard]] std::string line_of(const File& file);
[[nodiscard]] std::string line_of(const TableStart& table);
/// BOOLEAN as 0 or 1, which is what SQLite has for it: the same row is the same line on both engines.
/// @return `corrupt` "backup.value": text that is no UTF-8 or has NUL, a number that is none
[[nodiscard]] Result<std::string> line_of(Row row, std::size_t columns);

/// @return `corrupt` "backup.line"
[[nodiscard]] Result<Line> parse_line(std::string_view line);

/// What a set of rows is, in whatever order they come: their number, and the sum of the SHA-256 of their lines, taken as
/// four numbers of 64 bits each.
class RowsDigest {
 public:
    void add(std::string_view line);
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] std::string hex() const;
    friend bool operator==(const RowsDigest&, const RowsDigest&) = default;

 private:
    std::uint64_t rows_ = 0;
    std::array<std::uint64_t, 4> sum_{};
};

/// What a backup holds.
struct Manifest {
    struct FileSum {
        std::string name;
        std::uint64_t bytes = 0;
        std::string sha256;
    };
    struct TableSum {
        std::string name;
        RowsDigest digest;
    };
    std::vector<FileSum> files;
    std::vector<TableSum> tables;

    void add(const File& file);
    [[nodiscard]] std::uint64_t rows() const;
};

/// @param sha256  of every line before this one, with their line feeds; hex
[[nodiscard]] std::string end_line(const Manifest& manifest, std::string_view sha256);

}  // namespace gh::storage::backup
