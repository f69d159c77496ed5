#include "pki/acme_client/client.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.hpp"
#include "base/temporary_directory.hpp"
#include "crypto/digest.hpp"
#include "net/run_task.hpp"
#include "pki/acme_client/testing.hpp"
#include "pki/key_store.hpp"

namespace gh::pki::acme_client {
namespace {

using std::chrono::hours;

class Kept final : public telemetry::LogSink {
 public:
    void append(std::string_view line) noexcept override { text += line; }
    std::string text;
};

/// One way for all conversations of a test.
class Shared final : public Transport {
 public:
    explicit Shared(Transport& way) : way_(way) {}
    Task<Result<Answer>> ask(std::string url, std::string body, milliseconds patience) override {
        return way_.ask(std::move(url), std::move(body), patience);
    }

 private:
    Transport& way_;
};

/// A client with a log and numbers of its own, and clocks that the test sets.
struct Node {
    Node(crypto::KeyStore& keys, const std::filesystem::path& lock_file, Transport& way,
         const SystemTime& now)
        : client({.keys = keys,
                  .log = log,
                  .registry = registry,
                  .lock_file = lock_file,
                  .way_to = [&way](const AcmeClientConfig&,
                                   net::Resolver&) -> Result<std::unique_ptr<Transport>> {
                      return std::make_unique<Shared>(way);
                  },
                  .now = [&now] { return now; },
                  .ticks = [this] { return ticks; }}) {}

    void round() {
        (void)net::run_to_end([](Node& node) -> Task<Result<int>> {
            co_await node.client.keep(node.resolver);
            co_return 0;
        }(*this));
    }
    [[nodiscard]] bool says(std::string_view words) const { return lines.text.contains(words); }
    /// "gatehouse_acme_client_failures_total 3"
    [[nodiscard]] bool counts(std::string_view line) const {
        std::string page;
        registry.render(page);
        return page.contains("\n" + std::string(line) + "\n");
    }

    Kept lines;
    telemetry::Log log{lines};
    telemetry::Registry registry;
    net::Resolver resolver;
    SteadyTime ticks = std::chrono::steady_clock::now();
    Client client;
};

class AcmeClient : public acme::ServerTest {
 protected:
    void SetUp() override {
        now = std::chrono::system_clock::now();
        config.domains = {"corp.example"};
        ServerTest::SetUp();
    }
    std::unique_ptr<Node> node() { return node(home.path() / "acme.lock"); }
    std::unique_ptr<Node> node(const std::filesystem::path& lock_file) {
        return std::make_unique<Node>(keys, lock_file, way, now);
    }
    static Aim aim(std::vector<std::string> names = {"a.corp.example"}) {
        AcmeClientConfig wanted;
        wanted.directory = url("directory");
        wanted.domains = std::move(names);
        return {.config = std::move(wanted)};
    }
    std::ptrdiff_t accounts() {
        return std::ranges::count(acts(), std::string("acme.account.create success"));
    }
    std::ptrdiff_t orders() { return std::ranges::count(way.asked, url("new-order")); }

    const TemporaryDirectory home;
    FileKeyStore keys = FileKeyStore::open(home.path() / "keys").value();
    Direct way{table};
};

TEST_P(AcmeClient, ACertificateIsHadAndKeptForTheNextStart) {
    const auto one = node();
    one->client.aim_at(aim());
    EXPECT_EQ(one->client.state(now), ServedState::internal);
    one->round();
    EXPECT_EQ(one->client.state(now), ServedState::valid) << one->lines.text;
    EXPECT_TRUE(one->counts("gatehouse_acme_client_issued_total 1"));
    const auto again = node();
    again->client.aim_at(aim());
    EXPECT_EQ(again->client.state(now), ServedState::valid);
    again->round();
    EXPECT_EQ(orders(), 1);
}

TEST_P(AcmeClient, ALockThatCannotBeHadIsAFailureThatIsTold) {
    const auto one = node(home.path() / "no such folder" / "acme.lock");
    one->client.aim_at(aim());
    one->round();
    EXPECT_TRUE(one->says("acme_client.lock")) << one->lines.text;
    EXPECT_TRUE(one->counts("gatehouse_acme_client_failures_total 1"));
    EXPECT_TRUE(one->counts("gatehouse_acme_client_last_success_seconds 0"));
    EXPECT_EQ(orders(), 0);
}

TEST_P(AcmeClient, AnotherNodesTurnIsNoSuccessOfOurs) {
    const auto one = node();
    one->client.aim_at(aim());
    way.instead = [](const std::string&, const std::string&) {
        return std::optional<Result<Answer>>(problem(403, "unauthorized"));
    };
    one->round();
    EXPECT_TRUE(one->counts("gatehouse_acme_client_failures_total 1"));
    const auto asked = way.asked.size();
    const auto lock = FileLock::acquire(home.path() / "acme.lock", milliseconds(0));
    ASSERT_TRUE(lock);
    one->ticks += hours(1);
    one->round();
    EXPECT_EQ(way.asked.size(), asked);
    EXPECT_FALSE(one->says("the CA answers again")) << one->lines.text;
    EXPECT_TRUE(one->counts("gatehouse_acme_client_last_success_seconds 0"));
}

TEST_P(AcmeClient, NodesThatBeginTogetherShareOneAccount) {
    const auto one = node(), other = node();
    for (const auto* each : {&one, &other}) (*each)->client.aim_at(aim());
    network.meanwhile = [&]() -> Task<> { co_await other->client.keep(other->resolver); };
    one->round();
    network.meanwhile = nullptr;
    EXPECT_EQ(one->client.state(now), ServedState::valid) << one->lines.text;
    other->ticks += seconds(6);
    other->round();
    EXPECT_EQ(other->client.leaf(now)->chain_pem, one->client.leaf(now)->chain_pem);
    const auto restarted = node();
    restarted->client.aim_at(aim({"a.corp.example", "b.corp.example"}));
    restarted->round();
    EXPECT_EQ(orders(), 2) << restarted->lines.text;
    EXPECT_EQ(accounts(), 1);
}

TEST_P(AcmeClient, APauseThatTheCaWantsOutlivesAChangeThatItWouldNotHearOf) {
    const auto one = node();
    one->client.aim_at(aim());
    way.instead = [](const std::string& asked, const std::string&) {
        return asked.ends_with("/new-order")
                   ? std::optional<Result<Answer>>(problem(429, "rateLimited", "7200"))
                   : std::nullopt;
    };
    one->round();
    ASSERT_EQ(orders(), 1) << one->lines.text;
    auto changed = aim();
    changed.http_first = !changed.http_first;
    changed.config.contacts = {"admin@corp.example"};
    one->client.aim_at(changed);
    one->ticks += hours(1);
    one->round();
    EXPECT_EQ(orders(), 1);
    changed.config.domains = {"b.corp.example"};
    one->client.aim_at(changed);
    one->round();
    EXPECT_EQ(orders(), 2);
}

TEST_P(AcmeClient, ACertificateAheadOfOurClockIsKeptAndServedInTime) {
    const auto one = node();
    one->client.aim_at(aim());
    const auto right = now;
    one->round();
    ASSERT_TRUE(one->client.leaf(right)) << one->lines.text;
    now = right - hours(3);
    const auto behind = node();
    behind->client.aim_at(aim());
    for (int i = 0; i < 3; ++i) {
        behind->round();
        behind->ticks += hours(1);
    }
    EXPECT_EQ(behind->client.state(now), ServedState::internal);
    EXPECT_TRUE(behind->says("see that the clock is right")) << behind->lines.text;
    EXPECT_EQ(orders(), 1) << "there is one for it";
    now = right;
    EXPECT_EQ(behind->client.state(now), ServedState::valid);
    behind->round();
    EXPECT_EQ(orders(), 1);
}

TEST_P(AcmeClient, AUselessCertificateIsNotFollowedByAnotherSoon) {
    const auto one = node();
    one->client.aim_at(aim());
    way.instead = [&](const std::string& asked,
                      const std::string&) -> std::optional<Result<Answer>> {
        if (!asked.contains("/cert/")) return std::nullopt;
        return Answer{.status = 200, .nonce = nonce(), .body = issuer->certificate_pem()};
    };
    one->round();
    EXPECT_TRUE(one->says("acme_client.chain")) << one->lines.text;
    one->ticks += hours(4);
    one->round();
    EXPECT_EQ(orders(), 1);
    one->ticks += hours(4);
    one->round();
    EXPECT_EQ(orders(), 2);
}

TEST_P(AcmeClient, ACertificateThatWasUnderWayIsHadByTheNextProcess) {
    const auto finalized = [this] {
        return std::ranges::count_if(
            way.asked, [](const std::string& each) { return each.ends_with("/finalize"); });
    };
    {
        const auto one = node();
        one->client.aim_at(aim());
        way.instead = [](const std::string& asked,
                         const std::string&) -> std::optional<Result<Answer>> {
            if (!asked.contains("/cert/")) return std::nullopt;
            return problem(500, "serverInternal");
        };
        one->round();
        EXPECT_EQ(one->client.state(now), ServedState::internal);
        EXPECT_EQ(finalized(), 1);
    }
    const auto next = node();
    next->client.aim_at(aim());
    next->round();
    EXPECT_EQ(orders(), 1) << "the CA is still away";
    way.instead = nullptr;
    next->ticks += hours(1);
    next->round();
    EXPECT_EQ(next->client.state(now), ServedState::valid) << next->lines.text;
    EXPECT_EQ(orders(), 1);
    EXPECT_EQ(finalized(), 1);

    next->client.aim_at(aim({"a.corp.example", "b.corp.example"}));
    next->round();
    EXPECT_EQ(orders(), 2) << "nothing is under way any more";
}

TEST_P(AcmeClient, AnOrderThatTheCaHasForgottenIsMadeAnew) {
    const Pending pending{.key = make_key(), .order = url("order/forgotten")};
    const auto name = "acme-pending-" + crypto::sha256_hex(url("directory")).substr(0, 16);
    ASSERT_TRUE(keys.store(name, sealed_text_of(pending)));
    const auto one = node();
    one->client.aim_at(aim());
    one->round();
    EXPECT_EQ(one->client.state(now), ServedState::valid) << one->lines.text;
    EXPECT_TRUE(std::ranges::count(way.asked, pending.order) > 0);
    EXPECT_EQ(orders(), 1);
}

TEST_P(AcmeClient, AdviceThatIsRefusedIsAskedForWhenTheCaWants) {
    const auto one = node();
    one->client.aim_at(aim());
    one->round();
    ASSERT_EQ(one->client.state(now), ServedState::valid) << one->lines.text;
    way.asked.clear();
    way.instead = [](const std::string& asked,
                     const std::string&) -> std::optional<Result<Answer>> {
        if (!asked.contains("/renewal-info/")) return std::nullopt;
        return problem(429, "rateLimited", "72000");
    };
    for (int i = 0; i < 19; ++i) {
        one->ticks += hours(1);
        one->round();
    }
    EXPECT_EQ(std::ranges::count(way.asked, url("directory")), 1);
    one->ticks += hours(3);
    one->round();
    EXPECT_EQ(std::ranges::count(way.asked, url("directory")), 2);
    EXPECT_EQ(one->client.state(now), ServedState::valid);
}

INSTANTIATE_TEST_SUITE_P(Engines, AcmeClient, storage::both_engines, storage::engine_name);

}  // namespace
}  // namespace gh::pki::acme_client
