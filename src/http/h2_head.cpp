#include "http/h2_head.hpp"

#include <algorithm>

#include "http/characters.hpp"
#include "http/chunked.hpp"
#include "http/h1_lines.hpp"

namespace gh::http {
namespace {

constexpr std::size_t overhead = 32;          // RFC 9113 §6.5.2
constexpr std::size_t method_bytes_max = 32;  // as in HTTP/1.1
constexpr std::size_t crumbs_max = 1000;      // bounded by bytes anyway; this bounds the work

constexpr H2Verdict malformed(std::string_view reason) {
    return {H2Verdict::Kind::malformed, 400, reason};
}
constexpr H2Verdict refused(std::uint16_t status, std::string_view reason) {
    return {H2Verdict::Kind::refused, status, reason};
}

/// RFC 9113 §8.2.2.
constexpr FieldSet connection_specific{FieldId::connection, FieldId::keep_alive,
                                       FieldId::proxy_connection, FieldId::transfer_encoding,
                                       FieldId::upgrade};

bool is_lower_case(std::string_view name) {
    return std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_regular_field(const Field& line) {
    if (!is_token(line.name) || !is_lower_case(line.name) || !is_field_value(line.value))
        return false;
    if (connection_specific.has(line.id)) return false;
    return line.id != FieldId::te || equals_ignoring_case(line.value, "trailers");
}

struct Pseudo {
    std::string_view method, scheme, authority, path;
};

bool take(std::string_view value, std::string_view& into) {
    if (!into.empty() || value.empty()) return false;
    into = value;
    return true;
}

/// @return false for one that is unknown, empty or there twice
bool take_pseudo(const Field& line, Pseudo& pseudo) {
    if (line.name == ":method") return take(line.value, pseudo.method);
    if (line.name == ":scheme") return take(line.value, pseudo.scheme);
    if (line.name == ":path") return take(line.value, pseudo.path);
    if (line.name == ":authority") return take(line.value, pseudo.authority);
    return false;
}

H2Verdict read_pseudo(const Pseudo& pseudo, const H2HeadLimits& limits, RequestHead& out) {
    if (!is_token(pseudo.method)) return malformed("http.method");
    out.method_text = pseudo.method;
    out.method = method_of(pseudo.method);
    if (out.method == Method::connect) return refused(501, "http.connect");
    if (pseudo.method.size() > method_bytes_max) return refused(501, "http.method");
    if (pseudo.scheme != "https" && pseudo.scheme != "http") return malformed("http.target");
    out.scheme = pseudo.scheme;
    if (pseudo.path.size() > limits.target_bytes_max) return refused(414, "http.target_too_long");
    if (!is_target(pseudo.path)) return malformed("http.target");
    const bool asterisk = pseudo.path == "*" && out.method == Method::options;
    if (pseudo.path.front() != '/' && !asterisk) return malformed("http.target");
    out.target = pseudo.path;
    out.authority = pseudo.authority;
    return {};
}

/// Host, Content-Length and Expect mean what they mean in HTTP/1.1.
H2Verdict read_fields(RequestHead& out, bool end_stream) {
    const Field* host = nullptr;
    const Field* length = nullptr;
    for (const auto& line : out.fields) {
        if (line.id == FieldId::host) {
            if (host != nullptr) return malformed("http.host");
            host = &line;
        } else if (line.id == FieldId::content_length) {
            if (length != nullptr) return malformed("http.content_length");
            length = &line;
        } else if (line.id == FieldId::expect) {
            if (!equals_ignoring_case(line.value, "100-continue"))
                return refused(417, "http.expectation");
            out.expects_continue = !end_stream;
        }
    }
    if (host != nullptr && out.authority.empty()) out.authority = host->value;
    if (!is_authority(out.authority)) return malformed("http.host");
    if (host != nullptr && !equals_ignoring_case(host->value, out.authority))
        return malformed("http.host");

    if (length == nullptr) {
        out.body.kind = end_stream ? Framing::none : Framing::chunked;
        return {};
    }
    const auto octets = h1::parse_length(length->value);
    if (!octets || (end_stream && *octets != 0)) return malformed("http.content_length");
    if (*octets != 0) out.body = {Framing::length, *octets};
    return {};
}

}  // namespace

void H2Head::add(std::string_view name, std::string_view value, const H2HeadLimits& limits) {
    bytes_ += name.size() + value.size() + overhead;
    if (name == "cookie") ++crumbs_;
    if (over(limits)) return;
    const auto at = static_cast<std::uint32_t>(text_.size());
    const auto name_size = static_cast<std::uint32_t>(name.size());
    const auto value_size = static_cast<std::uint32_t>(value.size());
    text_ += name;
    text_ += value;
    lines_.push_back({at, name_size, at + name_size, value_size});
}

bool H2Head::over(const H2HeadLimits& limits) const {
    const auto joined = crumbs_ > 1 ? crumbs_ - 1 : 0;
    constexpr std::size_t pseudo_fields = 4;
    return bytes_ > limits.bytes_max || crumbs_ > crumbs_max ||
           lines_.size() > limits.fields_max + pseudo_fields + joined;
}

void H2Head::clear() {
    text_.clear();
    cookies_.clear();
    lines_.clear();
    bytes_ = 0;
    crumbs_ = 0;
    spoiled_ = false;
}

Field H2Head::field(const Line& line) const {
    const std::string_view text = text_;
    const auto name = text.substr(line.name, line.name_size);
    return {name, text.substr(line.value, line.value_size), field_id(name)};
}

/// Regular fields only.
bool H2Head::make_fields(Fields& out) const {
    for (const auto& line : lines_) {
        const auto regular = field(line);
        if (regular.name.starts_with(':')) continue;
        if (!is_regular_field(regular)) return false;
        out.add(regular.id, regular.name, regular.value);
    }
    return true;
}

void H2Head::join_cookies(Fields& fields) {
    if (crumbs_ < 2) return;
    for (const auto& line : fields) {
        if (line.id != FieldId::cookie) continue;
        if (!cookies_.empty()) cookies_ += "; ";
        cookies_ += line.value;
    }
    fields.remove(FieldId::cookie);
    fields.add(FieldId::cookie, "cookie", cookies_);
}

H2Verdict H2Head::make_request(RequestHead& out, bool end_stream, const H2HeadLimits& limits) {
    out = RequestHead{.version = Version::http_2, .fields = std::move(out.fields)};
    out.fields.clear();
    if (spoiled_) return malformed("http.field_value");
    if (over(limits)) {
        const bool by_bytes = bytes_ > limits.bytes_max;
        return refused(431, by_bytes ? "http.head_too_large" : "http.fields_too_many");
    }

    Pseudo pseudo;
    bool regular_seen = false;
    for (const auto& line : lines_) {
        const auto one = field(line);
        const bool is_pseudo = one.name.starts_with(':');
        if (is_pseudo && (regular_seen || !take_pseudo(one, pseudo)))
            return malformed("http.pseudo");
        regular_seen = regular_seen || !is_pseudo;
    }
    if (!make_fields(out.fields)) return malformed("http.field_name");
    join_cookies(out.fields);
    if (out.fields.size() > limits.fields_max) return refused(431, "http.fields_too_many");
    if (const auto verdict = read_pseudo(pseudo, limits, out);
        verdict.kind != H2Verdict::Kind::sound) {
        return verdict;
    }
    return read_fields(out, end_stream);
}

H2Verdict H2Head::make_trailers(Fields& out, const H2HeadLimits& limits) {
    out.clear();
    const bool has_pseudo = std::ranges::any_of(
        lines_, [&](const Line& line) { return field(line).name.starts_with(':'); });
    if (spoiled_ || has_pseudo || over(limits) || !make_fields(out) ||
        !std::ranges::all_of(out, is_trailer_allowed)) {
        out.clear();
        return malformed("http.trailer");
    }
    return {};
}

}  // namespace gh::http
