// What redaction costs a log line, against RE2 that looks for one literal in the same bytes, in turns in one process. Lines
// are those of the house: of a file given, or access and server lines made here, none of which holds anything. Prints
// Markdown; the median round counts.
//
//   gh_bench_telemetry [FILE [ROUNDS]]

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "../identity/figures.hpp"
#include "telemetry/access_line.hpp"
#include "telemetry/log.hpp"
#include "telemetry/redaction.hpp"

namespace {

using namespace gh;

class Lines final : public telemetry::LogSink {
 public:
    void append(std::string_view line) noexcept override { all.emplace_back(line); }
    std::vector<std::string> all;
};

constexpr std::size_t line_count = 1'000;

std::vector<std::string> made_lines() {
    Lines lines;
    telemetry::Log log(lines);
    constexpr std::array<std::string_view, 4> agents{
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
        "Safari/537.36",
        "python-requests/2.31.0", "curl/8.5.0", "Go-http-client/2.0"};
    for (std::size_t i = 0; i < line_count; ++i) {
        if (i % 10 == 9) {
            log.warning("proxy", "an upstream does not answer")
                .field("upstream", "backend")
                .field("address", "10.0.3.17:8443")
                .field("attempt", i)
                .field("reason", "net.connect")
                .field("detail", "connection refused after 3 attempts within 1.250 s");
            continue;
        }
        const auto target =
            fmt::format("/api/v1/agents/{}/tasks?page={}&sort=created_at", i, i % 7);
        const auto trace = fmt::format("4bf92f3577b34da6a3ce929d0e{:06x}", i * 7919 % 0xffffff);
        const auto id = fmt::format("019b7600-7a31-7c05-8b1e-0a2b3c{:06x}", i * 104729 % 0xffffff);
        lines.all.emplace_back();
        telemetry::append_access_line(lines.all.back(),
                                      {.timestamp = std::chrono::system_clock::now(),
                                       .method = "GET",
                                       .target = target,
                                       .protocol = "HTTP/1.1",
                                       .host = "agents.house.example",
                                       .status = 200,
                                       .duration = std::chrono::microseconds(1'250 + i),
                                       .bytes_in = i,
                                       .bytes_out = 17 * i,
                                       .outcome = "ok",
                                       .route = "/api/v1/agents/{agent}/tasks",
                                       .upstream = "backend",
                                       .upstream_address = "10.0.3.17:8443",
                                       .upstream_duration = std::chrono::microseconds(1'100 + i),
                                       .client_ip = "192.0.2.17",
                                       .principal = "agent-17",
                                       .principal_type = "agent",
                                       .request_id = id,
                                       .correlation_id = id,
                                       .trace_id = trace,
                                       .tls_version = "TLSv1.3",
                                       .user_agent = agents[i % agents.size()]});
    }
    return lines.all;
}

std::vector<std::string> read_lines(const char* path) {
    std::vector<std::string> all;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) all.push_back(line + '\n');
    if (all.empty()) std::exit(2);
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    const auto lines = argc > 1 && *argv[1] != '\0' ? read_lines(argv[1]) : made_lines();
    std::size_t rounds = 21;
    if (const std::string_view given = argc > 2 ? argv[2] : ""; !given.empty())
        std::from_chars(given.data(), given.data() + given.size(), rounds);
    std::string together;
    for (const auto& line : lines) together += line;
    using enum telemetry::RedactedKind;
    const auto usual = telemetry::Redactor::make({{email, card, ssn, secret, token}, {}, {}});
    const auto all = telemetry::Redactor::make({{email, card, ssn, secret, token, ip}, {}, {}});
    const re2::RE2 literal("password"), other("Ym9iQGV4");
    std::size_t found = 0;
    std::string out;
    const auto redact = [&](const auto& by) {
        return [&, by](std::size_t times) {
            while (times-- > 0)
                for (const auto& line : lines) found += by->redact(line, out) ? 1 : 0;
        };
    };
    const auto search = [&](const re2::RE2& pattern) {
        return [&](std::size_t times) {
            while (times-- > 0)
                for (const auto& line : lines)
                    found += re2::RE2::PartialMatch(line, pattern) ? 1 : 0;
        };
    };
    std::vector<bench::Contestant> turns{
        {"redaction, line by line", redact(*usual), 10},
        {"redaction with addresses, line by line", redact(*all), 10},
        {"RE2 for `password`, line by line", search(literal), 10},
        {"RE2 for `Ym9iQGV4`, line by line", search(other), 10},
        {"redaction, all lines at once",
         [&](std::size_t times) {
             while (times-- > 0) found += (*usual)->redact(together, out) ? 1 : 0;
         },
         10},
        {"RE2 for `password`, all lines at once",
         [&](std::size_t times) {
             while (times-- > 0) found += re2::RE2::PartialMatch(together, literal) ? 1 : 0;
         },
         10},
    };
    bench::take_turns(turns, rounds);
    const auto bytes = static_cast<double>(together.size());
    fmt::print(
        "{} lines, {} bytes each; {} hits\n\n| what | ns a byte | ns a line |\n| --- | --- | --- "
        "|\n",
        lines.size(), together.size() / lines.size(), found);
    for (const auto& turn : turns) {
        fmt::print("| {} | {:.3f} | {:.0f} |\n", turn.name, 1e3 * turn.typical() / bytes,
                   1e3 * turn.typical() / static_cast<double>(lines.size()));
    }
    fmt::print(
        "\n| time of redaction over that of RE2 | ratio | at most | holds |\n| --- | --- | --- | "
        "--- |\n");
    const bool by_line = bench::judge("line by line", turns[0].typical() / turns[2].typical(), 2);
    const bool at_once = bench::judge("all at once", turns[4].typical() / turns[5].typical(), 2);
    return by_line && at_once ? 0 : 1;
}
