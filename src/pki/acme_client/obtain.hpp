#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/http_proofs.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "net/tls_proofs.hpp"
#include "pki/acme_client/config.hpp"
#include "pki/acme_client/leaf.hpp"
#include "pki/acme_client/pending.hpp"
#include "pki/acme_client/session.hpp"

namespace gh::pki::acme_client {

/// Where proofs are put for the CA to look at. Outlives whoever puts them.
struct ProofPlaces {
    access::HttpProofs& http;
    net::TlsProofs& tls;
};

/// What is ordered.
struct Wanted {
    std::vector<std::string> names;
    ChallengeChoice challenge = ChallengeChoice::any;
    bool http_first = true;  ///< with `any`
    std::uint32_t failures =
        0;  ///< in a row before: with `any`, every other try begins with the other way
    std::string replaces;                 ///< renewal id (RFC 9773 §5); empty: none
    std::optional<Pending> pending = {};  ///< what came of it is asked first
    SystemTime newer_than = {};           ///< what pending gives is only good if it ends later
    std::function<void(const Pending&)> keep =
        {};  ///< called before it is finalized; empty: nobody keeps it
};

/// Which of the CA's challenges is answered; null: it offers none that we may or can.
[[nodiscard]] const Authorization::Challenge* choose_challenge(const Authorization& authorization,
                                                               const Wanted& wanted);

/// Orders a certificate, proves the names and fetches it (RFC 8555 §7.4): with a new key, judged by judge_chain(). Proofs are
/// gone when it ends.
/// @param key  of the account that `session` is signed in with
/// @return errors of Session, read_*() and judge_chain(); `invalid_argument` "acme_client.refused" with the reason of a proof that
///         failed; `deadline_exceeded` "acme_client.slow"
[[nodiscard]] Task<Result<Leaf>> obtain(Session& session, const AccountKey& key, ProofPlaces places,
                                        Wanted wanted);

}  // namespace gh::pki::acme_client
