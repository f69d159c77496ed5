#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vault/rotation/repository.hpp"
#include "vault/secret_testing.hpp"

// What tests of the repository have in common. Only they include this.

namespace gh::vault::rotation {

using storage::run_to_end;

class RotationsTest : public SecretsTest {
 protected:
    static SystemTime at(int second) { return SystemTime(seconds(1'000'000'000 + second)); }
    static Rule rule() {
        Rule made;
        made.every = seconds(1'000);
        made.overlap = seconds(100);
        made.hold_max = seconds(200);
        return made;
    }
    Repository rotations() { return {*database, keyring_}; }
    Rotation set(const std::string& path, Rule wanted, int second = 0) {
        return run_to_end(rotations().set(path, std::move(wanted), at(second))).value();
    }
    Rotation find(const std::string& path) { return run_to_end(rotations().find(path)).value(); }
    std::optional<Claimed> claim(const std::string& path, int second) {
        return run_to_end(rotations().claim(path, at(second))).value();
    }
    static Candidate candidate(const std::string& value) {
        return {.fields = crypto::Secret("{\"value\":\"" + value + "\"}"), .role = {}};
    }
    /// A whole rotation.
    Rotation rotate(const std::string& path, const std::string& value, int second) {
        const auto claimed = claim(path, second);
        EXPECT_TRUE(claimed && claimed->step == Step::begin);
        EXPECT_TRUE(run_to_end(rotations().begin(*claimed, candidate(value), at(second))));
        return run_to_end(rotations().promote(*claimed, at(second))).value();
    }
    void use(const std::string& path, const std::string& who, std::uint64_t version, int second) {
        ASSERT_TRUE(run_to_end(rotations().note_uses({{path, who, version, at(second)}})));
    }
    std::vector<rotation::Run> runs(const std::string& path) {
        return run_to_end(rotations().runs(path, "", 1'000)).value();
    }
};

}  // namespace gh::vault::rotation
