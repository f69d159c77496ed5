#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "app/inherited_variable.hpp"
#include "config/text.hpp"

namespace gh::app::inherited {
namespace {

using storage::PostgresUrl;

/// The URL of PostgreSQL that a variable amends; null, with a warning, where the database is another one.
PostgresUrl* postgres(const Overlay& overlay) {
    auto& url = overlay.settings.storage.url;
    auto* found = url ? std::get_if<PostgresUrl>(&*url) : nullptr;
    if (found == nullptr)
        overlay.warn(
            "has no effect: neither DATABASE_URL, POSTGRES_HOST nor storage.url names a "
            "PostgreSQL");
    return found;
}

template <class I>
std::optional<I> number(const Overlay& overlay, std::string_view value, I least, I most) {
    const auto count = whole_number(overlay, value, least, most);
    return count ? std::optional(static_cast<I>(*count)) : std::nullopt;
}

/// What ORMs write before the colon names their driver as well: "postgresql+asyncpg".
std::string without_driver(std::string_view url) {
    const auto scheme = url.substr(0, url.find("://"));
    const auto plus = scheme.find('+');
    if (plus == std::string_view::npos) return std::string(url);
    return std::string(scheme.substr(0, plus)) + std::string(url.substr(scheme.size()));
}

}  // namespace

void database_url(const Overlay& overlay, std::string_view value) {
    auto url = storage::parse_storage_url(without_driver(value));
    if (!url) return overlay.refuse(std::move(url.error().detail));
    auto& storage = overlay.settings.storage;
    storage.password = {};
    if (auto* server = std::get_if<PostgresUrl>(&*url)) {
        storage.password = std::exchange(server->password, {});
    } else {
        auto& file = std::get<storage::SqliteUrl>(*url).file;
        std::error_code error;
        auto whole = std::filesystem::absolute(file, error);
        if (error)
            return overlay.refuse("the working directory is gone; name the file in full: /...");
        file = whole.lexically_normal();
    }
    storage.url = *std::move(url);
    overlay.decide("storage.url");
    overlay.decide("storage.password");
}

void postgres_host(const Overlay& overlay, std::string_view value) {
    auto& url = overlay.settings.storage.url;
    if (!url || !std::holds_alternative<PostgresUrl>(*url)) {
        PostgresUrl made;
        made.user = made.database = "gatehouse";
        url = std::move(made);
    }
    auto& server = std::get<PostgresUrl>(*url);
    server.host = config::trim(value);
    overlay.decide("storage.url");
    // Read as it will be written: a host that is none is found here.
    if (auto read = storage::parse_storage_url(storage::text_of(*url)); !read)
        overlay.refuse(std::move(read.error().detail));
}

void postgres_port(const Overlay& overlay, std::string_view value) {
    auto* server = postgres(overlay);
    const auto port = number<std::uint16_t>(overlay, value, 1, 65'535);
    if (server != nullptr && port) server->port = *port;
}

void postgres_database(const Overlay& overlay, std::string_view value) {
    if (auto* server = postgres(overlay)) server->database = value;
}

void postgres_user(const Overlay& overlay, std::string_view value) {
    if (auto* server = postgres(overlay)) server->user = value;
}

void postgres_password(const Overlay& overlay, std::string_view value) {
    if (postgres(overlay) == nullptr) return;
    overlay.settings.storage.password = config::Secret(std::string(value));
    overlay.decide("storage.password");
}

void pool_min(const Overlay& overlay, std::string_view value) {
    auto& pool = overlay.settings.storage.pool;
    if (const auto least = number<std::uint32_t>(overlay, value, 0, 1'000)) pool.min = *least;
    overlay.decide("storage.pool.min");
}

void pool_max(const Overlay& overlay, std::string_view value) {
    auto& pool = overlay.settings.storage.pool;
    if (const auto most = number<std::uint32_t>(overlay, value, 1, 1'000)) pool.max = *most;
    overlay.decide("storage.pool.max");
}

void pool_timeout(const Overlay& overlay, std::string_view value) {
    const auto timeout = number<std::int64_t>(overlay, value, 1, 3'600);
    if (timeout) overlay.settings.storage.pool.acquire_timeout = std::chrono::seconds(*timeout);
    overlay.decide("storage.pool.acquire_timeout");
}

}  // namespace gh::app::inherited
