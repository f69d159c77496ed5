#include "storage/backup/line.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "crypto/digest.hpp"

namespace gh::storage::backup {
namespace {

namespace json = codec::json;

constexpr std::size_t depth_max = 4;

std::unexpected<Error> bad(std::string detail) {
    return fail(ErrorKind::corrupt, "backup.line", std::move(detail));
}

struct ValueWriter {
    json::Writer& out;
    bool operator()(std::nullptr_t) const { return done(out.null()); }
    bool operator()(bool on) const { return done(out.integer(on ? 1 : 0)); }
    bool operator()(std::int64_t number) const { return done(out.integer(number)); }
    bool operator()(double number) const {
        if (!std::isfinite(number)) return false;
        auto text = fmt::format("{}", number);
        if (text.find_first_of(".e") == std::string::npos) text += ".0";  // or it reads as whole
        return done(out.raw(text));
    }
    bool operator()(const std::string& text) const { return done(out.string(text)); }
    bool operator()(const Blob& blob) const {
        out.begin_object().name("octets").string(codec::encode_base64(blob.octets));
        return done(out.end_object());
    }
    static bool done(const json::Writer& /*written*/) { return true; }
};

Result<Value> value_of(const json::Value& from) {
    if (from.is_null()) return nullptr;
    if (const auto whole = from.integer()) return *whole;
    if (const auto number = from.number()) return *number;
    if (const auto* text = from.string()) return *text;
    const auto* octets = from.find_string("octets");
    if (octets == nullptr || from.object()->size() != 1) return bad("a value of no known kind");
    auto decoded = codec::decode_base64(*octets);
    if (!decoded) return bad("octets that are no base64");
    return Blob{*std::move(decoded)};
}

Result<Line> row_of(const json::Array& values) {
    Parameters row;
    row.reserve(values.size());
    for (const auto& each : values) {
        GH_TRY(auto value, value_of(each));
        if (!storable(value)) return bad("NUL in a text");
        row.push_back(std::move(value));
    }
    return row;
}

Result<Line> header_of(const json::Value& from) {
    const auto* format = from.find("gatehouse_backup");
    const auto* version = from.find_string("version");
    const auto* engine = from.find_string("engine");
    const auto* made_at = from.find_string("made_at");
    const auto* schema = from.find("schema");
    if (format->integer() != format_version)
        return bad("a newer format than this program knows; use a newer gatehouse");
    if (!version || !engine || !made_at || !schema || !schema->array())
        return bad("the first line lacks a member");
    Header header{.version = *version, .engine = *engine, .made_at = *made_at, .schema = {}};
    for (const auto& each : *schema->array()) {
        const auto* number = each.find("number");
        const auto* name = each.find_string("name");
        const auto* sqlite = each.find_string("sqlite");
        const auto* postgres = each.find_string("postgres");
        if (!number || !name || !sqlite || !postgres)
            return bad("a step of the schema lacks a member");
        const auto counted = number->integer().value_or(0);
        if (counted < 1 || counted > std::numeric_limits<std::uint32_t>::max())
            return bad("a step of the schema has no number");
        header.schema.push_back({static_cast<std::uint32_t>(counted), *name, *sqlite, *postgres});
    }
    return header;
}

Result<Line> file_of(const json::Value& from) {
    const auto* name = from.find_string("file");
    const auto* content = from.find_string("content");
    if (!name || !content) return bad("a file lacks a member");
    auto decoded = codec::decode_base64(*content);
    if (!decoded || decoded->size() > file_bytes_max) return bad("a file's content is no base64");
    return File{*name, *std::move(decoded)};
}

Result<Line> table_of(const json::Value& from) {
    const auto* name = from.find_string("table");
    const auto* columns = from.find("columns");
    if (!name || !columns || !columns->array()) return bad("a table lacks a member");
    TableStart table{*name, {}};
    for (const auto& each : *columns->array()) {
        if (!each.string()) return bad("a column without a name");
        table.columns.push_back(*each.string());
    }
    return table;
}

}  // namespace

std::string line_of(const Header& header) {
    std::string text;
    json::Writer out(text);
    out.begin_object().name("gatehouse_backup").integer(format_version);
    out.name("version").string(header.version).name("engine").string(header.engine);
    out.name("made_at").string(header.made_at).name("schema").begin_array();
    for (const auto& step : header.schema) {
        out.begin_object().name("number").integer(step.number).name("name").string(step.name);
        out.name("sqlite").string(step.sqlite).name("postgres").string(step.postgres).end_object();
    }
    out.end_array().end_object();
    return text;
}

std::string line_of(const File& file) {
    std::string text;
    json::Writer out(text);
    out.begin_object().name("file").string(file.name);
    out.name("content").string(codec::encode_base64(file.content)).end_object();
    return text;
}

std::string line_of(const TableStart& table) {
    std::string text;
    json::Writer out(text);
    out.begin_object().name("table").string(table.name).name("columns").begin_array();
    for (const auto& column : table.columns) out.string(column);
    out.end_array().end_object();
    return text;
}

Result<std::string> line_of(Row row, std::size_t columns) {
    std::string text;
    json::Writer out(text);
    out.begin_array();
    for (std::size_t i = 0; i < columns; ++i) {
        const auto& value = row.value(i);
        if (!storable(value) || !std::visit(ValueWriter{out}, value)) {
            return fail(ErrorKind::corrupt, "backup.value",
                        fmt::format("column {} holds what is no UTF-8, or no number", i + 1));
        }
    }
    out.end_array();
    return text;
}

Result<Line> parse_line(std::string_view line) {
    const auto parsed = json::parse(line, {.bytes_max = line_bytes_max, .depth_max = depth_max});
    if (!parsed) return bad(std::string(parsed.error().reason));
    if (const auto* values = parsed->array()) return row_of(*values);
    if (parsed->find("gatehouse_backup")) return header_of(*parsed);
    if (parsed->find("file")) return file_of(*parsed);
    if (parsed->find("table")) return table_of(*parsed);
    if (parsed->find("end")) return End{};
    return bad("of no known kind");
}

void RowsDigest::add(std::string_view line) {
    const auto digest = crypto::sha256(line);
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        std::uint64_t word = 0;
        for (std::size_t k = 0; k < 8; ++k) word = word << 8 | digest[8 * i + k];
        sum_[i] += word;
    }
    ++rows_;
}

std::string RowsDigest::hex() const {
    return fmt::format("{:016x}{:016x}{:016x}{:016x}", sum_[0], sum_[1], sum_[2], sum_[3]);
}

void Manifest::add(const File& file) {
    files.push_back({file.name, file.content.size(), crypto::sha256_hex(file.content)});
}

std::uint64_t Manifest::rows() const {
    std::uint64_t all = 0;
    for (const auto& table : tables) all += table.digest.rows();
    return all;
}

std::string end_line(const Manifest& manifest, std::string_view sha256) {
    std::string text;
    json::Writer out(text);
    out.begin_object().name("end").begin_object().name("files").begin_array();
    for (const auto& file : manifest.files) {
        out.begin_object().name("name").string(file.name);
        out.name("bytes").integer(static_cast<std::int64_t>(file.bytes));
        out.name("sha256").string(file.sha256).end_object();
    }
    out.end_array().name("tables").begin_array();
    for (const auto& table : manifest.tables) {
        out.begin_object().name("name").string(table.name);
        out.name("rows").integer(static_cast<std::int64_t>(table.digest.rows()));
        out.name("digest").string(table.digest.hex()).end_object();
    }
    out.end_array().end_object().name("sha256").string(sha256).end_object();
    return text;
}

}  // namespace gh::storage::backup
