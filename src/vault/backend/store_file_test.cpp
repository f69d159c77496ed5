#include "vault/backend/store_file.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

StoreFile example() {
    StoreFile file;
    file.recipients = {{"dpapi", {{"blob", "AQAAANCM"}}, "sealed for him"},
                       {"recovery_key", {{"id", "x"}}, "sealed for the safe"}};
    file.sealed = {{"team/b", "octets"}, {"a", std::string("\0\xff", 2)}};
    file.proof = std::string(StoreFile::proof_bytes, 'p');
    return file;
}

std::string changed(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(StoreFile, ReadsWhatItWrote) {
    const auto text = text_of(example());
    EXPECT_TRUE(text.starts_with(R"({"version":1,"recipients":[{"kind":"dpapi",)")) << text;
    EXPECT_TRUE(text.contains(R"("secrets":[{"path":"a","sealed":"AP8="},{"path":"team/b",)"));
    const auto read = parse_store_file(text);
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_EQ(*read, example());
    auto none = example();
    none.sealed.clear();
    EXPECT_EQ(parse_store_file(text_of(none)).value(), none);
}

TEST(StoreFile, IsProvedAllButItsProof) {
    auto other = example();
    other.proof = std::string(StoreFile::proof_bytes, 'q');
    EXPECT_EQ(proved_text(example()), proved_text(other));
    other.sealed.erase("a");
    EXPECT_NE(proved_text(example()), proved_text(other));
}

TEST(StoreFile, HasOneTextOnly) {
    const auto text = text_of(example());
    const struct {
        std::string text;
        std::string_view reason;
    } cases[] = {
        {"", "store.malformed"},
        {"[]", "store.malformed"},
        {"{}", "store.malformed"},
        {text.substr(0, text.size() - 1), "store.malformed"},
        {text + " ", "store.malformed"},
        {changed(text, "\"version\":1", "\"version\":2"), "store.newer"},
        {changed(text, "\"version\":1", "\"version\":0"), "store.malformed"},
        {changed(text, "\"version\":1", "\"version\": 1"), "store.malformed"},
        {changed(text, "\"version\":1", "\"version\":1,\"more\":1"), "store.malformed"},
        {changed(text, "\"a\"", "\"../a\""), "store.malformed"},
        {changed(text, "\"a\"", "\"z\""), "store.malformed"},
        {changed(text, "\"a\"", "\"team/b\""), "store.malformed"},
        {changed(text, "\"a\"", "\"\\u0061\""), "store.malformed"},
        {changed(text, "AP8=", "AP9="), "store.malformed"},
        {changed(text, "\"sealed\":\"AP8=\"", "\"sealed\":1"), "store.malformed"},
        {changed(text, "\"dpapi\"", "\"DPAPI\""), "seal.malformed"},
        {changed(text, "\"proof\":\"cHBw", "\"proof\":\""), "store.malformed"},
        {changed(text, "\"secrets\"", "\"secret\""), "store.malformed"},
    };
    for (const auto& each : cases) {
        const auto read = parse_store_file(each.text);
        ASSERT_FALSE(read) << each.text;
        EXPECT_EQ(read.error().reason, each.reason) << each.text;
    }
}

TEST(StoreFile, HasNoMoreThanItMay) {
    auto file = example();
    for (std::size_t i = 0; i <= StoreFile::secrets_max; ++i)
        file.sealed.insert_or_assign("many/" + std::to_string(i), "x");
    EXPECT_FALSE(parse_store_file(text_of(file)));
    EXPECT_FALSE(parse_store_file(std::string(StoreFile::bytes_max + 1, ' ')));
}

}  // namespace
}  // namespace gh::vault
