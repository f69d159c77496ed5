#include "base/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "base/try.hpp"

namespace gh {
namespace {

Task<int> three() { co_return 3; }
Task<std::string> word() { co_return "word"; }

Task<Result<int>> refuses() { co_return fail(ErrorKind::not_found, "test.none"); }

Task<Result<int>> hands_on() {
    GH_CO_TRY(auto value, co_await refuses());
    co_return value + 1;
}

TEST(Task, RunsWhenAwaitedAndHandsItsValueOver) {
    int sum = 0;
    auto body = [](int& out) -> Task<> {
        out = co_await three();
        out += static_cast<int>((co_await word()).size());
    };
    auto task = body(sum);
    EXPECT_EQ(sum, 0);
    spawn(std::move(task));
    EXPECT_EQ(sum, 7);
}

TEST(Task, HandsAnErrorToTheCaller) {
    std::string_view reason;
    auto body = [](std::string_view& out) -> Task<> {
        const auto result = co_await hands_on();
        out = result.error().reason;
    };
    spawn(body(reason));
    EXPECT_EQ(reason, "test.none");
}

TEST(Task, CarriesAnExceptionToItsAwaiter) {
    bool caught = false;
    auto body = [](bool& out) -> Task<> {
        auto thrower = []() -> Task<int> {
            throw std::runtime_error("bug");
            co_return 0;
        };
        auto thrown = thrower();
        try {
            co_await std::move(thrown);
        } catch (const std::runtime_error&) {
            out = true;
        }
    };
    spawn(body(caught));
    EXPECT_TRUE(caught);
}

TEST(Task, IsDestroyedUnstartedWithoutRunning) {
    bool ran = false;
    auto body = [](bool& out) -> Task<> {
        out = true;
        co_return;
    };
    {
        auto task = body(ran);
    }
    EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace gh
