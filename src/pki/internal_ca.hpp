#pragma once

#include <filesystem>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "pki/authority.hpp"
#include "pki/key_store.hpp"

namespace gh::pki {

/// The authority that a house without certificates of its own starts with, and the certificate it serves with.
/// Any number of processes may do this on one data directory at once: they take turns, and all get the same.
class InternalCa {
 public:
    /// Loads the root, or makes it at the first start, and sees to `<data_dir>/ca.pem` (certificate only, 0644).
    /// A root that is there and cannot be read is an error: a new one would silently break every client.
    /// @return also `unavailable` "ca.locked" when another process holds the lock for ten seconds, "ca.io",
    ///         `corrupt` "ca.key_lost" when ca.pem is there and its key is not
    [[nodiscard]] static Result<InternalCa> open(crypto::KeyStore& keys,
                                                 std::filesystem::path data_dir, SystemTime now);

    /// The stored leaf called `name`, or a new one: when there is none that can be used, when the names differ from
    /// `request`, or when renewal is due. Call it at every start and, say, hourly.
    /// @param name  a token, as crypto::KeyStore wants them: "public" is kept as "leaf-public"
    [[nodiscard]] Result<IssuedCertificate> leaf(std::string_view name, const LeafRequest& request,
                                                 SystemTime now);

    [[nodiscard]] const Authority& root() const { return root_; }
    [[nodiscard]] std::filesystem::path certificate_file() const { return data_dir_ / "ca.pem"; }

 private:
    InternalCa(crypto::KeyStore& keys, std::filesystem::path data_dir, Authority root)
        : keys_(&keys), data_dir_(std::move(data_dir)), root_(std::move(root)) {}

    crypto::KeyStore* keys_;
    std::filesystem::path data_dir_;
    Authority root_;
};

/// Due when a third of the life is left, and when it has not begun (the clock was set back).
[[nodiscard]] bool renewal_due(SystemTime not_before, SystemTime not_after, SystemTime now);

}  // namespace gh::pki
