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
        const auto verdict = p.on_request(house.begin());
        EXPECT_EQ(verdict, answers == '-' ? Verdict::walk_on : Verdict::answered);
        p.on_response(house.exchange);
        EXPECT_EQ(seen, story);
        house.again();
    }
}

TEST(Pipeline, WithoutDoorsIsOpen) {
    FakeHouse house;
    EXPECT_EQ(Pipeline().on_request(house.begin()), Verdict::walk_on);
}

}  // namespace
}  // namespace gh::gateway
