#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "app/house.hpp"
#include "app/settings.hpp"
#include "app/tls_material.hpp"
#include "crypto/burned.hpp"
#include "gateway/proxy/upstream.hpp"
#include "pki/key_store.hpp"
#include "telemetry/log.hpp"

// For the unit tests of this room.

namespace gh::app {

/// What a log has said so far.
class KeptLines final : public telemetry::LogSink {
 public:
    void append(std::string_view line) noexcept override { text += line; }
    std::string text;
};

/// Settings as a configuration file says them; a mistake in them fails the test.
inline Settings settings_of(const std::string& yaml, const std::filesystem::path& folder = "/etc") {
    const Surroundings surroundings{.environment = {},
                                    .check_secret = crypto::check_secret_strength};
    auto read = read_settings_text(yaml, "f", folder, {}, surroundings);
    EXPECT_TRUE(read) << read.error().detail;
    return read ? std::move(read->settings) : Settings{};
}

/// TLS over a key store of plain files.
inline Result<TlsMaterial> open_tls(const std::filesystem::path& data_dir, SystemTime now) {
    auto keys = pki::FileKeyStore::open(data_dir / "keys");
    if (!keys) return std::unexpected(keys.error());
    return TlsMaterial::open(data_dir, std::make_unique<pki::FileKeyStore>(*std::move(keys)), now);
}

/// An upstream that nobody asks anything.
inline std::shared_ptr<gateway::proxy::Upstream> make_upstream(
    const gateway::UpstreamConfig& config, telemetry::Registry& registry) {
    const auto upstream =
        gateway::proxy::Upstream::make(config, 1, make_upstream_metrics(registry));
    EXPECT_TRUE(upstream);
    return *upstream;
}

}  // namespace gh::app
