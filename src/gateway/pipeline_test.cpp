#include "gateway/pipeline.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

/// Writes down when it was passed.
class Door final : public Filter {
 public:
    Door(std::string& story, char name, Verdict verdict)
        : story_(story), name_(name), verdict_(verdict) {}
    Verdict on_request(Exchange& /*exchange*/) override {
        story_ += name_;
        return verdict_;
    }
    void on_response(Exchange& /*exchange*/) override {
        story_ += static_cast<char>(name_ - 'a' + 'A');
    }

 private:
    std::string& story_;
    char name_;
    Verdict verdict_;
};

TEST(Pipeline, GoesInUntilSomebodyAnswersAndOutThroughEveryDoorInReverse) {
    FakeHouse house;
    for (const auto& [answers, story] : {std::pair{'-', "abcCBA"}, {'a', "aCBA"}, {'b', "abCBA"}}) {
        std::string seen;
        Pipeline p;
        for (const char name : {'a', 'b', 'c'})
            p.add<Door>(seen, name, name == answers ? Verdict::answered : Verdict::walk_on);
        std::size_t door = 0;
        const auto verdict = p.on_request(house.begin(), door);
        EXPECT_EQ(verdict, answers == '-' ? Verdict::walk_on : Verdict::answered);
        p.on_response(house.exchange);
        EXPECT_EQ(seen, story);
        house.again();
    }
}

TEST(Pipeline, WithoutDoorsIsOpen) {
    FakeHouse house;
    std::size_t door = 0;
    EXPECT_EQ(Pipeline().on_request(house.begin(), door), Verdict::walk_on);
}

/// Lets nobody through until it is opened.
class Gate final : public Filter {
 public:
    Gate(net::Wakeup& wakeup, Verdict verdict) : wakeup_(wakeup), verdict_(verdict) {}
    Verdict on_request(Exchange& /*exchange*/) override { return Verdict::wait; }
    Task<Verdict> wait(Exchange& /*exchange*/) override {
        co_await wakeup_.wait();
        co_return verdict_;
    }

 private:
    net::Wakeup& wakeup_;
    Verdict verdict_;
};

TEST(Pipeline, GoesOnBehindADoorThatHadToWait) {
    for (const auto second : {Verdict::walk_on, Verdict::answered}) {
        FakeHouse house;
        net::Wakeup first_opens(house.worker.loop), second_opens(house.worker.loop);
        std::string seen;
        Pipeline p;
        p.add<Door>(seen, 'a', Verdict::walk_on);
        p.add<Gate>(first_opens, Verdict::walk_on);
        p.add<Door>(seen, 'b', Verdict::walk_on);
        p.add<Gate>(second_opens, second);
        p.add<Door>(seen, 'c', Verdict::walk_on);
        std::size_t door = 0;
        EXPECT_EQ(p.on_request(house.begin(), door), Verdict::wait);
        EXPECT_EQ(door, 1U);
        EXPECT_EQ(seen, "a");

        first_opens.wake();
        second_opens.wake();  // remembered until somebody waits
        auto verdict = Verdict::wait;
        const auto go_on = [](const Pipeline& pipeline, Exchange& exchange, std::size_t at,
                              Verdict& into) -> Task<> {
            into = co_await pipeline.wait(exchange, at);
            exchange.worker->loop.stop();
        };
        spawn(go_on(p, house.exchange, door, verdict));
        house.worker.loop.run();
        EXPECT_EQ(verdict, second);
        EXPECT_EQ(seen, second == Verdict::walk_on ? "abc" : "ab");
    }
}

}  // namespace
}  // namespace gh::gateway
