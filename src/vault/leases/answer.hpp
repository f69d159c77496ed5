#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "vault/compat.hpp"
#include "vault/kv_body.hpp"
#include "vault/leases/room.hpp"

// What the routes of leases have in common. Only they include this.

namespace gh::vault::leases {

using Handler = Answered (*)(LeaseRoom&, Entry, std::string_view body);

/// Its errors are told as a client reads them.
[[nodiscard]] Answered answered(LeaseRoom& room, Entry entry, std::string_view body,
                                Handler handler);

[[nodiscard]] inline Answer with(LeaseRoom& room, Handler handler) {
    return [&room, handler](Room& /*vault*/, Entry entry, std::string_view body) {
        return answered(room, std::move(entry), body, handler);
    };
}

[[nodiscard]] inline std::string name_in(const Entry& entry) {
    return std::string(entry.call.param("name"));
}

[[nodiscard]] inline api::Reply enveloped(const Entry& entry, std::string_view data) {
    return json(kv::enveloped(data, entry.call.request_id));
}

/// With the lease in the envelope.
[[nodiscard]] api::Reply leased(const Entry& entry, const Lease& lease, std::string_view data);

}  // namespace gh::vault::leases
