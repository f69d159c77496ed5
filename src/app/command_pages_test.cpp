#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>

#include "app/command_table.hpp"
#include "app/completion_script.hpp"
#include "app/manual_page.hpp"

namespace gh::app {
namespace {

/// A small program with what can surprise a page.
CommandVerb small_table() {
    static std::string text;
    static bool flag = false;
    CLI::App app("Opens doors", "gatehouse");
    app.require_subcommand(1);
    auto* door = app.add_subcommand("door", "Doors");
    door->require_subcommand(1);
    auto* open = door->add_subcommand("open", "Open one");
    open->add_option("FILE", text, ".hidden \\ names, too")->required();
    open->add_option("--how-far", text, "Such as wide")
        ->required()
        ->check(CLI::IsMember({"ajar", "wide"}));
    open->add_flag("--quietly", flag, "Without a sound");
    open->footer("Example:\n  gatehouse door open front \\\n.dot\n  'quoted'");
    return command_table(app);
}

TEST(CommandTable, HoldsWhatHelpShows) {
    const auto table = small_table();
    const auto all = all_verbs(table);
    ASSERT_EQ(all.size(), 3);
    EXPECT_TRUE(all[1]->wants_verb);
    const auto& open = *all[2];
    EXPECT_EQ(open.path, "door open");
    ASSERT_EQ(open.arguments.size(), 4) << "with --help";
    EXPECT_EQ(open.arguments[0].names, (std::vector<std::string>{"-h", "--help"}));
    EXPECT_TRUE(open.arguments[1].positional && open.arguments[1].required);
    EXPECT_EQ(open.arguments[2].choices, (std::vector<std::string>{"ajar", "wide"}));
    EXPECT_EQ(placeholder_of(open.arguments[2]), "HOW_FAR");
    EXPECT_TRUE(open.arguments[2].takes_value);
    EXPECT_FALSE(open.arguments[3].takes_value);
}

TEST(ManualPage, IsPlainTextToRoff) {
    const auto page = manual_page(small_table());
    EXPECT_TRUE(page.contains(".SS \\fBgatehouse door open\\fR \\fIFILE\\fR [\\fIOPTIONS\\fR]\n"));
    EXPECT_TRUE(page.contains("\n\\&.hidden \\e names, too.\n")) << page;
    EXPECT_TRUE(
        page.contains("\\fB\\-\\-how\\-far\\fR \\fIHOW_FAR\\fR\nSuch as wide.\nOne of "
                      "ajar, wide.\nIt must be given.\n"))
        << page;
    EXPECT_TRUE(page.contains("\n.EE\n.PP\n\\&.dot.\n.PP\n.EX\n  'quoted'\n.EE\n")) << page;
    EXPECT_FALSE(page.contains("\\fB\\-\\-quietly\\fR \\fI")) << "a flag has no value";
}

TEST(CompletionScript, SaysWhichOptionsWantAValue) {
    const auto script = bash_completion(small_table());
    EXPECT_TRUE(
        script.contains("'door open') verbs='' options=' -h --help --how-far --quietly' "
                        "taking=' --how-far ' files='yes' ;;"))
        << script;
    EXPECT_TRUE(script.contains("'door open --how-far') values='ajar wide' ;;"));
    EXPECT_TRUE(zsh_completion(small_table()).starts_with("#compdef gatehouse\n"));
}

}  // namespace
}  // namespace gh::app
