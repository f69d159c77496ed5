#include "app/command_line.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/temporary_directory.hpp"

namespace gh::app {
namespace {

struct Ran {
    int code = 0;
    std::string out, err;
};

Ran run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "gatehouse");
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Ran ran;
    ran.code = run_command_line(static_cast<int>(pointers.size()), pointers.data());
    ran.out = ::testing::internal::GetCapturedStdout();
    ran.err = ::testing::internal::GetCapturedStderr();
    return ran;
}

TEST(CommandLine, WrongUsageEndsWith2AndSaysWhatIsWanted) {
    const struct {
        std::vector<std::string> arguments;
        std::string_view said;
    } cases[] = {
        {{}, "subcommand is required"},
        {{"swerve"}, "there is no swerve, allowed: serve, "},
        {{"token", "--help"}, "there is no token, allowed: serve, "},
        {{"key", "make", "--help"}, "there is no key make, allowed: create, list, rotate, revoke"},
        {{"serve", "--no-such-option"}, "--no-such-option"},
        {{"serve", "--profile", "staging", "--upstream", "http://127.0.0.1:1"}, "--profile"},
        {{"serve"}, "wants --config FILE or --upstream URL; see gatehouse serve --help"},
        {{"serve", "--config", "/nowhere/g.yaml"}, "/nowhere/g.yaml: No such file or directory"},
        {{"serve", "--config", "g.yaml", "--upstream", "http://a"},
         "--upstream: not together with"},
        {{"serve", "--upstream", "127.0.0.1:8000"}, "is not an http or https URL"},
        {{"serve", "--upstream", "http://127.0.0.1:1", "--listen", "here"}, "--listen"},
        {{"config"}, "subcommand is required"},
        {{"config", "check"}, "FILE is required"},
        {{"config", "check", "/nowhere/g.yaml"}, "/nowhere/g.yaml: No such file or directory"},
    };
    for (const auto& c : cases) {
        const auto ran = run(c.arguments);
        EXPECT_EQ(ran.code, 2) << c.said;
        EXPECT_EQ(ran.out, "") << c.said;
        EXPECT_TRUE(ran.err.contains(c.said)) << c.said << "\n" << ran.err;
    }
}

TEST(CommandLine, HelpIsNoMistakeAndShowsAnExample) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"serve", "--help"}, {"config", "check", "--help"}}) {
        const auto ran = run(arguments);
        EXPECT_EQ(ran.code, 0);
        EXPECT_TRUE(ran.out.contains("gatehouse " + arguments[0])) << ran.out;
    }
}

TEST(CommandLine, ABadConfigurationIsToldLineByLineOnStandardError) {
    const TemporaryDirectory home;
    const auto file = home.path() / "g.yaml";
    std::ofstream(file) << "listeners:\n  - {name: public, bnid: \"[::]:8443\"}\n";
    const auto ran = run({"config", "check", file.string()});
    EXPECT_EQ(ran.code, 2);
    EXPECT_TRUE(
        ran.err.contains(file.string() + ":2: listeners[0].bnid: unknown key, did you mean bind?"))
        << ran.err;
    std::ofstream(file) << "upstreams: [{name: b, endpoints: [\"http://127.0.0.1:1\"]}]\n";
    EXPECT_EQ(run({"config", "check", file.string()}).code, 0);
    EXPECT_TRUE(run({"config", "show", file.string()}).out.contains("upstreams:"));
}

TEST(CommandLine, TheVersionNamesWhatIsLinked) {
    EXPECT_TRUE(run({"version"}).out.contains("openssl   3."));
    const auto json = run({"version", "--json"}).out;
    EXPECT_TRUE(json.starts_with(R"({"version":")") && json.contains(R"("nghttp2":")")) << json;
}

}  // namespace
}  // namespace gh::app
