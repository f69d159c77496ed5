#include "app/kept_copies.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "app/unseal.hpp"
#include "base/file.hpp"
#include "base/temporary_directory.hpp"
#include "base/unique_fd.hpp"
#include "vault/sealed_file.hpp"

namespace gh::app {
namespace {

vault::Barrier barrier(char seed) {
    vault::Barrier made;
    if (auto files = files_of(crypto::Secret(std::string(32, seed)))) made = *std::move(files);
    return made;
}

class KeptCopies : public testing::Test {
 protected:
    [[nodiscard]] std::filesystem::path folder() const { return home_.path() / kept_folder; }
    void put(const std::string& name, const std::string& content) const {
        std::filesystem::create_directory(folder());
        std::ofstream(folder() / name) << content;
    }
    [[nodiscard]] std::string content(const std::string& name) const {
        return read_file_at(folder() / name, kept_bytes_max).value_or("");
    }
    [[nodiscard]] Result<RenewedCopies> renew() const {
        return renew_kept_copies(home_.path(), barrier('n'), barrier('o'));
    }
    static std::string sealed(char seed, const std::string& text) {
        return vault::seal_as_file(barrier(seed), kept_kind, crypto::bytes_of(text));
    }
    TemporaryDirectory home_;
};

TEST_F(KeptCopies, AreSealedAnewAndOthersAreLeftAlone) {
    EXPECT_EQ(renew().value().sealed, 0U) << "there is no folder";
    put(".env.backup_1", sealed('o', "A=1"));
    put(".env.backup_2", sealed('n', "A=2"));
    put(".env.backup_3", sealed('x', "A=3"));
    put("state.backup", "something else");
    put("large", std::string(vault::sealed_file_magic) + std::string(kept_bytes_max, 'x'));
    std::filesystem::create_symlink(home_.path() / "outside", folder() / "link");
    std::ofstream(home_.path() / "outside") << sealed('o', "A=4");
    const auto outside = read_file_at(home_.path() / "outside", kept_bytes_max).value();
    const auto two = content(".env.backup_2"), three = content(".env.backup_3");
    const auto renewed = renew();
    ASSERT_TRUE(renewed) << describe(renewed.error());
    EXPECT_EQ(renewed->sealed, 1U);
    EXPECT_EQ(renewed->unopened, std::vector<std::string>{(folder() / ".env.backup_3").string()});
    const auto opened =
        vault::open_sealed_file(barrier('n'), kept_kind, content(".env.backup_1")).value();
    EXPECT_EQ(crypto::text_of(opened.bytes()), "A=1");
    EXPECT_FALSE(vault::open_sealed_file(barrier('o'), kept_kind, content(".env.backup_1")));
    struct stat facts{};
    ASSERT_EQ(::stat((folder() / ".env.backup_1").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U);
    EXPECT_EQ(content(".env.backup_2"), two);
    EXPECT_EQ(content(".env.backup_3"), three);
    EXPECT_EQ(content("state.backup"), "something else");
    EXPECT_EQ(read_file_at(home_.path() / "outside", kept_bytes_max).value(), outside);
    EXPECT_EQ(renew()->sealed, 0U);
}

TEST_F(KeptCopies, OneThatCannotBeReadStopsItAndIsNamed) {
    put(".env.backup_1", sealed('o', "A=1"));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(next);
    // The lowest that is free is the only one: that of the folder.
    const rlimit few{.rlim_cur = static_cast<rlim_t>(next.get()) + 1, .rlim_max = before.rlim_max};
    next = UniqueFd();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto renewed = renew();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().reason, "file.io");
    EXPECT_TRUE(
        renewed.error().detail.contains((folder() / ".env.backup_1").string() + " cannot be read"));
    EXPECT_EQ(renew().value().sealed, 1U);
}

}  // namespace
}  // namespace gh::app
