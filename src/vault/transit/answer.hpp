#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "vault/compat.hpp"
#include "vault/kv_body.hpp"
#include "vault/transit/room.hpp"

// What the routes of transit have in common. Only they include this.

namespace gh::vault::transit {

using Handler = Answered (*)(TransitRoom&, Entry, std::string_view body);

/// Its errors are told as a client of transit reads them.
[[nodiscard]] Answered answered(TransitRoom& room, Entry entry, std::string_view body,
                                Handler handler);

[[nodiscard]] inline Answer with(TransitRoom& room, Handler handler) {
    return [&room, handler](Room& /*vault*/, Entry entry, std::string_view body) {
        return answered(room, std::move(entry), body, handler);
    };
}

[[nodiscard]] inline std::string name_in(const Entry& entry) {
    return std::string(entry.call.param("name"));
}

/// An answer's data in its envelope.
[[nodiscard]] inline api::Reply enveloped(const Entry& entry, std::string_view data) {
    return json(kv::enveloped(data, entry.call.request_id));
}

}  // namespace gh::vault::transit
