#include "crypto/scram.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"

namespace gh::crypto {
namespace {

// The exchange of RFC 7677 §3: the server's signature there is made with the server key here.
TEST(Scram, MakesWhatTheExampleOfTheRfcWants) {
    const auto salt = codec::decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value();
    const auto verifier = scram_verifier(Secret("pencil"), bytes_of(salt));
    EXPECT_EQ(verifier,
              "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
              "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
              "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST(Scram, DiffersWithSaltPasswordAndIterations) {
    const std::string one(16, 'a');
    const std::string other(16, 'b');
    const auto first = scram_verifier(Secret("pencil"), bytes_of(one));
    EXPECT_NE(first, scram_verifier(Secret("pencil"), bytes_of(other)));
    EXPECT_NE(first, scram_verifier(Secret("Pencil"), bytes_of(one)));
    EXPECT_NE(first, scram_verifier(Secret("pencil"), bytes_of(one), 8'192));
    EXPECT_EQ(first, scram_verifier(Secret("pencil"), bytes_of(one)));
}

}  // namespace
}  // namespace gh::crypto
