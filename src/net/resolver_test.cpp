#include "net/resolver.hpp"

#include <gtest/gtest.h>

namespace gh::net {
namespace {

const std::string unheard_of(300, 'x');  // longer than a name may be: nobody is asked about it

TEST(Resolver, KnowsLiteralsAndRefusesWhatIsNoName) {
    for (const std::string literal : {"127.0.0.1", "::1"}) {
        const auto found = resolve_now(literal, 8000);
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_EQ(found->front().ip_text(), literal);
        EXPECT_EQ(found->front().port(), 8000);
    }
    const auto lost = resolve_now(unheard_of, 80);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(lost.error().reason, "net.resolve");
    EXPECT_TRUE(lost.error().detail.starts_with(unheard_of));
}

Task<> look_up_both(Loop& loop, Resolver& resolver, std::vector<std::string>& answers) {
    for (const std::string& host : {std::string("127.0.0.1"), unheard_of}) {
        const auto found = co_await look_up(loop, resolver, host, 80);
        answers.push_back(found ? found->front().text() : std::string(found.error().reason));
    }
    loop.stop();
}

TEST(Resolver, AnswersOnTheLoopThatAsked) {
    Loop loop;
    Resolver resolver;
    std::vector<std::string> answers;
    spawn(look_up_both(loop, resolver, answers));
    EXPECT_TRUE(answers.empty()) << "it answers from another thread, by way of the loop";
    loop.run();
    EXPECT_EQ(answers, (std::vector<std::string>{"127.0.0.1:80", "net.resolve"}));
}

TEST(Resolver, DropsWhatItHasNotBegunWhenItEnds) {
    Loop loop;
    int answered = 0;
    constexpr int asked = 100;
    {
        Resolver resolver;
        for (int i = 0; i < asked; ++i) {
            resolver.resolve(loop, "127.0.0.1", 80, [&](Result<std::vector<Address>> found) {
                EXPECT_TRUE(found);
                ++answered;
            });
        }
    }
    loop.stop();
    loop.run();
    EXPECT_LE(answered, asked);  // and whoever is not answered is not called later
    const int then = answered;
    loop.stop();
    loop.run();
    EXPECT_EQ(answered, then);
}

}  // namespace
}  // namespace gh::net
