#include "app/tls_material.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "crypto/digest.hpp"
#include "pki/host_names.hpp"
#include "pki/name_constraints.hpp"
#include "pki/ocsp.hpp"
#include "pki/subject_names.hpp"

namespace gh::app {
namespace {

constexpr std::chrono::minutes staple_renewed_after{15};
constexpr std::chrono::seconds ca_looked_at_every{5};
constexpr std::chrono::seconds leaf_pause_min{10};
constexpr std::chrono::seconds leaf_pause_max{3'600};

std::string key_of(const net::CertificateFiles& files) {
    return files.cert_file.string() + '\n' + files.key_file.string();
}

/// Nodes that share the keys and speak for different names replace each other's leaf seldom, and leave few behind.
std::string leaf_name(const crypto::CertificateNames& names) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto digest = crypto::sha256(pki::text_of_names(names));
    return std::string("gateway-") + digits[digest[0] % digits.size()];
}

net::CertificateChain chain_of_ca(const pki::acme_client::Leaf& leaf) {
    return {.cert_pem = leaf.chain_pem,
            .key_pem = std::string(crypto::text_of(leaf.key_pem.bytes())),
            .source = "ACME"};
}

}  // namespace

Result<TlsMaterial> TlsMaterial::open(const std::filesystem::path& data_dir,
                                      std::unique_ptr<crypto::KeyStore> keys, SystemTime now,
                                      std::string published_at) {
    TlsMaterial material;
    material.keys_ = std::move(keys);
    GH_TRY(auto ca, pki::InternalCa::open(*material.keys_, data_dir, now, std::move(published_at)));
    material.ca_ = std::make_unique<pki::InternalCa>(std::move(ca));
    GH_TRY(material.tickets_, net::TicketKeys::make(now));
    return material;
}

Result<net::CertificateChain> TlsMaterial::chain_of(const net::CertificateFiles& files) {
    const auto found = watched_.find(key_of(files));
    if (found != watched_.end()) return found->second.chain;
    const auto stamp = net::stamp_of(files);
    GH_TRY(auto chain, net::load_certificate_files(files));
    watched_.emplace(key_of(files), Watched{net::CertificateWatcher(stamp), chain});
    return chain;
}

std::vector<std::string> TlsMaterial::permitted(const std::vector<std::string>& names,
                                                SystemTime now) const {
    const auto issuer = ca_->issuer();
    if (pki::constraints_of(issuer->certificate()).empty()) return names;
    std::vector<std::string> good;
    for (const auto& name : names) {
        auto alone = pki::names_from_hosts(std::vector<std::string>{name});
        if (!alone) continue;
        // For its own key, which nobody serves with.
        if (issuer->issue({.names = *std::move(alone)}, issuer->key(), now)) good.push_back(name);
    }
    return good;
}

Result<std::shared_ptr<const net::TlsContext>> TlsMaterial::context(
    const net::ListenerConfig& listener, const std::vector<std::string>& names, SystemTime now,
    const std::shared_ptr<const pki::acme_client::Leaf>& of_ca) {
    const auto& tls = *listener.tls;
    net::TlsServerSettings settings;
    settings.min_version = tls.min_version;
    settings.client_certificate = tls.client_certificate;
    settings.ticket_keys = tickets_;
    settings.listener = listener.name;
    if (tls.client_ca_file) {
        GH_TRY(settings.client_ca_pem, net::read_pem_file(*tls.client_ca_file));
        settings.client_ca_source = tls.client_ca_file->string();
    } else {
        settings.client_ca_pem = ca_->root().certificate_pem();
        settings.client_ca_source = "internal CA";
    }
    for (const auto& files : tls.certificates) {
        GH_TRY(auto chain, chain_of(files));
        settings.certificates.push_back(std::move(chain));
    }
    if (client_ != nullptr) settings.proofs = client_->tls_proofs();
    internal_on_.erase(listener.name);
    if (tls.acme) of_ca_ = of_ca;
    if (tls.acme && of_ca) settings.certificates.push_back(chain_of_ca(*of_ca));
    const bool made_here = settings.certificates.empty();
    if (made_here) {
        GH_TRY_VOID(add_internal_leaf(settings, names, now));
        internal_on_.insert(listener.name);
    }
    if (internal_on_.empty()) leaf_.reset();
    auto made = net::TlsContext::make(settings, now);
    for (auto& each : settings.certificates) crypto::wipe(each.key_pem.data(), each.key_pem.size());
    return made;
}

Result<void> TlsMaterial::add_internal_leaf(net::TlsServerSettings& settings,
                                            const std::vector<std::string>& names, SystemTime now) {
    GH_TRY(auto own_names, pki::names_from_hosts(names));
    const auto kept_as = leaf_name(own_names);
    GH_TRY(auto leaf, ca_->leaf(kept_as, pki::LeafRequest{.names = std::move(own_names)}, now));
    settings.certificates.push_back({leaf.chain_pem, leaf.key_pem, "internal CA"});
    crypto::wipe(leaf.key_pem.data(), leaf.key_pem.size());
    leaf.key_pem.clear();
    leaf_ = std::move(leaf);
    GH_TRY_VOID(staple(now));
    settings.certificates.back().staple = staple_;
    return {};
}

/// Also when its time comes or ends. Each change once: one that cannot be served is told of, and not tried forever.
bool TlsMaterial::other_leaf_of_ca(SystemTime now) {
    if (client_ == nullptr) return false;
    const auto now_good = client_->leaf(now);
    return std::exchange(of_ca_, now_good) != now_good;
}

void TlsMaterial::not_served(SystemTime now) {
    not_served_at_ = now;
    not_served_pause_ = std::clamp(2 * not_served_pause_, leaf_pause_min, leaf_pause_max);
}

bool TlsMaterial::wanted_again(SystemTime now) {
    if (!not_served_at_) not_served_pause_ = {};
    // A clock set back must not hold it up.
    if (!not_served_at_ || (now >= *not_served_at_ && now < *not_served_at_ + not_served_pause_))
        return false;
    not_served_at_.reset();
    return true;
}

bool TlsMaterial::leaf_due(SystemTime now, telemetry::Log& log) {
    const bool revoked = leaf_ && ca_->revoked(leaf_->serial);
    const bool of_other = leaf_ && !leaf_->chain_pem.ends_with(ca_->issuer()->certificate_pem());
    if (!leaf_ ||
        (!revoked && !of_other && !pki::renewal_due(leaf_->not_before, leaf_->not_after, now))) {
        leaf_pause_ = {};
        return false;
    }
    // A clock set back must not hold it up.
    if (now >= leaf_tried_ && now < leaf_tried_ + leaf_pause_) return false;
    leaf_tried_ = now;
    leaf_pause_ = std::clamp(2 * leaf_pause_, leaf_pause_min, leaf_pause_max);
    if (revoked) {
        log.warning("pki", "the certificate that listeners serve with is revoked; another is made")
            .field("serial", leaf_->serial);
    }
    return true;
}

bool TlsMaterial::changed(const Settings& settings, SystemTime now, telemetry::Log& log) {
    bool any = leaf_due(now, log);
    any = other_leaf_of_ca(now) || any;
    any = wanted_again(now) || any;
    for (const auto& listener : settings.listeners) {
        if (!listener.tls) continue;
        for (const auto& files : listener.tls->certificates) {
            const auto found = watched_.find(key_of(files));
            if (found == watched_.end()) continue;
            auto& [watcher, in_use] = found->second;
            const auto seen = net::stamp_of(files);
            if (!watcher.should_reload(seen)) continue;
            auto chain = net::load_certificate_files(files);
            if (chain) {
                watcher.accepted(seen);
                in_use = std::move(*chain);
                any = true;
                log.info("net", "certificate files reloaded")
                    .field("cert_file", files.cert_file.string());
            } else if (watcher.refused(seen)) {
                log.error("net", "changed certificate files are no good; those in use stay")
                    .field("cert_file", files.cert_file.string())
                    .error(chain.error());
            }
        }
    }
    return any;
}

Result<void> TlsMaterial::staple(SystemTime now) {
    const bool fresh = leaf_ && stapled_ == leaf_->serial && now >= stapled_at_ &&
                       now < stapled_at_ + staple_renewed_after;
    const bool revoked = leaf_ && ca_->revoked(leaf_->serial);
    if (!leaf_ || (fresh && !revoked)) return {};
    // Of its own: handshakes that began with the leaf before go on with what is said of that.
    if (stapled_ != leaf_->serial) staple_ = std::make_shared<net::Staple>();
    if (revoked) {
        stapled_.clear();
        staple_->take_away();
        return {};
    }
    const auto issuer = ca_->issuer();
    GH_TRY(const auto request, pki::OcspRequest::about(*issuer, leaf_->serial));
    GH_TRY(auto response,
           pki::answer_ocsp(request, *issuer, {{.kind = pki::OcspStatus::Kind::good}}, now));
    staple_->put(std::move(response), now + pki::ocsp_lifetime);
    stapled_ = leaf_->serial;
    stapled_at_ = now;
    return {};
}

void TlsMaterial::look_at_ca(SystemTime now, telemetry::Log& log) {
    // A clock set back must not hold it up.
    if (now >= ca_looked_at_ && now < ca_looked_at_ + ca_looked_at_every) return;
    ca_looked_at_ = now;
    const auto looked = ca_->refresh(now);
    if (!looked && !ca_failing_)
        log.error("pki", "the internal CA could not be looked after").error(looked.error());
    ca_failing_ = !looked;
}

void TlsMaterial::keep_fresh(SystemTime now, telemetry::Log& log) {
    look_at_ca(now, log);
    if (const auto stapled = staple(now); !stapled)
        log.error("pki", "no OCSP response could be made for our own listeners")
            .error(stapled.error());
    if (const auto rotated = tickets_->rotate_if_due(now); !rotated) {
        log.error("net", "session ticket keys could not be rotated").error(rotated.error());
    }
}

Result<std::unique_ptr<TlsMaterial>> open_tls(const Settings& settings,
                                              std::unique_ptr<crypto::KeyStore> keys) {
    GH_TRY(auto tls, TlsMaterial::open(settings.data_dir, std::move(keys),
                                       std::chrono::system_clock::now(), settings.pki.url));
    return std::make_unique<TlsMaterial>(std::move(tls));
}

}  // namespace gh::app
