// Both ways with an implementation that shares no code with the libraries we link: the command `botan`.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "crypto/password.hpp"

namespace gh::crypto {
namespace {

/// What the program printed, without the last newline; nothing when it is not installed.
std::optional<std::string> run(std::vector<std::string> arguments) {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    pid_t child = -1;
    const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string output;
    std::array<char, 4096> part;
    for (ssize_t got; error == 0 && (got = ::read(ends[0], part.data(), part.size())) > 0;)
        output.append(part.data(), static_cast<std::size_t>(got));
    ::close(ends[0]);
    if (error != 0) return {};
    ::waitpid(child, nullptr, 0);
    if (output.ends_with('\n')) output.pop_back();
    return output;
}

class PasswordPeer : public testing::Test {
 protected:
    void SetUp() override {
        if (!run({"botan", "--version"})) GTEST_SKIP() << "botan is not installed (Debian's botan)";
    }

    const std::vector<std::string> passwords = {
        "correct horse battery staple",
        "gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9d\x84\x9e",
        "$2b$12$",
        std::string(72, 'z'),
    };
};

TEST_F(PasswordPeer, VerifiesOurArgon2id) {
    auto all = passwords;
    all.emplace_back(1024, 'z');
    for (const auto& password : all) {
        SCOPED_TRACE(password);
        const auto stored = hash_password(PasswordScheme::argon2id, Secret(password)).value();
        EXPECT_EQ(run({"botan", "check_argon2", password, stored}), "Password is valid");
        EXPECT_EQ(run({"botan", "check_argon2", password + "x", stored}), "Password is NOT valid");
    }
}

TEST_F(PasswordPeer, VerifiesOurBcrypt) {
    for (const auto& password : {passwords[1], std::string(72, 'z')}) {
        SCOPED_TRACE(password);
        const auto stored = hash_password(PasswordScheme::bcrypt, Secret(password)).value();
        EXPECT_EQ(run({"botan", "check_bcrypt", password, stored}), "Password is valid");
    }
}

TEST_F(PasswordPeer, IsVerifiedByUs) {
    for (const auto& password : passwords) {
        SCOPED_TRACE(password);
        const auto hashes = {
            run({"botan", "gen_argon2", "--mem=19456", "--t=2", "--p=1", password}),
            run({"botan", "gen_argon2", "--mem=4096", "--t=3", "--p=4", password}),
            run({"botan", "gen_bcrypt", "--work-factor=4", password}),
            run({"botan", "gen_bcrypt", "--work-factor=6", password}),
        };
        for (const auto& stored : hashes) {
            ASSERT_TRUE(stored);
            SCOPED_TRACE(*stored);
            const auto good = verify_password(Secret(password), *stored, PasswordScheme::argon2id);
            ASSERT_TRUE(good);
            EXPECT_TRUE(good->matches);
            const auto bad = verify_password(Secret("x" + password.substr(1)), *stored,
                                             PasswordScheme::argon2id);
            ASSERT_TRUE(bad);
            EXPECT_FALSE(bad->matches);
        }
    }
}

}  // namespace
}  // namespace gh::crypto
