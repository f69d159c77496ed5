#include "export/sentry_config.hpp"

#include <memory>
#include <utility>

#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "config/object.hpp"
#include "config/types.hpp"
#include "export/endpoint.hpp"
#include "export/sentry_dsn.hpp"

namespace gh::exporting {
namespace {

using config::Node;
using config::Secret;

constexpr std::chrono::hours retry_after_max{24};

/// A secret that may be empty, as a variable is that nobody has set to anything.
class DsnRules final : public config::Type<Secret>::Rules {
 public:
    bool read(const Node& node, config::Reader& reader, Secret& out) const override {
        auto scalar = reader.scalar(node, "a DSN by reference");
        if (!scalar) return false;
        if (!scalar->text.empty()) {
            if (!scalar->referenced) reader.note_literal_secret(node);
            if (const auto dsn = parse_sentry_dsn(scalar->text); !dsn) {
                reader.refuse(node, dsn.error().detail);
                return false;
            }
        }
        out = Secret(std::move(scalar->text));
        return true;
    }
    Node show(const Secret& value) const override {
        if (value.empty()) return {};
        // Where it leads is no secret, and what is shown can be read again.
        const auto at = value.view().find('@');
        std::string shown(value.view().substr(0, value.view().find("//") + 2));
        return Node::scalar(shown.append("hidden").append(value.view().substr(at)));
    }
    config::Shape shape() const override {
        return config::Shape{.kind = config::Shape::Kind::text, .secret = true};
    }
};

}  // namespace

config::Type<Secret> sentry_dsn_type() {
    return config::Type<Secret>(std::make_shared<DsnRules>());
}

config::Type<SentryConfig> sentry_type() {
    config::Object<SentryConfig> table;
    table.key("server_name", &SentryConfig::server_name, config::text({.bytes_max = 128}),
              "What events call this machine. Left out: nothing, for a host's name may be that of "
              "a person.");
    table.key("insecure", &SentryConfig::insecure, config::boolean(),
              "true: http to a Sentry elsewhere. Everybody on the way reads along.");
    table.key("ca_file", &SentryConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for it. Left out: the system's authorities.");
    return table.type();
}

Result<void> check_sentry_dsn(std::string_view dsn, bool insecure) {
    GH_TRY(const auto parsed, parse_sentry_dsn(dsn));
    if (insecure || codec::parse_https_url(parsed.url)) return {};
    return fail(ErrorKind::invalid_argument, "sentry.insecure",
                "sends errors over plain http to another machine; make it https, or set "
                "telemetry.sentry.insecure: true where the network is yours");
}

Result<Endpoint> sentry_endpoint(const SentryConfig& config, std::string_view version) {
    GH_TRY(auto dsn, parse_sentry_dsn(config.dsn.view()));
    GH_TRY(auto endpoint, make_endpoint(dsn.url, "/", config.ca_file, {}));
    std::string field = "Sentry sentry_version=7, sentry_client=gatehouse/";
    field.append(version).append(", sentry_key=").append(dsn.public_key);
    endpoint.fields.emplace_back("X-Sentry-Auth", std::move(field));
    endpoint.limits_field = "X-Sentry-Rate-Limits";
    endpoint.retry_after_max = retry_after_max;
    return endpoint;
}

}  // namespace gh::exporting
