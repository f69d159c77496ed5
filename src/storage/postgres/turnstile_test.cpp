#include "storage/postgres/turnstile.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gh::storage::postgres {
namespace {

struct Visitors {
    net::Loop& loop;
    Turnstile& turnstile;
    std::string inside{};
    std::vector<std::string> seen{};
    std::size_t expected = 0;

    Task<> visit(char name, bool alone, milliseconds stay) {
        const auto pass = co_await turnstile.enter(alone);
        inside += name;
        seen.push_back(inside);
        co_await net::Sleep(loop, stay);
        std::erase(inside, name);
        if (seen.size() == expected && inside.empty()) loop.stop();
    }
};

TEST(Turnstile, LetsManyInOrOneAloneInTheOrderOfTheirComing) {
    net::Loop loop;
    Turnstile turnstile(loop);
    Visitors visitors{.loop = loop, .turnstile = turnstile, .expected = 6};
    loop.post([&] {
        spawn(visitors.visit('a', false, milliseconds(20)));
        spawn(visitors.visit('b', false, milliseconds(10)));
        spawn(visitors.visit('C', true, milliseconds(5)));
        spawn(visitors.visit('D', true, milliseconds(5)));
        spawn(visitors.visit('e', false, milliseconds(10)));  // does not pass who waits to be alone
        spawn(visitors.visit('f', false, milliseconds(5)));
    });
    loop.run();
    EXPECT_EQ(visitors.seen, (std::vector<std::string>{"a", "ab", "C", "D", "e", "ef"}));
}

}  // namespace
}  // namespace gh::storage::postgres
