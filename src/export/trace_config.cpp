#include "export/trace_config.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/try.hpp"
#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::exporting {
namespace {

constexpr std::string_view traces_path = "/v1/traces";
constexpr std::chrono::hours slow_max{1};
constexpr std::size_t ca_bytes_max = 1024 * 1024;

std::unexpected<Error> bad(std::string why) {
    return fail(ErrorKind::invalid_argument, "config.value", std::move(why));
}

Result<std::string> endpoint_of(const std::string& text) {
    if (text.empty()) return text;
    if (auto url = codec::parse_https_url(text, codec::PlainHttp::anywhere); !url)
        return bad("is no URL of a collector, wanted: https://HOST:4318");
    return text;
}

bool field_name(std::string_view name) {
    constexpr std::string_view ours[] = {"host", "content-length", "content-type", "connection"};
    const auto token = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    std::string lower(name);
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return !name.empty() && std::ranges::all_of(name, token) &&
           std::ranges::find(ours, lower) == std::end(ours);
}

}  // namespace

config::Type<TracesConfig> traces_type() {
    config::Object<TracesConfig> table;
    table.key("otlp_endpoint", &TracesConfig::otlp_endpoint,
              config::parsed_text<std::string>(&endpoint_of,
                                               [](const std::string& text) { return text; }),
              "An OpenTelemetry collector, OTLP over HTTP: https://HOST:4318. Left out: traces are "
              "passed on, not recorded.");
    table.key("encoding", &TracesConfig::encoding,
              config::choice<otlp::Encoding>(
                  {{"protobuf", otlp::Encoding::protobuf}, {"json", otlp::Encoding::json}}),
              "How bodies are written.");
    table.key("sample", &TracesConfig::sample, config::share(),
              "The share of traces that are kept, of those that begin here. Whoever sends a "
              "traceparent has decided for their own.");
    table.key("slow", &TracesConfig::slow, config::duration(std::chrono::milliseconds{0}, slow_max),
              "What took so long is kept, whatever the sample; so is what failed. 0s: what is slow "
              "is not.");
    table.key("insecure", &TracesConfig::insecure, config::boolean(),
              "true: http to a collector elsewhere. Everybody on the way reads along.");
    table.key("ca_file", &TracesConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for the collector. Left out: the system's authorities.");
    table.key("headers", &TracesConfig::headers, config::map_of(config::secret(), 10),
              "Of every request to it: Authorization, by reference.");
    table.key("service_name", &TracesConfig::service_name, config::text({.bytes_max = 128}),
              "service.name of the spans.");
    table.check([](const config::Node& node, config::Reader& reader, const TracesConfig& read) {
        const auto name = std::ranges::find_if_not(read.headers, &field_name,
                                                   &std::pair<std::string, config::Secret>::first);
        if (name != read.headers.end()) {
            reader.refuse(node, "has a header " + name->first + ", which is not for you to set");
            return false;
        }
        if (read.insecure || read.otlp_endpoint.empty() ||
            codec::parse_https_url(read.otlp_endpoint)) {
            return true;
        }
        reader.refuse(node,
                      "sends spans over plain http to another machine; make it https, or set "
                      "insecure: true where the network is yours");
        return false;
    });
    return table.type();
}

Result<Endpoint> trace_endpoint(const TracesConfig& config) {
    auto text = config.otlp_endpoint;
    while (text.ends_with('/')) text.pop_back();
    if (!text.ends_with(traces_path)) text += traces_path;
    Endpoint endpoint;
    GH_TRY(endpoint.url, codec::parse_https_url(text, codec::PlainHttp::anywhere));
    if (endpoint.url.tls) {
        net::TlsClientSettings settings;
        if (config.ca_file) {
            GH_TRY(settings.ca_pem, read_file_at(*config.ca_file, ca_bytes_max));
            settings.ca_source = config.ca_file->string();
        }
        GH_TRY(endpoint.tls, net::TlsClientContext::make(settings));
    }
    for (const auto& [name, value] : config.headers)
        endpoint.fields.emplace_back(name, std::string(value.view()));
    return endpoint;
}

}  // namespace gh::exporting
