#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace gh::http {

/// The fields this house acts upon; every other name is `other` and compared as text.
enum class FieldId : std::uint8_t {
    other,
    accept,
    access_control_request_headers,
    access_control_request_method,
    authorization,
    cache_control,
    connection,
    content_encoding,
    content_length,
    content_security_policy,
    content_type,
    cookie,
    date,
    dpop,
    expect,
    forwarded,
    forwarding_claim,  // X-Forwarded-* without an id of its own, X-Real-IP, True-Client-IP, ...
    host,
    keep_alive,
    location,
    origin,
    proxy,  // means nothing in HTTP; in CGI it becomes HTTP_PROXY, whom programs then believe
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    retry_after,
    sec_websocket_key,
    server,
    strict_transport_security,
    te,
    traceparent,
    tracestate,
    trailer,
    transfer_encoding,
    upgrade,
    user_agent,
    vary,
    via,
    x_api_key,
    x_correlation_id,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_proto,
    x_gatehouse,  // every name that begins with "X-Gatehouse-"
    x_request_id,
};

/// A set of known fields, one bit each.
class FieldSet {
 public:
    constexpr FieldSet() = default;
    constexpr FieldSet(std::initializer_list<FieldId> ids) {
        for (const auto id : ids) bits_ |= bit(id);
    }
    [[nodiscard]] constexpr bool has(FieldId id) const { return (bits_ & bit(id)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    constexpr void add(FieldId id) { bits_ |= bit(id); }
    friend constexpr FieldSet operator|(FieldSet a, FieldSet b) {
        a.bits_ |= b.bits_;
        return a;
    }
    friend constexpr bool operator==(FieldSet, FieldSet) = default;

 private:
    static constexpr std::uint64_t bit(FieldId id) {
        return std::uint64_t{1} << static_cast<std::uint8_t>(id);
    }
    std::uint64_t bits_ = 0;
};
static_assert(static_cast<std::uint8_t>(FieldId::x_request_id) < 64);

/// A field line (RFC 9110 §5). Views into whoever's buffer holds the message.
struct Field {
    std::string_view name;
    std::string_view value;
    FieldId id = FieldId::other;
};

/// Case does not matter (RFC 9110 §5.1). In names that begin with "X", '_' counts as '-': backends
/// that turn names into variables (CGI, WSGI) cannot tell X_Forwarded_For from X-Forwarded-For, so
/// neither may be trusted more.
[[nodiscard]] FieldId field_id(std::string_view name);

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// Field lines in order of arrival; duplicates stay apart. Cleared and reused from request to
/// request.
class Fields {
 public:
    void add(FieldId id, std::string_view name, std::string_view value) {
        lines_.push_back(Field{name, value, id});
    }
    void add(std::string_view name, std::string_view value) { add(field_id(name), name, value); }
    void clear() { lines_.clear(); }
    [[nodiscard]] std::size_t size() const { return lines_.size(); }
    [[nodiscard]] auto begin() const { return lines_.begin(); }
    [[nodiscard]] auto end() const { return lines_.end(); }
    [[nodiscard]] auto begin() { return lines_.begin(); }
    [[nodiscard]] auto end() { return lines_.end(); }

    /// The first line with this id, or nullptr.
    [[nodiscard]] const Field* find(FieldId id) const {
        for (const auto& line : lines_) {
            if (line.id == id) return &line;
        }
        return nullptr;
    }
    [[nodiscard]] bool has(FieldId id) const { return find(id) != nullptr; }
    /// The first value with this id, or an empty view.
    [[nodiscard]] std::string_view value(FieldId id) const {
        const auto* line = find(id);
        return line ? line->value : std::string_view{};
    }
    [[nodiscard]] std::size_t count(FieldId id) const {
        std::size_t n = 0;
        for (const auto& line : lines_) n += line.id == id;
        return n;
    }
    /// The first line with this name, case ignored.
    [[nodiscard]] const Field* find(std::string_view name) const;
    void remove(FieldId id) { remove(FieldSet{id}); }
    /// Every line whose id is in the set, in one pass.
    void remove(FieldSet ids) {
        std::erase_if(lines_, [ids](const Field& line) { return ids.has(line.id); });
    }
    template <class Predicate>
    void remove_if(Predicate predicate) {
        std::erase_if(lines_, predicate);
    }

 private:
    std::vector<Field> lines_;
};

}  // namespace gh::http
