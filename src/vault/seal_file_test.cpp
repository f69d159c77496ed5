#include "vault/seal_file.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

TEST(SealFile, IsReadAsItIsWritten) {
    SealFile file;
    file.recipients.push_back(
        {.kind = "key_file", .parameters = {}, .sealed = std::string("\0\1\xff", 3)});
    file.recipients.push_back({.kind = "passphrase",
                               .parameters = {{"salt", "c2FsdA=="}, {"memory_kib", "8"}},
                               .sealed = "x"});
    EXPECT_EQ(parse_seal_file(text_of(file)), file);
    file.keys_sealed = "proof";
    EXPECT_EQ(parse_seal_file(text_of(file)), file);
    EXPECT_EQ(*file.recipients[1].parameter("memory_kib"), "8");
    EXPECT_EQ(file.recipients[1].parameter("passes"), nullptr);
}

TEST(SealFile, RefusesEverythingElse) {
    const std::string good = R"({"kind":"key","parameters":{},"sealed":"AAAA"})";
    const auto whole = [](const std::string& recipients, const std::string& more = "") {
        return R"({"version":1,"recipients":[)" + recipients + "]" + more + "}";
    };
    ASSERT_TRUE(parse_seal_file(whole(good)));
    std::string many = good;
    for (std::size_t i = 1; i < SealFile::recipients_max; ++i) many += "," + good;
    ASSERT_TRUE(parse_seal_file(whole(many)));
    const std::string cases[] = {
        "",
        "{}",
        "[]",
        R"({"version":0,"recipients":[)" + good + "]}",
        R"({"version":"1","recipients":[)" + good + "]}",
        whole(""),
        whole(many + "," + good),
        whole(good, R"(,"more":1)"),
        whole(good, R"(,"keys_sealed":"")"),
        whole(good, R"(,"keys_sealed":"!")"),
        whole(good, R"(,"keys_sealed":1)"),
        whole("1"),
        whole(R"({"parameters":{},"sealed":"AAAA"})"),
        whole(R"({"kind":"","parameters":{},"sealed":"AAAA"})"),
        whole(R"({"kind":"A B","parameters":{},"sealed":"AAAA"})"),
        whole(R"({"kind":"key","sealed":"AAAA"})"),
        whole(R"({"kind":"key","parameters":[],"sealed":"AAAA"})"),
        whole(R"({"kind":"key","parameters":{"salt":1},"sealed":"AAAA"})"),
        whole(R"({"kind":"key","parameters":{"a b":"1"},"sealed":"AAAA"})"),
        whole(R"({"kind":"key","parameters":{}})"),
        whole(R"({"kind":"key","parameters":{},"sealed":"A"})"),
        whole(R"({"kind":"key","parameters":{},"sealed":"AAAA","more":1})"),
        whole(good) + "x",
        std::string(SealFile::bytes_max + 1, ' '),
    };
    for (const auto& text : cases) {
        const auto file = parse_seal_file(text);
        ASSERT_FALSE(file) << text;
        EXPECT_EQ(file.error().reason, "seal.malformed");
    }
}

TEST(SealFile, WithAFormerMasterKeyIsOfAVersionThatNobodyOverlooks) {
    SealFile file;
    file.recipients.push_back({.kind = "key", .parameters = {}, .sealed = "x"});
    EXPECT_TRUE(text_of(file).starts_with(R"({"version":1,)"));
    file.former = "the one before";
    file.keys_sealed = "proof";
    EXPECT_TRUE(text_of(file).starts_with(R"({"version":2,)"));
    EXPECT_EQ(parse_seal_file(text_of(file)), file);
    const std::string recipients =
        R"("recipients":[{"kind":"key","parameters":{},"sealed":"AAAA"}])";
    for (const auto* bad :
         {R"({"version":1,"former":"AAAA",)", R"({"version":2,)", R"({"version":2,"former":"",)",
          R"({"version":2,"former":1,)", R"({"version":2,"former":"!",)"})
        EXPECT_EQ(parse_seal_file(bad + recipients + "}").error().reason, "seal.malformed") << bad;
}

TEST(SealFile, OfANewerVersionIsNotDamaged) {
    for (const auto* text : {R"({"version":3,"recipients":[],"more":1})", R"({"version":300})"}) {
        const auto file = parse_seal_file(text);
        ASSERT_FALSE(file) << text;
        EXPECT_EQ(file.error().reason, "seal.newer");
        EXPECT_TRUE(file.error().detail.contains("newer gatehouse"));
    }
}

}  // namespace
}  // namespace gh::vault
