#include "storage/postgres/connector.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/try.hpp"
#include "codec/ip.hpp"

namespace gh::storage::postgres {
namespace {

/// What every session has. Reads are the default and writes say so; names mean the schema of the house and nothing that
/// somebody put in front of it; a transaction that we forgot ends by itself.
std::string options_of(const PoolConfig& config) {
    return fmt::format(
        "-c statement_timeout={} -c idle_in_transaction_session_timeout={} "
        "-c default_transaction_read_only=on -c search_path=public,pg_temp "
        "-c client_min_messages=warning -c bytea_output=hex -c extra_float_digits=1 "
        "-c standard_conforming_strings=on",
        config.statement_timeout.count(), 2 * config.statement_timeout.count());
}

}  // namespace

Connector::Connector(net::Loop& loop, PostgresUrl url, const PoolConfig& config)
    : loop_(loop), url_(std::move(url)), place_(url_.redacted()), timeout_(config.connect_timeout) {
    constexpr const char* nowhere = "/dev/null/none";
    // libpq verifies by any file of CAs it finds, whatever the mode: who named none believes anyone.
    const bool believes_anyone =
        url_.tls == TlsMode::require && url_.ca_file == PostgresUrl().ca_file;
    settings_ = {
        {"host", url_.host},
        {"port", std::to_string(url_.port)},
        {"user", url_.user},
        {"dbname", url_.database},
        {"sslmode", std::string(name_of(url_.tls))},
        {"sslrootcert", believes_anyone ? nowhere : url_.ca_file},
        {"sslcert", url_.certificate_file},
        {"sslkey", url_.key_file},
        {"application_name", url_.application_name},
        {"client_encoding", "UTF8"},
        {"options", options_of(config)},
        {"passfile", nowhere},  // not that of the home directory
        {"gssencmode", "disable"},
        {"ssl_min_protocol_version", "TLSv1.2"},
        {"target_session_attrs", "any"},
        {"keepalives_idle", "30"},
        {"keepalives_interval", "10"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "30000"},
    };
    if (!url_.unix_socket() && !codec::IpAddress::parse(url_.host))
        resolver_ = std::make_unique<net::Resolver>();
}

/// libpq would look names up itself, and block.
/// @return addresses apart by commas; none where nothing is to be looked up
Task<Result<std::string>> Connector::addresses() {
    if (!resolver_) co_return std::string{};
    GH_CO_TRY(const auto found, co_await net::look_up(loop_, *resolver_, url_.host, url_.port));
    std::string list;
    for (const auto& address : found) {
        if (!list.empty()) list += ',';
        list += address.ip_text();
    }
    co_return list;
}

ConnectionHandle Connector::start(const std::string& addresses) const {
    std::vector<const char*> names;
    std::vector<const char*> values;
    const auto add = [&](const char* name, const char* value) {
        names.push_back(name);
        values.push_back(value);
    };
    std::string hosts;
    for (const auto& [name, value] : settings_) add(name, value.c_str());
    if (!addresses.empty()) {
        // The same name for each address: it is what the certificate must hold.
        hosts = url_.host;
        for (const char c : addresses) {
            if (c == ',') hosts += "," + url_.host;
        }
        add("host", hosts.c_str());
        add("hostaddr", addresses.c_str());
    }
    add("password", url_.password.view().data());  // the view is of a whole string: a NUL ends it
    add(nullptr, nullptr);
    return ConnectionHandle(PQconnectStartParams(names.data(), values.data(), 0));
}

Task<Result<ConnectionHandle>> Connector::connect(net::Wakeup& attempt, const bool& stop) {
    auto found = co_await addresses();
    if (!found) co_return std::unexpected(failed(found.error().detail));
    auto handle = start(*found);
    if (!handle || PQstatus(handle.get()) == CONNECTION_BAD)
        co_return std::unexpected(
            failed(handle ? PQerrorMessage(handle.get()) : "no memory for a connection"));
    attempt.expire_at(loop_.now() + timeout_);
    net::BorrowedDescriptor watch(loop_, PQsocket(handle.get()));
    watch.notify(&attempt);
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;) {
        watch.want(state == PGRES_POLLING_READING, state == PGRES_POLLING_WRITING);
        co_await attempt.wait();
        if (stop) co_return std::unexpected(failed("stopping"));
        if (attempt.expired())
            co_return std::unexpected(failed(fmt::format(
                "no answer within {} s", std::chrono::duration_cast<seconds>(timeout_).count())));
        state = PQconnectPoll(handle.get());
        if (state == PGRES_POLLING_FAILED)
            co_return std::unexpected(failed(PQerrorMessage(handle.get())));
        if (PQsocket(handle.get()) >= 0) watch.follow(PQsocket(handle.get()));
    }
    co_return handle;
}

}  // namespace gh::storage::postgres
