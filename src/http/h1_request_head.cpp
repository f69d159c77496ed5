#include <algorithm>

#include "http/characters.hpp"
#include "http/h1_head.hpp"
#include "http/h1_lines.hpp"

namespace gh::http {
namespace {

using h1::complete;
using h1::incomplete;
using h1::refused;
using State = HeadResult::State;

constexpr std::size_t method_bytes_max = 32;
constexpr std::size_t version_bytes_max = 16;  // of a line's end that may still become a version

/// Reads "HTTP/1.1" CRLF at `at`, behind the target and its space.
HeadResult read_version(std::string_view bytes, std::size_t at, RequestHead& out) {
    const auto rest = bytes.substr(at);
    if (rest.starts_with("HTTP/1.1\r\n")) {
        out.version = Version::http_1_1;
        return complete(at + 10);
    }
    const auto lf = rest.find('\n');
    if (lf == std::string_view::npos) {
        return rest.size() <= version_bytes_max ? incomplete() : refused(400, "http.request_line");
    }
    if (lf == 0 || rest[lf - 1] != '\r') return refused(400, "http.line_end");
    const auto text = rest.substr(0, lf - 1);
    if (text == "HTTP/1.0") {
        out.version = Version::http_1_0;
        return complete(at + lf + 1);
    }
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool is_version = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                            text[6] == '.' && is_digit(text[7]);
    return is_version ? refused(505, "http.version") : refused(400, "http.request_line");
}

/// Cuts absolute-form (RFC 9112 §3.2.2) to authority and origin-form.
bool split_absolute(RequestHead& out) {
    const auto colon = out.target.find("://");
    if (colon == std::string_view::npos) return false;
    const auto scheme = out.target.substr(0, colon);
    if (equals_ignoring_case(scheme, "http"))
        out.scheme = "http";
    else if (equals_ignoring_case(scheme, "https"))
        out.scheme = "https";
    else
        return false;
    const auto rest = out.target.substr(colon + 3);
    const auto path = std::min(rest.find_first_of("/?"), rest.size());
    out.authority = rest.substr(0, path);
    out.target = rest.substr(path);
    if (out.target.empty()) out.target = out.method == Method::options ? "*" : "/";
    // A query without a path would have to be sent on as something that was never received.
    return is_authority(out.authority) && out.target.front() != '?';
}

/// The form of a target has to suit its method (RFC 9112 §3.2).
bool read_target_form(RequestHead& out) {
    if (out.target.front() == '/') return true;
    if (out.target == "*") return out.method == Method::options;
    return split_absolute(out);
}

std::string_view wrong_after_target(char c) {
    if (c == '\n') return "http.line_end";
    if (c == '\r' || c == '\t') return "http.request_line";
    return "http.target";
}

/// method SP request-target SP HTTP-version CRLF (RFC 9112 §3).
HeadResult read_request_line(std::string_view bytes, std::size_t at, const HeadLimits& limits,
                             RequestHead& out) {
    const auto line = bytes.substr(at);
    const auto method_size = token_prefix(line);
    if (method_size > method_bytes_max) return refused(501, "http.method");
    if (method_size == line.size()) return incomplete();
    if (line[method_size] != ' ') {
        const char c = line[method_size];
        if (c == '\n') return refused(400, "http.line_end");
        const bool blank = method_size == 0 && c == '\r';
        return refused(400, blank ? "http.request_line" : "http.method");
    }
    if (method_size == 0) return refused(400, "http.request_line");
    out.method_text = line.substr(0, method_size);
    out.method = method_of(out.method_text);

    const auto rest = line.substr(method_size + 1);
    const auto target_size = target_prefix(rest);
    if (target_size > limits.target_bytes_max) return refused(414, "http.target_too_long");
    if (target_size == rest.size()) return incomplete();
    if (rest[target_size] != ' ') return refused(400, wrong_after_target(rest[target_size]));
    if (target_size == 0) return refused(400, "http.request_line");
    out.target = rest.substr(0, target_size);

    const auto version = read_version(bytes, at + method_size + 1 + target_size + 1, out);
    if (version.state != State::complete) return version;
    if (out.method == Method::connect) return refused(501, "http.connect");
    if (!read_target_form(out)) return refused(400, "http.target");
    return version;
}

/// Meaning of the fields that frame, route or keep the connection, gathered in one walk.
struct Meaning {
    const Field* host = nullptr;
    const Field* length = nullptr;
    const Field* coding = nullptr;
    h1::ConnectionOptions connection;
    bool expects_continue = false;
    bool expects_other = false;
    bool websocket = false;
};

bool names_websocket(std::string_view list) {
    for (auto name = next_element(list); !name.empty(); name = next_element(list)) {
        if (equals_ignoring_case(name, "websocket")) return true;
    }
    return false;
}

/// @return the reason to refuse, or an empty view
std::string_view read_meaning(const Fields& fields, Meaning& meaning) {
    for (const auto& line : fields) {
        switch (line.id) {
            case FieldId::host:
                if (meaning.host != nullptr) return "http.host";
                meaning.host = &line;
                break;
            case FieldId::content_length:
                if (meaning.length != nullptr) return "http.content_length";
                meaning.length = &line;
                break;
            case FieldId::transfer_encoding:
                if (meaning.coding != nullptr) return "http.transfer_encoding";
                meaning.coding = &line;
                break;
            case FieldId::expect:
                if (equals_ignoring_case(line.value, "100-continue"))
                    meaning.expects_continue = true;
                else
                    meaning.expects_other = true;
                break;
            case FieldId::connection: h1::read_connection(line.value, meaning.connection); break;
            case FieldId::upgrade:
                meaning.websocket = meaning.websocket || names_websocket(line.value);
                break;
            default: break;
        }
    }
    return {};
}

/// RFC 9112 §3.2, RFC 9110 §7.2.
bool read_host(const Meaning& meaning, RequestHead& out) {
    if (meaning.host == nullptr) return out.version == Version::http_1_0;
    const auto host = meaning.host->value;
    if (!is_authority(host)) return false;
    if (out.authority.empty()) {
        out.authority = host;
        return true;
    }
    // Readers differ in whom they believe, so the two have to agree.
    return equals_ignoring_case(out.authority, host);
}

/// RFC 9112 §6.
HeadResult read_framing(const Meaning& meaning, RequestHead& out) {
    if (meaning.length != nullptr && meaning.coding != nullptr) return refused(400, "http.framing");
    if (meaning.length != nullptr) {
        const auto length = h1::parse_length(meaning.length->value);
        if (!length) return refused(400, "http.content_length");
        out.body = {*length == 0 ? Framing::none : Framing::length, *length};
    }
    if (meaning.coding != nullptr) {
        if (out.version == Version::http_1_0) return refused(400, "http.transfer_encoding");
        const auto coding = h1::transfer_coding(meaning.coding->value);
        if (coding == h1::Coding::unknown) return refused(501, "http.transfer_encoding");
        if (coding == h1::Coding::malformed) return refused(400, "http.transfer_encoding");
        out.body = {Framing::chunked, 0};
    }
    return complete(0);
}

HeadResult read_fields_meaning(RequestHead& out) {
    Meaning meaning;
    if (const auto reason = read_meaning(out.fields, meaning); !reason.empty()) {
        return refused(400, reason);
    }
    if (!read_host(meaning, out)) return refused(400, "http.host");
    const auto framing = read_framing(meaning, out);
    if (framing.state != State::complete) return framing;

    const bool is_1_1 = out.version == Version::http_1_1;
    out.keep_alive = !meaning.connection.close && (is_1_1 || meaning.connection.keep_alive);
    if (is_1_1) {  // in 1.0 expectations are ignored (RFC 9110 §10.1.1)
        if (meaning.expects_other) return refused(417, "http.expectation");
        out.expects_continue = meaning.expects_continue && out.body.kind != Framing::none;
    }
    out.upgrade_websocket = meaning.websocket && meaning.connection.upgrade && is_1_1 &&
                            out.method == Method::get && out.body.kind == Framing::none;
    return framing;
}

HeadResult parse(std::string_view bytes, const HeadLimits& limits, RequestHead& out) {
    std::size_t at = 0;
    if (bytes.starts_with("\r\n"))
        at = 2;
    else if (bytes == "\r")
        return incomplete();
    const auto line = read_request_line(bytes, at, limits, out);
    if (line.state != State::complete) return line;
    const auto fields = h1::read_fields(bytes, line.bytes, limits.fields_max, out.fields);
    if (fields.state != State::complete) return fields;
    const auto meaning = read_fields_meaning(out);
    return meaning.state == State::complete ? fields : meaning;
}

void clear(RequestHead& head) {
    head.authority = {};
    head.scheme = {};
    head.fields.clear();
    head.body = {};
    head.keep_alive = true;
    head.expects_continue = false;
    head.upgrade_websocket = false;
}

}  // namespace

HeadResult parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& out,
                              std::size_t& scanned) {
    if (!h1::is_worth_parsing(bytes, scanned, limits.bytes_max)) {
        scanned = bytes.size();
        return incomplete();
    }
    clear(out);
    auto result = parse(bytes.substr(0, limits.bytes_max), limits, out);
    if (result.state == State::incomplete && bytes.size() >= limits.bytes_max) {
        result = refused(431, "http.head_too_large");
    }
    scanned = result.state == State::incomplete ? bytes.size() : 0;
    return result;
}

}  // namespace gh::http
