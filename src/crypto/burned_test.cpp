#include "crypto/burned.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::crypto {
namespace {

TEST(SecretStrength, RefusesWhatNobodyShouldSignWith) {
    struct Case {
        std::string_view secret, reason;  // empty reason: good enough
    };
    constexpr Case cases[] = {
        {"", "secret.empty"},
        {"short", "secret.short"},
        {"k8Zq2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0Js", "secret.short"},  // 31 bytes
        {"k8Zq2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0Jsu", ""},             // 32
        {"change-me-in-production", "secret.placeholder"},
        {"CHANGE_ME_IN_PRODUCTION", "secret.placeholder"},
        {"Change Me In Production", "secret.placeholder"},
        {"YOUR_JWT_SECRET_HERE", "secret.placeholder"},
        {"YOUR_SOMETHING_ELSE_ENTIRELY_HERE", "secret.placeholder"},
        {"<put the signing secret in this place>", "secret.placeholder"},
        {"prefix-changeme-suffix-0123456789abcdef", "secret.placeholder"},
        {"your-256-bit-secret", "secret.short"},
        {"a-string-secret-at-least-256-bits-long", "secret.published"},
        {"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "secret.published"},
        {"AyM1SysPpbyfDfZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
         "secret.published"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "secret.predictable"},
        {"0123456789abcdef0123456789abcdef", "secret.predictable"},
        {"abababababababababababababababababababac", "secret.predictable"},
        {"3f1d7a9c5e2b8046d1c3f5a7092e4b6883a1d5f7c9e0b2446a8c1e3f50729b4d", ""},
        {"Xb3qk9Zr0PZyuXq0f5rH2VYl8s0m8oYwQyq6sW5kq3I=", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.secret);
        const auto checked = check_secret_strength(c.secret);
        EXPECT_EQ(checked ? "" : checked.error().reason, c.reason);
        if (!checked && !c.secret.empty()) {
            EXPECT_FALSE(checked.error().detail.contains(c.secret));
        }
    }
}

TEST(SecretStrength, CanAskForLessOfWhatSignsNothing) {
    EXPECT_TRUE(check_secret_strength("q8Zr2Vw7Rt5Yp1Xn", 16));
    EXPECT_EQ(check_secret_strength("q8Zr2Vw7Rt5Yp1X", 16).error().reason, "secret.short");
}

}  // namespace
}  // namespace gh::crypto
