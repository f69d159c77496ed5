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

TEST(PathTree, TakesAllThatIsLeftAfterEveryOtherWay) {
    const auto tree = tree_of({"/s/{path...}", "/s/{one}", "/s/x/{two}", "/s", "/s/x/y/{more...}"});
    struct Case {
        std::string_view path;
        std::optional<std::size_t> number;
    };
    const Case cases[] = {
        {"/s/a", 1},   {"/s/a/b", 0},          {"/s/a/", 0},    {"/s/a//b", 0},
        {"/s/x/b", 2}, {"/s/x/b/c", 0},        {"/s/x/y/z", 4}, {"/s/x/y/", 0},
        {"/s/x/y", 2}, {"/s/x/y/z/z", 4},      {"/s//a", 0},    {"/s/", std::nullopt},
        {"/s", 3},     {"/t/a", std::nullopt},
    };
    for (const auto& c : cases) EXPECT_EQ(tree.find(c.path), c.number) << c.path;
    PathTree other;
    for (const auto wrong : {"/s/{path...}/x", "/s/{...}", "/s/{path..}", "/{a...}/{b...}"})
        EXPECT_FALSE(other.add(wrong)) << wrong;
    EXPECT_TRUE(other.add("/s/{path...}"));
    EXPECT_FALSE(other.add("/s/{name...}")) << "cannot be told from the first";
}

TEST(PathTree, DecodesAllThatIsLeftSegmentBySegment) {
    const auto value = [](std::string_view path) {
        const auto parameters = parameters_of("/s/{path...}", path);
        return parameters ? (*parameters)[0].value : std::string(parameters.error().reason);
    };
    EXPECT_EQ(value("/s/team/data%20base"), "team/data base");
    EXPECT_EQ(value("/s/team/"), "team/");
    EXPECT_EQ(value("/s/%252F"), "%2F");
    EXPECT_EQ(value("/s/a%2Fb"), "path.parameter");
    EXPECT_EQ(value("/s/a/b%2F"), "path.parameter");
    EXPECT_EQ(value("/s/a/%0A"), "path.parameter");
    EXPECT_EQ(names_in("/s/{a}/{path...}"), (std::vector<std::string_view>{"a", "path"}));
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
