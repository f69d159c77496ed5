// Load generator of the gateway bench: one thread, one plan, one line of JSON on standard output.
// It judges status and every body byte of each answer, and reads the server's CPU time at both edges of its window.

#include <fmt/format.h>
#include <getopt.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "load.hpp"

namespace gh::bench {

namespace {

constexpr std::string_view usage =
    "usage: gh_bench_loadgen --port N [--tls] [--h2] [--connections N] [--streams N] [--sources "
    "N]\n"
    "    [--path P] [--tokens FILE] [--body FILE] [--status N|any] [--warm S] [--seconds S]\n"
    "    [--rate R [--skip-late]] [--pids N,N,...] [--idle SECONDS]\n"
    "--idle: one request on each connection, `ready N`, and after a line on standard input or\n"
    "        that time `open N`.\n";

struct Options {
    Plan plan;
    std::string body;
    bool check_body = false;
    int status = 200;
    int idle_seconds = 0;
};

std::optional<std::string> content(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        auto part = text.substr(0, text.find(separator));
        if (!part.empty()) parts.emplace_back(part);
        text.remove_prefix(std::min(part.size() + 1, text.size()));
    }
    return parts;
}

template <class Number>
bool into(Number& value, std::string_view text) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

enum Flag : int {
    port = 1,
    tls,
    h2,
    connections,
    streams,
    sources,
    path,
    tokens,
    body,
    status,
    warm,
    seconds,
    rate,
    skip_late,
    pids,
    idle
};

constexpr option flags[] = {
    {"port", 1, nullptr, port},       {"tls", 0, nullptr, tls},
    {"h2", 0, nullptr, h2},           {"connections", 1, nullptr, connections},
    {"streams", 1, nullptr, streams}, {"sources", 1, nullptr, sources},
    {"path", 1, nullptr, path},       {"tokens", 1, nullptr, tokens},
    {"body", 1, nullptr, body},       {"status", 1, nullptr, status},
    {"warm", 1, nullptr, warm},       {"seconds", 1, nullptr, seconds},
    {"rate", 1, nullptr, rate},       {"skip-late", 0, nullptr, skip_late},
    {"pids", 1, nullptr, pids},       {"idle", 1, nullptr, idle},
    {nullptr, 0, nullptr, 0}};

bool read_pids(std::vector<int>& list, std::string_view text) {
    for (const auto& part : split(text, ','))
        if (!into(list.emplace_back(), part)) return false;
    return true;
}

bool read_file_option(int flag, const char* name, Options& options) {
    auto text = content(name);
    if (!text) return false;
    if (flag == tokens) {
        options.plan.tokens = split(*text, '\n');
        return !options.plan.tokens.empty();
    }
    options.body = std::move(*text);
    options.check_body = true;
    return true;
}

bool read_option(int flag, const char* value, Options& options) {
    auto& plan = options.plan;
    switch (flag) {
        case port: return into(plan.port, value);
        case tls: return plan.tls = true;
        case h2: return plan.http2 = true;
        case connections: return into(plan.connections, value) && plan.connections > 0;
        case streams: return into(plan.streams, value) && plan.streams > 0;
        case sources: return into(plan.sources, value) && plan.sources > 0 && plan.sources < 255;
        case path: plan.path = value; return true;
        case tokens:
        case body: return read_file_option(flag, value, options);
        case status:
            return std::string_view(value) == "any" ? (options.status = 0, true)
                                                    : into(options.status, value);
        case warm: return into(plan.warm_seconds, value) && plan.warm_seconds >= 0;
        case seconds: return into(plan.seconds, value) && plan.seconds > 0;
        case rate: return into(plan.rate, value) && plan.rate > 0;
        case skip_late: return plan.skip_late = true;
        case pids: return read_pids(plan.pids, value);
        case idle: return into(options.idle_seconds, value) && options.idle_seconds > 0;
        default: return false;
    }
}

std::optional<Options> read_options(int argc, char** argv) {
    Options options;
    for (int flag = 0; (flag = ::getopt_long(argc, argv, "", flags, nullptr)) != -1;)
        if (!read_option(flag, optarg, options)) return std::nullopt;
    const auto& plan = options.plan;
    bool good = optind == argc && plan.port != 0 && (plan.streams == 1 || plan.http2);
    return good ? std::optional(std::move(options)) : std::nullopt;
}

std::string statuses_json(const Tally& tally) {
    std::string text;
    for (std::size_t code = 0; code < tally.statuses.size(); code++)
        if (tally.statuses[code] > 0)
            text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", code, tally.statuses[code]);
    return text;
}

void print(const Report& report, const Tally& tally) {
    auto share = [&](std::int64_t ns) { return static_cast<double>(ns) / 1e9 / report.seconds; };
    auto completed = static_cast<double>(tally.completed);
    auto cpu_us =
        tally.completed == 0 ? 0.0 : static_cast<double>(report.server.ran) / 1e3 / completed;
    fmt::print(
        "{{\"requests\":{},\"seconds\":{:.4f},\"rps\":{:.1f},\"cpu_us\":{:.3f},"
        "\"server_busy\":{:.3f},\"server_waited\":{:.3f},\"client_busy\":{:.3f},"
        "\"p50_us\":{:.1f},\"p99_us\":{:.1f},"
        "\"wrong_status\":{},\"wrong_body\":{},\"broken\":{},\"skipped\":{},\"statuses\":{{{}}}}}"
        "\n",
        tally.completed, report.seconds, completed / report.seconds, cpu_us,
        share(report.server.ran), share(report.server.waited), share(report.client_cpu_ns),
        tally.latencies.quantile_us(0.5), tally.latencies.quantile_us(0.99), tally.wrong_status,
        tally.wrong_body, tally.broken, tally.skipped, statuses_json(tally));
}

int hold_idle(Load& load, const Tally& tally, int seconds) {
    auto answered = load.answer_each_once();
    fmt::print("ready {} wrong {}\n", answered,
               tally.wrong_status + tally.wrong_body + tally.broken);
    std::fflush(stdout);
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    ::poll(&input, 1, seconds * 1000);
    fmt::print("open {}\n", load.still_open());
    return 0;
}

}  // namespace

int run(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_TIMERSLACK, 1000);
    auto options = read_options(argc, argv);
    if (!options) {
        fmt::print(stderr, "{}", usage);
        return 2;
    }
    Tally tally;
    tally.expected = {
        .status = options->status, .body = options->body, .check_body = options->check_body};
    Load load(options->plan, tally);
    if (!load.open()) {
        fmt::print(stderr, "loadgen: port {} does not take {} connections\n", options->plan.port,
                   options->plan.connections);
        return 1;
    }
    if (options->idle_seconds > 0) return hold_idle(load, tally, options->idle_seconds);
    print(load.run(), tally);
    return 0;
}

}  // namespace gh::bench

int main(int argc, char** argv) { return gh::bench::run(argc, argv); }
