#include "http/h1_write.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace gh::http {
namespace {

/// What the writers say themselves, or not at all.
constexpr FieldSet own_fields{
    FieldId::connection, FieldId::content_length,   FieldId::host,
    FieldId::keep_alive, FieldId::proxy_connection, FieldId::transfer_encoding};

/// Room for status line or request line punctuation and every line a writer adds.
constexpr std::size_t own_bytes_max = 256;

class Writer {
 public:
    explicit Writer(char* at) : at_(at) {}
    Writer& operator<<(std::string_view text) {
        at_ += text.copy(at_, text.size());
        return *this;
    }
    Writer& operator<<(std::uint64_t number) {
        at_ = std::to_chars(at_, at_ + 20, number).ptr;
        return *this;
    }
    [[nodiscard]] char* at() const { return at_; }

 private:
    char* at_;
};

std::size_t size_of(const Fields& fields) {
    std::size_t size = 0;
    for (const auto& line : fields) size += line.name.size() + line.value.size() + 4;
    return size;
}

void write_fields(Writer& to, const Fields& fields, FieldSet passed_over) {
    for (const auto& line : fields) {
        if (passed_over.has(line.id)) continue;
        to << line.name << ": " << line.value << "\r\n";
    }
}

/// Grows `out` once, by at most `size_max`, and lets `write` fill it.
template <class Write>
void append(std::string& out, std::size_t size_max, Write write) {
    const auto before = out.size();
    out.resize_and_overwrite(before + size_max, [&](char* bytes, std::size_t) {
        Writer to(bytes + before);
        write(to);
        return static_cast<std::size_t>(to.at() - bytes);
    });
}

/// A method whose request would be incomplete without a length (RFC 9110 §8.6).
bool wants_length(Method method) {
    return method == Method::post || method == Method::put || method == Method::patch;
}

void write_body_framing(Writer& to, const BodyFraming& body) {
    if (body.kind == Framing::length)
        to << "Content-Length: " << body.length << "\r\n";
    else if (body.kind == Framing::chunked)
        to << "Transfer-Encoding: chunked\r\n";
}

void write_connection(Writer& to, const ResponseHead& head, Version client) {
    if (head.body.kind == Framing::tunnel)
        to << "Connection: upgrade\r\n";
    else if (head.status < 200)
        return;
    else if (!head.keep_alive || head.body.kind == Framing::until_close)
        to << "Connection: close\r\n";
    else if (client == Version::http_1_0)
        to << "Connection: keep-alive\r\n";
}

}  // namespace

void append_request_head(std::string& out, const RequestHead& head) {
    const auto size_max = own_bytes_max + head.method_text.size() + head.target.size() +
                          head.authority.size() + size_of(head.fields);
    append(out, size_max, [&](Writer& to) {
        to << head.method_text << " " << head.target << " HTTP/1.1\r\nHost: " << head.authority
           << "\r\n";
        auto passed_over = own_fields;
        passed_over.add(FieldId::expect);
        if (head.upgrade_websocket) passed_over.add(FieldId::upgrade);
        write_fields(to, head.fields, passed_over);
        if (head.body.kind == Framing::none && wants_length(head.method))
            to << "Content-Length: 0\r\n";
        write_body_framing(to, head.body);
        if (head.expects_continue) to << "Expect: 100-continue\r\n";
        if (head.upgrade_websocket)
            to << "Connection: upgrade\r\nUpgrade: websocket\r\n";
        else if (!head.keep_alive)
            to << "Connection: close\r\n";
        to << "\r\n";
    });
}

void append_response_head(std::string& out, const ResponseHead& head, Version client) {
    const auto reason = head.reason.empty() ? reason_phrase(head.status) : head.reason;
    append(out, own_bytes_max + reason.size() + size_of(head.fields), [&](Writer& to) {
        to << "HTTP/1.1 " << std::uint64_t{head.status} << " " << reason << "\r\n";
        write_fields(to, head.fields, own_fields);
        // An answer to HEAD, or 304, tells the length of what it does not carry.
        if (head.body.kind == Framing::none && head.status >= 200 && head.status != 204) {
            if (const auto* length = head.fields.find(FieldId::content_length)) {
                to << "Content-Length: " << length->value << "\r\n";
            }
        }
        write_body_framing(to, head.body);
        write_connection(to, head, client);
        to << "\r\n";
    });
}

std::string_view date_text(SystemTime now) {
    using namespace std::chrono;
    struct Cached {
        sys_seconds second{seconds{-1}};
        std::array<char, 64> text{};
    };
    thread_local Cached cached;
    const auto second = floor<seconds>(now);
    if (second != cached.second) {
        static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed",
                                                              "Thu", "Fri", "Sat"};
        static constexpr std::array<std::string_view, 12> months{
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        const auto day = floor<std::chrono::days>(second);
        const year_month_day date{day};
        const hh_mm_ss time{second - day};
        Writer to(cached.text.data());
        const auto two = [&](unsigned value) {
            const char digits[2] = {static_cast<char>('0' + value / 10),
                                    static_cast<char>('0' + value % 10)};
            to << std::string_view(digits, 2);
        };
        to << days[weekday{day}.c_encoding()] << ", ";
        two(static_cast<unsigned>(date.day()));
        to << " " << months[static_cast<unsigned>(date.month()) - 1] << " "
           << static_cast<std::uint64_t>(static_cast<int>(date.year())) << " ";
        two(static_cast<unsigned>(time.hours().count()));
        to << ":";
        two(static_cast<unsigned>(time.minutes().count()));
        to << ":";
        two(static_cast<unsigned>(time.seconds().count()));
        to << " GMT";
        cached.second = second;
    }
    return {cached.text.data(), 29};
}

}  // namespace gh::http
