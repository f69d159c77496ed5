#include "app/alert_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <thread>

#include "app/alertmanager.hpp"
#include "app/verb_state.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/hex.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"

namespace gh::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds wait_max{10 * 60'000};
constexpr milliseconds lifetime_min{5 * 60'000};
constexpr milliseconds pause{500};
constexpr milliseconds settling{1'500};  // other receivers of the same alert
constexpr std::size_t labels_max = 20;

Error usage(std::string text) {
    return {ErrorKind::invalid_argument, "usage", "command line: " + std::move(text)};
}

std::string random_name() {
    std::array<std::uint8_t, 6> bytes{};
    random_bytes(bytes);
    return codec::encode_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string machine_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
    return name.data();
}

/// As the alerts of deploy/prometheus have them. `test` makes a group of its own of each, where the route groups by it.
Result<Labels> labels_of(const AlertOptions& options) {
    Labels labels{{"alertname", "GatehouseTest"},
                  {"severity", options.severity},
                  {"service", "api_gateway"},
                  {"instance", machine_name()}};
    if (options.labels.size() > labels_max)
        return std::unexpected(usage(fmt::format("--label: at most {}", labels_max)));
    for (const auto& each : options.labels) {
        const auto equals = each.find('=');
        const auto name = each.substr(0, equals);
        if (equals == each.npos || !is_label_name(name) || equals + 1 == each.size()) {
            return std::unexpected(usage(
                fmt::format("--label: {} is no label such as team=platform", config::quote(each))));
        }
        labels.insert_or_assign(name, each.substr(equals + 1));
    }
    labels.insert_or_assign("test", random_name());
    return labels;
}

Labels annotations() {
    return {{"summary", "A test of the way alerts take"},
            {"description",
             "Nothing is wrong: somebody ran `gatehouse alert test`. It ends by itself."},
            {"runbook_url", "docs/operations/install.md#do-alerts-arrive"}};
}

Result<milliseconds> wait_of(const AlertOptions& options) {
    if (options.wait.empty()) return milliseconds(0);
    const auto wait = config::parse_duration(options.wait);
    if (!wait || *wait <= milliseconds(0) || *wait > wait_max) {
        return std::unexpected(usage(fmt::format(
            "--wait: {} is no duration such as 60s, at most 10m", config::quote(options.wait))));
    }
    return *wait;
}

/// Kinds of receivers whose count has grown.
std::set<std::string> grown(const std::map<std::string, double, std::less<>>& now,
                            const std::map<std::string, double, std::less<>>& before) {
    std::set<std::string> names;
    for (const auto& [name, count] : now) {
        const auto was = before.find(name);
        if (count > (was == before.end() ? 0 : was->second)) names.insert(name);
    }
    return names;
}

/// What became of the alert within the time.
struct Delivery {
    std::set<std::string> well, badly;
    std::optional<Standing> standing;
};

/// A silence or an inhibition holds it back: no use to wait.
bool held_back(const std::optional<Standing>& standing) {
    return standing && (!standing->silenced_by.empty() || !standing->inhibited_by.empty());
}

Result<Delivery> watch(const Alertmanager& alertmanager, const Sent& before,
                       const std::string& test, milliseconds wait) {
    auto deadline = std::chrono::steady_clock::now() + wait;
    bool settled = false;
    Delivery delivery;
    while (true) {
        GH_TRY(delivery.standing, alertmanager.standing("test", test));
        GH_TRY(const auto sent, alertmanager.sent());
        delivery.well = grown(sent.well, before.well);
        delivery.badly = grown(sent.badly, before.badly);
        const auto now = std::chrono::steady_clock::now();
        if (!settled && !(delivery.well.empty() && delivery.badly.empty())) {
            settled = true;
            deadline = now + settling;
        }
        if (now >= deadline || held_back(delivery.standing)) return delivery;
        std::this_thread::sleep_for(pause);
    }
}

std::string why_not_sent(const Delivery& delivery, const AlertOptions& options) {
    if (!delivery.standing)
        return "Alertmanager has taken the alert and knows nothing of it: do several answer there?";
    if (!delivery.standing->silenced_by.empty())
        return fmt::format("a silence holds it back; `amtool silence query {}` shows it",
                           fmt::join(delivery.standing->silenced_by, " "));
    if (!delivery.standing->inhibited_by.empty())
        return "another alert inhibits it: see inhibit_rules, and `amtool alert query` for which";
    return fmt::format(
        "nothing was sent within {}: group_wait of its route may be longer (--wait), and a "
        "receiver without configurations sends nothing; `amtool config routes test severity={}` "
        "names the receiver",
        options.wait, options.severity);
}

CommandResult told(const Delivery& delivery, const AlertOptions& options) {
    CommandResult result;
    if (delivery.standing && !delivery.standing->receivers.empty())
        result.out += fmt::format("for {}\n", fmt::join(delivery.standing->receivers, ", "));
    for (const auto& name : delivery.well) {
        if (!delivery.badly.contains(name)) result.out += fmt::format("{:<10} sent\n", name);
    }
    for (const auto& name : delivery.badly) {
        result.exit_code = 1;
        result.out += fmt::format("{:<10} failed\n", name);
    }
    if (!delivery.badly.empty()) {
        result.err =
            "gatehouse: Alertmanager could not send it everywhere; its log says why (journalctl -u "
            "prometheus-alertmanager): an address that does not answer, or a credential that is "
            "missing or refused\n";
    } else if (delivery.well.empty()) {
        result.exit_code = 1;
        result.err = fmt::format("gatehouse: {}\n", why_not_sent(delivery, options));
    }
    return result;
}

Result<CommandResult> run(const AlertOptions& options) {
    GH_TRY(const auto wait, wait_of(options));
    GH_TRY(const auto labels, labels_of(options));
    GH_TRY(const auto alertmanager,
           Alertmanager::at(options.alertmanager, options.ca_file, options.token_file));
    Sent before;
    if (wait > milliseconds(0)) {
        GH_TRY(before, alertmanager.sent());
    }
    GH_TRY_VOID(alertmanager.post(labels, annotations(), std::max(lifetime_min, 2 * wait)));
    const auto& test = labels.find("test")->second;
    if (wait == milliseconds(0)) {
        return CommandResult{
            .exit_code = 0,
            .out = fmt::format("test={}\n", test),
            .err =
                "Alertmanager has taken the alert; look whether it arrives, or have --wait 60s "
                "look\n"};
    }
    std::fprintf(stderr, "Alertmanager has taken the alert test=%s; waiting up to %s\n",
                 test.c_str(), options.wait.c_str());
    GH_TRY(const auto delivery, watch(alertmanager, before, test, wait));
    return told(delivery, options);
}

}  // namespace

CommandResult alert_test(const AlertOptions& options) {
    auto result = run(options);
    return result ? *std::move(result) : failed(result.error());
}

}  // namespace gh::app
