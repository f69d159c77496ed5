#include "export/collector.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/id.hpp"
#include "http/fetch.hpp"
#include "net/within.hpp"

namespace gh::exporting {
namespace {

/// Seconds alone: a date is as good as nothing (RFC 9110 §10.2.3).
std::chrono::seconds seconds_in(std::string_view text, std::chrono::seconds most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return {};
    return std::clamp(std::chrono::seconds(value), std::chrono::seconds{0}, most);
}

/// The lines of one field are one list (RFC 9110 §5.3).
std::string all_of(const http::Fetched& answer, std::string_view name) {
    std::string out;
    for (const auto& [each, value] : answer.fields) {
        if (each != name) continue;
        if (!out.empty()) out += ',';
        out += value;
    }
    return out;
}

}  // namespace

Task<Collector::Answer> Collector::post(std::string body, std::string_view content_type,
                                        std::chrono::milliseconds timeout) {
    const auto& url = endpoint_.url;
    const auto begun = loop_.now();
    auto question = net::look_up(loop_, resolver_, url.host, url.port);
    const auto addresses = co_await net::within(timeout, "collector.look_up", std::move(question));
    if (!addresses) co_return Answer{.worth_a_retry = true, .why = describe(addresses.error())};
    http::FetchRequest request;
    // By turns: "localhost" has two, and a collector may listen on one.
    request.address = (*addresses)[attempts_++ % addresses->size()];
    request.tls = endpoint_.tls.get();
    request.server_name = url.host;
    request.authority = url.authority;
    request.target = url.target;
    request.method = "POST";
    request.fields = endpoint_.fields;
    request.content_type = content_type;
    request.body = std::move(body);
    request.wanted = {"Retry-After"};
    if (!endpoint_.limits_field.empty()) request.wanted.push_back(endpoint_.limits_field);
    const auto left = begun + timeout - loop_.now();
    request.timeout =
        std::max(std::chrono::floor<std::chrono::milliseconds>(left), std::chrono::milliseconds{1});
    const auto answer = co_await http::fetch(loop_, std::move(request));
    if (!answer) {
        // It has it, and says what we do not understand.
        const bool answered = answer.error().kind == ErrorKind::corrupt;
        co_return Answer{.worth_a_retry = !answered, .why = describe(answer.error())};
    }
    const auto status = answer->status;
    const bool later = status == 429 || status == 502 || status == 503 || status == 504;
    co_return Answer{
        .taken = status >= 200 && status < 300,
        .status = status,
        .worth_a_retry = later,
        .retry_after = seconds_in(answer->field("Retry-After"), endpoint_.retry_after_max),
        .limits = all_of(*answer, endpoint_.limits_field),
        .why = "status " + std::to_string(status)};
}

std::chrono::milliseconds Backoff::next() {
    const auto pause = std::min(most_, first_ * (1 << std::min(failures_, 16U)));
    ++failures_;
    std::array<std::uint8_t, 1> shaken{};
    random_bytes(shaken);
    return pause + pause * shaken[0] / (5 * 256);
}

}  // namespace gh::exporting
