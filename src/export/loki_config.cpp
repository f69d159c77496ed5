#include "export/loki_config.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/try.hpp"
#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::exporting {
namespace {

constexpr std::size_t labels_max = 8;
constexpr std::uint64_t kibibyte = 1024, mebibyte = 1024 * kibibyte, gibibyte = 1024 * mebibyte;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Loki's rule for names is Prometheus'; those that begin with two underscores are its own.
bool label_name(std::string_view name) {
    constexpr std::array<std::string_view, 4> ours{"container", "level", "service", "stream"};
    return !name.empty() && name.size() <= 64 && letter(name.front()) && !name.starts_with("__") &&
           std::ranges::all_of(name, [](char c) { return letter(c) || (c >= '0' && c <= '9'); }) &&
           std::ranges::find(ours, name) == ours.end();
}

/// As Loki takes them; "a|b" asks for two.
Result<std::string> tenant_of(const std::string& text) {
    static constexpr std::string_view marks = "!-_.*'()|";
    const auto good = [](char c) {
        return letter(c) || (c >= '0' && c <= '9') || marks.contains(c);
    };
    if (text.size() <= 150 && std::ranges::all_of(text, good)) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no tenant, wanted: letters, digits and !-_.*'()");
}

config::Type<LokiSpoolConfig> spool_type() {
    config::Object<LokiSpoolConfig> table;
    table.key("bytes_max", &LokiSpoolConfig::bytes_max, config::size_64(mebibyte, 1024 * gibibyte),
              "How much may wait on the disk while Loki is away; beyond it the oldest lines go.");
    return table.type();
}

}  // namespace

config::Type<LokiConfig> loki_type() {
    const auto label = config::text({.bytes_max = 128});
    config::Object<LokiConfig> table;
    table.key("url", &LokiConfig::url, endpoint_url_type("a Loki, wanted: https://HOST:3100"),
              "Grafana Loki: https://HOST:3100. Left out: log lines are not pushed.");
    table.key("service", &LokiConfig::service, label, "The label service.");
    table.key("container", &LokiConfig::container, label,
              "The label container, as Docker's drivers set it. Left out: as service.");
    table.key("labels", &LokiConfig::labels, config::map_of(label, labels_max),
              "More labels, the same for every line, such as node. No names of ours: container, "
              "level, service, stream.");
    table.key(
        "tenant", &LokiConfig::tenant,
        config::parsed_text<std::string>(&tenant_of, [](const std::string& text) { return text; }),
        "X-Scope-OrgID, where Loki has tenants.");
    table.key("insecure", &LokiConfig::insecure, config::boolean(),
              "true: http to a Loki elsewhere. Everybody on the way reads along.");
    table.key("ca_file", &LokiConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for it. Left out: the system's authorities.");
    table.key("headers", &LokiConfig::headers, request_fields_type(),
              "Of every request to it: Authorization, by reference.");
    table.key("batch_bytes", &LokiConfig::batch_bytes, config::size_64(kibibyte, 4 * mebibyte),
              "So many bytes of lines are sent at once.");
    table.key("interval", &LokiConfig::interval,
              config::duration(std::chrono::milliseconds{50}, std::chrono::minutes{1}),
              "The longest that a line waits for others.");
    table.key("spool", &LokiConfig::spool, spool_type(),
              "Where lines wait while Loki is away: the folder loki in data_dir.");
    table.check([](const config::Node& node, config::Reader& reader, const LokiConfig& read) {
        const auto name = std::ranges::find_if_not(read.labels, &label_name,
                                                   &std::pair<std::string, std::string>::first);
        if (name != read.labels.end()) {
            reader.refuse(node, "has a label " + name->first +
                                    ", allowed: letters, digits and _, not the names container, "
                                    "level, service, stream, nor __ in front");
            return false;
        }
        // Escapes make a body longer than its lines.
        if (read.spool.bytes_max < 8 * std::uint64_t{read.batch_bytes}) {
            reader.refuse(node, "has a spool.bytes_max that is less than eight times batch_bytes");
            return false;
        }
        return check_endpoint(node, reader, read.url, read.insecure, read.headers, "log lines");
    });
    return table.type();
}

Result<Endpoint> loki_endpoint(const LokiConfig& config) {
    GH_TRY(auto endpoint,
           make_endpoint(config.url, "/loki/api/v1/push", config.ca_file, config.headers));
    if (!config.tenant.empty()) endpoint.fields.emplace_back("X-Scope-OrgID", config.tenant);
    return endpoint;
}

}  // namespace gh::exporting
