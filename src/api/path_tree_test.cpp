#include "api/path_tree.hpp"

#include <gtest/gtest.h>

namespace gh::api {
namespace {

PathTree tree_of(std::initializer_list<std::string_view> templates) {
    PathTree tree;
    for (const auto each : templates) EXPECT_TRUE(tree.add(each)) << each;
    return tree;
}

TEST(PathTree, FindsWhatIsSpelledOutBeforeWhatIsNot) {
    const auto tree = tree_of({"/health", "/users/{user}", "/users/me", "/users/{user}/keys",
                               "/users/me/{thing}/x", "/", "/{any}/deep/{end}"});
    struct Case {
        std::string_view path;
        std::optional<std::size_t> number;
    };
    const Case cases[] = {
        {"/health", 0},
        {"/users/ada", 1},
        {"/users/me", 2},
        {"/users/ada/keys", 3},
        {"/users/me/keys", 3},  // spelled out leads on to nothing here: the other way does
        {"/users/me/y/x", 4},
        {"/", 5},
        {"/users/deep/x", 6},
        {"/other/deep/x", 6},
        {"/health/", std::nullopt},
        {"/users/", std::nullopt},  // a name is never empty
        {"/users//keys", std::nullopt},
        {"/users", std::nullopt},
        {"/Health", std::nullopt},
        {"/users/ada/keys/1", std::nullopt},
        {"", std::nullopt},
        {"*", std::nullopt},
    };
    for (const auto& c : cases) EXPECT_EQ(tree.find(c.path), c.number) << c.path;
}

TEST(PathTree, KnowsATemplateAgainAndRefusesItsDouble) {
    PathTree tree;
    EXPECT_EQ(tree.add("/users/{user}").value(), 0U);
    EXPECT_EQ(tree.add("/users").value(), 1U);
    EXPECT_EQ(tree.add("/users/{user}").value(), 0U);
    for (const auto wrong : {"/users/{name}", "users", "", "/a b", "/%41", "/{}", "/{User}", "/{a",
                             "/a}", "/{a}x", "/{a}/{a}", "/1/2/3/4/5/6/7/8/9/10/11/12/13"}) {
        const auto added = tree.add(wrong);
        EXPECT_TRUE(!added && added.error().reason == "route.template") << wrong;
    }
    EXPECT_TRUE(tree.add("/1/2/3/4/5/6/7/8/9/10/11/12"));
}

TEST(PathTree, DecodesParametersOnce) {
    const auto parameters = parameters_of("/a/{x}/b/{y_z}", "/a/1%252F/b/%C3%A4+%20");
    ASSERT_TRUE(parameters);
    ASSERT_EQ(parameters->size(), 2U);
    EXPECT_EQ((*parameters)[0].name, "x");
    EXPECT_EQ((*parameters)[0].value, "1%2F");
    EXPECT_EQ((*parameters)[1].name, "y_z");
    EXPECT_EQ((*parameters)[1].value, "\u00e4+ ");
    EXPECT_EQ(parameters_of("/a/{x}", "/a/%0A").error().reason, "path.parameter");
    EXPECT_EQ(parameters_of("/a/{x}", "/a/%C2%85").error().reason, "path.parameter");
    EXPECT_TRUE(parameters_of("/a", "/a")->empty());
}

}  // namespace
}  // namespace gh::api
