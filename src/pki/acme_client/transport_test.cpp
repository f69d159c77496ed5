#include "pki/acme_client/transport.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/listener.hpp"
#include "net/run_task.hpp"
#include "net/tls_client_context.hpp"

namespace gh::pki::acme_client {
namespace {

/// One that takes connections and never says a word.
class Silent {
 public:
    Silent() : fd_(net::open_listening_socket(*net::Address::parse("127.0.0.1", 0)).value()) {}
    ~Silent() { ::close(fd_); }
    Silent(const Silent&) = delete;
    Silent& operator=(const Silent&) = delete;
    [[nodiscard]] net::Address address() const { return net::local_address(fd_); }

 private:
    int fd_;
};

http::FetchRequest hurried() {
    http::FetchRequest request;
    request.authority = request.server_name = "ca.example";
    request.timeout = milliseconds(2'000);
    request.connect_timeout = milliseconds(50);
    return request;
}

std::string failure(std::vector<net::Address> addresses, http::FetchRequest request) {
    const auto fetched = net::run_to_end(fetch_of_any(std::move(addresses), std::move(request)));
    return fetched ? "" : std::string(fetched.error().reason) + " " + fetched.error().detail;
}

TEST(AcmeTransport, AnAddressThatIsDeadIsFollowedByTheNext) {
    const Silent dead, other;
    const auto tls = net::TlsClientContext::make({}).value();
    auto request = hurried();
    request.tls = tls.get();
    const auto told = failure({dead.address(), other.address()}, request);
    EXPECT_TRUE(told.starts_with("fetch.connect ca.example: " + other.address().text())) << told;
}

TEST(AcmeTransport, ARequestThatMayHaveBeenReadIsNotSentElsewhere) {
    const Silent slow, other;
    auto request = hurried();
    request.timeout = milliseconds(100);
    const auto told = failure({slow.address(), other.address()}, request);
    EXPECT_EQ(told, "fetch.timeout ca.example");
    request.timeout = milliseconds(0);
    EXPECT_EQ(failure({slow.address()}, request), "net.resolve ca.example");
}

}  // namespace
}  // namespace gh::pki::acme_client
