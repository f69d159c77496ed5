#include "vault/secret_testing.hpp"

namespace gh::vault {
namespace {

using storage::run_to_end;

class SecretSettingsTest : public SecretsTest {};

INSTANTIATE_TEST_SUITE_P(Engines, SecretSettingsTest, storage::both_engines, storage::engine_name);

TEST_P(SecretSettingsTest, MakesAVersionOfTheNewest) {
    const auto revise = [&](const std::string& path, std::optional<std::uint64_t> cas = {}) {
        return run_to_end(secrets().revise(
            path,
            [](const crypto::Secret& old) -> Result<crypto::Secret> {
                const std::string text(crypto::text_of(old.bytes()));
                if (text == "no") return fail(ErrorKind::invalid_argument, "test.no");
                return crypto::Secret(text + "+" + text);
            },
            cas, at(++clock_)));
    };
    EXPECT_EQ(reason(revise("a")), "secret.unknown");
    ASSERT_TRUE(put("a", "1"));
    ASSERT_TRUE(revise("a"));
    EXPECT_EQ(value("a"), "1+1");
    EXPECT_EQ(value("a", 1), "1");
    EXPECT_EQ(reason(revise("a", 1)), "secret.cas");
    ASSERT_TRUE(revise("a", 2));
    EXPECT_EQ(value("a"), "1+1+1+1");
    ASSERT_TRUE(run_to_end(secrets().remove("a", {}, at(++clock_))));
    EXPECT_EQ(reason(revise("a")), "secret.unknown") << "the newest is deleted";
    ASSERT_TRUE(put("b", "no"));
    EXPECT_EQ(reason(revise("b")), "test.no");
    ASSERT_TRUE(put("c", std::string(secret_bytes_max, 'x')));
    EXPECT_EQ(reason(revise("c")), "secret.too_long");
    EXPECT_EQ(run_to_end(secrets().facts("c"))->current_version, 1U);
}

TEST_P(SecretSettingsTest, DeletesVersionsByThemselvesAfterTheirTime) {
    ASSERT_TRUE(put("a", "old"));
    ASSERT_TRUE(run_to_end(secrets().configure("a", {.delete_after = seconds(10)}, at(1))));
    const auto written = run_to_end(secrets().put("a", crypto::Secret("new"), {}, at(20)));
    ASSERT_TRUE(written);
    EXPECT_EQ(written->deletes_at, at(30));
    const auto value_at = [&](int second, std::uint64_t version = 0) {
        const auto opened = run_to_end(secrets().get("a", version, at(second)));
        return opened && opened->value != nullptr;
    };
    EXPECT_TRUE(value_at(29));
    EXPECT_FALSE(value_at(30));
    EXPECT_TRUE(value_at(1'000'000, 1)) << "was written before";
    EXPECT_EQ(run_to_end(secrets().facts("a"))->delete_after, seconds(10));
    ASSERT_TRUE(run_to_end(secrets().remove("a", {}, at(25))));
    EXPECT_FALSE(value_at(26)) << "sooner, by hand";
    ASSERT_TRUE(run_to_end(secrets().restore("a", {2}, at(27))));
    EXPECT_TRUE(value_at(1'000'000));
    for (const auto wrong : {seconds(-1), delete_after_max + seconds(1)}) {
        EXPECT_EQ(reason(run_to_end(secrets().configure("a", {.delete_after = wrong}, at(1)))),
                  "secret.settings");
    }
}

TEST_P(SecretSettingsTest, KeepsWhatIsSaidOfASecret) {
    const auto say = [&](SecretSettings settings) {
        return run_to_end(secrets().configure("a", std::move(settings), at(1)));
    };
    const auto said = [&] { return run_to_end(secrets().facts("a"))->custom_metadata; };
    EXPECT_EQ(reason(say({.custom_metadata = {{"x", "1"}}, .must_exist = true})), "secret.unknown");
    ASSERT_TRUE(say({.custom_metadata = {{"owner", "ada"}, {"for \"x\"", ""}}}));
    EXPECT_EQ(said(), R"({"for \"x\"":"","owner":"ada"})");
    ASSERT_TRUE(say({.cas_required = false}));
    ASSERT_TRUE(say({.custom_metadata = {{"for \"x\"", {}}, {"team", "b"}}, .must_exist = true}));
    EXPECT_EQ(said(), R"({"owner":"ada","team":"b"})");
    const auto written = put("a", "1");
    ASSERT_TRUE(written);
    EXPECT_EQ(written->custom_metadata, said());
    EXPECT_EQ(get("a")->custom_metadata, said());
    ASSERT_TRUE(say({.custom_metadata = {{"new", "1"}}, .forgets_other_metadata = true}));
    EXPECT_EQ(said(), R"({"new":"1"})");
    SecretSettings many;
    for (std::size_t i = 0; i < custom_metadata_max; ++i)
        many.custom_metadata[std::to_string(i)] = std::string(custom_metadata_text_bytes_max, 'x');
    EXPECT_EQ(reason(say(many)), "secret.settings") << "one more than may be, with what was there";
    many.forgets_other_metadata = true;
    EXPECT_TRUE(say(many));
    for (const auto& [name, text] : {std::pair<std::string, std::string>{"", "x"},
                                     {"x", "a\nb"},
                                     {"x", std::string(513, 'x')},
                                     {std::string(129, 'x'), ""}}) {
        EXPECT_EQ(reason(say({.custom_metadata = {{name, text}}, .forgets_other_metadata = true})),
                  "secret.settings");
    }
    ASSERT_TRUE(say({.forgets_other_metadata = true}));
    EXPECT_EQ(said(), "");
}

}  // namespace
}  // namespace gh::vault
