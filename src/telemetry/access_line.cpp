#include "telemetry/access_line.hpp"

#include <charconv>
#include <cstring>

#include "telemetry/json_text.hpp"
#include "telemetry/safe_target.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::telemetry {
namespace {

constexpr std::size_t value_bytes_max = 512;
constexpr std::size_t fixed_bytes_max =
    1024;  // names, punctuation, numbers, and each value's slack of 8

/// Writes forward; room was made before.
class Pen {
 public:
    explicit Pen(char* out) noexcept : out_(out) {}

    template <std::size_t N>
    void literal(const char (&text)[N]) noexcept {
        std::memcpy(out_, text, N - 1);
        out_ += N - 1;
    }
    void time(SystemTime time) noexcept {
        write_timestamp(out_, time);
        out_ += timestamp_bytes;
    }
    void text(std::string_view value) noexcept { out_ = write_json_text(out_, value); }
    void number(std::uint64_t value) noexcept { out_ = std::to_chars(out_, out_ + 20, value).ptr; }

    /// Milliseconds with three places; negative is zero.
    void duration(std::chrono::nanoseconds duration) noexcept {
        const auto count =
            duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) / 1000 : 0;
        number(count / 1000);
        const auto rest = static_cast<unsigned>(count % 1000);
        out_[0] = '.';
        out_[1] = static_cast<char>('0' + rest / 100);
        out_[2] = static_cast<char>('0' + rest / 10 % 10);
        out_[3] = static_cast<char>('0' + rest % 10);
        out_ += 4;
    }

    /// @param name  `,"name":"`
    template <std::size_t N>
    void optional(const char (&name)[N], std::string_view value) noexcept {
        if (value.empty()) return;
        literal(name);
        text(value);
        *out_++ = '"';
    }
    [[nodiscard]] char* end() const noexcept { return out_; }

 private:
    char* out_;
};

char* write_line(char* out, const AccessRecord& r) noexcept {
    Pen pen(out);
    pen.literal("{\"timestamp\":\"");
    pen.time(r.timestamp);
    pen.literal("\",\"level\":\"INFO\",\"component\":\"access\",\"message\":\"request\"");
    pen.optional(",\"request_id\":\"", r.request_id);
    pen.optional(",\"correlation_id\":\"", r.correlation_id);
    pen.optional(",\"trace_id\":\"", r.trace_id);
    pen.optional(",\"client_ip\":\"", r.client_ip);
    pen.optional(",\"method\":\"", r.method);
    pen.optional(",\"host\":\"", r.host);
    pen.optional(",\"target\":\"", r.target);
    pen.optional(",\"protocol\":\"", r.protocol);
    pen.optional(",\"tls_version\":\"", r.tls_version);
    pen.optional(",\"user_agent\":\"", r.user_agent);
    pen.optional(",\"principal\":\"", r.principal);
    pen.optional(",\"principal_type\":\"", r.principal_type);
    if (r.principal_type == "agent") pen.optional(",\"agent_name\":\"", r.principal);
    pen.optional(",\"route\":\"", r.route);
    if (!r.upstream.empty()) {
        pen.optional(",\"upstream\":\"", r.upstream);
        pen.optional(",\"upstream_address\":\"", r.upstream_address);
        pen.literal(",\"upstream_duration_ms\":");
        pen.duration(r.upstream_duration);
    }
    pen.literal(",\"status\":");
    pen.number(r.status);
    pen.optional(",\"outcome\":\"", r.outcome);
    pen.optional(",\"code\":\"", r.code);
    pen.literal(",\"duration_ms\":");
    pen.duration(r.duration);
    pen.literal(",\"bytes_in\":");
    pen.number(r.bytes_in);
    pen.literal(",\"bytes_out\":");
    pen.number(r.bytes_out);
    pen.literal("}\n");
    return pen.end();
}

}  // namespace

void append_access_line(std::string& out, const AccessRecord& record) {
    AccessRecord r = record;
    std::string scratch;
    r.target = safe_target(r.target, scratch);
    std::size_t values = r.target.size();
    for (auto* value :
         {&r.method, &r.protocol, &r.host, &r.outcome, &r.code, &r.route, &r.upstream,
          &r.upstream_address, &r.client_ip, &r.principal, &r.principal_type, &r.request_id,
          &r.correlation_id, &r.trace_id, &r.tls_version, &r.user_agent}) {
        if (value->size() > value_bytes_max) [[unlikely]]
            *value = cut_utf8(*value, value_bytes_max);
        values += value->size();
    }
    values += r.principal.size();  // may be there twice, as agent_name
    const auto before = out.size();
    out.resize_and_overwrite(
        before + fixed_bytes_max + values * json_growth_max, [&](char* data, std::size_t) {
            return static_cast<std::size_t>(write_line(data + before, r) - data);
        });
}

}  // namespace gh::telemetry
