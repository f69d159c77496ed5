#pragma once

#include "http/connection_test_peers.hpp"
#include "http/h2_connection.hpp"
#include "http/h2_test_peers.hpp"

/// A client's HTTP/2 session over a socket, for tests of a whole connection.
namespace gh::http {

using Talk = Conversation<H2Connection>;

inline Headers get(const std::string& path) {
    return {{":method", "GET"}, {":scheme", "https"}, {":path", path}, {":authority", "h"}};
}

inline Headers post(const std::string& path) {
    auto fields = get(path);
    fields[0].second = "POST";
    return fields;
}

/// Lets the client's session and the house talk until the client has what the test waits for.
inline Task<> talk_until(H2Client& client, FarEnd& end, bool (*enough)(H2Client&)) {
    end.wakeup().expire_at(end.wakeup().loop().now() + FarEnd::patience);
    for (;;) {
        const auto up = client.take();
        if (!up.empty()) co_await end.send(up);
        const auto down = end.take();
        if (!down.empty()) client.give(down);
        if (enough(client) || end.over()) co_return;
        if (end.wakeup().expired()) {
            ADD_FAILURE() << "waited in vain";
            co_return;
        }
        if (up.empty() && down.empty()) co_await end.wait();
    }
}

inline bool all_closed(H2Client& client) {
    return !client.headers.empty() && client.closed.size() == client.headers.size();
}

inline bool never(H2Client&) { return false; }

}  // namespace gh::http
