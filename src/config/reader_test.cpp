#include "config/reader.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>

#include "config/file.hpp"

namespace gh::config {
namespace {

namespace fs = std::filesystem;

class Vault : public SecretResolver {
 public:
    Result<std::string> resolve(std::string_view path, std::string_view field) override {
        if (path != "apps/backend")
            return fail(ErrorKind::not_found, "secret.unknown", "there is none");
        return std::string(field) + "-value";
    }
};

class ReferenceTest : public testing::Test {
 protected:
    ReferenceTest() {
        std::string pattern = (fs::temp_directory_path() / "gatehouse-reader-XXXXXX").native();
        folder_ = ::mkdtemp(pattern.data());
        write("secret", "from file\n");
        write("windows", "from file\r\n");
        write("two", "one\ntwo\n\n");
        write("empty", "\n");
        write("binary", std::string("a\0b", 3));
        write("large", std::string(64 * 1024 + 1, 'x'));
    }
    ~ReferenceTest() override { fs::remove_all(folder_); }

    void write(const char* name, const std::string& content) const {
        std::ofstream(folder_ / name) << content;
    }

    /// What `text` stands for, or the problem.
    std::string read(const std::string& text, SecretResolver* vault = nullptr) {
        Problems problems;
        origins_ = {};
        Reader reader(
            {.file = "f.yaml", .folder = folder_, .environment = &environment_, .resolver = vault},
            problems, origins_);
        const auto step = reader.enter("key");
        const auto scalar = reader.scalar(Node::scalar(text, true, {7, 3}), "text");
        EXPECT_EQ(scalar.has_value(), problems.empty());
        return scalar ? scalar->text : problems.text();
    }

    fs::path folder_;
    Environment environment_{std::map<std::string, std::string, std::less<>>{
        {"NAME", "value"}, {"EMPTY", ""}, {"NESTED", "${env:NAME}"}, {"BAD", "\xff"}}};
    Origins origins_;
};

TEST_F(ReferenceTest, AreFollowedInsideAnyText) {
    Vault vault;
    EXPECT_EQ(read("plain $ {} text"), "plain $ {} text");
    EXPECT_EQ(origins_.find("key"), nullptr);
    EXPECT_EQ(read("${env:NAME}"), "value");
    EXPECT_EQ(*origins_.find("key"), "${env:NAME}");
    EXPECT_EQ(read("a ${env:NAME} b ${env:NAME}"), "a value b value");
    EXPECT_EQ(read("${file:secret}"), "from file");
    EXPECT_EQ(read("${file:windows}"), "from file");
    EXPECT_EQ(read("${file:two}"), "one\ntwo\n");  // one newline is trimmed, no more
    EXPECT_EQ(read("${file:" + (folder_ / "secret").native() + "}"), "from file");
    EXPECT_EQ(read("${secret:apps/backend#password}", &vault), "password-value");
    EXPECT_EQ(read("$${env:NAME} costs $5"), "${env:NAME} costs $5");
    EXPECT_EQ(origins_.find("key"), nullptr);
    EXPECT_EQ(read("${env:NESTED}"),
              "${env:NAME}");  // what a reference holds is not looked at again
}

TEST_F(ReferenceTest, ThatCannotBeFollowedSayWhy) {
    Vault vault;
    const auto path = folder_.native();
    struct Case {
        std::string text, wanted;
    };
    const Case cases[] = {
        {"${env:NOPE}", "the environment variable NOPE is not set"},
        {"${env:EMPTY}", "the environment variable EMPTY is empty"},
        {"${env:BAD}", "the environment variable BAD does not hold UTF-8 text"},
        {"${env:NOPE:-default}",
         "\"NOPE:-default\" is not the name of a variable, allowed: letters, digits and _; there "
         "are no defaults"},
        {"${env:1}",
         "\"1\" is not the name of a variable, allowed: letters, digits and _; there are no "
         "defaults"},
        {"${env:}",
         "\"\" is not the name of a variable, allowed: letters, digits and _; there are no "
         "defaults"},
        {"${env:NAME", "a reference is not closed with }"},
        {"${NAME}",
         "\"NAME\" is no reference, allowed: ${env:NAME}, ${file:PATH}, ${secret:PATH#FIELD}"},
        {"${}", "\"\" is no reference, allowed: ${env:NAME}, ${file:PATH}, ${secret:PATH#FIELD}"},
        {"${file:}", "${file:PATH} without a path"},
        {"${file:nope}",
         "the file of a reference cannot be used: " + path + "/nope: No such file or directory"},
        {"${file:.}",
         "the file of a reference cannot be used: " + path + "/: is not a regular file"},
        {"${file:empty}", "the file \"empty\" is empty"},
        {"${file:binary}", "the file \"binary\" does not hold UTF-8 text"},
        {"${file:large}",
         "the file of a reference cannot be used: " + path + "/large: is larger than 65536 bytes"},
        {"${secret:apps/other#x}", "the secret \"apps/other#x\" cannot be read: there is none"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        EXPECT_EQ(read(c.text, &vault), "f.yaml:7: key: " + c.wanted);
    }
    EXPECT_EQ(read("${secret:apps/backend#password}"),
              "f.yaml:7: key: the vault is not configured");
}

TEST_F(ReferenceTest, ATextWithPlaceholdersKeepsThemApartFromWhatReferencesHold) {
    Problems problems;
    Reader reader({.file = "f", .folder = folder_, .environment = &environment_}, problems,
                  origins_);
    constexpr std::array<std::string_view, 1> names = {"who"};
    const auto parts =
        reader.parts(Node::scalar("a ${who} ${env:NAME}$${who}${who}"), "text", names);
    ASSERT_TRUE(parts);
    std::string shown;
    for (const auto& part : *parts)
        shown += part.placeholder ? "<" + part.text + ">" : part.text + "|";
    EXPECT_EQ(shown, "a |<who> value${who}|<who>");
    EXPECT_FALSE(reader.parts(Node::scalar("${what}"), "text", names));
    EXPECT_EQ(problems.all().back().text,
              "\"what\" is no reference, allowed: ${env:NAME}, ${file:PATH}, ${secret:PATH#FIELD}, "
              "and here ${who}");
}

TEST_F(ReferenceTest, AReaderKnowsWhereItIs) {
    Problems problems;
    Reader reader({.file = "f", .folder = folder_}, problems, origins_);
    const auto list = reader.enter("listeners");
    {
        const auto item = reader.enter(std::size_t{12});
        const auto key = reader.enter("bind");
        reader.refuse(Node::scalar("x", true, {4, 1}), "is wrong");
    }
    EXPECT_EQ(reader.path(), "listeners");
    EXPECT_EQ(problems.text(), "f:4: listeners[12].bind: is wrong");
    EXPECT_EQ(reader.resolve("a/../b"), folder_ / "b");
    EXPECT_EQ(reader.resolve("/etc/x"), "/etc/x");
}

TEST_F(ReferenceTest, APipeIsRefusedInsteadOfWaitedFor) {
    const auto pipe = folder_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const auto content = read_file(pipe, 10);
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().reason, "file.kind");
}

TEST_F(ReferenceTest, AFileMayBeExactlyAsLargeAsAllowed) {
    EXPECT_EQ(read_file(folder_ / "secret", 10), "from file\n");
    const auto smaller = read_file(folder_ / "secret", 9);
    ASSERT_FALSE(smaller);
    EXPECT_EQ(smaller.error().reason, "file.size");
}

}  // namespace
}  // namespace gh::config
